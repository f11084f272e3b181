"""The competitors compute what they claim to."""

import numpy as np
import pytest

from matrl.demo.routes import ROUTES
from matrl.execute.accuracy import eigenvalue_error
from matrl.functions import FUNCTIONS


def matrix(condition, n=40):
    vectors, _ = np.linalg.qr(np.random.default_rng(2).standard_normal((n, n)))
    a = (vectors * np.geomspace(1.0 / condition, 1.0, n)) @ vectors.T
    return (0.5 * (a + a.T)).astype(np.float32)


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
def test_routes_agree_with_the_reference(route):
    a = matrix(1e2)
    value = route.run(a.copy())
    assert value.dtype == np.float32
    assert value.shape == a.shape
    assert eigenvalue_error(FUNCTIONS.get("invsqrt"), a, value) < 1e-3


def test_names_are_unique():
    assert len({route.name for route in ROUTES}) == len(ROUTES)


@pytest.mark.parametrize(
    "route", [r for r in ROUTES if "inv" not in r.name], ids=lambda route: route.name
)
def test_an_indefinite_matrix_gives_no_number_and_no_warning(route):
    value = route.run(np.diag([-1.0, 1.0, 2.0]).astype(np.float32))
    assert not np.all(np.isfinite(value))
