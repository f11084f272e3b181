"""Tabulated coefficients against those of the rules."""

import math

import numpy as np
import pytest

from matrl.discovery.reach.map_table import (
    WIDEST,
    MapTable,
    is_fixed_above_one,
    is_scale_free,
    map_table,
)
from matrl.errors import InputError
from matrl.iterations import UPDATES, DirectMethod
from matrl.readings.maps import apply_maps
from matrl.readings.scalar import apply_update


def rules(root_index, *, polynomial):
    every = [update for update in UPDATES if not isinstance(update, DirectMethod)]
    return tuple(
        update
        for update in every
        if update.supports(root_index)
        and not update.uses_samples
        and update.kind != "repair"
        and (update.kind == "polynomial") == polynomial
    )


@pytest.mark.parametrize("k", [1, 2, 3, 8])
@pytest.mark.parametrize("polynomial", [True, False])
def test_maps_are_those_of_the_rules(k, polynomial):
    updates = rules(k, polynomial=polynomial)
    if not updates:
        assert k == 1  # the inverse has polynomials only
        return
    spreads = np.concatenate([np.linspace(-3.9, 3.9, 9), np.linspace(-17.9, 25.0, 9)])
    spreads = spreads[k * np.log1p(np.exp(spreads)) < WIDEST]
    numerators, denominators = map_table(updates, k).at(np.log1p(np.exp(spreads)))
    checked = 0
    for row, spread in enumerate(spreads.tolist()):
        ratio = 1.0 / (1.0 + math.exp(spread))
        x = np.geomspace(ratio, 1.0, 50)
        below = None if denominators is None else denominators[row]
        found = apply_maps(k, x, numerators[row], below)
        for index, update in enumerate(updates):
            try:
                coefficients = tuple(update.coefficients(k, ratio, 1.0))
            except InputError:
                assert np.isnan(found[index]).all()
                continue
            checked += 1
            expected = apply_update(update, k, coefficients, x)
            noise = 2e-15 * sum(abs(c) for c in coefficients) if polynomial else 0.0
            rtol = 3e-10 if polynomial and spread > -1.0 else 3e-12
            np.testing.assert_allclose(found[index], expected, rtol=rtol, atol=noise)
    assert checked > 40


def test_narrow_ranges_and_points_have_the_coefficients_of_the_narrowest():
    updates = rules(2, polynomial=True)
    narrow, point = map_table(updates, 2).at(np.array([1e-10, 0.0]))[0]
    assert np.array_equal(narrow, point)
    at_one = [update.coefficients(2, 1.0, 1.0) for update in updates]
    for found, expected in zip(point, at_one, strict=True):
        np.testing.assert_allclose(found[: len(expected)], expected, rtol=1e-6)
        assert not found[len(expected) :].any()


def test_a_range_beyond_a_rule_is_not_known():
    names = ("rational-minimax-2", "pade-1/1")
    updates = [u for u in rules(3, polynomial=False) if u.name in names]
    updates.sort(key=lambda update: names.index(update.name))
    numerators, _ = MapTable(updates, 3).at(np.array([WIDEST / 3.0]))
    assert np.isnan(numerators[0, 0]).all()
    assert np.isfinite(numerators[0, 1]).all()


def test_which_rules_depend_on_the_quotient_of_the_ends_only():
    for k in (1, 2, 3, 16):
        every = rules(k, polynomial=True) + rules(k, polynomial=False)
        for update in every:
            series = update.name.startswith("series")
            assert is_scale_free(update, k) != series
            assert is_fixed_above_one(update, k) == series
