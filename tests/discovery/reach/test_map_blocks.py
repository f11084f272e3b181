"""Maps in blocks against the rules, each on the range it is told."""

import numpy as np
import pytest

from matrl.discovery.reach.map_blocks import MapBlocks, can_be_sampled, is_fitted
from matrl.iterations import UPDATES, DirectMethod
from matrl.iterations.update import Samples
from matrl.readings.scalar import apply_update

SLACKS = {"float32": 1e-3, "float64": 1e-12}


def maps_of(root_index):
    found = []
    for update in UPDATES:
        if isinstance(update, DirectMethod) or not update.supports(root_index):
            continue
        if can_be_sampled(update, root_index):
            kinds = tuple(SLACKS) if update.kind == "polynomial" else ("",)
            found += [(update, kind) for kind in kinds]
    return found


@pytest.mark.parametrize("k", [1, 2, 3, 16])
def test_columns_are_the_maps_on_their_ranges(k):
    maps = maps_of(k)
    blocks = MapBlocks(maps, k, SLACKS)
    count = 20
    lower, upper = np.array([0.05, 0.9, 0.3]), np.array([0.7, 1.0, 1.9])
    density = np.random.default_rng(0).dirichlet(np.ones(count))
    x = np.stack([np.geomspace(one, 1.0, count) for one in lower])
    values = blocks.values(x, lower, upper, count, density)
    for (update, kind), column in blocks.columns.items():
        for row in range(len(lower)):
            true = x[row] * upper[row]
            samples = Samples(true, np.ones(count), density)
            widened = upper[row] * (1.0 + SLACKS.get(kind, 0.0))
            coefficients = update.coefficients(k, lower[row] * upper[row], widened, samples)
            expected = apply_update(update, k, tuple(coefficients), true)
            np.testing.assert_allclose(values[row, column], expected, rtol=1e-11, atol=1e-8)
    assert set(maps) - set(blocks.columns) == {one for one in maps if is_fitted(one[0])}
    later = blocks.values(x, lower, upper, count, density, start=blocks.polynomials)
    np.testing.assert_array_equal(later, values[:, blocks.polynomials :])


def test_the_best_of_the_range_is_there_for_a_fit_that_comes_alone():
    fitted = UPDATES.get("fitted-5")
    assert not isinstance(fitted, DirectMethod)
    blocks = MapBlocks([(fitted, "float64")], 2, {"float64": 0.0})
    assert [update.name for update, _ in blocks.columns] == ["minimax-5"]
    assert blocks.sibling(fitted, "float64") == 0
