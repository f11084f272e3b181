"""What the checks claim is what the measures measure: bounds and verdicts against references."""

from typing import Any

import numpy as np
import pytest

from matrl.backends.numpy import numpy_backend
from matrl.core.measure import NORMS, Measure, Norm
from matrl.discovery.accuracy import Reference
from matrl.execute.guard import check_full, check_sketch
from matrl.execute.residuals import Case
from matrl.functions import FUNCTIONS

EPS = float(np.finfo(np.float64).eps)


def orthonormal(random: np.random.Generator, m: int, n: int) -> np.ndarray:
    return np.linalg.qr(random.standard_normal((m, n)) + 1j * random.standard_normal((m, n)))[0]


def judged(
    name: str,
    a: np.ndarray,
    values: Any,
    tol: float,
    norm: Norm,
    condition: float = 1.0,
    **more: Any,
) -> Case:
    size = float(np.linalg.norm(a, 2))
    function = FUNCTIONS.get(name)
    return Case(function, a, tuple(values), tol, norm, condition, size, numpy_backend)


def polar_case(m: int, n: int, random: np.random.Generator) -> np.ndarray:
    return orthonormal(random, m, n) * np.geomspace(1e-3, 1.0, n) @ orthonormal(random, n, n)


@pytest.mark.parametrize("name", ["polar-right", "polar-left"])
@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize(("m", "n"), [(12, 12), (20, 7)])
def test_the_bound_of_full_holds_of_the_hermitian_factor_too(
    name: str, norm: Norm, m: int, n: int
) -> None:
    """Whether U and H err together or apart, at large or small singular values."""
    tol = 1e-3
    for seed in range(12):
        random = np.random.default_rng(seed)
        a = polar_case(m, n, random)
        reference = Reference(Measure(norm, FUNCTIONS.get(name)), a)
        u, h = reference.outputs()
        v = orthonormal(random, len(h), 1)
        turned = u * (1.0 + 1j * random.choice([0.0, 0.3, 3.0]) * tol)
        off = random.choice([0.0, 0.3, 0.95, 1.05, 3.0]) * tol * (v @ v.conj().T)
        if norm == "frobenius":
            off *= np.linalg.norm(a)
        values = (turned, h + off)
        verdict, error = check_full(judged(name, a, values, tol, norm)), reference.error(values)
        assert verdict.error_bound is not None
        assert verdict.error_bound >= error * (1.0 - 1e-6)
        assert verdict.passed == (error <= tol)
        # The sketch also asks for U itself, which the residual measure does not know from others.
        if error <= tol and norm != "residual":
            assert check_sketch(judged(name, a, values, tol, norm)).passed
