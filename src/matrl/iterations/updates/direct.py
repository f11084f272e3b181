"""Direct methods, as actions that end a schedule.

Eigendecomposition, Cholesky inverse, singular value decomposition, and for the polar factor the
eigendecomposition of A* A, which squares the condition. Source: Golub & Van Loan, *Matrix
Computations*; LAPACK ``syevd``, ``potrf``, ``lauum`` and ``gesdd``.
"""

from matrl.iterations.catalogue import UPDATES
from matrl.iterations.update import DirectMethod

_POLAR = ("polar", "polar-right", "polar-left")

UPDATES.register(
    DirectMethod("eigh", "LAPACK syevd: f(A) = V f(L) V*; polar from that of A* A", "eigenvalues")
)
UPDATES.register(DirectMethod("cholesky", "LAPACK potrf, lauum", "cholesky", functions=("inv",)))
UPDATES.register(DirectMethod("svd", "LAPACK gesdd: U V*", "singular-values", functions=_POLAR))
