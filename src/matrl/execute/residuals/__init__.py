"""What tells a right value from a wrong one, one file for each kind of function.

Every module registers its check at its foot; adding a kind is adding a file.
"""

import sys

from matrl.core.registry import import_all
from matrl.execute.residuals.catalogue import CHECKS, check_for
from matrl.execute.residuals.check import Case, Check, Proof, Residual

import_all(sys.modules[__name__])

__all__ = ["CHECKS", "Case", "Check", "Proof", "Residual", "check_for"]
