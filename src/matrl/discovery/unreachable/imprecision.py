"""Which operation of a schedule rounds the most."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from matrl.core.plan import StepRecord
from matrl.core.program import Operation
from matrl.discovery.problem.domains import ScaledDomain
from matrl.discovery.problem.problem import Problem
from matrl.discovery.rounding.rounding import Noise, RoundingModel
from matrl.iterations import FORMS, UPDATES, DirectMethod
from matrl.readings.noise.events import EXACT
from matrl.readings.noisy import NoisyReading

__all__ = ["PricedOperation", "most_imprecise"]

PricedOperation = tuple[str, str]
"""An operation of price lists, and a dtype."""

# As price lists call what programs do; a Gram product is one more product.
NAMES = {
    "linear": "add",
    "symmetrize": "add",
    "cast": "cast",
    "matmul": "matmul",
    "gram": "matmul",
    "outer": "matmul",
    "inverse": "inv_spd",
    "spectral": "eigh",
    "lyapunov": "eigh",
    "polar": "svd",
}


def most_imprecise(
    problem: Problem, domain: ScaledDomain, steps: Sequence[StepRecord]
) -> PricedOperation | None:
    """Return which operation's rounding alone makes the highest level; ``None`` if none does.

    An eigenvalue that a map sends below its node is not looked for, unlike when a schedule is
    confirmed, so levels are for comparison among operations only.
    """
    seen: set[PricedOperation] = set()

    def note(op: Operation) -> Operation:
        seen.add((NAMES[op.kind], op.dtype))
        return op

    _level(problem, domain, steps, note)
    levels = {one: _level(problem, domain, steps, _only(one)) for one in sorted(seen)}
    worst = max(levels, key=lambda one: levels[one], default=None)
    return worst if worst is not None and levels[worst] > 0.0 else None


def _only(one: PricedOperation) -> Callable[[Operation], Operation]:
    """Return what makes all other operations exact."""

    def changed(op: Operation) -> Operation:
        if (NAMES[op.kind], op.dtype) == one:
            return op
        return replace(op, dtype=EXACT)

    return changed


class _Changed:
    """A noisy reading to which operations are shown changed."""

    def __init__(self, reading: NoisyReading, change: Callable[[Operation], Operation]) -> None:
        self._reading, self._change = reading, change

    def anew(self) -> "_Changed":
        """Return the same, before any operation."""
        return _Changed(self._reading.anew(), self._change)

    def __getattr__(self, kind: str) -> Callable[..., Any]:
        read = getattr(self._reading, kind)
        return lambda op, *operands: read(self._change(op), *operands)


class _Model(RoundingModel):
    """The rounding of schedules with changed operations."""

    change: Callable[[Operation], Operation]

    def _reading(self, density: np.ndarray, sources: int = 0) -> Any:
        return _Changed(super()._reading(density, sources), self.change)


def _level(
    problem: Problem,
    domain: ScaledDomain,
    steps: Sequence[StepRecord],
    change: Callable[[Operation], Operation],
) -> float:
    model = _Model(problem.matrix_function, problem.n, problem.dtype, problem.norm, problem.m)
    model.change = change
    nodes, density = domain.nodes, domain.node_density
    noise: dict[str, Noise] = {}
    previous: StepRecord | None = None
    level = 0.0
    for record in steps:
        update = UPDATES.get(record.name)
        if isinstance(update, DirectMethod):
            return model.of_direct(nodes, density, update, record.precision)
        step, after = model.after_step(nodes, density, noise, previous, record, np.ones(len(nodes)))
        noise = step.noise
        level = max(level, after) if FORMS.get(record.form).keeps_rounding else after
        previous = record
    return level
