"""Schedules with rational and Newton steps refined together."""

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matrl.coefficients import (
    minimax_coefficients,
    newton_scaling,
    refined_coefficients,
    zolotarev,
)
from matrl.coefficients._composition import propagated
from matrl.coefficients._maps import Positive
from matrl.errors import InputError


def value(kind, c, x, k=2):
    if kind == "newton":
        return 0.5 * c[1] * (c[0] * x + 1.0 / (c[0] * x))
    if kind == "rational":
        return x * (c[0] + sum(w / (x**k + s) for w, s in zip(c[1::2], c[2::2], strict=True)))
    return x * np.polyval(c[::-1], x**k)


def end(kinds, schedule, x):
    for kind, c in zip(kinds, schedule, strict=True):
        x = value(kind, c, x)
    return x


def made(kinds, lower, upper, degrees):
    """Return the schedule the rules make on [lower, upper]."""
    schedule = []
    for kind, degree in zip(kinds, degrees, strict=True):
        if kind == "newton":
            c = newton_scaling(lower, upper)
        elif kind == "rational":
            p = zolotarev(lower, upper, degree)
            pairs = zip(p.weights, p.shifts, strict=True)
            c = (p.constant, *(one for pair in pairs for one in pair))
        else:
            c = minimax_coefficients(2, degree, lower, upper * (1.0 + 1e-6))
        x = value(kind, c, np.geomspace(lower, upper, 20001))
        lower, upper = float(x.min()), float(x.max())
        schedule.append(tuple(c))
    return tuple(schedule)


@given(
    st.lists(st.sampled_from(["rational", "polynomial"]), min_size=1, max_size=3),
    st.lists(st.integers(1, 2), min_size=3, max_size=3),
    st.floats(-3.0, -0.5),
    st.sampled_from(["max", "rms"]),
    st.integers(0, 10**6),
)
@settings(max_examples=25, deadline=None)
def test_never_worse_and_always_safe(kinds, degrees, lower, aggregate, seed):
    lower, upper = 10.0**lower, 1.2
    schedule = made(kinds, lower, upper, degrees[: len(kinds)])
    x = lower * (1.0 / lower) ** np.random.default_rng(seed).uniform(size=40)
    ceiling = 1.0 + abs(float(end(kinds, schedule, np.array([upper]))[0]) - 1.0)
    ceiling = max(ceiling, float(end(kinds, schedule, np.geomspace(lower, upper, 5001)).max()))
    found = refined_coefficients(
        2, schedule, upper, x, np.ones(40), np.full(40, 1 / 40), aggregate=aggregate,
        ceiling=ceiling * (1.0 + 1e-6), kinds=kinds, lower=lower, iterations=8, starts=2,
    )  # fmt: skip
    assert [len(row) for row in found] == [len(row) for row in schedule]

    def measured(one):
        errors = end(kinds, one, x) - 1.0
        return np.abs(errors).max() if aggregate == "max" else np.sqrt(np.mean(errors**2))

    assert measured(found) <= measured(schedule) * (1.0 + 1e-12)
    grid = np.concatenate([np.linspace(0.0, upper, 4001)[1:], np.geomspace(lower, upper, 2001)])
    for kind, c in zip(kinds, found, strict=True):
        if kind != "polynomial":
            assert min(c) > 0.0
        grid = value(kind, c, grid)
        assert grid.min() > 0.0
    # Between the places a rational map is looked at it may exceed the ceiling by a little.
    assert grid.max() <= ceiling * 1.005


def test_two_one_pole_steps_do_better_on_a_gap_than_zolotarev():
    x = np.concatenate([np.linspace(0.01, 0.02, 12), np.linspace(0.9, 1.0, 12)])
    kinds = ("rational", "rational")
    schedule = made(kinds, 0.01, 1.0, (1, 1))
    weights, density = np.ones(24), np.full(24, 1 / 24)
    for aggregate in ("max", "rms"):
        found = refined_coefficients(
            2, schedule, 1.0, x, weights, density, aggregate=aggregate, ceiling=1.5, kinds=kinds
        )
        before, after = (np.abs(end(kinds, one, x) - 1.0).max() for one in (schedule, found))
        assert after < 0.1 * before


def test_newton_and_a_polynomial_free_end():
    kinds = ("newton", "newton", "rational")
    lower = 1e-3
    schedule = made(kinds, lower, 1.0, (0, 0, 1))
    x = np.concatenate([[lower, 1.0], np.linspace(0.1, 0.5, 50)])
    found = refined_coefficients(
        2, schedule, 1.0, x, np.ones(52), np.full(52, 1 / 52), aggregate="rms", ceiling=1.5,
        kinds=kinds, lower=lower,
    )  # fmt: skip
    before, after = (np.sqrt(np.mean((end(kinds, one, x) - 1.0) ** 2)) for one in (schedule, found))
    assert after < 0.7 * before
    assert all(min(row) > 0.0 for row in found)


def test_it_stops_where_the_error_is_enough():
    x = np.concatenate([np.linspace(0.01, 0.02, 12), np.linspace(0.9, 1.0, 12)])
    kinds = ("rational", "rational")
    schedule = made(kinds, 0.01, 1.0, (1, 1))
    arguments = (2, schedule, 1.0, x, np.ones(24), np.full(24, 1 / 24))
    options = {"aggregate": "max", "ceiling": 1.5, "kinds": kinds}
    least = refined_coefficients(*arguments, **options)
    errors = [np.abs(end(kinds, one, x) - 1.0).max() for one in (schedule, least)]
    enough = float(np.sqrt(errors[0] * errors[1]))
    early = refined_coefficients(*arguments, **options, enough=enough)
    assert errors[1] < np.abs(end(kinds, early, x) - 1.0).max() <= enough


@pytest.mark.parametrize("root_index", [2, 3])
def test_derivatives_are_those_of_high_precision(root_index):
    logs = [np.log([0.4, 1.5, 0.2, 0.3, 0.01]), np.log([1.7, 0.9])]
    steps = (Positive("rational", logs[0]), Positive("newton", logs[1]))
    t = np.array([0.05, 0.4, 1.0])
    values, slopes = propagated(root_index, steps, t)
    flat = np.concatenate(logs)

    def ends(point, parameters):
        c, w1, s1, w2, s2, g, e = (mpmath.exp(p) for p in parameters)
        x, m = mpmath.mpf(point), mpmath.mpf(point) ** root_index
        x = x * (c + w1 / (m + s1) + w2 / (m + s2))
        return e * (g * x + 1 / (g * x)) / 2

    with mpmath.workdps(50):
        small = mpmath.mpf(10) ** -20
        for row, point in enumerate(t.tolist()):
            base = [mpmath.mpf(one) for one in flat.tolist()]
            assert abs(values[row] - ends(point, base)) <= 1e-14 * abs(values[row])
            for column in range(7):
                up = [b + small * (i == column) for i, b in enumerate(base)]
                down = [b - small * (i == column) for i, b in enumerate(base)]
                expected = (ends(point, up) - ends(point, down)) / (2 * small)
                assert abs(slopes[row, column] - expected) <= 1e-12 * (1 + abs(expected))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kinds": ("rational",)}, "kinds has 1 entries, but there are 2 steps"),
        ({"kinds": ("rational", "cubic")}, "kinds\\[1\\] is 'cubic'"),
        ({"kinds": ("newton", "polynomial")}, "polynomials\\[0\\] is no newton step"),
        ({"rooms": (0.1, 0.1)}, "rooms is"),
        ({"rooms": (-0.1,)}, "rooms is"),
    ],
)
def test_what_makes_no_sense_is_refused(change, message):
    schedule = made(("rational", "polynomial"), 0.1, 1.0, (1, 1))
    arguments = {"kinds": ("rational", "polynomial"), "lower": 0.1, **change}
    with pytest.raises(InputError, match=message):
        refined_coefficients(
            2, schedule, 1.0, [0.1, 1.0], [1.0, 1.0], [0.5, 0.5], aggregate="max", ceiling=1.5,
            **arguments,
        )  # fmt: skip


def test_a_widened_range_stays_safe():
    kinds = ("polynomial", "polynomial")
    room = 0.01
    schedule = []
    lower, upper = 0.05, 1.0
    for _ in kinds:
        c = minimax_coefficients(2, 2, lower, upper * (1.0 + room))
        x = value("polynomial", c, np.geomspace(lower, upper, 20001))
        lower, upper = float(x.min()), float(x.max())
        schedule.append(c)
    x = np.geomspace(0.05, 0.3, 50)
    found = refined_coefficients(
        2, schedule, 1.0 + room, x, np.ones(50), np.full(50, 1 / 50), aggregate="rms",
        ceiling=1.4, cap=3.0, rooms=[room],
    )  # fmt: skip
    assert found != tuple(schedule)
    grid = np.linspace(0.0, 1.0 + room, 4001)[1:]
    first = value("polynomial", found[0], grid)
    wider = np.linspace(0.0, float(first.max()) * (1.0 + 0.99 * room), 4001)[1:]
    assert value("polynomial", found[1], wider).min() > 0.0
