"""What a planner reports while it works."""

from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Callback", "Progress"]


@dataclass(frozen=True)
class Progress:
    """A snapshot: best cost so far and its error, nodes, seconds spent and seconds left."""

    cost: float
    error: float
    nodes: int
    seconds: float
    seconds_left: float

    @property
    def nodes_per_second(self) -> float:
        """Simulated steps per second so far."""
        return self.nodes / self.seconds if self.seconds > 0.0 else 0.0


Callback = Callable[[Progress], None]
