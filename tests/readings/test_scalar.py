"""The scalar reading, images of ranges, and which maps are safe."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matrl.core.program import evaluate
from matrl.core.tracing import Graph
from matrl.iterations import UPDATES, DirectMethod, Update
from matrl.readings.scalar import (
    ScalarReading,
    apply_update,
    image,
    is_positive,
    multiplier_program,
)


def update_named(name: str) -> Update:
    update = UPDATES.get(name)
    assert not isinstance(update, DirectMethod)
    return update


def updates(root_index: int) -> list[Update]:
    return [u for u in UPDATES if not isinstance(u, DirectMethod) and u.supports(root_index)]


def test_every_operation_acts_on_each_eigenvalue() -> None:
    graph = Graph()
    a = graph.input("A", "float64")
    program = graph.program(2 * a + 1, a @ a, a.inverse(), a.power(-0.5), a.cast("float32"))
    x = np.array([0.25, 1.0, 4.0])
    values = evaluate(program, ScalarReading(), {"A": x})
    for value, expected in zip(values, (2 * x + 1, x * x, 1 / x, x**-0.5, x), strict=True):
        assert np.array_equal(value, expected)


def test_the_identity_alone_is_one_number() -> None:
    graph = Graph()
    (value,) = evaluate(graph.program(3.0 * graph.identity("float64")), ScalarReading(), {})
    assert value.shape == ()
    assert value == 3.0


def test_maps_of_newton_schulz() -> None:
    x = np.linspace(0.1, 1.5, 15)
    assert np.allclose(
        apply_update(update_named("series-3"), 2, (1.5, -0.5), x), 1.5 * x - 0.5 * x**3, rtol=1e-15
    )
    assert np.allclose(apply_update(update_named("series-2"), 1, (2.0, -1.0), x), x * (2 - x),
                       rtol=1e-15)  # fmt: skip
    assert np.allclose(
        apply_update(update_named("newton"), 2, (2.0, 0.5), x), 0.25 * (2 * x + 0.5 / x), rtol=1e-15
    )


def test_programs_of_multipliers_are_kept() -> None:
    update = update_named("series-3")
    assert multiplier_program(update, 2, (1.5, -0.5)) is multiplier_program(update, 2, (1.5, -0.5))


def test_images_include_inner_extrema() -> None:
    # h = 1.5 x - 0.5 x^3 has its maximum 1 at x = 1.
    series = update_named("series-3")
    least, greatest = image(series, 2, (1.5, -0.5), 0.5, 1.2)
    assert least == 1.5 * 0.5 - 0.5 * 0.125
    assert abs(greatest - 1.0) <= 1e-15
    # h = (x + 1/x)/2 has its minimum there.
    assert image(update_named("newton"), 2, (1.0, 1.0), 0.5, 2.0) == (1.0, 1.25)
    assert image(update_named("newton"), 2, (1.0, 1.0), 2.0, 4.0) == (1.25, 2.125)


@given(st.floats(1e-4, 0.9), st.integers(0, 1))
def test_minimax_images_are_symmetric_about_one(lower: float, parity: int) -> None:
    k = 1 + parity
    for update in updates(k):
        if update.name == "newton" or update.name.startswith(("minimax", "zolotarev")):
            coefficients = tuple(update.coefficients(k, lower, 1.0))
            least, greatest = image(update, k, coefficients, lower, 1.0)
            rounding = 64 * np.finfo(float).eps * (1.0 + float(np.abs(coefficients).sum()))
            assert abs((1.0 - least) - (greatest - 1.0)) <= rounding


@pytest.mark.parametrize("k", [1, 2])
@pytest.mark.parametrize("lower", [1e-4, 1e-2, 0.1, 0.5, 0.9])
def test_every_design_is_positive_on_its_own_range(k: int, lower: float) -> None:
    for update in updates(k):
        for upper in (1.0, 1.2):
            coefficients = tuple(update.coefficients(k, lower, upper))
            assert is_positive(update, k, coefficients, upper), update.name


@pytest.mark.parametrize(
    ("k", "name"), [(1, "minimax-2"), (1, "minimax-4"), (1, "minimax-6"), (1, "minimax-8"),
                    (2, "minimax-3"), (2, "minimax-7")]
)  # fmt: skip
def test_some_minimax_maps_turn_negative_just_above_their_range(k: int, name: str) -> None:
    """Those with p of odd degree fall at the upper end: an eigenvalue above it is lost."""
    update = update_named(name)
    coefficients = tuple(update.coefficients(k, 1e-4, 1.0))
    assert is_positive(update, k, coefficients, 1.0)
    assert not is_positive(update, k, coefficients, 1.05)
    x = np.array([1.0, 1.05])
    assert np.array_equal(apply_update(update, k, coefficients, x) > 0.0, [True, False])
    # Designed up to 1.05 the map is safe there.
    assert is_positive(update, k, tuple(update.coefficients(k, 1e-4, 1.05)), 1.05)


@pytest.mark.parametrize(("k", "name"), [(1, "minimax-3"), (2, "minimax-5"), (2, "minimax-9")])
def test_others_grow_above_it(k: int, name: str) -> None:
    update = update_named(name)
    coefficients = tuple(update.coefficients(k, 1e-4, 1.0))
    assert is_positive(update, k, coefficients, 3.0)


def test_newton_schulz_is_safe_below_the_square_root_of_three() -> None:
    series = update_named("series-3")
    assert is_positive(series, 2, (1.5, -0.5), 1.732)
    assert not is_positive(series, 2, (1.5, -0.5), 1.733)


def test_an_inner_minimum_below_zero_is_found() -> None:
    # h = x (1 - 4.1 m + 4 m^2) is negative around m = 0.51 and positive at both ends.
    update = update_named("minimax-5")
    assert apply_update(update, 2, (1.0, -4.1, 4.0), np.array([1.0]))[0] > 0.0
    assert not is_positive(update, 2, (1.0, -4.1, 4.0), 1.0)
    assert is_positive(update, 2, (1.0, -3.9, 4.0), 1.0)


def test_a_map_that_falls_from_zero_is_not_positive() -> None:
    update = update_named("minimax-3")
    assert not is_positive(update, 2, (0.0, 1.0), 1.0)
    assert not is_positive(update, 2, (-1e-3, 2.0), 1.0)


@pytest.mark.parametrize("name", ["newton", "halley", "zolotarev-1", "zolotarev-6"])
def test_rational_maps_are_positive_everywhere(name: str) -> None:
    update = update_named(name)
    coefficients = tuple(update.coefficients(2, 1e-4, 1.0))
    assert is_positive(update, 2, coefficients, 1e6)
    assert np.all(apply_update(update, 2, coefficients, np.geomspace(1e-8, 1e6, 200)) > 0.0)
    assert not is_positive(update, 2, (*coefficients[:-1], -coefficients[-1]), 1.0)


@pytest.mark.parametrize("k", [1, 2])
def test_positivity_agrees_with_samples(k: int) -> None:
    for update in updates(k):
        if update.kind != "polynomial":
            continue
        for lower in (1e-3, 0.1):
            coefficients = tuple(update.coefficients(k, lower, 1.0))
            for upper in (1.0, 1.05, 1.3, 2.5):
                h = apply_update(update, k, coefficients, np.geomspace(1e-6, upper, 4001))
                assert is_positive(update, k, coefficients, upper) == bool((h > 0.0).all())
