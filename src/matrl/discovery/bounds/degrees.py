"""The degree a range still asks for: no composition of less takes it to the tolerance."""

import math
from functools import lru_cache

import numpy as np

from matrl.coefficients import chebyshev_degree, zolotarev_degree

__all__ = ["MissingDegree"]

STEP = 0.05
LEAST, LARGEST = -30.0, 80.0
REFERENCE_TOL = 1e-6
LEAST_TOL = 1e-16
"""What is asked for beyond this is as far away as this, for a lower bound."""
MARGIN = 1e-3
"""Taken off the interpolated log-degree, so that it stays a lower bound."""


class MissingDegree:
    """The logarithm of the least degree that reaches a tolerance, as a function of the spread.

    For even k, where x p(x^k) is odd, that of Zolotarev's map; for polynomials in m alone, which
    all are for k = 1, that of Chebyshev's. ``tol`` is the largest |x - 1| to end with, and the
    spread of a range log(upper/lower - 1).
    """

    def __init__(self, root_index: int, tol: float, *, only_polynomials: bool) -> None:
        tol = max(tol, LEAST_TOL)
        self._root_index = root_index
        self._rational = root_index % 2 == 0
        self._polynomial = root_index == 1 or (root_index % 2 == 1 and only_polynomials)
        self._factor = 0.0
        if self._rational:
            some = 0.25
            of_tol = zolotarev_degree(some, 1.0, tol)
            self._factor = math.log(of_tol / zolotarev_degree(some, 1.0, REFERENCE_TOL))
        # 1 - m p(m)^k is a polynomial of degree D in m, 1 at m = 0.
        error = math.expm1(root_index * math.log1p(tol))
        self._polynomial = self._polynomial and error < 1.0
        self._wanted = 0.0
        if self._polynomial:
            some_ratio = 0.5
            self._wanted = chebyshev_degree(some_ratio, 1.0, error) * math.asinh(1.0)

    def __call__(self, spreads: np.ndarray) -> np.ndarray:
        """Return log-degrees >= 0, of the shape of ``spreads``.

        >>> missing = MissingDegree(2, 1e-3, only_polynomials=False)
        >>> float(np.exp(missing(np.log(np.array([99.0]))))[0])
        10.05...
        >>> round(zolotarev_degree(0.01, 1.0, 1e-3), 4)
        10.07
        """
        needed = np.zeros_like(spreads)
        if self._rational:
            grid, scale = _zolotarev_scale()
            found = np.interp(spreads, grid, scale, left=-np.inf) + (self._factor - MARGIN)
            needed = np.maximum(needed, found)
        if self._polynomial:
            # l^k/(u^k - l^k), and acosh(1 + 2 s) = 2 asinh(sqrt(s))
            with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
                exponent = self._root_index * np.logaddexp(0.0, spreads)
                degrees = self._wanted / np.arcsinh(np.sqrt(1.0 / np.expm1(exponent)))
                needed = np.maximum(needed, np.log(degrees))
        return needed


@lru_cache(maxsize=1)
def _zolotarev_scale() -> tuple[np.ndarray, np.ndarray]:
    """Return spreads and the log-degrees they need to reach the reference tolerance.

    Another tolerance changes the degree by a factor that does not depend on the spread.
    """
    grid = np.arange(LEAST, LARGEST + STEP, STEP)
    ratios = (1.0 / (1.0 + np.exp(grid))).tolist()
    scale = np.array([math.log(zolotarev_degree(r, 1.0, REFERENCE_TOL)) for r in ratios])
    return grid, scale
