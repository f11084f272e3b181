"""Given prices, so that plans do not depend on the machine."""

import json
from collections.abc import Callable, Mapping
from types import MappingProxyType

import pytest

from matrl import Profile

PRICES = MappingProxyType(
    {"matmul": 1.0, "matmul_herm": 0.7, "inv_spd": 0.9, "eigh": 9.0, "add": 0.0}
)


def _profile(
    prices: Mapping[str, float] = PRICES, n: int = 512, dtypes: tuple[str, ...] = ("float64",)
) -> Profile:
    ops = [
        {"op": op, "dtype": dtype, "n": n, "batch": 1, "seconds": seconds}
        for op, seconds in prices.items()
        for dtype in dtypes
    ]
    return Profile.from_json(json.dumps({"schema": 1, "name": "unit", "ops": ops}))


@pytest.fixture(scope="session")
def prices() -> Mapping[str, float]:
    """Return the price of each operation, a product being 1."""
    return PRICES


@pytest.fixture(scope="session")
def make_profile() -> Callable[..., Profile]:
    """Return a function of prices (those above by default), an order and dtypes."""
    return _profile
