"""What a library would not compute in the dtypes of a plan, refused before it is asked to.

JAX takes float32 for float64 unless ``jax_enable_x64`` is set, which may be at any time: what comes
out would have half the digits the plan promises. So this is asked whenever a plan is about to run.
"""

from collections.abc import Iterable

from matrl.backends.libraries import Library
from matrl.core.plan import PlanRecord
from matrl.core.precision import is_half, working_dtype
from matrl.errors import InputError

__all__ = ["check_dtypes"]


def check_dtypes(plan: PlanRecord, dtypes: Iterable[str], library: Library) -> None:
    """Raise :class:`~matrl.errors.InputError` if a library lacks any of the dtypes of a program.

    Half precisions pass: a library that computes in them at all does so however it is set.
    """
    lacking = [d for d in dtypes if d not in library.backend.dtypes and not is_half(d)]
    if lacking:
        raise InputError(
            f"A: the plan computes in {' and '.join(sorted(lacking))}, which {library.name} does "
            f"not as it is set; {library.widened}, or discover a plan for "
            f"{working_dtype('float32', plan.dtype)} with precision='float32'"
        )
