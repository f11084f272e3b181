"""Which function runs for a matrix that is wider than high."""

from matrl.core.function import MatrixFunction
from matrl.core.plan import PlanRecord
from matrl.functions import FUNCTIONS

__all__ = ["function_for"]

_OTHER_SIDE = {"polar-right": "polar-left", "polar-left": "polar-right"}


def function_for(plan: PlanRecord, shape: tuple[int, int]) -> MatrixFunction:
    """Return the function of what is at least as high as wide, A or its conjugate transpose.

    With A = U H, A* = U* (U H U*): the right Hermitian factor of one is the left one of the other.

    >>> from matrl.core.plan import Domain, Prediction, Scaling
    >>> made = Domain(0.1, 1.0, False, True), Scaling("constant"), (), Prediction(0.0, 0.0, 0.0, "")
    >>> plan = PlanRecord("polar-right", "float64", (2, 2), 0.1, "spectral", *made)
    >>> function_for(plan, (2, 3)).name
    'polar-left'
    """
    m, n = shape
    name = plan.function
    return FUNCTIONS.get(_OTHER_SIDE.get(name, name) if m < n else name)
