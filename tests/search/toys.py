"""Toy problems whose optimum is known by Dijkstra's algorithm."""

import heapq
import itertools
import math
from collections.abc import Hashable

import numpy as np

from matrl.search import NO_CHILDREN, Children, Verdict

Arcs = dict[int, list[tuple[int, float | None]]]
State = tuple[int, int]


def distances(arcs: Arcs, goals: set[int]) -> dict[int, float]:
    """Return the price from every state to the nearest goal, by Dijkstra on reversed arcs."""
    reverse: dict[int, list[tuple[int, float]]] = {}
    for start, ways in arcs.items():
        for end, price in ways:
            if price is not None:
                reverse.setdefault(end, []).append((start, price))
    found: dict[int, float] = {}
    queue = [(0.0, goal) for goal in goals]
    while queue:
        distance, state = heapq.heappop(queue)
        if state in found:
            continue
        found[state] = distance
        for start, price in reverse.get(state, []):
            heapq.heappush(queue, (distance + price, start))
    return found


class Network:
    """Numbered states and priced arcs; a price of None marks an action that is not legal.

    States are pairs (number, hops), so that equal keys come from different states. ``traps`` are
    states that turn out to be illegal when confirmed, ``detours`` actions (indices of arcs) that
    open beside the one into a trap, ``late`` arcs that come in a second batch, ``mirages`` states
    that seem to be the goal until they are confirmed. ``merged`` says that equal keys are one node.
    ``kinds`` are those of states, which share their fate mostly, for guesses; kind 0 is safe.
    """

    def __init__(
        self,
        arcs: Arcs,
        goals: set[int],
        bound: str = "zero",
        *,
        interrupt_at: int | None = None,
        traps: frozenset[int] = frozenset(),
        detours: dict[int, list[tuple[int, int]]] | None = None,
        late: frozenset[tuple[int, int]] = frozenset(),
        mirages: frozenset[int] = frozenset(),
        merged: bool = True,
        confirms_early: bool = False,
        kinds: dict[int, int] | None = None,
    ) -> None:
        self.arcs, self.goals, self.traps = arcs, goals, traps
        self.late, self.mirages, self.merged = late, mirages, merged
        self.detours = {} if detours is None else detours
        legal = {s: [w for w in ways if w[0] not in traps] for s, ways in arcs.items()}
        self.exact = distances(legal, goals - traps)
        self._bound = bound
        self._interrupt_at = interrupt_at
        self.confirms_early = confirms_early
        self.calls = 0
        self.confirmed: set[int] = set()
        self.kinds = kinds
        count = 1 + max((kinds or {}).values(), default=0)
        self.failed, self.stood = np.zeros(count), np.zeros(count)

    def root(self) -> State:
        return (0, 0)

    def _children(self, state: State, indices: list[int]) -> Children:
        ways = [self.arcs[state[0]][i] for i in indices]
        return Children(
            indices,
            np.array([1.0 if price is None else price for _, price in ways]),
            np.array([self.bound((end, 0)) for end, _ in ways]),
            np.array([self.done((end, 0)) for end, _ in ways], dtype=bool),
            np.array([self.quality((end, 0)) for end, _ in ways]),
            len(ways),
            self._hints([end for end, _ in ways]),
        )

    def _hints(self, ends: list[int]) -> np.ndarray | None:
        """Return bound and kind of each state."""
        if self.kinds is None:
            return None
        rows = [[self.bound((end, 0)), self.kinds.get(end, 0)] for end in ends]
        return np.array(rows).reshape(-1, 2)

    def guess(self, hints: np.ndarray, *, cautious: bool = False) -> np.ndarray:
        kinds = hints[:, 1].astype(int)
        risks = 5.0 * np.log1p(self.failed / (1.0 + self.stood))[kinds]
        return hints[:, 0] + (np.where(kinds > 0, math.inf, risks) if cautious else risks)

    def _hidden(self, number: int) -> set[int]:
        """Return the actions of a state that only open beside a trap."""
        return {i for ways in self.detours.values() for start, i in ways if start == number}

    def expand(self, state: State, width: int) -> Children | None:
        self.calls += 1
        if self.calls == self._interrupt_at:
            raise KeyboardInterrupt
        if width > 1:
            return None
        hidden = self._hidden(state[0])
        every = [i for i in range(len(self.arcs.get(state[0], []))) if i not in hidden]
        return self._children(
            state, [i for i in every if ((state[0], i) in self.late) == (width == 1)]
        )

    def child(self, state: State, action: int) -> State | None:
        end, price = self.arcs[state[0]][action]
        return None if price is None else (end, state[1] + 1)

    def confirm(self, state: State) -> Verdict:
        assert not (self.merged and state[0] in self.confirmed), "a state is confirmed twice"
        self.confirmed.add(state[0])
        if self.kinds is not None:
            counts = self.failed if state[0] in self.traps else self.stood
            counts[self.kinds.get(state[0], 0)] += 1
        return Verdict(state[0] not in self.traps)

    def beside(self, state: State, action: int, child: State) -> Children:
        ways = self.detours.get(child[0], [])
        indices = [i for start, i in ways if start == state[0]]
        return self._children(state, indices) if indices else NO_CHILDREN

    def done(self, state: State) -> bool:
        seems = state[0] in self.mirages and state[0] not in self.confirmed
        return state[0] in self.goals or seems

    def bound(self, state: State) -> float:
        exact = self.exact.get(state[0], math.inf)
        if state[0] in self.traps or state[0] in self.mirages:
            exact = 0.0
        return {"zero": 0.0, "exact": exact, "half": min(exact, 1e6) / 2}[self._bound]

    def key(self, state: State) -> Hashable:
        return state[0]

    def quality(self, state: State) -> float:
        return 1e-3 if state[0] in self.goals else 1.0 / (1.0 + state[0])

    def cost(self, state: State, paid: float) -> float:
        return paid

    def label(self, state: State) -> Hashable:
        return None

    def cost_of(self, actions: tuple[int, ...]) -> float:
        """Return what a plan costs; infinity unless it ends in a goal."""
        number, total = 0, 0.0
        for action in actions:
            assert number not in self.goals, "a plan goes on after the goal"
            end, price = self.arcs[number][action]
            assert price is not None, "a plan takes an action that is not legal"
            assert end not in self.traps, "a plan goes through a trap"
            number, total = end, total + price
        return total if number in self.goals else math.inf


def random_dag(seed: int, size: int = 30, dead_ends: bool = True, free: bool = False) -> Arcs:
    random = np.random.default_rng(seed)
    arcs: Arcs = {}
    for state in range(size - 1):
        if dead_ends and state % 5 == 3:
            continue
        ends = random.integers(state + 1, min(state + 8, size), random.integers(1, 6))
        arcs[state] = []
        for end in ends.tolist():
            price: float | None = float(random.uniform(0.1, 3.0))
            if random.random() < 0.15:
                price = None
            elif free and random.random() < 0.3:
                price = 0.0
            arcs[state].append((end, price))
    arcs.setdefault(0, []).append((size - 1, 40.0))
    return arcs


def grid(side: int, seed: int = 0) -> Arcs:
    """Return a square with steps right and down from corner to corner, some blocked."""
    random = np.random.default_rng(seed)
    arcs: Arcs = {}
    for row, column in itertools.product(range(side), repeat=2):
        ways = arcs.setdefault(row * side + column, [])
        for r, c in ((row + 1, column), (row, column + 1)):
            if r < side and c < side:
                blocked = random.random() < 0.1 and r not in (0, side - 1)
                ways.append((r * side + c, None if blocked else float(random.integers(1, 9))))
    return arcs


def two_way_grid(side: int) -> Arcs:
    """Return a square in which every step can be taken back."""
    arcs: Arcs = {}
    for row, column in itertools.product(range(side), repeat=2):
        ways = arcs.setdefault(row * side + column, [])
        for r, c in ((row - 1, column), (row, column - 1), (row + 1, column), (row, column + 1)):
            if 0 <= r < side and 0 <= c < side:
                ways.append((r * side + c, 1.0 + 0.1 * ((r * 7 + c * 3) % 5)))
    return arcs
