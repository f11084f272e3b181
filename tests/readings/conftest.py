"""Schedules read noisily, step by step as discovery does, and run densely in plain NumPy."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pytest
import scipy.linalg

from matrl.backends.halves import round_to
from matrl.core.function import MatrixFunction
from matrl.core.plan import StepRecord
from matrl.core.precision import is_complex, is_half, precision_of
from matrl.core.program import Operation, Program, evaluate
from matrl.core.safety import slack_of
from matrl.core.tracing import Graph
from matrl.functions import FUNCTIONS
from matrl.iterations import UPDATES, DirectMethod
from matrl.iterations.form import Registers
from matrl.iterations.schedule import advance, input_matrix, outputs, start, trace_schedule
from matrl.readings.noisy import NoisyReading, NoisyValue, compress, rounding_level
from matrl.readings.scalar import ScalarReading, apply_update, image

NODES = 20
REPAIRS = ("anchored", "lyapunov")


class PlainReading:
    """Programs on NumPy arrays, in the precision of each operation."""

    def linear(self, op: Operation, operands: Sequence[np.ndarray]) -> np.ndarray:
        total = np.zeros_like(operands[0])
        for coefficient, operand in zip(op.coefficients, operands, strict=True):
            total += total.dtype.type(coefficient) * operand
        if op.shift:
            total += total.dtype.type(op.shift) * np.eye(len(total), dtype=total.dtype)
        return _held(op, total)

    def matmul(self, op: Operation, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        return _held(op, _as_known(op.product, _held(op, left @ right)))

    def gram(self, op: Operation, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        return _held(op, _as_known(op.product, _held(op, left.conj().T @ right)))

    def outer(self, op: Operation, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        return _held(op, _as_known(op.product, _held(op, left @ right.conj().T)))

    def inverse(self, op: Operation, operand: np.ndarray) -> np.ndarray:
        factor = scipy.linalg.cholesky(operand, lower=True)
        identity = np.eye(len(operand), dtype=operand.dtype)
        lower = scipy.linalg.solve_triangular(factor, identity, lower=True)
        return _as_known("mirrored", lower.conj().T @ lower)

    def spectral(self, op: Operation, operand: np.ndarray) -> np.ndarray:
        # NumPy's eigensolver would compute in float64 whatever the dtype.
        values, vectors = scipy.linalg.eigh(operand, driver="evd")
        if op.label == "sign":
            powers = np.sign(values)
        elif values[0] > np.finfo(values.dtype).eps * values[-1]:
            powers = values**op.shift
        else:
            raise scipy.linalg.LinAlgError("not positive definite")
        return _as_known("mirrored", (vectors * powers.astype(values.dtype)) @ vectors.conj().T)

    def lyapunov(self, op: Operation, coefficient: np.ndarray, right: np.ndarray) -> np.ndarray:
        values, v = scipy.linalg.eigh(coefficient, driver="evd")
        inner = (v.conj().T @ right @ v) / (values[:, None] + values)
        return _as_known("averaged", v @ inner @ v.conj().T)

    def polar(self, op: Operation, operand: np.ndarray) -> np.ndarray:
        left, _, right = scipy.linalg.svd(operand, full_matrices=False)
        return left @ right

    def symmetrize(self, op: Operation, operand: np.ndarray) -> np.ndarray:
        return _held(op, _as_known("averaged", operand))

    def cast(self, op: Operation, operand: np.ndarray) -> np.ndarray:
        return _held(op, operand.astype("float32" if is_half(op.dtype) else op.dtype))


def _held(op: Operation, value: np.ndarray) -> np.ndarray:
    """Return a value as the dtype of the operation holds it; half precisions are emulated."""
    if is_half(op.dtype):
        value = np.array(value, order="C")
        round_to(value, op.dtype)
    return value


def _as_known(product: str, full: np.ndarray) -> np.ndarray:
    if product == "averaged":
        return 0.5 * (full + full.conj().T)
    if product == "mirrored":
        lower = np.tril(full, -1)
        return lower + lower.conj().T + np.diag(np.real(np.diag(full))).astype(full.dtype)
    return full


def refined_eigenpairs(a: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return eigenpairs in extended precision (Ogita & Aishima, doi:10.1007/s13160-018-0310-3)."""
    wide = np.clongdouble if np.iscomplexobj(a) else np.longdouble
    vectors = np.linalg.eigh(a)[1].astype(wide)
    a = a.astype(wide)
    identity = np.eye(len(a))
    values = np.zeros(len(a))
    for _ in range(2):
        r = identity - vectors.conj().T @ vectors
        s = vectors.conj().T @ a @ vectors
        values = (np.diag(s) / (1 - np.diag(r))).real
        gaps = values - values[:, None]
        smallest = 2 * (np.abs(s - np.diag(np.diag(s))).max() + np.abs(r).max())
        near = np.abs(gaps) <= smallest
        correction = np.where(near, 0.5 * r, (s + values * r) / np.where(near, 1.0, gaps))
        vectors = vectors + vectors @ correction
    return values, vectors


def refined_singular_triples(a: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the same for singular values, from the eigenpairs of [[0, A], [A*, 0]]."""
    m, n = a.shape
    both = np.block([[np.zeros((m, m)), a], [a.conj().T, np.zeros((n, n))]])
    values, vectors = refined_eigenpairs(both)
    largest = np.argsort(values)[::-1][:n]
    vectors = vectors[:, largest] * np.sqrt(np.longdouble(2.0))
    return values[largest], vectors[:m], vectors[m:]


@dataclass(frozen=True)
class Run:
    """A program for a function, and matrices to run it on: condition, dtype and size."""

    function: str
    steps: str
    kappa: float
    dtype: str
    n: int = 48
    m: int = 0

    @property
    def rows(self) -> int:
        return self.m or self.n

    @property
    def norm(self) -> Any:
        return "spectral" if FUNCTIONS.get(self.function).carries == "x" else "eigenvalue"

    def __str__(self) -> str:
        steps = self.steps.replace(" ", "+")
        return f"{self.function}:{steps}:{self.kappa:.0e}:{self.dtype}:{self.rows}x{self.n}"


def spectrum(function: MatrixFunction, kappa: float, count: int) -> np.ndarray:
    """Return eigenvalues or singular values from 1/kappa to 1, of either sign for the sign."""
    if function.structure == "hermitian":
        half = np.geomspace(1.0 / kappa, 1.0, count // 2)
        return np.concatenate([-half[::-1], half])
    return np.geomspace(1.0 / kappa, 1.0, count)


def records_of(run: Run) -> tuple[list[StepRecord], list[tuple[float, ...]]]:
    """Read ``update:form[:averaged][@precision][*times]``, words apart; return steps and ranges."""
    function = FUNCTIONS.get(run.function)
    k = function.root_index
    lower, upper = (float(x) for x in function.iterate(np.array([1.0 / run.kappa, 1.0])))
    records, ranges, before = [], [], "float64"
    for word in run.steps.split():
        word, _, times = word.partition("*")
        word, _, precision = word.partition("@")
        name, form, *product = word.split(":")
        update: Any = UPDATES.get(name)
        chosen: Any = precision or precision_of(run.dtype)
        if isinstance(update, DirectMethod):
            return [StepRecord(name, "direct", chosen)], []
        for _ in range(int(times or 1)):
            # What a half precision has pushed out of the range, the step after it still meets.
            slack = max(slack_of(one, run.rows) for one in (chosen, before))
            before = chosen
            top = upper * (1.0 + slack * (update.kind == "polynomial"))
            coefficients = tuple(update.coefficients(k, lower, top))
            new = image(update, k, coefficients, lower, upper)
            ranges.append((lower, upper, new[0]))
            lower, upper = new
            kind: Any = product[0] if product else "mirrored"
            records.append(StepRecord(name, form, chosen, coefficients, kind))
    return records, ranges


@cache
def predicted(run: Run) -> tuple[float, ...]:
    """Return the rounding level of each output, followed step by step."""
    function = FUNCTIONS.get(run.function)
    nodes, weights = spectrum(function, run.kappa, NODES), np.full(NODES, 1.0 / NODES)
    records, ranges = records_of(run)
    a = NoisyValue.exact(nodes, is_hermitian=function.structure != "rectangular")
    if not ranges:
        return predicted_of_program(trace_schedule(function, records, run.dtype), run)
    registers: Any = None
    held: dict[str, NoisyValue] = {}
    x = function.iterate(np.abs(nodes))
    level, levels = 0.0, [0.0]
    for record, (lower, upper, lowest) in zip(records, ranges, strict=True):
        graph = Graph()
        if registers is None:
            registers = start(graph, function, run.dtype, record.precision)
        else:
            registers = _renewed(graph, registers, function, run.dtype)
        registers = advance(registers, record, function)
        names = [name for name, value in registers.live().items() if value.terms]
        live = registers.live()
        program = graph.program(*(live[name] for name in names), *outputs(registers, function))
        sources = max((len(value.errors) for value in held.values()), default=0)
        reading = NoisyReading(run.n, weights, sources, m=run.rows)
        values = evaluate(program, reading, {"A": a, **held})
        held = dict(zip(names, compress(*values[: len(names)]), strict=True))
        update: Any = UPDATES.get(record.name)
        critical = update.critical_points(record.coefficients, function.root_index, lower, upper)
        after = apply_update(update, function.root_index, record.coefficients, x)
        is_beyond = x > min(critical, default=np.inf)
        dips = np.where(is_beyond, np.maximum(after / lowest, 1.0), 1.0)
        x = after
        levels = [
            rounding_level(value, run.n, weights, dips, run.norm) for value in values[len(names) :]
        ]
        # What has dipped once was rounded there, unless a repair forgets it.
        level = levels[0] if record.form in REPAIRS else max(level, levels[0])
        if run.norm == "eigenvalue":
            levels[0] = level
    return tuple(levels)


def _renewed(graph: Graph, registers: Registers, function: MatrixFunction, dtype: str) -> Registers:
    """Return the registers as inputs of a new program."""
    inputs = {
        name: graph.input(name, value.dtype, shape=value.shape, hermitian=value.hermitian)
        if value.terms
        else graph.identity(value.dtype) * value.shift
        for name, value in registers.live().items()
    }
    a = input_matrix(graph, function, dtype, "A")
    return Registers(a, product=registers.product, **inputs)


def predicted_of_program(program: Program, run: Run) -> tuple[float, ...]:
    """Return the rounding levels of a program read in one go."""
    function = FUNCTIONS.get(run.function)
    weights = np.full(NODES, 1.0 / NODES)
    nodes = spectrum(function, run.kappa, NODES)
    a = NoisyValue.exact(nodes, is_hermitian=function.structure != "rectangular")
    values = evaluate(program, NoisyReading(run.n, weights, m=run.rows), {"A": a})
    return tuple(rounding_level(value, run.n, weights, norm=run.norm) for value in values)


@cache
def measured(run: Run) -> tuple[float, ...]:
    """Return the errors of the outputs, geometric means over two conjugations."""
    function = FUNCTIONS.get(run.function)
    program = trace_schedule(function, records_of(run)[0], run.dtype)
    return measured_of_program(program, run)


def measured_of_program(program: Program, run: Run) -> tuple[float, ...]:
    """Run a program against its value in exact arithmetic."""
    errors = [_errors_of_run(program, run, seed) for seed in (0, 1)]
    return tuple(float(x) for x in np.exp(np.mean(np.log(errors), axis=0)))


def matrix(run: Run, seed: int, top: float = 1.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return A = left diag(top * spectrum) right*, rounded to the dtype, and those bases."""
    function = FUNCTIONS.get(run.function)
    generator = np.random.default_rng(seed)

    def unitary(rows: int) -> np.ndarray:
        x = generator.standard_normal((rows, run.n))
        if is_complex(run.dtype):
            x = x + 1j * generator.standard_normal((rows, run.n))
        return np.linalg.qr(x)[0]

    is_tall = function.structure == "rectangular"
    left = unitary(run.rows)
    right = unitary(run.n) if is_tall else left
    a = (left * (top * spectrum(function, run.kappa, run.n))) @ right.conj().T
    a = a if is_tall else 0.5 * (a + a.conj().T)
    return a.astype(run.dtype), left, right


def least_eigenvalue(program: Program, run: Run, top: float) -> float:
    """Run a program; return the least eigenvalue of (left* F right), from the bases of A."""
    a, left, right = matrix(run, 0, top)
    (value,) = evaluate(program, PlainReading(), {"A": a})
    return float(np.real(np.linalg.eigvals(left.conj().T @ value @ right)).min())


def _errors_of_run(program: Program, run: Run, seed: int) -> list[float]:
    function = FUNCTIONS.get(run.function)
    is_tall = function.structure == "rectangular"
    a, left, right = matrix(run, seed)
    try:
        with np.errstate(all="ignore"):
            values = evaluate(program, PlainReading(), {"A": a})
    except (scipy.linalg.LinAlgError, ValueError):  # indefinite, or not finite
        return [np.inf] * len(program.outputs)
    wide = a.astype(np.result_type(a.dtype, np.float64))
    is_double = precision_of(run.dtype) == "float64"
    if is_tall and is_double:
        nodes, left, right = refined_singular_triples(wide)
    elif is_tall:
        left, nodes, right = np.linalg.svd(wide, full_matrices=False)
        right = right.conj().T
    else:
        nodes, left = refined_eigenpairs(wide) if is_double else np.linalg.eigh(wide)
        right = left
    exact = evaluate(program, ScalarReading(), {"A": nodes})
    bases = {"right": (right, right), "left": (left, left)}
    result = []
    for value, f, (rows, columns) in zip(
        values, exact, ((left, right), bases.get(function.factor, (left, right))), strict=False
    ):
        error = value - (rows * f) @ columns.conj().T
        if not np.isfinite(error).all():
            result.append(np.inf)
            continue
        scale = 1.0 / np.abs(f).max()
        if run.norm == "eigenvalue":
            error = rows.conj().T @ error @ columns / np.sqrt(np.abs(np.outer(f, f)))
            error, scale = 0.5 * (error + error.conj().T), 1.0
        # As float64: a norm needs no extended precision.
        error = (error * scale).astype(np.result_type(wide.dtype, np.float64))
        result.append(float(np.linalg.norm(error, 2)))
    return result


class Laboratory:
    """The functions above, for tests."""

    predicted = staticmethod(predicted)
    measured = staticmethod(measured)
    predicted_of_program = staticmethod(predicted_of_program)
    measured_of_program = staticmethod(measured_of_program)
    least_eigenvalue = staticmethod(least_eigenvalue)
    records_of = staticmethod(records_of)
    run = Run


@pytest.fixture(scope="session")
def laboratory() -> Laboratory:
    return Laboratory()
