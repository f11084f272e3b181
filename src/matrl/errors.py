"""Every exception matrl raises on purpose.

A message names the argument, says what is wrong with it and what to do about it. Each class also
derives from the built-in exception a caller would expect, so ``except ValueError`` keeps working.
"""

__all__ = [
    "ArtifactError",
    "ConvergenceError",
    "DomainError",
    "IndefiniteMatrixError",
    "InputError",
    "MatrlError",
    "MissingExtraError",
    "NonFiniteError",
    "NotHermitianError",
    "ProfileError",
    "RankDeficientError",
    "ToleranceError",
    "UnknownNameError",
    "UnreachableError",
    "WorkersLostError",
]


class MatrlError(Exception):
    """Base class of every error matrl raises on purpose."""


class InputError(MatrlError, ValueError):
    """An argument has the wrong kind, shape or dtype."""


class UnknownNameError(InputError):
    """A function, update, form or measure of this name does not exist."""


class NonFiniteError(InputError):
    """A matrix holds NaN or infinity."""


class NotHermitianError(InputError):
    """A matrix differs from its conjugate transpose by more than rounding explains."""


class IndefiniteMatrixError(InputError):
    """A matrix that must be positive definite is indefinite, or singular to working precision."""


class RankDeficientError(InputError):
    """A matrix whose sign or polar factor is asked for is singular to working precision."""


class DomainError(InputError):
    """The spectrum of a matrix lies outside the domain the plan was made for."""


class ToleranceError(InputError):
    """The tolerance is not a number the working precision can reach."""


class ProfileError(MatrlError, ValueError):
    """A machine profile lacks something a question to it needs, or its content is invalid."""


class ArtifactError(MatrlError, ValueError):
    """A plan, profile or matrix file is unreadable, foreign, or of an unknown schema."""


class UnreachableError(MatrlError, RuntimeError):
    """No schedule of the allowed actions reaches the tolerance at a known price."""


class ConvergenceError(MatrlError, RuntimeError):
    """A run missed its tolerance and no fallback could mend it."""


class MissingExtraError(MatrlError, ImportError):
    """An optional dependency is not installed."""


class WorkersLostError(MatrlError, RuntimeError):
    """All workers of a parallel search have come to an end, and none has reported a plan."""
