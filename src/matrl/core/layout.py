"""Slot allocation: which values of a program may share memory."""

from dataclasses import dataclass

from matrl.core.program import Program, Shape

__all__ = ["INPUT", "Layout", "allocate", "output_slot"]

INPUT = -1


def output_slot(index: int) -> int:
    """Return the code of the ``index``-th output where a slot is expected."""
    return -2 - index


@dataclass(frozen=True)
class Layout:
    """Where each value lives (a slot, ``INPUT`` or an output's code), and what each slot is."""

    slots: tuple[int, ...]
    dtypes: tuple[str, ...]
    shapes: tuple[Shape, ...]


def allocate(program: Program) -> Layout:
    """Assign slots by a linear scan: a slot is free again after its value's last use.

    An operation never writes into a slot it reads. Outputs are written straight into the caller's
    arrays.
    """
    last = program.last_uses()
    outputs: dict[int, int] = {}
    for index, value in enumerate(program.outputs):
        outputs.setdefault(value, output_slot(index))
    free: dict[tuple[str, Shape], list[int]] = {}
    kinds: list[tuple[str, Shape]] = []
    slots: list[int] = []
    for index, op in enumerate(program.operations):
        if op.kind == "input":
            slots.append(INPUT)
            continue
        if index in outputs:
            slots.append(outputs[index])
        else:
            available = free.setdefault((op.dtype, op.shape), [])
            if available:
                slots.append(available.pop())
            else:
                slots.append(len(kinds))
                kinds.append((op.dtype, op.shape))
        for operand in set(op.operands):
            if last[operand] == index and slots[operand] >= 0:
                free[kinds[slots[operand]]].append(slots[operand])
    return Layout(
        tuple(slots), tuple(dtype for dtype, _ in kinds), tuple(shape for _, shape in kinds)
    )
