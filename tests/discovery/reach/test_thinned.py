"""Few points in place of many."""

import numpy as np
import pytest

from matrl import Problem, Spectrum
from matrl.discovery.problem.domains import scaled_domains
from matrl.discovery.reach.thinned import MOST_POINTS, Thinned


def thinned(values, norm, function="invsqrt"):
    spectrum = Spectrum.samples(values)
    measure = Problem(function, spectrum, shape=(8, 8), norm=norm).measure
    domain = scaled_domains(spectrum, measure, 8)[0]
    return Thinned.of(domain, measure), domain, measure


@pytest.mark.parametrize("norm", ["eigenvalue", "frobenius", "spectral"])
def test_few_points_stay_as_they_are(norm):
    few, domain, measure = thinned(np.geomspace(1e-3, 1.0, MOST_POINTS), norm)
    assert len(few.chosen) == MOST_POINTS
    assert few.doubt == 1.0
    x = 1.0 + 0.1 * np.sin(np.arange(MOST_POINTS))
    expected = measure.of_points(x, domain.weights, domain.density)
    found = measure.of_points(x[few.chosen], few.weights, few.measured)
    assert found == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    "values",
    [
        np.geomspace(1e-3, 1.0, 1000),
        np.arange(1.0, 2001.0) ** -1.5,
        np.concatenate([[1e-4], np.linspace(0.5, 1.0, 600)]),
        np.concatenate([np.full(500, 0.1), np.full(500, 1.0)]),
        np.concatenate([np.full(299, 1e-2), [1.0]]),
    ],
    ids=["even", "power", "outlier", "clusters", "spike"],
)
def test_shares_of_many_points_go_to_their_neighbours(values):
    few, domain, measure = thinned(values, "frobenius")
    assert len(few.chosen) == MOST_POINTS
    assert len(np.unique(few.chosen)) == MOST_POINTS
    chosen = domain.sampled[few.chosen]
    assert {chosen[0], chosen[-1]} == {domain.sampled.min(), domain.sampled.max()}
    assert few.density.sum() == pytest.approx(1.0, rel=1e-12)
    squares = domain.density * domain.weights**2
    assert few.shares.sum() == pytest.approx(squares.sum(), rel=1e-12)
    x = 1.0 + 0.1 * np.sin(3.0 * np.log(domain.sampled))
    expected = measure.of_points(x, domain.weights, domain.density)
    found = measure.of_points(x[few.chosen], few.weights, few.measured)
    assert found == pytest.approx(expected, rel=2e-3)
    assert few.doubt > 1.002


def test_points_below_the_range_come_first():
    measure = Problem("sqrt", Spectrum.interval(0.0, 1.0), shape=(8, 8), norm="spectral").measure
    domain = scaled_domains(Spectrum.interval(0.0, 1.0), measure, 8)[0]
    few = Thinned.of(domain, measure)
    chosen = domain.sampled[few.chosen]
    assert few.first > 0
    assert chosen[few.first] >= domain.lower * (1.0 - 1e-12) > chosen[few.first - 1]
