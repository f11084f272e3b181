"""The registry of matrix functions, and what names mean beyond it."""

import re
from fractions import Fraction

from matrl.core.function import GREATEST_ROOT_INDEX, MatrixFunction
from matrl.core.registry import Registry
from matrl.errors import UnknownNameError
from matrl.functions.rational import name_of_power, rational_power

__all__ = ["FUNCTIONS"]

_CALL = re.compile(r"(root|invroot|power)\s*\(\s*([+-]?\d+(?:/\d+)?|[+-]?\d*\.\d+)\s*\)", re.ASCII)
_NAME = re.compile(r"(root|invroot)-(\d+)|(power)-(-?\d+/\d+)", re.ASCII)

ROUNDING = Fraction(1, 10**6)
"""How far a decimal number may be from the fraction it stands for."""
_LONGEST = 64
"""Of a name that is read: no fraction needs more characters."""


class _Functions(Registry[MatrixFunction]):
    """Functions by name; ``root(p)``, ``invroot(p)`` and ``power(s)`` are understood too.

    Rational powers with a denominator up to 64 are functions whether they are registered or not:
    those that are not are made on demand, equal each time, and not kept.
    """

    def get(self, name: str) -> MatrixFunction:
        """Return the function called ``name``; :class:`~matrl.errors.UnknownNameError` if none.

        >>> from matrl.functions import FUNCTIONS
        >>> [FUNCTIONS.get(x).name for x in ("root(2)", "invroot(4)", "power(-3/4)", "power(0.5)")]
        ['sqrt', 'invroot-4', 'power--3/4', 'sqrt']
        >>> [FUNCTIONS.get(x).name for x in ("root(16)", "power-6/20", "power(-0.7)")]
        ['root-16', 'power-3/10', 'power--7/10']
        """
        if not isinstance(name, str) or name in self:
            return super().get(name)
        exponent = _exponent(name)
        if exponent is None:
            return super().get(name)
        canonical = name_of_power(exponent, name)
        return super().get(canonical) if canonical in self else rational_power(exponent)


def _exponent(name: str) -> Fraction | None:
    """Return s if the name stands for the power A^s; ``None`` if it is no such name."""
    if name in ("root", "invroot", "power"):
        example = "power(-3/4)" if name == "power" else f"{name}(3)"
        raise UnknownNameError(f"function: {name!r} needs an index; write it as in {example}")
    match = _CALL.fullmatch(name.strip()) or _NAME.fullmatch(name)
    if match is None or len(name) > _LONGEST:
        return None
    family, argument = (part for part in match.groups() if part is not None)
    number = _number(argument, name)
    if family == "power":
        return number
    if number.denominator != 1 or not 1 <= number <= GREATEST_ROOT_INDEX:
        raise UnknownNameError(
            f"function: {name!r} has no index from 2 to {GREATEST_ROOT_INDEX}; compose roots of "
            "roots beyond, or write a fraction as in power(2/5)"
        )
    return (1 if family == "root" else -1) / number


def _number(argument: str, name: str) -> Fraction:
    """Return the fraction an argument stands for: 0.333333 is 1/3, but 0.501 is not 1/2."""
    try:
        exact = Fraction(argument)
    except ZeroDivisionError:
        raise UnknownNameError(f"function: {name!r} divides by zero; give a fraction q/p") from None
    simple = exact.limit_denominator(GREATEST_ROOT_INDEX)
    return simple if abs(simple - exact) <= ROUNDING else exact


FUNCTIONS: Registry[MatrixFunction] = _Functions("function")
