"""Slot allocation: which values of a program may share memory."""

from dataclasses import dataclass

from matrl.core.precision import is_half
from matrl.core.program import PRODUCTS, Operation, Program, Shape

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


def allocate(program: Program, *, overwrite_input: bool = False) -> Layout:
    """Assign slots by a linear scan: a slot is free again after its value's last use.

    A linear combination, also one folded into a product, may be written over an operand read for
    the last time; nothing else is written into a slot it reads. Outputs are written straight into
    the caller's arrays. With ``overwrite_input`` the memory of the input is a slot too.
    """
    last = program.last_uses()
    outputs: dict[int, int] = {}
    for index, value in enumerate(program.outputs):
        outputs.setdefault(value, output_slot(index))
    free: dict[tuple[str, Shape], list[int]] = {}
    kinds: list[tuple[str, Shape]] = []
    kind_of: dict[int, tuple[str, Shape]] = {}
    slots: list[int] = []
    for index, op in enumerate(program.operations):
        if op.kind == "input":
            slots.append(INPUT)
            if overwrite_input:
                kind_of[INPUT] = (op.dtype, op.shape)
            continue
        kind = (op.dtype, op.shape)
        dying = {
            slots[operand]: kind_of[slots[operand]]
            for operand in op.operands
            if last[operand] == index and slots[operand] in kind_of
        }
        overwritten = [
            slots[operand] for operand in _overwritable(op) if dying.get(slots[operand]) == kind
        ]
        if index in outputs:
            slots.append(outputs[index])
        elif overwritten:
            slots.append(overwritten[0])
            del dying[overwritten[0]]
        else:
            available = free.setdefault(kind, [])
            if available:
                slots.append(available.pop())
            else:
                slots.append(len(kinds))
                kind_of[len(kinds)] = kind
                kinds.append(kind)
        for slot, shape in dying.items():
            free.setdefault(shape, []).append(slot)
    return Layout(
        tuple(slots), tuple(dtype for dtype, _ in kinds), tuple(shape for _, shape in kinds)
    )


def _overwritable(op: Operation) -> tuple[int, ...]:
    """Return the operands that may be written over, each element or strip by what it becomes."""
    if op.kind == "linear":
        return op.operands
    if op.kind in PRODUCTS and not is_half(op.dtype):
        # Not one that is a factor too.
        return tuple(operand for operand in op.operands[2:] if operand not in op.operands[:2])
    return ()
