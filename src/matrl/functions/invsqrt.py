"""invsqrt: the inverse square root, A^(-0.5), of a Hermitian positive definite matrix."""

from matrl.core.function import MatrixFunction
from matrl.functions.catalogue import FUNCTIONS

FUNCTIONS.register(
    MatrixFunction("invsqrt", 2, -0.5, "z", "the inverse of the principal square root")
)
