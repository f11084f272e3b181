import json
from dataclasses import replace
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

import matrl
from matrl.errors import InputError, UnreachableError
from matrl.report import solution_report

INTERVAL = ("--interval", "1e-2", "1")
N = ("--n", "64")
QUICK = ("--profile", "prices.json", "--nodes", "200", "--time-limit", "5")
GOOD = (*INTERVAL, *N, *QUICK)


def discover(*arguments: str, function: str = "invsqrt") -> tuple[str, ...]:
    return ("discover", function, *arguments)


def run(plan: str, matrix: str, output: str = "f.npy") -> tuple[str, ...]:
    return ("run", plan, matrix, "-o", output)


BAD = [
    # discover: the question
    (discover(*GOOD, function="cbrt"), 2, "cbrt"),
    (discover(*GOOD, function="InvSqrt"), 2, "InvSqrt"),
    (("discover", *GOOD), 2, "FUNCTION"),
    (discover(*N, *QUICK), 2, "exactly one"),
    (discover(*GOOD, "--samples", "samples.npy"), 2, "exactly one"),
    (discover(*INTERVAL, *QUICK), 2, "--n"),
    (discover(*GOOD, "--shape", "64", "64"), 2, "not both"),
    (discover(*INTERVAL, "--shape", "64", "32", *QUICK), 2, "square"),
    (discover(*INTERVAL, "--n", "-3", *QUICK), 2, "n: must be an integer >= 1"),
    (discover(*INTERVAL, "--n", "0", *QUICK), 2, "n: must be"),
    (discover("--interval", "-1", "1", *N, *QUICK), 2, "interval: needs"),
    (discover("--interval", "1", "1e-2", *N, *QUICK), 2, "interval: needs"),
    (discover("--interval", "nan", "1", *N, *QUICK), 2, "interval: needs"),
    (discover(*N, *QUICK, "--interval", "1e-2"), 2, "--interval"),
    (discover(*GOOD, "--tol", "1e-30"), 2, "tol: 1e-30 is below"),
    (discover(*GOOD, "--tol", "-1"), 2, "tol: must be"),
    (discover(*GOOD, "--tol", "nan"), 2, "tol: must be"),
    (discover(*GOOD, "--tol", "small"), 2, "--tol"),
    (discover(*GOOD, "--dtype", "int8"), 2, "int8"),
    (discover(*GOOD, "--norm", "euclidean"), 2, "euclidean"),
    (discover(*GOOD, "--batch", "0"), 2, "batch"),
    (discover(*GOOD, "--what"), 2, "--what"),
    # discover: the search
    (discover(*GOOD, "--allow", "magic-*"), 2, "magic-*"),
    (discover(*GOOD, "--allow", ""), 2, "allow"),
    (discover(*GOOD, "--allow", "cholesky"), 2, "allow"),
    (discover(*GOOD, "--precision", "float16"), 2, "precision: the profile"),
    (discover(*GOOD, "--precision", "float8"), 2, "precision: must be among"),
    (discover(*GOOD, "--steps", "0"), 2, "steps: must be"),
    (discover(*GOOD, "--steps", "-2"), 2, "steps: must be"),
    (discover(*GOOD, "--time-limit", "-1"), 2, "time_limit: must be"),
    (discover(*GOOD, "--time-limit", "nan"), 2, "time_limit: must be"),
    (discover(*GOOD, "--nodes", "0"), 2, "nodes: must be"),
    (discover(*GOOD, "--seed", "-1"), 2, "seed: must be"),
    (discover(*GOOD, "--steps", "1", "--allow", "newton"), 1, "out of reach"),
    # discover: files
    (discover(*INTERVAL, *N, "--profile", "missing.json"), 2, "missing.json"),
    (discover(*INTERVAL, *N, "--profile", "prose.json"), 2, "prose.json"),
    (discover(*INTERVAL, *N, "--profile", "foreign.json"), 2, "foreign.json"),
    (discover(*INTERVAL, *N, "--profile", "few.json"), 1, "with a price for inv_spd (float32)"),
    (discover(*GOOD, "-o", "nowhere/plan.json"), 2, "nowhere"),
    (discover(*GOOD, "-o", "."), 2, "is a folder"),
    (discover(*GOOD, "-o", "/dev/null"), 2, "not a regular file"),
    (discover("--interval", "0", "1", *N, *QUICK), 2, "interval: needs 0 < lower"),
    (discover(*GOOD, function="root(65)"), 2, "root(65)"),
    (discover(*GOOD, function="power(7/65)"), 2, "power(7/65)"),
    (discover("--matrices", "rectangle.npy", *QUICK), 2, "rectangle.npy: must be a square"),
    (discover("--matrices", "integer.npy", *QUICK), 2, "integer.npy: must be one of float32"),
    (discover("--matrices", "complex.npy", *QUICK), 2, "complex.npy: must be Hermitian"),
    (discover("--matrices", "nan.npy", *QUICK), 2, "nan.npy: holds NaN"),
    (discover("--matrices", "lopsided.npy", *QUICK), 2, "lopsided.npy: must be symmetric"),
    (discover("--matrices", "indefinite.npy", *QUICK), 2, "indefinite.npy: must be positive"),
    (discover("--matrices", "vector.npy", *QUICK), 2, "vector.npy: must hold a matrix"),
    (discover("--matrices", "empty.npy", *QUICK), 2, "empty.npy: must hold a matrix"),
    (discover("--matrices", "object.npy", *QUICK), 2, "object.npy: holds Python objects"),
    (discover("--matrices", "good.npy", "--matrices", "nan.npy", *QUICK), 2, "nan.npy: holds"),
    (discover("--samples", "negative.npy", *N, *QUICK), 2, "negative.npy: eigenvalues"),
    (discover("--samples", "singular.npy", *N, *QUICK), 2, "singular.npy: 30 eigenvalues are 0"),
    (
        discover("--samples", "singular.npy", *N, *QUICK, "--allow", "newton*", function="sqrt"),
        *(2, "have a pole at 0"),
    ),
    (discover("--samples", "complex.npy", *N, *QUICK), 2, "complex.npy: must hold real"),
    (discover("--samples", "empty.npy", *N, *QUICK), 2, "empty.npy: is empty"),
    # remedies that fit
    (discover("--interval", "-1", "1", *N, *QUICK, function="sign"), 2, "for sign the moduli"),
    (discover("--interval", "0", "1", *N, *QUICK, function="sign"), 2, "give the least modulus"),
    (discover("--interval", "1", "inf", *N, *QUICK), 2, "give finite ends in this order"),
    (discover("--interval", "1e-300", "1e300", *N, *QUICK, function="sign"), 2, "interval: the"),
    (discover("--interval", "5e-324", "1e-323", *N, *QUICK, function="inv"), 2, "interval: the"),
    (discover(*GOOD, "--allow", "cholesky", function="sign"), 2, "allow iterations such as"),
    (discover(*INTERVAL, *N, "--profile", "none.json"), 2, "give the path of a profile.json"),
    (discover("--samples", "none.npy", *N, *QUICK), 2, "give the path of a .npy file"),
    (discover("--matrices", "none.npy", *QUICK), 2, "give the path of a .npy file"),
    # run
    (run("plan.json", "missing.npy"), 2, "missing.npy: cannot be read"),
    (run("plan.json", "."), 2, "cannot be read"),
    (run("plan.json", "rectangle.npy"), 2, "rectangle.npy: must be a square"),
    (run("plan.json", "integer.npy"), 2, "integer.npy: must be one of float32"),
    (run("plan.json", "complex.npy"), 2, "complex.npy: has dtype complex128"),
    (run("plan.json", "nan.npy"), 2, "nan.npy: holds NaN"),
    (run("plan.json", "lopsided.npy"), 2, "lopsided.npy: must be symmetric"),
    (run("plan.json", "indefinite.npy"), 2, "indefinite.npy: must be positive"),
    (run("plan.json", "large.npy"), 2, "large.npy: its largest eigenvalue"),
    (run("plan.json", "single.npy"), 2, "single.npy: has dtype float32"),
    (run("plan.json", "vector.npy"), 2, "vector.npy: must be a matrix"),
    ((*run("plan.json", "good.npy"), "--rank-threshold", "2"), 2, "rank_threshold: "),
    (run("plan.json", "object.npy"), 2, "object.npy: holds Python objects"),
    (run("plan.json", "cut.npy"), 2, "cut.npy: is damaged"),
    (run("plan.json", "text.npy"), 2, "text.npy: is not a .npy file"),
    (run("plan.json", "archive.npz"), 2, "archive.npz: is a .npz archive"),
    (run("prose.json", "good.npy"), 2, "prose.json: is not JSON"),
    (run("foreign.json", "good.npy"), 2, "foreign.json: is JSON, but not"),
    (run("prices.json", "good.npy"), 2, "prices.json: is JSON, but not"),
    (run("missing.json", "good.npy"), 2, "missing.json: cannot be read"),
    (run("plan.json", "good.npy", "nowhere/f.npy"), 2, "nowhere"),
    (run("plan.json", "good.npy", "."), 2, "is a folder"),
    (("run", "plan.json", "good.npy"), 2, "--output"),
    ((*run("plan.json", "good.npy"), "--verify", "maybe"), 2, "maybe"),
    # the others
    (("show", "missing.json"), 2, "missing.json"),
    (("show", "prose.json"), 2, "is not JSON"),
    (("show", "good.npy"), 2, "is not JSON"),
    (("profile", "--budget", "-1"), 2, "budget"),
    (("profile", "--budget", "inf"), 2, "budget"),
    (("profile", "-o", "nowhere/p.json"), 2, "nowhere"),
    (("demo", "--time-limit", "0"), 2, "time_limit"),
    (("demo", "--seed", "-1"), 2, "seed"),
    (("conquer",), 2, "conquer"),
]


def _name(value: object) -> str | None:
    return " ".join(map(str, value)) if isinstance(value, tuple) else None


@pytest.mark.parametrize("as_json", [False, True], ids=["table", "json"])
@pytest.mark.parametrize(("arguments", "code", "words"), BAD, ids=_name)
def test_bad_input_is_one_message_and_a_code(
    invoke, tmp_path: Path, arguments: tuple[str, ...], code: int, words: str, as_json: bool
) -> None:
    before = sorted(tmp_path.iterdir())
    result = invoke(*arguments, *(["--json"] if as_json and arguments[0] != "conquer" else []))
    assert result.exit_code == code, result.output
    assert result.stdout == ""
    assert result.stderr.startswith("error: ")
    assert words in result.stderr
    assert sorted(tmp_path.iterdir()) == before


def test_no_command_prints_help(invoke) -> None:
    result = invoke()
    assert (result.exit_code, result.stdout) == (2, "")
    assert "discover" in result.stderr


def test_complex_input_is_not_told_to_drop_its_imaginary_part(invoke) -> None:
    result = invoke(*run("plan.json", "complex.npy"))
    assert "discover a plan for complex128" in result.stderr
    assert "astype" not in result.stderr


def test_help_says_that_single_refused_matrices_are_2_and_stacks_1(invoke) -> None:
    assert invoke(*run("plan.json", "indefinite.npy")).exit_code == 2
    assert invoke(*run("plan.json", "stack.npy")).exit_code == 1
    words = " ".join(invoke("--help").stdout.split())
    assert "1 the result was not reached (no schedule meets the tolerance, a matrix of a" in words
    assert "2 wrong usage, input (a single matrix refused)" in words


def test_a_byte_swapped_array_is_told_its_native_dtype(invoke) -> None:
    plan, a = matrl.Plan.load("plan.json"), np.load("swapped.npy")
    with pytest.raises(InputError, match=r"native byte order.*astype\('float64'\)$"):
        plan.run(a)


def test_an_unknown_rank_is_no_number(invoke) -> None:
    result = invoke(*run("plan.json", "calm.npy"), "--verify", "off")
    assert result.exit_code == 0
    assert "-1" not in next((r for r in result.stdout.splitlines() if r.startswith("rank")), "")
    stack = matrl.Plan.load("plan.json").run(np.load("calm.npy"), verify="off")
    unknown = replace(stack, rank=np.array([-1, 64]))
    with StringIO() as text:
        Console(file=text).print(solution_report(unknown))
        assert "unknown, 64" in text.getvalue()


def test_a_complex64_problem_is_offered_complex128(complex_prices) -> None:
    problem = matrl.Problem(
        "inv", matrl.Spectrum.interval(1e-3, 1), tol=1e-6, dtype="complex64", shape=(64, 64)
    )
    with pytest.raises(UnreachableError, match=r"would be reached with dtype='complex128'"):
        matrl.discover(problem, profile=complex_prices, allow="minimax-3")


@pytest.fixture
def complex_prices() -> matrl.Profile:
    ops = [
        {"op": op, "dtype": dtype, "n": 64, "batch": 1, "seconds": 1.0}
        for op in ("matmul", "add", "inv_spd", "eigh")
        for dtype in ("complex64", "complex128")
    ]
    return matrl.Profile.from_json(json.dumps({"schema": 1, "name": "unit", "ops": ops}))
