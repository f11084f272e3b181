"""Scaled domains: what a measure leaves unresolved is negligible, and what is scaled how."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matrl.core.measure import NORMS, Measure, Norm
from matrl.core.safety import SAFETY
from matrl.core.spectrum import Spectrum
from matrl.discovery.problem.domains import ScaledDomain, grid_points, scaled_domains
from matrl.functions import FUNCTIONS

EPS = float(np.finfo(np.float64).eps)
N = 24
FUNCTION = st.sampled_from([f.name for f in FUNCTIONS])
NORM: st.SearchStrategy[Norm] = st.sampled_from(NORMS)
TOLERANCE = st.floats(1e-12, 0.5)


def only_domain(spectrum: Spectrum, measure: Measure, tol: float = 1e-6) -> ScaledDomain:
    (domain,) = scaled_domains(spectrum, measure, N, tol)
    return domain


def matrix(function: str, eigenvalues: np.ndarray, seed: int = 0) -> np.ndarray:
    generator = np.random.default_rng(seed)
    n, entry = len(eigenvalues), FUNCTIONS.get(function)
    right = np.linalg.qr(generator.standard_normal((n, n)))[0]
    if entry.structure == "rectangular":
        left = np.linalg.qr(generator.standard_normal((n + 3, n)))[0]
        return (left * eigenvalues) @ right.T
    signs = np.ones(n)
    signs[::3] = -1.0 if entry.structure == "hermitian" else 1.0
    a = (right * (signs * eigenvalues)) @ right.T
    return 0.5 * (a + a.T)


def check_what_is_unresolved(domain: ScaledDomain, measure: Measure, tol: float, x: float) -> None:
    """Let a schedule be right on [lower, upper] and send all below to some x in [0, 1]."""
    slack = 1.0 + 1e-9
    unresolved = domain.sampled < domain.lower / slack
    values = np.where(unresolved, x, 1.0)
    error = measure.of_points(values, domain.weights, domain.density)
    assert error <= (tol if measure.aggregate == "max" else tol / math.sqrt(2.0)) * slack
    # Nor is more resolved than must be: the least eigenvalue that is, would show if it were lost.
    least = domain.sampled.min()
    if domain.lower > least * slack and domain.lower < domain.sampled.max() / slack:
        lost = np.where(domain.sampled <= domain.lower * slack, 0.0, 1.0)
        error = measure.of_points(lost, domain.weights, domain.density)
        assert error > (tol if measure.aggregate == "max" else tol / math.sqrt(2.0)) / slack
    if not measure.is_weighted:
        assert domain.lower == pytest.approx(least, rel=1e-12)


@given(FUNCTION, NORM, TOLERANCE, st.floats(-12.0, -0.1), st.floats(0.0, 1.0), st.floats(-3, 3))
def test_what_is_unresolved_of_an_interval(
    function: str, norm: Norm, tol: float, decades: float, x: float, size: float
) -> None:
    measure = Measure(norm, FUNCTIONS.get(function))
    upper = 10.0**size
    domain = only_domain(Spectrum.interval(upper * 10.0**decades, upper), measure, tol)
    check_what_is_unresolved(domain, measure, tol, x)


@given(FUNCTION, NORM, TOLERANCE, st.integers(0, 10**6), st.floats(0.1, 12.0), st.floats(0.0, 1.0))
def test_what_is_unresolved_of_samples(
    function: str, norm: Norm, tol: float, seed: int, decades: float, x: float
) -> None:
    generator = np.random.default_rng(seed)
    measure = Measure(norm, FUNCTIONS.get(function))
    first, second = generator.uniform(0.3, 3.0, 2)
    samples = 10.0 ** (-decades * generator.beta(first, second, 30))
    domain = only_domain(Spectrum.samples(samples), measure, tol)
    check_what_is_unresolved(domain, measure, tol, x)
    assert not domain.is_exact
    assert len(domain.sampled) == 30


@given(FUNCTION, NORM, TOLERANCE, st.integers(0, 10**6), st.floats(0.0, 1.0))
@settings(max_examples=40)
def test_what_is_unresolved_of_matrices(
    function: str, norm: Norm, tol: float, seed: int, x: float
) -> None:
    generator = np.random.default_rng(seed)
    measure = Measure(norm, FUNCTIONS.get(function))
    a = matrix(function, 10.0 ** generator.uniform(-4.0, 0.0, N), seed)
    for domain in scaled_domains(Spectrum.of(a), measure, N, tol):
        check_what_is_unresolved(domain, measure, tol, x)


@given(FUNCTION, NORM, st.floats(-6.0, 0.0), st.floats(-3.0, 3.0))
def test_absolute_domains(function: str, norm: Norm, decades: float, size: float) -> None:
    entry = FUNCTIONS.get(function)
    measure = Measure(norm, entry)
    upper = 10.0**size
    lower = upper * 10.0**decades
    for spectrum in (Spectrum.interval(lower, upper), Spectrum.samples([lower, upper])):
        domain = only_domain(spectrum, measure)
        assert domain.scaling.kind == "constant"
        assert (domain.domain.lower, domain.domain.upper) == (lower, upper)
        assert not domain.domain.relative
        # A power of two whose root is one, so that f(A) scales back exactly.
        exponent = math.log2(domain.scaling.factor)
        index = 1 if entry.carries == "x" else entry.root_index
        assert exponent % index == 0
        assert 0.5**index < upper * domain.scaling.factor <= 1.0
        assert domain.domain.proved == (spectrum.kind == "interval")
        safe = 1.0 if domain.domain.proved else SAFETY
        # The moduli themselves where x = a z, the k-th roots of the eigenvalues else.
        scaled = upper * domain.scaling.factor
        x = scaled if entry.carries == "x" else scaled ** (1.0 / entry.root_index)
        assert domain.upper == pytest.approx(safe * x, rel=8 * EPS)
        assert np.sum(domain.density) == pytest.approx(1.0, abs=1e-12)
        assert np.sum(domain.node_density) == pytest.approx(1.0, abs=1e-12)
        assert domain.nodes.max() == pytest.approx(scaled, rel=1e-12)
        assert entry.iterate(domain.nodes).min() >= domain.lower * (1.0 - 1e-12)
        assert domain.is_exact == (spectrum.kind == "interval" and not measure.is_weighted)
        assert domain.matvecs == 0


@pytest.mark.parametrize("function", ["sign", "polar", "polar-right", "polar-left"])
def test_sign_and_polar_factor_iterate_the_modulus(function: str) -> None:
    measure = Measure("eigenvalue", FUNCTIONS.get(function))
    domain = only_domain(Spectrum.interval(1e-3, 1.0), measure)
    assert (domain.lower, domain.upper) == pytest.approx((1e-3, 1.0), rel=8 * EPS)
    a = matrix(function, np.geomspace(1e-3, 1.0, N))
    for domain in scaled_domains(Spectrum.of(a, margin=1.0), measure, N):
        assert domain.lower / domain.sampled.max() >= 0.9e-3 / 8.0
        assert domain.lower == pytest.approx(domain.domain.lower, rel=8 * EPS)


@pytest.mark.parametrize("function", ["sqrt", "root-3", "root-8", "power-2/3", "power-7/8"])
@pytest.mark.parametrize("norm", ["spectral", "frobenius", "residual"])
@pytest.mark.parametrize("tol", [1e-2, 1e-6])
def test_a_lower_end_of_zero(function: str, norm: Norm, tol: float) -> None:
    """The domain keeps it, but coefficients are designed for what shows."""
    measure = Measure(norm, FUNCTIONS.get(function))
    domain = only_domain(Spectrum.interval(0.0, 1.0), measure, tol)
    assert domain.domain.lower == 0.0
    assert domain.lower > 0.0
    assert np.all(np.isfinite(domain.weights))
    if norm == "spectral":
        # |f(a)| = tol at the lower end, but for the spacing of the grid: tol/1000 to 1 in |f|.
        least = float(measure.function.magnitude(measure.function.matrix(np.array(domain.lower))))
        spacing = (1e3 / tol) ** (1.0 / 255.0) * 1.001
        assert tol * (1 - 1e-12) < least <= tol * spacing
    check_what_is_unresolved(domain, measure, tol, 0.0)


@pytest.mark.parametrize("margin", [1.0, 2.0, 1e4])
@pytest.mark.parametrize("function", ["inv", "sqrt", "root-5", "sign", "polar", "sqrt+invsqrt"])
def test_relative_domains(function: str, margin: float) -> None:
    entry = FUNCTIONS.get(function)
    generator = np.random.default_rng(5)
    matrices = [
        scale * matrix(function, np.sort(10.0 ** generator.uniform(-3.0, 0.0, N)), seed)
        for seed, scale in enumerate((1e-5, 1.0, 1e7))
    ]
    spectrum = Spectrum.of(matrices, margin=margin)
    domains = scaled_domains(spectrum, Measure("eigenvalue", entry), N)
    assert {d.scaling.kind for d in domains} >= {"frobenius", "one-norm", "lanczos"}
    for domain in domains:
        moduli = [
            np.linalg.svd(a, compute_uv=False) / _bound(domain, a, entry.structure)
            for a in matrices
        ]
        least, greatest = min(s[-1] for s in moduli), max(s[0] for s in moduli)
        assert domain.domain.relative
        assert domain.domain.lower == pytest.approx(least / margin, rel=1e-9)
        widened = float(entry.iterate(np.array(greatest * margin))) * SAFETY
        if domain.domain.proved:
            assert domain.domain.upper == domain.upper == 1.0
            assert widened >= 1.0 - 1e-12
        else:
            # An estimate is taken only where, with its safety, it stays below the proved bound.
            assert domain.domain.upper == pytest.approx(greatest * margin)
            assert domain.upper == pytest.approx(widened)
            assert widened < 1.0
        assert domain.upper >= float(entry.iterate(np.array(greatest))) * (1.0 - 1e-12)
        assert domain.lower <= float(entry.iterate(np.array(least))) * (1.0 + 1e-12)
        assert domain.is_exact
        assert (domain.matvecs > 0) == (domain.scaling.kind == "lanczos")


def _bound(domain: ScaledDomain, a: np.ndarray, structure: str) -> Any:
    kind = domain.scaling.kind
    if kind == "frobenius":
        return np.linalg.norm(a)
    if kind == "one-norm":
        return math.sqrt(np.linalg.norm(a, 1) * np.linalg.norm(a, np.inf))
    if kind == "gershgorin":
        off = np.abs(a).sum(axis=1) - np.abs(np.diag(a))
        return (np.diag(a) + off).max()
    return np.linalg.norm(a, 2) / domain.scaling.factor


@given(st.floats(1e-12, 0.99), st.floats(1e-3, 10.0), st.integers(2, 40))
def test_grids_are_even_in_the_logarithm(share: float, upper: float, count: int) -> None:
    lower = share * upper
    grid = grid_points(lower, upper, count)
    assert len(grid) == count
    assert grid[-1] == pytest.approx(upper, rel=1e-12)
    assert grid[0] == pytest.approx(lower, rel=1e-12)
    steps = np.diff(np.log(grid))
    assert np.allclose(steps, steps[0], rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize("function", [f.name for f in FUNCTIONS])
@pytest.mark.parametrize("norm", NORMS)
def test_a_single_eigenvalue(function: str, norm: Norm) -> None:
    measure = Measure(norm, FUNCTIONS.get(function))
    for spectrum in (Spectrum.interval(0.25, 0.25), Spectrum.samples([0.25])):
        domain = only_domain(spectrum, measure)
        assert len(domain.nodes) == 1
        assert domain.node_density.tolist() == [1.0]
        assert domain.weights.tolist() == [1.0] * len(domain.sampled)
        assert domain.lower == pytest.approx(domain.sampled[0], rel=1e-12)
