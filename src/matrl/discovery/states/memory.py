"""What has been computed of updates on ranges and samples, as plain data.

Of an update on a state its coefficients are kept, for they are what takes time; the iterates after
it are worked out again when they are needed. States that agree to ten digits share what is computed
of the first of them, so the numbers of that are kept too, to the last digit.
"""

from collections.abc import Hashable, Sequence
from typing import Any

import msgspec
import numpy as np

from matrl.discovery.states.state import ScheduleState

__all__ = ["OutcomeMemory", "Place", "Places", "ReachMemory"]

Coefficients = tuple[float, ...] | None


class Place(msgspec.Struct, array_like=True, frozen=True):
    """The numbers of a state that what updates do depends on."""

    domain: int
    lower: float
    upper: float
    is_exact: bool
    error: float
    overshoots: bool
    points: bytes | None

    def state(self) -> ScheduleState:
        """Return a state of these numbers; ``ValueError`` if the points are none."""
        return ScheduleState(
            domain=self.domain,
            lower=self.lower,
            upper=self.upper,
            is_exact=self.is_exact,
            points=None if self.points is None else np.frombuffer(self.points, "<f8"),
            error=self.error,
            overshoots=self.overshoots,
        )


class Places:
    """Numbers for states, as they are met."""

    def __init__(self) -> None:
        self.rows: list[Place] = []
        self._numbers: dict[int, int] = {}

    def number(self, state: ScheduleState) -> int:
        """Return the number of a state, that lives as long as this."""
        if id(state) not in self._numbers:
            self._numbers[id(state)] = len(self.rows)
            self.rows.append(
                Place(
                    state.domain,
                    float(state.lower),
                    float(state.upper),
                    state.is_exact,
                    float(state.error),
                    state.overshoots,
                    None if state.points is None else state.points.astype("<f8").tobytes(),
                )
            )
        return self._numbers[id(state)]


class OutcomeMemory:
    """The coefficients of every outcome, with the state they were made for."""

    def __init__(self) -> None:
        self._made: dict[tuple[Hashable, str, str], tuple[ScheduleState, Coefficients]] = {}

    @staticmethod
    def key(name: str, precision: str, state: ScheduleState) -> tuple[Hashable, str, str]:
        """Return what an outcome depends on; ``precision`` is empty where it does not matter."""
        return (state.range_key, name, precision)

    def keep(
        self, name: str, precision: str, state: ScheduleState, coefficients: Coefficients
    ) -> None:
        """Take note of an outcome."""
        self._made[self.key(name, precision, state)] = (state, coefficients)

    def get(self, key: tuple[Hashable, str, str]) -> tuple[ScheduleState, Coefficients] | None:
        """Return the state an outcome was made for and its coefficients, ``None`` if it is new."""
        return self._made.get(key)

    def dump(self, places: Places) -> list[Any]:
        """Return (place, name, precision, coefficients) of each, ``None`` for what is not legal."""
        return [
            (
                places.number(state),
                name,
                precision,
                None if coefficients is None else [float(c) for c in coefficients],
            )
            for (_, name, precision), (state, coefficients) in self._made.items()
        ]

    def load(
        self, data: Sequence[tuple[int, str, str, list[float] | None]], states: Sequence[Any]
    ) -> None:
        """Add outcomes of plain data; ``ValueError`` for a place that is not among the states."""
        for place, name, precision, coefficients in data:
            known = None if coefficients is None else tuple(coefficients)
            self.keep(name, precision, _at(states, place), known)


class ReachMemory:
    """The states of which it was worked out where all maps lead, the first of those equal."""

    def __init__(self) -> None:
        self._firsts: dict[Hashable, tuple[ScheduleState, bool]] = {}

    def of(self, state: ScheduleState) -> tuple[ScheduleState, bool, bool]:
        """Return the first state like this, whether that is at the start, and whether it is new."""
        key = state.range_key
        known = self._firsts.get(key)
        if known is None:
            self._firsts[key] = (state, not state.actions)
            return state, not state.actions, True
        return (*known, False)

    def dump(self, places: Places) -> list[Any]:
        """Return (place, whether it is at the start) of each."""
        return [(places.number(state), is_start) for state, is_start in self._firsts.values()]

    def load(self, data: Sequence[tuple[int, bool]], states: Sequence[ScheduleState]) -> None:
        """Add states of plain data; ``ValueError`` for a place that is not among them."""
        for place, is_start in data:
            state = _at(states, place)
            self._firsts[state.range_key] = (state, is_start)


def _at(states: Sequence[ScheduleState], place: int) -> ScheduleState:
    if not 0 <= place < len(states):
        raise ValueError(f"the place {place}")
    return states[place]
