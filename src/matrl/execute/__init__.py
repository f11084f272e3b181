"""Running plans: checks before, the schedule, the guard after."""

from matrl.execute.executor import Executor

__all__ = ["Executor"]
