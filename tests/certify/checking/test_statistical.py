"""Binomial probabilities agree with SciPy's, wherever they are not negligible."""

import pytest
from scipy.stats import binom

from matrl.certify.checking.statistical import at_most


@pytest.mark.parametrize("count", [1, 2, 7, 15, 16, 100, 4321, 10**6, 10**7])
@pytest.mark.parametrize("share", [0.0, 0.001, 0.1, 0.5, 0.97, 1.0])
@pytest.mark.parametrize("off", [-4.0, -1.0, 0.0, 0.5, 3.0])
def test_tails_are_those_of_scipy(count, share, off):
    failures = min(round(share * count), count - 1)
    p = (failures + 0.5 + off * (failures * (1 - share) + 1.0) ** 0.5) / count
    if not 0.0 < p < 1.0:
        p = 0.5
    expected = float(binom.cdf(failures, count, p))
    assert at_most(failures, count, p) == pytest.approx(expected, rel=1e-10, abs=1e-13)


def test_certain_events():
    assert at_most(3, 3, 0.9) == at_most(1, 3, 0.0) == 1.0
    assert at_most(2, 3, 1.0) == 0.0
