"""Problems: what they keep of what they are given, and what they refuse, by name."""

import math
from typing import Any

import numpy as np
import pytest

from matrl import Problem, Spectrum
from matrl.core.measure import NORMS, Norm
from matrl.core.precision import DTYPES
from matrl.errors import (
    IndefiniteMatrixError,
    InputError,
    NotHermitianError,
    ToleranceError,
    UnknownNameError,
)
from matrl.functions import FUNCTIONS

INTERVAL = Spectrum.interval(0.1, 1.0)
POSITIVE = [f.name for f in FUNCTIONS if f.structure == "positive"]
POLAR = [f.name for f in FUNCTIONS if f.structure == "rectangular"]


def problem(function: Any = "inv", spectrum: Any = INTERVAL, **options: Any) -> Problem:
    return Problem(function, spectrum, **{"shape": (8, 8), **options})


def test_defaults() -> None:
    given = Problem("inv", INTERVAL, shape=(8, 8))
    assert (given.tol, given.dtype, given.batch, given.norm) == (None, "float64", 1, "eigenvalue")
    assert given.tolerance == 1e-6
    assert given.measure.function is given.matrix_function is FUNCTIONS.get("inv")
    assert given == problem()
    assert hash(given) == hash(problem())


@pytest.mark.parametrize(
    ("asked", "name"), [("root(2)", "sqrt"), ("power(-3/4)", "power--3/4"), ("sign", "sign")]
)
def test_functions_go_by_their_own_name(asked: str, name: str) -> None:
    assert problem(asked).function == name
    assert problem(asked) == problem(name)


@pytest.mark.parametrize("dtype", DTYPES)
def test_dtypes(dtype: str) -> None:
    for form in (dtype, np.dtype(dtype), getattr(np, dtype)):
        given = problem(dtype=form)
        assert given.dtype == dtype
        assert given.precision == str(np.finfo(dtype).dtype)


@pytest.mark.parametrize("function", POLAR)
@pytest.mark.parametrize("shape", [(9, 5), (5, 9), (5, 5), (1, 7)])
def test_sides_of_rectangular_matrices(function: str, shape: tuple[int, int]) -> None:
    given = problem(function, shape=shape)
    assert given.shape == shape
    assert (given.m, given.n) == (max(shape), min(shape))


def test_the_shape_of_matrices() -> None:
    a = np.diag([1.0, 2.0, 3.0])
    assert Problem("inv", Spectrum.of(a)).shape == (3, 3)
    assert Problem("inv", Spectrum.of([a, np.eye(5), np.eye(2)])).shape == (5, 5)
    wide = np.arange(1.0, 9.0).reshape(2, 4) ** 2
    assert Problem("polar", Spectrum.of(wide)).shape == (2, 4)
    # A shape given goes before: prices for another size than that of the examples.
    assert Problem("inv", Spectrum.of(a), shape=(700, 700)).shape == (700, 700)


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f.name)
def test_a_lower_end_of_zero_is_for_positive_powers_in_normwise_measures(
    function: Any, norm: Norm
) -> None:
    singular = Spectrum.interval(0.0, 1.0)
    is_power = function.carries == "y"
    assert is_power == (function.exponent > 0.0)
    if is_power and norm != "eigenvalue":
        given = problem(function.name, singular, norm=norm)
        assert given.spectrum.lower == 0.0
    else:
        with pytest.raises(InputError, match=r"interval: needs 0 < lower .* got \[0, 1\]"):
            problem(function.name, singular, norm=norm)


@pytest.mark.parametrize("dtype", DTYPES)
def test_tolerances(dtype: Any) -> None:
    floor = 2.0 * float(np.finfo(dtype).eps)
    assert problem(dtype=dtype, tol=floor).tol == floor
    assert problem(dtype=dtype, tol=floor).tolerance == floor
    assert isinstance(problem(dtype=dtype, tol=np.float64(0.5)).tol, float)
    remedy = {"float32": "use dtype='float64'", "complex64": "use dtype='complex128'"}
    with pytest.raises(ToleranceError, match=remedy.get(dtype, "or more$")):
        problem(dtype=dtype, tol=0.99 * floor)
    assert problem(dtype=dtype, tol=None).tolerance == 1e-6
    for tol in (0.0, -1e-3, 1.0, 2.0, math.nan, math.inf, "small"):
        with pytest.raises(ToleranceError, match="tol: must be a number between 0 and 1, got"):
            problem(dtype=dtype, tol=tol)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"function": "log"}, UnknownNameError, "function: there is no 'log'"),
        ({"function": "root(65)"}, UnknownNameError, "no index from 2 to 64"),
        ({"norm": "nuclear"}, UnknownNameError, "norm: there is no measure 'nuclear'"),
        ({"spectrum": (0.1, 1.0)}, InputError, "spectrum: must be a matrl.Spectrum, not tuple"),
        ({"dtype": "float16"}, InputError, "dtype: must be one of float32, float64, complex64"),
        ({"dtype": "int64"}, InputError, "dtype: must be one of"),
        ({"dtype": "fast"}, InputError, "dtype: must be one of .* got 'fast'"),
        ({"shape": None}, InputError, "shape: is needed where the spectrum has no matrices"),
        ({"shape": 8}, InputError, "shape: must be a pair of integers"),
        ({"shape": (8,)}, InputError, "shape: must be a pair of integers"),
        ({"shape": (8, 8, 8)}, InputError, "shape: must be a pair of integers"),
        ({"shape": ("a", "b")}, InputError, "shape: must be a pair of integers"),
        ({"shape": (0, 0)}, InputError, "shape: both sides must be >= 1"),
        ({"shape": (-1, -1)}, InputError, "shape: both sides must be >= 1"),
        ({"shape": (8, 9)}, InputError, "shape: inv needs square matrices"),
        ({"function": "sign", "shape": (9, 8)}, InputError, "shape: sign needs square matrices"),
        ({"batch": 0}, InputError, "batch: must be an integer >= 1"),
        ({"batch": 1.5}, InputError, "batch: must be an integer >= 1"),
        ({"spectrum": Spectrum.samples([-1.0, 1.0])}, InputError, "samples: .* must be positive"),
    ],
)
def test_refusals(arguments: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        problem(**arguments)


@pytest.mark.parametrize("function", POSITIVE)
def test_positive_definite_matrices_are_needed(function: str) -> None:
    for values in ([-1.0, 1.0, 2.0], [0.0, 1.0, 2.0], [1e-16, 1.0, 1.0]):
        with pytest.raises(IndefiniteMatrixError, match=r"matrices\[1\]: must be positive def"):
            Problem(function, Spectrum.of([np.eye(3), np.diag(values)]))
    with pytest.raises(NotHermitianError, match="matrices: must be symmetric"):
        Problem(function, Spectrum.of(np.array([[2.0, 1.0], [0.0, 2.0]])))
    with pytest.raises(InputError, match="matrices: must be a square matrix"):
        Problem(function, Spectrum.of(np.ones((3, 2))))


def test_the_sign_needs_invertible_hermitian_matrices() -> None:
    assert Problem("sign", Spectrum.of(np.diag([-1.0, 2.0]))).n == 2
    assert problem("sign", Spectrum.samples([-1.0, 2.0])).spectrum.lower == 1.0
    with pytest.raises(InputError, match="matrices: must have full rank for sign"):
        Problem("sign", Spectrum.of(np.diag([-1.0, 0.0, 2.0])))
    with pytest.raises(NotHermitianError):
        Problem("sign", Spectrum.of(np.array([[2.0, 1.0], [0.0, 2.0]])))


@pytest.mark.parametrize("function", POLAR)
def test_polar_factors_need_full_rank(function: str) -> None:
    assert Problem(function, Spectrum.of(np.array([[2.0, 1.0], [0.0, 2.0]]))).n == 2
    assert Problem(function, Spectrum.of(1j * np.eye(3)), dtype="complex128").n == 3
    with pytest.raises(InputError, match=f"matrices: must have full rank for {function}"):
        Problem(function, Spectrum.of(np.ones((3, 2))))


@pytest.mark.parametrize(
    ("arguments", "error", "name"),
    [
        ({"tol": 0.0}, ToleranceError, "tol"),
        ({"tol": 1.0}, ToleranceError, "tol"),
        ({"tol": math.nan}, ToleranceError, "tol"),
        ({"tol": "small"}, ToleranceError, "tol"),
        ({"tol": 1e-17}, ToleranceError, "tol"),
        ({"tol": 1e-8, "dtype": "float32"}, ToleranceError, "tol"),
        ({"dtype": "float16"}, InputError, "dtype"),
        ({"shape": None}, InputError, "shape"),
        ({"shape": (4, 5)}, InputError, "shape"),
        ({"shape": (0, 0)}, InputError, "shape"),
        ({"shape": "large"}, InputError, "shape"),
        ({"batch": 0}, InputError, "batch"),
        ({"norm": "euclidean"}, UnknownNameError, "norm"),
        ({"spectrum": Spectrum.interval(0, 1)}, InputError, "interval"),
        ({"spectrum": Spectrum.samples([-1, 1])}, InputError, "samples"),
        ({"spectrum": (0.1, 1.0)}, InputError, "spectrum"),
        ({"function": "cbrt"}, UnknownNameError, "function"),
    ],
)
def test_problems_that_make_no_sense(arguments, error, name):
    given_arguments = {
        "function": "inv",
        "spectrum": Spectrum.interval(0.1, 1),
        "shape": (8, 8),
        **arguments,
    }
    with pytest.raises(error, match=name):
        Problem(**given_arguments)
