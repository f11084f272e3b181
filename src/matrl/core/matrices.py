"""What counts as a matrix matrl works on, checked before any work is done."""

from typing import Any

import numpy as np

from matrl.errors import InputError, NonFiniteError, NotHermitianError

__all__ = ["DTYPES", "as_positive_definite", "as_square", "check_symmetry", "symmetry_slack"]

DTYPES = ("float32", "float64")


def as_square(a: Any, name: str = "A") -> np.ndarray:
    """Return ``a`` as a non-empty float32 or float64 array of square matrices, or refuse it.

    Raises :class:`~matrl.errors.InputError` naming the argument ``name``.
    """
    if type(a).__module__.partition(".")[0] == "scipy" and hasattr(a, "toarray"):
        raise InputError(f"{name}: is a SciPy sparse matrix; pass {name}.toarray()")
    if not isinstance(a, np.ndarray):
        raise InputError(
            f"{name}: must be a NumPy array, not {type(a).__name__}; pass numpy.asarray({name}) "
            "of a floating-point dtype"
        )
    if a.dtype.name not in DTYPES:
        remedy = (
            "complex matrices are not supported yet"
            if a.dtype.kind == "c"
            else f"pass {name}.astype('float64')"
        )
        raise InputError(f"{name}: must be float32 or float64, not {a.dtype}; {remedy}")
    if a.ndim < 2 or a.shape[-1] != a.shape[-2]:
        raise InputError(f"{name}: must be a square matrix (n, n), but its shape is {a.shape}")
    if a.size == 0:
        raise InputError(f"{name}: is empty, its shape is {a.shape}; give n >= 1")
    return a


def symmetry_slack(n: int, dtype: Any) -> float:
    """Return how far max |A - A^T| may be from 0, in units of max |A|: 8 sqrt(n) eps."""
    return 8.0 * float(np.sqrt(n)) * float(np.finfo(dtype).eps)


def check_symmetry(asymmetry: float, max_abs: float, n: int, dtype: Any, name: str = "A") -> None:
    """Raise :class:`~matrl.errors.NotHermitianError` if the asymmetry exceeds rounding."""
    if asymmetry > symmetry_slack(n, dtype) * max_abs:
        raise NotHermitianError(
            f"{name}: must be symmetric, but max|A - A^T| is {asymmetry:.3g} while max|A| is "
            f"{max_abs:.3g}; if it should be, pass ({name} + {name}.T)/2"
        )


def as_positive_definite(a: Any, name: str = "A") -> np.ndarray:
    """Return ``a`` if it is one finite symmetric matrix; definiteness is for the caller to see."""
    array = as_square(a, name)
    if array.ndim != 2:
        raise InputError(f"{name}: must be one matrix (n, n), but its shape is {array.shape}")
    if not np.all(np.isfinite(array)):
        raise NonFiniteError(f"{name}: holds NaN or infinity; clean it before calling")
    check_symmetry(
        float(np.abs(array - array.T).max()),
        float(np.abs(array).max()),
        len(array),
        array.dtype,
        name,
    )
    return array
