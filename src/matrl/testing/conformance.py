"""The conformance check: what an entry of the catalogue must satisfy, for third parties too.

Register an update in :data:`matrl.iterations.UPDATES` or a form in
:data:`matrl.iterations.FORMS`, then call :func:`check_update`, or :func:`check_entry` for each of
:func:`matrl.iterations.entries.catalogue_entries`.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from matrl.core.function import MatrixFunction
from matrl.core.plan import StepRecord
from matrl.core.precision import Dtype, Precision, is_complex
from matrl.core.program import Program, evaluate
from matrl.execute.arguments import output_shapes
from matrl.functions import FUNCTIONS
from matrl.iterations import UPDATES, DirectMethod, Update, trace_schedule
from matrl.iterations.entries import Entry, catalogue_entries, schedule_structure
from matrl.iterations.schedule import check_schedule
from matrl.iterations.update import some_range
from matrl.readings.count import count
from matrl.readings.dense import run
from matrl.readings.scalar import ScalarReading, apply_update, image
from matrl.testing.counting import CountingBackend

__all__ = ["check_entry", "check_map", "check_update"]

N = 24
TALL_M = 31
CONDITION = 100.0
DENSE_FACTOR = 8.0
"""Largest error of a dense run allowed, in units n eps cond of the largest |f(a)|."""
SCALAR_FACTOR = 16.0
"""Largest disagreement of two scalar evaluations allowed, in units eps cond."""
RANGES = ((0.01, 1.0), (0.1, 1.0), (0.5, 1.2), (0.99, 1.01))
GRID = 20001
SCALED = 0.75
"""A factor no range is special under."""
HIGH_ORDER = 9
LARGE = 8
"""Root index beyond which ranges and steps are given in x^k, not in x."""
RUNS: tuple[tuple[Dtype, Precision], ...] = (
    ("float64", "float64"),
    ("float32", "float32"),
    ("complex128", "float64"),
    ("complex64", "float32"),
    ("float64", "float32"),
)
"""Pairs of a schedule's dtype and the precision of its steps."""


def check_update(
    update: Update | DirectMethod, root_index: int, *, order: int | None = None
) -> None:
    """Check an update, registered before, for all functions of a root index.

    Where none is registered, for the root and the inverse root. ``order`` is its order of
    convergence near 1; ``None`` stands for what the update says. Raises ``AssertionError`` naming
    the entry and what failed.

    >>> check_update(UPDATES.get("series-3"), 2)
    """
    if update not in (*UPDATES, *UPDATES.on_demand(root_index)):
        raise AssertionError(f"{update.name}: register the update in matrl.iterations.UPDATES")
    functions = [f for f in FUNCTIONS if f.root_index == root_index]
    if not functions and root_index > 2:
        functions = [FUNCTIONS.get(f"{name}({root_index})") for name in ("root", "invroot")]
    entries = catalogue_entries(functions, [update])
    if not entries:
        raise AssertionError(f"{update.name}: no function of root index {root_index} can use it")
    if not isinstance(update, DirectMethod):
        check_map(update, root_index, order=order)
    for entry in entries:
        check_entry(entry)


def check_map(update: Update, root_index: int, *, order: int | None = None) -> None:
    """Check the scalar map of an update: its coefficients, image, critical points and order."""
    where = f"{update.name} (k = {root_index})"
    given = len(update.coefficients(root_index, *some_range(root_index)))
    announced = update.coefficient_count(root_index)
    _require(given == announced, where, f"has {given} coefficients and announces {announced}")
    for lower, upper in RANGES:
        ends = lower ** (1 / root_index), upper ** (1 / root_index)
        _check_image(where, update, root_index, *ends)
    _check_order(where, update, root_index, order or update.order(root_index))


def check_entry(entry: Entry) -> None:
    """Check an entry as the last step of a schedule: dense runs, counts, registers.

    Raises ``AssertionError`` naming the entry.
    """
    for dtype, precision in RUNS:
        steps, x = _schedule(entry, precision)
        if precision == dtype == "float64" and not isinstance(entry.update, DirectMethod):
            _check_registers(entry, steps, x)
        _check_runs(entry, steps, dtype)


def _require(condition: Any, where: object, message: str) -> None:
    if not condition:
        raise AssertionError(f"{where}: {message}")


def _spectrum(function: MatrixFunction) -> np.ndarray:
    """Return eigenvalues, of both signs for the sign function, or singular values."""
    moduli = np.geomspace(1.0 / CONDITION, 1.0, N)
    signs = np.where(np.arange(N) % 3 == 1, -1.0, 1.0)
    return moduli * signs if function.structure == "hermitian" else moduli


def _schedule(entry: Entry, precision: Precision) -> tuple[list[StepRecord], np.ndarray]:
    """Return a schedule on the spectrum that ends with the entry, and x after it.

    The steps before the last work in float32 too where that is the precision; one averaged product
    is among the mirrored ones, for both kernels to be seen.
    """
    function, k = entry.function, entry.function.root_index
    x = function.iterate(np.abs(_spectrum(function)))
    lower, upper = float(x.min()), float(x.max())
    steps: list[StepRecord] = []
    for name, form in schedule_structure(entry):
        update = UPDATES.get(name)
        if isinstance(update, DirectMethod):
            steps.append(StepRecord(name, form, precision))
            continue
        coefficients = tuple(update.coefficients(k, lower, upper))
        product = "averaged" if len(steps) == 1 else "mirrored"
        steps.append(StepRecord(name, form, precision, coefficients, product))
        x = apply_update(update, k, coefficients, x)
        lower, upper = image(update, k, coefficients, lower, upper)
    return steps, x


def _check_registers(entry: Entry, steps: list[StepRecord], x: np.ndarray) -> None:
    """Hold the outputs (f(a) x^j) and M (x^k) against the maps h."""
    a, function = _spectrum(entry.function), entry.function
    program = trace_schedule(function, steps, "float64", with_residual=True)
    values = evaluate(program, ScalarReading(), {"A": a})
    # Poles lie out to m of about k, where sums of partial fractions cancel the more.
    growth = max(1.0, function.root_index / LARGE)
    tolerance = SCALAR_FACTOR * float(np.finfo(np.float64).eps) * CONDITION * growth
    names = [*function.outputs, "M"][: len(values)]
    for index, (name, value) in enumerate(zip(names, values, strict=True)):
        if name == "M":
            implied = value - x**function.root_index
        else:
            exact = np.sign(a) if function.carries == "x" and index == 0 else None
            scale = np.abs(a) ** function.exponents[index] if exact is None else exact
            implied = value / scale - x**function.multiplicity
        error = float(np.abs(implied).max())
        _require(
            error <= tolerance,
            entry,
            f"{name} after {len(steps)} steps differs by {error:.3g} from what h says, "
            f"more than {tolerance:.3g}",
        )


def _matrix(function: MatrixFunction, dtype: Dtype) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return (A, left vectors, right vectors) with the spectrum, m x n for polar factors."""
    generator = np.random.default_rng(N)
    m = TALL_M if function.structure == "rectangular" else N

    def orthonormal(rows: int) -> np.ndarray:
        a = generator.standard_normal((rows, N))
        if is_complex(dtype):
            a = a + 1j * generator.standard_normal((rows, N))
        return np.linalg.qr(a)[0]

    right = orthonormal(N)
    left = orthonormal(m) if function.structure == "rectangular" else right
    a = (left * _spectrum(function)) @ right.conj().T
    if function.structure != "rectangular":
        a = 0.5 * (a + a.conj().T)
    return np.ascontiguousarray(a.astype(dtype)), left, right


def _check_runs(entry: Entry, steps: list[StepRecord], dtype: Dtype) -> None:
    """Run the schedule on a conjugated spectrum; hold values and counts against the readings."""
    function = entry.function
    check_schedule(function, steps)
    program = trace_schedule(function, steps, dtype)
    a, left, right = _matrix(function, dtype)
    values, counts = _run(program, a, function)
    scalars = evaluate(program, ScalarReading(), {"A": _spectrum(function)})
    eps = max(float(np.finfo(name).eps) for name in (dtype, *(s.precision for s in steps)))
    tolerance = DENSE_FACTOR * N * eps * CONDITION
    what = f"{len(steps)} {steps[-1].precision} steps in {dtype}"
    bases = {"": (left, right), "right": (right, right), "left": (left, left)}
    for index, (value, scalar) in enumerate(zip(values, scalars, strict=True)):
        one, other = bases[function.factor if index else ""]
        expected = (one * scalar) @ other.conj().T
        error = float(np.linalg.norm(value - expected, 2)) / float(np.abs(scalar).max())
        _require(
            error <= tolerance,
            entry,
            f"{what}: dense and scalar reading differ by {error:.3g}, more than {tolerance:.3g}",
        )
        hermitian = function.structure != "rectangular" or index > 0
        exact = not hermitian or np.array_equal(value, value.conj().T)
        _require(exact, entry, f"{what}: the result is not exactly Hermitian")
    _require(
        counts == count(program),
        entry,
        f"{what}: counted {dict(count(program))}, executed {dict(counts)}",
    )


def _run(
    program: Program, a: np.ndarray, function: MatrixFunction
) -> tuple[list[np.ndarray], Counter[tuple[str, str]]]:
    backend = CountingBackend()
    outs = [np.full(shape, np.nan, a.dtype) for shape in output_shapes(function, a.shape)]
    before = a.copy()
    run(program, a, outs, backend=backend)
    if not np.array_equal(a, before):
        raise AssertionError("the dense reading modified its input")
    return outs, backend.counts


def _check_oscillation(
    where: str, update: Update, k: int, ends: tuple[float, float], found: tuple[float, float]
) -> None:
    """Hold the image against what is said of it: [1 - E, 1 + E], E as for any multiple."""
    gap = 0.5 * (found[1] - found[0])
    centre = 0.5 * (found[0] + found[1])
    _require(abs(centre - 1.0) <= 1e-9, where, f"the image is about {centre:.17g} and not about 1")
    other = SCALED * ends[0], SCALED * ends[1]
    least, greatest = image(update, k, tuple(update.coefficients(k, *other)), *other)
    close = abs(0.5 * (greatest - least) - gap) <= 1e-9 * (1.0 + gap)
    _require(close, where, f"E is {gap:.17g}, but {0.5 * (greatest - least):.17g} after scaling")


def _check_image(where: str, update: Update, k: int, lower: float, upper: float) -> None:
    """Hold the image of a range, from its ends and critical points, against samples of h."""
    coefficients = tuple(update.coefficients(k, lower, upper))
    least, greatest = image(update, k, coefficients, lower, upper)
    h = apply_update(update, k, coefficients, np.geomspace(lower, upper, GRID))
    rounding = SCALAR_FACTOR * float(np.finfo(np.float64).eps) * (1.0 + _size(coefficients))
    where = f"{where} on [{lower:.3g}, {upper:.3g}]"
    if update.equioscillates:
        _check_oscillation(where, update, k, (lower, upper), (least, greatest))
    _require(
        float(h.min()) >= least - rounding and float(h.max()) <= greatest + rounding,
        where,
        f"h takes [{h.min():.17g}, {h.max():.17g}], beyond its image "
        f"[{least:.17g}, {greatest:.17g}]",
    )
    _require(
        float(h.min()) <= least + 1e-6 and float(h.max()) >= greatest - 1e-6,
        where,
        f"h takes only [{h.min():.9g}, {h.max():.9g}] of its image [{least:.9g}, {greatest:.9g}]",
    )
    points = np.array(update.critical_points(coefficients, k, lower, upper))
    _require(
        np.all((lower <= points) & (points <= upper)), where, "critical points leave the range"
    )
    if points.size:
        # The slope in log x, by differences wide enough for their rounding.
        step = 1e-5 * min(1.0, LARGE / k)
        rise = apply_update(update, k, coefficients, points * (1.0 + step))
        rise = rise - apply_update(update, k, coefficients, points * (1.0 - step))
        slope = float(np.abs(rise).max()) / (2.0 * step)
        allowed = 1e-6 + rounding / step
        _require(slope <= allowed, where, f"h has slope {slope:.3g} at a critical point")


def _size(coefficients: Sequence[float]) -> float:
    return float(np.abs(np.asarray(coefficients)).sum())


def _check_order(where: str, update: Update, k: int, order: int) -> None:
    """Measure how max |x - 1| shrinks on spectra in [1 - e, 1 + e] as e is halved."""
    # Small enough for the leading term to rule, large enough for it to exceed rounding. What
    # counts is the range of x^k, for large k.
    smaller, errors = max(0.02, 2.0 * 1e-11 ** (1.0 / order)), []
    if k > LARGE:
        smaller *= (7.0 if order >= HIGH_ORDER else 5.0) / k
    for distance in (2.0 * smaller, smaller):
        lower, upper = 1.0 - distance, 1.0 + distance
        coefficients = tuple(update.coefficients(k, lower, upper))
        x = apply_update(update, k, coefficients, np.linspace(lower, upper, 101))
        errors.append(float(np.abs(x - 1.0).max()))
    measured = float(np.log2(errors[0] / errors[1]))
    below = above = 0.25 + 0.02 * order
    if order >= HIGH_ORDER:
        # Errors drown in rounding before the leading term rules; they still tell it from the next
        # order below.
        below, above = 0.25 + 0.05 * order, 0.5 * order
    _require(
        -below <= measured - order <= above,
        where,
        f"converges with order {measured:.2f} near 1, not {order}",
    )
