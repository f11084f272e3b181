"""Figures as text, for tables."""

import math
from typing import Any

__all__ = ["cost", "number"]


def number(value: float | None) -> str:
    """Return a figure as text; what is not there, or infinite, is a dash."""
    return f"{value:.4g}" if value is not None and math.isfinite(value) else "-"


def cost(planner: dict[str, Any]) -> str:
    """Return what a planner found, with a star where it is not proved optimal."""
    return number(planner["cost"]) + ("" if planner["optimal"] else " *")
