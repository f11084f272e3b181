"""What lets a search for a schedule be logged, stopped and taken up again."""

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import msgspec
import numpy as np

from matrl.core.spectrum import Spectrum
from matrl.discovery.actions.actions import ActionTable
from matrl.discovery.bounds.guide import Guide
from matrl.discovery.problem.domains import ScaledDomain
from matrl.discovery.problem.problem import Problem
from matrl.discovery.reach.reaches import Reaches
from matrl.discovery.rounding.confirmation import Confirmation, Confirmations
from matrl.discovery.states.memory import OutcomeMemory, Place, Places
from matrl.discovery.states.outcomes import OutcomeTable
from matrl.discovery.states.pricing import CompanyKey, SchedulePricer
from matrl.discovery.states.state import Action, ScheduleState
from matrl.iterations import DirectMethod, Update
from matrl.iterations.schedule import DIRECT
from matrl.profile import Profile
from matrl.version import __version__

__all__ = ["ResumableSchedules", "facts_of"]


class _Look(msgspec.Struct, array_like=True, frozen=True):
    """What a closer look has shown; noise and nodes are left out, for they can be had again."""

    rounding: float
    error: float
    lower: float
    upper: float


class _Memory(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    places: list[Place]
    outcomes: dict[str, list[tuple[int, str, str, list[float] | None]]]
    reached: list[tuple[int, bool]]
    prices: list[tuple[CompanyKey, float]]
    guide: Any


class ResumableSchedules:
    """The part of an environment of schedules that makes it resumable.

    See :class:`~matrl.search.resumable.Resumable`.
    """

    _table: ActionTable
    _domains: tuple[ScaledDomain, ...]
    _outcomes: OutcomeTable
    _confirmations: Confirmations
    _pricer: SchedulePricer
    _reaches: Reaches
    _known_guide: Guide | None

    def dump_action(self, action: Action) -> Any:
        """Return an action as plain data."""
        return msgspec.to_builtins(action)

    def load_action(self, data: Any) -> Action:
        """Return the action of plain data; ``ValueError`` if it is none of this environment."""
        action = msgspec.convert(data, Action)
        if action.domain >= 0:
            if action.domain >= len(self._domains):
                raise ValueError(f"the scaling {action.domain}")
        elif action.name not in self._table.updates:
            raise ValueError(f"the action {action.name!r}")
        return action

    def describe(self, action: Action) -> str:
        """Return an action in words."""
        if action.domain >= 0:
            return f"scaled by {self._domains[action.domain].scaling.kind}"
        words = [action.precision] if action.form == DIRECT else [action.form, action.precision]
        if action.product != "mirrored":
            words.append(action.product)
        return f"{action.name} ({', '.join(words)})"

    def price_of(self, actions: Sequence[Action], cost: float) -> float:
        """Return the cost."""
        return cost

    def dump_look(self, state: ScheduleState) -> Any:
        """Return what a closer look at a state has shown, ``None`` if none was had."""
        known = self._confirmations.known(state)
        if known is None:
            return None
        exact = known.exact
        return [float(x) for x in (known.rounding, known.error, exact.lower, exact.upper)]

    def load_look(self, state: ScheduleState, data: Any) -> None:
        """Take note of what a closer look at a state has shown."""
        one = msgspec.convert(data, _Look)
        if math.isnan(one.rounding) or math.isnan(one.error):
            raise ValueError("a rounding or an error that is no number")
        exact = replace(state, lower=one.lower, upper=one.upper, error=one.error)
        shown = Confirmation(exact, one.rounding, one.error, np.empty(0))
        self._confirmations.recall(state, shown)

    def _guide(self) -> Guide | None:
        raise NotImplementedError

    def _memories(self) -> Mapping[str, OutcomeMemory]:
        """Return where outcomes are kept, by name."""
        return {"rules": self._outcomes.memory}

    def dump_memory(self) -> Any:
        """Return the outcomes and ranges that have been computed."""
        places = Places()
        parts = {
            "outcomes": {name: one.dump(places) for name, one in self._memories().items()},
            "reached": self._reaches.firsts.dump(places),
            "prices": self._pricer.dump(),
            "guide": None if self._known_guide is None else self._known_guide.dump(),
        }
        return {"places": [msgspec.structs.astuple(row) for row in places.rows], **parts}

    def load_memory(self, data: Any) -> None:
        """Take note of outcomes and ranges that have been computed."""
        found = msgspec.convert(data, _Memory)
        if any(not 0 <= place.domain < len(self._domains) for place in found.places):
            raise ValueError("a domain there is not")
        states = [place.state() for place in found.places]
        if found.outcomes.keys() != self._memories().keys():
            raise ValueError("outcomes of another kind")
        for name, one in self._memories().items():
            one.load(found.outcomes[name], states)
        self._reaches.firsts.load(found.reached, states)
        self._pricer.load(found.prices)
        guide = None if found.guide is None else self._guide()
        if guide is not None:
            guide.load(found.guide)


def facts_of(
    problem: Problem,
    profile: Profile,
    updates: Sequence[Update | DirectMethod],
    precisions: Sequence[str],
    **options: Any,
) -> Mapping[str, Any]:
    """Return what a search depends on, by name, as JSON-ready data; ``options`` are the rest."""
    prices = profile.to_json().encode()
    return {
        "function": problem.function,
        "spectrum": _spectrum(problem.spectrum),
        "tol": problem.tol,
        "norm": problem.norm,
        "dtype": problem.dtype,
        "shape": list(problem.shape or ()),
        "batch": problem.batch,
        "library": problem.library,
        "profile": f"{profile.name} ({_digest(prices)})",
        "actions": _brief([update.name for update in updates]),
        "precision": list(precisions),
        **options,
        "version": __version__,
    }


def _spectrum(spectrum: Spectrum) -> str:
    ends = f"[{spectrum.lower!r}, {spectrum.upper!r}]"
    if spectrum.kind == "interval":
        return f"interval {ends}"
    every = (spectrum.points, spectrum.margin, spectrum.statistics, spectrum.zeros)
    digest = _digest(repr(every).encode())
    if spectrum.kind == "samples":
        return f"{len(spectrum.points) + spectrum.zeros} samples in {ends} ({digest})"
    return f"{len(spectrum.statistics)} matrices with a spectrum in {ends} ({digest})"


def _brief(names: Sequence[str]) -> str:
    """Return how many names there are, with a digest, or the names if they are few."""
    if len(names) <= 8:
        return ", ".join(names)
    return f"{len(names)} from {names[0]} to {names[-1]} ({_digest(repr(names).encode())})"


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:12]
