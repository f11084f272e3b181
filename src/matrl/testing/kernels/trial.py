"""Calls of one kernel held against references in higher precision."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from matrl.backends.protocol import Backend
from matrl.core.precision import eps_of, is_complex
from matrl.errors import (
    ConvergenceError,
    DomainError,
    IndefiniteMatrixError,
    InputError,
    NonFiniteError,
)

__all__ = ["Trial", "adjoint", "hermitian", "noise", "unitary", "wide"]

BROKEN = (IndefiniteMatrixError, DomainError, NonFiniteError, ConvergenceError)
"""What a kernel may raise where a matrix alone breaks down."""
UNITS = 4.0
"""Largest error allowed, in units eps n of the norms of what goes in."""
LAYOUTS = ("plain", "gaps", "transposed")


def noise(shape: tuple[int, ...], dtype: str, seed: int) -> np.ndarray:
    """Return a random array of this shape and dtype, of elements near 1."""
    random = np.random.default_rng((seed, *shape))
    x = random.standard_normal(shape)
    return (x + 1j * random.standard_normal(shape) if is_complex(dtype) else x).astype(dtype)


def wide(x: np.ndarray) -> np.ndarray:
    """Return ``x`` in the widest precision NumPy has here."""
    return x.astype(np.clongdouble if x.dtype.kind == "c" else np.longdouble)


def adjoint(x: np.ndarray) -> np.ndarray:
    """Return the conjugate transposes of (..., m, n)."""
    return x.conj().swapaxes(-1, -2)


def hermitian(x: np.ndarray) -> np.ndarray:
    """Return the Hermitian parts of (..., n, n)."""
    return (x + adjoint(x)) / 2


def unitary(shape: tuple[int, ...], dtype: str, seed: int) -> np.ndarray:
    """Return unitary matrices (..., n, n) in the widest precision: two Householder reflections."""
    n = shape[-1]
    identity = np.eye(n, dtype=np.longdouble)
    product = identity
    for i in (1, 2):
        v = wide(noise((*shape[:-2], n, 1), dtype, seed + i))
        squares = (np.abs(v) ** 2).sum(axis=(-2, -1), keepdims=True)
        product = product @ (identity - 2 * (v / squares) @ adjoint(v))
    return product


@dataclass(frozen=True)
class Trial:
    """A kernel of a backend at work in one dtype, and the words for a failure of it."""

    backend: Backend
    kernel: str
    dtype: str
    case: str = ""

    def of(self, case: str) -> "Trial":
        """Return the trial of a case."""
        return replace(self, case=case)

    def require(self, condition: Any, message: str) -> None:
        """Raise AssertionError, in a sentence, unless the condition holds."""
        if not condition:
            raise AssertionError(f"{self.kernel} in {self.dtype}, {self.case}: {message}")

    def run(self, call: Callable[..., Any], *arguments: Any) -> Any:
        """Return what a call gives; AssertionError if it raises."""
        try:
            return call(*arguments)
        except AssertionError:
            raise
        except Exception as error:
            raise AssertionError(
                f"{self.kernel} in {self.dtype}, {self.case}: it raised {error!r}"
            ) from error

    def array(self, x: np.ndarray, layout: str = "plain") -> Any:
        """Return a copy of ``x`` on the backend, if asked for not contiguous."""
        if layout == "gaps":
            return self.backend.from_host(np.repeat(x, 2, axis=-1))[..., ::2]
        if layout == "transposed":
            return self.backend.from_host(x.swapaxes(-1, -2).copy()).swapaxes(-1, -2)
        return self.backend.from_host(x.copy())

    def arrays(self, inputs: Sequence[np.ndarray], layout: str) -> list[Any]:
        """Return copies of all inputs, one copy of what is there several times."""
        made = {id(x): self.array(x, layout) for x in inputs}
        return [made[id(x)] for x in inputs]

    def check(
        self,
        call: Callable[..., Any],
        inputs: Sequence[np.ndarray],
        reference: np.ndarray,
        scale: Any,
        *,
        n: int,
        before: np.ndarray | None = None,
        mirrored: bool = False,
        layouts: Sequence[str] = LAYOUTS,
        optional: bool = True,
        returns_out: bool = True,
    ) -> None:
        """Hold ``call(out, *inputs)`` against a reference, of arrays in several layouts.

        ``scale`` (a number, or one a matrix) is what eps n is relative to; ``before``, the content
        of ``out`` where that is read; ``mirrored``, whether the result must be exactly Hermitian.
        Where the reference is NaN, so must be the result. ``optional`` says whether None may stand
        for ``out``, ``returns_out`` whether the kernel returns it.
        """
        unset = np.full(reference.shape, np.nan, self.dtype)
        for layout in layouts:
            trial = self.of(f"{self.case}, {layout} arrays")
            arrays = trial.arrays(inputs, layout)
            out = trial.array(unset if before is None else before)
            result = trial.run(call, out, *arrays)
            if self.backend.writes_in_place and returns_out:
                trial.require(result is out, "the result must be out itself")
            trial._compare(result, reference, scale, n, mirrored)
            for x, array in zip(inputs, arrays, strict=True):
                same = np.array_equal(self.backend.to_host(array), x, equal_nan=True)
                trial.require(same, "an input has been modified")
        if before is None and optional and self.backend.out_optional:
            trial = self.of(f"{self.case}, out=None")
            result = trial.run(call, None, *trial.arrays(inputs, "plain"))
            trial._compare(result, reference, scale, n, mirrored)

    def check_breakdown(self, call: Callable[..., Any], inputs: Sequence[np.ndarray]) -> None:
        """Check that a single matrix raises or gives NaN, as the backend says it does."""
        out = self.array(np.zeros(inputs[0].shape, self.dtype))
        arrays = self.arrays(inputs, "plain")
        if not self.backend.raises_on_breakdown:
            result = self.backend.to_host(self.run(call, out, *arrays))
            self.require(np.isnan(result).all(), "the result must be NaN")
            return
        try:
            call(out, *arrays)
        except BROKEN:
            return
        self.require(False, "an error of matrl.errors must be raised")

    def check_refusal(
        self, kernel: Callable[..., Any], out: np.ndarray, inputs: Sequence[np.ndarray]
    ) -> None:
        """Check that arrays that do not fit are refused by an InputError."""
        try:
            kernel(self.array(out), *self.arrays(inputs, "plain"))
        except InputError:
            return
        self.require(False, "an InputError must be raised")

    def _compare(
        self, result: Any, reference: np.ndarray, scale: Any, n: int, mirrored: bool
    ) -> None:
        found = self.backend.to_host(result)
        self.require(
            found.shape == reference.shape and found.dtype == self.dtype,
            f"the result has shape {found.shape} and dtype {found.dtype} instead of "
            f"{reference.shape} and {self.dtype}",
        )
        broken = np.isnan(reference)
        self.require(np.isnan(found[broken]).all(), "a broken matrix must give NaN")
        whole = ~broken.any(axis=(-2, -1))
        right = found[whole]
        self.require(np.isfinite(right).all(), "the result of a sound matrix is not finite")
        bounds = UNITS * eps_of(self.dtype) * max(n, 2) * np.asarray(scale, dtype=np.float64)
        bounds = np.broadcast_to(bounds, whole.shape)[whole]
        errors = np.abs(wide(right) - reference[whole]).max(axis=(-2, -1))
        worst = float((errors / bounds).max()) if errors.size else 0.0
        self.require(worst <= 1.0, f"the error is {worst:.3g} times what is allowed")
        if mirrored:
            exact = np.array_equal(right, adjoint(right))
            self.require(exact, "the result must be exactly Hermitian")
