"""What is asked for: a function, a spectrum, a tolerance, a precision, a shape."""

import math
from dataclasses import dataclass
from typing import Literal, cast

import numpy as np

from matrl.core.function import MatrixFunction
from matrl.core.matrices import DTYPES
from matrl.core.spectrum import Spectrum
from matrl.errors import InputError, ToleranceError, UnknownNameError
from matrl.functions import FUNCTIONS

__all__ = ["NORMS", "Problem"]

NORMS = ("eigenvalue",)


@dataclass(frozen=True)
class Problem:
    """A question to :func:`~matrl.discover`.

    ``function`` is ``"inv"``, ``"sqrt"`` or ``"invsqrt"``; ``spectrum`` a
    :class:`~matrl.Spectrum`; ``tol`` the largest error allowed, in the measure ``norm``
    (``"eigenvalue"``: max |fhat(a)/f(a) - 1| over the domain, for matrices
    ||F^(-1/2) Fhat F^(-1/2) - I||_2); ``dtype`` ``"float32"`` or ``"float64"``; ``shape`` the
    (m, n) that sets prices and rounding, ``None`` where the spectrum has matrices; ``batch`` how
    many at once. Raises an :class:`~matrl.errors.InputError` naming what is wrong.

    >>> Problem("invsqrt", Spectrum.interval(1e-2, 1), tol=1e-4, shape=(512, 512)).dtype
    'float64'
    """

    function: str
    spectrum: Spectrum
    tol: float = 1e-6
    dtype: Literal["float32", "float64"] = "float64"
    shape: tuple[int, int] | None = None
    batch: int = 1
    norm: Literal["eigenvalue"] = "eigenvalue"

    def __post_init__(self) -> None:
        FUNCTIONS.get(self.function)
        if not isinstance(self.spectrum, Spectrum):
            raise InputError(
                f"spectrum: must be a matrl.Spectrum, not {type(self.spectrum).__name__}; make one "
                "with Spectrum.interval, .samples or .of"
            )
        object.__setattr__(self, "dtype", _dtype(self.dtype))
        object.__setattr__(self, "shape", self._shape())
        if self.norm not in NORMS:
            raise UnknownNameError(
                f"norm: there is no measure {self.norm!r}; choose one of: {', '.join(NORMS)}"
            )
        if not isinstance(self.batch, int) or self.batch < 1:
            raise InputError(f"batch: must be an integer >= 1, got {self.batch!r}")
        self._check_tolerance()
        object.__setattr__(self, "tol", float(self.tol))

    def _shape(self) -> tuple[int, int]:
        shape = self.shape
        if shape is None:
            if not self.spectrum.matrices:
                raise InputError("shape: is needed where the spectrum has no matrices: (n, n)")
            n = max(len(a) for a in self.spectrum.matrices)
            shape = (n, n)
        try:
            m, n = (int(k) for k in shape)
        except (TypeError, ValueError):
            raise InputError(f"shape: must be a pair of integers (m, n), got {shape!r}") from None
        if m < 1 or n < 1:
            raise InputError(f"shape: both sides must be >= 1, got {(m, n)}")
        if m != n:
            raise InputError(f"shape: {self.function} needs square matrices, got {(m, n)}")
        return m, n

    def _check_tolerance(self) -> None:
        tol = self.tol
        if not isinstance(tol, int | float) or not math.isfinite(tol) or not 0.0 < tol < 1.0:
            raise ToleranceError(f"tol: must be a number between 0 and 1, got {tol!r}")
        floor = 2.0 * float(np.finfo(self.dtype).eps)
        if tol < floor:
            remedy = "; use dtype='float64'" if self.dtype == "float32" else ""
            raise ToleranceError(
                f"tol: {tol:g} is below what {self.dtype} can reach; ask for {floor:.2g} or more"
                f"{remedy}"
            )

    @property
    def n(self) -> int:
        """Order of the matrices."""
        assert self.shape is not None
        return self.shape[1]

    @property
    def matrix_function(self) -> MatrixFunction:
        """The function's entry in the registry."""
        return FUNCTIONS.get(self.function)


def _dtype(dtype: object) -> Literal["float32", "float64"]:
    try:
        name = np.dtype(cast("str", dtype)).name
    except TypeError:
        name = str(dtype)
    if name not in DTYPES:
        raise InputError(f"dtype: must be one of {', '.join(DTYPES)}, got {dtype!r}")
    return cast('Literal["float32", "float64"]', name)
