"""root-p: the principal p-th root, A^(1/p), of a Hermitian positive definite matrix.

Registered are p = 3 to 8; p up to 64 is made on demand: see :mod:`matrl.functions.catalogue`.
"""

from fractions import Fraction

from matrl.functions.catalogue import FUNCTIONS
from matrl.functions.rational import rational_power

for _p in range(3, 9):
    FUNCTIONS.register(rational_power(Fraction(1, _p)))
