"""Which precisions steps may work in: half ones only where a profile prices them."""

from collections.abc import Sequence

from matrl.backends.libraries import Library
from matrl.core.precision import (
    FULL_PRECISIONS,
    HALF_PRECISIONS,
    PRECISIONS,
    is_complex,
    is_half,
    precision_of,
    working_dtype,
)
from matrl.errors import InputError
from matrl.profile import Profile, measurable_dtypes

__all__ = ["check_precisions", "precisions_of", "usable_precisions"]

PRODUCTS = ("matmul", "matmul_herm", "gram")


def precisions_of(precision: str | Sequence[str] | None) -> tuple[str, ...]:
    """Return the precisions steps may work in, in the order named; all of them for ``None``.

    :class:`~matrl.errors.InputError` for what is none.

    >>> precisions_of("bfloat16, float32")
    ('bfloat16', 'float32')
    """
    if precision is None:
        return PRECISIONS
    parts = precision.split(",") if isinstance(precision, str) else [str(one) for one in precision]
    names = tuple(precision_of(part.strip()) for part in parts if part.strip())
    if not names or any(name not in PRECISIONS for name in names):
        raise InputError(f"precision: must be among {', '.join(PRECISIONS)}, got {precision!r}")
    return names


def check_precisions(
    precisions: Sequence[str],
    dtype: str,
    profile: Profile | None,
    library: Library | None = None,
) -> None:
    """Raise :class:`~matrl.errors.InputError` for precisions asked for that have no use.

    >>> check_precisions(["float32"], "complex64", None)
    """
    usable = usable_precisions(precisions, dtype, profile, library)
    useless = next((name for name in precisions if name not in usable), None)
    if useless is None:
        return
    if library is not None and not is_half(useless):
        raise InputError(
            f"precision: {library.name} has no {useless} as it is set; {library.widened}, or leave "
            "it out"
        )
    if is_complex(dtype):
        raise InputError(
            f"precision: {useless} is for real matrices, not for {dtype}; use "
            f"{' or '.join(FULL_PRECISIONS)}"
        )
    if profile is None:
        raise InputError(
            f"precision: NumPy only emulates {useless}, which has no price; plan for tensors "
            "(library='torch'), give a profile that prices it, or leave it out"
        )
    raise InputError(
        f"precision: the profile {profile.name!r} has no price for products in {useless}; add "
        f"matmul and add in {useless} to it, or leave it out"
    )


def usable_precisions(
    precisions: Sequence[str],
    dtype: str,
    profile: Profile | None,
    library: Library | None = None,
) -> tuple[str, ...]:
    """Return the precisions without those that the library (NumPy if None) does not have.

    Half precisions need products in the profile; without one, kernels of the library that can be
    measured. Complex matrices have none.

    >>> usable_precisions(PRECISIONS, "float64", None)
    ('float32', 'float64')
    """
    if is_complex(dtype):
        precisions = [name for name in precisions if not is_half(name)]
    usable = set(measurable_dtypes(library))
    if profile is not None:
        priced = {entry.dtype for entry in profile.entries if entry.op in PRODUCTS}
        usable = {name for name in usable if not is_half(name)} | priced & set(HALF_PRECISIONS)
    return tuple(name for name in precisions if working_dtype(name, dtype) in usable)
