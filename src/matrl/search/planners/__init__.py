"""The planners, one file each: in which order the graph of states is explored."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from matrl.search.planners.beam import Beam
from matrl.search.planners.exhaustive import Exhaustive
from matrl.search.planners.mcts import MonteCarlo
from matrl.search.planners.planner import Continuing, Planner, Setting, best_tail, take_ends
from matrl.search.planners.random import RandomWalk

__all__ = ["PLANNERS", "Continuing", "Planner", "Setting", "best_tail", "take_ends"]

PLANNERS: Mapping[str, Callable[[Setting], Planner]] = MappingProxyType(
    {"mcts": MonteCarlo, "exhaustive": Exhaustive, "beam": Beam, "random": RandomWalk}
)
"""Every planner by name."""
