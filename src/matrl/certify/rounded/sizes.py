"""Local rounding errors: what one operation adds to the Frobenius norm of its exact result's error.

``bound`` holds for all roundings: inner products of length k are within gamma_k |X| |Y| (Higham,
*Accuracy and Stability of Numerical Algorithms*, 2nd edition, SIAM 2002, section 3.1), with
gamma_k = k u/(1 - k u); of complex matrices within sqrt(2) gamma_2k, the real and the imaginary
part being real inner products of length 2k.

``deviation`` is for the model of Higham & Mary 2019, doi:10.1137/18M1226312: roundings are
independent, of mean zero and at most u. A sum of k products then errs, to first order, by the
roundings of its partial sums. Those of all entries are matrices X_S Y_S of some columns and rows,
if all entries are summed in one order, and ||X_S Y_S||_F <= min(||X||_F ||Y||_2, ||X||_2 ||Y||_F):
hence the root of the sum of squares u sqrt(k) of that, where |X| |Y| would allow sqrt(n) more.

``systematic`` is what is neither, and commutes with all values: coefficients rounded to the dtype,
the same for all entries. It is not part of the other two.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from matrl.core.precision import FORMATS, Format, is_complex, is_half, precision_of

__all__ = ["Local", "LocalErrors", "gamma"]

SPECTRAL_BOUND = 10.0
"""Eigen- and singular value decompositions: ||dA||_F <= 10 sqrt(m n) gamma_m ||A||_F, of n
reflectors that err by a small multiple of gamma_m each (Higham 2002, lemma 19.3, whose constant
"small integer" is taken as 10)."""
SPECTRAL_DEVIATION = 3.0
"""In the model: 3 u sqrt(m n) ||A||_2. A reflector from both sides, of order k, makes roundings
with the sum of squares 8 k u^2 ||A||_2^2 or less (k of partial sums and 4 k of the update, the
former twice in the result): 2 n u ||A||_2 for all. The tridiagonal solver is given half as much
again (LAPACK Users' Guide, 3rd edition, section 4.7: a modest constant)."""


@dataclass(frozen=True)
class Local:
    """Sizes of one local error in the Frobenius norm; see the module."""

    bound: float = 0.0
    deviation: float = 0.0
    systematic: float = 0.0

    def __add__(self, other: "Local") -> "Local":
        """Return the sizes of the sum of two independent errors."""
        return Local(
            self.bound + other.bound,
            math.hypot(self.deviation, other.deviation),
            self.systematic + other.systematic,
        )

    def times(self, factor: float) -> "Local":
        """Return the sizes of a multiple."""
        return Local(self.bound * factor, self.deviation * factor, self.systematic * factor)


def gamma(k: float, unit: float) -> float:
    """Return k u/(1 - k u), or infinity where k u >= 1.

    >>> gamma(2, 0.25), gamma(4, 0.25)
    (1.0, inf)
    """
    return k * unit / (1.0 - k * unit) if k * unit < 1.0 else math.inf


class LocalErrors:
    """Sizes of local errors for matrices of order n (m x n) with eigenvalues among given ones."""

    def __init__(self, n: int, m: int) -> None:
        self.n, self.m = n, m

    def frobenius(self, x: np.ndarray) -> float:
        """Return the largest ||X||_F for eigenvalues among ``x``."""
        return math.sqrt(self.n) * float(np.abs(x).max())

    def product(
        self, x: np.ndarray, y: np.ndarray, dtype: str, *, inner: int, doubled: bool
    ) -> Local:
        """Return the error of a product with inner products of length ``inner``.

        ``doubled``: one triangle is computed and mirrored, and may hold all of the error.
        """
        format_ = _sum_format(dtype)
        length, factor = inner, math.sqrt(2.0) if doubled else 1.0
        constant = gamma(inner, format_.unit_roundoff)
        if is_complex(dtype):
            length, constant = 2 * inner, math.sqrt(2.0) * gamma(2 * inner, format_.unit_roundoff)
        most = self.n * _product_of_rms(x, y)
        largest = float(np.abs(x).max() * np.abs(y).max())
        deviation = format_.unit_roundoff * math.sqrt(length * self.n) * largest
        return Local(factor * constant * most, factor * deviation) + self.rounded(x * y, dtype)

    def rounded(self, x: np.ndarray, dtype: str) -> Local:
        """Return what rounding a sum to a half precision adds; nothing for other dtypes."""
        return self.cast(x, "float32", dtype) if is_half(dtype) else Local()

    def cast(self, x: np.ndarray, source: str, target: str) -> Local:
        """Return the error of rounding from one dtype to another: none where that is wider."""
        wide, narrow = FORMATS[precision_of(source)], FORMATS[precision_of(target)]
        if narrow.digits >= wide.digits and narrow.least_exponent <= wide.least_exponent:
            return Local()
        unit = narrow.unit_roundoff
        if is_half(target) and precision_of(source) == "float64":
            unit += FORMATS["float32"].unit_roundoff  # by way of float32
        size = unit * self.frobenius(x)
        # What is subnormal is off by half their distance; of the other formats that is ignored.
        entries = math.sqrt(self.m * self.n) if is_half(target) else 0.0
        subnormal = 0.5 * narrow.least_subnormal * entries
        return Local(size + subnormal, math.hypot(size, subnormal))

    def linear(
        self, coefficients: Sequence[float], values: Sequence[np.ndarray], shift: float, dtype: str
    ) -> Local:
        """Return the error of a linear combination, summed term by term in any order."""
        format_ = _sum_format(dtype)
        unit = format_.unit_roundoff
        terms = [(c, x) for c, x in zip(coefficients, values, strict=True) if c != 0.0]
        count = len(terms) + (shift != 0.0)
        multiplied = [abs(c) * self.frobenius(x) for c, x in terms if not _is_power_of_two(c)]
        sizes = [abs(c) * np.abs(x) for c, x in terms] + [np.array([abs(shift)])]
        partial = self.frobenius(np.asarray(sum(sizes)))
        off = [_off(c, format_) * np.abs(x) for c, x in terms] + [np.array([_off(shift, format_)])]
        squares = sum(size**2 for size in multiplied) + (count - 1) * partial**2
        every = sum(self.frobenius(size) for size in sizes)
        bound = gamma(count + 1, unit) * every if count > 1 else unit * sum(multiplied)
        total = shift + sum((c * x for c, x in terms), np.zeros(1))
        systematic = self.frobenius(np.asarray(sum(off)))
        here = Local(bound, unit * math.sqrt(max(squares, 0.0)), systematic)
        return here + self.rounded(np.asarray(total), dtype)

    def averaged(self, x: np.ndarray, dtype: str) -> Local:
        """Return the error of the mean of a matrix and its adjoint: one rounded sum an entry."""
        size = _sum_format(dtype).unit_roundoff * self.frobenius(x)
        return Local(size, size) + self.rounded(x, dtype)

    def backward(self, x: np.ndarray, dtype: str) -> Local:
        """Return the backward error of an eigen- or singular value decomposition."""
        unit = FORMATS[precision_of(dtype)].unit_roundoff * (2.0 if is_complex(dtype) else 1.0)
        size = math.sqrt(self.m * self.n)
        largest = float(np.abs(x).max())
        bound = SPECTRAL_BOUND * size * gamma(self.m, unit) * math.sqrt(self.n) * largest
        return Local(bound, SPECTRAL_DEVIATION * unit * size * largest)

    def orthogonality(self, dtype: str) -> Local:
        """Return how far computed eigenvectors are from orthonormal ones: as the backward error."""
        return self.backward(np.ones(1), dtype)

    def cholesky(self, x: np.ndarray, dtype: str) -> tuple[Local, Local, Local]:
        """Return the errors of a Cholesky inverse: of the factor, of its inverse, of their product.

        The first is the backward error |dX| <= gamma_(n+1) |L| |L*| with || |L| |L*| ||_F <= tr X
        (Higham 2002, theorem 10.3); the second the residual of the inverse T of L, |L T - I| <=
        gamma_n |L| |T| (section 14.2; Du Croz & Higham 1992, doi:10.1093/imanum/12.1.1, for
        blocks); the third that of T* T. Partial sums of the first are Schur complements, no greater
        than X; of the others as for all products.
        """
        unit = FORMATS[precision_of(dtype)].unit_roundoff
        length, constant = self.n, gamma(self.n + 1, unit)
        if is_complex(dtype):
            length, constant = 2 * self.n, math.sqrt(2.0) * gamma(2 * self.n + 2, unit)
        root, inverse = np.sqrt(np.abs(x)), 1.0 / np.sqrt(np.abs(x))
        spread = unit * math.sqrt((length + 2) * self.n)
        largest, least = float(root.max()), float(inverse.max())
        return (
            Local(constant * self.n * largest**2, spread * largest**2),
            Local(constant * self.n * _product_of_rms(root, inverse), spread * largest * least),
            Local(constant * self.n * least**2, spread * least**2),
        )

    def definite_above(self, dtype: str) -> float:
        """Return the n gamma_(n+1)/(1 - gamma_(n+1)) of Higham 2002, theorem 10.7."""
        unit = FORMATS[precision_of(dtype)].unit_roundoff
        constant = gamma(self.n + 1, unit)
        if is_complex(dtype):
            constant = math.sqrt(2.0) * gamma(2 * self.n + 2, unit)
        return self.n * constant / (1.0 - constant) if constant < 1.0 else math.inf


def _sum_format(dtype: str) -> Format:
    """Return the format that sums are in: float32 for half precisions."""
    return FORMATS["float32" if is_half(dtype) else precision_of(dtype)]


def _product_of_rms(x: np.ndarray, y: np.ndarray) -> float:
    """Return a bound on rms(x) rms(y) for all densities of the nodes, the least one but for 2 %.

    sqrt(p q) <= (t p + q/t)/2 for every t > 0, of the means p, q of squares: the largest at a node.
    """
    p, q = x * x * np.ones_like(y), y * y * np.ones_like(x)
    if not (p.max() > 0.0 and q.max() > 0.0):
        return 0.0
    middle = math.sqrt(float(q.max() / p.max()))
    t = middle * np.geomspace(1e-4, 1e4, 193)
    return float(0.5 * (t[:, None] * p + q / t[:, None]).max(axis=1).min())


def _is_power_of_two(value: float) -> bool:
    return math.frexp(abs(value))[0] == 0.5


def _off(value: float, format_: Format) -> float:
    """Return how far a coefficient is from its nearest number of the format."""
    if format_.digits >= FORMATS["float64"].digits:
        return 0.0
    return abs(float(np.float32(value)) - value)
