"""What the names of matrix functions mean: which power of the iterate counts, with what weight.

All drive x = (a z^k)^(1/k) to 1. Source: Higham, *Functions of Matrices*, SIAM 2008, chapters 5
to 8, doi:10.1137/1.9780898717778.
"""

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from matrl.certify.checking.documents import Refuted, shown

__all__ = ["NORMS", "Function", "function_named"]

NORMS = ("eigenvalue", "spectral", "frobenius", "residual")
_LARGEST_ROOT = 64
_ROOT = re.compile(r"(inv)?root-([1-9][0-9]?)", re.ASCII)
_POWER = re.compile(r"power-(-?)([1-9][0-9]?)/([1-9][0-9]?)", re.ASCII)


@dataclass(frozen=True)
class Function:
    """A matrix function: x = a^(1/k) at first (or a itself), x^j - 1 the relative error.

    ``carries``: ``"z"`` for negative powers of the matrix, ``"y"`` for positive ones, ``"yz"`` for
    both square roots, ``"x"`` for sign and polar factors, whose x is a at first. ``factor``: the
    Hermitian polar factor is asked for too.
    """

    root_index: int
    multiplicity: int
    carries: Literal["z", "y", "yz", "x"]
    factor: bool = False

    @property
    def starting_index(self) -> int:
        """The k with x = a^(1/k) before the first step."""
        return 1 if self.carries == "x" else self.root_index

    def power(self, norm: str) -> int:
        """Return the q of the error |x^q - 1|."""
        if norm != "residual":
            return self.multiplicity
        return 2 if self.carries == "x" else self.multiplicity * self.root_index

    def weights(self, norm: str) -> tuple[int, ...]:
        """Return exponents e: the largest of the errors times (x0/u0)^e or, if e < 0, (l0/x0)^-e.

        x0 is the first iterate and l0, u0 its ends. The errors have no other weights than 1 where
        the tuple is empty.
        """
        k, j = self.root_index, self.multiplicity
        if norm == "residual":
            return (k * (k - j),) if self.carries == "y" else ()
        if norm != "spectral" or self.carries == "x":
            # The Hermitian polar factor weighs an eigenvalue less than the unitary one, by 1.
            return ()
        return {"y": (k - j,), "z": (-j,), "yz": (1, -1)}[self.carries]


def function_named(name: str) -> Function:
    """Return the function of a name; :class:`Refuted` where there is none.

    >>> function_named("power-3/10"), function_named("inv").weights("spectral")
    (Function(root_index=10, multiplicity=7, carries='y', factor=False), (-1,))
    """
    if name == "sqrt+invsqrt":
        return Function(2, 1, "yz")
    if name in ("sign", "polar", "polar-right", "polar-left"):
        return Function(2, 1, "x", factor=name in ("polar-right", "polar-left"))
    exponent = _exponent(name)
    if exponent is None or not -1 <= exponent < 1 or exponent.denominator > _LARGEST_ROOT:
        raise Refuted(f"the plan is for {shown(name)}, which is no function that is known here")
    q, k = abs(exponent.numerator), exponent.denominator
    return Function(k, k - q, "y") if exponent > 0 else Function(k, q, "z")


def _exponent(name: str) -> Fraction | None:
    named = {"inv": Fraction(-1), "sqrt": Fraction(1, 2), "invsqrt": Fraction(-1, 2)}
    if name in named:
        return named[name]
    if match := _ROOT.fullmatch(name):
        return Fraction(-1 if match[1] else 1, int(match[2]))
    if match := _POWER.fullmatch(name):
        return Fraction(-int(match[2]) if match[1] else int(match[2]), int(match[3]))
    return None
