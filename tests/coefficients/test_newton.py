"""Scaled Newton steps."""

import math
from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from matrl.coefficients import (
    byers_xu_scaling,
    byers_xu_scalings,
    determinantal_scaling,
    dynamically_weighted_halley,
    newton_scaling,
    norm_scaling,
)
from matrl.errors import InputError


def newton_map(x: float, scaling: float, centre: float) -> float:
    """Return x p(x^2)."""
    return centre * (scaling * x + 1.0 / (scaling * x)) / 2.0


def test_known_value() -> None:
    assert newton_scaling(0.25, 4.0) == (1.0, 0.64)


def test_point_is_sent_to_one() -> None:
    scaling, centre = newton_scaling(3.0, 3.0)
    assert centre == pytest.approx(1.0, rel=1e-15)
    assert newton_map(3.0, scaling, centre) == pytest.approx(1.0, rel=1e-15)


@given(st.floats(-14.0, 0.0), st.floats(-3.0, 3.0), st.floats(0.0, 1.0))
def test_image_is_centred(exponent: float, size: float, where: float) -> None:
    upper = 10.0**size
    lower = upper * 10.0**exponent
    scaling, centre = newton_scaling(lower, upper)
    error = 1.0 - centre
    for end in (lower, upper):
        assert newton_map(end, scaling, centre) == pytest.approx(1.0 + error, rel=1e-14)
    middle = math.sqrt(lower) * math.sqrt(upper)
    assert newton_map(middle, scaling, centre) == pytest.approx(1.0 - error, rel=1e-14)
    inside = lower * (upper / lower) ** where
    assert abs(newton_map(inside, scaling, centre) - 1.0) <= error + 1e-14


def test_bad_interval() -> None:
    with pytest.raises(InputError, match=r"^lower is 0.0, which is not positive; pass"):
        newton_scaling(0.0, 1.0)
    with pytest.raises(InputError, match=r"^upper is 5e-324, so far from 1"):
        newton_scaling(5e-324, 5e-324)


def newton_image(ratio: Any) -> Any:
    """Return upper/lower after an optimally scaled step, from upper/lower before."""
    root = mpmath.sqrt(ratio)
    return (root + 1 / root) / 2


def steps_needed(kappa: float) -> int:
    """Return by fifty digits how many steps take upper/lower from kappa to 1 + 1e-15."""
    with mpmath.workdps(50):
        ratio, steps = mpmath.mpf(kappa), 0
        while ratio - 1 > mpmath.mpf("1e-15"):
            ratio, steps = newton_image(ratio), steps + 1
        return steps


@pytest.mark.parametrize(
    ("exponent", "known"), [(2, 6), (4, 7), (6, 7), (8, 8), (10, 8), (12, 8), (14, 8), (16, 9)]
)
def test_step_counts_of_both_scalings(exponent: int, known: int) -> None:
    kappa = 10.0**exponent
    assert steps_needed(kappa) == known
    for rule in (newton_scaling, byers_xu_scaling):
        lower, upper, steps = 1.0 / kappa, 1.0, 0
        while upper - lower > 1e-15 and steps < 20:
            scaling, centre = rule(lower, upper)
            greatest = newton_map(upper, scaling, centre)
            lower, upper, steps = centre, max(centre, greatest), steps + 1
        assert steps == known


@pytest.mark.parametrize(
    ("exponent", "known"), [(2, 4), (4, 4), (6, 5), (8, 5), (10, 5), (12, 5), (14, 6), (16, 6)]
)
def test_halley_step_counts(exponent: int, known: int) -> None:
    lower, steps = 10.0**-exponent, 0
    while 1.0 - lower > 1e-15:
        p = dynamically_weighted_halley(lower, 1.0)
        m = lower * lower
        lower = min(1.0, lower * (p.constant + p.weights[0] / (m + p.shifts[0])))
        steps += 1
    assert steps == known


@pytest.mark.parametrize("kappa", [1.0, 1.5, 1e2, 1e6, 1e16])
@pytest.mark.parametrize("lower", [1e-3, 1.0, 70.0])
def test_byers_xu_recurrence_is_the_scaling_of_the_ranges(lower: float, kappa: float) -> None:
    bounds = (lower, lower * kappa)
    known = byers_xu_scalings(*bounds, 9)
    assert byers_xu_scalings(*bounds, 1) == known[:1]
    for mu in known:
        scaling, centre = byers_xu_scaling(*bounds)
        assert centre == 1.0
        assert scaling == pytest.approx(mu, rel=1e-13)
        bounds = (1.0, max(1.0, newton_map(bounds[1], scaling, 1.0)))
    assert bounds[1] == pytest.approx(1.0, abs=1e-15)


@given(st.floats(0.0, 16.0), st.floats(0.0, 1.0))
def test_byers_xu_sends_every_value_to_one_in_nine_steps(exponent: float, where: float) -> None:
    kappa = 10.0**exponent
    x = kappa**where
    for mu in byers_xu_scalings(1.0, kappa, 9):
        x = newton_map(x, mu, 1.0)
    assert x == pytest.approx(1.0, abs=2e-15)


def test_determinantal_scaling_is_that_of_the_determinant() -> None:
    rng = np.random.default_rng(5)
    matrix = rng.standard_normal((7, 7))
    singular = np.linalg.svd(matrix, compute_uv=False).tolist()
    scaling, centre = determinantal_scaling(singular, [1.0 / 7] * 7)
    assert centre == 1.0
    assert scaling == pytest.approx(abs(np.linalg.det(matrix)) ** (-1.0 / 7), rel=1e-13)
    # values whose product is no float
    huge = determinantal_scaling([1e300] * 4 + [1e299], [0.2] * 5)[0]
    assert huge == pytest.approx(10.0**-299.8, rel=1e-12)
    assert determinantal_scaling([2.0, 1e-300], [1.0, 0.0])[0] == pytest.approx(0.5, rel=1e-15)


@pytest.mark.parametrize("seed", range(5))
def test_norm_scaling_against_matrices(seed: int) -> None:
    rng = np.random.default_rng(seed)
    size = 6
    matrix = rng.standard_normal((size, size)) * 10.0 ** rng.uniform(-3, 3, size)
    inverse = np.linalg.inv(matrix)
    singular = np.linalg.svd(matrix, compute_uv=False)
    scaling, centre = norm_scaling(singular.tolist(), [1.0 / size] * size)
    assert centre == 1.0
    frobenius = math.sqrt(float(np.linalg.norm(inverse) / np.linalg.norm(matrix)))
    condition = float(singular[0] / singular[-1])
    assert scaling == pytest.approx(frobenius, rel=1e-15 * size * condition)

    def product(a: NDArray[Any]) -> float:
        return float(np.linalg.norm(a, 1) * np.linalg.norm(a, np.inf))

    higham = (product(inverse) / product(matrix)) ** 0.25
    assert size**-0.5 <= scaling / higham <= size**0.5
    optimal = newton_scaling(float(singular[-1]), float(singular[0]))[0]
    assert size**-0.25 * (1 - 1e-12) <= scaling / optimal <= size**0.25 * (1 + 1e-12)


@given(
    st.lists(st.tuples(st.floats(-150.0, 150.0), st.floats(0.01, 1.0)), min_size=1, max_size=6),
    st.integers(-30, 30),
)
def test_sample_scalings_lie_within_the_spectrum_and_scale(
    sample: list[tuple[float, float]], power: int
) -> None:
    total = sum(share for _, share in sample)
    x = [10.0**exponent for exponent, _ in sample]
    weights = [share / total for _, share in sample]
    factor = 2.0**power
    for rule in (determinantal_scaling, norm_scaling):
        scaling, centre = rule(x, weights)
        assert centre == 1.0
        assert scaling * max(x) >= 1.0 - 1e-12
        assert scaling * min(x) <= 1.0 + 1e-12
        scaled = rule([factor * value for value in x], weights)[0]
        assert scaled * factor == pytest.approx(scaling, rel=1e-12)
        if len(x) == 1:
            assert scaling * x[0] == pytest.approx(1.0, rel=1e-12)


def test_bad_samples() -> None:
    for rule in (determinantal_scaling, norm_scaling):
        with pytest.raises(InputError, match=r"^x is or holds 'empty'; pass at least one"):
            rule([], [])
        with pytest.raises(InputError, match=r"^x is or holds 0.0; pass at least one"):
            rule([0.0, 1.0], [0.5, 0.5])
        with pytest.raises(InputError, match=r"^weights has 1 entries for 2 of x"):
            rule([1.0, 2.0], [1.0])
        with pytest.raises(InputError, match=r"^weights sum to 2.0 .*divide them by their sum"):
            rule([1.0, 2.0], [1.0, 1.0])
        with pytest.raises(InputError, match=r"^weights sum to 1.0 with least -1.0"):
            rule([1.0, 2.0], [2.0, -1.0])
    with pytest.raises(InputError, match=r"^steps is 0, out of range"):
        byers_xu_scalings(0.1, 1.0, 0)
