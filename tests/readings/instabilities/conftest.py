"""How a case is decided."""

from collections.abc import Callable

import pytest


def _check(measured: float, predicted: float, tol: float, works: bool) -> None:
    # The table is right: nothing lies within a factor 10 of its threshold.
    assert measured < tol / 10.0 if works else measured > 10.0 * tol
    assert (predicted <= tol) is works


@pytest.fixture(scope="session")
def check() -> Callable[[float, float, float, bool], None]:
    """Return an assertion on a measured error, a predicted one, their threshold and the truth."""
    return _check
