"""Children of a node that have not been tried yet."""

import math

import numpy as np

from matrl.search.environment import Children

__all__ = ["Waiting"]


class Waiting:
    """Children not tried yet, by price plus bound."""

    __slots__ = (
        "actions",
        "bounds",
        "done",
        "first",
        "hints",
        "open",
        "prices",
        "qualities",
        "totals",
    )

    def __init__(self, children: Children) -> None:
        totals = children.prices + children.bounds
        order = np.lexsort((children.qualities, totals))
        order = order[: int(np.isfinite(totals).sum())]
        self.actions = [children.actions[i] for i in order.tolist()]
        self.prices, self.bounds = children.prices[order], children.bounds[order]
        self.done, self.qualities = children.done[order], children.qualities[order]
        self.hints = None if children.hints is None else children.hints[order]
        self.totals = totals[order]
        self.open = np.ones(len(order), dtype=bool)
        self.first = 0

    def least(self) -> float:
        """Return the least price plus bound of those left, infinity if there are none."""
        return float(self.totals[self.first]) if self.first < len(self.totals) else math.inf

    def raise_to(self, total: float) -> None:
        """Take note that none of them can be cheaper."""
        self.totals = np.maximum(self.totals, total)

    def take(self, index: int) -> None:
        """Strike one off."""
        self.open[index] = False
        while self.first < len(self.open) and not self.open[self.first]:
            self.first += 1

    def left(self) -> Children:
        """Return those not tried yet, in order."""
        left = np.flatnonzero(self.open)
        actions = [self.actions[i] for i in left.tolist()]
        return Children(
            actions,
            self.prices[left],
            self.bounds[left],
            self.done[left],
            self.qualities[left],
            hints=None if self.hints is None else self.hints[left],
        )

    def with_more(self, children: Children) -> "Waiting":
        """Return those left and some more."""
        rest = self.left()
        return Waiting(rest.joined(children) if rest.actions else children)
