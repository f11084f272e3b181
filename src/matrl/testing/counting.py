"""A backend that counts what another one executes."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from numpy.typing import DTypeLike

from matrl.backends.numpy import numpy_backend
from matrl.backends.protocol import Backend, MatrixNorms
from matrl.readings.count import TALL

__all__ = ["CountingBackend"]


class CountingBackend:
    """Hands every kernel on to another backend and counts it under its names in a price list.

    ``counts`` has the keys of :func:`matrl.readings.count.count`: (operation, dtype). A matrix that
    is not square counts as a tall one.
    """

    def __init__(self, backend: Backend = numpy_backend) -> None:
        self._backend = backend
        self.writes_in_place = backend.writes_in_place
        self.out_optional = backend.out_optional
        self.raises_on_breakdown = backend.raises_on_breakdown
        self.counts: Counter[tuple[str, str]] = Counter()
        self._latest: list[tuple[str, str]] = []

    @property
    def dtypes(self) -> tuple[str, ...]:
        """Those of the other backend."""
        return self._backend.dtypes

    def _note(self, out: Any, *names: str, of: Sequence[Any] = ()) -> None:
        tall = TALL if any(x.shape[0] != x.shape[1] for x in of) else ""
        self._latest = [(name + tall, str(out.dtype)) for name in names]
        self.counts.update(self._latest)

    def _note_folded(self, out: Any, options: dict[str, Any]) -> None:
        """Count what is folded into a product as the passes it replaces."""
        if "alpha" in options:
            latest = self._latest
            self._note(out, *["add"] * max(len(options.get("addends", ())), 1), of=[out])
            self._latest = [*latest, *self._latest]

    def from_host(self, x: Any) -> Any:
        """Count nothing."""
        return self._backend.from_host(x)

    def to_host(self, x: Any) -> Any:
        """Count nothing."""
        return self._backend.to_host(x)

    def empty(self, shape: tuple[int, ...], dtype: DTypeLike) -> Any:
        """Count nothing."""
        return self._backend.empty(shape, dtype)

    def round_to(self, out: Any, precision: str) -> Any:
        """Count what has just been executed as done in a half precision, which it was for."""
        for key in self._latest:
            self.counts[key] -= 1
            self.counts[key[0], precision] += 1
        self.counts += Counter()  # without what has become 0
        self._latest = []
        return self._backend.round_to(out, precision)

    def symmetrize(self, out: Any) -> Any:
        """Count a pass."""
        self._note(out, "add")
        return self._backend.symmetrize(out)

    def cholesky(self, out: Any, x: Any) -> bool:
        """Count nothing, for no program factorises without inverting."""
        return self._backend.cholesky(out, x)

    def solve_triangular(self, factor: Any, b: Any, transpose: bool) -> Any:
        """Count nothing, for no program solves."""
        return self._backend.solve_triangular(factor, b, transpose)

    def norms(self, x: Any) -> MatrixNorms:
        """Count nothing."""
        return self._backend.norms(x)

    def asymmetry(self, x: Any) -> float:
        """Count nothing."""
        return self._backend.asymmetry(x)

    def is_finite(self, x: Any) -> bool:
        """Count nothing."""
        return self._backend.is_finite(x)

    def scale_by_power_of_two(self, out: Any, x: Any, exponent: int) -> Any:
        """Count nothing, for no program scales."""
        return self._backend.scale_by_power_of_two(out, x, exponent)

    def inverse(self, out: Any, x: Any) -> Any:
        """Count a general inverse."""
        self._note(out, "inv")
        return self._backend.inverse(out, x)

    def linear(
        self, out: Any, coefficients: Sequence[float], arrays: Sequence[Any], shift: float
    ) -> Any:
        """Count one pass for the first two terms and one for each further term."""
        self._note(out, *["add"] * max(len(arrays) - 1, 1), of=[out])
        return self._backend.linear(out, coefficients, arrays, shift)

    def matmul(self, out: Any, x: Any, y: Any, **options: Any) -> Any:
        """Count a product."""
        self._note(out, "matmul", of=[x, y])
        self._note_folded(out, options)
        return self._backend.matmul(out, x, y, **options)

    def matmul_hermitian(self, out: Any, x: Any, y: Any, **options: Any) -> Any:
        """Count a Hermitian product."""
        self._note(out, "matmul_herm")
        self._note_folded(out, options)
        return self._backend.matmul_hermitian(out, x, y, **options)

    def matmul_averaged(self, out: Any, x: Any, y: Any, **options: Any) -> Any:
        """Count a product and the pass that averages it."""
        self._note(out, "matmul", "add")
        self._note_folded(out, options)
        return self._backend.matmul_averaged(out, x, y, **options)

    def gram(self, out: Any, x: Any, y: Any, **options: Any) -> Any:
        """Count a Gram product."""
        self._note(out, "gram", of=[x])
        self._note_folded(out, options)
        return self._backend.gram(out, x, y, **options)

    def gram_averaged(self, out: Any, x: Any, y: Any, **options: Any) -> Any:
        """Count a product and the pass that averages it."""
        self._note(out, "matmul", of=[x])
        self._note(out, "add")
        self._note_folded(out, options)
        return self._backend.gram_averaged(out, x, y, **options)

    def outer_gram(self, out: Any, x: Any, y: Any, **options: Any) -> Any:
        """Count an outer Gram product."""
        self._note(out, "outer", of=[x])
        self._note_folded(out, options)
        return self._backend.outer_gram(out, x, y, **options)

    def inverse_spd(self, out: Any, x: Any) -> Any:
        """Count an inverse."""
        self._note(out, "inv_spd")
        return self._backend.inverse_spd(out, x)

    def spectral_function(self, out: Any, x: Any, function: Callable[[Any], Any]) -> Any:
        """Count an eigendecomposition and a Hermitian product."""
        self._note(out, "eigh", "matmul_herm")
        return self._backend.spectral_function(out, x, function)

    def lyapunov(self, out: Any, s: Any, r: Any) -> Any:
        """Count an eigendecomposition, four products and two passes."""
        self._note(out, "eigh", *["matmul"] * 4, *["add"] * 2)
        return self._backend.lyapunov(out, s, r)

    def polar_factor(self, out: Any, x: Any, observe: Any = None) -> Any:
        """Count a singular value decomposition and a product."""
        self._note(out, "svd", "matmul", of=[x])
        return self._backend.polar_factor(out, x, observe)

    def cast(self, out: Any, x: Any) -> Any:
        """Count a cast."""
        self._note(out, "cast", of=[x])
        return self._backend.cast(out, x)
