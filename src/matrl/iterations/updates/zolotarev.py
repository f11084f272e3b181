"""Zolotarev's best rational maps of type (2r+1, 2r), centred, as partial fractions with r poles.

The composition of Zolotarev maps is again one. Source: Zolotarev 1877; Nakatsukasa & Freund 2016,
doi:10.1137/140990334.
"""

from dataclasses import dataclass

from matrl.coefficients import zolotarev
from matrl.iterations.catalogue import UPDATES
from matrl.iterations.partial_fractions import RationalUpdate, flatten
from matrl.iterations.update import Samples

__all__ = ["Zolotarev"]


@dataclass(frozen=True)
class Zolotarev(RationalUpdate):
    """The Zolotarev update with ``poles`` poles."""

    source: str = "doi:10.1137/140990334"
    rule: str = "minimises max |h - 1| on the range (elliptic functions)"
    equioscillates: bool = True

    @property
    def name(self) -> str:
        """Name of the action."""
        return f"zolotarev-{self.poles}"

    def coefficients(
        self, root_index: int, lower: float, upper: float, samples: Samples | None = None
    ) -> tuple[float, ...]:
        """Return (constant, weight_1, shift_1, ...) for x in [lower, upper]."""
        return flatten(zolotarev(lower, upper, self.poles))


for _poles in range(1, 9):
    UPDATES.register(Zolotarev(_poles))
