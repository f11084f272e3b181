"""Slot allocation: which values of a program may share memory."""

from dataclasses import dataclass
from typing import TypeAlias

from matrl.core.precision import is_half
from matrl.core.program import PRODUCTS, Operation, Program, Shape

__all__ = ["INPUT", "Layout", "allocate", "output_slot"]

_Kind: TypeAlias = tuple[str, Shape]

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
    the last time; nothing else is written into a slot it reads. The slots that outputs end in are
    the caller's arrays. With ``overwrite_input`` the memory of the input is a slot too, though none
    an output ends in.
    """
    last = program.last_uses()
    free: dict[_Kind, list[int]] = {}
    kind_of: dict[int, _Kind] = {}
    slots: list[int] = []
    made = 0
    for index, op in enumerate(program.operations):
        if op.kind == "input":
            slots.append(INPUT)
            if overwrite_input:
                kind_of[INPUT] = (op.dtype, op.shape)
            continue
        kind = (op.dtype, op.shape)
        stays = INPUT if index in program.outputs else None  # where it must not be
        dying = {
            slots[operand]: kind_of[slots[operand]]
            for operand in op.operands
            if last[operand] == index and slots[operand] in kind_of
        }
        overwritten = [slots[operand] for operand in _overwritable(op)]
        fitting = [s for s in overwritten if dying.get(s) == kind and s != stays]
        available = [s for s in free.get(kind, ()) if s != stays]
        if fitting:
            slot = fitting[0]
            del dying[slot]
        elif available:
            slot = available[-1]
            free[kind].remove(slot)
        else:
            slot, made = made, made + 1
            kind_of[slot] = kind
        slots.append(slot)
        for freed, freed_kind in dying.items():
            free.setdefault(freed_kind, []).append(freed)
    return _with_outputs(program, slots, [kind_of[slot] for slot in range(made)])


def _with_outputs(program: Program, slots: list[int], kinds: list[_Kind]) -> Layout:
    """Return the layout in which the slots that outputs end in are the caller's arrays."""
    names: dict[int, int] = {}
    for index, value in enumerate(program.outputs):
        if slots[value] != INPUT:
            names.setdefault(slots[value], output_slot(index))
    kept = [slot for slot in range(len(kinds)) if slot not in names]
    names |= {slot: place for place, slot in enumerate(kept)}
    return Layout(
        tuple(names.get(slot, slot) for slot in slots),
        tuple(kinds[slot][0] for slot in kept),
        tuple(kinds[slot][1] for slot in kept),
    )


def _overwritable(op: Operation) -> tuple[int, ...]:
    """Return the operands that may be written over, each element or strip by what it becomes."""
    if op.kind == "linear":
        return op.operands
    if op.kind in PRODUCTS and not is_half(op.dtype):
        # Not one that is a factor too.
        return tuple(operand for operand in op.operands[2:] if operand not in op.operands[:2])
    return ()
