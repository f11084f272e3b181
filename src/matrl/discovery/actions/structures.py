"""The cheapest way to carry out given updates one after the other."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from matrl.discovery.actions.action_list import ActionList
from matrl.discovery.states.pricing import SchedulePricer
from matrl.discovery.states.state import Action

__all__ = ["cheapest_forms"]

Ways = dict[Action | None, tuple[float, tuple[Action, ...]]]


def cheapest_forms(
    steps: Sequence[Action],
    first: ActionList,
    usual: Mapping[str, ActionList],
    pricer: SchedulePricer,
) -> tuple[tuple[Action, ...], float] | None:
    """Return the same updates, precisions and products in the cheapest forms, with their cost.

    ``first`` are the actions open at the start and ``usual`` those after each form. ``None`` where
    no forms can carry the steps out one after the other, or one has no price. The price of a step
    depends on the step before only, so the cheapest way to each form of each step is kept.
    """
    ways: Ways = {None: (0.0, ())}
    for index, action in enumerate(steps):
        further: Ways = {}
        for previous, (cost, path) in ways.items():
            open_ = first if previous is None else usual[previous.form]
            for one in open_.actions:
                if (one.name, one.precision) != (action.name, action.precision):
                    continue
                step = replace(one, product=action.product) if index else one
                before = previous.structure if previous else None
                total = cost + pricer.step_price(step.structure, before, index == 1)
                if total < further.get(step, (math.inf, ()))[0]:
                    further[step] = total, (*path, step)
        ways = further
    if not ways or not steps:
        return None
    cost, path = min(ways.values(), key=lambda way: way[0])
    return path, cost
