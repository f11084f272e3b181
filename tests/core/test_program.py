"""Programs: dead code, lifetimes, and readings."""

from collections.abc import Sequence
from dataclasses import FrozenInstanceError

import pytest

from matrl.core.program import KINDS, Operation, Program, evaluate

A = Operation("input", label="A")


def linear(*operands: int) -> Operation:
    return Operation("linear", operands, tuple(1.0 for _ in operands))


class Names:
    """Reads a program as text."""

    def linear(self, op: Operation, operands: Sequence[str]) -> str:
        return "+".join(operands) + f"+{op.shift:g}"

    def matmul(self, op: Operation, left: str, right: str) -> str:
        return f"({left}@{right})"

    def gram(self, op: Operation, left: str, right: str) -> str:
        return f"({left}*@{right})"

    def outer(self, op: Operation, left: str, right: str) -> str:
        return f"({left}@{right}*)"

    def inverse(self, op: Operation, operand: str) -> str:
        return f"inv({operand})"

    def lyapunov(self, op: Operation, coefficient: str, right: str) -> str:
        return f"lyap({coefficient},{right})"

    def polar(self, op: Operation, operand: str) -> str:
        return f"polar({operand})"

    def symmetrize(self, op: Operation, operand: str) -> str:
        return f"sym({operand})"

    def spectral(self, op: Operation, operand: str) -> str:
        return f"({operand})^{op.shift:g}"

    def cast(self, op: Operation, operand: str) -> str:
        return f"{op.dtype}({operand})"


def test_operations_and_programs_are_immutable() -> None:
    with pytest.raises(FrozenInstanceError):
        A.label = "B"  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError):
        Program((A,), (0,)).outputs = ()  # type: ignore[misc]
    assert hash(Program((A,), (0,))) == hash(Program((Operation("input", label="A"),), (0,)))


def test_inputs_are_named_in_order() -> None:
    program = Program((A, linear(0), Operation("input", label="M"), linear(1, 2)), (3,))
    assert program.inputs == ("A", "M")


def test_last_uses() -> None:
    operations = (A, linear(0), linear(0, 1), linear(1), linear(2, 2))
    # 0 is last read by 2, 1 by 3; 3 is read by nobody; 2 is an output, and so is 4.
    assert Program(operations, (4, 2)).last_uses() == (2, 3, 5, 3, 5)


def test_an_output_read_again_lives_to_the_end() -> None:
    assert Program((A, linear(0), linear(1)), (1,)).last_uses() == (1, 3, 2)


def test_restriction_drops_what_is_not_needed_and_renumbers() -> None:
    dead = Operation("inverse", (0,))
    kept = Operation("matmul", (0, 0), product="averaged", dtype="float32")
    power = Operation("spectral", (2,), shift=-0.5, label="x")
    program = Program((A, dead, kept, linear(1, 2), power), (4, 3))
    restricted = program.restricted_to((4,))
    assert restricted.operations == (
        A,
        kept,
        Operation("spectral", (1,), shift=-0.5, label="x"),
    )
    assert restricted.outputs == (2,)


def test_restriction_keeps_order_and_repeats_of_outputs() -> None:
    program = Program((A, linear(0), linear(0, 1), linear(0)), (3, 1, 3))
    restricted = program.restricted_to(iter((3, 1, 3)))
    assert restricted.operations == (A, linear(0), linear(0))
    assert restricted.outputs == (2, 1, 2)


def test_restriction_keeps_what_either_of_two_outputs_needs() -> None:
    program = Program((A, linear(0), linear(0, 0), linear(1), linear(2), linear(3)), (5, 4))
    assert program.restricted_to((4, 3)) == Program(
        (A, linear(0), linear(0, 0), linear(1), linear(2)), (4, 3)
    )
    assert program.restricted_to((4,)) == Program((A, linear(0, 0), linear(1)), (2,))


def test_restriction_keeps_shapes() -> None:
    tall = Operation("input", label="A", shape="tall", dtype="complex64")
    outer = Operation("outer", (0, 0), shape="large", dtype="complex64")
    gram = Operation("gram", (0, 0), dtype="complex64")
    restricted = Program((tall, gram, outer), (2,)).restricted_to((2,))
    assert [op.shape for op in restricted.operations] == ["tall", "large"]
    assert {op.dtype for op in restricted.operations} == {"complex64"}


def test_restriction_of_what_is_needed_changes_nothing() -> None:
    program = Program((A, linear(0), Operation("matmul", (0, 1))), (2,))
    assert program.restricted_to(program.outputs) == program
    assert program.restricted_to((0,)) == Program((A,), (0,))
    assert program.restricted_to(()) == Program((), ())


def test_evaluate_gives_every_kind_its_meaning() -> None:
    operations = (
        A,
        Operation("linear", (0,), (2.0,), shift=3.0),
        Operation("matmul", (0, 1)),
        Operation("inverse", (2,)),
        Operation("spectral", (3,), shift=0.5),
        Operation("cast", (4,), dtype="float32"),
        Operation("gram", (0, 5)),
        Operation("outer", (6, 0)),
        Operation("symmetrize", (7,)),
        Operation("polar", (8,)),
        Operation("lyapunov", (9, 0)),
    )
    assert {op.kind for op in operations} == set(KINDS)
    (value,) = evaluate(Program(operations, (5,)), Names(), {"A": "a"})
    assert value == "float32((inv((a@a+3)))^0.5)"
    (value,) = evaluate(Program(operations, (10,)), Names(), {"A": "a"})
    assert value == "lyap(polar(sym(((a*@float32((inv((a@a+3)))^0.5))@a*))),a)"


def test_evaluate_returns_outputs_in_their_order() -> None:
    program = Program((A, linear(0), linear(1)), (2, 0, 1, 2))
    assert evaluate(program, Names(), {"A": "a"}) == ("a+0+0", "a", "a+0", "a+0+0")


def test_evaluate_needs_every_input() -> None:
    with pytest.raises(KeyError, match="A"):
        evaluate(Program((A,), (0,)), Names(), {"B": "b"})


class Tracked:
    """A value that knows how many of its kind are alive."""

    alive: set[int] = set()  # noqa: RUF012

    def __init__(self, name: int) -> None:
        self.name = name
        Tracked.alive.add(name)

    def __del__(self) -> None:
        Tracked.alive.discard(self.name)


class Watching:
    """Records which values are alive at each operation."""

    def __init__(self) -> None:
        self.index = 0
        self.seen: list[set[int]] = []

    def linear(self, op: Operation, operands: Sequence[Tracked]) -> Tracked:
        self.seen.append(set(Tracked.alive))
        self.index += 1
        return Tracked(self.index)

    def matmul(self, op: Operation, left: Tracked, right: Tracked) -> Tracked:
        raise NotImplementedError

    gram = outer = matmul

    def lyapunov(self, op: Operation, coefficient: Tracked, right: Tracked) -> Tracked:
        raise NotImplementedError

    def inverse(self, op: Operation, operand: Tracked) -> Tracked:
        raise NotImplementedError

    spectral = cast = polar = symmetrize = inverse


def test_evaluate_drops_values_after_their_last_use() -> None:
    Tracked.alive.clear()
    reading = Watching()
    program = Program((A, linear(0), linear(0, 1), linear(2), linear(3, 3), linear(4)), (3, 5))
    outputs = evaluate(program, reading, {"A": Tracked(0)})
    # The caller's dictionary is gone after the call only, so input 0 stays throughout.
    assert [seen - {0} for seen in reading.seen] == [set(), {1}, {2}, {3}, {3, 4}]
    assert [value.name for value in outputs] == [3, 5]
