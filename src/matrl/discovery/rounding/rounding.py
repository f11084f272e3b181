"""Following the rounding of a schedule step by step, with the noisy reading."""

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from matrl.core.function import MatrixFunction
from matrl.core.measure import Norm
from matrl.core.plan import StepRecord
from matrl.core.precision import is_half, working_dtype
from matrl.core.program import Operation, evaluate
from matrl.core.tracing import Expression, Graph
from matrl.discovery.rounding.half_steps import may_leave_range
from matrl.discovery.rounding.rounded_step import Noise, RoundedStep
from matrl.iterations import DirectMethod, Registers, Update
from matrl.iterations.schedule import advance, input_matrix, outputs, start
from matrl.readings.noisy import NoisyReading, NoisyValue, rounding_level
from matrl.readings.scalar import ScalarReading, multiplier_program

__all__ = ["Noise", "RoundingModel", "dips_of"]

EDGE = 2.0
"""The 2-norm of a random Hermitian matrix over the root of n times the variance of its entries."""
VARIATION = 0.2


class RoundingModel:
    """Predicts rounding levels of one function on n x n (or m x n) matrices of one dtype.

    ``density`` belongs to the nodes of the domain, with which every call passes ``nodes``: moduli
    of eigenvalues, or singular values. For the sign function they are taken with both signs. Where
    the first node is 0, errors there count relative to f at the next one, and the eigenvalue is
    off 0 by what rounding the entries of A makes of it.
    """

    def __init__(
        self,
        function: MatrixFunction,
        n: int,
        dtype: str,
        norm: Norm = "eigenvalue",
        m: int | None = None,
    ) -> None:
        self._function, self._n, self._dtype = function, n, dtype
        self._norm: Norm = norm
        self._m = n if m is None else m
        self._last: RoundedStep | None = None

    def of_direct(
        self, nodes: np.ndarray, density: np.ndarray, method: DirectMethod, precision: str
    ) -> float:
        """Return the rounding level of a direct method."""
        graph = Graph()
        a = input_matrix(graph, self._function, self._dtype, "A")
        low = a.cast(working_dtype(precision, self._dtype))
        results = [value.cast(self._dtype) for value in method.apply(low, self._function)]
        # Eigenvalues that are 0 are set to 0: only the others are computed with an error.
        positive = nodes > 0.0
        nodes, density = nodes[positive], density[positive] / density[positive].sum()
        inputs = {"A": self._exact(nodes)}
        values = evaluate(graph.program(*results), self._reading(density), inputs)
        return max(self._level(i, value, density, 1.0) for i, value in enumerate(values))

    def after_step(
        self,
        nodes: np.ndarray,
        density: np.ndarray,
        noise: Mapping[str, Noise],
        previous: StepRecord | None,
        record: StepRecord,
        dips: np.ndarray,
    ) -> tuple[RoundedStep, float]:
        """Return a step, which knows the errors of live registers after it, and its rounding level.

        ``dips`` (q,) says, per node, how far below it an eigenvalue close by may be sent.
        """
        graph = Graph()
        registers = self._registers(graph, noise, previous, record.precision)
        following = advance(registers, record, self._function)
        live = {name: e for name, e in following.live().items() if e.terms}
        results = outputs(following, self._function)
        program = graph.program(*results, *live.values())
        a = self._exact(nodes) if previous else self._stored(nodes, density)
        inputs = {"A": a} | {name: one.value for name, one in noise.items()}
        sources = max((len(value.errors) for value in inputs.values()), default=0)
        step = RoundedStep(program, live, inputs, self._reading(density, sources))
        if self._is_unsafe(nodes, density, noise, previous, record):
            return step, math.inf
        # Beyond the range of floats a register is singular, and the level infinite.
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            found = enumerate(self._judged(value, nodes) for value in step.results)
            level = max(self._level(i, value, density, dips) for i, value in found)
        if self._last is not None:
            self._last.pause()  # all of them together would not fit into memory
        self._last = step
        return step, level if math.isfinite(level) else math.inf

    def _is_unsafe(
        self,
        nodes: np.ndarray,
        density: np.ndarray,
        noise: Mapping[str, Noise],
        previous: StepRecord | None,
        record: StepRecord,
    ) -> bool:
        """Whether what a half precision did before may lie beyond where the step is safe."""
        if previous is None or not is_half(previous.precision):
            return False
        graph = Graph()
        registers = self._registers(graph, noise, previous, record.precision)
        program = graph.program(*outputs(registers, self._function))
        inputs = {"A": self._exact(nodes)} | {name: one.value for name, one in noise.items()}
        sources = max((len(value.errors) for value in inputs.values()), default=0)
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            return may_leave_range(
                self._function,
                (previous, record),
                np.abs(self._signed(nodes)),
                noise["m"].value if "m" in noise else None,
                evaluate(program, self._reading(density, sources), inputs),
                self._n,
                self._doubled(density),
            )

    def keeps_zero(
        self,
        nodes: np.ndarray,
        density: np.ndarray,
        noise: Mapping[str, Noise],
        update: Update,
        record: StepRecord,
    ) -> bool:
        """Return whether p hardly varies over what rounding has made of a zero eigenvalue of M.

        Otherwise the step takes it, +-e, for an eigenvalue: it drives e towards 1 and -e away, or
        meets a pole, and errors there are not those of the first order. True where 0 is no node.
        """
        if nodes[0] > 0.0:
            return True
        dtype = working_dtype(record.precision, self._dtype)
        if "m" in noise or "y" not in noise:
            value = noise["m"].value if noise else self._stored(nodes, density, dtype)
            size = 1.0
        else:  # the coupled form, whose T is Z Y
            value, size = noise["y"].value, float(noise["z"].value.values[0])
        spread = size * EDGE * np.sqrt(self._n * density[0] * value.variances[0, 0])
        program = multiplier_program(update, self._function.root_index, record.coefficients)
        inputs = {"M": spread * np.array([-1.0, 0.0, 1.0])}
        with np.errstate(divide="ignore"):
            (p,) = evaluate(program, ScalarReading(), inputs)
        p = np.broadcast_to(p, 3)
        return bool(np.abs(p / p[1] - 1.0).max() <= VARIATION)

    def _registers(
        self,
        graph: Graph,
        noise: Mapping[str, Noise],
        previous: StepRecord | None,
        precision: str,
    ) -> Registers:
        """Return the registers as inputs of a program of one step."""
        if previous is None:
            return start(graph, self._function, self._dtype, precision)
        a = input_matrix(graph, self._function, self._dtype, "A")
        inputs: dict[str, Expression] = {
            name: graph.input(name, one.dtype, shape=one.shape, hermitian=one.hermitian)
            for name, one in noise.items()
        }
        return Registers(a, **inputs, product=previous.product)

    def _exact(self, nodes: np.ndarray) -> NoisyValue:
        is_hermitian = self._function.structure != "rectangular"
        return NoisyValue.exact(self._signed(nodes), is_hermitian=is_hermitian)

    def _stored(self, nodes: np.ndarray, density: np.ndarray, dtype: str = "") -> NoisyValue:
        """Return A at the start: what is 0 is so only up to the rounding of its entries."""
        value = self._exact(nodes)
        if nodes[0] > 0.0:
            return value
        rounded = self._reading(density).cast(
            Operation("cast", (0,), dtype=dtype or self._dtype), value
        )
        at_zero = np.outer(nodes == 0.0, nodes == 0.0)
        return replace(rounded, errors=rounded.errors * at_zero)

    def _reading(self, density: np.ndarray, sources: int = 0) -> NoisyReading:
        return NoisyReading(self._n, self._doubled(density), sources, m=self._m)

    def _signed(self, nodes: np.ndarray) -> np.ndarray:
        if self._function.structure == "hermitian":
            return np.concatenate([-nodes[::-1], nodes])
        return nodes

    def _doubled(self, density: np.ndarray) -> np.ndarray:
        if self._function.structure == "hermitian":
            return 0.5 * np.concatenate([density[::-1], density])
        return density

    def _judged(self, value: NoisyValue, nodes: np.ndarray) -> NoisyValue:
        """Return a result with the scale of the least positive node at 0: errors are absolute."""
        if nodes[0] > 0.0 or self._norm not in ("eigenvalue", "residual"):
            return value
        values = value.values.copy()
        values[0] = values[1]
        return replace(value, values=values)

    def _level(
        self, index: int, value: NoisyValue, density: np.ndarray, dips: np.ndarray | float
    ) -> float:
        """Return the rounding level of the ``index``-th output in the measure asked for."""
        function = self._function
        norm = self._norm
        if isinstance(dips, np.ndarray) and function.structure == "hermitian":
            dips = np.concatenate([dips[::-1], dips])
        # The measure `eigenvalue` is this for them; the residual of H against U is less than this.
        if function.carries == "x" and (norm == "eigenvalue" or (norm == "residual" and index > 0)):
            norm = "spectral"
        return rounding_level(
            value,
            self._n,
            self._doubled(density),
            dips,
            norm,
            root_index=function.root_index,
            is_power=function.exponents[index] > 0.0,
        )


def dips_of(
    update: Update,
    coefficients: tuple[float, ...],
    root_index: int,
    ends: tuple[float, float],
    before: np.ndarray,
    after: np.ndarray,
    lowest: float,
) -> np.ndarray:
    """Return, per node, how far below it the map may send an eigenvalue close by.

    Beyond its first maximum an equioscillating map comes back to the lower end of its range.
    ``before`` and ``after`` are the nodes' x, ``lowest`` the least value of the map.
    """
    critical = update.critical_points(coefficients, root_index, *ends)
    first = min(critical, default=math.inf)
    return np.where(before > first, np.maximum(after / lowest, 1.0), 1.0)
