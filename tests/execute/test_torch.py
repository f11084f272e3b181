"""PyTorch beside matrl: an independent reference, and tensors refused with the remedy."""

import numpy as np
import pytest

from matrl import Plan
from matrl.coefficients import zolotarev
from matrl.core.plan import Domain, Prediction, Scaling, StepRecord
from matrl.errors import InputError
from matrl.iterations.partial_fractions import flatten

torch = pytest.importorskip("torch", reason="PyTorch's CPU wheel is not installed")
pytestmark = pytest.mark.torch

N = 60


@pytest.fixture
def plan():
    step = StepRecord(
        "zolotarev-6", "partial-fractions", "float64", flatten(zolotarev(0.1, 1.0, 6))
    )
    return Plan(
        function="invsqrt",
        dtype="float64",
        shape=(N, N),
        tol=1e-9,
        norm="eigenvalue",
        domain=Domain(0.01, 1.0, relative=False, proved=True),
        scaling=Scaling("constant"),
        steps=(step,),
        predicted=Prediction(0.0, 0.0, 0.0, ""),
    )


def covariance():
    vectors, _ = np.linalg.qr(np.random.default_rng(0).standard_normal((N, N)))
    a = (vectors * np.geomspace(0.011, 0.99, N)) @ vectors.T
    return 0.5 * (a + a.T)


def test_the_inverse_square_root_agrees_with_torch(plan):
    a = covariance()
    eigenvalues, vectors = torch.linalg.eigh(torch.from_numpy(a))
    expected = (vectors * eigenvalues**-0.5) @ vectors.T
    assert np.allclose(plan.run(a).value, expected.numpy(), rtol=0, atol=1e-8)


def test_a_tensor_is_refused_with_the_remedy(plan):
    with pytest.raises(InputError, match=r"^A: must be a NumPy array, not Tensor; pass numpy"):
        plan.run(torch.from_numpy(covariance()))
