"""Planners: they know an environment (states, actions, prices) and nothing of matrices."""

from matrl.search.environment import Environment
from matrl.search.mcts import SearchResult, search
from matrl.search.progress import Progress

__all__ = ["Environment", "Progress", "SearchResult", "search"]
