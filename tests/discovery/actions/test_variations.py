"""Variations of steps: safe everywhere, the same every time, and none where ranges tell all."""

import numpy as np
import pytest

from matrl import Problem, Spectrum, discover
from matrl.core.measure import Norm
from matrl.discovery.actions.variations import BATCHES, hull_of
from matrl.discovery.phases.assembly import environment_for
from matrl.discovery.problem.arguments import allowed_updates
from matrl.iterations import UPDATES, DirectMethod
from matrl.readings.scalar import apply_update

N = 64
SAMPLES = np.concatenate([np.geomspace(1e-3, 2e-3, 12), np.linspace(0.6, 1.0, 20)])


@pytest.fixture
def environment(make_profile):
    def environment(function, spectrum, norm: Norm = "eigenvalue", allow="*"):
        problem = Problem(function, spectrum, tol=1e-3, shape=(N, N), norm=norm)
        updates = allowed_updates(problem, allow)
        profile = make_profile(n=N, dtypes=("float32", "float64"))
        return environment_for(problem, profile, updates, widens=True)

    return environment


def walked(environment, random, steps=3):
    """Yield states, an action with a variation, and the state it leads to."""
    state = environment.root()
    for _ in range(steps):
        found = []
        for width in range(1, len(BATCHES) + 1):
            children = environment.expand(state, width)
            assert children is not None
            for action in children.actions:
                following = environment.child(state, action)
                assert following is not None
                found.append((state, action, following))
        yield from found
        state = found[random.integers(len(found))][2]
        if environment.done(state):
            return


@pytest.mark.parametrize(
    ("function", "norm"),
    [
        ("invsqrt", "eigenvalue"),
        ("polar", "frobenius"),
        ("inv", "frobenius"),
        ("root-3", "spectral"),
    ],
)
def test_every_variation_keeps_the_safety_rule(environment, function, norm):
    """Positive on all of (0, 1.2 u], not only at the samples; p at 0 too."""
    random = np.random.default_rng(0)
    allow = "minimax-*,fitted-*,zolotarev-[12],rational-minimax-[12],newton,series-3"
    one = environment(function, Spectrum.samples(SAMPLES), norm, allow)
    k = Problem(function, Spectrum.samples(SAMPLES), shape=(N, N)).matrix_function.root_index
    met = set()
    for state, action, following in walked(one, random):
        met.add(action.variation)
        update = UPDATES.get(action.name)
        assert not isinstance(update, DirectMethod)
        found = one.look(following)
        if not np.isfinite(found.rounding):
            continue  # cannot be carried out, by its rounding
        coefficients = found.steps[-1].coefficients
        if update.kind != "polynomial":
            assert min(coefficients) >= 0.0
            continue
        x = np.concatenate([np.linspace(0.0, 1.0, 2001)[1:], np.geomspace(1e-9, 1.0, 200)])
        h = apply_update(update, k, coefficients, x * state.upper)
        assert coefficients[0] > 0.0
        assert h.min() > 0.0
        assert following.upper >= h.max() * (1.0 - 1e-9)
    assert len(met) >= 3


def test_the_same_state_has_the_same_variations(environment):
    first, second = (
        [
            (action, following.lower, following.upper, following.error)
            for _, action, following in walked(
                environment(
                    "polar", Spectrum.samples(SAMPLES), "frobenius", "fitted-*,zolotarev-1"
                ),
                np.random.default_rng(1),
            )
        ]
        for _ in range(2)
    )
    assert first == second
    assert len({action.variation for action, *_ in first}) == sum(len(b) for b in BATCHES)


def test_batches_end_and_ranges_have_none(environment):
    sampled = environment("invsqrt", Spectrum.samples(SAMPLES))
    assert sampled.expand(sampled.root(), len(BATCHES) + 1) is None
    interval = environment("invsqrt", Spectrum.interval(1e-3, 1.0))
    assert interval.expand(interval.root(), 1) is None


def test_a_rational_step_for_the_samples_alone_is_more_exact_on_them(environment):
    one = environment("invsqrt", Spectrum.samples(SAMPLES), allow="zolotarev-2")
    root = one.root()
    (rule,) = (a for a in one.expand(root, 0).actions if a.precision == "float64")
    (varied,) = (a for a in one.expand(root, 1).actions if a.precision == "float64")
    ends = [hull_of(one.child(root, action)) for action in (rule, varied)]
    assert np.log(ends[1][1] / ends[1][0]) < 0.9 * np.log(ends[0][1] / ends[0][0])


def test_an_interval_is_searched_as_before(make_profile):
    """On ranges nothing is tried but the rules, whatever the planner asks for."""
    problem = Problem("invsqrt", Spectrum.interval(1e-4, 1), tol=1e-6, shape=(N, N))
    found = discover(problem, profile=make_profile(n=N), nodes=3000, seed=2)
    other = discover(problem, profile=make_profile(n=N), nodes=3000, seed=2)
    assert (found.plan.steps, found.nodes) == (other.plan.steps, other.nodes)
    assert not found.refined
    for step in found.plan.steps:
        assert "fitted" not in step.name
