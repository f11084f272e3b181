"""Discovery against an independent uniform-cost search over ranges, with hand-written prices."""

import heapq
import itertools
import json
import math
from typing import Any

import numpy as np
import pytest

from matrl import Problem, Profile, Spectrum, discover
from matrl.coefficients import (
    dynamically_weighted_halley,
    minimax_coefficients,
    newton_scaling,
    series_coefficients,
    zolotarev,
)

N = 512
SLACK = 1.0 + 8 * N * 2.0**-52
PRICES = {
    "cpu": {"matmul": 1.0, "matmul_herm": 0.7, "inv_spd": 0.9, "eigh": 9.0, "add": 0.0},
    "dear inverse": {"matmul": 1.0, "matmul_herm": 0.6, "inv_spd": 2.5, "eigh": 30.0, "add": 0.0},
    "products only": {"matmul": 1.0, "add": 0.0},
}


def profile(prices):
    ops = [
        {"op": op, "dtype": "float64", "n": N, "batch": 1, "seconds": seconds}
        for op, seconds in prices.items()
    ]
    return Profile.from_json(json.dumps({"schema": 1, "name": "unit", "ops": ops}))


def polynomial(coefficients, k):
    return lambda x: x * sum(c * x ** (k * i) for i, c in enumerate(coefficients))


def rational(fractions):
    pairs = list(zip(fractions.weights, fractions.shifts, strict=True))
    return lambda x: x * (fractions.constant + sum(w / (x * x + s) for w, s in pairs))


def updates(k, lower, upper, prices):
    """Yield (map, price of p, extra price of a first Y, of M after a first Y, of M otherwise)."""
    product = min(prices.get("matmul_herm", math.inf), prices["matmul"])
    inverse = prices.get("inv_spd", math.inf)
    evaluation = {0: 0, 1: 0, 2: 1, 3: 2, 4: 2, 5: 3, 6: 3, 7: 4, 8: 4}
    wide = upper * SLACK
    for degree in range(1, 9 if k == 1 else 5):
        price = evaluation[degree] * product
        h = polynomial(minimax_coefficients(k, degree, lower, wide), k)
        yield "polynomial", h, price, product, (k - 1) * product, k * product
        scale = 1.0 / wide if wide < 1.0 else 1.0
        taylor = series_coefficients(k, degree)
        h = polynomial([c * scale ** (1 + k * i) for i, c in enumerate(taylor)], k)
        yield "polynomial", h, price, product, (k - 1) * product, k * product
    if k == 2 and math.isfinite(inverse):
        mu, centre = newton_scaling(lower, upper)
        yield (
            "newton",
            lambda x: centre * (mu * x + 1 / (mu * x)) / 2,
            inverse,
            -inverse,
            inverse,
            0.0,
        )
        halley = rational(dynamically_weighted_halley(lower, upper))
        yield "rational", halley, inverse, 0.0, product, product
        for poles in range(1, 9):
            h = rational(zolotarev(lower, upper, poles))
            yield "rational", h, poles * inverse, 0.0, product, product


def reference(function, kappa, tol, prices):
    """Return the least cost, by uniform-cost search over ranges of x."""
    k, carries = (1, "z") if function == "inv" else (2, "y" if function == "sqrt" else "z")
    product = min(prices.get("matmul_herm", math.inf), prices["matmul"])
    best = prices.get("eigh", math.inf) + product
    if function == "inv":
        best = min(best, prices.get("inv_spd", math.inf))
    order = itertools.count()
    queue: list[Any] = [(0.0, next(order), (kappa ** (-1.0 / k), 1.0), None, False)]
    seen = {}
    while queue:
        cost, _, (lower, upper), pending, overshoots = heapq.heappop(queue)
        if cost >= best:
            return best
        if pending is not None and max(1 - lower, upper - 1) <= tol:
            return cost
        key = (f"{math.log(lower):.7f}", f"{math.log(upper):.7f}", pending, overshoots)
        if key in seen:
            continue
        seen[key] = cost
        grid = np.geomspace(lower, upper, 1500)
        for kind, h, price_p, price_y, price_m_of_y, price_m in updates(k, lower, upper, prices):
            if kind == "polynomial" and overshoots:
                continue  # Newton sends what lies below the domain far above it
            values = h(grid)
            low, high = float(values.min()), float(values.max())
            if low <= 0 or not low / high > (1 + 1e-6) * lower / upper:
                continue
            paid, later = price_p, price_m
            if pending is not None:
                paid += pending + product
            elif carries == "y":
                # Y = A p(A): the product m p is shared with M, or additions give it; after a
                # Newton step Y needs no inverse at all, only M does.
                paid, later = price_p + price_y, price_m_of_y
            heapq.heappush(
                queue,
                (cost + paid, next(order), (low, high), later, overshoots or kind == "newton"),
            )
    return best


@pytest.mark.parametrize("table", PRICES)
@pytest.mark.parametrize("function", ["invsqrt", "inv", "sqrt"])
@pytest.mark.parametrize(("kappa", "tol"), [(10, 1e-2), (100, 1e-4), (100, 1e-6), (1e4, 1e-4)])
def test_cost_equals_the_exhaustive_reference(table, function, kappa, tol):
    prices = PRICES[table]
    if function == "inv" and table == "products only" and kappa > 100:
        pytest.skip("a quarter of a minute; the smaller conditions cover it")
    problem = Problem(function, Spectrum.interval(1 / kappa, 1), tol=tol, shape=(N, N))
    found = discover(problem, profile=profile(prices), time_limit=60)
    assert found.optimal
    assert found.cost == pytest.approx(reference(function, kappa, tol, prices), rel=1e-9)
    assert found.error <= tol


def solve(allow="*", function="invsqrt", kappa=100.0, tol=1e-4, **options):
    problem = Problem(function, Spectrum.interval(1 / kappa, 1), tol=tol, shape=(N, N))
    return discover(problem, profile=profile(PRICES["cpu"]), allow=allow, **options)


def test_two_one_pole_steps_at_condition_100_and_tolerance_1e_4():
    found, of_one_pole = solve(), solve("zolotarev-1")
    assert [step.name for step in of_one_pole.plan.steps] == ["zolotarev-1"] * 2
    # Two poles and a cubic step cost the same.
    assert found.cost == pytest.approx(of_one_pole.cost, rel=1e-12)
    assert found.optimal
    assert len(found.plan.steps) == 2


def test_one_pole_then_degree_9_at_tolerance_1e_6():
    names = [step.name for step in solve(tol=1e-6).plan.steps]
    assert names[0] in {"zolotarev-1", "halley"}
    assert names[1:] == ["minimax-9"]


def test_minimax_5_is_the_greedy_composition():
    found = solve("minimax-5", kappa=1e6, tol=1e-10)
    lower, upper = 1e-3, 1.0
    for step in found.plan.steps:
        h = polynomial(minimax_coefficients(2, 2, lower, upper), 2)
        lower = h(lower)
        upper = 2 - lower
        assert step.error == pytest.approx(1 - lower, rel=1e-6, abs=1e-12)


def test_at_most_so_many_steps():
    assert len(solve("minimax-*", tol=1e-6).plan.steps) > 2
    assert len(solve("zolotarev-*", tol=1e-6, steps=1).plan.steps) == 1


def test_same_seed_and_nodes_same_plan():
    first, second = (solve(kappa=1e5, tol=1e-9, seed=3, nodes=900) for _ in range(2))
    assert first.plan.steps == second.plan.steps
    assert first.nodes == second.nodes
