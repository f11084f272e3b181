"""What children are likely to cost, learned from what became of others like them.

Most of what looks cheap rounds too much, and only a closer look shows it. Steps of one form,
precision and product, from like ranges, after like steps, share their fate mostly; where some have
failed the others are taken for dearer, and what is the cheapest way then comes out of the dynamic
program over ranges. It says in which order to try, never what need not be tried.
"""

import math
from typing import Any

import msgspec
import numpy as np

from matrl.discovery.actions.action_list import ActionList
from matrl.discovery.bounds.stages import HISTORIES, MOST, REPAIRS, SPOILED, Stages, Style
from matrl.discovery.states.state import ScheduleState
from matrl.iterations import FORMS

__all__ = ["Guide"]

WIDTH = 0.5
"""How far apart in log(upper/lower - 1) like ranges may be."""
SLOPE = 2.0
"""How much faster than u/l rounding is taken to grow, at most."""
REACH = 4.0
"""Beyond that nothing is concluded from one range about another."""
DOUBT = 0.4
"""The price of a failure, as a fraction of all that must be paid."""
PATIENCE = 0.15
"""The program is solved anew when this much more has been learned."""


class Guide:
    """Guesses by experience, over the dynamic program of some stages."""

    def __init__(self, stages: Stages) -> None:
        self._stages = stages
        buckets = _bucket(stages.grid)
        self._least, self._count = int(buckets[0]), int(buckets[-1] - buckets[0]) + 1
        self._buckets = buckets - self._least
        self._bounds = stages.bounds()
        self._values = self._bounds
        self._careful: np.ndarray | None = None
        self._coarse = np.zeros(16, dtype=bool)
        least = float(
            self._bounds[: stages.end].reshape(-1, len(stages.grid))[:, -1].min(initial=math.inf)
        )
        self._unit = DOUBT * least if 0.0 < least < math.inf else 1.0
        self._stood = np.zeros((16, self._count, HISTORIES))
        self._failed = self._stood.copy()
        self._risks = self._stood.copy()
        self._learned = self._solved_at = 0

    # Hints ---------------------------------------------------------------------------------

    def hints(
        self,
        state: ScheduleState,
        open_: ActionList,
        kept: np.ndarray,
        spreads: np.ndarray,
        ends: np.ndarray,
        pending: np.ndarray,
        above: np.ndarray,
        is_spoiled: bool,
    ) -> np.ndarray:
        """Return what guesses at children need, (c, 6), of the ``kept`` of the actions.

        That is their kind, the prices of the residual update and of what a next step saves, and
        places in the program: for bounds, for what stands a closer look, and for what is spoiled.
        ``is_spoiled`` says that the state itself is known to be.
        """
        history = self._history(state, is_spoiled=is_spoiled)
        bucket = self._bucket(state)
        kinds = np.empty((len(open_.styles), 2), dtype=int)
        starts = np.zeros((len(open_.styles), 3, 2), dtype=int)
        for i, style in enumerate(open_.styles):
            kinds[i] = [self._kind(style, end) for end in (False, True)]
            form, precision, _ = style
            if form in self._stages.forms:
                after = self._stages.after(form, precision, history)
                start = self._stages.start
                spoiled = self._stages.spoiled_after(form, history)
                starts[i] = [[start(form, a, h) for a in (0, 1)] for h in (after, after, spoiled)]
        mine = open_.style[kept]
        kind = (kinds[mine, ends.astype(int)] * self._count + bucket) * (HISTORIES) + history
        columns = [kind, pending, np.where(ends, 0.0, open_.last[kept])]
        for at in starts.swapaxes(0, 1)[:2]:
            places = at[mine, above.astype(int)] + self._stages.places(spreads)
            columns.append(np.where(ends, self._stages.end, places))
        columns.append(starts[mine, 2, above.astype(int)] + self._stages.places(spreads))
        return np.column_stack(columns).astype(float)

    def _bucket(self, state: ScheduleState, shift: float = 0.0) -> int:
        found = int(_bucket(np.array(state.spread + shift))) - self._least
        return min(max(found, 0), self._count - 1)

    def _history(self, state: ScheduleState, *, is_spoiled: bool) -> int:
        """Return how many coarse steps there have been since rounding was last forgotten.

        Or, where it is too much, how many steps have forgotten it and were not enough.
        """
        if is_spoiled:
            repairs = sum(not FORMS.get(a.form).keeps_rounding for a in state.actions)
            return SPOILED - min(repairs, REPAIRS)
        count = 0
        for action in reversed(state.actions):
            count += self._stages.is_coarse(action.precision)
            if not FORMS.get(action.form).keeps_rounding:
                break
        return min(count, MOST)

    def _kind(self, style: Style, end: bool) -> int:
        kind = self._stages.kind(style, end)
        self._make_room()
        self._coarse[kind] = self._stages.is_coarse(style[1])
        return kind

    def _make_room(self) -> None:
        """Have a place for every kind: the stages number some of their own."""
        kinds = len(self._stages.kinds)
        if kinds > len(self._risks):
            more = np.zeros((kinds, *self._risks.shape[1:]))
            self._stood = np.concatenate([self._stood, more])
            self._failed = np.concatenate([self._failed, more])
            self._risks = np.concatenate([self._risks, more])
            self._coarse = np.concatenate([self._coarse, np.zeros(kinds, dtype=bool)])

    def guess(self, hints: np.ndarray, *, cautious: bool = False) -> np.ndarray:
        """Return the likely cost to go of children, infinite after coarse steps if ``cautious``."""
        if self._learned > self._solved_at * (1.0 + PATIENCE):
            self._solved_at = self._learned
            self._make_room()
            self._values = self._stages.solved(self._risks[:, self._buckets], self._values)
        kinds = hints[:, 0].astype(int)
        risks = self._risks.reshape(-1)[kinds]
        if cautious:
            if self._careful is None:
                self._careful = self._stages.careful()
            coarse = self._coarse[kinds // (self._count * HISTORIES)]
            return np.where(coarse, math.inf, risks + self._rest(self._careful, hints, 4))
        rest = risks + self._rest(self._values, hints, 4)
        return np.minimum(rest, self._rest(self._values, hints, 5))

    def bounds_of(self, hints: np.ndarray) -> np.ndarray:
        """Return lower bounds on the cost to go of children."""
        return self._rest(self._bounds, hints, 3)

    def bound(self, state: ScheduleState, last: float, *, is_spoiled: bool) -> float:
        """Return a lower bound on the cost to go of a state that a step has led to."""
        assert state.form is not None
        history = SPOILED if is_spoiled else 0
        place = self._stages.start(state.form, int(state.overshoots), history)
        place += int(self._stages.places(np.array([state.spread]))[0])
        return float(self._rest(self._bounds, np.array([[0, state.pending, last, place]]), 3)[0])

    def _rest(self, values: np.ndarray, hints: np.ndarray, column: int) -> np.ndarray:
        at = hints[:, column].astype(int)
        rest = np.minimum(values[at], hints[:, 1] + values[at + len(self._buckets)])
        return rest - hints[:, 2]

    # Experience ----------------------------------------------------------------------------

    def learn(
        self,
        state: ScheduleState,
        *,
        ended: bool,
        was_spoiled: bool,
        stands: bool,
        excess: float,
    ) -> None:
        """Take note of what a closer look has said of a state that seemed to end, or not.

        From a wider range, and after more coarse steps, there is more rounding: what failed from
        one counts against those, and what stood for the others. ``excess``, the rounding over the
        tolerance, says from how much narrower ranges it would have failed too, or stood from wider.
        ``was_spoiled`` says that the state before was known to round too much.
        """
        before = state.before
        assert before is not None
        history = self._history(before, is_spoiled=was_spoiled)
        kind = self._kind(state.structure[-1], ended)
        counts = self._stood if stands else self._failed
        shift = math.log(min(max(excess, 1e-9), 1e9)) / SLOPE
        shift = min(max(shift, 0.0), REACH) if not stands else max(min(shift, 0.0), -REACH)
        counts[kind, self._bucket(before, -shift), history] += 1.0
        self._learned += 1
        self._judge(kind)

    def _judge(self, kind: int) -> None:
        """Work out how likely a kind of step is to fail."""
        failed = self._failed[kind].cumsum(axis=0).cumsum(axis=1)
        stood = self._stood[kind, ::-1, ::-1].cumsum(axis=0).cumsum(axis=1)[::-1, ::-1]
        self._risks[kind] = self._unit * np.log1p(failed / (1.0 + stood))

    def dump(self) -> Any:
        """Return what has been learned as plain data."""
        return {
            "kinds": [[list(style), end] for style, end in self._stages.kinds],
            "stood": self._stood.tobytes(),
            "failed": self._failed.tobytes(),
            "coarse": self._coarse.tobytes(),
            "values": self._values.tobytes(),
            "counts": [self._learned, self._solved_at],
        }

    def load(self, data: Any) -> None:
        """Take note of what has been learned; ``ValueError`` if it is nothing of the kind."""
        known = msgspec.convert(data, _Experience)
        for style, end in known.kinds:
            self._stages.kind(style, end)
        shape = (-1, *self._stood.shape[1:])
        stood, failed = (
            np.frombuffer(one).reshape(shape).copy() for one in (known.stood, known.failed)
        )
        coarse, values = np.frombuffer(known.coarse, dtype=bool), np.frombuffer(known.values)
        kinds = len(self._stages.kinds)
        if not len(stood) == len(failed) == len(coarse) >= kinds or len(values) != len(
            self._values
        ):
            raise ValueError("an experience of other states")
        self._stood, self._failed, self._coarse, self._values = stood, failed, coarse.copy(), values
        self._risks = np.zeros_like(stood)
        for kind in range(kinds):
            self._judge(kind)
        self._learned, self._solved_at = known.counts


class _Experience(msgspec.Struct, forbid_unknown_fields=True):
    kinds: list[tuple[Style, bool]]
    stood: bytes
    failed: bytes
    coarse: bytes
    values: bytes
    counts: tuple[int, int]


def _bucket(spreads: np.ndarray) -> np.ndarray:
    """Return which spreads are alike."""
    return np.floor(np.maximum(spreads, -1e3) / WIDTH).astype(int)
