"""Rational powers A^s as matrix functions: their names, and how one is made.

A composition of an inverse root and an integer power: z ~ A^(-1/p) is driven as for the p-th root,
and the answer, z^|q| or A z^(p-q) for s = q/p in lowest terms, is carried beside it. What is a root
or an inverse root has that name. The registered functions and those made on demand come from here.
Source: Higham, *Functions of Matrices*, SIAM 2008, section 7.1 and problem 7.13 (roots of roots),
doi:10.1137/1.9780898717778.
"""

from fractions import Fraction

from matrl.core.function import GREATEST_ROOT_INDEX, MatrixFunction
from matrl.errors import UnknownNameError

__all__ = ["name_of_power", "rational_power"]


def name_of_power(exponent: Fraction, name: str) -> str:
    """Return the name of the function A^exponent, -1 <= exponent < 1, that ``name`` asks for.

    Raises :class:`~matrl.errors.UnknownNameError` for an exponent that is 0 or out of this range,
    or whose denominator exceeds 64.

    >>> [name_of_power(Fraction(s), s) for s in ("-1", "2/4", "1/16", "-6/20")]
    ['inv', 'sqrt', 'root-16', 'power--3/10']
    """
    if exponent == -1:
        return "inv"
    if exponent == 0:
        raise UnknownNameError(
            f"function: {name!r} is the power 0, which is I for every A; give another exponent"
        )
    if not -1 < exponent < 1:
        raise UnknownNameError(
            f"function: {name!r} is no power between -1 and 1; multiply one of them by A or its "
            "inverse"
        )
    numerator, denominator = abs(exponent.numerator), exponent.denominator
    if denominator > GREATEST_ROOT_INDEX:
        near = exponent.limit_denominator(GREATEST_ROOT_INDEX)
        other = f", or take the nearest, power({near})" if 0 < abs(near) < 1 else ""
        raise UnknownNameError(
            f"function: {name!r} is the power {exponent}, whose denominator exceeds "
            f"{GREATEST_ROOT_INDEX}; compose two powers, f(A) = (A^s)^t{other}"
        )
    positive = exponent > 0
    if numerator > 1:
        return f"power-{'' if positive else '-'}{numerator}/{denominator}"
    if denominator == 2:
        return "sqrt" if positive else "invsqrt"
    return f"{'root' if positive else 'invroot'}-{denominator}"


def rational_power(exponent: Fraction) -> MatrixFunction:
    """Return the function A^exponent, -1 < exponent < 1 and not 0, of positive definite matrices.

    Raises :class:`~matrl.errors.UnknownNameError` for another exponent, or one whose denominator
    exceeds 64.

    >>> function = rational_power(Fraction(3, 10))
    >>> function.name, function.root_index, function.carries, function.multiplicity
    ('power-3/10', 10, 'y', 7)
    """
    q, p = abs(exponent.numerator), exponent.denominator
    positive = exponent > 0
    if q > 1:
        description = f"the principal power {exponent}"
    else:
        description = f"the {'' if positive else 'inverse of the '}principal {p}-th root"
    return MatrixFunction(
        name_of_power(exponent, f"power({exponent})"),
        p,
        exponent.numerator / p,
        "y" if positive else "z",
        description,
        multiplicity=p - q if positive else q,
    )
