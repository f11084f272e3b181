"""The functions there are, and that their data fit together."""

import pytest

from matrl.errors import UnknownNameError
from matrl.functions import FUNCTIONS


def test_the_functions() -> None:
    assert {(f.name, f.root_index, f.exponent, f.carries) for f in FUNCTIONS} == {
        ("inv", 1, -1.0, "z"),
        ("sqrt", 2, 0.5, "y"),
        ("invsqrt", 2, -0.5, "z"),
    }


@pytest.mark.parametrize("name", ["inv", "sqrt", "invsqrt"])
def test_the_carried_matrix_is_the_function(name: str) -> None:
    """Z is A^(-1/k) and Y is A Z."""
    function = FUNCTIONS.get(name)
    z = -1.0 / function.root_index
    assert function.exponent == (z if function.carries == "z" else 1.0 + z)
    assert function.description


def test_others_are_unknown() -> None:
    with pytest.raises(UnknownNameError, match="function: there is no 'log'; choose one of: inv"):
        FUNCTIONS.get("log")
