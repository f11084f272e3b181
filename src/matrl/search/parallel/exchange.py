"""Who searches how far, and when the least cost known is told to the others."""

import math
from typing import Protocol

from matrl.search.limits import Reason
from matrl.search.parallel.messages import Order
from matrl.search.parallel.team import Member, Team

__all__ = ["TURN", "AtOnce", "Exchange", "InRounds"]

TURN = 0.1
"""Seconds a worker searches before it reports, if it finds no better plan."""
LEAST_GRANT = 16
FIRST_ROUND = 256
ROUND_GROWTH = 1.25
"""Early on improvements come fast, and later ones matter less than waiting for one another."""


class Exchange(Protocol):
    """Decides about orders."""

    def order(self, member: Member, team: Team) -> Order | None:
        """Return what an idle worker is to do next; ``None`` while it has to wait."""
        ...

    def over(self, team: Team) -> Reason | None:
        """Return why the search is over, if it is, but for limits of time."""
        ...


def proved(team: Team) -> Reason | None:
    """Return what a proof means for the search: the plan is optimal, or there is none."""
    if team.is_proved:
        return "optimal" if math.isfinite(team.cost) else "exhausted"
    return "exhausted" if all(member.state == "ended" for member in team.living) else None


class AtOnce:
    """Every worker hears of the least cost with its next turn; steps are granted as they come."""

    def order(self, member: Member, team: Team) -> Order | None:
        """Grant a share of the steps left: small shares at last, so that all end together."""
        if math.isinf(team.limits.nodes):
            return Order(TURN, math.inf, team.cost)
        taken = sum(max(m.target, m.nodes) if m.state == "busy" else m.nodes for m in team.members)
        if taken < team.limits.nodes:
            grant = self._share(team.limits.nodes - taken, team)
            return Order(TURN, member.nodes + grant, team.cost)
        if taken >= team.most_nodes:
            return None
        # Only until there is a plan.
        return Order(TURN, member.nodes, team.cost, self._share(team.most_nodes - taken, team))

    def _share(self, left: float, team: Team) -> float:
        return min(max(LEAST_GRANT, math.ceil(left / (2 * len(team.living)))), left)

    def over(self, team: Team) -> Reason | None:
        """One proof is enough."""
        return proved(team) or ("nodes" if team.nodes >= team.most_nodes else None)


class InRounds:
    """All workers search up to the same number of steps, then hear of the least cost.

    So what each of them does depends on seeds and counts alone, whatever the timing.
    """

    def __init__(self) -> None:
        self._round = float(FIRST_ROUND)
        self._grace = 0
        self._heard = math.inf

    def order(self, member: Member, team: Team) -> Order | None:
        """Search on to the end of the round, which may take several turns."""
        target = self._target(member, team)
        return Order(TURN, target, self._heard) if member.nodes < target else None

    def over(self, team: Team) -> Reason | None:
        """Nothing is decided before all have come to the end of the round."""
        if any(
            member.state in ("starting", "busy")
            or (member.state == "idle" and member.nodes < self._target(member, team))
            for member in team.members
        ):
            return None
        self._heard = team.cost
        return proved(team) or self._next_round(team)

    def _next_round(self, team: Team) -> Reason | None:
        going_on = [member for member in team.living if member.state == "idle"]
        if all(member.nodes >= self._share(member, team) for member in going_on):
            if math.isfinite(team.cost) or self._grace or not team.limits.grace:
                return "nodes"
            self._grace = team.limits.grace
        while all(member.nodes >= self._target(member, team) for member in going_on):
            self._round *= ROUND_GROWTH
        return None

    def _target(self, member: Member, team: Team) -> float:
        return min(math.ceil(self._round), self._share(member, team))

    def _share(self, member: Member, team: Team) -> float:
        """Return how many steps a worker may take: no other gets what a lost one leaves."""
        most, size = team.limits.nodes + self._grace, len(team.members)
        return most if math.isinf(most) else most // size + (member.index < most % size)
