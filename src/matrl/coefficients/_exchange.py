"""Exchange of reference points for the best x p(x^k) on [ratio, 1].

With m = c (1 + rho y), y in [-1, 1], the unknown is not p but its distance from the Taylor
polynomial T of degree d of the inverse root at c, p = T + rho^(d+1) delta(y). The inverse root
itself is T + rho^(d+1) R(y), so the error x p - 1 is rho^(d+1) x (delta - R) with delta and R of
ordinary size however narrow the interval is, even a point. As T + k m T' is a multiple of
(m - c)^d, the error's derivative is rho^d times the polynomial
rho delta + k (1 + rho y) delta' + (1 + k d) t_d y^d, t_d the Taylor coefficient in powers of rho y.
Its d roots lie between the reference points whenever the levelled error is positive.
"""

import math

import numpy as np
from numpy.typing import NDArray

_Array = NDArray[np.float64]
_SERIES_REACH = 0.5  # up to this rho R comes from its series, above from a difference
_LEVEL = 1e-13
_STEPS = 40


def exchange(root_index: int, degree: int, ratio: float) -> tuple[float, ...]:
    """Return c_0..c_d, by powers of m, of the best p on [ratio, 1] for degree >= 1."""
    lowest = ratio**root_index
    centre = (1.0 + lowest) / 2.0
    rho = -math.expm1(root_index * math.log(ratio)) / 2.0 / centre
    inverse_root = centre ** (-1.0 / root_index)
    ends = (ratio * inverse_root, inverse_root)
    terms = _terms(degree, rho)
    taylor = _taylor(root_index, terms)

    def errors_of(points: _Array) -> tuple[_Array, _Array]:
        """Return x y^j and x R(y) at the reference points, x in units of c^(1/k)."""
        roots = (1.0 + rho * points) ** (1.0 / root_index)
        roots[0], roots[-1] = ends
        powers = points[:, None] ** np.arange(terms)
        scaled = taylor * rho ** np.arange(terms)
        if rho <= _SERIES_REACH:
            tail = taylor[degree + 1 :] * rho ** np.arange(terms - degree - 1)
            remainder = roots * (powers[:, degree + 1 :] @ tail)
        else:
            known = powers[:, : degree + 1] @ scaled[: degree + 1]
            remainder = (1.0 - roots * known) / rho ** (degree + 1)
        return roots[:, None] * powers[:, : degree + 1], remainder

    points = -np.cos(np.arange(degree + 2) * (math.pi / (degree + 1)))
    signs = (-1.0) ** np.arange(degree + 2)
    matrix, remainder = errors_of(points)
    least, level = math.inf, -math.inf
    best: _Array = np.zeros(degree + 1)
    for _ in range(_STEPS):
        levelled = np.linalg.solve(np.column_stack((matrix, signs)), remainder)
        solution = np.asarray(levelled, dtype=np.float64)
        delta, reached = solution[:-1], float(solution[-1])
        if least == math.inf:
            best = delta
        moved = _critical_points(root_index, degree, rho, float(taylor[degree]), delta)
        if moved is None:
            break
        points[1:-1] = moved
        matrix, remainder = errors_of(points)
        greatest = float(np.max(np.abs(matrix @ delta - remainder)))
        if not (reached > level or greatest < least):
            break  # in exact arithmetic each exchange raises the level
        if greatest < least:
            least, best = greatest, delta
        level = max(level, reached)
        if greatest - level <= _LEVEL * level:
            break
    return _monomials(best, taylor, rho, centre, inverse_root)


def _terms(degree: int, rho: float) -> int:
    """Return how many Taylor coefficients the remainder's series takes."""
    if rho > _SERIES_REACH:
        return degree + 1
    return degree + 3 + math.ceil(38.0 / -math.log(max(rho, 1e-17)))


def _taylor(root_index: int, terms: int) -> _Array:
    """Return binomial(-1/k, n) for n = 0..terms-1."""
    order = np.arange(1.0, terms)
    return np.concatenate(([1.0], np.cumprod(-(1.0 / root_index + order - 1.0) / order)))


def _critical_points(
    root_index: int, degree: int, rho: float, last: float, delta: _Array
) -> _Array | None:
    """Return the d critical points in (-1, 1), increasing, or None if rounding hides one."""
    index = np.arange(degree + 1)
    derivative = rho * (1 + root_index * index) * delta
    derivative[:-1] += root_index * index[1:] * delta[1:]
    derivative[-1] += (1 + root_index * degree) * last
    companion = np.eye(degree, k=-1)
    companion[:, -1] = -derivative[:-1] / derivative[-1]
    if not np.isfinite(companion).all():
        return None
    found = np.asarray(np.linalg.eigvals(companion), dtype=np.complex128)
    roots = np.sort(found.real)
    if np.abs(found.imag).max() > 1e-6 or not -1.0 < roots[0] <= roots[-1] < 1.0:
        return None
    return roots


def _monomials(
    delta: _Array, taylor: _Array, rho: float, centre: float, inverse_root: float
) -> tuple[float, ...]:
    """Return T + rho^(d+1) delta by powers of m."""
    degree = delta.size - 1
    power = np.arange(degree + 1)
    shifted = (taylor[: degree + 1] + rho ** (degree + 1.0 - power) * delta).tolist()
    # sum shifted_j (m/c - 1)^j, by Horner's rule on polynomials
    result: list[float] = [shifted[-1]]
    for coefficient in reversed(shifted[:-1]):
        result = [above - here for above, here in zip([0.0, *result], [*result, 0.0], strict=True)]
        result[0] += coefficient
    return tuple(value * inverse_root / centre**order for order, value in enumerate(result))
