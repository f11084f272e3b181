"""Plans: what discovery finds, what is stored, and what runs."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from matrl.backends.libraries import library_named, library_of
from matrl.certify import (
    Certificate,
    certify_held_out,
    certify_rounding,
    certify_worst_case,
)
from matrl.core.matrices import as_array
from matrl.core.plan import PlanRecord
from matrl.core.solution import Solution
from matrl.errors import ArtifactError, InputError
from matrl.execute.applied import apply_plan
from matrl.execute.executor import Executor, RankDeficient, Verify
from matrl.execute.pure import pure_function
from matrl.functions import FUNCTIONS
from matrl.iterations import UPDATES, can_meet_zero
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
            function = FUNCTIONS.get(plan.function)
            check_schedule(function, plan.steps)
        except InputError as error:
            raise ArtifactError(f"{source}: is not a valid plan: {error}") from None
        if plan.domain.includes_zero and not function.vanishes_at_zero:
            raise ArtifactError(
                f"{source}: is not a valid plan: its domain must not have 0 (lower > 0, not "
                f"has_zero), for {function.name} is not defined at 0"
            )
        if plan.domain.has_zero:
            for step in plan.steps:
                if not can_meet_zero(UPDATES.get(step.name), step.precision):
                    raise ArtifactError(
                        f"{source}: is not a valid plan: its domain has the eigenvalue 0, where "
                        f"{step.name} in {step.precision} fails"
                    )
        if plan.shape[0] != plan.shape[1] and function.structure != "rectangular":
            raise ArtifactError(
                f"{source}: is not a valid plan: {function.name} is for square matrices, its shape "
                f"is {plan.shape}"
            )
        return plan

    def bind(
        self,
        a: Any,
        *,
        verify: Verify = "sketch",
        rank_deficient: RankDeficient = "refuse",
        rank_threshold: float | None = None,
        check_finite: bool = True,
        overwrite_a: bool = False,
    ) -> Executor:
        """Return an executor for the shape of ``a``: an (..., m, n) array, (m, n), or n itself.

        Raises :class:`~matrl.errors.InputError` for what the function has no value of.
        """
        if isinstance(a, int | np.integer):
            shape: Any = int(a)
        elif isinstance(a, tuple):
            shape = tuple(a)  # pyright: ignore[reportUnknownArgumentType]
        elif library_of(a) is None:
            shape = as_array(a).shape[-2:]
        else:
            shape = tuple(a.shape[-2:])
        return Executor(
            self,
            shape,
            verify=verify,
            rank_deficient=rank_deficient,
            rank_threshold=rank_threshold,
            check_finite=check_finite,
            overwrite_a=overwrite_a,
        )

    def run(
        self,
        a: Any,
        *,
        verify: Verify = "sketch",
        rank_deficient: RankDeficient = "refuse",
        rank_threshold: float | None = None,
        check_finite: bool = True,
        overwrite_a: bool = False,
        out: Any = None,
    ) -> Solution:
        """Return f(a) as a :class:`~matrl.Solution`; see :class:`~matrl.execute.Executor`.

        ``a`` is (m, n) or a stack (..., m, n), Hermitian (positive definite for powers) unless a
        polar factor is asked for. ``verify``: ``"sketch"`` checks a sketched residual, ``"full"``
        proves the error from the whole residual, ``"off"`` skips this and the checks of the input.
        ``rank_deficient="pseudo"`` applies f on the range of a singular matrix. Raises a
        :class:`~matrl.errors.MatrlError` for input outside the plan's domain.
        """
        executor = self.bind(
            a,
            verify=verify,
            rank_deficient=rank_deficient,
            rank_threshold=rank_threshold,
            check_finite=check_finite,
            overwrite_a=overwrite_a,
        )
        return executor(a, out=out)

    def apply(self, a: Any, b: Any, *, verify: Verify = "sketch") -> Solution:
        """Return f(A) B as the value of a :class:`~matrl.Solution`, without f(A) where that pays.

        ``a`` is one matrix (m, n), as in :meth:`run`; ``b`` is (n, s) or (n,), of the plan's dtype;
        the value is (m, s) or (m,), of functions with two outputs a pair. By counted operations,
        those of the check included, the schedule's last products become products with B, and
        inverses nothing else needs become solves with a Cholesky factor. ``verify="sketch"`` then
        checks f(A) as an operator on a few random vectors, and B's product against it: residual and
        status are f(A)'s. It claims what it does of a run, but that roots and positive powers are
        not proved positive definite (see :mod:`matrl.execute.applied.judge`). Where forming f(A) is
        cheaper (B has many columns, n is small), where that check fails, and with ``"full"``, the
        plan runs as by :meth:`run` and its value is multiplied. ``"off"`` checks neither A nor B
        nor the result. Raises what :meth:`run` does, :class:`~matrl.errors.InputError` for a B that
        does not fit, and :class:`~matrl.errors.ConvergenceError` for f(A) B out of the dtype's
        range. Source: Higham, *Functions of Matrices*, chapter 13, doi:10.1137/1.9780898717778.

        >>> import numpy as np
        >>> from matrl.core.plan import Domain, Prediction, Scaling, StepRecord
        >>> plan = Plan(
        ...     function="inv",
        ...     dtype="float64",
        ...     shape=(2, 2),
        ...     tol=1e-10,
        ...     norm="eigenvalue",
        ...     domain=Domain(0.1, 8.0, relative=False, proved=True),
        ...     scaling=Scaling("constant", 0.125),
        ...     steps=(StepRecord("cholesky", "direct", "float64"),),
        ...     predicted=Prediction(0.0, 0.0, 0.0, ""),
        ... )
        >>> solution = plan.apply(np.array([[2.0, 1.0], [1.0, 2.0]]), np.array([3.0, 3.0]))
        >>> print(solution.value.round(12), solution.status)
        [1. 1.] converged
        """
        return apply_plan(self, a, b, verify=verify)

    def certify(
        self,
        domain: Sequence[Any] | None = None,
        *,
        held_out: Iterable[np.ndarray] | None = None,
        confidence: float = 0.99,
        balls: bool | None = None,
    ) -> Certificate:
        """Return what is proved of the plan's error, as a :class:`~matrl.certify.Certificate`.

        The worst case, in exact arithmetic, is over the plan's domain, or over ``domain``: a pair
        (lower, upper) or several, of eigenvalues (moduli for sign, singular values for polar
        factors). What rounding adds is bounded for the plan's domain, order and precisions. With
        ``held_out`` matrices (m, n), none of which was used to find the plan, the probability of an
        error above ``tol`` and quantiles of the error are bounded too, at ``confidence``, rounding
        included. ``balls`` is as for :func:`~matrl.certify.certify_worst_case`. Nothing is offered
        for matrices that are not normal. Raises :class:`~matrl.errors.InputError` for a domain or
        matrices that do not fit.

        >>> plan = Plan.load("plan.json")  # doctest: +SKIP
        >>> plan.certify((1e-3, 1.0)).worst_case.bound  # doctest: +SKIP
        """
        statistical = None
        if held_out is not None:
            statistical = certify_held_out(self, held_out, confidence=confidence)
        return Certificate.of(
            self,
            worst_case=certify_worst_case(self, domain, balls=balls),
            rounding=certify_rounding(self),
            statistical=statistical,
        )

    def as_function(self, library: str) -> Callable[[Any], Any]:
        """Return f as a pure function of arrays of ``"jax"`` or ``"torch"``, unchecked.

        It takes arrays (..., m, n) of the plan's dtype, the library's or NumPy's, looks at no value
        and writes nothing: for ``jax.jit`` and ``jax.vmap``, ``torch.compile`` and
        ``torch.func.vmap``, and on whatever device the array is. Scaling and schedule are those of
        a run, and **nothing else is**: a matrix outside the plan's domain gives a wrong value
        without a word, and NaN where a factorisation breaks down. Functions with two outputs return
        a pair. JAX may take subnormal numbers for 0, as XLA does on a CPU.

        Raises :class:`~matrl.errors.InputError` for other libraries, and the function for arrays it
        does not fit, and where any step is in float64 that JAX lacks without ``jax_enable_x64``.

        >>> plan = Plan.load("plan.json")  # doctest: +SKIP
        >>> values = jax.jit(jax.vmap(plan.as_function("jax")))(matrices)  # doctest: +SKIP
        """
        return pure_function(self, library_named(library))
