"""Powers of arrays with whole exponents."""

import numpy as np

__all__ = ["whole_power"]


def whole_power(x: np.ndarray, exponent: int) -> np.ndarray:
    """Return x^exponent, exponent >= 1, by squaring: ``**`` takes logarithms from 3 on.

    >>> whole_power(np.array([2.0, 3.0]), 5).tolist()
    [32.0, 243.0]
    """
    result = None
    while True:
        if exponent & 1:
            result = x if result is None else result * x
        exponent >>= 1
        if exponent == 0:
            assert result is not None
            return result
        x = x * x
