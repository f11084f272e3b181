"""What it is worth to know the spectrum: sampled spectra against the worst case of an interval."""

from collections.abc import Callable
from typing import Any

import numpy as np
from rich.table import Table

from benchmarks.search.cells import cost, number
from benchmarks.search.problems import N, environment_of
from benchmarks.search.scale import Scale
from benchmarks.search.trace import Trace, ratio, trace
from matrl import Problem, Spectrum
from matrl.core.measure import Norm
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
    """Search each spectrum, and its interval, in each measure."""
    rows = []
    for name, (function, values) in spectra().items():
        enclosing = Spectrum.interval(float(values.min()), float(values.max()))
        tell(f"spectra: {name}, worst case")
        # The measure `eigenvalue` bounds the others, whatever the spectrum within the interval.
        worst = _search(function, enclosing, "eigenvalue", scale)
        for norm in NORMS:
            tell(f"spectra: {name}, {norm}")
            samples = _search(function, Spectrum.samples(values), norm, scale)
            interval = worst
            if norm != "eigenvalue":
                interval = _search(function, enclosing, norm, scale)
            rows.append(
                {
                    "spectrum": name,
                    "function": function,
                    "norm": norm,
                    "tol": TOL,
                    "condition": float(values.max() / values.min()),
                    "samples": samples.to_dict(),
                    "worst_case": worst.to_dict(),
                    "interval": interval.to_dict(),
                    "ratio_to_worst_case": ratio(samples.result.cost, worst.result.cost),
                    "ratio_to_interval": ratio(samples.result.cost, interval.result.cost),
                }
            )
    return {"seconds": scale.spectra_seconds, "rows": rows}


def _search(function: str, spectrum: Spectrum, norm: Norm, scale: Scale) -> Trace:
    problem = Problem(function, spectrum, tol=TOL, shape=(N, N), norm=norm)
    return trace(environment_of(problem, TABLE), scale.spectra_seconds)


def table(figure: dict[str, Any]) -> Table:
    """Return the costs and their ratios; a star marks what is not proved optimal."""
    title = f"Spectra: samples against their interval, {figure['seconds']:g} s (* not proved)"
    heads = ("samples", "worst case", "interval", "to worst", "to interval")
    rows = Table("spectrum", "function", "κ", "measure", *heads, title=title)
    for row in figure["rows"]:
        rows.add_row(
            row["spectrum"],
            row["function"],
            f"{row['condition']:.3g}",
            row["norm"],
            *(cost(row[key]) for key in ("samples", "worst_case", "interval")),
            number(row["ratio_to_worst_case"]),
            number(row["ratio_to_interval"]),
        )
    return rows
