"""Choosing what to form: cheaper than a run and a product, by counted operations."""

from itertools import combinations

import pytest

from matrl.core.application import application_of, can_be_applied
from matrl.core.folding import fold
from matrl.core.plan import StepRecord
from matrl.core.program import Program
from matrl.core.splitting import Sizes, application_flops, best_application, program_flops
from matrl.core.tracing import Graph
from matrl.functions import FUNCTIONS
from matrl.iterations import trace_schedule
from matrl.iterations.catalogue import UPDATES
from matrl.iterations.schedule import forms_of


def schedule(name: str, updates: tuple[str, ...]) -> Program:
    function = FUNCTIONS.get(name)
    steps: list[StepRecord] = []
    for update_name in updates:
        update = UPDATES.get(update_name)
        coefficients = tuple(update.coefficients(function.root_index, 0.5, 1.0))  # type: ignore
        previous = steps[-1].form if steps else None
        form = forms_of(update, function, previous)[0].name  # type: ignore[arg-type]
        steps.append(StepRecord(update_name, form, "float64", coefficients, "averaged"))
    return fold(trace_schedule(function, steps, "float64"))


SCHEDULES = [
    ("invsqrt", ("minimax-5",) * 3),
    ("invsqrt", ("zolotarev-2",) * 2),
    ("sqrt+invsqrt", ("zolotarev-2", "minimax-5")),
    ("inv", ("minimax-4",) * 4),
    ("root-3", ("minimax-7",) * 3),
    ("polar", ("minimax-5",) * 3),
]


def cost(program: Program, applied: frozenset[int], sizes: Sizes) -> float:
    application = application_of(program, applied)
    assert application is not None
    return application_flops(application, sizes, "float64")


@pytest.mark.parametrize(("name", "updates"), SCHEDULES)
@pytest.mark.parametrize("columns", [1, 10, 100])
def test_few_vectors_are_cheaper_than_a_run_and_a_product(name, updates, columns) -> None:
    program, sizes = schedule(name, updates), Sizes(600, 600, columns)
    best = best_application(program, sizes, "float64")
    formed = program_flops(program, sizes) + len(program.outputs) * 2.0 * 600**2 * columns
    assert cost(program, frozenset(), sizes) == formed
    assert application_flops(best, sizes, "float64") < formed


@pytest.mark.parametrize(("name", "updates"), SCHEDULES)
def test_many_vectors_are_multiplied_with_the_value(name, updates) -> None:
    program = schedule(name, updates)
    best = best_application(program, Sizes(200, 200, 2000), "float64")
    # What is passed through may be in it.
    kinds = {program.operations[value].kind for value in best.applied}
    assert kinds <= {"symmetrize", "cast"}


@pytest.mark.parametrize("columns", [1, 7, 30, 200])
@pytest.mark.parametrize(("name", "updates"), [("invsqrt", ("minimax-5",) * 2), SCHEDULES[1]])
def test_no_other_split_is_cheaper(name, updates, columns) -> None:
    """Of these programs all splits there are can be tried."""
    program, sizes = schedule(name, updates), Sizes(100, 100, columns)
    able, operations = can_be_applied(program), program.operations
    values = [index for index, can in enumerate(able) if can]
    readers = {v: {i for i, op in enumerate(operations) if v in op.operands} for v in values}
    costs = [
        cost(program, frozenset(chosen), sizes)
        for size in range(len(values) + 1)
        for chosen in combinations(values, size)
        if all(readers[v] <= set(chosen) for v in chosen)
    ]
    assert len(costs) > len(values) / 2
    best = best_application(program, sizes, "float64")
    assert application_flops(best, sizes, "float64") == min(costs)


def test_an_inverse_becomes_a_third_of_the_work() -> None:
    m = Graph().input("A", "float64")
    program = m.graph.program(m.inverse())
    n = 1000
    best = best_application(program, Sizes(n, n, 1), "float64")
    assert application_flops(best, Sizes(n, n, 1), "float64") == n**3 / 3.0 + 2.0 * n * n
    assert program_flops(program, Sizes(n, n, 1)) == n**3


def test_tall_products_count_their_rows_and_float32_counts_half() -> None:
    x = Graph().input("A", "float64", shape="tall", hermitian=False)
    sizes = Sizes(30, 10, 1)
    assert program_flops(x.graph.program(x.gram(x)), sizes) == 30 * 10 * 10
    assert program_flops(x.graph.program(x.outer(x)), sizes) == 30 * 30 * 10
    low = Graph().input("A", "float32")
    assert program_flops(low.graph.program(low.matmul(low, "averaged")), sizes) == 10**3
