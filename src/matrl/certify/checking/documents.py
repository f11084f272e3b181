"""Reading what a file says without trusting it: every number finite, every size bounded."""

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

__all__ = [
    "Budget",
    "Claim",
    "Exhausted",
    "Finding",
    "Refuted",
    "flag",
    "items",
    "member",
    "number",
    "shown",
    "text",
    "whole",
]

Claim = Literal["schedule", "worst_case", "rounding", "statistical"]
WORK = 20_000_000
"""Most products of machine numbers, roughly: some seconds."""


@dataclass(frozen=True)
class Finding:
    """What the check of one statement of a certificate found, and a sentence why.

    ``"verified"``: it is proved, by this check alone. ``"refuted"``: it is false, or not what a
    certificate may say. ``"not checked"``: neither is known.

    >>> Finding("schedule", "verified", "the plan is the one that was certified").ok
    True
    """

    statement: Claim
    status: Literal["verified", "refuted", "not checked"]
    message: str

    @property
    def ok(self) -> bool:
        """Whether the statement is proved."""
        return self.status == "verified"


class Refuted(Exception):
    """The statement is false or malformed; the text says how."""


class Exhausted(Exception):
    """The statement could not be decided; the text says why."""


@dataclass
class Budget:
    """How much work is left for one certificate, so that no file can keep the checker busy."""

    left: int = WORK

    def spend(self, cost: int) -> None:
        """Take ``cost`` off; :class:`Exhausted` where less is left."""
        self.left -= cost
        if self.left < 0:
            raise Exhausted("the check was given up: it takes more work than a check may")


def member(document: Any, name: str, where: str) -> Any:
    """Return ``document[name]`` of a JSON object; :class:`Refuted` where there is none."""
    if not isinstance(document, dict):
        raise Refuted(f"{where} is no JSON object")
    if name not in document:
        raise Refuted(f"{where} has no {name!r}")
    return document[name]


def items(value: Any, where: str, most: int) -> list[Any]:
    """Return a list of at most ``most`` items; :class:`Refuted` for anything else."""
    if not isinstance(value, list | tuple):
        raise Refuted(f"{where} is no list")
    if len(value) > most:
        raise Refuted(f"{where} has {len(value)} items, of at most {most} that are checked")
    return list(value)


def number(value: Any, where: str) -> Fraction:
    """Return a finite JSON number as the float64 it is read as, exactly; else :class:`Refuted`."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Refuted(f"{where} is no number")
    try:
        real = float(value)
    except OverflowError:
        real = math.inf
    if not math.isfinite(real):
        raise Refuted(f"{where} is not a finite number")
    return Fraction(real)


def whole(value: Any, where: str, least: int, most: int) -> int:
    """Return a whole number from ``least`` to ``most``; :class:`Refuted` for anything else."""
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise Refuted(f"{where} is no whole number from {least} to {most}")
    return value


def text(value: Any, where: str) -> str:
    """Return a string; :class:`Refuted` for anything else."""
    if not isinstance(value, str):
        raise Refuted(f"{where} is no text")
    return value


def flag(value: Any, where: str) -> bool:
    """Return a truth value; :class:`Refuted` for anything else."""
    if not isinstance(value, bool):
        raise Refuted(f"{where} is neither true nor false")
    return value


def shown(value: object) -> str:
    """Return how a value is named in a sentence, cut short."""
    if isinstance(value, str):
        return repr(value if len(value) <= 40 else value[:37] + "...")
    if isinstance(value, float | Fraction):
        greatest = 10**300  # beyond, a fraction may be no float
        return repr(float(min(max(value, -greatest), greatest)))
    # The text of other things may be endless.
    return str(value) if value in (None, True, False) else f"some {type(value).__name__}"
