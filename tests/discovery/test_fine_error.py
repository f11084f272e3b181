"""The error of a finished schedule is its maximum over the interval, not that over a grid."""

import numpy as np
import pytest

from matrl.core.measure import Measure, Norm
from matrl.core.plan import StepRecord
from matrl.core.spectrum import Spectrum
from matrl.discovery.problem.domains import scaled_domains
from matrl.discovery.states.iterates import fine_error
from matrl.functions import FUNCTIONS
from matrl.iterations import UPDATES, DirectMethod, Update
from matrl.readings.scalar import apply_update, image


def _update(name: str) -> Update:
    update = UPDATES.get(name)
    assert not isinstance(update, DirectMethod)
    return update


@pytest.mark.parametrize("function", ["sqrt", "root-3"])
@pytest.mark.parametrize("norm", ["spectral", "residual"])
@pytest.mark.parametrize("names", [("minimax-5",) * 2, ("minimax-3",) * 4, ("minimax-9",) * 2])
def test_the_maximum_is_not_missed_between_nodes(
    function: str, norm: Norm, names: tuple[str, ...]
) -> None:
    entry = FUNCTIONS.get(function)
    measure, k = Measure(norm, entry), entry.root_index
    (domain,) = scaled_domains(Spectrum.interval(1e-4, 1.0), measure, 24, 1e-3)
    lower, upper, steps = domain.lower, domain.upper, []
    for name in names:
        update = _update(name)
        c = tuple(update.coefficients(k, lower, upper, None))
        lower, upper = image(update, k, c, lower, upper)
        steps.append(StepRecord(name, "residual", "float64", c))
    a = np.geomspace(1e-4, 1.0, 1_000_000)
    x = entry.iterate(a)
    for step in steps:
        x = apply_update(_update(step.name), k, step.coefficients, x)
    density = np.full(len(a), 1.0 / len(a))
    exact = measure.of_points(x, measure.weights(a, density), density)
    updates = {name: _update(name) for name in names}
    assert fine_error(measure, domain, updates, steps) >= exact * (1.0 - 1e-6)
    assert fine_error(measure, domain, updates, steps) <= exact * (1.0 + 1e-6)


def test_refined_steps_are_known_by_name_where_fits_are_not_allowed() -> None:
    measure = Measure("frobenius", FUNCTIONS.get("inv"))
    (domain,) = scaled_domains(Spectrum.interval(1e-2, 1.0), measure, 24, 1e-3)
    fit = _update("fitted-3")
    step = StepRecord("fitted-3", "zm", "float64", (2.5, -1.6))
    known = fine_error(measure, domain, {"fitted-3": fit}, [step])
    assert fine_error(measure, domain, {"minimax-3": _update("minimax-3")}, [step]) == known
