"""Direct methods, as actions that end a schedule: eigendecomposition and Cholesky inverse.

Source: Golub & Van Loan, *Matrix Computations*; LAPACK ``syevd``, ``potrf`` and ``potri``.
"""

from matrl.iterations.catalogue import UPDATES
from matrl.iterations.update import DirectMethod

UPDATES.register(DirectMethod("eigh", "LAPACK syevd: f(A) = V f(L) V*"))
UPDATES.register(DirectMethod("cholesky", "LAPACK potrf, potri", functions=("inv",)))
