"""Kernels on stacks (..., m, n) of matrices: the calls of those on one matrix, many at once.

A call on one small matrix spends more time in Python than in BLAS (measured: 19 of 22 microseconds
of a product at n = 64 in float32). Products of small matrices therefore go through NumPy's own loop
over the stack, whose BLAS starts no threads below n = 64; larger matrices, and whatever has no such
loop, are taken one by one.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from matrl.backends import elementwise, factorizations, products, spectral
from matrl.backends.elementwise import check_terms
from matrl.backends.layout import check_out, is_complex, real_dtype, real_view
from matrl.backends.protocol import Addend, Matrix
from matrl.errors import (
    ConvergenceError,
    DomainError,
    IndefiniteMatrixError,
    InputError,
    NonFiniteError,
)

__all__ = [
    "gram",
    "gram_averaged",
    "inverse",
    "inverse_spd",
    "largest_asymmetries",
    "linear",
    "lyapunov",
    "matmul",
    "matmul_averaged",
    "matmul_hermitian",
    "outer_gram",
    "polar_factor",
    "spectral_function",
    "symmetrize",
]

_SMALL = 64**3
"""Most multiplications of a product that NumPy's BLAS does without threads of its own."""
_MASKED = 32
"""Order up to which triangles are copied under a mask."""
_BROKEN = (IndefiniteMatrixError, DomainError, NonFiniteError, ConvergenceError)
"""What one matrix of a stack may run into: it becomes NaN, and the others are as they were."""


def _matrices(stack: Matrix) -> Matrix:
    """Return a stack as (count, m, n)."""
    return stack.reshape(-1, *stack.shape[-2:])


def _each(
    kernel: Callable[..., Any],
    out: Matrix,
    x: Matrix,
    y: Matrix | None = None,
    addends: Sequence[Addend] = (),
    **options: Any,
) -> Matrix:
    """Call a kernel on one matrix after the other; NaN where it cannot compute it."""
    check_out(out, None, [])
    parts, left = _matrices(out), _matrices(x)
    right = left if y is x else None if y is None else _matrices(y)
    terms = [(beta, parts if c is out else _matrices(c)) for beta, c in addends]
    for index, part in enumerate(parts):
        one = left[index]
        factors = [one] if right is None else [one, one if right is left else right[index]]
        if terms:
            options["addends"] = [(b, part if c is parts else c[index]) for b, c in terms]
        try:
            kernel(part, *factors, **options)
        except _BROKEN:
            part[...] = np.nan
    return out


def _adjoint(x: Matrix) -> Matrix:
    return _conjugated(x).swapaxes(-1, -2)


def _checked(
    out: Matrix, x: Matrix, y: Matrix, adjoint_x: bool, adjoint_y: bool
) -> tuple[Matrix, Matrix]:
    """Return the factors as they enter the product, of shapes and dtypes that fit."""
    left, right = _adjoint(x) if adjoint_x else x, _adjoint(y) if adjoint_y else y
    check_out(out, None, [x, y])
    shape = (*left.shape[:-2], left.shape[-2], right.shape[-1])
    matches = left.shape[:-2] == right.shape[:-2] and left.shape[-1] == right.shape[-2]
    if not matches or out.shape != shape:
        raise InputError(
            f"out has shape {out.shape}, the factors {x.shape} and {y.shape}: pass matching stacks"
        )
    if not (x.dtype == y.dtype == out.dtype):
        raise InputError(
            f"out has dtype {out.dtype}, the factors {x.dtype} and {y.dtype}: cast one of them"
        )
    return left, right


def _is_small(x: Matrix, y: Matrix) -> bool:
    return x.shape[-2] * x.shape[-1] * y.shape[-1] <= _SMALL


def _conjugated(x: Matrix) -> Matrix:
    return x.conj() if is_complex(x) else x


def _mirror_lower(out: Matrix) -> None:
    """Overwrite the strictly upper triangles of (..., n, n) by the adjoints of the lower ones."""
    n = out.shape[-1]
    if n > _MASKED:
        half = n // 2
        lower = out[..., half:, :half].swapaxes(-1, -2)
        out[..., :half, half:] = _conjugated(lower)
        _mirror_lower(out[..., :half, :half])
        _mirror_lower(out[..., half:, half:])
        return
    upper = np.arange(n)[:, None] < np.arange(n)
    np.copyto(out, _conjugated(out).swapaxes(-1, -2), where=upper)
    if is_complex(out):
        np.einsum("...ii->...i", np.imag(out))[...] = 0.0


def _average(out: Matrix) -> None:
    """Replace every matrix of (..., n, n) by its Hermitian part."""
    np.add(out, _conjugated(out).swapaxes(-1, -2), out=out)
    np.multiply(real_view(out), real_dtype(out).type(0.5), out=real_view(out))


def _product(
    out: Matrix,
    x: Matrix,
    y: Matrix,
    finish: Callable[[Matrix], None] | None,
    alpha: float,
    addends: Sequence[Addend],
    shift: float,
) -> Matrix:
    """Write the combination of x y, its result made Hermitian by ``finish``, into ``out``."""
    check_terms(out, (alpha, *(beta for beta, _ in addends)), [c for _, c in addends], shift)
    if finish is not None and out.shape[-1] != out.shape[-2]:
        raise InputError(f"out has shape {out.shape}: pass a stack of square matrices")
    real = real_dtype(out).type
    # What is added is scaled before anything is written: ``out`` may be part of it.
    scaled = [np.multiply(c, real(beta)) for beta, c in addends]
    np.matmul(x, y, out=out)
    if alpha != 1.0:
        np.multiply(out, real(alpha), out=out)
    for term in scaled:
        out += term
    if finish is not None:
        finish(out)
    return add_to_diagonals(out, shift)


def add_to_diagonals(out: Matrix, shift: float) -> Matrix:
    """Add ``shift`` times the identity to every matrix of ``out`` (..., n, n), C-contiguous."""
    if shift != 0.0:
        n = out.shape[-1]
        out.reshape(-1, n * n)[:, :: n + 1] += real_dtype(out).type(shift)
    return out


def linear(
    out: Matrix, coefficients: Sequence[float], arrays: Sequence[Matrix], shift: float
) -> Matrix:
    """Write sum c_i X_i + shift I; see :func:`matrl.backends.elementwise.linear`.

    >>> x = np.array([[[1.0]], [[2.0]]])
    >>> print(linear(np.empty_like(x), [3.0], [x], 1.0).ravel())
    [4. 7.]
    """
    check_terms(out, coefficients, arrays, shift)
    columns = out.shape[-1]
    flat = out.reshape(-1, columns)
    rows = [flat if x is out else x.reshape(-1, columns) for x in arrays]
    elementwise.linear(flat, coefficients, rows, 0.0)
    return add_to_diagonals(out, shift)


def matmul(
    out: Matrix,
    x: Matrix,
    y: Matrix,
    *,
    adjoint_x: bool = False,
    adjoint_y: bool = False,
    alpha: float = 1.0,
    addends: Sequence[Addend] = (),
    shift: float = 0.0,
) -> Matrix:
    """Write the products of two stacks; see :func:`matrl.backends.products.matmul`.

    >>> x = np.array([[[1.0, 2.0], [0.0, 1.0]]] * 2)
    >>> print(matmul(np.empty_like(x), x, x, shift=1.0)[1])
    [[2. 4.]
     [0. 2.]]
    """
    left, right = _checked(out, x, y, adjoint_x, adjoint_y)
    if _is_small(left, right):
        return _product(out, left, right, None, alpha, addends, shift)
    flags = {"adjoint_x": adjoint_x, "adjoint_y": adjoint_y}
    return _each(products.matmul, out, x, y, addends, alpha=alpha, shift=shift, **flags)


def matmul_hermitian(
    out: Matrix,
    x: Matrix,
    y: Matrix,
    *,
    adjoint_x: bool = False,
    adjoint_y: bool = False,
    alpha: float = 1.0,
    addends: Sequence[Addend] = (),
    shift: float = 0.0,
) -> Matrix:
    """Write Hermitian products; see :func:`matrl.backends.products.matmul_hermitian`."""
    left, right = _checked(out, x, y, adjoint_x, adjoint_y)
    if _is_small(left, right):
        return _product(out, left, right, _mirror_lower, alpha, addends, shift)
    flags = {"adjoint_x": adjoint_x, "adjoint_y": adjoint_y}
    return _each(products.matmul_hermitian, out, x, y, addends, alpha=alpha, shift=shift, **flags)


def matmul_averaged(
    out: Matrix,
    x: Matrix,
    y: Matrix,
    *,
    adjoint_x: bool = False,
    adjoint_y: bool = False,
    alpha: float = 1.0,
    addends: Sequence[Addend] = (),
    shift: float = 0.0,
) -> Matrix:
    """Write Hermitian parts of products; see :func:`matrl.backends.products.matmul_averaged`."""
    left, right = _checked(out, x, y, adjoint_x, adjoint_y)
    if _is_small(left, right):
        return _product(out, left, right, _average, alpha, addends, shift)
    flags = {"adjoint_x": adjoint_x, "adjoint_y": adjoint_y}
    return _each(products.matmul_averaged, out, x, y, addends, alpha=alpha, shift=shift, **flags)


def gram(
    out: Matrix,
    x: Matrix,
    y: Matrix,
    *,
    alpha: float = 1.0,
    addends: Sequence[Addend] = (),
    shift: float = 0.0,
) -> Matrix:
    """Write x^* y, known to be Hermitian; see :func:`matrl.backends.products.gram`."""
    left, right = _checked(out, x, y, True, False)
    if _is_small(left, right):
        return _product(out, left, right, _mirror_lower, alpha, addends, shift)
    return _each(products.gram, out, x, y, addends, alpha=alpha, shift=shift)


def outer_gram(
    out: Matrix,
    x: Matrix,
    y: Matrix,
    *,
    alpha: float = 1.0,
    addends: Sequence[Addend] = (),
    shift: float = 0.0,
) -> Matrix:
    """Write x y^*, known to be Hermitian; see :func:`matrl.backends.products.outer_gram`."""
    left, right = _checked(out, x, y, False, True)
    if _is_small(left, right):
        return _product(out, left, right, _mirror_lower, alpha, addends, shift)
    return _each(products.outer_gram, out, x, y, addends, alpha=alpha, shift=shift)


def gram_averaged(
    out: Matrix,
    x: Matrix,
    y: Matrix,
    *,
    alpha: float = 1.0,
    addends: Sequence[Addend] = (),
    shift: float = 0.0,
) -> Matrix:
    """Write Hermitian parts of x^* y; see :func:`matrl.backends.products.gram_averaged`."""
    return matmul_averaged(out, x, y, adjoint_x=True, alpha=alpha, addends=addends, shift=shift)


def symmetrize(out: Matrix) -> Matrix:
    """Replace every matrix of ``out`` (..., n, n) by its Hermitian part."""
    check_out(out, None, [])
    _average(out)
    return out


def largest_asymmetries(x: Matrix) -> Matrix:
    """Return the largest modulus in x - x^* of every matrix of ``x`` (..., n, n)."""
    with np.errstate(invalid="ignore", over="ignore"):
        return np.abs(x - _adjoint(x)).max(axis=(-2, -1))


def inverse_spd(out: Matrix, x: Matrix) -> Matrix:
    """Write Cholesky inverses; see :func:`matrl.backends.factorizations.inverse_spd`.

    NaN where a matrix is not positive definite.

    >>> x = np.array([[[4.0]], [[-1.0]]])
    >>> print(inverse_spd(np.empty_like(x), x).ravel())
    [0.25  nan]
    """
    return _each(factorizations.inverse_spd, out, x)


def inverse(out: Matrix, x: Matrix) -> Matrix:
    """Write inverses of general matrices, NaN where one is singular."""
    return _each(factorizations.inverse, out, x)


def spectral_function(out: Matrix, x: Matrix, function: Callable[[Matrix], Matrix]) -> Matrix:
    """Write V f(w) V^* for every matrix; NaN where ``function`` raises.

    See :func:`matrl.backends.spectral.spectral_function`.
    """
    return _each(lambda part, one: spectral.spectral_function(part, one, function), out, x)


def lyapunov(out: Matrix, s: Matrix, r: Matrix) -> Matrix:
    """Write the solutions D of S D + D S = R, NaN where S is not positive definite."""
    return _each(spectral.lyapunov, out, s, r)


def polar_factor(
    out: Matrix, x: Matrix, observe: Callable[[Matrix], object] | None = None
) -> Matrix:
    """Write unitary polar factors; ``observe`` is handed singular values matrix by matrix."""
    return _each(lambda part, one: spectral.polar_factor(part, one, observe), out, x)
