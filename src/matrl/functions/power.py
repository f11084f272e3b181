"""power-q/p: the rational power A^(q/p), -1 < q/p < 1, of a Hermitian positive definite matrix.

Registered are denominators up to 8, in lowest terms; what is a root or an inverse root has that
name. Others, up to 64, are made on demand: see :mod:`matrl.functions.catalogue`.
"""

from fractions import Fraction
from math import gcd

from matrl.functions.catalogue import FUNCTIONS
from matrl.functions.rational import rational_power

for _p in range(3, 9):
    for _q in range(2, _p):
        if gcd(_p, _q) == 1:
            FUNCTIONS.register(rational_power(Fraction(_q, _p)))
            FUNCTIONS.register(rational_power(Fraction(-_q, _p)))
