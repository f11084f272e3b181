"""invroot-p: A^(-1/p), the inverse p-th root of a positive definite matrix, p = 3 to 8."""

from matrl.core.function import MatrixFunction
from matrl.functions.catalogue import FUNCTIONS

for _p in range(3, 9):
    FUNCTIONS.register(
        MatrixFunction(
            f"invroot-{_p}", _p, -1.0 / _p, "z", f"the inverse of the principal {_p}-th root"
        )
    )
