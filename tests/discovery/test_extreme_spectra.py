"""Extreme spectra are computed or refused by name, never a traceback or a warning."""

import numpy as np
import pytest

from matrl import Problem, Spectrum, discover
from matrl.errors import InputError, UnreachableError


@pytest.mark.parametrize("function", ["sign", "polar", "inv", "invroot-3", "sqrt+invsqrt"])
@pytest.mark.parametrize(
    "ends", [(1e-300, 1e300), (5e-324, 1e-323), (1e-300, 1.0), (1e-30, 1.0), (1e300, 1.7e308)]
)
@pytest.mark.parametrize("kind", ["interval", "samples"])
def test_no_reading_sees_a_condition_it_overflows_on(
    function: str, ends: tuple[float, float], kind: str
) -> None:
    spectrum = Spectrum.interval(*ends) if kind == "interval" else Spectrum.samples(np.array(ends))
    with pytest.raises(InputError, match=rf"^{kind}: .*(scale|ridge)"):
        Problem(function, spectrum, shape=(24, 24))


@pytest.mark.parametrize("function", ["sqrt", "root-3"])
@pytest.mark.parametrize("lower", [5e-324, 1e-300, 1e-30])
def test_a_tiny_lower_end_is_not_taken_for_an_underflowed_zero(
    function: str, lower: float, make_profile
) -> None:
    spectrum = Spectrum.interval(lower, 1e3)
    problem = Problem(function, spectrum, tol=1e-2, shape=(24, 24), norm="spectral")
    plan = discover(problem, profile=make_profile(n=24), nodes=60).plan
    assert plan.domain.lower == lower
    assert plan.predicted.error <= 1e-2


@pytest.mark.parametrize("function", ["sign", "inv"])
@pytest.mark.parametrize("kind", ["interval", "samples"])
def test_a_condition_just_allowed_raises_no_warning(function: str, kind: str, make_profile) -> None:
    ends = (1.1e-24, 1.0)
    spectrum = Spectrum.interval(*ends) if kind == "interval" else Spectrum.samples(ends)
    problem = Problem(function, spectrum, tol=1e-4, shape=(24, 24))
    # One rule that fits to samples shows as much as all of them, which take a while.
    allow = "*" if kind == "interval" else ("eigh", "cholesky", "fitted-3", "minimax-*", "newton")
    with pytest.raises(UnreachableError):
        discover(problem, profile=make_profile(n=24), allow=allow, nodes=60)
