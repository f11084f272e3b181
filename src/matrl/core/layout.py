"""Slot allocation: which values of a program may share memory."""

from dataclasses import dataclass

from matrl.core.program import Program

__all__ = ["Layout", "allocate"]

OUTPUT = -1
INPUT = -2


@dataclass(frozen=True)
class Layout:
    """Where each value lives: a slot index, ``OUTPUT`` or ``INPUT``; and each slot's dtype."""

    slots: tuple[int, ...]
    dtypes: tuple[str, ...]


def allocate(program: Program) -> Layout:
    """Assign slots by a linear scan: a slot is free again after its value's last use.

    An operation never writes into a slot it reads. The program's one output is written straight
    into the caller's array.
    """
    last = program.last_uses()
    (output,) = program.outputs
    free: dict[str, list[int]] = {}
    dtypes: list[str] = []
    slots: list[int] = []
    for index, op in enumerate(program.operations):
        if op.kind == "input":
            slots.append(INPUT)
            continue
        if index == output:
            slots.append(OUTPUT)
        else:
            available = free.setdefault(op.dtype, [])
            if available:
                slots.append(available.pop())
            else:
                slots.append(len(dtypes))
                dtypes.append(op.dtype)
        for operand in set(op.operands):
            if last[operand] == index and slots[operand] >= 0:
                free.setdefault(program.operations[operand].dtype, []).append(slots[operand])
    return Layout(tuple(slots), tuple(dtypes))
