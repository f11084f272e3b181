"""What independent trials prove: bounds on a probability and on quantiles, and how many it takes.

Nothing is assumed of the distribution of the errors, which may have atoms, also at infinity; only
that the trials are independent, and their number, the tolerance and the quantiles chosen before.
"""

from bisect import bisect_left
from collections.abc import Callable

from scipy.special import betaincc, betaincinv

from matrl.certify.arguments import checked_count, checked_fraction
from matrl.errors import InputError

__all__ = [
    "count_for_failure_bound",
    "count_for_quantile_bound",
    "failure_bound",
    "quantile_rank",
]

_MOST = 10**7
"""The most trials counted: at 10^9, rounding of the bounds hides what one more trial proves."""


def failure_bound(failures: int, count: int, *, confidence: float = 0.99) -> float:
    """Return an upper confidence bound on the probability of failure.

    Of ``count`` >= 1 independent trials 0 <= ``failures`` <= ``count`` failed. The bound is the
    p at which P(Binomial(count, p) <= failures) = 1 - confidence: without failures
    1 - (1 - confidence)^(1/count), and 1 where all failed. However large the true probability is,
    the bound falls below it with probability at most 1 - ``confidence``. It is exact up to
    rounding, one-sided, and errs on the safe side because failures are whole numbers.

    Raises :class:`~matrl.errors.InputError` for counts that cannot be, or a confidence outside
    (0, 1). Source: Clopper & Pearson 1934, doi:10.1093/biomet/26.4.404, with the binomial
    distribution as an incomplete beta function.

    >>> round(failure_bound(0, 299, confidence=0.95), 5)
    0.00997
    >>> round(failure_bound(1, 10, confidence=0.95), 4)
    0.3942
    """
    count = checked_count("count", count, 1)
    failures = checked_count("failures", failures, 0)
    if failures > count:
        raise InputError(
            f"failures: are {failures} of only {count} trials; count each trial at most once"
        )
    return _failure_bound(failures, count, checked_fraction("confidence", confidence))


def _failure_bound(failures: int, count: int, confidence: float) -> float:
    if failures == count:
        return 1.0
    return float(betaincinv(failures + 1, count - failures, confidence))


def quantile_rank(count: int, quantile: float, *, confidence: float = 0.99) -> int | None:
    """Return which order statistic bounds a quantile from above, 1 being the least.

    It is the smallest r with P(Binomial(count, quantile) <= r - 1) >= confidence: the r-th
    smallest of ``count`` independent values is then, with at least this confidence, no less than
    the quantile, so that at least a fraction ``quantile`` of all values is no greater than it.
    ``None`` where even the largest is too small, that is for ``count`` less than
    :func:`count_for_quantile_bound`.

    Raises :class:`~matrl.errors.InputError` for a count below 1, or a quantile or confidence
    outside (0, 1). Source: Wilks 1941, doi:10.1214/aoms/1177731788; David & Nagaraja, *Order
    Statistics*, 3rd edition, Wiley 2003, section 7.1.

    >>> quantile_rank(93, 0.95, confidence=0.95), quantile_rank(59, 0.95, confidence=0.95)
    (92, 59)
    >>> quantile_rank(58, 0.95, confidence=0.95) is None
    True
    """
    count = checked_count("count", count, 1)
    quantile = checked_fraction("quantile", quantile)
    confidence = checked_fraction("confidence", confidence)
    # Bisection needs no inverse of the binomial distribution, whose rounding could miss by one.
    rank = _least(1, count, lambda r: _at_most(r - 1, count, quantile) >= confidence)
    return rank if rank <= count else None


def count_for_failure_bound(bound: float, *, failures: int = 0, confidence: float = 0.99) -> int:
    """Return how many trials prove that the probability of failure is at most ``bound``.

    That is the least count with ``failure_bound(failures, count) <= bound``: what to plan for if
    up to ``failures`` failures are to be allowed.

    Raises :class:`~matrl.errors.InputError` for a bound or confidence outside (0, 1), negative
    failures, or where more than 10^7 trials are needed. Source: as :func:`failure_bound`.

    >>> count_for_failure_bound(0.01, confidence=0.95)
    299
    >>> count_for_failure_bound(0.05, failures=1, confidence=0.95)
    93
    """
    bound = checked_fraction("bound", bound)
    failures = checked_count("failures", failures, 0)
    confidence = checked_fraction("confidence", confidence)
    count = _least(failures + 1, _MOST, lambda n: _failure_bound(failures, n, confidence) <= bound)
    if count > _MOST:
        raise InputError(
            f"bound: {bound:g} with {failures} failures takes more than 10^7 trials; ask for a "
            "larger bound, fewer failures or less confidence"
        )
    return count


def count_for_quantile_bound(quantile: float, *, confidence: float = 0.99) -> int:
    """Return how many values it takes until the largest bounds a quantile.

    That is the least count with quantile^count <= 1 - confidence; with fewer values no order
    statistic is such a bound.

    Raises :class:`~matrl.errors.InputError` for a quantile or confidence outside (0, 1), or where
    more than 10^7 values are needed. Source: as :func:`quantile_rank`.

    >>> count_for_quantile_bound(0.95, confidence=0.95), count_for_quantile_bound(0.99)
    (59, 459)
    """
    quantile = checked_fraction("quantile", quantile)
    confidence = checked_fraction("confidence", confidence)
    count = _least(1, _MOST, lambda n: _at_most(n - 1, n, quantile) >= confidence)
    if count > _MOST:
        raise InputError(
            f"quantile: {quantile!r} takes more than 10^7 values; ask for a smaller quantile or "
            "less confidence"
        )
    return count


def _at_most(k: int, count: int, p: float) -> float:
    """Return P(Binomial(count, p) <= k) for 0 <= k < count."""
    return float(betaincc(k + 1, count - k, p))


def _least(first: int, last: int, holds: Callable[[int], bool]) -> int:
    """Return the least integer in first..last where ``holds`` is true from there on.

    Beyond ``last`` where it is nowhere true.
    """
    return first + bisect_left(range(first, last + 1), True, key=holds)
