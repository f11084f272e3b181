"""Dtypes a plan may have, and the precisions its steps may work in."""

from typing import Literal

__all__ = [
    "COMPLEX_OF",
    "DTYPES",
    "PRECISIONS",
    "REAL_OF",
    "Dtype",
    "Precision",
    "is_complex",
    "precision_of",
    "working_dtype",
]

Precision = Literal["float32", "float64"]
Dtype = Literal["float32", "float64", "complex64", "complex128"]

PRECISIONS: tuple[Precision, ...] = ("float32", "float64")
COMPLEX_OF: dict[str, str] = {"float32": "complex64", "float64": "complex128"}
REAL_OF: dict[str, Precision] = {"complex64": "float32", "complex128": "float64"}
DTYPES: tuple[str, ...] = (*PRECISIONS, *REAL_OF)


def is_complex(dtype: str) -> bool:
    """Return whether matrices of this dtype are complex."""
    return dtype in REAL_OF


def precision_of(dtype: str) -> Precision:
    """Return the precision of a dtype: that of its real and imaginary parts.

    >>> precision_of("complex64"), precision_of("float64")
    ('float32', 'float64')
    """
    return REAL_OF.get(dtype, dtype)  # type: ignore[return-value]


def working_dtype(precision: str, dtype: str) -> str:
    """Return the dtype of a step of this precision on matrices of ``dtype``.

    >>> working_dtype("float32", "complex128"), working_dtype("float32", "float64")
    ('complex64', 'float32')
    """
    return COMPLEX_OF[precision] if is_complex(dtype) else precision
