"""How much to measure."""

from dataclasses import dataclass

__all__ = ["FULL", "QUICK", "Scale"]


@dataclass(frozen=True)
class Scale:
    """Orders of matrices, and how many of each spectrum and kind of eigenvectors."""

    orders: tuple[int, ...] = (8, 16, 32, 64)
    repetitions: int = 5


FULL = Scale()
QUICK = Scale(orders=(16,), repetitions=1)
