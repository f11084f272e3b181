"""How long and how often to measure."""

from dataclasses import dataclass

__all__ = ["FULL", "QUICK", "Scale"]


@dataclass(frozen=True)
class Scale:
    """Seconds a search may take in each figure, and how many there are.

    ``every`` takes each ``every``-th of the problems of `optimum`; ``seeds`` are those of
    `ablation`.
    """

    optimum_seconds: float = 10.0
    every: int = 1
    rate_seconds: float = 2.0
    repetitions: int = 3
    spectra_seconds: float = 10.0
    seeds: int = 10
    ablation_seconds: float = 3.0
    parallel_seconds: float = 10.0


FULL = Scale()
QUICK = Scale(
    optimum_seconds=2.0,
    every=19,
    rate_seconds=0.5,
    spectra_seconds=2.0,
    seeds=3,
    parallel_seconds=3.0,
)
