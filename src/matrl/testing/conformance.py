"""Whether an update does on matrices, in numbers and in counts what its definition says.

Register an update in :data:`matrl.iterations.UPDATES`, then call :func:`check_update` for every
root index it supports; :func:`catalogue_entries` lists everything that is registered.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import DTypeLike

from matrl.backends.numpy import numpy_backend
from matrl.backends.protocol import Backend, MatrixNorms
from matrl.core.function import MatrixFunction
from matrl.core.plan import StepRecord
from matrl.core.program import Program, evaluate
from matrl.functions import FUNCTIONS
from matrl.iterations import UPDATES, DirectMethod, Update, trace_schedule
from matrl.iterations.schedule import DIRECT, check_schedule, form_of
from matrl.readings.count import count
from matrl.readings.dense import run
from matrl.readings.scalar import ScalarReading, apply_update, image

__all__ = ["CountingBackend", "Entry", "catalogue_entries", "check_entry", "check_update"]

Precision = Literal["float32", "float64"]

N = 40
CONDITION = 100.0
DENSE_FACTOR = 8.0
"""Largest error of a dense run allowed, in units n eps cond of the largest eigenvalue of f(A)."""
SCALAR_FACTOR = 16.0
"""Largest disagreement of two scalar evaluations allowed, in units eps cond."""
RANGES = ((0.01, 1.0), (0.1, 1.0), (0.5, 1.2), (0.99, 1.01))
GRID = 20001
PRECISIONS: tuple[tuple[Precision, Precision], ...] = (
    ("float64", "float64"),
    ("float32", "float32"),
    ("float64", "float32"),
)
"""Pairs of a schedule's dtype and the precision of its steps."""

Position = Literal["first", "later", "direct"]


@dataclass(frozen=True)
class Entry:
    """One thing the catalogue can do: an update at a place of a schedule for a function.

    ``position``: ``"first"`` in a schedule, ``"later"`` in it, or ``"direct"`` for a direct method,
    which is all of a schedule.
    """

    function: MatrixFunction
    update: Update | DirectMethod
    position: Position

    @property
    def form(self) -> str:
        """Name of the form that carries the update out there."""
        if isinstance(self.update, DirectMethod):
            return DIRECT
        return form_of(self.update, self.function.carries, self.position == "first")

    def __str__(self) -> str:
        return f"{self.function.name}/{self.update.name}/{self.position} ({self.form})"


class CountingBackend:
    """Hands every kernel on to another backend and counts it under its names in a price list.

    ``counts`` has the keys of :func:`matrl.readings.count.count`: (operation, dtype).
    """

    def __init__(self, backend: Backend = numpy_backend) -> None:
        self._backend = backend
        self.counts: Counter[tuple[str, str]] = Counter()

    def _note(self, out: Any, *names: str) -> None:
        for name in names:
            self.counts[name, str(out.dtype)] += 1

    def empty(self, shape: tuple[int, ...], dtype: DTypeLike) -> Any:
        """Count nothing."""
        return self._backend.empty(shape, dtype)

    def symmetrize(self, out: Any) -> None:
        """Count a pass."""
        self._note(out, "add")
        self._backend.symmetrize(out)

    def cholesky(self, out: Any, x: Any) -> bool:
        """Count nothing, for no program factorises without inverting."""
        return self._backend.cholesky(out, x)

    def solve_triangular(self, factor: Any, b: Any, transpose: bool) -> Any:
        """Count nothing, for no program solves."""
        return self._backend.solve_triangular(factor, b, transpose)

    def norms(self, x: Any) -> MatrixNorms:
        """Count nothing."""
        return self._backend.norms(x)

    def asymmetry(self, x: Any) -> float:
        """Count nothing."""
        return self._backend.asymmetry(x)

    def is_finite(self, x: Any) -> bool:
        """Count nothing."""
        return self._backend.is_finite(x)

    def linear(
        self, out: Any, coefficients: Sequence[float], arrays: Sequence[Any], shift: float
    ) -> None:
        """Count one pass for the first two terms and one for each further term."""
        self._note(out, *["add"] * max(len(arrays) - 1, 1))
        self._backend.linear(out, coefficients, arrays, shift)

    def matmul(self, out: Any, x: Any, y: Any) -> None:
        """Count a product."""
        self._note(out, "matmul")
        self._backend.matmul(out, x, y)

    def matmul_hermitian(self, out: Any, x: Any, y: Any) -> None:
        """Count a Hermitian product."""
        self._note(out, "matmul_herm")
        self._backend.matmul_hermitian(out, x, y)

    def matmul_averaged(self, out: Any, x: Any, y: Any) -> None:
        """Count a product and the pass that averages it."""
        self._note(out, "matmul", "add")
        self._backend.matmul_averaged(out, x, y)

    def inverse_spd(self, out: Any, x: Any) -> None:
        """Count an inverse."""
        self._note(out, "inv_spd")
        self._backend.inverse_spd(out, x)

    def spectral_function(self, out: Any, x: Any, function: Callable[[Any], Any]) -> None:
        """Count an eigendecomposition and a Hermitian product."""
        self._note(out, "eigh", "matmul_herm")
        self._backend.spectral_function(out, x, function)

    def cast(self, out: Any, x: Any) -> None:
        """Count a cast."""
        self._note(out, "cast")
        self._backend.cast(out, x)


def catalogue_entries() -> tuple[Entry, ...]:
    """Return every (function, update, position) of the registries, in their order.

    >>> len(catalogue_entries()) == len(set(map(str, catalogue_entries())))
    True
    """
    return tuple(entry for update in UPDATES for entry in _entries_of(update))


def _entries_of(update: Update | DirectMethod) -> Iterator[Entry]:
    for function in FUNCTIONS:
        if isinstance(update, DirectMethod):
            if update.supports(function):
                yield Entry(function, update, "direct")
        elif update.supports(function.root_index):
            yield Entry(function, update, "first")
            yield Entry(function, update, "later")


def check_update(
    update: Update | DirectMethod, root_index: int, *, order: int | None = None
) -> None:
    """Check an update, registered before, for all functions of a root index.

    ``order`` is its order of convergence near 1, which is measured unless ``None``. Raises
    ``AssertionError`` naming the entry and what failed.

    >>> check_update(UPDATES.get("series-3"), 2, order=2)
    """
    if update.name not in UPDATES or UPDATES.get(update.name) is not update:
        raise AssertionError(f"{update.name}: register the update in matrl.iterations.UPDATES")
    entries = [e for e in _entries_of(update) if e.function.root_index == root_index]
    if not entries:
        raise AssertionError(f"{update.name}: no function of root index {root_index} can use it")
    for entry in entries:
        check_entry(entry, order=order)


def check_entry(entry: Entry, *, order: int | None = None) -> None:
    """Check one entry: dense against scalar reading, counts, image, registers, order.

    ``order`` is as for :func:`check_update`. Raises ``AssertionError`` naming the entry.
    """
    update, k = entry.update, entry.function.root_index
    if isinstance(update, DirectMethod):
        program = trace_schedule(
            entry.function, [StepRecord(update.name, DIRECT, "float64")], "float64"
        )
        (value,) = evaluate(program, ScalarReading(), {"A": _spectrum()})
        error = float(np.abs(value / _spectrum() ** entry.function.exponent - 1.0).max())
        _require(error <= 1e-14, entry, f"computes another function, off by {error:.3g}")
        for dtype, precision in PRECISIONS:
            _check_runs(entry, [StepRecord(update.name, DIRECT, precision)], dtype)
        return
    coefficients = update.coefficients(k, 0.1, 1.0)
    _require(
        len(coefficients) == update.coefficient_count(k),
        entry,
        f"has {len(coefficients)} coefficients and announces {update.coefficient_count(k)}",
    )
    for lower, upper in RANGES:
        _check_image(entry, update, lower ** (1.0 / k), upper ** (1.0 / k))
    for length in (1, 2) if entry.position == "first" else (2, 3):
        for dtype, precision in PRECISIONS:
            steps, x = _schedule(entry, update, length, precision)
            if precision == dtype == "float64":
                _check_registers(entry, steps, x)
            _check_runs(entry, steps, dtype)
    if order is not None:
        _check_order(entry, update, order)


def _require(condition: Any, entry: Entry, message: str) -> None:
    if not condition:
        raise AssertionError(f"{entry}: {message}")


def _spectrum() -> np.ndarray:
    return np.geomspace(1.0 / CONDITION, 1.0, N)


def _schedule(
    entry: Entry, update: Update, length: int, precision: Precision
) -> tuple[list[StepRecord], np.ndarray]:
    """Return a schedule of one update on [1/cond, 1], and x after it for the spectrum."""
    k = entry.function.root_index
    lower, upper = CONDITION ** (-1.0 / k), 1.0
    x = _spectrum() ** (1.0 / k)
    steps = []
    for index in range(length):
        coefficients = tuple(update.coefficients(k, lower, upper))
        form = form_of(update, entry.function.carries, index == 0)
        # One averaged product among the mirrored ones, for both kernels to be seen.
        product = "averaged" if index == 1 else "mirrored"
        steps.append(StepRecord(update.name, form, precision, coefficients, product))
        x = apply_update(update, k, coefficients, x)
        lower, upper = image(update, k, coefficients, lower, upper)
    return steps, x


def _check_registers(entry: Entry, steps: list[StepRecord], x: np.ndarray) -> None:
    """Hold the carried register (Z = A^(-1/k) x, Y = A Z) and M = x^k against the maps h."""
    a, function = _spectrum(), entry.function
    program = trace_schedule(function, steps, "float64", with_residual=True)
    carried, residual = evaluate(program, ScalarReading(), {"A": a})
    tolerance = SCALAR_FACTOR * float(np.finfo(np.float64).eps) * CONDITION
    k = function.root_index
    implied = carried * a ** (1.0 / k) if function.carries == "z" else carried * a ** (1.0 / k - 1)
    for name, values, expected in (
        (function.carries.upper(), implied, x),
        ("M", residual, x**k),
    ):
        error = float(np.abs(values - expected).max())
        _require(
            error <= tolerance,
            entry,
            f"{name} after {len(steps)} steps differs by {error:.3g} from what h says, "
            f"more than {tolerance:.3g}",
        )


def _check_runs(entry: Entry, steps: list[StepRecord], dtype: str) -> None:
    """Run the schedule on a conjugated spectrum; hold value and counts against the readings."""
    check_schedule(entry.function, steps)
    program = trace_schedule(entry.function, steps, dtype)
    generator = np.random.default_rng(N)
    vectors, _ = np.linalg.qr(generator.standard_normal((N, N)))
    a = (vectors * _spectrum()) @ vectors.T
    a = np.ascontiguousarray(0.5 * (a + a.T)).astype(dtype)
    value, counts = _run(program, a)
    (scalar,) = evaluate(program, ScalarReading(), {"A": _spectrum()})
    expected = (vectors * scalar) @ vectors.T
    error = float(np.linalg.norm(value - expected, 2)) / float(np.abs(scalar).max())
    eps = max(float(np.finfo(name).eps) for name in (dtype, *(s.precision for s in steps)))
    tolerance = DENSE_FACTOR * N * eps * CONDITION
    what = f"{len(steps)} {steps[-1].precision} steps in {dtype}"
    _require(
        error <= tolerance,
        entry,
        f"{what}: dense and scalar reading differ by {error:.3g}, more than {tolerance:.3g}",
    )
    _require(np.array_equal(value, value.T), entry, f"{what}: the result is not symmetric")
    _require(
        counts == count(program),
        entry,
        f"{what}: counted {dict(count(program))}, executed {dict(counts)}",
    )


def _run(program: Program, a: np.ndarray) -> tuple[np.ndarray, Counter[tuple[str, str]]]:
    backend = CountingBackend()
    out = np.full_like(a, np.nan)
    before = a.copy()
    run(program, a, out, backend=backend)
    if not np.array_equal(a, before):
        raise AssertionError("the dense reading modified its input")
    return out, backend.counts


def _check_image(entry: Entry, update: Update, lower: float, upper: float) -> None:
    """Hold the image of a range, from its ends and critical points, against samples of h."""
    k = entry.function.root_index
    coefficients = tuple(update.coefficients(k, lower, upper))
    least, greatest = image(update, k, coefficients, lower, upper)
    h = apply_update(update, k, coefficients, np.geomspace(lower, upper, GRID))
    rounding = SCALAR_FACTOR * float(np.finfo(np.float64).eps) * (1.0 + _size(coefficients))
    where = f"on [{lower:.3g}, {upper:.3g}]"
    _require(
        float(h.min()) >= least - rounding and float(h.max()) <= greatest + rounding,
        entry,
        f"h takes [{h.min():.17g}, {h.max():.17g}] {where}, beyond its image "
        f"[{least:.17g}, {greatest:.17g}]",
    )
    _require(
        float(h.min()) <= least + 1e-6 and float(h.max()) >= greatest - 1e-6,
        entry,
        f"h takes only [{h.min():.9g}, {h.max():.9g}] {where} of its image "
        f"[{least:.9g}, {greatest:.9g}]",
    )
    points = np.array(update.critical_points(coefficients, k, lower, upper))
    _require(
        np.all((lower <= points) & (points <= upper)), entry, f"critical points leave {where[3:]}"
    )
    if points.size:
        # The slope in log x, by differences wide enough for their rounding.
        step = 1e-5
        rise = apply_update(update, k, coefficients, points * (1.0 + step))
        rise = rise - apply_update(update, k, coefficients, points * (1.0 - step))
        slope = float(np.abs(rise).max()) / (2.0 * step)
        allowed = 1e-6 + rounding / step
        _require(slope <= allowed, entry, f"h has slope {slope:.3g} at a critical point {where}")


def _size(coefficients: Sequence[float]) -> float:
    return float(np.abs(np.asarray(coefficients)).sum())


def _check_order(entry: Entry, update: Update, order: int) -> None:
    """Measure how max |x - 1| shrinks on spectra in [1 - e, 1 + e] as e is halved."""
    k = entry.function.root_index
    # Small enough for the leading term to rule, large enough for it to exceed rounding.
    smaller, errors = max(0.02, 2.0 * 1e-11 ** (1.0 / order)), []
    for distance in (2.0 * smaller, smaller):
        lower, upper = 1.0 - distance, 1.0 + distance
        coefficients = tuple(update.coefficients(k, lower, upper))
        x = apply_update(update, k, coefficients, np.linspace(lower, upper, 101))
        errors.append(float(np.abs(x - 1.0).max()))
    measured = float(np.log2(errors[0] / errors[1]))
    _require(
        abs(measured - order) <= 0.25 + 0.02 * order,
        entry,
        f"converges with order {measured:.2f} near 1, not {order}",
    )
