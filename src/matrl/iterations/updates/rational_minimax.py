"""Rational minimax maps for p-th roots, p > 2: the best p(m) of type (r, r) on the current range.

For square roots they are Zolotarev's, which have a closed form. Source: Gawlik 2021,
arXiv:1903.06268; compositions, Gawlik & Nakatsukasa 2021, arXiv:1906.11326.
"""

from dataclasses import dataclass

from matrl.coefficients import rational_minimax
from matrl.core.function import GREATEST_ROOT_INDEX
from matrl.iterations.catalogue import UPDATES
from matrl.iterations.partial_fractions import RationalUpdate, flatten
from matrl.iterations.update import Samples

__all__ = ["RationalMinimax"]


@dataclass(frozen=True)
class RationalMinimax(RationalUpdate):
    """The rational minimax update with ``poles`` poles."""

    source: str = "arXiv:1903.06268; arXiv:1906.11326"
    rule: str = "minimises max |h - 1| on the range (alternation)"

    @property
    def name(self) -> str:
        """Name of the action."""
        return f"rational-minimax-{self.poles}"

    def supports(self, root_index: int) -> bool:
        """Roots beyond the square root."""
        return 3 <= root_index <= GREATEST_ROOT_INDEX

    def coefficients(
        self, root_index: int, lower: float, upper: float, samples: Samples | None = None
    ) -> tuple[float, ...]:
        """Return (constant, weight_1, shift_1, ...) for x in [lower, upper]."""
        return flatten(rational_minimax(root_index, self.poles, lower, upper))


for _poles in range(1, 5):
    UPDATES.register(RationalMinimax(_poles))
