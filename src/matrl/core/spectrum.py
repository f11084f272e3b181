"""The spectra a problem is about: an interval, samples, or those of given matrices."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NoReturn

import numpy as np

from matrl.core.matrices import as_positive_definite
from matrl.errors import IndefiniteMatrixError, InputError

__all__ = ["MatrixStatistics", "Spectrum"]


@dataclass(frozen=True)
class MatrixStatistics:
    """Smallest and largest eigenvalue of one matrix, and the norms a plan may scale by."""

    smallest: float
    largest: float
    frobenius: float
    one_norm: float


@dataclass(frozen=True)
class Spectrum:
    """The eigenvalues a plan must be good for; make one with a class method.

    ``interval`` and ``samples`` are absolute: a plan for them refuses a matrix outside. ``of`` is
    relative: the plan divides a matrix by a norm bound first, and the domain is widened by
    ``margin`` because the matrices to come differ from those given.
    """

    kind: Literal["interval", "samples", "matrices"]
    lower: float
    upper: float
    points: tuple[float, ...] = ()
    """Sorted eigenvalues: the samples, or all eigenvalues of the given matrices."""
    margin: float = 1.0
    statistics: tuple[MatrixStatistics, ...] = ()
    matrices: tuple[np.ndarray, ...] = field(default=(), repr=False, compare=False)

    @property
    def is_relative(self) -> bool:
        """Whether plans normalise each matrix before they run."""
        return self.kind == "matrices"

    @classmethod
    def interval(cls, lower: float, upper: float) -> "Spectrum":
        """Return the closed interval [lower, upper], 0 < lower <= upper < inf.

        Raises :class:`~matrl.errors.InputError` otherwise.

        >>> Spectrum.interval(1e-4, 1).upper
        1.0
        """
        try:
            lower, upper = float(lower), float(upper)
        except (TypeError, ValueError, OverflowError):
            raise InputError(
                f"interval: both ends must be numbers, not {lower!r} and {upper!r}"
            ) from None
        if not (np.isfinite(lower) and np.isfinite(upper) and 0.0 < lower <= upper):
            raise InputError(
                f"interval: needs 0 < lower <= upper < infinity, got [{lower:g}, {upper:g}]; "
                "a singular or indefinite spectrum has no root of this kind (add a ridge)"
            )
        return cls("interval", lower, upper)

    @classmethod
    def samples(cls, eigenvalues: Sequence[float] | np.ndarray) -> "Spectrum":
        """Return the spectrum of exactly these positive eigenvalues (any array-like of numbers).

        Raises :class:`~matrl.errors.InputError` if there are none or one is not positive.

        >>> Spectrum.samples([0.5, 1.0, 0.1]).lower
        0.1
        """
        try:
            if np.iscomplexobj(eigenvalues):
                raise TypeError
            values = np.sort(np.asarray(eigenvalues, dtype=np.float64).ravel())
        except (TypeError, ValueError, OverflowError):
            raise InputError("samples: must be an array of real numbers") from None
        if values.size == 0:
            raise InputError("samples: is empty; give at least one eigenvalue")
        if not np.all(np.isfinite(values)) or values[0] <= 0.0:
            raise InputError(
                f"samples: eigenvalues must be finite and positive, the smallest is {values[0]:g}"
            )
        return cls("samples", float(values[0]), float(values[-1]), tuple(values.tolist()))

    @classmethod
    def of(cls, matrices: Any, *, margin: float = 2.0) -> "Spectrum":
        """Return the spectrum of one Hermitian positive definite matrix, or of several.

        ``matrices`` is an (n, n) array, a stack (..., n, n) or a sequence of such arrays, float32
        or float64; ``margin`` >= 1 widens the ends of the domain. Eigenvalues are computed in
        float64. Raises a :class:`~matrl.errors.InputError` for what is not such a matrix.

        >>> import numpy as np
        >>> Spectrum.of(np.diag([1.0, 4.0])).upper
        4.0
        """
        if not isinstance(margin, int | float) or not 1.0 <= margin < np.inf:
            raise InputError(f"margin: must be a number >= 1, got {margin!r}")
        arrays = [as_positive_definite(a, name) for name, a in _named(matrices)]
        statistics, eigenvalues = [], []
        for name, a in zip((name for name, _ in _named(matrices)), arrays, strict=True):
            wide = a.astype(np.float64)
            values = np.linalg.eigvalsh(wide)
            floor = len(values) * float(np.finfo(np.float64).eps) * max(values[-1], 0.0)
            if not values[0] > floor:
                raise IndefiniteMatrixError(
                    f"{name}: must be positive definite, but its smallest eigenvalue "
                    f"{values[0]:.3g} is not above the rounding level {floor:.3g}; add a ridge "
                    "(A + c*I)"
                )
            eigenvalues.append(values)
            statistics.append(
                MatrixStatistics(
                    float(values[0]),
                    float(values[-1]),
                    float(np.linalg.norm(wide)),
                    float(np.abs(wide).sum(axis=0).max()),
                )
            )
        return cls(
            "matrices",
            min(s.smallest for s in statistics),
            max(s.largest for s in statistics),
            tuple(np.sort(np.concatenate(eigenvalues)).tolist()),
            float(margin),
            tuple(statistics),
            tuple(arrays),
        )


def _named(matrices: Any) -> Iterable[tuple[str, Any]]:
    if isinstance(matrices, np.ndarray) and matrices.ndim <= 2:
        return [("matrices", matrices)]
    if isinstance(matrices, np.ndarray) and matrices.size == 0:
        _refuse_empty()
    if isinstance(matrices, np.ndarray):
        stack = matrices.reshape(-1, *matrices.shape[-2:])
        return [(f"matrices[{i}]", a) for i, a in enumerate(stack)]
    if isinstance(matrices, Sequence) and len(matrices) == 0:
        _refuse_empty()
    if isinstance(matrices, Sequence) and all(_dimensions(a) >= 2 for a in matrices):
        return [
            (f"matrices[{i}]" if np.ndim(a) == 2 else f"matrices[{i}]{name[8:]}", b)
            for i, a in enumerate(matrices)
            for name, b in _named(np.asarray(a))
        ]
    return [("matrices", matrices)]


def _dimensions(a: Any) -> int:
    try:
        return np.ndim(a)
    except ValueError:  # nested lists of unequal lengths
        return 0


def _refuse_empty() -> NoReturn:
    raise InputError("matrices: is empty; give at least one matrix")
