"""power-q/p: the rational power A^(q/p), -1 < q/p < 1, of a Hermitian positive definite matrix.

A composition of an inverse root and an integer power: z ~ A^(-1/p) is driven as for the p-th root,
and the answer, z^|q| or A z^(p-q), is carried beside it. Denominators up to 8, in lowest terms;
what is a root or an inverse root has that name. Source: Higham, *Functions of Matrices*, SIAM 2008,
section 7.1 and problem 7.13 (roots of roots), doi:10.1137/1.9780898717778.
"""

from math import gcd

from matrl.core.function import MatrixFunction
from matrl.functions.catalogue import FUNCTIONS

for _p in range(3, 9):
    for _q in range(2, _p):
        if gcd(_p, _q) == 1:
            FUNCTIONS.register(
                MatrixFunction(
                    f"power-{_q}/{_p}",
                    _p,
                    _q / _p,
                    "y",
                    f"the principal power {_q}/{_p}",
                    multiplicity=_p - _q,
                )
            )
            FUNCTIONS.register(
                MatrixFunction(
                    f"power--{_q}/{_p}",
                    _p,
                    -_q / _p,
                    "z",
                    f"the principal power -{_q}/{_p}",
                    multiplicity=_q,
                )
            )
