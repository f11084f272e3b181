"""Taylor coefficients of the inverse root."""

import pytest

from matrl.coefficients import series_coefficients
from matrl.errors import InputError


@pytest.mark.parametrize(
    ("root_index", "degree", "expected"),
    [
        (1, 0, (1.0,)),
        (1, 1, (2.0, -1.0)),
        (1, 2, (3.0, -3.0, 1.0)),
        (2, 1, (1.5, -0.5)),
        (2, 2, (15 / 8, -10 / 8, 3 / 8)),
        (3, 1, (4 / 3, -1 / 3)),
        (4, 2, (45 / 32, -18 / 32, 5 / 32)),
    ],
)
def test_known_values(root_index: int, degree: int, expected: tuple[float, ...]) -> None:
    assert series_coefficients(root_index, degree) == expected


@pytest.mark.parametrize("root_index", range(1, 9))
@pytest.mark.parametrize("degree", range(9))
def test_error_vanishes_to_order_degree_plus_one(root_index: int, degree: int) -> None:
    coefficients = series_coefficients(root_index, degree)
    distance = 1e-2
    m = 1.0 + distance
    value = sum(c * m**i for i, c in enumerate(coefficients))
    rounding = 4e-16 * sum(abs(c) * m**i for i, c in enumerate(coefficients))
    assert abs(value - m ** (-1.0 / root_index)) <= distance ** (degree + 1) + rounding


@pytest.mark.parametrize(
    ("root_index", "degree", "name"),
    [(0, 1, "root_index"), (2, -1, "degree"), (2.0, 1, "root_index"), (2, "x", "degree")],
)
def test_bad_input_names_the_argument(root_index: int, degree: int, name: str) -> None:
    with pytest.raises(InputError, match=f"^{name} is .*pass an integer at least"):
        series_coefficients(root_index, degree)
