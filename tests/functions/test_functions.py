"""The functions there are, that their data fit together, and the names they go by."""

from fractions import Fraction
from math import gcd

import numpy as np
import pytest

from matrl.core.function import MatrixFunction
from matrl.core.plan import StepRecord
from matrl.core.program import evaluate
from matrl.errors import UnknownNameError
from matrl.functions import FUNCTIONS
from matrl.functions.rational import name_of_power, rational_power
from matrl.iterations import UPDATES, DirectMethod, Update, trace_schedule
from matrl.iterations.schedule import forms_of
from matrl.iterations.update import some_range
from matrl.readings.scalar import ScalarReading, apply_update

PAIRS = ("sqrt+invsqrt", "polar-right", "polar-left")
POWERS = [f for f in FUNCTIONS if f.carries in ("z", "y")]
ON_DEMAND = [
    FUNCTIONS.get(name)
    for name in (
        *("root-9", "power-3/10", "power--7/10", "invroot-11", "root-16"),
        *("root-64", "invroot-64", "power-63/64", "power--63/64"),
    )
]
EIGENVALUES = np.geomspace(1e-3, 8.0, 7)
EPS = float(np.finfo(np.float64).eps)


def exponent_in(name: str) -> Fraction:
    """The exponent a name stands for, read independently of the library."""
    named = {"inv": Fraction(-1), "sqrt": Fraction(1, 2), "invsqrt": Fraction(-1, 2)}
    if name in named:
        return named[name]
    family, _, argument = name.partition("-")
    if family == "power":
        return Fraction(argument)
    return Fraction(1 if family == "root" else -1, int(argument))


def test_the_powers() -> None:
    """Every s = q/p in lowest terms, p <= 8, 0 < |s| < 1, and -1, each once."""
    fractions = {Fraction(q, p) for p in range(2, 9) for q in range(1, p)}
    expected = fractions | {-s for s in fractions} | {Fraction(-1)}
    assert sorted(exponent_in(f.name) for f in POWERS) == sorted(expected)


def test_the_others() -> None:
    others = {(f.name, f.root_index, f.carries, f.structure, f.factor) for f in FUNCTIONS}
    others -= {(f.name, f.root_index, f.carries, f.structure, f.factor) for f in POWERS}
    assert others == {
        ("sqrt+invsqrt", 2, "yz", "positive", ""),
        ("sign", 2, "x", "hermitian", ""),
        ("polar", 2, "x", "rectangular", ""),
        ("polar-right", 2, "x", "rectangular", "right"),
        ("polar-left", 2, "x", "rectangular", "left"),
    }


@pytest.mark.parametrize("function", [*POWERS, *ON_DEMAND], ids=lambda f: f.name)
def test_the_carried_matrix_is_the_function(function: MatrixFunction) -> None:
    """z^j is A^(-j/k) and a z^j is A^(1-j/k), with j as small as can be."""
    s, k, j = exponent_in(function.name), function.root_index, function.multiplicity
    assert s == (Fraction(-j, k) if function.carries == "z" else 1 - Fraction(j, k))
    assert gcd(j, k) == 1
    assert abs(function.exponent - float(s)) <= EPS
    assert function.exponents == (function.exponent,)
    assert function.outputs == (function.name,)
    assert function.structure == "positive"
    assert function.vanishes_at_zero == (s > 0)
    expected = EIGENVALUES ** float(s)
    assert np.allclose(function.magnitude(EIGENVALUES), expected, rtol=8 * EPS)
    z = EIGENVALUES ** (-1.0 / k)
    carried = z**j if function.carries == "z" else EIGENVALUES * z**j
    assert np.allclose(carried, expected, rtol=64 * EPS)


@pytest.mark.parametrize(
    ("name", "outputs", "exponents"),
    [
        ("sqrt+invsqrt", ("sqrt", "invsqrt"), (0.5, -0.5)),
        ("sign", ("sign",), (0.0,)),
        ("polar", ("unitary",), (0.0,)),
        ("polar-right", ("unitary", "hermitian"), (0.0, 1.0)),
        ("polar-left", ("unitary", "hermitian"), (0.0, 1.0)),
    ],
)
def test_outputs_and_how_they_scale(
    name: str, outputs: tuple[str, ...], exponents: tuple[float, ...]
) -> None:
    function = FUNCTIONS.get(name)
    assert function.outputs == outputs
    assert function.exponents == exponents
    assert (name in PAIRS) == (len(outputs) == 2)
    assert not function.vanishes_at_zero
    assert np.array_equal(function.magnitude(EIGENVALUES), EIGENVALUES ** exponents[0])


@pytest.mark.parametrize("function", [*FUNCTIONS, *ON_DEMAND], ids=lambda f: f.name)
def test_iterates_and_eigenvalues_are_each_others_inverse(function: MatrixFunction) -> None:
    """x^k = m = a z^k with z = 1, but for the iterate x = a z of sign and polar factor."""
    x = function.iterate(EIGENVALUES)
    assert np.allclose(function.matrix(x), EIGENVALUES, rtol=16 * EPS)
    if function.carries == "x":
        assert np.array_equal(x, EIGENVALUES)
    else:
        assert np.allclose(x**function.root_index, EIGENVALUES, rtol=16 * EPS)
    assert np.array_equal(function.iterate(np.array([1.0])), [1.0])
    assert function.description


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("root(2)", "sqrt"),
        ("root(3)", "root-3"),
        (" root( 8 ) ", "root-8"),
        ("root-2", "sqrt"),
        ("invroot(1)", "inv"),
        ("invroot(2)", "invsqrt"),
        ("invroot-1", "inv"),
        ("invroot-2", "invsqrt"),
        ("invroot(7)", "invroot-7"),
        ("power(-1)", "inv"),
        ("power(1/2)", "sqrt"),
        ("power(-0.5)", "invsqrt"),
        ("power(.25)", "root-4"),
        ("power(-1/3)", "invroot-3"),
        ("power(-3/4)", "power--3/4"),
        ("power(+2/3)", "power-2/3"),
        ("power(6/8)", "power-3/4"),
        ("power(0.375)", "power-3/8"),
        ("power(-4/8)", "invsqrt"),
        ("power (5/6)", "power-5/6"),
        ("power-5/6", "power-5/6"),
        ("polar", "polar"),
    ],
)
def test_names(name: str, expected: str) -> None:
    assert FUNCTIONS.get(name).name == expected


@pytest.mark.parametrize("function", POWERS, ids=lambda f: f.name)
def test_every_power_is_found_by_its_exponent(function: MatrixFunction) -> None:
    s = exponent_in(function.name)
    assert name_of_power(s, "f") == function.name
    assert FUNCTIONS.get(f"power({s})") is function
    assert FUNCTIONS.get(f"power({function.exponent:.12f})") is function


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("log", "function: there is no 'log'; choose one of: inv"),
        ("", "there is no ''"),
        ("root", r"needs an index; write it as in root\(3\)"),
        ("power", r"needs an index; write it as in power\(-3/4\)"),
        ("root()", "there is no"),
        ("root(x)", "there is no"),
        ("root(2", "there is no"),
        ("sqrt(2)", "there is no"),
        ("ROOT(2)", "there is no"),
        ("power(1e-1)", "there is no"),
        ("power-0.5", "there is no"),
        ("power-+1/2", "there is no"),
        ("root--3", "there is no"),
        ("root-\N{ARABIC-INDIC DIGIT THREE}", "there is no"),
        (f"root-{'1' * 5000}", "there is no"),
        ("root(0)", r"'root\(0\)' has no index from 2 to 64; compose roots of roots"),
        ("root(65)", r"'root\(65\)' has no index from 2 to 64"),
        ("invroot-65", "'invroot-65' has no index from 2 to 64"),
        ("root(2.5)", r"has no index from 2 to 64; .* as in power\(2/5\)"),
        ("invroot(-2)", "has no index from 2 to 64"),
        ("root(1)", "no power between -1 and 1; multiply"),
        ("root-1", "no power between -1 and 1; multiply"),
        ("power(0)", "is the power 0, which is I for every A; give another exponent"),
        ("power(0/3)", "is the power 0"),
        ("power-0/3", "is the power 0"),
        ("power(1)", "no power between -1 and 1"),
        ("power(3/2)", "no power between -1 and 1; multiply one of them by A or its inverse"),
        ("power(-2)", "no power between -1 and 1"),
        ("power--9/8", "no power between -1 and 1"),
        ("power(2/65)", r"the power 2/65, whose denominator exceeds 64; .* power\(1/33\)$"),
        ("power(0.333)", r"333/1000, .* or take the nearest, power\(1/3\)"),
        ("power(-1/1000)", r"exceeds 64; compose two powers, f\(A\) = \(A\^s\)\^t$"),
        (None, "there is no None"),
        (3, "there is no 3"),
        (["sqrt"], "there is no"),
    ],
)
def test_names_that_are_none(name: object, message: str) -> None:
    with pytest.raises(UnknownNameError, match=message):
        FUNCTIONS.get(name)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("power(0.3)", "power-3/10"),
        ("power-3/10", "power-3/10"),
        ("power-6/20", "power-3/10"),
        ("power(-0.7)", "power--7/10"),
        ("power--7/10", "power--7/10"),
        ("power--14/20", "power--7/10"),
        ("power(1/9)", "root-9"),
        ("power-1/9", "root-9"),
        ("power(-0.111111)", "invroot-9"),
        ("root(16)", "root-16"),
        ("root-16", "root-16"),
        (" invroot( 11 ) ", "invroot-11"),
        ("power(63/64)", "power-63/64"),
        ("power(0.984375)", "power-63/64"),
        ("invroot-64", "invroot-64"),
        ("power-4/8", "sqrt"),
        ("power--1/2", "invsqrt"),
        ("power--8/8", "inv"),
        ("power-10/16", "power-5/8"),
    ],
)
def test_names_of_powers_made_on_demand(name: str, expected: str) -> None:
    known = [function.name for function in FUNCTIONS]
    function = FUNCTIONS.get(name)
    assert function.name == expected
    assert function == FUNCTIONS.get(expected)
    # Registered ones are the objects they are, the others are made and not kept.
    assert (function is FUNCTIONS.get(expected)) == (expected in known)
    assert [one.name for one in FUNCTIONS] == known


def test_every_power_up_to_the_largest_denominator() -> None:
    """All are found by exponent and by name, registered ones being made by the same rule."""
    fractions = {Fraction(q, p) for p in range(3, 65) for q in range(1, p)} - {Fraction(1, 2)}
    for s in fractions | {-s for s in fractions}:
        function = rational_power(s)
        assert exponent_in(function.name) == s
        assert FUNCTIONS.get(f"power({s})") == FUNCTIONS.get(function.name) == function
        assert FUNCTIONS.get(f"power({function.exponent:.12f})") == function


@pytest.mark.parametrize("name", ["power(1/0)", "root(1/0)", "invroot(2/0)"])
def test_a_denominator_of_zero_is_refused_by_name(name: str) -> None:
    with pytest.raises(UnknownNameError, match=r"\(\d/0\)' divides by zero"):
        FUNCTIONS.get(name)


def test_decimals_stand_for_fractions_only_if_they_are_close() -> None:
    assert FUNCTIONS.get("power(0.333333)").name == "root-3"
    assert FUNCTIONS.get("power(-0.857143)").name == "power--6/7"
    for name in ("power(0.501)", "power(0.333)", "root(2.001)", "invroot(3.99)"):
        with pytest.raises(UnknownNameError, match=r"has no index|the power"):
            FUNCTIONS.get(name)


def chains(function: MatrixFunction, update: Update, length: int) -> list[list[str]]:
    """All sequences of forms an update may be carried out in."""
    found: list[list[str]] = [[]]
    for _ in range(length):
        found = [
            [*forms, form.name]
            for forms in found
            for form in forms_of(update, function, forms[-1] if forms else None)
        ]
    return found


@pytest.mark.parametrize("function", [*FUNCTIONS, *ON_DEMAND], ids=lambda f: f.name)
def test_schedules_compute_the_function_times_a_power_of_x(function: MatrixFunction) -> None:
    """In exact arithmetic fhat(a) = f(a) x^j, in every form: what error measures rest on."""
    k, a = function.root_index, np.geomspace(0.02, 1.0, 6)
    if function.structure == "hermitian":
        a = np.concatenate([-a[::-1], a])
    tried = 0
    for name in (f"series-{k + 1}", f"series-{2 * k + 1}", "pade-0/1", "newton"):
        update = UPDATES.get(name)
        assert not isinstance(update, DirectMethod)
        if not update.supports(k):
            continue
        coefficients = tuple(update.coefficients(k, *some_range(k)))
        x = function.iterate(np.abs(a))
        for _ in range(3):
            x = apply_update(update, k, coefficients, x)
        for forms in chains(function, update, 3):
            steps = [StepRecord(name, form, "float64", coefficients) for form in forms]
            values = evaluate(trace_schedule(function, steps, "float64"), ScalarReading(), {"A": a})
            assert len(values) == len(function.outputs)
            for value, exponent in zip(values, function.exponents, strict=True):
                # Of |a|: f is odd for the sign, and 1 for singular values.
                expected = np.abs(a) ** exponent * x**function.multiplicity
                if function.structure == "hermitian":
                    expected = expected * np.sign(a)
                assert np.allclose(value, expected, rtol=4096 * EPS, atol=0.0), (name, forms)
            tried += 1
    assert tried >= 2
