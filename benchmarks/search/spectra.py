"""What it is worth to know the spectrum: sampled spectra against the worst case of an interval."""

from collections.abc import Callable
from typing import Any

import numpy as np
from rich.table import Table

from benchmarks.search.cells import cost, number
from benchmarks.search.problems import N, profile
from benchmarks.search.scale import Scale
from benchmarks.search.trace import ratio
from matrl import Problem, Spectrum, discover
from matrl.core.measure import Norm
from matrl.core.safety import SAFETY
from matrl.demo import patches
from matrl.errors import MissingExtraError

__all__ = ["measure", "spectra", "table"]

TOL = 1e-4
TABLE = "cpu"
PATCH = 13
"""Three channels of 13 x 13 pixels: 507 eigenvalues."""
SPIKES = 8
NORMS: tuple[Norm, ...] = ("eigenvalue", "frobenius")


def spectra() -> dict[str, tuple[str, np.ndarray]]:
    """Return the function and the eigenvalues (for polar, singular values) of each spectrum."""
    found = {
        "Wishart, ratio 1/2": ("invsqrt", wishart(1)),
        "power law, exponent 1.5": ("invsqrt", power_law(2)),
        f"spiked, {SPIKES} spikes": ("invsqrt", spiked(3)),
        "Gaussian, singular values": ("polar", gaussian(4)),
    }
    try:
        photographs = patches.load_photographs()
    except MissingExtraError:
        return found  # rows name what there is
    first = patches.split(photographs, PATCH).training[0]
    found[f"natural image ({first.region.name})"] = ("invsqrt", first.eigenvalues)
    return found


def wishart(seed: int) -> np.ndarray:
    """Return the eigenvalues of G G*/(2N), G N x 2N with standard normal entries."""
    g = np.random.default_rng(seed).standard_normal((N, 2 * N))
    return np.linalg.svd(g, compute_uv=False) ** 2 / (2 * N)


def power_law(seed: int) -> np.ndarray:
    """Return i^(-3/2) times log-normal factors of deviation 0.1."""
    jitter = np.random.default_rng(seed).normal(0.0, 0.1, N)
    return np.arange(1.0, N + 1.0) ** -1.5 * np.exp(jitter)


def spiked(seed: int) -> np.ndarray:
    """Return those of a Wishart matrix with a covariance of 1 and a few spikes up to 100."""
    g = np.random.default_rng(seed).standard_normal((N, 2 * N))
    g[:SPIKES] *= np.sqrt(np.geomspace(10.0, 100.0, SPIKES))[:, None]
    return np.linalg.svd(g, compute_uv=False) ** 2 / (2 * N)


def gaussian(seed: int) -> np.ndarray:
    """Return the singular values of a square matrix with standard normal entries."""
    return np.linalg.svd(np.random.default_rng(seed).standard_normal((N, N)), compute_uv=False)


def measure(scale: Scale, tell: Callable[[str], None]) -> dict[str, Any]:
    """Discover a plan for each spectrum, and for its interval, in each measure."""
    rows = []
    for name, (function, values) in spectra().items():
        ends = float(values.min()), float(values.max())
        enclosing = Spectrum.interval(*ends)
        tell(f"spectra: {name}, worst case")
        # The measure `eigenvalue` bounds the others, whatever the spectrum within the interval.
        worst = _discover(function, enclosing, "eigenvalue", scale)
        tell(f"spectra: {name}, worst case up to the safety factor")
        wide = Spectrum.interval(ends[0], ends[1] * SAFETY ** (1 if function == "polar" else 2))
        widened = _discover(function, wide, "eigenvalue", scale)
        for norm in NORMS:
            tell(f"spectra: {name}, {norm}")
            samples = _discover(function, Spectrum.samples(values), norm, scale)
            interval = worst
            if norm != "eigenvalue":
                interval = _discover(function, enclosing, norm, scale)
            rows.append(
                {
                    "spectrum": name,
                    "function": function,
                    "norm": norm,
                    "tol": TOL,
                    "condition": ends[1] / ends[0],
                    "samples": samples,
                    "worst_case": worst,
                    "widened": widened,
                    "interval": interval,
                    "ratio_to_worst_case": ratio(samples["cost"], worst["cost"]),
                    "ratio_to_widened": ratio(samples["cost"], widened["cost"]),
                    "ratio_to_interval": ratio(samples["cost"], interval["cost"]),
                }
            )
    return {"seconds": scale.spectra_seconds, "rows": rows}


def _discover(function: str, spectrum: Spectrum, norm: Norm, scale: Scale) -> dict[str, Any]:
    problem = Problem(function, spectrum, tol=TOL, shape=(N, N), norm=norm)
    found = discover(problem, profile=profile(TABLE), time_limit=scale.spectra_seconds)
    return {
        "cost": found.cost,
        "optimal": found.optimal,
        "refined": found.refined,
        "reason": found.reason,
        "error": found.error,
        "rounding": found.plan.predicted.rounding,
        "seconds": found.search_seconds,
        "nodes": found.nodes,
        "steps": [f"{s.name}/{s.form}/{s.precision}/{s.product}" for s in found.plan.steps],
    }


def table(figure: dict[str, Any]) -> Table:
    """Return the costs and their ratios; a star marks what is not proved optimal, r refined."""
    limit = f"{figure['seconds']:g} s"
    title = f"Spectra: samples against their interval, {limit} (* not proved, r refined)"
    heads = ("samples", "worst case", "widened", "interval")
    ratios = ("to worst", "to widened", "to interval")
    rows = Table("spectrum", "function", "κ", "measure", *heads, *ratios, title=title)
    for row in figure["rows"]:
        rows.add_row(
            row["spectrum"],
            row["function"],
            f"{row['condition']:.3g}",
            row["norm"],
            *(_cost(row[key]) for key in ("samples", "worst_case", "widened", "interval")),
            number(row["ratio_to_worst_case"]),
            number(row["ratio_to_widened"]),
            number(row["ratio_to_interval"]),
        )
    return rows


def _cost(found: dict[str, Any]) -> str:
    return cost(found) + (" r" if found["refined"] else "")
