"""Leading the workers: orders, reports, limits, Ctrl-C, and what becomes of lost workers."""

import logging
import time
from collections.abc import Callable
from dataclasses import replace

from matrl.errors import WorkersLostError
from matrl.search.limits import Limits, Reason
from matrl.search.parallel.exchange import Exchange
from matrl.search.parallel.merge import merged
from matrl.search.parallel.messages import Answer, Crew, Finish, Lost, Order, Ready, Report
from matrl.search.parallel.team import Member, Team
from matrl.search.progress import Callback, Progress
from matrl.search.reporting import PROGRESS_SECONDS
from matrl.search.result import SearchResult

__all__ = ["Conductor"]

logger = logging.getLogger(__name__)

POLL = 0.05
START_SECONDS = 120.0
"""A worker that has not made its environment by then is lost."""
FINISH_SECONDS = 60.0
INTERRUPTED_SECONDS = 10.0
"""How long the last results are waited for; what was reported before is never lost."""


class Conductor:
    """One search by the workers of a crew; the clock starts when the first of them is ready."""

    def __init__(
        self,
        crew: Crew,
        exchange: Exchange,
        limits: Limits,
        progress: Callback | None = None,
    ) -> None:
        self._crew, self._exchange, self._limits = crew, exchange, limits
        self._progress = progress
        self._team = Team(crew.size, limits)
        self._why = ""
        self._created = time.perf_counter()
        self._started: float | None = None
        self._reported = 0.0

    @property
    def _seconds(self) -> float:
        return 0.0 if self._started is None else time.perf_counter() - self._started

    def run(self, interrupted: Callable[[], bool], finalists: int) -> SearchResult:
        """Search until a limit is met, and return what all have found together.

        ``interrupted`` says whether Ctrl-C has been pressed.

        Raises :class:`~matrl.errors.WorkersLostError` if all workers are lost and none of them has
        reported a plan.
        """
        try:
            reason = self._search(interrupted)
        except KeyboardInterrupt:  # by the callback, or in an environment that runs here
            reason = "interrupted"
        seconds = self._seconds
        try:
            patience = INTERRUPTED_SECONDS if reason == "interrupted" else FINISH_SECONDS
            self._finish(finalists, patience)
        except KeyboardInterrupt:
            reason = "interrupted"
        if reason == "lost" and not any(member.complete for member in self._team.members):
            raise WorkersLostError(
                f"workers: all {self._crew.size} were lost before they found a plan, the last "
                f"because it {self._why}; search with fewer workers, or with one"
            )
        return merged(self._team, reason, seconds, finalists)

    def _search(self, interrupted: Callable[[], bool]) -> Reason:
        reason: Reason | None = None
        while reason is None:
            for index, answer in self._crew.receive(POLL):
                self._take(self._team.members[index], answer)
            self._give_up_late()
            reason = self._over(interrupted)
            if reason is None:
                self._give_orders()
            self._report(last=reason is not None)
        return reason

    def _take(self, member: Member, answer: Answer) -> None:
        if isinstance(answer, Lost):
            self._lose(member, answer.why)
        elif isinstance(answer, Ready):
            member.state = "idle"
            if self._started is None:
                self._started = time.perf_counter()
        elif isinstance(answer, Report):
            member.take(answer)
        else:
            member.result = answer
            member.lower = max(member.lower, answer.bound)
            member.nodes = answer.nodes
            member.state = "ended"

    def _lose(self, member: Member, why: str) -> None:
        self._crew.drop(member.index)
        member.state = "lost"
        self._why = why
        left = len(self._team.living)
        logger.warning(
            "worker %d of %d was lost: it %s; what it reported is kept, %s",
            member.index + 1,
            self._crew.size,
            why,
            f"{left} go on" if left > 1 else "one goes on" if left else "none is left",
        )

    def _give_up_late(self) -> None:
        if time.perf_counter() - self._created < START_SECONDS:
            return
        for member in self._team.members:
            if member.state == "starting":
                self._lose(member, f"has not started within {START_SECONDS:g} s")

    def _over(self, interrupted: Callable[[], bool]) -> Reason | None:
        team = self._team
        if interrupted() or any(member.interrupted for member in team.members):
            return "interrupted"
        if not team.living:
            return "lost"
        reason = self._exchange.over(team)
        if reason is not None or self._started is None:
            return reason
        # Steps are counted by the exchange, which decides when.
        return replace(self._limits, nodes=float("inf")).met(
            self._seconds, team.nodes, team.cost - team.lower
        )

    def _give_orders(self) -> None:
        left = self._limits.seconds - self._seconds
        for member in self._team.idle():
            order = self._exchange.order(member, self._team)
            if order is not None:
                self._send(member, replace(order, seconds=min(order.seconds, max(left, 0.0))))

    def _send(self, member: Member, order: Order) -> None:
        member.target, member.state = order.nodes + order.grace, "busy"
        self._crew.send(member.index, order)

    def _finish(self, finalists: int, patience: float) -> None:
        """Ask all for their results; those who do not answer in time stay with their reports."""
        until = time.perf_counter() + patience
        asked = [m for m in self._team.living if m.state != "starting"]
        for member in asked:
            self._crew.send(member.index, Finish(finalists))
        while any(m.result is None and m.state != "lost" for m in asked):
            if time.perf_counter() > until:
                logger.warning("not all workers returned their results within %g s", patience)
                return
            for index, answer in self._crew.receive(POLL):
                self._take(self._team.members[index], answer)

    def _report(self, last: bool) -> None:
        seconds = self._seconds
        if self._progress is None or not (last or seconds - self._reported >= PROGRESS_SECONDS):
            return
        self._reported = seconds
        team, left = self._team, max(self._limits.seconds - seconds, 0.0)
        self._progress(Progress(team.cost, team.error, team.nodes, seconds, left))
