"""Newton's iteration with scaling, for square roots: h(x) = (mu x + 1/(mu x))/2, centred.

With the optimal mu = 1/sqrt(l u) the ends of the range map to the same value; centring by
2/(1 + u') halves the error. Source: Higham, *Functions of Matrices*, sections 5.5, 6.3 and 8.6;
Byers & Xu 2008, doi:10.1137/060664483.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from matrl.coefficients import (
    byers_xu_scaling,
    determinantal_scaling,
    determinantal_scalings,
    newton_scaling,
    norm_scaling,
    norm_scalings,
)
from matrl.core.tracing import Expression
from matrl.iterations.catalogue import UPDATES
from matrl.iterations.update import Multiplier, Samples, UpdateKind

__all__ = ["Newton", "SampledNewton"]


@dataclass(frozen=True)
class Newton:
    """Scaled Newton, optimally scaled unless a subclass says otherwise; (mu, centre) are stored."""

    name: str = "newton"
    kind: UpdateKind = "product"
    degree: int = 2
    source: str = "Higham 2008, Functions of Matrices, section 8.6; doi:10.1137/060664483"
    rule: str = "optimal scaling 1/sqrt(l u), centred"
    uses_samples: bool = False
    has_pole_at_zero: bool = True
    equioscillates: bool = True

    def supports(self, root_index: int) -> bool:
        """Square roots only."""
        return root_index == 2

    def dominated_by(self, root_index: int) -> str:
        """Name of the optimally scaled update."""
        return "newton"

    def order(self, root_index: int) -> int:
        """Return 2."""
        return 2

    def degree_for(self, root_index: int) -> int:
        """Return 2, of the type (2, 1)."""
        return 2

    def coefficient_count(self, root_index: int) -> int:
        """The scaling mu and the centre."""
        return 2

    def coefficients(
        self, root_index: int, lower: float, upper: float, samples: Samples | None = None
    ) -> tuple[float, ...]:
        """Return (mu, centre) for x in [lower, upper]."""
        return newton_scaling(lower, upper)

    def multiplier(
        self, m: Expression, coefficients: Sequence[float], root_index: int
    ) -> Multiplier:
        """Write p = centre (mu + 1/(mu m))/2, and m p and m p^2 by additions."""
        mu, centre = coefficients
        inverse = m.inverse()
        p = (centre * mu / 2) + (centre / (2 * mu)) * inverse
        residual_times = (centre * mu / 2) * m + centre / (2 * mu)
        squared = centre * centre / 4
        next_residual = (squared * mu * mu) * m + 2 * squared + (squared / (mu * mu)) * inverse
        return Multiplier(p, residual_times, next_residual)

    def critical_points(
        self, coefficients: Sequence[float], root_index: int, lower: float, upper: float
    ) -> tuple[float, ...]:
        """Return x = 1/mu, the one minimum of h, where it lies inside."""
        minimum = 1.0 / coefficients[0]
        return (minimum,) if lower < minimum < upper and math.isfinite(minimum) else ()


@dataclass(frozen=True)
class ByersXu(Newton):
    """Newton as Byers and Xu scale it: by the ends of the range, not centred."""

    name: str = "newton-byers-xu"
    source: str = "doi:10.1137/060664483"
    rule: str = "1/sqrt(l u) of the range, not centred"
    equioscillates: bool = False

    def coefficients(
        self, root_index: int, lower: float, upper: float, samples: Samples | None = None
    ) -> tuple[float, ...]:
        """Return (mu, 1)."""
        return byers_xu_scaling(lower, upper)


@dataclass(frozen=True)
class SampledNewton(Newton):
    """Newton scaled by what all of the spectrum is, not by its ends."""

    scaling: Callable[[Sequence[float], Sequence[float]], tuple[float, float]] = norm_scaling
    scalings: Callable[[np.ndarray, np.ndarray], np.ndarray] = norm_scalings
    """The same mu for many spectra (..., q) of one density (q,)."""
    uses_samples: bool = True
    equioscillates: bool = False

    def coefficients(
        self, root_index: int, lower: float, upper: float, samples: Samples | None = None
    ) -> tuple[float, ...]:
        """Return (mu, 1); of a range alone, for a spectrum uniform in the logarithm."""
        if samples is None:
            return byers_xu_scaling(lower, upper)
        return self.scaling(samples.points.tolist(), samples.density.tolist())


for _newton in (
    Newton(),
    ByersXu(),
    SampledNewton(
        name="newton-determinantal",
        source="Byers 1987, doi:10.1016/0024-3795(87)90222-9",
        rule="|det X|^(-1/n), the geometric mean of the spectrum",
        scaling=determinantal_scaling,
        scalings=determinantal_scalings,
    ),
    SampledNewton(
        name="newton-norm",
        source="Higham 1986, doi:10.1137/0907079",
        rule="(||X^-1||_F/||X||_F)^(1/2), in place of Higham's 1- and inf-norms",
        scaling=norm_scaling,
        scalings=norm_scalings,
    ),
):
    UPDATES.register(_newton)
