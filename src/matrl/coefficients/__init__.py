"""Scalar mathematics: the coefficients of the update p in ``z <- z p(m)``, ``m <- m p(m)^k``.

On ``x = m^(1/k)`` such an update is the map ``h(x) = x p(x^k)``; every function here answers which
p serves an interval of x best, or how far any p can get. Python floats in, Python floats out.
"""

from matrl.coefficients.chebyshev import chebyshev_degree
from matrl.coefficients.fitted import fitted_coefficients
from matrl.coefficients.halley import dynamically_weighted_halley
from matrl.coefficients.minimax import minimax_coefficients, polynomial_critical_points
from matrl.coefficients.newton import (
    byers_xu_scaling,
    byers_xu_scalings,
    determinantal_scaling,
    determinantal_scalings,
    newton_scaling,
    norm_scaling,
    norm_scalings,
)
from matrl.coefficients.pade import pade
from matrl.coefficients.perturbed import perturbed_coefficients
from matrl.coefficients.rational_minimax import rational_minimax
from matrl.coefficients.refined import Kind, refined_coefficients
from matrl.coefficients.series import series_coefficients
from matrl.coefficients.zolotarev import (
    PartialFractions,
    zolotarev,
    zolotarev_critical_points,
    zolotarev_degree,
)
from matrl.coefficients.zolotarev_even import zolotarev_even, zolotarev_even_critical_points

__all__ = [
    "Kind",
    "PartialFractions",
    "byers_xu_scaling",
    "byers_xu_scalings",
    "chebyshev_degree",
    "determinantal_scaling",
    "determinantal_scalings",
    "dynamically_weighted_halley",
    "fitted_coefficients",
    "minimax_coefficients",
    "newton_scaling",
    "norm_scaling",
    "norm_scalings",
    "pade",
    "perturbed_coefficients",
    "polynomial_critical_points",
    "rational_minimax",
    "refined_coefficients",
    "series_coefficients",
    "zolotarev",
    "zolotarev_critical_points",
    "zolotarev_degree",
    "zolotarev_even",
    "zolotarev_even_critical_points",
]
