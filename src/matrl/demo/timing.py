"""Timing competitors side by side."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

__all__ = ["PAUSE", "Contender", "Ratio", "interleave", "median_ratio"]

# NumPy and SciPy each bring an OpenBLAS with its own pool of threads. After a call the idle
# threads of a pool spin for a while before they sleep, and while they do, the next call
# into the other library's pool finds no free core and takes several times as long. So everyone,
# the plan included, waits until the pools are asleep before the clock starts. Measured at n = 768
# on two cores: NumPy's eigh takes 43 ms alone and after 200 ms of sleep, but 94 ms after 50 ms.
PAUSE = 0.2
"""Seconds of sleep before each timed call."""
RESAMPLES = 4000


@dataclass(frozen=True)
class Contender:
    """Something to time; ``repetitions`` rounds of all are run, if not fewer are enough."""

    name: str
    run: Callable[[np.ndarray], object]
    repetitions: int


@dataclass(frozen=True)
class Ratio:
    """A ratio of medians with its 95 % bootstrap interval."""

    value: float
    lower: float
    upper: float


def interleave(
    contenders: Sequence[Contender],
    a: np.ndarray,
    *,
    pause: float = PAUSE,
    seed: int = 0,
    clock: Callable[[], float] = time.perf_counter,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, np.ndarray]:
    """Return the seconds of each call, by name, in the order of the rounds.

    In every round each contender gets a fresh copy of ``a`` once, in an order drawn anew, so that
    nobody always follows the same predecessor; the first call of each is not counted. ``progress``
    gets (round, rounds).
    """
    random = np.random.default_rng(seed)
    seconds: dict[str, list[float]] = {contender.name: [] for contender in contenders}
    rounds = max(contender.repetitions for contender in contenders)
    for index in range(-1, rounds):
        if progress is not None:
            progress(index + 1, rounds)
        for contender in (contenders[i] for i in random.permutation(len(contenders))):
            if index >= contender.repetitions:
                continue
            copy = a.copy()
            time.sleep(pause)
            started = clock()
            contender.run(copy)
            elapsed = clock() - started
            if index >= 0:
                seconds[contender.name].append(elapsed)
    return {name: np.asarray(values) for name, values in seconds.items()}


def median_ratio(numerator: np.ndarray, denominator: np.ndarray, seed: int = 0) -> Ratio:
    """Return the ratio of the medians, with an interval from resampled rounds.

    Of equally many rounds, both are resampled together: what disturbs a round disturbs both.

    >>> median_ratio(np.array([2.0, 2.0, 2.0]), np.array([1.0, 1.0, 1.0]))
    Ratio(value=2.0, lower=2.0, upper=2.0)
    """
    random = np.random.default_rng(seed)
    upper_index = random.integers(0, len(numerator), (RESAMPLES, len(numerator)))
    lower_index = upper_index
    if len(denominator) != len(numerator):
        lower_index = random.integers(0, len(denominator), (RESAMPLES, len(denominator)))
    ratios = np.median(numerator[upper_index], axis=1)
    ratios /= np.median(denominator[lower_index], axis=1)
    lower, upper = np.quantile(ratios, (0.025, 0.975))
    value = float(np.median(numerator) / np.median(denominator))
    return Ratio(value, float(lower), float(upper))
