"""One decomposition serves the value and the rank, wherever its precision can tell."""

from dataclasses import replace

import numpy as np
import pytest
import scipy.linalg

from matrl.backends.numpy import numpy_backend
from matrl.errors import RankDeficientError
from matrl.execute import Executor
from matrl.execute.observed import Observed
from matrl.functions import FUNCTIONS
from matrl.testing.counting import CountingBackend

N = 12
INSIDE = np.geomspace(0.1, 0.9, N)
WAYS = [(f.name, "eigh") for f in FUNCTIONS if f.name[:5] != "power"] + [
    (name, "svd") for name in ("polar", "polar-right", "polar-left")
]
CHAINED = [way for way in WAYS if FUNCTIONS.get(way[0]).carries == "x"]


@pytest.fixture
def decompositions(monkeypatch):
    """Return a function that runs a plan and tells (solution, by the backend, by SciPy)."""
    by_scipy = []

    def counted(name, kernel):
        def count(*args, **options):
            by_scipy.append(name)
            return kernel(*args, **options)

        return count

    for name in ("eigh", "eigvalsh", "svd", "svdvals"):
        monkeypatch.setattr(scipy.linalg, name, counted(name, getattr(scipy.linalg, name)))

    def run(plan, a):
        backend = CountingBackend()
        by_scipy.clear()
        solution = Executor(plan, a.shape, backend=backend)(a)
        kernels = [name.partition(":")[0] for name, _ in backend.counts.elements()]
        return solution, sum(name in ("eigh", "svd") for name in kernels), len(by_scipy)

    return run


@pytest.mark.parametrize(("name", "method"), WAYS)
@pytest.mark.parametrize("dtype", ["float32", "complex128"])
def test_a_direct_plan_decomposes_once(name, method, dtype, make_plan, make_matrix, decompositions):
    made = make_plan(name, (method,), dtype=dtype, tol=1e-3)
    solution, own, others = decompositions(made, make_matrix(name, INSIDE, (15, N), dtype))
    assert solution.status == "converged"
    assert (own, others) == (1, 0)


@pytest.mark.parametrize("name", dict.fromkeys(name for name, _ in WAYS))
def test_the_fallback_decomposes_once(name, make_plan, make_matrix, decompositions):
    made = make_plan(name, dtype="float32", tol=1e-3)
    last = made.steps[-1]
    wrong = replace(last, coefficients=tuple(2.0 * c for c in last.coefficients))
    a = make_matrix(name, INSIDE, (15, N), "float32")
    solution, own, others = decompositions(replace(made, steps=(*made.steps[:-1], wrong)), a)
    assert solution.status == "fell_back"
    assert (own, others) == (0, 1)


@pytest.mark.parametrize(("name", "method"), [way for way in CHAINED if way != ("sign", "svd")])
def test_float64_decides_where_float32_cannot(name, method, make_plan, make_matrix, decompositions):
    """Both are beyond what the first decomposition tells; only one of them is singular."""
    # Of A* A the smallest eigenvalue must not drown, or the schedule itself would break down.
    small = 1e-2 / 9 if method == "eigh" and name != "sign" else 1e-6
    made = make_plan(name, (method,), lower=1e-7, dtype="float32", tol=0.3)
    regular = make_matrix(name, np.append(INSIDE[1:], small), (15, N), "float32")
    solution, own, others = decompositions(made, regular)
    assert solution.status == "converged"
    assert (own, others) == (1, 1)
    singular = make_matrix(name, np.append(INSIDE[1:], 0.0), (15, N)).astype("float32")
    singular[:, 0] = 0.0
    singular[0, :] = 0.0
    with pytest.raises(RankDeficientError, match=r"^A:"):
        made.run(singular)


def test_values_of_either_decomposition_are_overheard():
    x = np.array([[3.0, 1.0], [1.0, 2.0]])
    out = np.empty((2, 2))
    untouched, by_svd, by_eigh = (Observed(numpy_backend) for _ in range(3))
    untouched.backend.matmul(out, x, x)
    by_svd.backend.polar_factor(out, x)
    by_eigh.backend.spectral_function(out, -x, np.sign)
    assert untouched.values is None
    assert by_svd.values is not None
    assert by_eigh.values is not None
    assert np.allclose(by_svd.values, scipy.linalg.svdvals(x), rtol=1e-14)
    assert np.allclose(by_eigh.values, scipy.linalg.eigvalsh(-x), rtol=1e-14)
