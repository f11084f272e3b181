"""sqrt+invsqrt: A^(1/2) and A^(-1/2) together, of a Hermitian positive definite matrix."""

from matrl.core.function import MatrixFunction
from matrl.functions.catalogue import FUNCTIONS

FUNCTIONS.register(
    MatrixFunction("sqrt+invsqrt", 2, -0.5, "yz", "the principal square root and its inverse, both")
)
