"""What a step costs where it stands in a schedule, read off compiled programs."""

import math
from functools import lru_cache

from matrl.core.function import MatrixFunction
from matrl.core.plan import StepRecord
from matrl.iterations import UPDATES, DirectMethod, trace_schedule
from matrl.iterations.schedule import DIRECT, form_of
from matrl.readings.count import PriceList, price

__all__ = ["SchedulePricer", "Structure"]

Structure = tuple[str, str, str]
"""What the operations of a step depend on: (name, precision, product)."""


class SchedulePricer:
    """Prices of steps, as differences between the costs of compiled schedules.

    A step pays for its multiplier, for the carried matrix, and for the residual update that the
    step before left undone because it might have been the last. So the price of a step depends on
    the step before and on whether that was the first, and prices along a schedule add up to the
    cost of its compiled program.
    """

    def __init__(self, function: MatrixFunction, dtype: str, prices: PriceList) -> None:
        self._function = function
        self._dtype = dtype
        self._prices = prices
        # One cache an instance: lru_cache on methods would keep every pricer alive.
        self._program_cost = lru_cache(maxsize=None)(self._compute_cost)
        self.step_price = lru_cache(maxsize=None)(self._compute_step_price)

    def _compute_cost(self, structures: tuple[Structure, ...], with_residual: bool) -> float:
        steps = []
        for index, (name, precision, product) in enumerate(structures):
            update = UPDATES.get(name)
            if isinstance(update, DirectMethod):
                steps.append(StepRecord(name, DIRECT, precision))  # type: ignore[arg-type]
                continue
            coefficients = update.coefficients(self._function.root_index, 0.1, 1.0)
            form = form_of(update, self._function.carries, index == 0)
            steps.append(
                StepRecord(name, form, precision, coefficients, product)  # type: ignore[arg-type]
            )
        program = trace_schedule(self._function, steps, self._dtype, with_residual=with_residual)
        return price(program, self._prices)

    def cost(self, structures: tuple[Structure, ...]) -> float:
        """Return the cost of the compiled schedule; infinity if an operation has no price."""
        return self._program_cost(structures, False)

    def _compute_step_price(
        self, structure: Structure, previous: Structure | None, previous_is_first: bool
    ) -> float:
        if previous is None:
            return self.cost((structure,))
        before = (previous,) if previous_is_first else (previous, previous)
        paid = self.cost(before)
        total = self.cost((*before, structure))
        return max(total - paid, 0.0) if math.isfinite(total) else math.inf

    def pending(self, structure: Structure, is_first: bool) -> float:
        """Return what the residual update of a step will cost if another step follows."""
        structures = (structure,) if is_first else (structure, structure)
        full = self._program_cost(structures, True)
        return max(full - self.cost(structures), 0.0) if math.isfinite(full) else math.inf
