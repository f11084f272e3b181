"""The question discovery answers."""

import math
from dataclasses import dataclass
from typing import cast

import numpy as np

from matrl.backends.libraries import Library, kernels_of
from matrl.core.function import MatrixFunction
from matrl.core.matrices import require_hermitian
from matrl.core.measure import NORMS, Measure, Norm
from matrl.core.precision import DTYPES, Dtype, precision_of
from matrl.core.spectrum import Spectrum
from matrl.errors import IndefiniteMatrixError, InputError, ToleranceError
from matrl.functions import FUNCTIONS

__all__ = ["NORMS", "Problem"]

DEFAULT_TOL = 1e-6
LARGEST = 1e300
LARGEST_CONDITION = 1e24
"""From about 1e16 on rounding destroys small eigenvalues; from 1e30 on its model overflows."""


@dataclass(frozen=True)
class Problem:
    """A question to :func:`~matrl.discover`.

    ``function`` names a matrix function: ``"inv"``, ``"sqrt"``, ``"invsqrt"``, ``"root(p)"``,
    ``"invroot(p)"``, ``"power(q/p)"`` (-1 < q/p < 1, p up to 64), ``"sign"``, ``"polar"`` or one
    of the pairs ``"sqrt+invsqrt"``, ``"polar-right"``, ``"polar-left"``. ``spectrum`` is a
    :class:`~matrl.Spectrum` (with 0 only where f(0) = 0); ``tol`` the largest error allowed in the
    measure ``norm`` (``"eigenvalue"``, ``"spectral"``, ``"frobenius"``, ``"residual"``; see
    :class:`~matrl.core.measure.Measure`), by default 1e-6, but none where the error is minimised:
    there ``tol`` is an error small enough; ``dtype`` float32, float64, complex64 or complex128;
    ``shape`` the (m, n) that sets prices and rounding, ``None`` where the spectrum has matrices;
    ``batch`` how many at once; ``library`` whose arrays the plan will run on, ``"numpy"``,
    ``"torch"`` or ``"jax"``: its kernels are priced and raced (on the CPU). Raises an
    :class:`~matrl.errors.InputError` naming what is wrong.

    >>> Problem("invsqrt", Spectrum.interval(1e-2, 1), tol=1e-4, shape=(512, 512)).dtype
    'float64'
    """

    function: str
    spectrum: Spectrum
    tol: float | None = None
    dtype: Dtype = "float64"
    shape: tuple[int, int] | None = None
    batch: int = 1
    norm: Norm = "eigenvalue"
    library: str = "numpy"

    def __post_init__(self) -> None:
        object.__setattr__(self, "function", FUNCTIONS.get(self.function).name)
        if not isinstance(self.spectrum, Spectrum):
            raise InputError(
                f"spectrum: must be a matrl.Spectrum, not {type(self.spectrum).__name__}; make one "
                "with Spectrum.interval, .samples or .of"
            )
        object.__setattr__(self, "dtype", _dtype(self.dtype))
        _check_library(self.array_library, self.dtype)
        measure = self.measure  # refuses a norm there is not
        _check_spectrum(self.spectrum, measure)
        object.__setattr__(self, "shape", self._shape())
        if not isinstance(self.batch, int) or self.batch < 1:
            raise InputError(f"batch: must be an integer >= 1, got {self.batch!r}")
        if self.tol is not None:
            self._check_tolerance(self.tol)
            object.__setattr__(self, "tol", float(self.tol))

    def _shape(self) -> tuple[int, int]:
        shape = self.shape
        if shape is None:
            if not self.spectrum.matrices:
                raise InputError("shape: is needed where the spectrum has no matrices: (n, n)")
            shape = max((a.shape for a in self.spectrum.matrices), key=lambda s: s[0] * s[1])
        try:
            m, n = (int(k) for k in shape)
        except (TypeError, ValueError):
            raise InputError(f"shape: must be a pair of integers (m, n), got {shape!r}") from None
        if m < 1 or n < 1:
            raise InputError(f"shape: both sides must be >= 1, got {(m, n)}")
        if m != n and self.matrix_function.structure != "rectangular":
            raise InputError(f"shape: {self.function} needs square matrices, got {(m, n)}")
        return m, n

    def _check_tolerance(self, tol: object) -> None:
        if not isinstance(tol, int | float) or not math.isfinite(tol) or not 0.0 < tol < 1.0:
            raise ToleranceError(f"tol: must be a number between 0 and 1, got {tol!r}")
        floor = self.least_tol
        if tol < floor:
            wider = {"float32": "float64", "complex64": "complex128"}.get(self.dtype)
            remedy = f"; use dtype='{wider}'" if wider else ""
            raise ToleranceError(
                f"tol: {tol:g} is below what {self.dtype} can reach; ask for {floor:.2g} or more"
                f"{remedy}"
            )

    @property
    def tolerance(self) -> float:
        """``tol``, or its default where it is ``None``."""
        return max(DEFAULT_TOL, self.least_tol) if self.tol is None else self.tol

    @property
    def least_tol(self) -> float:
        """The least tolerance the dtype allows."""
        return 2.0 * float(np.finfo(self.dtype).eps)

    @property
    def n(self) -> int:
        """Order of the square matrices of a schedule: the smaller side."""
        assert self.shape is not None
        return min(self.shape)

    @property
    def m(self) -> int:
        """The larger side; n for square matrices."""
        assert self.shape is not None
        return max(self.shape)

    @property
    def precision(self) -> str:
        """The precision of the dtype."""
        return precision_of(self.dtype)

    @property
    def matrix_function(self) -> MatrixFunction:
        """The function, registered or made on demand."""
        return FUNCTIONS.get(self.function)

    @property
    def array_library(self) -> Library | None:
        """What is particular about the library's arrays; ``None`` for NumPy's."""
        return kernels_of(self.library)

    @property
    def measure(self) -> Measure:
        """The error measure."""
        return Measure(self.norm, self.matrix_function)


def _check_spectrum(spectrum: Spectrum, measure: Measure) -> None:
    function = measure.function
    is_singular = spectrum.kind == "interval" and spectrum.lower == 0.0
    if is_singular and not (function.vanishes_at_zero and measure.is_weighted):
        remedy = (
            "give the least modulus (singular value) above 0 that is to be resolved"
            if function.carries == "x"
            else "a singular spectrum has no such function (add a ridge), and only roots in a "
            "normwise measure need not resolve small eigenvalues"
        )
        raise InputError(
            f"interval: needs 0 < lower for {function.name} in the measure {measure.norm!r}, got "
            f"[0, {spectrum.upper:g}]; "
            f"{remedy}"
        )
    _check_size(spectrum, measure)
    if spectrum.zeros and not function.vanishes_at_zero:
        raise InputError(
            f"samples: {spectrum.zeros} eigenvalues are 0, where {function.name} is not defined; "
            "leave them out, or add a ridge (a plan without them runs on singular matrices with "
            "rank_deficient='pseudo')"
        )
    if function.structure == "rectangular":
        _check_rank(spectrum, function)
        return
    for a, one in zip(spectrum.matrices, spectrum.statistics, strict=True):
        if a.shape[0] != a.shape[1]:
            raise InputError(
                f"{one.name}: must be a square matrix (n, n), but its shape is {a.shape}"
            )
        require_hermitian(a, one.name)
    if function.structure == "hermitian":
        _check_rank(spectrum, function)
        return
    if spectrum.structure == "hermitian" and not spectrum.matrices:
        raise InputError(
            f"samples: eigenvalues must be positive for {function.name}, but some are negative"
        )
    for one in spectrum.statistics:
        if not one.least_eigenvalue > one.floor:
            raise IndefiniteMatrixError(
                f"{one.name}: must be positive definite, but its smallest eigenvalue "
                f"{one.least_eigenvalue:.3g} is not above the rounding level {one.floor:.3g}; "
                "add a ridge (A + c*I)"
            )


def _check_size(spectrum: Spectrum, measure: Measure) -> None:
    """Refuse what no dtype resolves, before readings overflow on it."""
    if spectrum.kind == "matrices":
        return
    lower, upper = spectrum.lower, spectrum.upper
    if not 1.0 / LARGEST <= upper <= LARGEST:
        raise InputError(
            f"{spectrum.kind}: the largest eigenvalue {upper:g} is not within "
            f"[{1.0 / LARGEST:g}, {LARGEST:g}]; scale the matrices and this by a power of two"
        )
    unresolved = measure.function.vanishes_at_zero and measure.is_weighted
    if lower > 0.0 and not unresolved and lower < upper / LARGEST_CONDITION:
        raise InputError(
            f"{spectrum.kind}: the condition, from {lower:g} to {upper:g}, is above "
            f"{LARGEST_CONDITION:g}, far beyond float64 (1e16); raise the lower end, or add a ridge"
        )


def _check_rank(spectrum: Spectrum, function: MatrixFunction) -> None:
    for one in spectrum.statistics:
        if not one.smallest > one.floor:
            raise InputError(
                f"{one.name}: must have full rank for {function.name}, but its smallest singular "
                f"value {one.smallest:.3g} is not above the rounding level {one.floor:.3g}; "
                "leave it out, or shift it"
            )


def _check_library(library: Library | None, dtype: str) -> None:
    if library is not None and dtype not in library.backend.dtypes:
        raise InputError(
            f"dtype: {library.name} has no {dtype} as it is set; {library.widened}, or use one of "
            f"{', '.join(library.backend.dtypes)}"
        )


def _dtype(dtype: object) -> Dtype:
    try:
        name = np.dtype(cast("str", dtype)).name
    except TypeError:
        name = str(dtype)
    if name not in DTYPES:
        raise InputError(f"dtype: must be one of {', '.join(DTYPES)}, got {dtype!r}")
    return cast("Dtype", name)
