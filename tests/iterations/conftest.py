"""The kernels of schedules, read off their programs."""

from collections import Counter
from typing import Literal

import pytest

from matrl.core.function import MatrixFunction
from matrl.core.plan import StepRecord
from matrl.functions import FUNCTIONS
from matrl.iterations import UPDATES, DirectMethod, Update, trace_schedule
from matrl.iterations.schedule import check_schedule, forms_of
from matrl.readings.count import count

HERMITIAN_FORMS = {"z": "zm", "y": "ym", "yz": "yzm", "x": "chained"}

Averaging = Literal["mirrored", "averaged"]


def update_named(name: str) -> Update:
    update = UPDATES.get(name)
    assert not isinstance(update, DirectMethod)
    return update


def steps_of(
    function: MatrixFunction, name: str, forms: list[str], product: Averaging = "mirrored"
) -> list[StepRecord]:
    update, k = update_named(name), function.root_index
    coefficients = tuple(update.coefficients(k, 0.1, 1.0))
    steps = [StepRecord(name, form, "float64", coefficients, product) for form in forms]
    check_schedule(function, steps)
    return steps


def natural_forms(function: MatrixFunction, name: str, length: int) -> list[str]:
    """The forms whose feedback is M (or chained ones), step by step."""
    update = update_named(name)
    wanted = {HERMITIAN_FORMS[function.carries], "product", "partial-fractions"}
    forms: list[str] = []
    for _ in range(length):
        previous = forms[-1] if forms else None
        (form,) = (f for f in forms_of(update, function, previous) if f.name in wanted)
        forms.append(form.name)
    return forms


def kernels(
    function: str, name: str, forms: int | list[str], *, with_residual: bool = False
) -> Counter[str]:
    """The kernels of a schedule of one update, additions left out."""
    entry = FUNCTIONS.get(function)
    chosen = natural_forms(entry, name, forms) if isinstance(forms, int) else forms
    steps = steps_of(entry, name, chosen)
    totals = count(trace_schedule(entry, steps, "float64", with_residual=with_residual))
    assert {dtype for _, dtype in totals} <= {"float64"}
    names = ("add", "add:tall")
    return Counter({kind: times for (kind, _), times in totals.items() if kind not in names})


def powers(exponent: int) -> set[int]:
    """The powers of p that repeated squaring forms on the way to p^exponent, p itself left out."""
    if exponent < 2:
        return set()
    return {exponent, 2 * (exponent // 2)} | powers(exponent // 2)


class Counted:
    """The functions above, for tests."""

    steps_of = staticmethod(steps_of)
    natural_forms = staticmethod(natural_forms)
    kernels = staticmethod(kernels)
    powers = staticmethod(powers)


@pytest.fixture(scope="session")
def counted() -> Counted:
    return Counted()
