"""Running f(A) B: a plan pulled through a block of vectors, and judged by what it does to some."""

from matrl.execute.applied.arguments import as_block
from matrl.execute.applied.run import apply_plan

__all__ = ["apply_plan", "as_block"]
