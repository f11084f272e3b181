"""Reading the arguments of a discovery."""

from collections.abc import Sequence

from matrl.core.precision import FULL_PRECISIONS
from matrl.discovery.problem.problem import Problem
from matrl.errors import InputError, UnknownNameError
from matrl.iterations import UPDATES, DirectMethod, Update, can_meet_zero
from matrl.search import PLANNERS

__all__ = ["allowed_updates", "check_goal", "check_limits"]


def check_limits(
    steps: int | None,
    time_limit: float,
    nodes: int | None,
    seed: int,
    planner: str = "mcts",
    expected_calls: float | None = None,
) -> None:
    """Raise :class:`~matrl.errors.InputError` for limits that make no sense."""
    if steps is not None and (not isinstance(steps, int) or steps < 1):
        raise InputError(f"steps: must be an integer >= 1, got {steps!r}")
    if not time_limit > 0.0:
        raise InputError(f"time_limit: must be a positive number of seconds, got {time_limit!r}")
    if nodes is not None and (not isinstance(nodes, int) or nodes < 1):
        raise InputError(f"nodes: must be an integer >= 1, got {nodes!r}")
    if not isinstance(seed, int) or seed < 0:
        raise InputError(f"seed: must be an integer >= 0, got {seed!r}")
    if planner not in PLANNERS:
        raise UnknownNameError(
            f"planner: there is no {planner!r}; choose one of: {', '.join(PLANNERS)}"
        )
    if expected_calls is not None and not expected_calls > 0.0:
        raise InputError(f"expected_calls: must be a positive number, got {expected_calls!r}")


def check_goal(
    minimize: str,
    budget: float | None,
    steps: int | None,
    expected_calls: float | None = None,
) -> None:
    """Raise :class:`~matrl.errors.InputError` for a goal that is none."""
    if minimize not in ("cost", "error"):
        raise InputError(f"minimize: must be 'cost' or 'error', got {minimize!r}")
    if budget is not None and not budget > 0.0:
        raise InputError(f"budget: must be a positive cost, got {budget!r}")
    if minimize == "error" and budget is None and steps is None:
        raise InputError("minimize: 'error' needs a budget or a largest number of steps")
    if minimize == "cost" and budget is not None:
        raise InputError("budget: is for minimize='error'; a tolerance is what limits the cost")
    if minimize == "error" and expected_calls is not None:
        raise InputError(
            "expected_calls: is for minimize='cost', where a better plan saves time at every call; "
            "leave it out, or limit the search by time_limit or nodes"
        )


def _names(value: str | Sequence[str]) -> tuple[str, ...]:
    parts = value.split(",") if isinstance(value, str) else [str(part) for part in value]
    return tuple(part.strip() for part in parts if part.strip())


def allowed_updates(problem: Problem, allow: str | Sequence[str]) -> list[Update | DirectMethod]:
    """Return the actions that match the patterns and compute the problem's function."""
    function = problem.matrix_function
    matching = UPDATES.matching(_names(allow), UPDATES.on_demand(function.root_index))
    fitting = [
        update
        for update in matching
        if (
            update.supports(function)
            if isinstance(update, DirectMethod)
            else update.supports(function.root_index)
        )
    ]
    if not fitting:
        raise InputError(
            f"allow: none of the actions matching {allow!r} computes {function.name}; allow "
            "iterations such as 'minimax-*', or 'eigh' ('svd' for polar factors)"
        )
    if not problem.spectrum.zeros:
        return fitting
    meeting = [u for u in fitting if any(can_meet_zero(u, name) for name in FULL_PRECISIONS)]
    if not meeting:
        raise InputError(
            f"allow: all of the actions matching {allow!r} have a pole at 0, but some samples are "
            "0; allow polynomials or odd rational maps, such as 'minimax-*' or 'zolotarev-[1-4]'"
        )
    return meeting
