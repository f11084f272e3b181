"""What plans compete with: the ways to the same functions that other libraries offer.

Each takes a matrix it may overwrite, or a stack, and returns an array. PyTorch is left out where it
is not installed.
"""

from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import numpy as np
import scipy.linalg

from matrl.demo.routes import ROUTES

__all__ = ["Route", "invsqrt_routes", "polar_routes", "stack_routes"]

Route = Callable[[np.ndarray], np.ndarray]


def _torch() -> Any:
    import torch

    return torch


def _torch_eigh(a: np.ndarray) -> np.ndarray:
    torch = _torch()
    values, vectors = torch.linalg.eigh(torch.from_numpy(a))
    return ((vectors * values[..., None, :] ** -0.5) @ vectors.mT).numpy()


def _numpy_eigh(a: np.ndarray) -> np.ndarray:
    values, vectors = np.linalg.eigh(a)
    return (vectors * values[..., None, :] ** -0.5) @ vectors.swapaxes(-1, -2)


def _scipy_eigh(driver: str) -> Route:
    def run(a: np.ndarray) -> np.ndarray:
        values, vectors = scipy.linalg.eigh(
            a.T, driver=driver, overwrite_a=True, check_finite=False
        )
        (gemm,) = scipy.linalg.get_blas_funcs(("gemm",), (vectors,))
        return gemm(1.0, vectors * values**-0.5, vectors, trans_b=True)

    return run


def invsqrt_routes(dtype: str) -> dict[str, Route]:
    """Return the eigendecompositions, and for float32 those in float64 too."""
    found: dict[str, Route] = {"numpy eigh": _numpy_eigh}
    found |= {f"scipy {driver}": _scipy_eigh(driver) for driver in ("evd", "evr")}
    if dtype == "float32":
        found |= {route.name: route.run for route in ROUTES if "eigh f64" in route.name}
        found |= {r.name: r.run for r in ROUTES if r.name.startswith("scipy") and "f64" in r.name}
    if find_spec("torch"):
        found["torch eigh"] = _torch_eigh
    return found


def _torch_svd(a: np.ndarray) -> np.ndarray:
    torch = _torch()
    left, _, right = torch.linalg.svd(torch.from_numpy(a), full_matrices=False)
    return (left @ right).numpy()


def _torch_gram(a: np.ndarray) -> np.ndarray:
    torch = _torch()
    x = torch.from_numpy(a)
    values, vectors = torch.linalg.eigh(x.mT @ x)
    return (x @ ((vectors * values**-0.5) @ vectors.mT)).numpy()


def _numpy_svd(a: np.ndarray) -> np.ndarray:
    left, _, right = np.linalg.svd(a, full_matrices=False)
    return left @ right


def _scipy_svd(a: np.ndarray) -> np.ndarray:
    left, _, right = scipy.linalg.svd(a, False, overwrite_a=True, check_finite=False)
    return left @ right


def _scipy_gram(a: np.ndarray) -> np.ndarray:
    gram = a.T @ a
    values, vectors = scipy.linalg.eigh(gram, driver="evd", overwrite_a=True, check_finite=False)
    return a @ ((vectors * values**-0.5) @ vectors.T)


def polar_routes() -> dict[str, Route]:
    """Return singular value decompositions, and eigendecompositions of the Gram matrix."""
    found = {"numpy svd": _numpy_svd, "scipy svd": _scipy_svd, "scipy Gram + eigh": _scipy_gram}
    if find_spec("torch"):
        found |= {"torch svd": _torch_svd, "torch Gram + eigh": _torch_gram}
    return found


def stack_routes() -> dict[str, Route]:
    """Return the eigendecompositions of stacks."""
    found: dict[str, Route] = {"numpy eigh": _numpy_eigh}
    return found | ({"torch eigh": _torch_eigh} if find_spec("torch") else {})
