"""Prices of the operations on one machine, in seconds, and their JSON form."""

import math
import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import DTypeLike

from matrl.core.files import replace_text
from matrl.errors import ArtifactError, InputError, UnknownNameError
from matrl.profile.prices import Ladder, nearest

__all__ = ["KNOWN_OPERATIONS", "OperationTime", "Profile", "nominal_exponent"]

SCHEMA = 1
KNOWN_OPERATIONS = (
    "matmul",
    "matmul_herm",
    "inv_spd",
    "inv",
    "eigh",
    "svd",
    "add",
    "gram",
    "chol",
    "matvec",
    "norm",
    "cast",
    "qr",
    "schur",
)
# Bound by memory traffic: the price grows with the number of elements.
_QUADRATIC = frozenset({"add", "cast", "norm", "matvec"})
_RECTANGULAR = _QUADRATIC | {"matmul", "matmul_herm", "gram", "qr", "svd"}
_SUBSTITUTES = {"gram": "matmul_herm", "matvec": "add", "norm": "add", "cast": "add"}


def nominal_exponent(op: str) -> int:
    """Return the power of n by which the price of ``op`` grows: 2 or 3."""
    return 2 if op in _QUADRATIC else 3


class OperationTime(msgspec.Struct, frozen=True, omit_defaults=True):
    """Seconds one call of ``op`` takes on ``batch`` matrices of m x n in ``dtype``.

    ``m`` is n where None; ArtifactError for an unknown op, sizes below 1, negative or non-finite
    seconds.
    """

    op: str
    dtype: str
    n: int
    batch: int
    seconds: float
    m: int | None = None

    def __post_init__(self) -> None:
        """Check every field; ArtifactError if one is invalid."""
        if self.op not in KNOWN_OPERATIONS:
            raise ArtifactError(
                f"op {self.op!r} is unknown: use one of {', '.join(KNOWN_OPERATIONS)}"
            )
        if not self.dtype:
            raise ArtifactError("dtype is empty: name one, such as float64")
        for name, size in (("n", self.n), ("batch", self.batch), ("m", self.rows)):
            if size < 1:
                raise ArtifactError(f"{name} is {size} in an entry of {self.op}: use 1 or more")
        if not (math.isfinite(self.seconds) and self.seconds >= 0):
            raise ArtifactError(
                f"seconds is {self.seconds} for {self.op} at n = {self.n}: "
                "use a finite number, 0 or more"
            )

    @property
    def rows(self) -> int:
        """Number of rows: ``m``, or n for a square matrix."""
        return self.n if self.m is None else self.m

    @property
    def key(self) -> tuple[str, str, int, int, int]:
        """What the price is for: (op, dtype, n, batch, rows)."""
        return (self.op, self.dtype, self.n, self.batch, self.rows)


class _Header(msgspec.Struct):
    schema: int


class _Document(msgspec.Struct):
    name: str
    ops: list[OperationTime]


def _dtype_name(dtype: DTypeLike) -> str:
    return dtype if isinstance(dtype, str) else np.dtype(dtype).name


@dataclass(frozen=True)
class Profile:
    """Measured or assumed prices of the operations on the machine called ``name``.

    ArtifactError if two entries price the same operation, dtype and size.
    """

    name: str
    entries: tuple[OperationTime, ...]

    def __post_init__(self) -> None:
        """Store entries as a tuple and refuse duplicates with ArtifactError."""
        object.__setattr__(self, "entries", tuple(self.entries))
        seen: set[tuple[Any, ...]] = set()
        for entry in self.entries:
            if entry.key in seen:
                raise ArtifactError(
                    f"ops holds {entry.op} {entry.dtype} at n = {entry.n}, batch {entry.batch}, "
                    f"m = {entry.rows} twice: keep one of the entries"
                )
            seen.add(entry.key)

    @classmethod
    def from_json(cls, text: str | bytes) -> "Profile":
        """Return the profile written as JSON; ArtifactError if it is not a valid one."""
        try:
            schema = msgspec.json.decode(text, type=_Header).schema
            if schema != SCHEMA:
                raise ArtifactError(
                    f"schema of the profile is {schema}, this version reads {SCHEMA}: "
                    "measure the machine anew or upgrade matrl"
                )
            document = msgspec.json.decode(text, type=_Document)
        except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
            raise ArtifactError(
                f"text is not a profile ({error}): pass what `matrl profile` writes"
            ) from error
        return cls(document.name, tuple(document.ops))

    def to_json(self) -> str:
        """Return the profile as JSON text, one entry per line, in the order of the entries."""
        encode = msgspec.json.encode
        lines = ",\n    ".join(encode(entry).decode() for entry in self.entries)
        ops = f"[\n    {lines}\n  ]" if lines else "[]"
        name = encode(self.name).decode()
        return f'{{\n  "schema": {SCHEMA},\n  "name": {name},\n  "ops": {ops}\n}}\n'

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "Profile":
        """Return the profile in a JSON file; ArtifactError if unreadable or invalid."""
        try:
            content = Path(path).read_bytes()
        except OSError as error:
            reason = error.strerror or error
            raise ArtifactError(
                f"{path}: cannot be read ({reason}); give the path of a profile.json"
            ) from error
        try:
            return cls.from_json(content)
        except ArtifactError as error:
            raise ArtifactError(f"path {path}: {error}") from error

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the JSON form to a file, replacing it in one step; OSError if that fails."""
        replace_text(path, self.to_json())

    @cached_property
    def _ladders(self) -> dict[tuple[str, str, int], Ladder]:
        grouped: dict[tuple[str, str, int], list[tuple[int, int, float]]] = {}
        for entry in self.entries:
            key = (entry.op, entry.dtype, entry.batch)
            grouped.setdefault(key, []).append((entry.n, entry.rows, entry.seconds))
        return {key: Ladder(points, nominal_exponent(key[0])) for key, points in grouped.items()}

    def seconds(
        self, op: str, dtype: DTypeLike, n: int, *, batch: int = 1, m: int | None = None
    ) -> float | None:
        """Return the seconds of ``op`` on ``batch`` matrices of m x n, or None if unavailable.

        A measured size keeps its number; others are interpolated, or extrapolated by the nominal
        exponent; an unmeasured batch scales linearly. A Hermitian product costs no more than a
        product; gram falls back on it, matvec, norm and cast on add. UnknownNameError or
        InputError for an argument that makes no sense.
        """
        if op not in KNOWN_OPERATIONS:
            raise UnknownNameError(
                f"op {op!r} is unknown: use one of {', '.join(KNOWN_OPERATIONS)}"
            )
        rows = n if m is None else m
        for name, size in (("n", n), ("batch", batch), ("m", rows)):
            if size < 1:
                raise InputError(f"{name} is {size}: pass 1 or more")
        if rows != n and op not in _RECTANGULAR:
            raise InputError(f"m is {rows}, but {op} needs square matrices: leave m out")
        return self._price(op, _dtype_name(dtype), n, batch, rows)

    def _price(self, op: str, dtype: str, n: int, batch: int, rows: int) -> float | None:
        own = self._own_price(op, dtype, n, batch, rows)
        if op == "matmul_herm":
            general = self._own_price("matmul", dtype, n, batch, rows)
            return min((price for price in (own, general) if price is not None), default=None)
        if own is None and op in _SUBSTITUTES:
            return self._price(_SUBSTITUTES[op], dtype, n, batch, rows)
        return own

    def _own_price(self, op: str, dtype: str, n: int, batch: int, rows: int) -> float | None:
        batches = [key[2] for key in self._ladders if key[:2] == (op, dtype)]
        if not batches:
            return None
        used = batch if batch in batches else nearest(batches, 1 if 1 in batches else batch)
        price = self._ladders[op, dtype, used].seconds(n, rows)
        return price if used == batch else price * batch / used
