"""The point closest to a given one that meets linear inequalities, found one by one.

The dual method of Goldfarb & Idnani (1983), doi:10.1007/BF02591962, with the identity as Hessian.
It starts from the unconstrained optimum and takes up a violated inequality at a time, so the
inequalities need not be listed: a function that finds a violated one is enough, and there may be
infinitely many of them.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

_Array = NDArray[np.float64]
_DEPENDENT = 1e-27  # squared distance of a unit normal from the span of the active ones


def least_distance(
    start: _Array, violated: Callable[[_Array], tuple[_Array, float] | None], most: int
) -> _Array:
    """Return the point closest to ``start`` where ``violated`` finds no inequality.

    ``violated(z)`` returns (normal, bound), of unit normal, of an inequality normal . z >= bound
    that z violates, or None. After ``most`` inequalities, or where rounding makes them contradict
    one another, the last point is returned as it is.
    """
    point = start
    normals = np.empty((0, start.size))
    bounds = np.empty(0)
    multipliers = np.empty(0)
    for _ in range(most):
        found = violated(point)
        if found is None:
            break
        normal, bound = found
        multiplier = 0.0
        while True:
            shares = _shares(normals, normal)
            direction = normal - shares @ normals
            slope = float(direction @ direction)
            blocking, first = -1, np.inf
            for index in np.flatnonzero(shares > 0.0).tolist():
                step = float(multipliers[index] / shares[index])
                if step < first:
                    blocking, first = index, step
            full = (bound - float(normal @ point)) / slope if slope > _DEPENDENT else np.inf
            step = min(first, max(full, 0.0))
            if step == np.inf:
                return point
            if full < np.inf:
                point = point + step * direction
            multipliers = multipliers - step * shares
            multiplier += step
            if step < first:
                break
            normals = np.delete(normals, blocking, axis=0)
            bounds = np.delete(bounds, blocking)
            multipliers = np.delete(multipliers, blocking)
        normals = np.vstack((normals, normal))
        bounds = np.append(bounds, bound)
        multipliers = np.append(multipliers, multiplier)
        # Land on the active inequalities again, so that no rounding piles up.
        point = point + _shortest(normals, bounds - normals @ point)
    return point


def _shares(normals: _Array, normal: _Array) -> _Array:
    """Return the coefficients of the projection of ``normal`` on the active normals."""
    if normals.shape[0] == 0:
        return np.empty(0)
    return np.asarray(np.linalg.lstsq(normals.T, normal, rcond=None)[0], dtype=np.float64)


def _shortest(normals: _Array, values: _Array) -> _Array:
    """Return the shortest z with normals z = values."""
    return np.asarray(np.linalg.lstsq(normals, values, rcond=None)[0], dtype=np.float64)
