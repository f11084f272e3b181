"""Values of the noisy reading: eigenvalues and the deviations of an error's entries."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

__all__ = ["NoisyValue", "adjoint", "compress", "padded"]

_NEGLIGIBLE = 1e-12


@dataclass(frozen=True, eq=False)
class NoisyValue:
    """Eigenvalues at the nodes, shape (q,), and error deviations, shape (sources, q, q).

    ``errors[s, i, j]`` times a unit random variable of event s and of the pair {i, j} is the
    error's entry (i, j) in the eigenbasis (the bases of singular vectors). ``signs[s]`` says
    whether the entry (j, i) has the same variable, 1, or its negative, -1; ``None`` is 1
    throughout. ``rows[s, j]`` is, for an m x n value, the norm of the error's part in column j that
    is orthogonal to the range, divided by sqrt(n). ``is_hermitian`` says whether rounding kept the
    value Hermitian, and ``breakdown`` is the largest relative perturbation that an inverse or an
    eigensolver met on the way: from 1 on the value may be anything.
    """

    values: np.ndarray
    errors: np.ndarray
    signs: np.ndarray | None = None
    rows: np.ndarray | None = None
    is_hermitian: bool = True
    breakdown: float = 0.0

    @classmethod
    def exact(cls, values: np.ndarray, *, is_hermitian: bool = True) -> "NoisyValue":
        """Return a value without error."""
        empty = np.zeros((0, len(values), len(values)))
        return cls(values, empty, is_hermitian=is_hermitian)

    @cached_property
    def variances(self) -> np.ndarray:
        """Variances of the error's entries, (q, q)."""
        return np.einsum("sij,sij->ij", self.errors, self.errors)

    @cached_property
    def row_variances(self) -> np.ndarray:
        """Squared norms of the error's columns outside the range, (q,), divided by n."""
        if self.rows is None:
            return np.zeros(len(self.values))
        return (self.rows**2).sum(axis=0)


def padded(array: np.ndarray | None, sources: int, shape: tuple[int, ...]) -> np.ndarray:
    """Return the array with zeros for the sources it does not have yet."""
    if array is not None and len(array) == sources:
        return array
    result = np.zeros((sources, *shape))
    if array is not None:
        result[: len(array)] = array
    return result


def adjoint(errors: np.ndarray, signs: np.ndarray) -> np.ndarray:
    """Return the deviations of the adjoint error."""
    return errors.transpose(0, 2, 1) * signs[:, None, None]


def compress(*values: NoisyValue) -> tuple[NoisyValue, ...]:
    """Return the values with one source a value, two if not Hermitian, joint moments kept.

    For each pair of eigenvalues the Hermitian and skew parts of the errors are jointly distributed;
    a triangular factor of their covariance says the same with fewer sources.
    """
    count, q = len(values), len(values[0].values)
    sources = max(len(value.errors) for value in values)
    stacked = np.stack([padded(value.errors, sources, (q, q)) for value in values])
    signs = _signs(values, sources)
    turned = stacked.transpose(0, 1, 3, 2) * signs[:, None, None]
    skew = 0.5 * (stacked - turned)
    largest = np.abs(stacked).max(initial=0.0)
    if np.abs(skew).max(initial=0.0) <= _NEGLIGIBLE * largest:
        factor, new_signs = _triangular(stacked), np.ones(count)
    else:
        # The Hermitian parts come first and need the first sources only. What the skew parts have
        # beyond those changes its sign under exchange of i and j: a source of negative sign.
        parts = _triangular(np.concatenate([0.5 * (stacked + turned), skew]))
        factor = parts[:count] + parts[count:]
        new_signs = np.repeat([1.0, -1.0], count)
    rows = _compressed_rows(values, sources, len(new_signs))
    return tuple(
        NoisyValue(
            value.values,
            factor[index],
            new_signs,
            rows[index],
            value.is_hermitian,
            value.breakdown,
        )
        for index, value in enumerate(values)
    )


def _signs(values: tuple[NoisyValue, ...], sources: int) -> np.ndarray:
    signs = np.ones(sources)
    for value in values:
        if value.signs is not None:
            known = len(value.signs)
            signs[:known] = np.minimum(signs[:known], value.signs)
    return signs


def _compressed_rows(
    values: tuple[NoisyValue, ...], sources: int, kept: int
) -> list[np.ndarray | None]:
    if all(value.rows is None for value in values):
        return [None] * len(values)
    q = len(values[0].values)
    factor = _triangular(np.stack([padded(value.rows, sources, (q,)) for value in values]))
    return [
        None if value.rows is None else padded(factor[index], kept, (q,))
        for index, value in enumerate(values)
    ]


def _triangular(vectors: np.ndarray) -> np.ndarray:
    """Return L with L L* = V V* for V = vectors[:, :, ...], one problem for each last index."""
    count = len(vectors)
    factor = np.zeros((count, count, *vectors.shape[2:]))
    rest = vectors.copy()
    for source in range(count):
        pivot = np.sqrt((rest[source] ** 2).sum(axis=0))
        direction = rest[source] / np.where(pivot > 0.0, pivot, 1.0)
        along = np.einsum("rs...,s...->r...", rest[source:], direction)
        factor[source:, source] = along
        rest[source:] -= along[:, None] * direction
    return factor
