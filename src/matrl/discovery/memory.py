"""What has been computed of updates on ranges and samples, as plain data.

Of an update on a state its coefficients are kept, for they are what takes time; the iterates after
it are worked out again when they are needed. States that agree to ten digits share the outcomes of
the first of them, so the numbers of that are kept too, to the last digit.
"""

from collections.abc import Hashable
from typing import Any

import msgspec
import numpy as np

from matrl.discovery.state import ScheduleState

__all__ = ["OutcomeMemory", "SpreadMemory"]

Coefficients = tuple[float, ...] | None


class _Place(msgspec.Struct, array_like=True, frozen=True):
    """The numbers of a state that outcomes depend on."""

    domain: int
    lower: float
    upper: float
    overshoots: bool
    points: bytes | None

    def state(self) -> ScheduleState:
        points = None if self.points is None else np.frombuffer(self.points, "<f8")
        return ScheduleState(
            domain=self.domain,
            lower=self.lower,
            upper=self.upper,
            points=points,
            overshoots=self.overshoots,
        )


class _Outcomes(msgspec.Struct, forbid_unknown_fields=True):
    places: list[_Place]
    names: list[str]
    made: list[tuple[int, int, int, list[float] | None]]
    """(place, name, precision, coefficients), ``None`` where the update was not legal."""


class OutcomeMemory:
    """The coefficients of every outcome, with the state they were made for."""

    def __init__(self) -> None:
        self._made: dict[Hashable, tuple[ScheduleState, Coefficients]] = {}

    @staticmethod
    def key(name: str, precision: str, state: ScheduleState) -> Hashable:
        """Return what an outcome depends on; ``precision`` is empty where it does not matter."""
        return (state.range_key, name, precision)

    def keep(
        self, name: str, precision: str, state: ScheduleState, coefficients: Coefficients
    ) -> None:
        """Take note of an outcome."""
        self._made[self.key(name, precision, state)] = (state, coefficients)

    def get(self, key: Hashable) -> tuple[ScheduleState, Coefficients] | None:
        """Return the state an outcome was made for and its coefficients, ``None`` if it is new."""
        return self._made.get(key)

    def dump(self) -> Any:
        """Return all of them as plain data."""
        number: dict[int, int] = {}
        places: list[_Place] = []
        names: dict[str, int] = {}
        made = []
        for (_, name, precision), (state, coefficients) in self._made.items():  # type: ignore[misc]
            if id(state) not in number:
                number[id(state)] = len(places)
                points = None if state.points is None else state.points.astype("<f8").tobytes()
                places.append(
                    _Place(state.domain, state.lower, state.upper, state.overshoots, points)
                )
            one, other = (names.setdefault(word, len(names)) for word in (name, precision))
            known = None if coefficients is None else [float(c) for c in coefficients]
            made.append((number[id(state)], one, other, known))
        return msgspec.to_builtins(
            _Outcomes(places, list(names), made), builtin_types=(bytes,)
        )

    def load(self, data: Any, domains: int) -> None:
        """Add outcomes of plain data on so many domains; ``ValueError`` if it is something else."""
        found = msgspec.convert(data, _Outcomes)
        if any(not 0 <= place.domain < domains for place in found.places):
            raise ValueError("a domain there is not")
        try:
            states = [place.state() for place in found.places]
            for place, name, precision, coefficients in found.made:
                known = None if coefficients is None else tuple(coefficients)
                if min(place, name, precision) < 0:
                    raise ValueError("a number that stands for nothing")
                self.keep(found.names[name], found.names[precision], states[place], known)
        except IndexError:
            raise ValueError("a number that stands for nothing") from None


class _Spread(msgspec.Struct, array_like=True, frozen=True):
    key: list[Any]
    spread: float
    is_start: bool


class SpreadMemory:
    """The spreads of the ranges whose maps have been looked up, by what makes them equal."""

    def __init__(self) -> None:
        self._spreads: dict[Hashable, tuple[float, bool]] = {}

    def of(self, state: ScheduleState) -> tuple[float, bool, bool]:
        """Return the spread to look up, whether it is at the start, and whether it is a new one."""
        key = state.range_key
        known = self._spreads.get(key)
        if known is None:
            known = self._spreads[key] = (state.spread, not state.actions)
            return (*known, True)
        return (*known, False)

    def dump(self) -> Any:
        """Return all of them as plain data."""
        return [[list(key), *one] for key, one in self._spreads.items()]  # type: ignore[call-overload]

    def load(self, data: Any) -> None:
        """Add spreads of plain data; ``ValueError`` if it is something else."""
        for one in msgspec.convert(data, list[_Spread]):
            self._spreads[tuple(one.key)] = (one.spread, one.is_start)
