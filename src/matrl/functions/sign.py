"""sign: the matrix sign function, A (A^2)^(-1/2), of a Hermitian invertible matrix."""

from matrl.core.function import MatrixFunction
from matrl.functions.catalogue import FUNCTIONS

FUNCTIONS.register(
    MatrixFunction("sign", 2, 0.0, "x", "the matrix sign function", structure="hermitian")
)
