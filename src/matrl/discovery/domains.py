"""From a spectrum to the scaled domains a schedule may be designed for."""

import math
from dataclasses import dataclass

import numpy as np

from matrl.core.function import MatrixFunction
from matrl.core.plan import Domain, Scaling
from matrl.core.spectrum import MatrixStatistics, Spectrum

__all__ = ["SAFETY", "ScaledDomain", "scaled_domains"]

SAFETY = 1.2
"""Factor on the upper end of x where it comes from samples, not from a proved bound."""
NODES = 20
LANCZOS_LOOSENESS = 0.2
LANCZOS_FAILURE = 1e-9


@dataclass(frozen=True)
class ScaledDomain:
    """A domain of x = a^(1/k) after scaling, with what readings need of the spectrum.

    ``upper`` is already the end of the safe domain; ``points`` are the samples the error is
    measured at (``None``: the whole interval); ``nodes`` and ``weights`` the eigenvalues and
    density the noisy reading uses. ``matvecs`` counts the products with vectors the scaling costs.
    """

    scaling: Scaling
    domain: Domain
    lower: float
    upper: float
    points: tuple[float, ...] | None
    nodes: tuple[float, ...]
    weights: tuple[float, ...]
    matvecs: int = 0


def scaled_domains(
    spectrum: Spectrum, function: MatrixFunction, n: int
) -> tuple[ScaledDomain, ...]:
    """Return the scaled domains to choose from: one for an absolute spectrum, one a norm else."""
    k = function.root_index
    if not spectrum.is_relative:
        return (_absolute(spectrum, k),)
    steps = lanczos_steps(n)
    kinds = (
        (Scaling("frobenius"), lambda s: s.frobenius, 0),
        (Scaling("one-norm"), lambda s: s.one_norm, 0),
        (
            Scaling("lanczos", 1.0 - LANCZOS_LOOSENESS, lanczos_failure(n, steps), steps),
            lambda s: s.largest / (1.0 - LANCZOS_LOOSENESS),
            steps,
        ),
    )
    return tuple(_relative(spectrum, scaling, bound, k, m) for scaling, bound, m in kinds)


def lanczos_failure(n: int, steps: int) -> float:
    """Return the probability that Lanczos from a random start underestimates by more than 20 %.

    1.648 sqrt(n) exp(-sqrt(eps)(2k - 1)); Kuczynski & Wozniakowski 1992, doi:10.1137/0613066.
    """
    return 1.648 * math.sqrt(n) * math.exp(-math.sqrt(LANCZOS_LOOSENESS) * (2 * steps - 1))


def lanczos_steps(n: int) -> int:
    """Return how many Lanczos steps make the failure probability at most 1e-9."""
    needed = math.log(1.648 * math.sqrt(n) / LANCZOS_FAILURE) / math.sqrt(LANCZOS_LOOSENESS)
    return math.ceil((needed + 1.0) / 2.0)


def _absolute(spectrum: Spectrum, k: int) -> ScaledDomain:
    exponent = k * math.ceil(math.log2(spectrum.upper) / k)
    factor = 2.0**-exponent
    lower, upper = spectrum.lower * factor, spectrum.upper * factor
    proved = spectrum.kind == "interval"
    points = None
    if not proved:
        points = tuple((np.asarray(spectrum.points) * factor) ** (1.0 / k))
    density = np.asarray(spectrum.points) * factor if spectrum.points else None
    nodes, weights = _density(lower, upper, density)
    return ScaledDomain(
        Scaling("constant", factor),
        Domain(spectrum.lower, spectrum.upper, False, proved, spectrum.kind),
        lower ** (1.0 / k),
        upper ** (1.0 / k) * (1.0 if proved else SAFETY),
        points,
        nodes,
        weights,
    )


def _relative(
    spectrum: Spectrum, scaling: Scaling, bound: object, k: int, matvecs: int
) -> ScaledDomain:
    statistics: tuple[MatrixStatistics, ...] = spectrum.statistics
    bounds = np.array([bound(s) for s in statistics])  # type: ignore[operator]
    lower = float(min(np.array([s.smallest for s in statistics]) / bounds)) / spectrum.margin
    observed = float(max(np.array([s.largest for s in statistics]) / bounds))
    # The norm bound itself proves a <= 1; a widened observation may be tighter, but is no proof.
    widened = observed * spectrum.margin
    proved = widened * SAFETY**k >= 1.0
    upper = 1.0 if proved else widened
    typical = float(np.median(bounds))
    nodes, weights = _density(lower, upper, np.asarray(spectrum.points) / typical)
    return ScaledDomain(
        scaling,
        Domain(lower, upper, True, proved, "matrices"),
        lower ** (1.0 / k),
        upper ** (1.0 / k) * (1.0 if proved else SAFETY),
        None,
        nodes,
        weights,
        matvecs,
    )


def _density(
    lower: float, upper: float, eigenvalues: np.ndarray | None
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return nodes spread over [lower, upper] in the logarithm, and the share of each."""
    if upper / lower < 1.0 + 1e-9:
        return (upper,), (1.0,)
    nodes = np.geomspace(lower, upper, NODES)
    weights = np.full(NODES, 1.0)
    if eigenvalues is not None:
        edges = np.sqrt(nodes[:-1] * nodes[1:])
        weights = np.bincount(np.searchsorted(edges, eigenvalues), minlength=NODES) * 1.0
    weights /= weights.sum()
    return tuple(nodes.tolist()), tuple(weights.tolist())
