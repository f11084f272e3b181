"""The version of matrl, from its installed metadata."""

from importlib.metadata import PackageNotFoundError, version

__all__ = ["__version__"]

try:
    __version__ = version("matrl")
except PackageNotFoundError:  # a source tree that is not installed
    __version__ = "0+unknown"
