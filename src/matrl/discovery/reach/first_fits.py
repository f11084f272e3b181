"""How well a polynomial can be fitted to points at best, for many states and degrees at once.

Without the safety rule, the least mean square of x p(x^k) - 1 is a matter of orthogonal
polynomials. It bounds the fits under the rule from below, and in the greatest error too: that is at
least the mean square under any density. Lawson's densities make this bound tight (Lawson 1961;
Rice, *The Approximation of Functions* II, 1969, chapter 13).
"""

from collections.abc import Sequence

import numpy as np

from matrl.core.powers import whole_power

__all__ = ["FirstFits"]

UNSEEN = 1e-13
LAWSON_STEPS = 8
RIDGE = 1e-13
FLOOR = 0.01
CAP = 2.0
"""As of the rules that fit: see :mod:`matrl.iterations.updates.fitted`."""


class FirstFits:
    """Corrections of reference polynomials that fit them to points.

    ``terms`` are the numbers of coefficients by powers of m of the fits wanted.
    """

    def __init__(self, root_index: int, terms: Sequence[int]) -> None:
        self._k, self._terms = root_index, np.array(terms, dtype=int)
        self._most = max(terms, default=0)
        self._kept = np.arange(self._most) < self._terms[:, None]

    def least(self, x: np.ndarray, misses: np.ndarray, shares: np.ndarray) -> np.ndarray:
        """Return lower bounds (b, fits) on the root mean square of x p(x^k) - 1.

        ``x`` (b, q) are points in (0, 1], ``misses`` (b, fits, q) what the references lack of 1,
        ``shares`` (q,) the weights of the mean square.
        """
        basis = self._orthonormal(self._basis(x), shares)
        weighted = misses * shares
        total = np.einsum("bfq,bfq->bf", weighted, misses)
        parts = np.matmul(weighted, basis.swapaxes(-1, -2))
        gains = np.where(self._kept, parts * parts, 0.0).sum(axis=-1)
        return np.sqrt(np.maximum(total - gains, 0.0))

    def fitted(
        self, x: np.ndarray, misses: np.ndarray, shares: np.ndarray, *, greatest: bool
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return lower bounds (fits,), the fits' values (fits, places), and which seem safe.

        ``x`` (places,) and ``misses`` (fits, places) go on beyond the points that count, whose
        ``shares`` (q,) come first; the fits are looked at there too. ``greatest`` asks for the
        greatest error of those weights' roots, not their mean square.
        """
        count = len(shares)
        weights = np.zeros((len(self._terms), len(x)))
        weights[:, :count] = shares
        basis = np.broadcast_to(self._basis(x), (len(self._terms), self._most, len(x)))
        if greatest:
            weights[:, :count] *= self._lawson(basis[..., :count], misses[:, :count], shares)
        basis = self._orthonormal(basis, weights[:, None, :])
        parts = np.einsum("fq,ftq->ft", misses * weights, basis)
        left = misses - np.einsum("ft,ftq->fq", np.where(self._kept, parts, 0.0), basis)
        bounds = np.sqrt(np.einsum("fq,fq->f", weights * left, left))
        values = 1.0 - left
        safe = (values > FLOOR * x).all(axis=-1) & (values <= CAP).all(axis=-1)
        return bounds, values, safe

    def _lawson(self, basis: np.ndarray, misses: np.ndarray, shares: np.ndarray) -> np.ndarray:
        """Return densities (fits, q), which make the mean square nearly the greatest error."""
        density = np.full(misses.shape, 1.0 / misses.shape[-1])
        both = self._kept[:, :, None] & self._kept[:, None, :]
        unit = np.eye(self._most)
        roots = np.sqrt(shares)
        for _ in range(LAWSON_STEPS):
            weighted = basis * (density * shares)[:, None, :]
            gram = np.where(both, np.matmul(weighted, basis.swapaxes(-1, -2)), 0.0)
            trace = np.trace(gram, axis1=-2, axis2=-1)[:, None, None]
            gram += np.where(self._kept, RIDGE, 1.0)[:, :, None] * trace * unit
            right = np.where(self._kept, np.einsum("ftq,fq->ft", weighted, misses), 0.0)
            parts = np.linalg.solve(gram, right[..., None])[..., 0]
            left = misses - np.einsum("ft,ftq->fq", parts, basis)
            following = density * roots * np.abs(left)
            total = following.sum(axis=-1, keepdims=True)
            if not (total > 0.0).all():
                break
            density = following / total
        return density

    def _basis(self, x: np.ndarray) -> np.ndarray:
        """Return x T_j(y) (..., terms, q), y from -1 to 1 over the m = x^k at hand."""
        m = whole_power(x, self._k)
        least = m.min(axis=-1, keepdims=True)
        y = (2.0 * m - (1.0 + least)) / np.maximum(1.0 - least, 1e-12)
        basis = np.empty((*x.shape[:-1], self._most, x.shape[-1]))
        basis[..., 0, :] = x
        if self._most > 1:
            basis[..., 1, :] = x * y
        for j in range(2, self._most):
            basis[..., j, :] = 2.0 * y * basis[..., j - 1, :] - basis[..., j - 2, :]
        return basis

    def _orthonormal(self, basis: np.ndarray, shares: np.ndarray) -> np.ndarray:
        """Return the same functions orthonormal under the weights; 0 for what those do not see."""
        found = np.zeros_like(basis)
        for j in range(self._most):
            one = basis[..., j : j + 1, :]
            size = np.sqrt((one * one * shares).sum(axis=-1, keepdims=True))
            for _ in range(2 if j else 0):
                before = found[..., :j, :]
                along = np.matmul(one * shares, before.swapaxes(-1, -2))
                one = one - np.matmul(along, before)
            left = np.sqrt((one * one * shares).sum(axis=-1, keepdims=True))
            seen = left > UNSEEN * size
            found[..., j : j + 1, :] = np.where(seen, one / np.where(seen, left, 1.0), 0.0)
        return found
