"""Safe polynomials near a safe one, drawn at random."""

from collections.abc import Sequence

import numpy as np

from matrl.coefficients._arguments import checked_integer, checked_number, checked_positive
from matrl.coefficients._composition import perturbed
from matrl.coefficients._safety import SafetyRule, extremes
from matrl.coefficients._schedule import in_units, unscaled
from matrl.errors import InputError

_FLOOR = 0.01


def perturbed_coefficients(
    root_index: int,
    polynomial: Sequence[float],
    upper: float,
    *,
    spread: float,
    seed: int,
    cap: float = 2.0,
) -> tuple[float, ...]:
    """Return a safe polynomial near another one, the same for the same seed.

    Its coefficients in T_j(2 m/upper^k - 1) differ by normal deviates of deviation ``spread`` times
    the norm of all. On (0, upper] h(x) = x p(x^k) stays above x/(100 upper), or half of what the
    given map does where that is less, and at most at ``cap`` or where the given map goes; what
    would leave that is drawn back towards the given polynomial.

    Args:
        root_index: k, at least 1.
        polynomial: c_0..c_d by powers of m; p > 0 on [0, upper^k].
        upper: end of the interval the result is safe on, positive.
        spread: size of the perturbation, positive.
        seed: of the deviates, at least 0.
        cap: upper bound of h.

    Raises:
        InputError: an argument is out of its range, or the polynomial given is not safe.

    Source: Gaussian variations of continuous actions, Couetoux et al. (2011),
    doi:10.1007/978-3-642-25566-3_32.

    >>> p = perturbed_coefficients(2, (1.5, -0.5), 1.2, spread=0.1, seed=0)
    >>> p == perturbed_coefficients(2, (1.5, -0.5), 1.2, spread=0.1, seed=0)
    True
    >>> p[0] > 0, p[0] + p[1] * 1.2**2 > 0
    (True, True)
    """
    root_index = checked_integer("root_index", root_index, 1)
    seed = checked_integer("seed", seed, 0)
    upper, spread, cap = (
        checked_positive(name, value)
        for name, value in (("upper", upper), ("spread", spread), ("cap", cap))
    )
    given = tuple(checked_number("polynomial", c, "pass finite floats") for c in polynomial)
    if not given:
        raise InputError("polynomial is empty; pass at least the constant coefficient")
    q = in_units(root_index, given, upper)
    if not np.isfinite(q).all():
        raise InputError(
            f"upper is {upper!r}, so far from 1 that p overflows; scale x so that upper is near 1"
        )
    least, most = extremes(root_index, q)
    if least <= 0.0:
        raise InputError(
            f"polynomial is not positive on [0, upper^k], upper = {upper!r}; pass one that is safe"
        )
    rule = SafetyRule(root_index, min(_FLOOR, least / 2.0), max(cap, most * (1.0 + 1e-9)))
    (moved,) = perturbed((rule,), (q,), spread, np.random.default_rng(seed))
    found = unscaled(root_index, (moved,), [upper, 1.0])
    return given if found is None else found[0]
