"""Inverses and decompositions of tensors: NaN where one breaks down, and no waiting for values.

On CUDA ``torch.linalg.eigh`` and ``svd`` themselves wait for their status; Cholesky and LU do not.
"""

from collections.abc import Callable

from matrl.backends.torch.checks import check_out, check_square, check_twin
from matrl.backends.torch.hermitian import mirror
from matrl.backends.torch.library import Tensor, name_of, torch
from matrl.backends.torch.products import product
from matrl.errors import InputError

__all__ = [
    "cholesky",
    "inverse",
    "inverse_spd",
    "lyapunov",
    "polar_factor",
    "solve_triangular",
    "spectral_function",
]


def inverse_spd(out: Tensor | None, x: Tensor) -> Tensor:
    """Return the Cholesky inverses of Hermitian ``x`` (lower triangles read)."""
    check_square("x", x)
    check_twin(out, x)
    factor, sound = _cholesky(x)
    # LAPACK refuses a zero on the diagonal for all matrices of a stack.
    diagonal = factor.diagonal(dim1=-2, dim2=-1)
    diagonal.copy_(torch.where(sound[..., None], diagonal, torch.ones_like(diagonal)))
    result = torch.cholesky_inverse(factor)
    finite = torch.isfinite(result.diagonal(dim1=-2, dim2=-1)).all(dim=-1)
    result = _or_nan(result, sound & finite)
    return (
        mirror(result, in_place=False) if out is None else mirror(out.copy_(result), in_place=True)
    )


def inverse(out: Tensor | None, x: Tensor) -> Tensor:
    """Return the inverses of general ``x``, by LU with partial pivoting."""
    check_square("x", x)
    check_twin(out, x)
    result, info = torch.linalg.inv_ex(x)
    result = _or_nan(result, (info == 0) & _finite(result))
    return result if out is None else out.copy_(result)


def cholesky(out: Tensor | None, x: Tensor) -> bool:
    """Write the lower Cholesky factor of ``x`` into ``out``; False if it breaks down."""
    check_square("x", x)
    if out is not x:
        check_twin(out, x)
    factor, sound = _cholesky(x)
    if out is not None:
        out.copy_(factor)
    return bool(sound.all())


def solve_triangular(factor: Tensor, b: Tensor, transpose: bool) -> Tensor:
    """Return L^-1 b, or L^-* b if ``transpose``; not finite where the diagonal has a zero."""
    check_square("factor", factor)
    check_out(None, b.shape, [factor, b])
    return torch.linalg.solve_triangular(factor.mH if transpose else factor, b, upper=transpose)


def spectral_function(
    out: Tensor | None, x: Tensor, function: Callable[[Tensor], Tensor]
) -> Tensor:
    """Return V f(w) V^* for Hermitian x = V diag(w) V^*; f is handed the w of a stack together."""
    check_square("x", x)
    check_twin(out, x)
    sound = _finite(x)
    w, v = torch.linalg.eigh(_or_zero(x, sound))
    values = function(w)
    if values.shape != w.shape or values.is_complex():
        raise InputError(
            f"function: returned {name_of(values)} of shape {tuple(values.shape)}; "
            f"it must return as many real values as {tuple(w.shape)}"
        )
    values = _or_nan(values.to(w.dtype), sound, dimensions=1)
    return product(out, v, v * values[..., None, :], "mirrored", adjoint_y=True)


def lyapunov(out: Tensor | None, s: Tensor, r: Tensor) -> Tensor:
    """Return the solutions D of S D + D S = R for Hermitian positive definite S."""
    check_square("s", s)
    check_twin(out, s, r)
    sound = _finite(s)
    w, v = torch.linalg.eigh(_or_zero(s, sound))
    w = _or_nan(w, sound & (w[..., 0] > 0.0), dimensions=1)
    inner = product(None, product(None, v, r, adjoint_x=True), v, "mirrored")
    inner = inner.div_(w[..., :, None] + w[..., None, :])
    return product(out, product(None, v, inner), v, "mirrored", adjoint_y=True)


def polar_factor(
    out: Tensor | None, x: Tensor, observe: Callable[[Tensor], object] | None = None
) -> Tensor:
    """Return the unitary polar factors of (..., m, n), m >= n, by a singular value decomposition.

    ``observe`` is handed the singular values of a stack together.
    """
    check_twin(out, x)
    if x.shape[-2] < x.shape[-1]:
        raise InputError(f"x: has shape {tuple(x.shape)}, more columns than rows; pass its adjoint")
    sound = _finite(x)
    u, values, v_adjoint = torch.linalg.svd(_or_zero(x, sound), full_matrices=False)
    if observe is not None:
        observe(_or_nan(values, sound, dimensions=1))
    return product(out, _or_nan(u, sound), v_adjoint)


def _cholesky(x: Tensor) -> tuple[Tensor, Tensor]:
    """Return the lower factors, and of which matrices they are."""
    factor, info = torch.linalg.cholesky_ex(x)
    finite = torch.isfinite(factor.diagonal(dim1=-2, dim2=-1)).all(dim=-1)
    return factor, (info == 0) & finite


def _finite(x: Tensor) -> Tensor:
    """Return which matrices of (..., m, n) are finite."""
    return torch.isfinite(x).flatten(-2).all(dim=-1)


def _or_zero(x: Tensor, sound: Tensor) -> Tensor:
    """Return ``x`` with 0 for matrices that are not sound: LAPACK would give up on a NaN."""
    return torch.where(sound[..., None, None], x, torch.zeros((), dtype=x.dtype, device=x.device))


def _or_nan(x: Tensor, sound: Tensor, dimensions: int = 2) -> Tensor:
    """Return ``x`` with NaN where it is not sound."""
    gaps = torch.where(sound, 0.0, float("nan")).to(x.real.dtype if x.is_complex() else x.dtype)
    return x + gaps[(..., *[None] * dimensions)]
