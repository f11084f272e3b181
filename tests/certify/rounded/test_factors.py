"""Factors of errors against perturbed dense operations, and against growth that is known."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from scipy.linalg import polar, solve_continuous_lyapunov, sqrtm

from matrl.certify.rounded.factors import Factors, plus
from matrl.certify.rounded.levels import RoundedValue
from matrl.certify.rounded.reading import RoundingReading, hermitian_part
from matrl.certify.rounded.sizes import Local
from matrl.core.program import Operation

N = 5
GENERATOR = np.random.default_rng(3)
A = np.array([0.3, 0.5, 0.8, 1.3, 2.1])
V = np.linalg.qr(GENERATOR.standard_normal((N, N)))[0]
STEP = 1e-6


def dense(values: np.ndarray) -> np.ndarray:
    """The matrix of these eigenvalues."""
    return (V * values) @ V.T


def perturbed(reading: RoundingReading, values: np.ndarray, *, hermitian: bool) -> RoundedValue:
    """A value with one local error, number 0."""
    crossed = None if hermitian else np.zeros((N, N))
    value = RoundedValue(values, "float64", {}, hermitian)
    return reading.join(value, Local(1.0, 1.0), Factors(np.ones((N, N)), crossed))


def applied(factors: Factors, error: np.ndarray) -> np.ndarray:
    """T o E + S o E* of an error in the standard basis."""
    inside = V.T @ error @ V
    result = factors.direct * inside
    if factors.crossed is not None:
        result = result + factors.crossed * inside.T
    return V @ result @ V.T


def symmetric(x: np.ndarray) -> np.ndarray:
    return 0.5 * (x + x.T)


def root(x: np.ndarray) -> np.ndarray:
    return np.asarray(sqrtm(x))


B = np.sqrt(A) + 0.3
UNARY: Sequence[tuple[Operation, Callable[[np.ndarray], np.ndarray], bool]] = (
    (Operation("inverse", (0,)), np.linalg.inv, True),
    (Operation("spectral", (0,), shift=0.5), root, True),
    (Operation("spectral", (0,), shift=-1.0), np.linalg.inv, True),
    (Operation("polar", (0,)), lambda x: polar(x)[0], False),
    (Operation("symmetrize", (0,)), symmetric, False),
    (Operation("linear", (0,), (2.5,), 1.0), lambda x: 2.5 * x + np.eye(N), False),
)
BINARY: Sequence[tuple[Operation, Callable[[np.ndarray, np.ndarray], np.ndarray]]] = (
    (Operation("matmul", (0, 1), product="general"), lambda x, y: x @ y),
    (Operation("matmul", (0, 1), product="averaged"), lambda x, y: symmetric(x @ y)),
    (Operation("gram", (0, 1), product="averaged"), lambda x, y: symmetric(x.T @ y)),
    (Operation("outer", (0, 1), product="averaged"), lambda x, y: symmetric(x @ y.T)),
    (
        Operation("lyapunov", (0, 1)),
        lambda x, y: solve_continuous_lyapunov(symmetric(x), symmetric(y)),
    ),
)


@pytest.mark.parametrize(
    ("op", "function", "hermitian"), UNARY, ids=lambda x: getattr(x, "kind", "")
)
def test_one_operand(op, function, hermitian):
    error = GENERATOR.standard_normal((N, N))
    error = symmetric(error) if hermitian else error
    reading = RoundingReading(N, N, 6.0, count=N)
    operand = perturbed(reading, A, hermitian=hermitian)
    method = getattr(reading, op.kind)
    value = method(op, [operand] if op.kind == "linear" else operand)
    change = (function(dense(A) + STEP * error) - function(dense(A) - STEP * error)) / (2 * STEP)
    assert np.abs(applied(value.errors[0], error) - change).max() < 1e-7
    assert np.abs(dense(value.values) - function(dense(A))).max() < 1e-12


@pytest.mark.parametrize(("op", "function"), BINARY, ids=lambda x: getattr(x, "kind", ""))
@pytest.mark.parametrize("place", [0, 1])
def test_two_operands(op, function, place):
    error = GENERATOR.standard_normal((N, N))
    hermitian = op.kind == "lyapunov"
    error = symmetric(error) if hermitian else error
    reading = RoundingReading(N, N, 6.0, count=N)
    operands = [RoundedValue.exact(A, "float64"), RoundedValue.exact(B, "float64")]
    operands[place] = perturbed(reading, operands[place].values, hermitian=hermitian)
    value = getattr(reading, op.kind)(op, *operands)

    def at(step: float) -> np.ndarray:
        matrices = [dense(A), dense(B)]
        matrices[place] = matrices[place] + step * error
        return function(*matrices)

    change = (at(STEP) - at(-STEP)) / (2 * STEP)
    assert np.abs(applied(value.errors[0], error) - change).max() < 1e-7
    assert np.abs(dense(value.values) - at(0.0)).max() < 1e-12


M = 8
LEFT = np.linalg.qr(GENERATOR.standard_normal((M, M)))[0]
TALL_OPERATIONS: Sequence[tuple[Operation, Callable[[np.ndarray], np.ndarray]]] = (
    (Operation("matmul", (0, 1), product="general", shape="tall"), lambda x: x @ dense(B)),
    (Operation("polar", (0,), shape="tall"), lambda x: polar(x)[0]),
    (Operation("cast", (0,), dtype="float64", shape="tall"), lambda x: 1.0 * x),
    (Operation("gram", (0, 0), product="averaged"), lambda x: x.T @ x),
)


def tall_with_error(reading: RoundingReading) -> RoundedValue:
    """An m x n value with one local error, number 0."""
    value = RoundedValue.exact(A, "float64", tall=True)
    factors = Factors(np.ones((N, N)), np.zeros((N, N)), np.ones(N))
    return reading.join(value, Local(1.0, 1.0), factors)


@pytest.mark.parametrize(("op", "function"), TALL_OPERATIONS, ids=lambda x: getattr(x, "kind", ""))
def test_tall_operands(op, function):
    reading = RoundingReading(N, M, 6.0, count=N)
    operand = tall_with_error(reading)
    others = {"matmul": (RoundedValue.exact(B, "float64"),), "gram": (operand,)}.get(op.kind, ())
    value = getattr(reading, op.kind)(op, operand, *others)
    x, error = (LEFT[:, :N] * A) @ V.T, GENERATOR.standard_normal((M, N))
    change = (function(x + STEP * error) - function(x - STEP * error)) / (2 * STEP)
    factors, inside = value.errors[0], LEFT.T @ error @ V
    assert factors.crossed is not None
    top = factors.direct * inside[:N] + factors.crossed * inside[:N].T
    if op.kind == "gram":
        assert factors.rows is None
        assert np.abs(V @ top @ V.T - change).max() < 1e-7
        return
    assert factors.rows is not None
    seen = LEFT.T @ change @ V
    assert np.abs(top - seen[:N]).max() < 1e-7
    assert np.abs(inside[N:] * factors.rows - seen[N:]).max() < 1e-7


def test_mirrored_outer_products_of_tall_operands():
    # A U* of the left polar factor, of which the lower triangle is mirrored.
    op = Operation("outer", (0, 1), shape="large")
    reading = RoundingReading(N, M, 6.0, count=N)
    exact = RoundedValue.exact(B, "float64", tall=True)
    value = reading.outer(op, exact, tall_with_error(reading))
    norm = reading.level(value).bound  # the product's own error is far below
    x = (LEFT[:, :N] * B) @ V.T
    ratios = []
    for _ in range(200):
        # All of it, or all of it outside the range.
        inside = GENERATOR.standard_normal((M, N))
        inside[: N * (len(ratios) % 2)] = 0.0
        error = LEFT @ inside @ V.T
        product = x @ error.T
        mirrored = np.tril(product) + np.tril(product, -1).T
        ratios.append(np.linalg.norm(mirrored) / np.linalg.norm(error))
    assert 0.1 * norm < max(ratios) <= norm


def test_the_norm_is_attained_and_never_exceeded():
    for hermitian in (True, False):
        t, s, w = GENERATOR.standard_normal((3, N, N))
        w = np.abs(w)
        factors = Factors(t, None if hermitian else s)
        ratios = []
        for i in range(N):
            for j in range(i + 1, N):
                # All errors in the entries (i, j) and (j, i), on a circle.
                for angle in np.linspace(0.0, np.pi, 721):
                    error = np.zeros((N, N))
                    error[i, j], error[j, i] = np.cos(angle), np.sin(angle)
                    if hermitian:
                        error[j, i] = error[i, j] = 1.0
                    out = t * error + (0.0 if hermitian else s * error.T)
                    ratios.append(np.linalg.norm(w * out) / np.linalg.norm(error))
        diagonal = np.abs(np.diagonal(t if hermitian else t + s) * np.diagonal(w)).max()
        largest = max(max(ratios), diagonal)
        norm = factors.norm(w)
        # On the diagonal a general error stands for two eigenvalues at one node.
        assert largest <= norm * (1 + 1e-12)
        free = np.hypot(np.diagonal(t), np.diagonal(s)) if not hermitian else 0.0
        both = (np.abs(np.diagonal(t)) + np.abs(np.diagonal(s))) * np.diagonal(w)
        assert norm <= max(largest * (1 + 1e-4), float(np.max(both)), float(np.max(free)))


def test_mirroring_keeps_the_norm_of_the_skew_part():
    x = GENERATOR.standard_normal((N, N))
    skew = 0.5 * (x - x.T)
    lower = np.tril(skew, -1)
    assert np.linalg.norm(lower + lower.T) == pytest.approx(np.linalg.norm(skew), rel=1e-14)
    reading = RoundingReading(N, N, 6.0)
    left = perturbed(reading, A, hermitian=True)
    product = reading.matmul(Operation("matmul", (0, 1)), left, RoundedValue.exact(B, "float64"))
    expected = 0.5 * np.abs(B[:, None] - B).max()
    # The Hermitian part by its factors, the skew part as an error of the product's own.
    alone = reading.level(product).bound - hermitian_level(left, B)
    own = reading.sizes.product(A, B, "float64", inner=N, doubled=True).bound
    assert alone == pytest.approx(expected + own * (1 + 1.0 / A.max()), rel=1e-9)


def hermitian_level(value: RoundedValue, y: np.ndarray) -> float:
    errors = {s: one.times(1.0, y) for s, one in value.errors.items()}
    return hermitian_part(errors)[0].norm()


def test_an_anchored_step_for_the_inverse_square_root_grows_as_is_known():
    # Z <- Z (3 I - Z A Z)/2 with the Hermitian part of the result: an error between eigenvalues of
    # ratio rho^2 becomes |(sqrt(rho) - 1/sqrt(rho))^2/4| times as large in every step.
    a = np.geomspace(1e-4, 1.0, 24)
    z = a**-0.5
    q = len(a)
    reading = RoundingReading(q, q, 6.0, count=q)
    exact = RoundedValue.exact(a, "float64")
    value = reading.join(RoundedValue(z, "float64"), Local(1.0, 1.0), Factors(np.ones((q, q))))
    rho = np.sqrt(a[:, None] / a)
    growth = np.abs(0.25 * (np.sqrt(rho) - 1.0 / np.sqrt(rho)) ** 2)
    general, averaged = (Operation("matmul", (0, 1), product=p) for p in ("general", "averaged"))
    levels = [1.0]
    for step in range(1, 4):
        t = reading.matmul(general, value, reading.matmul(general, exact, value))
        p = reading.linear(Operation("linear", (0,), (-0.5,), 1.5), [t])
        value = reading.matmul(averaged, value, p)
        factors = value.errors[0]
        assert np.allclose(np.abs(factors.direct), growth**step, rtol=1e-8, atol=1e-8)
        levels.append(factors.norm())
    worst = 0.25 * (10.0 - 0.1) ** 2 / 1.0
    assert growth.max() == pytest.approx(24.5025) == pytest.approx(worst)
    assert levels[-1] == pytest.approx(worst**3, rel=1e-6)


def test_sums_are_source_by_source():
    one, other = Factors(np.eye(2)), Factors(np.ones((2, 2)), rows=np.array([1.0, 2.0]))
    sums = plus((2.0, {0: one, 1: other}), (-1.0, {1: other}), (1.0, {0: other}))
    assert np.array_equal(sums[0].direct, 2.0 * np.eye(2) + 1.0)
    assert np.array_equal(sums[1].direct, np.ones((2, 2)))
    assert sums[1].rows is not None
    assert np.array_equal(sums[1].rows, np.array([1.0, 2.0]))
