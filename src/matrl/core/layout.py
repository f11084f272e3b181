"""Slot allocation: which values of a program may share memory."""

from dataclasses import dataclass
from typing import TypeAlias

from matrl.core.precision import is_half
from matrl.core.program import PRODUCTS, Operation, Program, Shape

__all__ = ["INPUT", "Layout", "allocate", "output_slot"]

_Kind: TypeAlias = tuple[str, Shape]

INPUT = -1
_STARTS = 4


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
    the caller's arrays, whose memory is a slot until then. With ``overwrite_input`` that of the
    input is one too.
    """
    # Whether a chain of values ends in the output's array depends on which of them began there.
    tried = (_scanned(program, overwrite_input, late) for late in range(_STARTS))
    return min(tried, key=lambda layout: len(layout.dtypes))


def _scanned(program: Program, overwrite_input: bool, late: int) -> Layout:
    """Return the layout of a scan in which outputs' arrays are free ``late`` operations later."""
    scan = _Scan(program, late)
    for index, op in enumerate(program.operations):
        if op.kind == "input":
            scan.slots.append(INPUT)
            if overwrite_input:
                scan.kind_of[INPUT] = (op.dtype, op.shape)
        else:
            scan.place(index, op)
    return Layout(
        tuple(scan.slots),
        tuple(dtype for dtype, _ in scan.made),
        tuple(shape for _, shape in scan.made),
    )


class _Scan:
    """The state of the scan: where values are, and what is free."""

    def __init__(self, program: Program, late: int) -> None:
        self._program, self._late = program, late
        self._last = program.last_uses()
        self.slots: list[int] = []
        self.made: list[_Kind] = []
        self.kind_of: dict[int, _Kind] = {}
        self._free: dict[_Kind, list[int]] = {}
        self._homes: dict[int, int] = {}
        """Which operation an output's array is for."""
        for index, value in enumerate(program.outputs):
            op = program.operations[value]
            if op.kind != "input" and value not in self._homes.values():
                code = output_slot(index)
                self._homes[code] = value
                self.kind_of[code] = (op.dtype, op.shape)
                self._free.setdefault(self.kind_of[code], []).insert(0, code)

    def place(self, index: int, op: Operation) -> None:
        """Give the value of an operation a slot, and set those free that it has read last."""
        kind = (op.dtype, op.shape)
        dying = {
            self.slots[operand]: None
            for operand in op.operands
            if self._last[operand] == index and self.slots[operand] in self.kind_of
        }
        home = next((code for code, value in self._homes.items() if value == index), None)
        if home is not None:
            slot = home
            self._take(kind, slot)
        else:
            overwritten = [self.slots[operand] for operand in _overwritable(op)]
            slot = next((s for s in overwritten if s in dying and self._fits(s, index, kind)), None)
            if slot is None:
                slot = self._taken(index, kind)
        self.slots.append(slot)
        dying.pop(slot, None)
        for freed in dying:
            self._free.setdefault(self.kind_of[freed], []).append(freed)

    def _taken(self, index: int, kind: _Kind) -> int:
        """Take what is free, an output's array by preference, or make a slot."""
        available = sorted(self._free.get(kind, []))
        slot = next((s for s in available if self._fits(s, index, kind)), None)
        if slot is None:
            slot = len(self.made)
            self.made.append(kind)
            self.kind_of[slot] = kind
        self._take(kind, slot)
        return slot

    def _take(self, kind: _Kind, slot: int) -> None:
        free = self._free.get(kind, [])
        if slot in free:
            free.remove(slot)

    def _fits(self, slot: int, index: int, kind: _Kind) -> bool:
        """Whether a value may stay in a slot until its last use."""
        if self.kind_of[slot] != kind:
            return False
        home = self._homes.get(slot)
        if home is None:
            return True
        last = self._last[index]
        read_by_home = last == home and index in _overwritable(self._program.operations[home])
        return self._late < index < home and (last < home or read_by_home)


def _overwritable(op: Operation) -> tuple[int, ...]:
    """Return the operands that may be written over, each element or strip by what it becomes."""
    if op.kind == "linear":
        return op.operands
    if op.kind in PRODUCTS and not is_half(op.dtype):
        # Not one that is a factor too.
        return tuple(operand for operand in op.operands[2:] if operand not in op.operands[:2])
    return ()
