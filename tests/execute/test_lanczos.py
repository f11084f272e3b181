"""Ritz values: below the largest eigenvalue, near it, and of stacks what they are one by one."""

import numpy as np
import pytest

from matrl.backends.numpy import numpy_backend
from matrl.execute.lanczos import largest_ritz_value


def hermitian(n: int, dtype: str, seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed)
    noise = random.standard_normal((n, n)).astype(dtype)
    if dtype.startswith("complex"):
        noise += (1j * random.standard_normal((n, n))).astype(dtype)
    return noise + noise.conj().T


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
@pytest.mark.parametrize("squared", [False, True])
def test_a_lower_bound_that_becomes_the_largest_eigenvalue(dtype: str, squared: bool) -> None:
    a = hermitian(20, dtype)
    values = np.linalg.eigvalsh(a.astype("complex128"))
    exact = float((values**2).max() if squared else values.max())
    slack = 64 * 20 * float(np.finfo(dtype).eps) * exact
    found = [
        largest_ritz_value(a, steps, numpy_backend, squared=squared) for steps in (1, 3, 8, 20)
    ]
    assert all(ritz <= exact + slack for ritz in found)
    assert found == sorted(found)
    assert found[-1] == pytest.approx(exact, rel=1e-3)


def test_stacks_have_the_values_of_their_matrices() -> None:
    stack = np.stack([hermitian(9, "float64", seed) for seed in range(6)]).reshape(2, 3, 9, 9)
    found = largest_ritz_value(stack, 5, numpy_backend)
    assert found.shape == (2, 3)
    for index in np.ndindex(2, 3):
        alone = largest_ritz_value(stack[index], 5, numpy_backend)
        assert found[index] == pytest.approx(alone, rel=1e-12)


def test_an_exhausted_space_stops_one_matrix_and_not_the_others() -> None:
    """Of c I the first vector is an eigenvector, and rounding noise must not go on from it."""
    stack = np.stack([-2.0 * np.eye(8), np.diag(np.linspace(-5.0, -1.0, 8)), np.zeros((8, 8))])
    found = largest_ritz_value(stack, 8, numpy_backend)
    assert found == pytest.approx([-2.0, -1.0, 0.0], abs=1e-9)
    assert largest_ritz_value(stack[0], 8, numpy_backend) == pytest.approx(-2.0)


def test_wide_steps_are_no_more_than_the_order() -> None:
    assert largest_ritz_value(np.array([[3.0]]), 10, numpy_backend) == pytest.approx(3.0)
