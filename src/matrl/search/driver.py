"""Running a planner: limits, progress, Ctrl-C, and what is returned."""

import contextlib
import math
import time
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from matrl.errors import ArtifactError
from matrl.search.archive import Archive, Elite
from matrl.search.environment import Environment
from matrl.search.graph import Graph
from matrl.search.incumbent import GAIN, Incumbent
from matrl.search.interrupts import deferred_interrupts
from matrl.search.limits import Limits, Reason
from matrl.search.nodes import Path, actions_of
from matrl.search.planners import PLANNERS, Continuing, Setting, best_tail, take_ends
from matrl.search.planting import plant
from matrl.search.progress import Callback
from matrl.search.reporting import Reporting
from matrl.search.restoration import restored_graph
from matrl.search.result import SearchResult
from matrl.search.resumable import Resumable
from matrl.search.snapshot import Snapshot, taken
from matrl.search.sound_front import sound_front

__all__ = ["Notebook", "Search"]


class Notebook(Protocol):
    """What a search is written down in while it goes on."""

    def look(self, search: "Search") -> None:
        """Take note of what is new, between two iterations."""
        ...

    def stop(self, search: "Search", *, between_iterations: bool) -> None:
        """Take note that the search has stopped."""
        ...


class Search:
    """A search that can be taken on a little at a time."""

    def __init__(
        self,
        environment: Environment[Any],
        *,
        planner: str = "mcts",
        seed: int = 0,
        merge: bool = True,
        prune: bool = True,
        seeds: Sequence[Sequence[Any]] = (),
    ) -> None:
        self._environment = environment
        self._seeds = list(seeds)
        self._archive = Archive()
        self._graph = Graph(environment, merge)
        self._incumbent = Incumbent(self._graph)
        random = np.random.default_rng(seed)
        self._setting = Setting(
            environment, self._graph, self._incumbent, self._archive, random, prune
        )
        self._planner = PLANNERS[planner](self._setting)
        self._seconds = 0.0
        self._reporting = Reporting(environment)

    @classmethod
    def restored(
        cls,
        environment: Resumable[Any],
        snapshot: Snapshot,
        *,
        planner: str = "mcts",
        merge: bool = True,
        prune: bool = True,
        source: str = "checkpoint",
    ) -> "Search":
        """Return a search that goes on from a snapshot, in a new environment equal to its own.

        ``mcts`` goes on as if it had never stopped; the other planners start again at the root, in
        a graph where all is known that was. Raises :class:`~matrl.errors.ArtifactError`
        naming ``source`` for what no search of this environment has left.
        """
        one = cls(environment, planner=planner, merge=merge, prune=prune)
        graph = one._graph
        try:
            archive, random = restored_graph(snapshot, environment, graph, merged=merge)
            incumbent = Incumbent(graph)
            incumbent.cost, incumbent.scale = snapshot.incumbent, snapshot.scale
            one._archive, one._incumbent = archive, incumbent
            one._setting = Setting(environment, graph, incumbent, archive, random, prune)
            one._planner = PLANNERS[planner](one._setting)
            if isinstance(one._planner, Continuing):
                one._planner.load(snapshot.planner)
        except ValueError as error:
            raise ArtifactError(f"{source}: is not a valid checkpoint ({error})") from None
        one._seconds = snapshot.seconds
        one._reporting = Reporting(environment, since=snapshot.seconds)
        return one

    def snapshot(self) -> Snapshot:
        """Return all that has been evaluated; to be called between two iterations.

        The environment must be :class:`~matrl.search.resumable.Resumable`.
        """
        planner = self._planner
        return taken(
            self.environment,
            self._graph,
            self._archive,
            self._setting.random,
            seconds=self._seconds,
            incumbent=self._incumbent.cost,
            scale=self._incumbent.scale,
            planner=planner.dump() if isinstance(planner, Continuing) else None,
        )

    @property
    def environment(self) -> Any:
        """What is searched."""
        return self._environment

    @property
    def incumbent(self) -> float:
        """The least cost known, of its own plans or heard."""
        return self._incumbent.cost

    @property
    def cost(self) -> float:
        """The least cost of its own plans."""
        return self._graph.root.best

    @property
    def lower(self) -> float:
        """A proved lower bound on the cost of any plan."""
        return self._graph.root.lower

    @property
    def nodes(self) -> int:
        """Steps simulated so far."""
        return self._graph.steps

    @property
    def best_quality(self) -> float:
        """The least error of any state met."""
        return self._graph.best_quality

    @property
    def seconds(self) -> float:
        """Seconds spent so far."""
        return self._seconds

    def hear(self, cost: float) -> None:
        """Take note that a plan of this cost is known elsewhere: what cannot beat it is left out.

        It is no plan of this search, which then may prove that nothing is cheaper.
        """
        if math.isfinite(cost):
            self._incumbent.offer(cost)

    def best_plan(self) -> tuple[float, tuple[Elite, ...]]:
        """Return the best plan of its own, last, after those that end along it, and its cost.

        The cost may be less than :attr:`cost`: where ways meet, what the last step of a plan has
        learned is known to the ways it was tried on only. No plan: infinity, and none.
        """
        node, paid = self._graph.root, 0.0
        actions: tuple[Any, ...] = ()
        found = [self._elite(node.state, paid, actions)] if node.done else []
        while node.best_edge is not None:
            edge = node.best_edge
            node, paid, actions = edge.child, paid + edge.price, (*actions, edge.action)
            found.append(self._elite(node.state, paid, actions))
        return paid + node.best, tuple(found)

    def _elite(self, state: Any, paid: float, actions: tuple[Any, ...]) -> Elite:
        environment = self._environment
        cost = environment.cost(state, paid)
        return Elite(cost, environment.quality(state), environment.label(state), actions)

    def best_path(self) -> Path:
        """Return the best plan so far; empty if there is none."""
        return best_tail(self._graph.root)

    def best_paths(self, count: int) -> list[tuple[float, Path]]:
        """Return up to ``count`` of the cheapest plans in the graph, with their costs."""
        return self._graph.best_paths(count)

    def quality_of(self, path: Path) -> float:
        """Return the quality of the state at the end of a path; infinity for an empty one."""
        return self._environment.quality(path[-1][1].child.state) if path else math.inf

    def advance(
        self, limits: Limits, progress: Callback | None = None, journal: Notebook | None = None
    ) -> Reason:
        """Iterate until the plan is proved, nothing is left, a limit is met, or Ctrl-C comes.

        The limits count from the start of the search, not of this call. With a ``journal`` Ctrl-C
        waits for the end of an iteration, unless it comes twice.
        """
        before, started = self._seconds, time.perf_counter()
        reason: Reason | None = None
        is_whole = True
        with contextlib.ExitStack() as stack:
            pressed = stack.enter_context(deferred_interrupts()) if journal else _never
            try:
                while reason is None:
                    is_whole = False
                    if not self._graph.root.is_open:
                        take_ends(self._setting)
                    while self._seeds:
                        plant(self._setting, self._seeds[:1])
                        self._seeds.pop(0)
                    if self._incumbent.is_proved:
                        reason = self._proved()
                    else:
                        gain = self._incumbent.cost - self._graph.root.lower
                        reason = limits.met(self._seconds, self._graph.steps, gain)
                    if reason is None and not self._planner.iterate():
                        reason = self._proved()
                    is_whole = True
                    self._seconds = before + time.perf_counter() - started
                    if reason is None and pressed():
                        reason = "interrupted"
                    if journal is not None:
                        journal.look(self)
                    self._report(progress, limits)
            except KeyboardInterrupt:
                reason = "interrupted"
            if journal is not None:
                journal.stop(self, between_iterations=is_whole)
            if pressed() and reason not in ("optimal", "exhausted"):
                reason = "interrupted"
        self._report(progress, limits, last=True)
        return reason

    def _proved(self) -> Reason:
        """Return why nothing is left: the incumbent is the best, or there is no plan."""
        return "optimal" if math.isfinite(self._incumbent.cost) else "exhausted"

    def result(self, reason: Reason, finalists: int = 8) -> SearchResult:
        """Return the best found so far."""
        self._graph.settle()
        found = self._graph.best_paths(finalists)
        best = tuple((cost, actions_of(path)) for cost, path in found)
        root = self._graph.root
        proved = self._incumbent.is_proved or reason == "optimal"
        # What is proved is the least cost known, which may be one that was only heard of.
        own = math.isfinite(root.best) and root.best * (1.0 - GAIN) <= self._incumbent.cost
        return SearchResult(
            cost=root.best,
            actions=best[0][1] if best else (),
            finalists=best,
            nodes=self._graph.steps,
            seconds=self._seconds,
            bound=min(root.lower, root.best),
            optimal=proved and own,
            reason=reason,
            best_quality=self._graph.best_quality,
            front=sound_front(self._archive, self._graph, self._environment),
        )

    def _report(self, progress: Callback | None, limits: Limits, last: bool = False) -> None:
        if progress is not None:
            nodes, seconds = self._graph.steps, self._seconds
            self._reporting.report(
                progress, limits, self._incumbent, nodes=nodes, seconds=seconds, last=last
            )


def _never() -> bool:
    return False
