"""Following the rounding of a schedule step by step, with the noisy reading."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from matrl.core.function import MatrixFunction
from matrl.core.measure import Norm
from matrl.core.plan import StepRecord
from matrl.core.precision import working_dtype
from matrl.core.program import Shape, evaluate
from matrl.core.tracing import Expression, Graph
from matrl.iterations import DirectMethod, Registers, Update
from matrl.iterations.schedule import advance, input_matrix, outputs, start
from matrl.readings.noisy import NoisyReading, NoisyValue, compress, rounding_level

__all__ = ["Noise", "RoundingModel", "dips_of"]


@dataclass(frozen=True, eq=False)
class Noise:
    """A live register with its errors, and what an expression for it must say."""

    value: NoisyValue
    dtype: str
    hermitian: bool
    shape: Shape

    @property
    def source_count(self) -> int:
        """How many independent rounding events its errors are made of."""
        return len(self.value.errors)


class RoundingModel:
    """Predicts rounding levels of one function on n x n (or m x n) matrices of one dtype.

    ``density`` belongs to the nodes of the domain, with which every call passes ``nodes``: moduli
    of eigenvalues, or singular values. For the sign function they are taken with both signs.
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

    def of_direct(
        self, nodes: np.ndarray, density: np.ndarray, method: DirectMethod, precision: str
    ) -> float:
        """Return the rounding level of a direct method."""
        graph = Graph()
        a = input_matrix(graph, self._function, self._dtype, "A")
        low = a.cast(working_dtype(precision, self._dtype))
        results = [value.cast(self._dtype) for value in method.apply(low, self._function)]
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
    ) -> tuple[dict[str, Noise], float]:
        """Return the live registers after a step, with their errors, and the rounding level.

        ``dips`` (q,) says, per node, how far below it an eigenvalue close by may be sent.
        """
        graph = Graph()
        registers = self._registers(graph, noise, previous, record.precision)
        following = advance(registers, record, self._function)
        live = {name: e for name, e in following.live().items() if e.terms}
        results = outputs(following, self._function)
        program = graph.program(*live.values(), *results)
        inputs = {"A": self._exact(nodes)}
        inputs |= {name: one.value for name, one in noise.items()}
        sources = max((one.source_count for one in noise.values()), default=0)
        values = evaluate(program, self._reading(density, sources), inputs)
        found = enumerate(values[len(live) :])
        level = max(self._level(i, value, density, dips) for i, value in found)
        kept = compress(*values[: len(live)]) if live else ()
        return {
            name: Noise(value, expression.dtype, expression.hermitian, expression.shape)
            for (name, expression), value in zip(live.items(), kept, strict=True)
        }, level

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
