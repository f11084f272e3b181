"""Discovery: from a problem to a plan."""

from matrl.discovery.discover import Found, discover
from matrl.discovery.problem.problem import Problem

__all__ = ["Found", "Problem", "discover"]
