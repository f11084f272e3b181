"""Scalar mathematics: the coefficients of the update p in ``z <- z p(m)``, ``m <- m p(m)^k``.

On ``x = m^(1/k)`` such an update is the map ``h(x) = x p(x^k)``; every function here answers which
p serves an interval of x best, or how far any p can get. Python floats in, Python floats out.
"""

from matrl.coefficients.chebyshev import chebyshev_degree
from matrl.coefficients.fitted import fitted_coefficients
from matrl.coefficients.halley import dynamically_weighted_halley
from matrl.coefficients.minimax import minimax_coefficients, polynomial_critical_points
from matrl.coefficients.newton import newton_scaling
from matrl.coefficients.series import series_coefficients
from matrl.coefficients.zolotarev import (
    PartialFractions,
    zolotarev,
    zolotarev_critical_points,
    zolotarev_degree,
)

__all__ = [
    "PartialFractions",
    "chebyshev_degree",
    "dynamically_weighted_halley",
    "fitted_coefficients",
    "minimax_coefficients",
    "newton_scaling",
    "polynomial_critical_points",
    "series_coefficients",
    "zolotarev",
    "zolotarev_critical_points",
    "zolotarev_degree",
]
