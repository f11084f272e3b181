"""polar: the unitary polar factor U of an (m, n) matrix of full rank, A = U H = P U.

U = A (A* A)^(-1/2) for m >= n and (A A*)^(-1/2) A otherwise. ``polar-right`` and ``polar-left``
also return the Hermitian factor, H = (A* A)^(1/2) or P = (A A*)^(1/2).
"""

from matrl.core.function import MatrixFunction
from matrl.functions.catalogue import FUNCTIONS

FUNCTIONS.register(
    MatrixFunction("polar", 2, 0.0, "x", "the unitary polar factor", structure="rectangular")
)
FUNCTIONS.register(
    MatrixFunction(
        "polar-right",
        2,
        0.0,
        "x",
        "the polar factors U and H of A = U H",
        structure="rectangular",
        factor="right",
    )
)
FUNCTIONS.register(
    MatrixFunction(
        "polar-left",
        2,
        0.0,
        "x",
        "the polar factors U and P of A = P U",
        structure="rectangular",
        factor="left",
    )
)
