"""Right runs are not called wrong: random spectra inside the domain, and normwise measures."""

from dataclasses import replace

import numpy as np
import pytest

from matrl.core.measure import Measure
from matrl.discovery.race.accuracy import Reference
from matrl.errors import ConvergenceError, IndefiniteMatrixError
from matrl.functions import FUNCTIONS

N = 8
COUNT = 50  # in each precision
NAMES = [function.name for function in FUNCTIONS]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("dtype", "tol"), [("float32", 1e-3), ("float64", 1e-5)])
def test_none_of_a_hundred_runs_inside_the_domain_falls_back(
    name, dtype, tol, make_plan, make_matrix
):
    random = np.random.default_rng(1)
    stack = np.stack(
        [
            make_matrix(name, 10.0 ** random.uniform(-1.99, -0.01, N), (N + 3, N), dtype, seed)
            for seed in range(COUNT)
        ]
    )
    solution = make_plan(name, dtype=dtype, tol=tol).run(stack)
    assert np.count_nonzero(solution.status == "fell_back") == 0
    assert np.count_nonzero(solution.status == "converged") == COUNT
    values = solution.value if isinstance(solution.value, tuple) else (solution.value,)
    measure = Measure("eigenvalue", FUNCTIONS.get(name))
    for index in range(0, COUNT, 10):
        one = tuple(value[index] for value in values)
        assert Reference(measure, stack[index]).error(one) <= tol * 1.01


@pytest.mark.parametrize("verify", ["sketch", "full"])
@pytest.mark.parametrize("name", ["sqrt", "root-3"])
def test_a_normwise_plan_accepts_what_an_eigenvalue_wise_one_would_not(
    name, verify, make_plan, make_matrix
):
    a = make_matrix(name, np.geomspace(1e-12, 1.0 - 1e-9, N))
    made = make_plan(name, lower=0.0, tol=1e-3, norm="spectral")
    solution = made.run(a, verify=verify)
    assert solution.status == "converged"
    function = FUNCTIONS.get(name)
    assert Reference(Measure("spectral", function), a).error(solution.value) <= 1e-3
    assert Reference(Measure("eigenvalue", function), a).error(solution.value) > 0.1
    strict = replace(made, norm="eigenvalue", domain=replace(made.domain, lower=1e-13))
    try:
        judged = strict.run(a, verify=verify)
    except (ConvergenceError, IndefiniteMatrixError):
        return
    assert judged.status == "fell_back"
