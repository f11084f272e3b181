"""Matrix functions, one file each, registered at its foot."""

import sys

from matrl.core.registry import import_all
from matrl.functions.catalogue import FUNCTIONS

import_all(sys.modules[__name__])

__all__ = ["FUNCTIONS"]
