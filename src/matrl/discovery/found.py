"""What a discovery returns."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from matrl.core.measure import Measure
from matrl.discovery.race.race import RaceEntry
from matrl.functions import FUNCTIONS
from matrl.plan import Plan
from matrl.search import Reason, SearchResult

__all__ = ["Found"]


@dataclass(frozen=True)
class Found:
    """What :func:`~matrl.discover` found: the plan, its predicted cost, and how the search went.

    ``cost`` is in seconds, or in the unit of the profile given; ``optimal`` says that the search
    proved that no cheaper schedule of the allowed actions exists (see ``is_by_rules``);
    ``interrupted`` that it was stopped by Ctrl-C with the best so far, and ``reason`` why it ended.
    Where the error was ``minimized``, ``optimal`` is about errors within the budget. ``front`` are
    the plans met that no other beats in cost and predicted error both, the cheapest first, whatever
    the tolerance; they have not raced. ``refined`` says that steps and coefficients were optimised
    together after the search; such a plan may be cheaper than the best of those whose coefficients
    the rules choose, which is what a search proves, so it is not called ``optimal``. ``race`` says
    how each of the finalists did that raced, the winner first; it is empty where prices were given,
    or the matrices would be too large.
    """

    plan: Plan
    cost: float
    nodes: int
    search_seconds: float
    optimal: bool
    interrupted: bool
    reason: Reason
    finalists: tuple[Plan, ...] = field(repr=False, default=())
    front: tuple[Plan, ...] = field(repr=False, default=())
    minimized: Literal["cost", "error"] = "cost"
    race: tuple[RaceEntry, ...] = field(repr=False, default=())
    refined: bool = False

    @classmethod
    def of(
        cls, plan: Plan, result: SearchResult, finalists: Sequence[Plan], **more: Any
    ) -> "Found":
        """Return what a search has found, of which this is the best plan."""
        return cls(
            plan=plan,
            cost=plan.predicted.cost,
            nodes=result.nodes,
            search_seconds=result.seconds,
            optimal=plan.provenance.optimal,
            interrupted=result.interrupted,
            reason=result.reason,
            finalists=tuple(finalists),
            **more,
        )

    @property
    def error(self) -> float:
        """Predicted error over the domain, in exact arithmetic."""
        return self.plan.predicted.error

    @property
    def is_by_rules(self) -> bool:
        """Whether ``optimal`` is about coefficients made by the updates' rules only.

        On samples and in weighted measures other coefficients may make a cheaper schedule do.
        """
        measure = Measure(self.plan.norm, FUNCTIONS.get(self.plan.function))
        return self.plan.domain.kind == "samples" or measure.is_weighted

    def to_dict(self) -> dict[str, Any]:
        """Return the result as JSON-ready data."""
        plan = self.plan
        return {
            "function": plan.function,
            "cost": self.cost,
            "error": self.error,
            "rounding": plan.predicted.rounding,
            "tol": plan.tol,
            "norm": plan.norm,
            "dtype": plan.dtype,
            "shape": list(plan.shape),
            "batch": plan.batch,
            "domain": [plan.domain.lower, plan.domain.upper],
            "domain_has_zero": plan.domain.has_zero,
            "scaling": plan.scaling.kind,
            "looseness": plan.scaling.looseness,
            "steps": [
                {
                    "name": step.name,
                    "form": step.form,
                    "precision": step.precision,
                    "product": step.product,
                    "error": step.error,
                }
                for step in plan.steps
            ],
            "profile": plan.predicted.profile,
            "optimal": self.optimal,
            "refined": self.refined,
            "interrupted": self.interrupted,
            "reason": self.reason,
            "minimized": self.minimized,
            "front": [
                {
                    "cost": one.predicted.cost,
                    "error": one.predicted.error,
                    "rounding": one.predicted.rounding,
                    "steps": [f"{s.name}/{s.form}/{s.precision}" for s in one.steps],
                }
                for one in self.front
            ],
            "nodes": self.nodes,
            "search_seconds": self.search_seconds,
            "measured_error": plan.provenance.measured_error,
            "measured_seconds": plan.provenance.measured_seconds,
            "predicted_over_measured": plan.provenance.predicted_over_measured,
            "race": [entry.to_dict() for entry in self.race],
            "plan_id": plan.id,
        }
