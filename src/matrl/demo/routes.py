"""What a plan competes with: the ways to A^(-1/2) that NumPy and SciPy offer.

Each takes a float32 matrix and returns a float32 matrix, like the plan, and may overwrite its
input. Each stays inside one library's BLAS, and SciPy's own checks of the input are off, to its
advantage.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import scipy.linalg

__all__ = ["ROUTES", "Route"]


@dataclass(frozen=True)
class Route:
    """One way to compute the inverse square root of a symmetric positive definite matrix.

    ``slow`` routes are timed a few times only.
    """

    name: str
    run: Callable[[np.ndarray], np.ndarray]
    slow: bool = False


def _numpy_eigh(dtype: str) -> Callable[[np.ndarray], np.ndarray]:
    def run(a: np.ndarray) -> np.ndarray:
        eigenvalues, vectors = np.linalg.eigh(a.astype(dtype, copy=False))
        with np.errstate(invalid="ignore", divide="ignore"):
            # V diag(w^-1/2) V^T as U U^T: NumPy does half the work for such a product.
            scaled = vectors * eigenvalues**-0.25
        return (scaled @ scaled.T).astype(np.float32, copy=False)

    return run


def _scipy_eigh(dtype: str, driver: str) -> Callable[[np.ndarray], np.ndarray]:
    (gemm,) = scipy.linalg.get_blas_funcs(("gemm",), dtype=np.dtype(dtype))

    def run(a: np.ndarray) -> np.ndarray:
        # The transpose is the same matrix in the order LAPACK wants, so that nothing is copied.
        matrix = a.astype(dtype, copy=False).T
        eigenvalues, vectors = cast(
            "tuple[np.ndarray, np.ndarray]",
            scipy.linalg.eigh(matrix, driver=driver, overwrite_a=True, check_finite=False),
        )
        with np.errstate(invalid="ignore", divide="ignore"):
            scaled = vectors * eigenvalues**-0.5
        return gemm(1.0, scaled, vectors, trans_b=True).astype(np.float32, copy=False)

    return run


def _inverse_of_root(dtype: str) -> Callable[[np.ndarray], np.ndarray]:
    def run(a: np.ndarray) -> np.ndarray:
        root: Any = scipy.linalg.sqrtm(a.astype(dtype, copy=False))
        inverse = scipy.linalg.inv(root, overwrite_a=True, check_finite=False)
        return np.real(inverse).astype(np.float32, copy=False)

    return run


ROUTES: tuple[Route, ...] = (
    # NumPy computes eigendecompositions of float32 matrices in float64.
    Route("numpy eigh f32", _numpy_eigh("float32")),
    Route("numpy eigh f64", _numpy_eigh("float64")),
    *(
        Route(f"scipy {driver} f{dtype[-2:]}", _scipy_eigh(dtype, driver))
        for driver in ("evd", "evr")
        for dtype in ("float32", "float64")
    ),
    *(
        Route(f"inv(sqrtm) f{dtype[-2:]}", _inverse_of_root(dtype), slow=True)
        for dtype in ("float32", "float64")
    ),
)
