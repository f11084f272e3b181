"""Following the rounding of a schedule step by step, with the noisy reading."""

import math
from typing import Any

import numpy as np

from matrl.core.function import MatrixFunction
from matrl.core.plan import StepRecord
from matrl.core.program import evaluate
from matrl.core.tracing import Graph
from matrl.discovery.domains import ScaledDomain
from matrl.discovery.state import ScheduleState
from matrl.iterations import DirectMethod, Registers, Update
from matrl.iterations.schedule import advance
from matrl.readings.noisy import NoisyReading, NoisyValue, compress, rounding_level

__all__ = ["RoundingModel"]


class RoundingModel:
    """Predicts rounding levels for n x n matrices of one dtype."""

    def __init__(self, function: MatrixFunction, n: int, dtype: str) -> None:
        self._function, self._n, self._dtype = function, n, dtype

    def of_direct(self, domain: ScaledDomain, method: DirectMethod, precision: str) -> float:
        """Return the rounding level of a direct method."""
        graph = Graph()
        a = graph.input("A", self._dtype).cast(precision)
        program = graph.program(method.apply(a, self._function).cast(self._dtype))
        start = NoisyValue.exact(np.asarray(domain.nodes))
        (value,) = evaluate(program, self._reading(domain), {"A": start})
        return self._level(domain, value)

    def after_step(
        self, domain: ScaledDomain, state: ScheduleState, record: StepRecord
    ) -> tuple[NoisyValue, NoisyValue]:
        """Return the registers after a step, with their errors: the carried one and M."""
        graph = Graph()
        held = state.steps[-1].precision if state.steps else self._dtype
        residual = graph.input("M", held)
        if state.steps:
            carried: Any = graph.input("carried", held)
        elif self._function.carries == "z":
            carried = graph.identity(held)
        else:
            carried = residual
        registers = advance(
            Registers(carried, residual, self._function.carries), record, self._function.root_index
        )
        program = graph.program(registers.carried, registers.residual)
        if state.carried is None or state.residual is None:
            inputs = {"M": NoisyValue.exact(np.asarray(domain.nodes))}
            sources = 0
        else:
            inputs = {"M": state.residual, "carried": state.carried}
            sources = len(state.carried.errors)
        values = compress(*evaluate(program, self._reading(domain, sources), inputs))
        return values[0], values[1]

    def level(
        self,
        domain: ScaledDomain,
        state: ScheduleState,
        update: Update,
        coefficients: tuple[float, ...],
        lower: float,
        registers: tuple[NoisyValue, NoisyValue],
    ) -> float:
        """Return the rounding level after a step whose map has the least value ``lower``.

        Relative errors of the carried matrix are permanent, so it never falls below the level
        before the step.
        """
        carried, residual = registers
        dips = self._dips(domain, state, update, coefficients, lower, residual)
        return max(state.rounding, self._level(domain, carried, dips))

    def _reading(self, domain: ScaledDomain, sources: int = 0) -> NoisyReading:
        return NoisyReading(self._n, np.asarray(domain.weights), sources)

    def _level(
        self, domain: ScaledDomain, value: NoisyValue, dips: np.ndarray | float = 1.0
    ) -> float:
        return rounding_level(value, self._n, np.asarray(domain.weights), dips)

    def _dips(
        self,
        domain: ScaledDomain,
        state: ScheduleState,
        update: Update,
        coefficients: tuple[float, ...],
        lower: float,
        residual: NoisyValue,
    ) -> np.ndarray:
        """Return, per node, how far below it the map may send an eigenvalue close by.

        Beyond its first maximum an equioscillating map comes back to the lower end of its range.
        """
        k = self._function.root_index
        before = np.asarray(domain.nodes) if state.residual is None else state.residual.values
        critical = update.critical_points(coefficients, k, state.lower, state.upper)
        first = min(critical, default=math.inf)
        after = np.abs(residual.values) ** (1.0 / k)
        return np.where(np.abs(before) ** (1.0 / k) > first, np.maximum(after / lower, 1.0), 1.0)
