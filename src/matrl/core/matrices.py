"""What counts as a matrix matrl works on, checked before any work is done."""

from typing import Any

import numpy as np

from matrl.core.precision import DTYPES
from matrl.errors import InputError, NonFiniteError, NotHermitianError

__all__ = [
    "as_array",
    "as_matrix",
    "as_square",
    "check_symmetry",
    "is_hermitian",
    "require_hermitian",
    "symmetry_slack",
]


def as_array(a: Any, name: str = "A", kind: str = "NumPy") -> np.ndarray:
    """Return ``a`` if it is an array of matrices, real or complex floating-point, or refuse it.

    Raises :class:`~matrl.errors.InputError` naming the argument ``name``, and the ``kind`` of
    arrays it may be where the caller takes others.
    """
    root = type(a).__module__.partition(".")[0]
    if root in ("scipy", "cupyx", "sparse") and (hasattr(a, "toarray") or hasattr(a, "todense")):
        sparse = {"scipy": "SciPy", "cupyx": "CuPy", "sparse": "PyData"}[root]
        dense = "toarray" if hasattr(a, "toarray") else "todense"
        raise InputError(
            f"{name}: is a {sparse} sparse matrix; pass {name}.{dense}(), plans are dense"
        )
    if isinstance(a, np.ma.MaskedArray):
        raise InputError(f"{name}: is a masked array; pass {name}.filled(...) of it")
    if isinstance(a, np.matrix):
        raise InputError(f"{name}: is a numpy.matrix; pass numpy.asarray({name})")
    if not isinstance(a, np.ndarray):
        raise InputError(
            f"{name}: must be a {kind} array, not {type(a).__name__}; pass numpy.asarray({name}) "
            "of a floating-point dtype"
        )
    if a.dtype.name not in DTYPES:
        remedy = "complex128" if a.dtype.kind == "c" else "float64"
        raise InputError(
            f"{name}: must be one of {', '.join(DTYPES)}, not {a.dtype}; "
            f"pass {name}.astype('{remedy}')"
        )
    if a.ndim < 2:
        raise InputError(f"{name}: must be a matrix (m, n), but its shape is {a.shape}")
    return a


def as_square(a: Any, name: str = "A") -> np.ndarray:
    """Return ``a`` if it is a non-empty array of square matrices; InputError otherwise."""
    array = as_array(a, name)
    if array.shape[-1] != array.shape[-2]:
        raise InputError(f"{name}: must be a square matrix (n, n), but its shape is {array.shape}")
    if array.size == 0:
        raise InputError(f"{name}: is empty, its shape is {array.shape}; give n >= 1")
    return array


def symmetry_slack(n: int, dtype: Any) -> float:
    """Return how far max |A - A*| may be from 0, in units of max |A|: 8 sqrt(n) eps."""
    return 8.0 * float(np.sqrt(n)) * float(np.finfo(dtype).eps)


def check_symmetry(asymmetry: float, max_abs: float, n: int, dtype: Any, name: str = "A") -> None:
    """Raise :class:`~matrl.errors.NotHermitianError` if the asymmetry exceeds rounding."""
    if asymmetry <= symmetry_slack(n, dtype) * max_abs:
        return
    if np.dtype(dtype).kind == "c":
        what, adjoint, remedy = "Hermitian", "A*", f"({name} + {name}.conj().T)/2"
    else:
        what, adjoint, remedy = "symmetric", "A^T", f"({name} + {name}.T)/2"
    raise NotHermitianError(
        f"{name}: must be {what}, but max|A - {adjoint}| is {asymmetry:.3g} while max|A| is "
        f"{max_abs:.3g}; if it should be, pass {remedy}"
    )


def is_hermitian(a: np.ndarray) -> bool:
    """Return whether a matrix differs from its conjugate transpose by no more than rounding."""
    if a.shape[0] != a.shape[1]:
        return False
    asymmetry, largest = _asymmetry(a)
    return asymmetry <= symmetry_slack(len(a), a.dtype) * largest


def require_hermitian(a: np.ndarray, name: str) -> None:
    """Raise :class:`~matrl.errors.NotHermitianError` unless a square matrix is Hermitian."""
    asymmetry, largest = _asymmetry(a)
    check_symmetry(asymmetry, largest, len(a), a.dtype, name)


def _asymmetry(a: np.ndarray) -> tuple[float, float]:
    return float(np.abs(a - a.conj().T).max()), float(np.abs(a).max())


def as_matrix(a: Any, name: str = "A") -> np.ndarray:
    """Return ``a`` if it is one finite, non-empty matrix (m, n); InputError otherwise."""
    array = as_array(a, name)
    if array.ndim != 2:
        raise InputError(f"{name}: must be one matrix (m, n), but its shape is {array.shape}")
    if array.size == 0:
        raise InputError(f"{name}: is empty, its shape is {array.shape}; give n >= 1")
    if not np.all(np.isfinite(array)):
        raise NonFiniteError(f"{name}: holds NaN or infinity; clean it before calling")
    return array
