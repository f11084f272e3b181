"""Zolotarev's even companions of type (2r, 2r-1), centred: r poles of p, one of them at 0.

The first member is optimally scaled Newton, which has its own form; these are the next. Source:
Zolotarev 1877; Nakatsukasa & Freund 2016, doi:10.1137/140990334.
"""

from dataclasses import dataclass

from matrl.coefficients import zolotarev_even
from matrl.iterations.catalogue import UPDATES
from matrl.iterations.partial_fractions import RationalUpdate, flatten
from matrl.iterations.update import Samples

__all__ = ["ZolotarevEven"]


@dataclass(frozen=True)
class ZolotarevEven(RationalUpdate):
    """The even Zolotarev update with ``poles`` poles."""

    source: str = "doi:10.1137/140990334"
    rule: str = "minimises max |h - 1| on the range among even types (elliptic functions)"
    has_pole_at_zero: bool = True
    equioscillates: bool = True

    @property
    def name(self) -> str:
        """Name of the action."""
        return f"zolotarev-even-{self.poles}"

    def degree_for(self, root_index: int) -> int:
        """Degree of the numerator of h in x."""
        return 2 * self.poles

    def order(self, root_index: int) -> int:
        """Return 2r: the error equioscillates at 2r + 1 points."""
        return 2 * self.poles

    def coefficients(
        self, root_index: int, lower: float, upper: float, samples: Samples | None = None
    ) -> tuple[float, ...]:
        """Return (constant, weight_1, shift_1, ...) for x in [lower, upper]."""
        return flatten(zolotarev_even(lower, upper, self.poles))


for _poles in range(2, 5):
    UPDATES.register(ZolotarevEven(_poles))
