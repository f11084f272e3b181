"""Measurement of a machine's prices within a budget of wall-clock time."""

from collections.abc import Callable, Iterator, Sequence

from matrl.backends.libraries import Library
from matrl.core.precision import is_half
from matrl.errors import InputError, UnknownNameError
from matrl.profile.fingerprint import machine_description
from matrl.profile.profile import KNOWN_OPERATIONS, OperationTime, Profile
from matrl.profile.session import Session, Task
from matrl.profile.workloads import HALF_OPERATIONS, REAL_DTYPES, check_measurable

__all__ = [
    "Progress",
    "machine_entries",
    "measure",
    "measure_entries",
    "measure_for",
    "measure_machine",
    "measured_shapes",
    "plan_operations",
    "profile_name",
]

# Receives the tasks done, their total number, and what comes next.
Progress = Callable[[int, int, str], None]

_MACHINE_OPERATIONS = tuple(op for op in KNOWN_OPERATIONS if op != "gram")
_MACHINE_SIZES = (64, 128, 256, 512, 1024, 2048)
_PLAN_OPERATIONS = (
    *("add", "cast", "norm", "matvec", "chol"),
    *("matmul", "matmul_herm", "inv_spd", "eigh"),
)
# Needed of m x n matrices as well as of n x n ones, and of m x n matrices only.
_OF_BOTH_SHAPES = frozenset({"matmul", "add", "cast", "norm", "matvec"})
_OF_RECTANGLES = frozenset({"gram", "svd", "qr"})

# Building matrices and a last prediction gone wrong come out of the rest of the budget.
_SHARE = 0.92


def plan_operations(rectangular: bool = False) -> tuple[str, ...]:
    """Return the operations whose prices a plan needs, of matrices that are not square if set.

    >>> plan_operations()[-2:], plan_operations(rectangular=True)[-2:]
    (('inv_spd', 'eigh'), ('gram', 'svd'))
    """
    return (*_PLAN_OPERATIONS, "gram", "svd") if rectangular else _PLAN_OPERATIONS


def measured_shapes(op: str, n: int, rows: int | None = None) -> tuple[tuple[int, int], ...]:
    """Return the (n, m) at which an operation is measured where plans are for rows x n matrices.

    >>> measured_shapes("gram", 8, 24), measured_shapes("matmul", 8, 24), measured_shapes("add", 8)
    (((8, 24),), ((8, 8), (8, 24)), ((8, 8),))
    """
    if rows is None or rows == n or op not in _OF_BOTH_SHAPES | _OF_RECTANGLES:
        return ((n, n),)
    return ((n, rows),) if op in _OF_RECTANGLES else ((n, n), (n, rows))


def measure_entries(
    operations: Sequence[str],
    dtypes: Sequence[str],
    sizes: Sequence[int],
    *,
    batch: int = 1,
    budget: float = 60.0,
    progress: Progress | None = None,
    rows: int | None = None,
    library: Library | None = None,
) -> Iterator[OperationTime]:
    """Yield the prices one by one, cheap ones first, within ``budget`` seconds of wall clock.

    What would overrun is measured at a smaller size or batch, or left out where a smaller size is
    there already; Profile extrapolates. Of ``rows`` x n matrices, if rows is given, are gram, svd
    and qr; matmul (by an n x n matrix), add, cast, norm and matvec are measured of n x n and of
    rows x n ones. What schedules are made of is measured with the kernels of ``library``, NumPy's
    if None; only other libraries have half precisions, in which there are no factorisations.
    InputError for a dtype that cannot be measured, a size, batch or rows below 1 or a budget not
    above 0, UnknownNameError for an operation.
    """
    for op in operations:
        if op not in KNOWN_OPERATIONS:
            raise UnknownNameError(
                f"operations holds {op!r}: use some of {', '.join(KNOWN_OPERATIONS)}"
            )
    check_measurable(dtypes, library)
    if batch < 1 or any(n < 1 for n in sizes):
        raise InputError("sizes or batch holds a number below 1: pass 1 or more")
    if rows is not None and rows < 1:
        raise InputError(f"rows is {rows}: pass 1 or more, or None for square matrices")
    if not budget > 0:
        raise InputError(f"budget is {budget}: pass a positive number of seconds")
    tasks = sorted(
        {
            Task(op, dtype, *shape)
            for op in operations
            for dtype in dtypes
            if op in HALF_OPERATIONS or not is_half(dtype)
            for n in sizes
            for shape in measured_shapes(op, n, rows)
        },
        key=lambda task: (task.cost, task.n, task.m, task.op),
    )
    session = Session(budget, tasks, library)
    for done, task in enumerate(tasks):
        if progress:
            progress(done, len(tasks), str(task))
        entry = session.measure(task, batch)
        if entry is not None:
            yield entry
    if progress:
        progress(len(tasks), len(tasks), "done")


def measure(
    operations: Sequence[str],
    dtypes: Sequence[str],
    sizes: Sequence[int],
    *,
    batch: int = 1,
    budget: float = 60.0,
    progress: Progress | None = None,
    rows: int | None = None,
    library: Library | None = None,
) -> Profile:
    """Return the profile of the operations at the sizes, as ``measure_entries`` measures them."""
    found = measure_entries(
        operations,
        dtypes,
        sizes,
        batch=batch,
        budget=budget,
        progress=progress,
        rows=rows,
        library=library,
    )
    return Profile(profile_name(library), tuple(found))


def profile_name(library: Library | None = None) -> str:
    """Return a readable name for profiles measured here: processor and BLAS threads, or library."""
    description = machine_description()
    kernels = f"{description['blas_threads']} threads" if library is None else library.version
    return f"{description['processor']}, {kernels}"


def machine_entries(
    progress: Progress | None = None,
    budget: float = 60.0,
    dtypes: Sequence[str] = REAL_DTYPES,
    library: Library | None = None,
) -> Iterator[OperationTime]:
    """Yield prices of all operations, for real dtypes if none are given, as time allows.

    n is from 64 to 2048, the matrices square, the kernels those of ``library``, NumPy's if None.
    """
    return measure_entries(
        _MACHINE_OPERATIONS,
        dtypes,
        _MACHINE_SIZES,
        budget=_SHARE * budget,
        progress=progress,
        library=library,
    )


def measure_machine(
    progress: Progress | None = None,
    budget: float = 60.0,
    dtypes: Sequence[str] = REAL_DTYPES,
    library: Library | None = None,
) -> Profile:
    """Return the profile of this machine, as ``machine_entries`` measures it."""
    found = machine_entries(progress, budget, dtypes, library)
    return Profile(profile_name(library), tuple(found))


def measure_for(
    dtypes: Sequence[str],
    n: int,
    batch: int = 1,
    budget: float = 5.0,
    progress: Progress | None = None,
    *,
    rows: int | None = None,
    operations: Sequence[str] | None = None,
    library: Library | None = None,
) -> Profile:
    """Return a profile of what a plan needs at one size and batch, within ``budget`` seconds.

    ``operations`` are those of ``plan_operations`` if None; ``rows``, ``library`` and errors are as
    for ``measure_entries``.

    >>> found = measure_for(["complex64"], 8, rows=24, operations=["gram"])
    >>> [(entry.op, entry.n, entry.m) for entry in found.entries]
    [('gram', 8, 24)]
    """
    return measure(
        plan_operations(rows not in (None, n)) if operations is None else operations,
        dtypes,
        (n,),
        batch=batch,
        budget=_SHARE * budget,
        progress=progress,
        rows=rows,
        library=library,
    )
