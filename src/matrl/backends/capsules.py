"""Function pointers of the BLAS and LAPACK that SciPy itself links, called through ctypes.

NumPy and SciPy wheels each bring an OpenBLAS with a thread pool of its own. A sequence that
alternates between the two makes the pools fight for the cores (measured: product and inverse took
38 ms instead of 8 ms at n = 768), so every kernel of matrl goes through SciPy's.
"""

import ctypes
import importlib
from collections.abc import Callable
from functools import cache
from typing import Any

__all__ = ["blas_function", "lapack_function"]

# Own prototypes: setting ``argtypes`` on ctypes.pythonapi would change them for the whole process.
_capsule_name = ctypes.PYFUNCTYPE(ctypes.c_char_p, ctypes.py_object)(
    ("PyCapsule_GetName", ctypes.pythonapi)
)
_capsule_pointer = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)(
    ("PyCapsule_GetPointer", ctypes.pythonapi)
)


def _load(module: str, name: str) -> Callable[..., Any]:
    capsule = importlib.import_module(module).__pyx_capi__[name]
    signature = _capsule_name(capsule)
    # Fortran passes everything by address, so the number of arguments is all a prototype needs.
    arguments = [ctypes.c_void_p] * (signature.count(b",") + 1)
    prototype = ctypes.CFUNCTYPE(None, *arguments)
    return prototype(_capsule_pointer(capsule, signature))


@cache
def blas_function(name: str) -> Callable[..., Any]:
    """Return the BLAS routine called ``name`` (such as ``dgemm``); KeyError if there is none."""
    return _load("scipy.linalg.cython_blas", name)


@cache
def lapack_function(name: str) -> Callable[..., Any]:
    """Return the LAPACK routine called ``name`` (such as ``dpotrf``); KeyError if there is none."""
    return _load("scipy.linalg.cython_lapack", name)
