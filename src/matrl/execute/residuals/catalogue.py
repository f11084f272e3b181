"""The registry of checks."""

from matrl.core.function import MatrixFunction
from matrl.core.measure import Norm
from matrl.core.registry import Registry
from matrl.execute.residuals.check import Check

__all__ = ["CHECKS", "check_for"]

CHECKS: Registry[Check] = Registry("check")


def check_for(function: MatrixFunction, norm: Norm) -> Check:
    """Return the check that judges this function in this measure."""
    return next(check for check in CHECKS if check.admits(function, norm))
