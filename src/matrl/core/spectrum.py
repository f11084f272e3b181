"""The spectra a problem is about: an interval, samples, or those of given matrices."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NoReturn

import numpy as np

from matrl.core.function import Structure
from matrl.core.matrices import as_matrix, is_hermitian
from matrl.errors import InputError

__all__ = ["MatrixStatistics", "Spectrum"]


@dataclass(frozen=True)
class MatrixStatistics:
    """What discovery needs to know of one matrix.

    ``smallest`` and ``largest`` are the least and greatest modulus of its eigenvalues if it is
    Hermitian, of its singular values if not; ``least_eigenvalue`` has its sign (NaN where the
    matrix is not Hermitian). The norms are those a plan may scale by.
    """

    name: str
    smallest: float
    largest: float
    least_eigenvalue: float
    frobenius: float
    one_norm: float
    inf_norm: float
    gershgorin: float
    side: int
    """The larger side of the matrix."""

    @property
    def floor(self) -> float:
        """The rounding level of the eigenvalues, computed in float64."""
        return self.side * float(np.finfo(np.float64).eps) * self.largest


@dataclass(frozen=True)
class Spectrum:
    """The eigenvalues a plan must be good for; make one with a class method.

    For the sign function they are the moduli of the eigenvalues, for polar factors the singular
    values. ``interval`` and ``samples`` are absolute: a plan for them refuses a matrix outside.
    ``of`` is relative: the plan divides a matrix by a norm bound first, and the domain is widened
    by ``margin`` because the matrices to come differ from those given.
    """

    kind: Literal["interval", "samples", "matrices"]
    lower: float
    upper: float
    points: tuple[float, ...] = ()
    """Sorted moduli: the samples, or all eigenvalues (singular values) of the given matrices."""
    margin: float = 1.0
    statistics: tuple[MatrixStatistics, ...] = ()
    matrices: tuple[np.ndarray, ...] = field(default=(), repr=False, compare=False)
    structure: Structure = "positive"
    """What all of it is: positive definite, Hermitian, or of any shape."""
    zeros: int = 0
    """How many of the samples are 0; they are not among the points."""

    @property
    def is_relative(self) -> bool:
        """Whether plans normalise each matrix before they run."""
        return self.kind == "matrices"

    @classmethod
    def interval(cls, lower: float, upper: float) -> "Spectrum":
        """Return the closed interval [lower, upper], 0 <= lower <= upper < inf, 0 < upper.

        A lower end 0 has a meaning only for roots in a normwise measure. Raises
        :class:`~matrl.errors.InputError` for other ends.

        >>> Spectrum.interval(1e-4, 1).upper
        1.0
        """
        try:
            lower, upper = float(lower), float(upper)
        except (TypeError, ValueError, OverflowError):
            raise InputError(
                f"interval: both ends must be numbers, not {lower!r} and {upper!r}"
            ) from None
        finite = np.isfinite(lower) and np.isfinite(upper)
        if not (finite and 0.0 <= lower <= upper and upper > 0.0):
            raise InputError(
                f"interval: needs 0 < lower <= upper < infinity, got [{lower:g}, {upper:g}]; "
                "give finite ends in this order, for sign the moduli of the eigenvalues, for polar "
                "factors the singular values; for roots of an indefinite matrix add a ridge"
            )
        return cls("interval", lower, upper)

    @classmethod
    def samples(cls, eigenvalues: Sequence[float] | np.ndarray) -> "Spectrum":
        """Return the spectrum of exactly these eigenvalues (any array-like of real numbers).

        Negative ones are for the sign function alone, zeros for roots and positive powers, which
        are 0 there: the value is to be within the tolerance times f of the least positive one
        (see :class:`~matrl.core.measure.Measure`). Zeros of either sign are counted and left out
        of ``points``, ``lower`` and ``upper``. Raises :class:`~matrl.errors.InputError` if there
        are none but zeros, or some are not finite.

        >>> Spectrum.samples([0.5, 1.0, 0.1]).lower
        0.1
        >>> Spectrum.samples([0.0, 0.0, 0.1, 1.0]).zeros
        2
        """
        try:
            if np.iscomplexobj(eigenvalues):
                raise TypeError
            values = np.asarray(eigenvalues, dtype=np.float64).ravel()
        except (TypeError, ValueError, OverflowError):
            raise InputError("samples: must be an array of real numbers") from None
        if values.size == 0:
            raise InputError("samples: is empty; give at least one eigenvalue")
        if not np.all(np.isfinite(values)):
            raise InputError("samples: eigenvalues must be finite; leave NaN and infinity out")
        moduli = np.sort(np.abs(values[values != 0.0]))
        if moduli.size == 0:
            raise InputError("samples: all eigenvalues are 0; give at least one that is not")
        structure: Structure = "positive" if np.all(values >= 0.0) else "hermitian"
        return cls(
            "samples",
            float(moduli[0]),
            float(moduli[-1]),
            tuple(moduli.tolist()),
            structure=structure,
            zeros=values.size - moduli.size,
        )

    @classmethod
    def of(cls, matrices: Any, *, margin: float = 2.0) -> "Spectrum":
        """Return the spectrum of one matrix, or of several.

        ``matrices`` is an (m, n) array, a stack (..., m, n) or a sequence of such arrays, of a real
        or complex floating-point dtype; eigenvalues are used where all are Hermitian, singular
        values else, computed in float64. ``margin`` >= 1 widens the ends of the domain. Raises a
        :class:`~matrl.errors.InputError` for what is not a finite matrix; what a function needs of
        its matrices is checked by :class:`~matrl.Problem`.

        >>> import numpy as np
        >>> Spectrum.of(np.diag([1.0, 4.0])).upper
        4.0
        """
        if not isinstance(margin, int | float) or not 1.0 <= margin < np.inf:
            raise InputError(f"margin: must be a number >= 1, got {margin!r}")
        named = [(name, as_matrix(a, name)) for name, a in _named(matrices)]
        hermitian = all(is_hermitian(a) for _, a in named)
        statistics, moduli = [], []
        for name, a in named:
            one, values = _statistics(name, a, hermitian)
            statistics.append(one)
            moduli.append(values)
        positive = hermitian and all(s.least_eigenvalue > 0.0 for s in statistics)
        structure: Structure = "rectangular" if not hermitian else "hermitian"
        return cls(
            "matrices",
            min(s.smallest for s in statistics),
            max(s.largest for s in statistics),
            tuple(np.sort(np.concatenate(moduli)).tolist()),
            float(margin),
            tuple(statistics),
            tuple(a for _, a in named),
            "positive" if positive else structure,
        )


def _statistics(name: str, a: np.ndarray, hermitian: bool) -> tuple[MatrixStatistics, np.ndarray]:
    wide = a.astype(np.complex128 if np.iscomplexobj(a) else np.float64)
    if hermitian:
        eigenvalues = np.linalg.eigvalsh(wide)
        moduli, least = np.sort(np.abs(eigenvalues)), float(eigenvalues[0])
        diagonal = np.real(np.diagonal(wide))
        gershgorin = float((diagonal - np.abs(diagonal) + np.abs(wide).sum(axis=1)).max())
    else:
        moduli, least = np.sort(np.linalg.svd(wide, compute_uv=False)), float("nan")
        gershgorin = float("nan")
    modulus = np.abs(wide)
    return MatrixStatistics(
        name,
        float(moduli[0]),
        float(moduli[-1]),
        least,
        float(np.linalg.norm(wide)),
        float(modulus.sum(axis=0).max()),
        float(modulus.sum(axis=1).max()),
        gershgorin,
        max(a.shape),
    ), moduli


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
