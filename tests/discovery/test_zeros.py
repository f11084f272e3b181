"""Zero eigenvalues among the samples: what is refused, searched, and made of it by runs."""

import json
from typing import Any

import numpy as np
import pytest

from matrl.core.measure import Measure
from matrl.core.spectrum import Spectrum
from matrl.discovery import Problem, discover
from matrl.discovery.problem.domains import scaled_domains
from matrl.discovery.problem.problem import NORMS
from matrl.discovery.race.race_matrices import matrices_for
from matrl.errors import ArtifactError, InputError
from matrl.execute.accuracy import Reference
from matrl.functions import FUNCTIONS
from matrl.iterations import UPDATES, DirectMethod, can_meet_zero
from matrl.plan import Plan
from matrl.profile import Profile
from matrl.readings.scalar import apply_update

N = 64
COSTS = {"matmul": 1.0, "matmul_herm": 0.6, "inv_spd": 1.2, "eigh": 40.0, "add": 0.02, "cast": 0.01}
PRICES = Profile.from_json(
    json.dumps(
        {
            "schema": 1,
            "name": "unit",
            "ops": [
                {"op": op, "dtype": dtype, "n": N, "batch": 1, "seconds": cost * share}
                for op, cost in COSTS.items()
                for dtype, share in (("float64", 1.0), ("float32", 0.5))
            ],
        }
    )
)


def singular(kappa: float = 100.0, zeros: int = N // 2) -> Spectrum:
    return Spectrum.samples(np.append(np.zeros(zeros), np.geomspace(1.0 / kappa, 1.0, N - zeros)))


def found(function: str, spectrum: Spectrum, **options: Any) -> Plan:
    search = {key: options.pop(key) for key in ("allow", "precision") if key in options}
    problem = Problem(function, spectrum, shape=(N, N), **options)
    return discover(problem, profile=PRICES, nodes=100, time_limit=30.0, **search).plan


def matrix(spectrum: Spectrum, dtype: str, seed: int = 0) -> np.ndarray:
    """Return a random conjugation of the samples, so that 0 is 0 only up to rounding."""
    vectors, _ = np.linalg.qr(np.random.default_rng(seed).standard_normal((N, N)))
    values = np.append(np.zeros(spectrum.zeros), spectrum.points)
    a = (vectors * values) @ vectors.T
    return (0.5 * (a + a.T)).astype(dtype)


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f.name)
def test_zeros_are_for_functions_that_vanish_there(function: Any, norm: Any) -> None:
    spectrum = Spectrum.samples([0.0, 0.1, 1.0])
    if function.exponent > 0.0:
        assert Problem(function.name, spectrum, shape=(3, 3), norm=norm).spectrum.zeros == 1
        return
    with pytest.raises(InputError, match="samples: 1 eigenvalues are 0, where"):
        Problem(function.name, spectrum, shape=(3, 3), norm=norm)


def test_negative_samples_are_refused_as_ever() -> None:
    with pytest.raises(InputError, match="must be positive for sqrt"):
        Problem("sqrt", Spectrum.samples([0.0, -1e-18, 1.0]), shape=(3, 3))


@pytest.mark.parametrize("update", UPDATES, ids=lambda update: update.name)
def test_updates_that_can_meet_zero_have_no_pole_there(update: Any) -> None:
    if isinstance(update, DirectMethod):
        assert can_meet_zero(update, "float64") == (update.name == "eigh")
        assert not can_meet_zero(update, "float32")
        return
    for k in (2, 3, 7):
        if not update.supports(k):
            continue
        coefficients = tuple(update.coefficients(k, 0.1, 1.0))
        x = np.array([1e-60])
        steepness = float(apply_update(update, k, coefficients, x)[0] / x[0])
        assert can_meet_zero(update, "float32") == (steepness < 1e3)
        if steepness < 1e3:
            assert apply_update(update, k, coefficients, np.zeros(1))[0] == 0.0


@pytest.mark.parametrize("norm", NORMS)
def test_the_noisy_reading_has_a_node_at_0_with_its_share(norm: Any) -> None:
    measure = Measure(norm, FUNCTIONS.get("sqrt"))
    (domain,) = scaled_domains(singular(zeros=48), measure, N, 1e-6)
    (plain,) = scaled_domains(Spectrum.samples(singular(zeros=48).points), measure, N, 1e-6)
    assert domain.domain.has_zero
    assert domain.nodes[0] == 0.0
    assert domain.node_density[0] == 0.75
    assert domain.node_density.sum() == pytest.approx(1.0)
    assert np.array_equal(domain.nodes[1:], plain.nodes)
    # In exact arithmetic there is no error at 0, and 0 adds nothing to a norm either.
    assert np.array_equal(domain.sampled, plain.sampled)
    assert np.array_equal(domain.weights, plain.weights)


@pytest.mark.parametrize("function", ["sqrt", "root-3"])
def test_no_step_has_a_pole_at_0(function: str) -> None:
    plan = found(function, singular(1e4), tol=1e-4)
    assert all(can_meet_zero(UPDATES.get(step.name), step.precision) for step in plan.steps)
    assert found(function, singular(), allow="eigh").steps[0].precision == "float64"


def test_actions_with_poles_alone_are_refused() -> None:
    with pytest.raises(InputError, match="allow: all of the actions matching 'newton"):
        found("sqrt", singular(), allow="newton*,zolotarev-even-*")


CASES = [("float32", 100.0, 1e-3), ("float32", 1e4, 2e-2), ("float64", 1e4, 1e-5)]


@pytest.mark.parametrize(("dtype", "kappa", "tol"), CASES)
@pytest.mark.parametrize("function", ["sqrt", "root-3", "power-2/3"])
def test_rounding_in_the_null_space_is_predicted(
    function: str, dtype: Any, kappa: float, tol: float
) -> None:
    """By schedules of polynomials, and of rational maps, at rank n/2."""
    spectrum = singular(kappa)
    rational = "halley,zolotarev-[1-4],rational-minimax-*,pade-*"
    for allow in ("minimax-*", rational) if dtype == "float32" else (rational,):
        plan = found(function, spectrum, dtype=dtype, tol=tol, allow=allow, precision=dtype)
        a = matrix(spectrum, dtype)
        value = plan.run(a).value
        error = Reference(plan_measure(plan), a, least=spectrum.lower).error(value)
        assert error <= tol
        _, vectors = np.linalg.eigh(a.astype(np.float64))
        null = vectors[:, : N // 2]
        scale = spectrum.lower ** FUNCTIONS.get(function).exponent
        at_zero = np.linalg.norm(null.T @ value @ null, 2) / scale
        assert at_zero <= 5.0 * plan.predicted.rounding
        assert at_zero + error <= 1.5 * (plan.predicted.error + 5.0 * plan.predicted.rounding)


def plan_measure(plan: Plan) -> Measure:
    return Measure(plan.norm, FUNCTIONS.get(plan.function))


@pytest.mark.parametrize("norm", NORMS)
def test_plans_run_on_singular_matrices_in_every_measure(norm: Any) -> None:
    spectrum = singular(1e4)
    plan = found("sqrt", spectrum, norm=norm, tol=1e-3, dtype="float32")
    a = matrix(spectrum, "float32")
    for verify in ("sketch", "full"):
        solution = plan.run(a, verify=verify)  # type: ignore[arg-type]
        assert solution.status == "converged"
        assert Reference(plan_measure(plan), a, least=spectrum.lower).error(solution.value) <= 1e-3


def test_races_run_on_singular_matrices() -> None:
    problem = Problem("sqrt", singular(), shape=(N, N))
    a = matrices_for(problem, seed=0)[0]
    values = np.linalg.eigvalsh(a)
    assert np.abs(values[: N // 2]).max() < 1e-15
    assert values[N // 2] == pytest.approx(0.01)
    few = Problem("sqrt", singular(), shape=(5, 5))
    values = np.linalg.eigvalsh(matrices_for(few, seed=0)[0])
    assert abs(values[0]) < 1e-15
    assert np.abs(values - 0.01).min() < 1e-15
    assert values[-1] == pytest.approx(1.0)


def test_stored_plans_keep_their_zero_and_are_checked() -> None:
    plan = found("sqrt", singular(), tol=1e-4, allow="zolotarev-[1-4]", precision="float64")
    assert Plan.from_json(plan.to_json()) == plan
    document = json.loads(plan.to_json())
    document["steps"][0].update(name="newton", form="product", coefficients=[1.0, 1.0])
    document["steps"] = document["steps"][:1]
    with pytest.raises(ArtifactError, match="has the eigenvalue 0, where newton in float64 fails"):
        Plan.from_json(json.dumps(document))
    document = json.loads(found("inv", Spectrum.samples([0.1, 1.0])).to_json())
    document["domain"]["has_zero"] = True
    with pytest.raises(ArtifactError, match="inv is not defined at 0"):
        Plan.from_json(json.dumps(document))
