"""inv: the inverse, A^(-1.0), of a Hermitian positive definite matrix."""

from matrl.core.function import MatrixFunction
from matrl.functions.catalogue import FUNCTIONS

FUNCTIONS.register(MatrixFunction("inv", 1, -1.0, "z", "the inverse"))
