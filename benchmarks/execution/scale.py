"""How much to measure."""

from dataclasses import dataclass

__all__ = ["FULL", "QUICK", "Scale"]


@dataclass(frozen=True)
class Scale:
    """Orders, repetitions, and the seconds a discovery may take.

    ``order`` is that of the comparisons with other libraries (the polar factor is of a matrix twice
    as high), ``stack`` how many matrices the batch has.
    """

    orders: tuple[int, ...] = (512, 1024, 2048)
    repetitions: int = 15
    seconds: float = 10.0
    order: int = 1024
    stack: int = 256
    small: int = 64


FULL = Scale()
QUICK = Scale(orders=(256, 512), repetitions=5, seconds=2.0, order=256, stack=32)
