"""One step read with its rounding: its level at once, the errors it leaves only where asked for.

Most steps a search looks at round too much, and nothing follows them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from matrl.core.program import Program, Shape
from matrl.core.tracing import Expression, Graph
from matrl.readings.noisy import NoisyReading, NoisyValue, compress

__all__ = ["Noise", "RoundedStep"]

_NO_GRAPH = Graph()


@dataclass(frozen=True, eq=False)
class Noise:
    """A live register with its errors, and what an expression for it must say."""

    value: NoisyValue
    dtype: str
    hermitian: bool
    shape: Shape


class RoundedStep:
    """The program of a step, which returns its results and then its ``live`` registers.

    What is known of its values is dropped by :meth:`pause`, and worked out anew where it is needed.
    """

    def __init__(
        self,
        program: Program,
        live: Mapping[str, Expression],
        inputs: Mapping[str, NoisyValue],
        reading: NoisyReading,
    ) -> None:
        self._program, self._inputs, self._reading = program, inputs, reading
        # Not the expressions themselves, which would keep their graph.
        self._live = {name: replace(e, graph=_NO_GRAPH) for name, e in live.items()}
        self._values: list[Any] = []

    @property
    def results(self) -> tuple[NoisyValue, ...]:
        """The results if the schedule ended here."""
        return self._evaluated(
            self._program.outputs[: len(self._program.outputs) - len(self._live)]
        )

    @cached_property
    def noise(self) -> dict[str, Noise]:
        """The live registers with their errors."""
        if not self._live:
            return {}
        # Beyond the range of floats a register is singular, and the next level infinite.
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            assert self.results  # first, for the same events in the same order after a pause
            values = self._evaluated(self._program.outputs[-len(self._live) :])
        self.pause()
        return {
            name: Noise(value, e.dtype, e.hermitian, e.shape)
            for (name, e), value in zip(self._live.items(), compress(*values), strict=True)
        }

    def pause(self) -> None:
        """Forget the values in between."""
        self._values = []

    def _evaluated(self, outputs: tuple[int, ...]) -> tuple[NoisyValue, ...]:
        operations = self._program.operations
        if not self._values:
            self._values = [None] * len(operations)
            self._reading = self._reading.anew()
        values = self._values
        needed, stack = set[int](), list(outputs)
        while stack:
            index = stack.pop()
            if values[index] is None and index not in needed:
                needed.add(index)
                stack += operations[index].operands
        for index in sorted(needed):
            op = operations[index]
            if op.kind == "input":
                values[index] = self._inputs[op.label]
            elif op.kind == "linear":
                values[index] = self._reading.linear(op, [values[i] for i in op.operands])
            else:
                meaning = getattr(self._reading, op.kind)
                values[index] = meaning(op, *(values[i] for i in op.operands))
        return tuple(values[output] for output in outputs)
