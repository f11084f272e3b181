"""Plans built step by step, so that these tests need no search."""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest

from matrl.core.plan import Domain, Prediction, Scaling, StepRecord
from matrl.core.precision import precision_of
from matrl.functions import FUNCTIONS
from matrl.iterations import UPDATES, DirectMethod
from matrl.iterations.schedule import forms_of
from matrl.plan import Plan
from matrl.readings.scalar import image

Make = Callable[..., Any]

MOST_STEPS = 9


@cache
def _plan(
    name: str,
    updates: tuple[str, ...] | None = None,
    *,
    lower: float = 0.01,
    upper: float = 1.0,
    dtype: Any = "float64",
    tol: float = 1e-5,
    norm: Any = "eigenvalue",
    scaling: Any = "constant",
) -> Plan:
    function = FUNCTIONS.get(name)
    k = function.root_index
    names = updates or (f"minimax-{2 * k + 1}",) * MOST_STEPS
    # A range of x that reaches to 0 is resolved as far as the tolerance asks.
    x = function.iterate(np.array([lower or (tol / 4) ** 2, upper]))
    low, high = float(x[0]), float(x[1]) * (1.0 + 1e-9)
    steps, previous = [], None
    for update_name in names:
        # Like a search, no further than the tolerance asks in any measure, rounding included.
        power = k * function.multiplicity
        if not updates and max(high**power - 1.0, 1.0 - low**power) <= tol / 4:
            break
        update = UPDATES.get(update_name)
        if isinstance(update, DirectMethod):
            steps.append(StepRecord(update_name, "direct", precision_of(dtype)))
            continue
        coefficients = update.coefficients(k, low, high)
        form = forms_of(update, function, previous)[0].name
        steps.append(StepRecord(update_name, form, precision_of(dtype), coefficients, "averaged"))
        previous = form
        low, high = image(update, k, coefficients, low, high)
    relative = scaling != "constant"
    return Plan(
        function=function.name,
        dtype=dtype,
        shape=(8, 8),
        tol=tol,
        norm=norm,
        domain=Domain(lower, upper, relative, True),
        scaling=Scaling(scaling, steps=20, factor=0.8)
        if scaling == "lanczos"
        else Scaling(scaling),
        steps=tuple(steps),
        predicted=Prediction(0.0, 0.0, 0.0, ""),
    )


def _orthonormal(random: np.random.Generator, m: int, n: int, dtype: str) -> np.ndarray:
    g = random.standard_normal((m, n))
    if dtype.startswith("c"):
        g = g + 1j * random.standard_normal((m, n))
    return np.linalg.qr(g)[0]


def _matrix(
    name: str, values: Any, shape: Any = None, dtype: str = "float64", seed: int = 0
) -> Any:
    """Return a matrix for a function with these moduli of eigenvalues, or singular values."""
    function, values = FUNCTIONS.get(name), np.asarray(values)
    random, n = np.random.default_rng(seed), len(values)
    v = _orthonormal(random, n, n, dtype)
    if function.structure == "rectangular":
        m, n = shape or (n, n)
        a = _orthonormal(random, max(m, n), min(m, n), dtype) * values @ v.conj().T
        return (a if m >= n else a.conj().T).astype(dtype)
    if function.structure == "hermitian":
        values = values * np.where(np.arange(n) % 2, -1.0, 1.0)
    a = v * values @ v.conj().T
    return (0.5 * (a + a.conj().T)).astype(dtype)


@pytest.fixture(scope="session")
def make_plan() -> Make:
    return _plan


@pytest.fixture(scope="session")
def make_matrix() -> Make:
    return _matrix


def _exact(name: str, a: np.ndarray) -> tuple[np.ndarray, ...]:
    """Return f(a) by NumPy's decompositions in float64."""
    function = FUNCTIONS.get(name)
    wide = a.astype(np.complex128)
    if function.structure == "rectangular":
        left, values, right = np.linalg.svd(wide, full_matrices=False)
        unitary = left @ right
        if function.factor == "right":
            return unitary, (right.conj().T * values) @ right
        return (unitary, (left * values) @ left.conj().T) if function.factor else (unitary,)
    values, vectors = np.linalg.eigh(wide)
    if function.structure == "hermitian":
        return ((vectors * np.sign(values)) @ vectors.conj().T,)
    return tuple((vectors * values**e) @ vectors.conj().T for e in function.exponents)


@pytest.fixture(scope="session")
def exact() -> Make:
    return _exact
