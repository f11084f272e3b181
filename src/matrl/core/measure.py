"""Error measures: how far a computed f(A) is from the true one, seen from its eigenvalues.

With fhat(a) = f(a) x^j the relative error at an eigenvalue is |x^j - 1|. A measure says which power
of x counts, with which weight at which eigenvalue, and whether the largest or the mean square does.
The weights make a measure normwise: a small eigenvalue of a square root hardly shows in the norm.
Source: Higham, *Functions of Matrices*, SIAM 2008, chapter 3 and section 4.9.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from matrl.core.function import MatrixFunction
from matrl.core.powers import whole_power
from matrl.errors import UnknownNameError

__all__ = ["NORMS", "Measure", "Norm"]

Norm = Literal["eigenvalue", "spectral", "frobenius", "residual"]
NORMS: tuple[Norm, ...] = ("eigenvalue", "spectral", "frobenius", "residual")

LARGEST = 1e140
"""Errors beyond are not told apart, so that weighted squares of them are finite."""


@dataclass(frozen=True)
class Measure:
    """One error measure of one function.

    - ``eigenvalue``: max |fhat/f - 1|, and where the eigenvalue 0 belongs to a domain, where f is
      0, |fhat| there over f(l), l the least positive eigenvalue of the domain: as a norm
      ||G^(-1/2) (Fhat - F) G^(-1/2)||_2, G = f(max(A, l)). In exact arithmetic fhat(0) = 0. Of sign
      and polar factors as ``spectral``;
    - ``spectral``: ||Fhat - F||_2/||F||_2; ``frobenius``: the same in the Frobenius norm, for the
      density of the spectrum (uniform in log a where only an interval is known);
    - ``residual``: of inverse powers ||A^q Z^p - I||, of powers ||X^p - A^q||/||A^q||, of the sign
      ||S^2 - I||, of the polar factor ||U* U - I||, in the 2-norm; of the Hermitian polar factor
      ||Hhat - (U* A + A* U)/2||/||A|| with the computed U (``polar-left``: A U*).

    The Hermitian polar factor is a product, U* A, with an error in proportion to ||A||: hence it is
    measured in a norm throughout, though the products of exact eigenvalues are as accurate as U.
    """

    norm: Norm
    function: MatrixFunction

    def __post_init__(self) -> None:
        """Raise :class:`~matrl.errors.UnknownNameError` for a norm there is not."""
        if self.norm not in NORMS:
            raise UnknownNameError(
                f"norm: there is no measure {self.norm!r}; choose one of: {', '.join(NORMS)}"
            )

    @property
    def aggregate(self) -> Literal["max", "rms"]:
        """How errors at eigenvalues are put together."""
        return "rms" if self.norm == "frobenius" else "max"

    @property
    def power(self) -> int:
        """The power q of x in |x^q - 1|."""
        function = self.function
        if self.norm != "residual":
            return function.multiplicity
        if function.carries == "x":
            return 2
        return function.multiplicity * function.root_index

    @property
    def is_weighted(self) -> bool:
        """Whether eigenvalues differ in weight, so that a range of x does not tell the error."""
        if self.norm == "residual":
            return self.function.carries == "y"
        # The unitary factor and the sign weigh every eigenvalue alike, the Hermitian factor less.
        plain = self.norm == "spectral" and self.function.carries == "x"
        return self.norm != "eigenvalue" and not plain

    def negligible(self, tol: float) -> float:
        """Return an eigenvalue, relative to the largest, far below what an error of tol can show.

        Its weight, and that of all below, is tol/1000. For measures whose weights vanish at 0.
        """
        return max((1e-3 * tol) ** (1.0 / self.weight_exponents[0]), 1e-280)

    def weights(self, a: np.ndarray, density: np.ndarray) -> np.ndarray:
        """Return the weight of |x^q - 1| at each eigenvalue (singular value) ``a`` >= 0.

        ``density`` sums to 1. For ``frobenius`` the mean of the squared weights is 1,
        or, of pairs, whose larger weight counts, at most 2.
        """
        if self.norm == "eigenvalue":
            return np.ones_like(a)
        largest = float(a.max())
        smallest = float(a.min())
        candidates = []
        for exponent in self.weight_exponents:
            if exponent > 0.0 and largest > 0.0:
                one = (a / largest) ** exponent
            elif exponent < 0.0:
                one = (smallest / a) ** -exponent
            else:
                one = np.ones_like(a)
            if self.norm == "frobenius":
                one = one / np.sqrt(float(density @ (one * one)))
            candidates.append(one)
        return np.max(candidates, axis=0)

    @property
    def weight_exponents(self) -> tuple[float, ...]:
        """The exponents s of the weights a^s, one an output whose error counts."""
        function = self.function
        if self.norm != "residual":
            return function.exponents
        if function.carries == "y":
            return (float(function.root_index - function.multiplicity),)
        return (0.0,)  # of a pair, the residual of the inverse root weighs the more

    def errors(self, x: np.ndarray) -> np.ndarray:
        """Return |x^q - 1|, or ``LARGEST`` where it is more (q may be 63·64)."""
        with np.errstate(over="ignore"):
            return np.minimum(np.abs(x**self.power - 1.0), LARGEST)

    def of_range(self, lower: float, upper: float) -> float:
        """Return max |x^q - 1| for x in [lower, upper]."""
        return float(self.errors(np.array([lower, upper])).max())

    def of_points(self, x: np.ndarray, weights: np.ndarray, density: np.ndarray) -> float:
        """Return the error for iterates ``x`` of eigenvalues with these weights and density."""
        with np.errstate(over="ignore", invalid="ignore"):
            errors = weights * self.errors(x)
            rms = self.aggregate == "rms"
            error = float(np.sqrt(density @ (errors * errors)) if rms else errors.max())
        # NaN is a weight or density that underflowed to 0, of an error that overflowed.
        return error if error == error else float("inf")

    def of_many(self, x: np.ndarray, weights: np.ndarray, density: np.ndarray) -> np.ndarray:
        """Return the errors (...) of many iterates x (..., q) > 0 of the same eigenvalues.

        As :meth:`of_points` for each; NaN where an iterate is NaN.

        >>> from matrl.functions import FUNCTIONS
        >>> measure = Measure("eigenvalue", FUNCTIONS.get("invsqrt"))
        >>> measure.of_many(np.array([[0.5, 1.0], [1.0, 1.25]]), np.ones(2), np.ones(2) / 2)
        array([0.5 , 0.25])
        """
        q = self.power
        with np.errstate(over="ignore", invalid="ignore"):
            if not self.is_weighted:  # |x^q - 1| is largest at one of the ends
                ends = np.stack([x.min(axis=-1), x.max(axis=-1)])
                errors = np.abs(whole_power(ends, q) - 1.0).max(axis=0)
                return np.minimum(errors, LARGEST)
            errors = whole_power(x, q) - 1.0
            if self.aggregate == "max":
                np.abs(errors, out=errors)
                errors *= weights
                return np.minimum(errors.max(axis=-1), LARGEST)
            np.multiply(errors, errors, out=errors)
            squares = errors @ (density * weights * weights)
            if not np.isfinite(squares).all():  # errors of which a square overflows, or NaN
                np.minimum(errors, LARGEST * LARGEST, out=errors)
                squares = errors @ (density * weights * weights)
            return np.sqrt(squares)

    def distance(self, tol: float) -> float:
        """Return the largest |x - 1| at which |x^q - 1| may be within ``tol``."""
        q = self.power
        return max((1.0 + tol) ** (1.0 / q) - 1.0, 1.0 - max(1.0 - tol, 0.0) ** (1.0 / q))
