"""Dtypes a plan may have, the precisions its steps may work in, and what numbers those have.

A step in a half precision, bfloat16 or float16, keeps its matrices in that format; products and
linear combinations are summed in float32, as tensor cores do, and the result is rounded once.
Factorisations and complex matrices have no half precision. Sources: IEEE 754-2019, binary16;
Kalamkar et al. 2019, arXiv:1905.12322, for bfloat16.
"""

from dataclasses import dataclass
from typing import Literal

from matrl.errors import InputError

__all__ = [
    "COMPLEX_OF",
    "DTYPES",
    "FORMATS",
    "FULL_PRECISIONS",
    "HALF_PRECISIONS",
    "PRECISIONS",
    "REAL_OF",
    "Dtype",
    "Format",
    "Precision",
    "eps_of",
    "is_complex",
    "is_half",
    "precision_of",
    "working_dtype",
]

Precision = Literal["bfloat16", "float16", "float32", "float64"]
Dtype = Literal["float32", "float64", "complex64", "complex128"]

HALF_PRECISIONS: tuple[Precision, ...] = ("bfloat16", "float16")
FULL_PRECISIONS: tuple[Precision, ...] = ("float32", "float64")
PRECISIONS: tuple[Precision, ...] = (*HALF_PRECISIONS, *FULL_PRECISIONS)
COMPLEX_OF: dict[str, str] = {"float32": "complex64", "float64": "complex128"}
REAL_OF: dict[str, Precision] = {"complex64": "float32", "complex128": "float64"}
DTYPES: tuple[str, ...] = (*FULL_PRECISIONS, *REAL_OF)


@dataclass(frozen=True)
class Format:
    """A binary floating-point format: significand bits, the implicit one among them, exponents.

    Normal numbers are from 2^``least_exponent`` to below 2^(``greatest_exponent`` + 1).

    >>> FORMATS["float16"].largest, FORMATS["bfloat16"].unit_roundoff == 2.0**-8
    (65504.0, True)
    """

    digits: int
    least_exponent: int
    greatest_exponent: int

    @property
    def eps(self) -> float:
        """The distance from 1 to the next larger number."""
        return 2.0 ** (1 - self.digits)

    @property
    def unit_roundoff(self) -> float:
        """The largest relative error of rounding a normal number to the nearest one."""
        return 2.0**-self.digits

    @property
    def largest(self) -> float:
        """The largest finite number."""
        return (2.0 - self.eps) * 2.0**self.greatest_exponent

    @property
    def least_normal(self) -> float:
        """The least positive number with all its digits."""
        return 2.0**self.least_exponent

    @property
    def least_subnormal(self) -> float:
        """The least positive number, the distance of those below the least normal one."""
        return 2.0 ** (self.least_exponent + 1 - self.digits)


FORMATS: dict[str, Format] = {
    "bfloat16": Format(8, -126, 127),
    "float16": Format(11, -14, 15),
    "float32": Format(24, -126, 127),
    "float64": Format(53, -1022, 1023),
}


def is_complex(dtype: str) -> bool:
    """Return whether matrices of this dtype are complex."""
    return dtype in REAL_OF


def is_half(precision: str) -> bool:
    """Return whether a precision (or dtype) is a half one.

    >>> is_half("bfloat16"), is_half("complex64")
    (True, False)
    """
    return precision in HALF_PRECISIONS


def eps_of(dtype: str) -> float:
    """Return the distance from 1 to the next larger number of a precision or dtype.

    >>> eps_of("complex64") == eps_of("float32") == 2.0**-23, eps_of("bfloat16")
    (True, 0.0078125)
    """
    return FORMATS[precision_of(dtype)].eps


def precision_of(dtype: str) -> Precision:
    """Return the precision of a dtype: that of its real and imaginary parts.

    >>> precision_of("complex64"), precision_of("float64")
    ('float32', 'float64')
    """
    return REAL_OF.get(dtype, dtype)  # type: ignore[return-value]


def working_dtype(precision: str, dtype: str) -> str:
    """Return the dtype of a step of this precision on matrices of ``dtype``.

    :class:`~matrl.errors.InputError` for a half precision of complex matrices: there is none.

    >>> working_dtype("float32", "complex128"), working_dtype("bfloat16", "float64")
    ('complex64', 'bfloat16')
    """
    if is_complex(dtype) and is_half(precision):
        raise InputError(
            f"precision: {precision} is for real matrices, not for {dtype}; use "
            f"{' or '.join(FULL_PRECISIONS)}"
        )
    return COMPLEX_OF[precision] if is_complex(dtype) else precision
