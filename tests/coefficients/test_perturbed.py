"""Perturbed polynomials: safe, near the one given, and the same for the same seed."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matrl.coefficients import minimax_coefficients, perturbed_coefficients
from matrl.errors import InputError


def least_and_most(root_index, coefficients, upper):
    x = np.concatenate([np.linspace(0.0, upper, 4001), np.geomspace(1e-9, 1.0, 200) * upper])
    p = np.polyval(coefficients[::-1], x**root_index)
    return float(p.min()), float((x * p).max())


@given(
    st.integers(1, 4),
    st.integers(0, 4),
    st.floats(-4.0, -0.05),
    st.sampled_from([1.0, 0.1, 2.5]),
    st.sampled_from([0.01, 0.1, 3.0]),
    st.integers(0, 2**63 - 1),
)
@settings(max_examples=60, deadline=None)
def test_always_safe_and_always_the_same(root_index, degree, lower, upper, spread, seed):
    given_ = minimax_coefficients(root_index, degree, 10.0**lower * upper, upper)
    found = perturbed_coefficients(root_index, given_, upper, spread=spread, seed=seed)
    assert found == perturbed_coefficients(root_index, given_, upper, spread=spread, seed=seed)
    least, most = least_and_most(root_index, found, upper)
    before = least_and_most(root_index, given_, upper)
    assert least > 0.0
    # Of the map, h(x) >= x/(100 upper) or half of what the given one does.
    assert least >= min(0.01 / upper, before[0] / 2.0) * 0.99  # a grid
    assert most <= max(2.0, before[1]) * (1.0 + 1e-6)


def test_another_seed_is_another_polynomial_as_near_as_asked():
    given_ = minimax_coefficients(2, 2, 0.3, 1.0)
    near, far = (
        [perturbed_coefficients(2, given_, 1.0, spread=s, seed=i) for i in range(20)]
        for s in (1e-3, 1e-2)
    )
    assert len(set(near)) == 20
    distances = [np.linalg.norm(np.array(one) - given_, axis=1).mean() for one in (near, far)]
    assert 5.0 < distances[1] / distances[0] < 15.0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"polynomial": ()}, "polynomial is empty"),
        ({"polynomial": (1.0, -2.0)}, "polynomial is not positive on"),
        ({"upper": 0.0}, "upper"),
        ({"upper": 1e200}, "upper is 1e\\+200"),
        ({"spread": -1.0}, "spread"),
        ({"seed": -1}, "seed"),
        ({"root_index": 0}, "root_index"),
    ],
)
def test_what_makes_no_sense_is_refused(change, message):
    arguments = {"root_index": 2, "polynomial": (1.5, -0.5), "upper": 1.0, "spread": 0.1, "seed": 0}
    with pytest.raises(InputError, match=message):
        perturbed_coefficients(**{**arguments, **change})
