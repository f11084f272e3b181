"""What a step costs where it stands in a schedule, read off compiled programs."""

import math
from collections.abc import Sequence
from functools import lru_cache

from matrl.core.function import MatrixFunction
from matrl.core.plan import StepRecord
from matrl.core.program import Product
from matrl.core.tracing import Graph
from matrl.iterations import FORMS, UPDATES, DirectMethod, Update, trace_schedule
from matrl.iterations.form import multiply
from matrl.iterations.schedule import DIRECT, forms_of, start
from matrl.iterations.update import some_range
from matrl.readings.count import PriceList, price

__all__ = ["CompanyKey", "SchedulePricer", "Structure"]

Structure = tuple[str, str, str, str]
"""What the operations of a step depend on: (name, form, precision, product)."""

CompanyKey = tuple[Structure, tuple[str, str, str], bool, str]
"""A step, the (form, precision, product) before it, whether that was the first, and its name."""


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
        self._company_prices: dict[CompanyKey, float] = {}
        self._last = lru_cache(maxsize=None)(self._compute_last)
        self.step_price = lru_cache(maxsize=None)(self._compute_step_price)
        self.pending = lru_cache(maxsize=None)(self._compute_pending)

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
        price = self._company_price(structure, previous[1:], previous_is_first, previous[0])
        if FORMS.get(structure[1]).needs_residual:
            price += self.pending(previous, previous_is_first)
        return max(price, 0.0)

    def _company_price(
        self, structure: Structure, kind: tuple[str, str, str], is_first: bool, name: str
    ) -> float:
        """Return the price without the residual update before it.

        That depends on the form, precision and product of the step before, not on its update,
        which ``name`` gives; but for the repairs, which go back to what the update has left.
        """
        update = UPDATES.get(structure[0])
        depends = not isinstance(update, DirectMethod) and update.kind == "repair"
        key = (structure, kind, is_first, name if depends else "")
        if key not in self._company_prices:
            previous = (name, *kind)
            before = self._company(previous, is_first)
            total = self.cost((*before, structure))
            price = math.inf
            if math.isfinite(total):
                price = total - self.cost(before)
                if FORMS.get(structure[1]).needs_residual:
                    price -= self.pending(previous, is_first)
            self._company_prices[key] = price
        return self._company_prices[key]

    def dump(self) -> list[tuple[list[object], float]]:
        """Return, as plain data, prices whose last digit depends on what was asked for first."""
        return [
            ([list(structure), list(kind), is_first, name], price)
            for (structure, kind, is_first, name), price in self._company_prices.items()
        ]

    def load(self, data: Sequence[tuple[CompanyKey, float]]) -> None:
        """Take note of such prices, to be called before any is asked for."""
        self._company_prices.update(data)

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

    def _compute_pending(self, structure: Structure, is_first: bool) -> float:
        """Return what the residual update of a step will cost if a step that needs it follows."""
        structures = self._company(structure, is_first)
        full = self._program_cost(structures, True)
        return max(full - self.cost(structures), 0.0) if math.isfinite(full) else math.inf

    def _compute_last(self, precision: str, product: Product) -> float:
        graph = Graph()
        registers = start(graph, self._function, self._dtype, precision)
        assert registers.x is not None
        z = graph.input("Z", registers.x.dtype)
        x = graph.input("X", z.dtype, shape=registers.x.shape, hermitian=registers.x.hermitian)
        result = multiply(x, z, product).cast(self._dtype)
        return price(graph.program(result), self._prices)

    def last(self, structure: Structure) -> float:
        """Return what a step costs only because it might be the last, and a next one saves.

        For sign and polar factor that is the product X Z: a next step carries it out too, but in
        its own precision. So a step of less precision after one of more may cost less than
        :meth:`own` says, by the difference. 0 for other functions and direct methods.
        """
        if self._function.carries != "x" or structure[1] == DIRECT:
            return 0.0
        return self._last(structure[2], structure[3])  # type: ignore[arg-type]

    def own(self, structure: Structure) -> float:
        """Return the least price of a later step itself, without the residual update before it.

        Mirrored products and an unchanged precision are the cheapest company for a step, but for
        what :meth:`last` says; a first step as company may leave less undone than a later one.
        """
        name, form, *_ = structure
        price = self.step_price(structure, structure, False)
        if FORMS.get(form).needs_residual:
            return max(price - self.pending(structure, False), 0.0)
        update = UPDATES.get(name)
        assert not isinstance(update, DirectMethod)
        if any(first.name == form for first in forms_of(update, self._function, None)):
            price = min(price, self.step_price(structure, structure, True))
        return max(price, 0.0)
