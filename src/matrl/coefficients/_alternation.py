"""Equioscillation of the best x p(x^k), p of type (r, r), on an interval symmetric in log x.

With m = x^k and t = log m measured from the middle of the range, the range is [-T, T]. Dividing the
error's largest ratio max h/min h evenly is the same problem as the best |h - 1| (centring settles
the rest), and there the best h is unique, so 1/h(1/x) is h: zeros and poles of p mirror each other.
With shifts e^(a_j),

    G(t) = log h = t/k + sum_j log(cosh((t + a_j)/2)/cosh((t - a_j)/2)),

which is odd. It has r critical points in (0, T), where with T it takes the values -+e, ..., +e.
Newton's method solves for a and e with the critical points following: as G is stationary there,
their motion changes G only to second order, and convergence is quadratic.
"""

import functools
import math

import numpy as np
from numpy.typing import NDArray

from matrl.coefficients._theta import elliptic_nodes
from matrl.coefficients.pade import pade

_Array = NDArray[np.float64]
_STEPS = 20
_PATIENCE = 5  # steps before a step that does not improve ends the iteration
_LEVEL = 1e-11  # of e, up to which the values must agree
_NOISE = 1e-14  # or absolutely: G has no more digits
_CUT = 1e-10  # singular values that only noise could be divided by
_LONGEST = 1.0  # step of a logarithm
_SHORTER = 0.7  # interval to continue from


@functools.lru_cache(maxsize=4096)
def alternation(root_index: int, poles: int, reach: float) -> tuple[tuple[float, ...], float]:
    """Return a_1..a_r, increasing, and e for T = ``reach``; e is NaN if nothing was found."""
    poles_found, level, points = _newton(root_index, *_start(root_index, poles, reach))
    if math.isnan(level) and reach > 1.0:
        shorter, error = alternation(root_index, poles, _SHORTER * reach)
        if not math.isnan(error):
            # both the poles and the critical points of wide intervals grow in proportion
            _, points = _start(root_index, poles, reach)
            begin = np.array(shorter) / _SHORTER
            poles_found, level, points = _newton(root_index, begin, points)
    return tuple(sorted(poles_found.tolist())), level


def _start(root_index: int, poles: int, reach: float) -> tuple[_Array, _Array]:
    """Return a first a, and points in (0, T] of which the last is T.

    The map for k = 2 is Zolotarev's, whose nodes alternate between poles and zeros. Going down
    between a pole and its zero and up elsewhere, G has slopes 1/k - 1 and 1/k, so the distance of
    the two goes with 2/k; what that misses at T = 0 is known from the Padé approximant.
    """
    ratio = math.exp(-reach)
    nodes = np.array(elliptic_nodes(ratio, -math.expm1(-reach), 2 * poles + 1))
    if reach > 1.0:
        points = np.log(ratio * (1.0 + nodes) / (ratio * ratio + nodes))
    else:
        points = 2.0 * np.arctanh(math.tanh(reach / 2.0) * (ratio - nodes) / (ratio + nodes))
    none = np.array(elliptic_nodes(1.0, 0.0, 2 * poles + 1))
    pairs = _paired(np.log(nodes / ratio), root_index) - _paired(np.log(none), root_index)
    begin = np.log(pade(root_index, poles).shifts) + pairs
    return begin, np.append(points[::-1][poles:], reach)


def _paired(logarithms: _Array, root_index: int) -> _Array:
    """Return the logarithms of poles, drawn towards or away from the zeros that follow them."""
    pole, zero = logarithms[0::2], logarithms[1::2]
    return (pole + zero) / 2.0 - (zero - pole) / root_index


def _newton(root_index: int, a: _Array, points: _Array) -> tuple[_Array, float, _Array]:
    """Return the best a, e and the critical points with T; e is NaN if the values never agreed."""
    signs = (-1.0) ** np.arange(a.size, -1, -1)
    values = _log_map(root_index, points, a)
    if float(np.abs(values).max()) < _NOISE:
        return a, float(np.abs(values).max()), points
    least, best = math.inf, (a, math.nan, points)
    for step in range(_STEPS):
        level = float(values @ signs) / values.size
        misfit = values - level * signs
        deviation = float(np.abs(misfit).max())
        if deviation < least:
            reached = deviation <= max(_LEVEL * level, _NOISE)
            least = deviation
            best = (a, float(np.abs(values).max()) if reached else math.nan, points)
        elif step > _PATIENCE:
            break
        if deviation <= max(1e-13 * level, 1e-16):
            break
        rising = (_tanh(points, a) + _tanh(points, -a)) / 2.0
        matrix = np.column_stack((rising, -signs))
        scale = np.sqrt((matrix * matrix).sum(axis=0))
        solution = np.linalg.lstsq(matrix / scale, -misfit, rcond=_CUT)[0] / scale
        change = np.asarray(solution[:-1], dtype=np.float64)
        a = a + change * min(1.0, _LONGEST / max(float(np.abs(change).max()), _LONGEST))
        if level > _NOISE or deviation > 1e3 * _NOISE:
            points = _followed(root_index, points, a)
        values = _log_map(root_index, points, a)
    return best


def _log_map(root_index: int, points: _Array, a: _Array) -> _Array:
    """Return G at non-negative points, to rounding of t where that is small."""
    t = points[:, None]
    product = np.tanh(t / 2.0) * np.tanh(a / 2.0)
    near = np.abs(product) < 0.5
    far = np.copysign(np.minimum(t, np.abs(a)), a)
    far = far + np.log1p(np.exp(-np.abs(t + a))) - np.log1p(np.exp(-np.abs(t - a)))
    terms = np.where(near, 2.0 * np.arctanh(np.where(near, product, 0.0)), far)
    return np.asarray(points / root_index + terms.sum(axis=1), dtype=np.float64)


def _tanh(points: _Array, a: _Array) -> _Array:
    """Return tanh((t + a_j)/2), a row for each point."""
    return np.tanh((points[:, None] + a) / 2.0)


def _followed(root_index: int, points: _Array, a: _Array) -> _Array:
    """Return the points after one Newton step each towards where G is stationary."""
    inner = points[:-1]
    above, below = _tanh(inner, a), _tanh(inner, -a)
    slope = 1.0 / root_index + (above - below).sum(axis=1) / 2.0
    curvature = (below * below - above * above).sum(axis=1) / 4.0
    gaps = 0.4 * np.diff(points, prepend=0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        step = np.nan_to_num(-slope / curvature, nan=0.0)
    return np.append(inner + np.clip(step, -gaps[:-1], gaps[1:]), points[-1])
