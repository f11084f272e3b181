"""From a spectrum to the scaled domains a schedule may be designed for."""

import math
from dataclasses import dataclass, replace

import numpy as np

from matrl.core.measure import Measure
from matrl.core.plan import Domain, Scaling
from matrl.core.safety import EXACT_ROOT_INDEX, safety_of
from matrl.core.spectrum import MatrixStatistics, Spectrum
from matrl.discovery.problem.norm_bounds import NormBound, norm_bounds

__all__ = ["ScaledDomain", "grid_points", "scaled_domains"]

LEAST_SHARE = 1e-280
"""What is smaller, relative to the upper end, counts as this: no measure can notice it."""
NODES = 20
GRID = 256


@dataclass(frozen=True, eq=False)
class ScaledDomain:
    """A domain of x after scaling, with what readings need of the spectrum.

    ``lower`` and ``upper`` are the range coefficients are designed for: ``upper`` is the end of the
    safe domain, ``lower`` leaves out what a normwise measure need not resolve. ``sampled`` are the
    x (q,) the error is measured at and rules fit to, ``weights`` and ``density`` what they count.
    ``nodes`` and
    ``node_density`` are the moduli of eigenvalues (singular values) and the density the noisy
    reading uses; of a domain that has 0 apart the first node is 0. In exact arithmetic there is no
    error there, so 0 is not among the ``sampled``. ``is_exact`` says that the range of x tells
    the error.
    """

    scaling: Scaling
    domain: Domain
    lower: float
    upper: float
    sampled: np.ndarray
    weights: np.ndarray
    density: np.ndarray
    is_exact: bool
    nodes: np.ndarray
    node_density: np.ndarray
    matvecs: int = 0
    """Products with vectors the scaling costs."""


def scaled_domains(
    spectrum: Spectrum, measure: Measure, n: int, tol: float = 1e-6
) -> tuple[ScaledDomain, ...]:
    """Return the scaled domains to choose from: one for an absolute spectrum, one a norm else."""
    if not spectrum.is_relative:
        return (_absolute(spectrum, measure, tol),)
    bounds = norm_bounds(measure.function, spectrum, n)
    return tuple(_relative(spectrum, bound, measure, tol) for bound in bounds)


def grid_points(lower: float, upper: float, count: int) -> np.ndarray:
    """Return eigenvalues spread evenly in the logarithm over [lower, upper], lower > 0."""
    return np.geomspace(lower, upper, count)


def _absolute(spectrum: Spectrum, measure: Measure, tol: float) -> ScaledDomain:
    k = 1 if measure.function.carries == "x" else measure.function.root_index
    k = k if k <= EXACT_ROOT_INDEX else 1
    exponent = k * math.ceil(math.log2(spectrum.upper) / k)
    factor = 2.0**-exponent
    proved = spectrum.kind == "interval"
    points = np.asarray(spectrum.points) * factor if spectrum.points else None
    has_zero = spectrum.zeros > 0
    scaled = _domain(
        Scaling("constant", factor),
        Domain(spectrum.lower, spectrum.upper, False, proved, spectrum.kind, has_zero),
        (spectrum.lower * factor, spectrum.upper * factor),
        points,
        measure,
        tol,
        is_interval=proved,
    )
    return _with_zeros(scaled, spectrum) if has_zero else scaled


def _with_zeros(domain: ScaledDomain, spectrum: Spectrum) -> ScaledDomain:
    """Return the domain with a node at 0 for the zeros among the samples."""
    share = spectrum.zeros / (spectrum.zeros + len(spectrum.points))
    return replace(
        domain,
        nodes=np.concatenate([[0.0], domain.nodes]),
        node_density=np.concatenate([[share], (1.0 - share) * domain.node_density]),
    )


def _relative(spectrum: Spectrum, bound: NormBound, measure: Measure, tol: float) -> ScaledDomain:
    statistics: tuple[MatrixStatistics, ...] = spectrum.statistics
    bounds = np.array([bound.of(s) for s in statistics])
    lower = float(min(np.array([s.smallest for s in statistics]) / bounds)) / spectrum.margin
    observed = float(max(np.array([s.largest for s in statistics]) / bounds))
    # The norm bound itself proves a <= 1; a widened observation may be tighter, but is no proof.
    widened = observed * spectrum.margin
    function = measure.function
    allowed = safety_of(function) ** (1 if function.carries == "x" else function.root_index)
    proved = widened * allowed >= 1.0
    upper = 1.0 if proved else widened
    typical = float(np.median(bounds))
    return _domain(
        bound.scaling,
        Domain(lower, upper, True, proved, "matrices"),
        (lower, upper),
        np.asarray(spectrum.points) / typical,
        measure,
        tol,
        is_interval=True,
        matvecs=bound.matvecs,
    )


def _domain(
    scaling: Scaling,
    domain: Domain,
    ends: tuple[float, float],
    eigenvalues: np.ndarray | None,
    measure: Measure,
    tol: float,
    *,
    is_interval: bool,
    matvecs: int = 0,
) -> ScaledDomain:
    """Return the domain; an interval's error is the worst over it, that of samples over them."""
    function = measure.function
    lower, upper = ends
    if domain.lower == 0.0:
        lower = measure.negligible(tol) * upper
    elif lower < LEAST_SHARE * upper:
        lower = LEAST_SHARE * upper  # scaled, the true end may have underflowed
    grid = grid_points(lower, upper, GRID) if upper > lower else np.array([upper])
    density = np.full(len(grid), 1.0 / len(grid))
    if eigenvalues is not None and not is_interval:
        grid, density = eigenvalues, np.full(len(eigenvalues), 1.0 / len(eigenvalues))
    elif eigenvalues is not None:
        density = _histogram(grid, np.clip(eigenvalues, lower, upper))
    weights = measure.weights(grid, density)
    resolved = _least_resolved(grid, weights, density, measure, tol)
    safe = 1.0 if domain.proved else safety_of(function)
    nodes = grid_points(resolved, upper, NODES) if upper > resolved * (1 + 1e-9) else grid[-1:]
    observed = grid if eigenvalues is None else eigenvalues
    return ScaledDomain(
        scaling,
        domain,
        float(function.iterate(np.array(resolved))),
        float(function.iterate(np.array(upper))) * safe,
        function.iterate(grid),
        weights,
        density,
        is_interval and not measure.is_weighted,
        nodes,
        _histogram(nodes, observed),
        matvecs,
    )


def _least_resolved(
    grid: np.ndarray, weights: np.ndarray, density: np.ndarray, measure: Measure, tol: float
) -> float:
    """Return the least eigenvalue that a schedule must get right.

    What is below may be off by all of itself, |x^q - 1| <= 1, without the measure noticing: at most
    tol in the maximum, half of tol^2 in the mean square.
    """
    if not measure.is_weighted:
        return float(grid.min())
    order = np.argsort(grid)
    if measure.aggregate == "max":
        counts = weights[order] > tol
    else:
        counts = np.cumsum((density * weights * weights)[order]) > 0.5 * tol * tol
    first = int(np.argmax(counts)) if counts.any() else len(grid) - 1
    return float(grid[order][first])


def _histogram(nodes: np.ndarray, eigenvalues: np.ndarray) -> np.ndarray:
    """Return the share of the eigenvalues at each node, boundaries halfway in the logarithm."""
    if len(nodes) == 1:
        return np.ones(1)
    edges = np.sqrt(nodes[:-1] * nodes[1:])
    counts = np.bincount(np.searchsorted(edges, eigenvalues), minlength=len(nodes)) * 1.0
    return counts / counts.sum()
