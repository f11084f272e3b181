"""The registry of matrix functions."""

from matrl.core.function import MatrixFunction
from matrl.core.registry import Registry

__all__ = ["FUNCTIONS"]

FUNCTIONS: Registry[MatrixFunction] = Registry("function")
