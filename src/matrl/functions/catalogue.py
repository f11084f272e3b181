"""The registry of matrix functions."""

import re
from fractions import Fraction

from matrl.core.function import MatrixFunction
from matrl.core.registry import Registry
from matrl.errors import UnknownNameError

__all__ = ["FUNCTIONS"]

_CALL = re.compile(r"(root|invroot|power)\s*\(\s*([+-]?\d+(?:/\d+)?|[+-]?\d*\.\d+)\s*\)")

ROUNDING = Fraction(1, 10**6)
"""How far a decimal number may be from the fraction it stands for."""


class _Functions(Registry[MatrixFunction]):
    """Functions by name; ``root(p)``, ``invroot(p)`` and ``power(s)`` are understood too."""

    def get(self, name: str) -> MatrixFunction:
        """Return the function called ``name``; :class:`~matrl.errors.UnknownNameError` if none.

        >>> from matrl.functions import FUNCTIONS
        >>> [FUNCTIONS.get(x).name for x in ("root(2)", "invroot(4)", "power(-3/4)", "power(0.5)")]
        ['sqrt', 'invroot-4', 'power--3/4', 'sqrt']
        """
        if isinstance(name, str) and name not in self:
            name = _canonical(name)
        return super().get(name)


def _canonical(name: str) -> str:
    match = _CALL.fullmatch(name.strip())
    if name in ("root", "invroot", "power"):
        example = "power(-3/4)" if name == "power" else f"{name}(3)"
        raise UnknownNameError(f"function: {name!r} needs an index; write it as in {example}")
    if match is None:
        return {"invroot-1": "inv", "root-2": "sqrt", "invroot-2": "invsqrt"}.get(name, name)
    family, argument = match.groups()
    number = _number(argument, name)
    if family != "power":
        if number.denominator != 1 or not 1 <= number <= 8:
            raise UnknownNameError(
                f"function: {name!r} has no index from 2 to 8; compose roots of roots beyond"
            )
        number = (1 if family == "root" else -1) / Fraction(number)
    return name_of_power(number, name)


def _number(argument: str, name: str) -> Fraction:
    """Return the fraction an argument stands for: 0.333333 is 1/3, but 0.501 is not 1/2."""
    try:
        exact = Fraction(argument)
    except ZeroDivisionError:
        raise UnknownNameError(f"function: {name!r} divides by zero; give a fraction q/p") from None
    simple = exact.limit_denominator(64)
    return simple if abs(simple - exact) <= ROUNDING else exact


def name_of_power(exponent: Fraction, name: str) -> str:
    """Return the name of the function A^exponent; ``UnknownNameError`` for one there is not."""
    if exponent == -1:
        return "inv"
    if not -1 < exponent < 1 or exponent == 0 or exponent.denominator > 8:
        raise UnknownNameError(
            f"function: {name!r} is no power between -1 and 1 with a denominator up to 8; "
            "compose two powers, f(A) = (A^s)^t"
        )
    numerator, denominator = abs(exponent.numerator), exponent.denominator
    positive = exponent > 0
    if numerator > 1:
        return f"power-{'' if positive else '-'}{numerator}/{denominator}"
    if denominator == 2:
        return "sqrt" if positive else "invsqrt"
    return f"{'root' if positive else 'invroot'}-{denominator}"


FUNCTIONS: Registry[MatrixFunction] = _Functions("function")
