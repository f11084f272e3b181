"""The demonstration: whitening patches of photographs, against NumPy and SciPy."""

from matrl.demo.whitening import run_demo

__all__ = ["run_demo"]
