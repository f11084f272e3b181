"""Whether matrices are fit to judge a plan by: none it was found on, and none of them twice."""

import hashlib
import re
from collections.abc import Collection, Iterable

import numpy as np

from matrl.core.matrices import as_matrix
from matrl.errors import InputError

__all__ = ["check_held_out", "fingerprint"]

_FINGERPRINT = re.compile("[0-9a-f]{16}")


def fingerprint(matrix: np.ndarray, name: str = "matrix") -> str:
    """Return 16 hexadecimal digits that tell a matrix (m, n) from others, by shape and values.

    They are the same for equal values in any dtype and memory order: of a float32 matrix and its
    float64 copy, of a real matrix and its complex copy, of 0 and -0. Any other change, rounding
    included, changes them. 64 bits keep apart what is drawn by chance, not what is forged.

    Raises :class:`~matrl.errors.InputError` naming ``name`` for what is not one finite, non-empty
    matrix of a dtype that plans run in. Source: SHA-256, NIST FIPS 180-4, of the shape and the
    entries by rows.

    >>> a = np.array([[2.0, -0.0], [0.0, 1.0]])
    >>> fingerprint(a)
    'e8702ed1062a40f6'
    >>> fingerprint(a) == fingerprint(np.abs(a).astype(np.complex64))
    True
    """
    matrix = as_matrix(matrix, name)
    if not np.any(np.imag(matrix)):
        matrix = np.real(matrix)
    wide = "<c16" if matrix.dtype.kind == "c" else "<f8"  # the same bytes on every machine
    digest = hashlib.sha256(f"{matrix.shape[0]}x{matrix.shape[1]}:".encode())
    digest.update((matrix + 0.0).astype(wide).tobytes(order="C"))  # -0 + 0 is 0
    return digest.hexdigest()[:16]


def check_held_out(matrices: Iterable[np.ndarray], used: Collection[str]) -> tuple[str, ...]:
    """Return the fingerprints of ``matrices`` if they may judge a plan found on those ``used``.

    ``matrices`` are arrays (m, n), or a stack of them; ``used`` are fingerprints. Bounds hold for
    independent matrices only, so one that the discovery has seen, or that comes twice, is refused.
    Dependence that leaves no two matrices equal (scaled, permuted or perturbed copies) goes
    unnoticed.

    Raises :class:`~matrl.errors.InputError` naming the first ``matrices[i]`` that was used, is
    the same as an earlier one or is no matrix, for no matrices at all, and for what in ``used`` is
    not a fingerprint.

    >>> check_held_out([np.eye(2), np.eye(2)], used=[])
    Traceback (most recent call last):
    ...
    matrl.errors.InputError: matrices[1]: is the same as matrices[0], ...
    """
    known = _checked_fingerprints(used)
    seen: dict[str, int] = {}
    for index, matrix in enumerate(matrices):
        name = f"matrices[{index}]"
        mark = fingerprint(matrix, name)
        if mark in known:
            raise InputError(
                f"{name}: was used to find the plan, so that its error says nothing of others; "
                "draw another from the same distribution"
            )
        if mark in seen:
            raise InputError(
                f"{name}: is the same as matrices[{seen[mark]}], so that their errors are not "
                "independent; draw another from the same distribution"
            )
        seen[mark] = index
    if not seen:
        raise InputError("matrices: there are none; pass one that was held out at least")
    return tuple(seen)


def _checked_fingerprints(used: Collection[str]) -> frozenset[str]:
    """Return ``used`` as a set; what no matrix can match would make the check pass silently."""
    if isinstance(used, str):
        raise InputError("used: must be a collection of fingerprints, not one text; pass [used]")
    for mark in used:
        if not isinstance(mark, str) or not _FINGERPRINT.fullmatch(mark):
            raise InputError(
                f"used: holds {mark!r}, which is no fingerprint of 16 hexadecimal digits; pass "
                "what matrl.certify.fingerprint returns"
            )
    return frozenset(used)
