"""Given prices, as the tests of the discovery have them."""

from tests.discovery.conftest import make_profile

__all__ = ["make_profile"]
