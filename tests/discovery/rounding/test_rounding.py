"""The predicted rounding levels are those of the measure."""

import numpy as np
import pytest

from matrl.core.measure import NORMS, Measure, Norm
from matrl.discovery.rounding.rounding import RoundingModel
from matrl.execute.accuracy import Reference
from matrl.functions import FUNCTIONS
from matrl.iterations import UPDATES, DirectMethod

N = 40


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("name", ["polar-right", "polar-left"])
def test_the_hermitian_factor_is_not_predicted_by_its_least_eigenvalue(
    name: str, norm: Norm
) -> None:
    """Relative to that the rounding of float32 at condition 1e6 would be of the order 0.1."""
    nodes, density = np.geomspace(1e-6, 1.0, 24), np.full(24, 1.0 / 24.0)
    method = UPDATES.get("svd")
    assert isinstance(method, DirectMethod)
    levels = [
        RoundingModel(FUNCTIONS.get(one), N, "float32", norm).of_direct(
            nodes, density, method, "float64"
        )
        for one in ("polar", name)
    ]
    assert 0.0 < levels[0] <= levels[1] <= 16 * 2.0**-24 * N
    random = np.random.default_rng(0)
    left, right = (np.linalg.qr(random.standard_normal((N, N)))[0] for _ in range(2))
    a = (left * np.geomspace(1e-6, 1.0, N)) @ right.T
    reference = Reference(Measure(norm, FUNCTIONS.get(name)), a)
    error = reference.error([value.astype("float32") for value in reference.outputs()])
    assert levels[1] / 30.0 <= error <= 10.0 * levels[1]
