"""Plans: what discovery finds, what is stored, and what runs."""

from typing import Any

import numpy as np

from matrl.core.matrices import as_square
from matrl.core.plan import PlanRecord
from matrl.core.solution import Solution
from matrl.errors import ArtifactError, InputError
from matrl.execute.executor import Executor, Verify
from matrl.functions import FUNCTIONS
from matrl.iterations.schedule import check_schedule

__all__ = ["Plan"]


class Plan(PlanRecord):
    """An algorithm for one matrix function on one domain of spectra.

    Immutable; made by :func:`~matrl.discover` or :meth:`load`; pickles; :meth:`save` writes JSON.
    A plan runs at any size: its shape only set prices and rounding.
    """

    @classmethod
    def from_json(cls, text: str | bytes, source: str = "plan") -> "Plan":
        """Return the plan of a JSON document; its steps must form a schedule.

        Raises :class:`~matrl.errors.ArtifactError` naming ``source`` for anything else.
        """
        plan = super().from_json(text, source)
        try:
            check_schedule(FUNCTIONS.get(plan.function), plan.steps)
        except InputError as error:
            raise ArtifactError(f"{source}: is not a valid plan: {error}") from None
        return plan

    def bind(self, a: Any, *, verify: Verify = "sketch") -> Executor:
        """Return an executor for matrices of the size of ``a``, an (..., n, n) array or n itself.

        Raises :class:`~matrl.errors.InputError` for what is not a square floating-point matrix.
        """
        n = int(a) if isinstance(a, int | np.integer) else as_square(a).shape[-1]
        return Executor(self, n, verify=verify)

    def run(self, a: Any, *, verify: Verify = "sketch", out: np.ndarray | None = None) -> Solution:
        """Return f(a) as a :class:`~matrl.Solution`; see :class:`~matrl.execute.Executor`.

        ``verify``: ``"sketch"`` checks a sketched residual, ``"full"`` proves the error from the
        whole residual, ``"off"`` skips this and the checks of the input. Raises a
        :class:`~matrl.errors.MatrlError` for input outside the plan's domain.
        """
        return self.bind(a, verify=verify)(a, out=out)
