"""Statements count failures rightly, and their bounds hold for errors of any distribution."""

import dataclasses
import json
import math
from typing import Any

import numpy as np
import pytest

from matrl.certify import (
    StatisticalStatement,
    certify_statistically,
    failure_bound,
    quantile_rank,
)
from matrl.errors import InputError


def certify(errors: Any, **options: Any) -> StatisticalStatement:
    return certify_statistically(
        errors, **{"tol": 1e-6, "norm": "spectral", "plan_id": "0123456789ab", **options}
    )


def test_a_statement_of_errors_that_all_pass():
    errors = np.random.default_rng(1).permutation(np.arange(1.0, 501.0)) * 1e-9
    before = errors.copy()
    said = certify(errors)
    assert (said.plan_id, said.norm, said.tol) == ("0123456789ab", "spectral", 1e-6)
    assert (said.count, said.failures, said.confidence) == (500, 0, 0.99)
    assert said.failure_probability == failure_bound(0, 500)
    assert said.worst_error == 500 * 1e-9
    assert [q for q, _ in said.quantiles] == [0.5, 0.9, 0.99]
    for q, bound in said.quantiles:
        rank = quantile_rank(500, q)
        assert rank is not None
        assert bound == rank * 1e-9
    np.testing.assert_array_equal(errors, before)


def test_an_error_fails_above_the_tolerance_only():
    assert certify([1e-6, np.nextafter(1e-6, 1.0), 0.0]).failures == 1
    # In float32 the number nearest to 1e-6 is less, so it passes; that nearest to 1e-3 is more.
    assert certify(np.full(3, 1e-6, np.float32)).failures == 0
    assert certify(np.full(3, 1e-3, np.float32), tol=1e-3).failures == 3


@pytest.mark.parametrize("unknown", [math.nan, math.inf, None])
def test_refused_matrices_are_failures_of_infinite_error(unknown):
    said = certify([1e-9] * 9 + [unknown], confidence=0.6, quantiles=(0.5, 0.9))
    assert (said.count, said.failures, said.worst_error) == (10, 1, None)
    assert said.failure_probability == failure_bound(1, 10, confidence=0.6)
    # Ten are enough to bound either quantile, but for 0.9 by the largest only.
    assert quantile_rank(10, 0.9, confidence=0.6) == 10
    assert said.quantiles == ((0.5, 1e-9), (0.9, None))
    assert [one["count_needed"] for one in said.to_dict()["quantiles"]] == [2, 9]


def test_too_few_errors_bound_no_quantile_and_say_how_many_would():
    said = certify(np.full(298, 1e-9), confidence=0.95, quantiles=(0.95, 0.99))
    assert said.quantiles == ((0.95, 1e-9), (0.99, None))
    assert [one["count_needed"] for one in said.to_dict()["quantiles"]] == [59, 299]
    enough = certify(np.full(299, 1e-9), confidence=0.95, quantiles=(0.95, 0.99))
    assert enough.quantiles == ((0.95, 1e-9), (0.99, 1e-9))


def test_a_statement_is_immutable_and_plain_data():
    said = certify([1e-9, math.inf])
    with pytest.raises(dataclasses.FrozenInstanceError):
        said.tol = 1.0  # pyright: ignore[reportAttributeAccessIssue]
    assert hash(said) == hash(certify([1e-9, math.inf]))
    document = said.to_dict()
    assert json.loads(json.dumps(document, allow_nan=False)) == document
    assert set(document) == {field.name for field in dataclasses.fields(said)}
    numpy_numbers = certify(
        np.array([1e-9]),
        tol=np.float64(1e-6),
        confidence=np.float64(0.9),
        quantiles=tuple(np.array([0.5])),
    )
    json.dumps(numpy_numbers.to_dict(), allow_nan=False)


def _pareto(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    return rng.pareto(0.5, shape)  # no mean


def _with_atoms(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    return rng.choice([0.0, 1.0, 2.0, np.inf], shape, p=[0.3, 0.35, 0.3, 0.05])


_PARETO_QUANTILES = {q: (1.0 - q) ** -2.0 - 1.0 for q in (0.5, 0.9)}
_ATOM_QUANTILES = {0.5: 1.0, 0.9: 2.0}


@pytest.mark.parametrize(
    ("draw", "quantiles"), [(_pareto, _PARETO_QUANTILES), (_with_atoms, _ATOM_QUANTILES)]
)
def test_bounds_hold_as_often_as_they_say(draw, quantiles):
    repeats, count, confidence = 2000, 60, 0.9
    samples = draw(np.random.default_rng(20240607), (repeats, count))
    missed = dict.fromkeys(quantiles, 0)
    for errors in samples:
        said = certify(errors, confidence=confidence, quantiles=tuple(quantiles))
        for q, bound in said.quantiles:
            missed[q] += bound is not None and bound < quantiles[q]
    # Four standard deviations of a binomial number of misses, each at most so probable.
    most = (1.0 - confidence) * repeats + 4.0 * math.sqrt(repeats * 0.09)
    assert all(number <= most for number in missed.values())
    # A continuous distribution is missed nearly as often as allowed (exactly: 7 % and 5 %);
    # an atom at the quantile may make the bound safer.
    if draw is _pareto:
        assert all(number >= 0.03 * repeats for number in missed.values())


@pytest.mark.parametrize(
    ("errors", "sentence"),
    [
        ([], r"^errors: is empty; pass the error on one"),
        (np.ones((2, 2)), r"^errors: must be a vector, but its shape is \(2, 2\)"),
        (1e-9, r"^errors: must be a vector, but its shape is \(\)"),
        ([1e-9, -1e-9], r"^errors\[1\]: is -1e-09; pass errors, which are >= 0"),
        ([1.0 + 0j], r"^errors: must be real numbers"),
        (["1e-9"], r"^errors: must be real numbers"),
        ([True, False], r"^errors: must be real numbers"),
        ([None, "x"], r"^errors: must be real numbers"),
        ([[1.0], [1.0, 2.0]], r"^errors: must be real numbers"),
        (np.ma.masked_array([1.0, 2.0], [True, False]), r"^errors: is a masked array"),
    ],
)
def test_what_are_no_errors_is_refused(errors, sentence):
    with pytest.raises(InputError, match=sentence):
        certify(errors)


@pytest.mark.parametrize("tol", [0.0, -1e-6, math.inf, math.nan, "1e-6", None, True])
def test_what_is_no_tolerance_is_refused(tol):
    with pytest.raises(InputError, match=r"^tol: must be positive and finite, got .*; pass a"):
        certify([1e-9], tol=tol)


def test_what_is_no_confidence_or_quantile_is_refused():
    with pytest.raises(InputError, match=r"^confidence: must lie strictly .* got 99; pass 0\.99"):
        certify([1e-9], confidence=99)
    with pytest.raises(InputError, match=r"^quantiles\[1\]: must lie strictly .* got 1\.0"):
        certify([1e-9], quantiles=(0.5, 1.0))
    with pytest.raises(InputError, match=r"^quantiles: must be a tuple, got 0\.5; pass \(0\.5,\)"):
        certify([1e-9], quantiles=0.5)
    with pytest.raises(InputError, match=r"^quantile: 0\.999999999 takes more than 10\^7 values"):
        certify([1e-9], quantiles=(0.999999999,))
