"""Degree the inverse takes."""

import mpmath
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matrl.coefficients import chebyshev_degree, minimax_coefficients
from matrl.errors import InputError, ToleranceError


@pytest.mark.parametrize("lower", [1e-14, 1e-6, 1e-3, 0.5, 0.999, 1 - 1e-9, 1 - 1e-12])
@pytest.mark.parametrize("tol", [1e-15, 1e-4, 0.5, 0.999999])
def test_against_fifty_digits(lower: float, tol: float) -> None:
    with mpmath.workdps(50):
        low, wanted = mpmath.mpf(lower), mpmath.mpf(tol)
        degree = mpmath.acosh(1 / wanted) / mpmath.acosh((1 + low) / (1 - low))
        assert abs(chebyshev_degree(lower, 1.0, tol) / degree - 1) < 1e-15


@pytest.mark.parametrize("degree", range(1, 9))
def test_is_the_degree_of_the_minimax_residual(degree: int) -> None:
    lower, upper = 0.5, 4.0
    coefficients = minimax_coefficients(1, degree, lower, upper)
    error = 1.0 - lower * sum(c * lower**i for i, c in enumerate(coefficients))
    assert chebyshev_degree(lower, upper, error) == pytest.approx(degree + 1, rel=1e-9)


def test_point_takes_nothing() -> None:
    assert chebyshev_degree(2.0, 2.0, 1e-12) == 0.0


@given(st.floats(1e-12, 1.0), st.floats(1e-14, 0.9), st.integers(-30, 30))
def test_scaling_invariance(lower: float, tol: float, power: int) -> None:
    degree = chebyshev_degree(lower, 1.0, tol)
    assert degree >= 0.0
    assert chebyshev_degree(lower * 2.0**power, 2.0**power, tol) == degree


@pytest.mark.parametrize("tol", [0.0, 1.0, -1.0, 2.0])
def test_bad_tolerance(tol: float) -> None:
    with pytest.raises(ToleranceError, match=r"^tol is .*outside.*pass a float between 0 and 1"):
        chebyshev_degree(0.1, 1.0, tol)


def test_bad_interval() -> None:
    with pytest.raises(InputError, match=r"^lower is 2.0, which exceeds upper = 1.0; swap"):
        chebyshev_degree(2.0, 1.0, 0.1)
    with pytest.raises(InputError, match=r"^tol is nan, which is not finite"):
        chebyshev_degree(0.5, 1.0, float("nan"))
