"""What a step costs where it stands in a schedule, read off compiled programs."""

import math
from functools import lru_cache

from matrl.core.function import MatrixFunction
from matrl.core.plan import StepRecord
from matrl.iterations import FORMS, UPDATES, DirectMethod, Update, trace_schedule
from matrl.iterations.schedule import forms_of
from matrl.iterations.update import some_range
from matrl.readings.count import PriceList, price

__all__ = ["SchedulePricer", "Structure"]

Structure = tuple[str, str, str, str]
"""What the operations of a step depend on: (name, form, precision, product)."""


_OPENING = "series-3"


def _opening() -> Update:
    update = UPDATES.get(_OPENING)
    assert not isinstance(update, DirectMethod)
    return update


class SchedulePricer:
    """Prices of steps, as differences between the costs of compiled schedules.

    A step pays for its multiplier, for the carried matrix, and, if its form needs it, for the
    residual update that the step before left undone because it might have been the last. So the
    price of a step depends on the step before and on whether that was the first, and prices along a
    schedule add up to the cost of its compiled program.
    """

    def __init__(self, function: MatrixFunction, dtype: str, prices: PriceList) -> None:
        self._function = function
        self._dtype = dtype
        self._prices = prices
        # One cache an instance: lru_cache on methods would keep every pricer alive.
        self._program_cost = lru_cache(maxsize=None)(self._compute_cost)
        self.step_price = lru_cache(maxsize=None)(self._compute_step_price)

    def _compute_cost(self, structures: tuple[Structure, ...], with_residual: bool) -> float:
        steps, k = [], self._function.root_index
        for name, form, precision, product in structures:
            update = UPDATES.get(name)
            coefficients: tuple[float, ...] = ()
            if not isinstance(update, DirectMethod):
                coefficients = update.coefficients(k, *some_range(k))
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
        before = self._company(previous, previous_is_first)
        paid = self.cost(before)
        total = self.cost((*before, structure))
        return max(total - paid, 0.0) if math.isfinite(total) else math.inf

    def _company(self, last: Structure, is_first: bool) -> tuple[Structure, ...]:
        """Return a short schedule that ends in a step, standing for all that end in it."""
        if is_first:
            return (last,)
        name, form, precision, product = last
        update = UPDATES.get(name)
        assert not isinstance(update, DirectMethod)
        opening = update if update.kind != "repair" else _opening()  # which never comes first
        before = next(
            start.name
            for start in forms_of(opening, self._function, None)
            if FORMS.get(form).admits(update.kind, self._function, start.name)
        )
        return ((opening.name, before, precision, product), last)

    def pending(self, structure: Structure, is_first: bool) -> float:
        """Return what the residual update of a step will cost if a step that needs it follows."""
        structures = self._company(structure, is_first)
        full = self._program_cost(structures, True)
        return max(full - self.cost(structures), 0.0) if math.isfinite(full) else math.inf

    def own(self, structure: Structure) -> float:
        """Return the least price of a later step itself, without the residual update before it.

        Mirrored products and an unchanged precision are the cheapest company for a step.
        """
        price = self.step_price(structure, structure, False)
        if FORMS.get(structure[1]).needs_residual:
            price -= self.pending(structure, False)
        return max(price, 0.0)
