"""Many maps at once against the scalar reading of each."""

import numpy as np
import pytest

from matrl.iterations import UPDATES, DirectMethod
from matrl.iterations.update import Samples
from matrl.readings.maps import apply_maps, as_ratio, powers
from matrl.readings.scalar import apply_update


def updates_for(root_index):
    every = [update for update in UPDATES if not isinstance(update, DirectMethod)]
    return [update for update in every if update.supports(root_index)]


@pytest.mark.parametrize("k", [1, 2, 3, 7])
@pytest.mark.parametrize("ratio", [1e-5, 0.3, 0.999, 1.0])
def test_maps_are_those_of_the_scalar_reading(k, ratio):
    upper = 1.3
    x = np.geomspace(ratio, 1.0, 40) * upper
    samples = Samples(x, np.ones(40), np.full(40, 1.0 / 40))
    checked = 0
    for update in updates_for(k):
        coefficients = tuple(update.coefficients(k, ratio * upper, upper, samples))
        numerator, denominator = as_ratio(update, np.array(coefficients), k)
        below = None if denominator is None else denominator[None]
        found = apply_maps(k, x, numerator[None], below)[0]
        size = 1.0
        if update.kind == "polynomial":
            size = sum(abs(c) * upper ** (1 + k * i) for i, c in enumerate(coefficients))
        expected = apply_update(update, k, coefficients, x)
        np.testing.assert_allclose(found, expected, rtol=1e-13, atol=1e-15 * size)
        checked += 1
    assert checked >= 15


def test_states_and_maps_are_broadcast():
    x = np.random.default_rng(0).uniform(0.1, 1.0, (3, 5))
    c = np.random.default_rng(1).uniform(0.1, 1.0, (3, 4, 2))
    d = np.random.default_rng(2).uniform(0.1, 1.0, (3, 4, 2))
    found = apply_maps(3, x, c, d)
    assert found.shape == (3, 4, 5)
    m = x[1, 2] ** 3
    expected = x[1, 2] * (c[1, 3, 0] + c[1, 3, 1] * m) / (d[1, 3, 0] + d[1, 3, 1] * m)
    assert found[1, 3, 2] == pytest.approx(expected, rel=1e-14)
    out = np.empty((3, 4, 5))
    assert apply_maps(3, x, c, d, m_powers=powers(3, x, 6), out=out) is out
    np.testing.assert_allclose(out, found, rtol=1e-15)


def test_a_point_far_above_leaves_a_rational_map_finite():
    c, d = np.array([[1.0, 0.5]]), np.array([[2.0, 1.0]])
    assert apply_maps(64, np.array([1e8]), c, d)[0, 0] == pytest.approx(0.5e8, rel=1e-12)
