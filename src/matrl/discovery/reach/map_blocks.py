"""All maps of a search as a few blocks of coefficients, evaluated block by block."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from matrl.discovery.reach.map_table import MapTable, is_fixed_above_one, is_scale_free, map_table
from matrl.iterations import UPDATES, DirectMethod, Update
from matrl.iterations.updates.newton import SampledNewton
from matrl.readings.maps import apply_maps, powers

__all__ = ["MapBlocks", "can_be_sampled", "is_fitted"]

FEW_TERMS = 5


@dataclass(frozen=True, eq=False)
class _Block:
    """Updates of one table, once for each slack of the upper end; columns from ``start`` on."""

    table: MapTable
    slacks: tuple[float, ...]
    is_fixed: np.ndarray
    start: int
    stop: int


def is_fitted(update: Update) -> bool:
    """Return whether an update is a polynomial fitted to points."""
    return update.uses_samples and update.kind == "polynomial"


def can_be_sampled(update: Update, root_index: int) -> bool:
    """Return whether an update can be looked at with many others.

    >>> from matrl.iterations import UPDATES
    >>> names = ("newton", "newton-norm", "fitted-5", "series-5", "newton-repair")
    >>> [can_be_sampled(UPDATES.get(name), 2) for name in names]
    [True, True, True, True, False]
    """
    if update.kind == "repair":
        return False
    if update.uses_samples:
        return isinstance(update, SampledNewton) or is_fitted(update)
    return is_scale_free(update, root_index) or is_fixed_above_one(update, root_index)


class MapBlocks:
    """The maps (update, precision) but those fitted, in columns, and what the fitted start from."""

    def __init__(
        self,
        maps: Sequence[tuple[Update, str]],
        root_index: int,
        slacks: Mapping[str, float],
    ) -> None:
        self._k = root_index
        polynomials = dict.fromkeys(_reference(u, root_index) for u, _ in maps if is_fitted(u))
        rest = [u for u, _ in maps if not u.uses_samples]
        polynomials.update(dict.fromkeys(u for u in rest if u.kind == "polynomial"))
        rationals = [u for u in rest if u.kind != "polynomial"]
        few = [u for u in rationals if u.coefficient_count(root_index) <= 2 * FEW_TERMS - 1]
        many = [u for u in rationals if u not in few]
        self._blocks: list[_Block] = []
        self.columns: dict[tuple[Update, str], int] = {}
        """Which column a map is."""
        for updates, kinds in ((tuple(polynomials), tuple(slacks)), (few, ("",)), (many, ("",))):
            if updates:
                self._add(tuple(updates), [(kind, slacks.get(kind, 0.0)) for kind in kinds])
        self._sampled = [u for u, _ in maps if isinstance(u, SampledNewton)]
        for update in self._sampled:
            self.columns[update, ""] = len(self.columns)
        self.oscillates = np.array([u.equioscillates for u, _ in self.columns], dtype=bool)
        """Which columns are equioscillating maps."""
        self._terms = max([block.table.terms for block in self._blocks], default=2)

    @property
    def size(self) -> int:
        """The number of columns."""
        return len(self.columns)

    @property
    def polynomials(self) -> int:
        """The number of columns of polynomials, which come first."""
        first = self._blocks[0] if self._blocks else None
        return first.stop if first is not None and first.table.is_polynomial else 0

    def sibling(self, update: Update, precision: str) -> int:
        """Return the column of the range's best polynomial of the degree of a fitted one."""
        return self.columns[_reference(update, self._k), precision]

    def _add(self, updates: tuple[Update, ...], kinds: Sequence[tuple[str, float]]) -> None:
        start = self.size
        fixed = [not is_scale_free(update, self._k) for update in updates]
        for kind, _ in kinds:
            for update in updates:
                self.columns[update, kind] = self.size
        slacks = tuple(slack for _, slack in kinds)
        table = map_table(updates, self._k)
        self._blocks.append(_Block(table, slacks, np.array(fixed), start, self.size))

    def values(
        self,
        x: np.ndarray,
        lower: np.ndarray,
        upper: np.ndarray,
        count: int,
        density: np.ndarray,
        *,
        start: int = 0,
    ) -> np.ndarray:
        """Return h(x) (b, columns, places) for x (b, places) and [lower, 1], in units of upper.

        ``density`` (count,) is that of the first ``count`` places, the spectrum. ``start`` is the
        first column wanted: 0, or :attr:`polynomials` to leave those out.
        """
        by_power = powers(self._k, x, max(self._terms, 2))
        values = np.empty((len(lower), self.size - start, x.shape[1]))
        length = -np.log(lower)
        for block in self._blocks:
            if block.start < start:
                continue
            numerators, denominators = self._coefficients(block, length, upper)
            apply_maps(
                self._k,
                x,
                numerators,
                denominators,
                m_powers=by_power,
                out=values[:, block.start - start : block.stop - start],
            )
        if self._sampled:
            for column, update in enumerate(self._sampled, -len(self._sampled)):
                mu = update.scalings(x[:, :count], density)[:, None]
                values[:, column] = 0.5 * (mu * x + 1.0 / (mu * x))
        return values

    def _coefficients(
        self, block: _Block, length: np.ndarray, upper: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """Return N and D (b, columns of the block, terms) for x in units of upper."""
        if not block.table.is_polynomial:
            return block.table.at(length)
        orders = 1 + self._k * np.arange(block.table.terms)
        slacks = np.array(block.slacks)
        numerators, _ = block.table.at((length[:, None] + np.log1p(slacks)).ravel())
        # The rule is told u' = u (1 + slack), and a fixed one takes no notice above 1.
        unit = np.broadcast_to(1.0 / (1.0 + slacks)[:, None], (len(slacks), len(block.is_fixed)))
        grown = np.maximum(upper[:, None] * (1.0 + slacks), 1.0)
        unit = unit * np.where(block.is_fixed, grown[:, :, None], 1.0)
        scaled = numerators.reshape(*unit.shape, -1) * unit[..., None] ** orders
        return scaled.reshape(len(length), -1, block.table.terms), None


def _reference(update: Update, root_index: int) -> Update:
    """Return the polynomial a fitted one is never worse than: the range's best of its degree."""
    reference = UPDATES.get(update.dominated_by(root_index))
    assert not isinstance(reference, DirectMethod)
    return reference
