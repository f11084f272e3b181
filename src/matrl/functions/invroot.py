"""invroot-p: the inverse p-th root, A^(-1/p), of a Hermitian positive definite matrix, p = 3 to 8."""

from matrl.core.function import MatrixFunction
from matrl.functions.catalogue import FUNCTIONS

for _p in range(3, 9):
    FUNCTIONS.register(
        MatrixFunction(
            f"invroot-{_p}", _p, -1.0 / _p, "z", f"the inverse of the principal {_p}-th root"
        )
    )
