"""The first look at the maps of a sampled state against what each of them does."""

import numpy as np
import pytest

from matrl import Problem, Spectrum
from matrl.core.measure import Norm
from matrl.discovery.phases.assembly import environment_for
from matrl.discovery.problem.arguments import allowed_updates
from matrl.discovery.problem.domains import scaled_domains
from matrl.discovery.reach.reach import ExactReach
from matrl.discovery.reach.sampled_reach import SampledReach
from matrl.discovery.states.outcomes import OutcomeTable
from matrl.discovery.states.state import ScheduleState
from matrl.iterations import DirectMethod
from matrl.readings.scalar import apply_update
from matrl.search import search

N = 128
TOL = 1e-6
FEW = ("newton*", "halley", "zolotarev-[12]", "pade-*/2", "series-*", "minimax-*", "fitted-*")


def gaussian(rows: int, columns: int) -> np.ndarray:
    return np.linalg.svd(np.random.default_rng(3).standard_normal((rows, columns)))[1]


SPECTRA = {
    "gaussian": gaussian(150, 150),
    "wishart": gaussian(60, 120) ** 2,
    "power": np.arange(1.0, 200.0) ** -1.5,
    "gap": np.concatenate([np.linspace(1e-3, 2e-3, 30), np.linspace(0.5, 1.0, 30)]),
    "clusters": np.concatenate([0.1 + 1e-6 * np.arange(20.0), 1.0 + 1e-6 * np.arange(20.0)]),
    "wide": np.geomspace(1e-12, 1.0, 100),
    "narrow": 1.0 - 1e-9 * np.linspace(0.0, 1.0, 20),
    "one": np.array([2.0]),
}
MANY = {
    "gaussian": gaussian(512, 512),
    "power": np.arange(1.0, 1001.0) ** -1.5,
    "outlier": np.concatenate([[1e-4], np.linspace(0.5, 1.0, 600)]),
}


class Both:
    """The first look and the exact outcomes of one problem, and its states."""

    def __init__(
        self,
        function: str,
        spectrum: Spectrum,
        norm: Norm = "eigenvalue",
        allow: str | tuple[str, ...] = "*",
        precisions: tuple[str, ...] = ("float64",),
    ) -> None:
        problem = Problem(function, spectrum, tol=TOL, shape=(N, N), norm=norm)
        self.measure = problem.measure
        self.domain = scaled_domains(spectrum, self.measure, N, TOL)[0]
        allowed = allowed_updates(problem, allow)
        updates = [u for u in allowed if not isinstance(u, DirectMethod) and u.kind != "repair"]
        self.outcomes = OutcomeTable(self.measure, [self.domain], updates, N)
        self.exact = ExactReach(self.outcomes, updates, precisions)
        self.sampled = SampledReach(self.measure, [self.domain], updates, precisions, n=N, tol=TOL)
        self.maps = self.exact.maps
        one = self.domain
        self.root = ScheduleState(0, one.lower, one.upper, one.is_exact, one.sampled)

    def child(self, state, index):
        update, precision = self.maps[index]
        outcome = self.outcomes.of(update.name, precision, state)
        assert outcome is not None
        one = outcome.iterates
        over = state.overshoots or update.has_pole_at_zero
        ends = (one.lower, one.upper, False, one.points, one.error)
        return ScheduleState(0, *ends, overshoots=over)

    def open(self, state):
        """Which maps may follow a state."""
        return [
            index
            for index, (update, _) in enumerate(self.maps)
            if not (state.overshoots and update.kind == "polynomial")
        ]


@pytest.mark.parametrize("function", ["inv", "invsqrt", "root(3)", "root(16)"])
@pytest.mark.parametrize("name", SPECTRA)
@pytest.mark.parametrize("norm", ["eigenvalue", "frobenius", "spectral"])
def test_a_first_look_sees_what_each_map_does(function, name, norm):
    both = Both(function, Spectrum.samples(SPECTRA[name]), norm, FEW)
    legal = np.flatnonzero(both.exact.of(both.root).legal[0])
    states = [both.root, *(both.child(both.root, i) for i in legal[[0, len(legal) // 2]])]
    compared = 0
    for state in states:
        seen, known = both.sampled.of(state), both.exact.of(state)
        assert seen is not None
        for index in both.open(state):
            if not known.legal[0, index]:
                continue  # what is not known to be illegal may be tried in vain
            update, error = both.maps[index][0], known.error[0, index]
            # In monomials of degree 9 a wide range costs digits.
            noise = 1e-8 if function == "inv" and state.lower < 0.1 * state.upper else 3e-12
            assert seen.legal[0, index] or state.error < 1e-12, update.name
            if both.sampled.is_fit[index]:
                assert seen.error[0, index] <= error * (1.0 + 1e-6) + noise
                continue
            compared += 1
            assert seen.error[0, index] == pytest.approx(error, rel=3e-6, abs=noise)
            if update.equioscillates:
                ends = [r[0, index] for r in (seen.lower, seen.upper)]
                known_ends = [r[0, index] for r in (known.lower, known.upper)]
                assert ends == pytest.approx(known_ends, rel=1e-6, abs=noise)
    assert compared >= 6


@pytest.mark.parametrize("norm", ["eigenvalue", "frobenius", "spectral"])
@pytest.mark.parametrize("function", ["sqrt", "invsqrt", "polar"])
@pytest.mark.parametrize("name", MANY)
def test_a_few_of_many_points_stand_for_all(function, name, norm):
    both = Both(
        function, Spectrum.samples(MANY[name]), norm, ("zolotarev-*", "minimax-*", "series-*")
    )
    seen, known = both.sampled.of(both.root), both.exact.of(both.root)
    assert seen is not None
    for index in np.flatnonzero(known.legal[0]):
        assert seen.error[0, index] <= known.error[0, index] * (1.0 + 1e-6) + 1e-12
        assert seen.error[0, index] >= known.error[0, index] * 0.97 - 1e-12


@pytest.mark.parametrize("spectrum", [Spectrum.interval(1e-4, 1.0), Spectrum.interval(0.0, 1.0)])
@pytest.mark.parametrize("norm", ["spectral", "frobenius"])
def test_points_below_the_range_count_where_an_interval_is_weighed(spectrum, norm):
    both = Both("sqrt", spectrum, norm, FEW)
    seen, known = both.sampled.of(both.root), both.exact.of(both.root)
    assert seen is not None
    compared = [i for i in np.flatnonzero(known.legal[0]) if not both.sampled.is_fit[i]]
    assert len(compared) >= 10
    for index in compared:
        assert seen.error[0, index] == pytest.approx(known.error[0, index], rel=1e-6)


@pytest.mark.parametrize("name", ["gaussian", "wishart", "power", "gap", "clusters"])
@pytest.mark.parametrize(
    ("function", "norm"),
    [
        ("invsqrt", "eigenvalue"),
        ("invsqrt", "frobenius"),
        ("inv", "eigenvalue"),
        ("sqrt", "spectral"),
    ],
)
def test_two_steps_lead_no_further_than_the_first_look_says(name, function, norm):
    allow = ("newton", "halley", "zolotarev-1", "minimax-3", "series-3", "fitted-[358]")
    both = Both(function, Spectrum.samples(SPECTRA[name]), norm, allow)
    seen = both.sampled.of(both.root)
    assert seen is not None
    assert seen.further is not None
    compared = 0
    for first in np.flatnonzero(both.exact.of(both.root).legal[0]):
        row = seen.further.row[first]
        if row < 0:
            continue  # nothing is claimed
        state = both.child(both.root, first)
        known = both.exact.of(state)
        for second in both.open(state):
            if not known.legal[0, second]:
                continue
            compared += 1
            assert seen.further.legal[row, second]
            claimed = seen.further.error[row, second] / seen.further.doubt[row]
            assert claimed <= max(known.error[0, second] * (1.0 + 1e-6), 1e-3 * TOL)
    assert compared >= 10


def test_what_is_counted_are_maps_applied_to_points():
    both = Both(
        "invsqrt", Spectrum.samples(SPECTRA["gaussian"]), allow=("zolotarev-[12]", "fitted-3")
    )
    seen = both.sampled.of(both.root)
    assert seen is not None
    assert seen.further is not None
    rows = len(seen.further.doubt)
    # All three at first, then those whose coefficients are known: a bound on a fit is no step.
    assert seen.simulated == 3 + 2 * rows


def test_a_range_too_wide_for_the_table_is_left_to_the_exact_reach():
    both = Both("sqrt", Spectrum.interval(0.0, 1.0), "spectral", ("newton",))
    state = ScheduleState(0, 1e-30, 1.0, False, both.domain.sampled)
    assert both.sampled.of(state) is None


@pytest.mark.parametrize("norm", ["eigenvalue", "frobenius"])
@pytest.mark.parametrize("name", ["wishart", "power"])
def test_errors_of_what_is_found_are_exact(name, norm, make_profile):
    problem = Problem("invsqrt", Spectrum.samples(SPECTRA[name]), tol=1e-4, shape=(N, N), norm=norm)
    updates = allowed_updates(problem, "*")
    environment = environment_for(problem, make_profile(n=N), updates, ["float64"])
    found = search(environment, node_limit=20000)
    assert found.actions
    domain, replayed = environment.replay(found.actions)
    x, k = domain.sampled, 2
    for step in replayed.steps:
        update = next(u for u in updates if u.name == step.name)
        assert not isinstance(update, DirectMethod)
        x = apply_update(update, k, step.coefficients, x)
    error = problem.measure.of_points(x, domain.weights, domain.density)
    assert replayed.steps[-1].error == pytest.approx(error, rel=1e-12)
    assert error <= 1e-4


def test_a_search_on_samples_proves_the_best_of_all_schedules(make_profile):
    """Against uniform cost, which needs no bounds."""
    problem = Problem("invsqrt", Spectrum.samples(SPECTRA["wishart"]), tol=1e-3, shape=(N, N))
    updates = allowed_updates(problem, ("zolotarev-1", "newton", "minimax-5", "fitted-*"))
    costs = []
    for planner in ("mcts", "exhaustive"):
        environment = environment_for(problem, make_profile(n=N), updates, ["float64"])
        found = search(environment, planner=planner)
        assert found.optimal
        costs.append(found.cost)
    assert costs[0] == pytest.approx(costs[1], rel=1e-12)
