"""Divided differences of powers and of the sign: how a function of a matrix hands on an error.

In the eigenbasis of X the derivative of f(X) in the direction E has the entries f[x_i, x_j] E_ij.
Source: Daleckii and Krein; Higham, *Functions of Matrices*, SIAM 2008, theorem 3.11.
"""

import numpy as np

__all__ = ["power_differences", "sign_differences"]


def power_differences(x: np.ndarray, exponent: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the powers (q,) of ``x`` > 0 and their divided differences (q, q).

    >>> power_differences(np.array([1.0, 4.0]), 0.5)[1].round(12)
    array([[0.5       , 0.33333333],
           [0.33333333, 0.25      ]])
    """
    values = x**exponent
    gaps = x[:, None] - x
    close = np.abs(gaps) <= 1e-6 * np.maximum(x[:, None], x)
    slope = exponent * np.sqrt(np.outer(values / x, values / x))
    return values, np.where(close, slope, (values[:, None] - values) / np.where(close, 1.0, gaps))


def sign_differences(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the signs (q,) of ``x`` and their divided differences (q, q).

    Those are 2/(|x_i| + |x_j|), or 0 for equal signs.

    >>> sign_differences(np.array([-1.0, 3.0]))[1]
    array([[0. , 0.5],
           [0.5, 0. ]])
    """
    values = np.sign(x)
    size = np.abs(x)
    return values, np.abs(values[:, None] - values) / (size[:, None] + size)
