"""Spectra: what they keep of what they are given, and what they refuse."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given
from hypothesis import strategies as st

from matrl.core.spectrum import Spectrum
from matrl.errors import InputError, MatrlError, NonFiniteError

EPS = float(np.finfo(np.float64).eps)


def conjugated(eigenvalues: Any, dtype: str = "float64", seed: int = 0) -> np.ndarray:
    n = len(eigenvalues)
    generator = np.random.default_rng(seed)
    vectors, _ = np.linalg.qr(generator.standard_normal((n, n)))
    a = (vectors * np.asarray(eigenvalues)) @ vectors.T
    return (0.5 * (a + a.T)).astype(dtype)


def complex_conjugated(eigenvalues: Any, seed: int = 0) -> np.ndarray:
    n = len(eigenvalues)
    generator = np.random.default_rng(seed)
    pair = generator.standard_normal((2, n, n))
    vectors, _ = np.linalg.qr(pair[0] + 1j * pair[1])
    a = (vectors * np.asarray(eigenvalues)) @ vectors.conj().T
    return 0.5 * (a + a.conj().T)


positive = st.floats(min_value=1e-300, max_value=1e300)


@given(positive, positive)
def test_intervals_keep_their_ends(a: float, b: float) -> None:
    spectrum = Spectrum.interval(min(a, b), max(a, b))
    assert (spectrum.lower, spectrum.upper) == (min(a, b), max(a, b))
    assert spectrum.kind == "interval"
    assert not spectrum.is_relative
    assert spectrum.points == ()


def test_intervals_may_reach_down_to_zero() -> None:
    """What that means is up to the function and the measure: a Problem decides."""
    assert Spectrum.interval(0, 1).lower == 0.0


def test_intervals_take_any_numbers() -> None:
    spectrum = Spectrum.interval(np.float32(0.5), 2)  # type: ignore[arg-type]
    assert (type(spectrum.lower), type(spectrum.upper)) == (float, float)


@pytest.mark.parametrize(
    ("lower", "upper", "message"),
    [
        (0.0, 0.0, "0 < lower"),
        (-1.0, 1.0, "add a ridge"),
        (2.0, 1.0, r"got \[2, 1\]"),
        (1.0, np.inf, "< infinity"),
        (np.nan, 1.0, "got"),
        (1.0, np.nan, "got"),
        ("low", 1.0, "both ends must be numbers"),
        (None, 1.0, "both ends must be numbers"),
        (1.0, 1j, "both ends must be numbers"),
        ([1.0], 2.0, "both ends must be numbers"),
    ],
)
def test_intervals_that_are_none(lower: Any, upper: Any, message: str) -> None:
    with pytest.raises(InputError, match=f"^interval: .*{message}"):
        Spectrum.interval(lower, upper)


@given(st.lists(positive, min_size=1, max_size=20))
def test_samples_are_sorted(values: list[float]) -> None:
    spectrum = Spectrum.samples(values)
    assert spectrum.points == tuple(sorted(values))
    assert (spectrum.lower, spectrum.upper) == (min(values), max(values))
    assert spectrum.kind == "samples"
    assert not spectrum.is_relative


def test_samples_of_either_sign_are_moduli_of_a_hermitian_spectrum() -> None:
    spectrum = Spectrum.samples([1.0, -3.0, 2.0, -0.5])
    assert spectrum.points == (0.5, 1.0, 2.0, 3.0)
    assert (spectrum.lower, spectrum.upper) == (0.5, 3.0)
    assert spectrum.structure == "hermitian"
    assert Spectrum.samples([1.0, 2.0]).structure == "positive"
    assert Spectrum.samples([-1.0, -2.0]).structure == "hermitian"


def test_zeros_among_samples_are_counted_and_left_out() -> None:
    spectrum = Spectrum.samples([0.0, 3.0, -0.0, 1.0, 0.0])
    assert (spectrum.zeros, spectrum.points) == (3, (1.0, 3.0))
    assert (spectrum.lower, spectrum.upper) == (1.0, 3.0)
    assert spectrum.structure == "positive"
    assert Spectrum.samples([0.0, -1.0]).structure == "hermitian"
    assert Spectrum.samples([5e-324, 1.0]).zeros == 0
    assert Spectrum.samples([1.0, 3.0]).zeros == 0
    assert "zeros=3" in repr(spectrum)


def test_samples_take_any_array() -> None:
    expected = Spectrum.samples([1.0, 2.0, 3.0, 4.0])
    values = np.array([[4.0, 3.0], [2.0, 1.0]])
    assert Spectrum.samples(values) == expected
    assert Spectrum.samples(values.astype("float32")) == expected
    assert Spectrum.samples((3, 1, 2, 4)) == expected
    assert values[0, 0] == 4.0


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([], "is empty"),
        (np.zeros((0, 3)), "is empty"),
        ([0.0], "all eigenvalues are 0"),
        ([0.0, -0.0], "all eigenvalues are 0"),
        ([1.0, np.nan], "must be finite"),
        ([1.0, 0.0, np.inf], "must be finite"),
        (["one"], "array of real numbers"),
        ([[1.0], [1.0, 2.0]], "array of real numbers"),
        ([1.0, 2j], "array of real numbers"),
        ({1.0, 2.0}, "array of real numbers"),
    ],
)
def test_samples_that_are_none(values: Any, message: str) -> None:
    with pytest.raises(InputError, match=f"^samples: .*{message}"):
        Spectrum.samples(values)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_statistics_of_a_positive_matrix(dtype: str) -> None:
    eigenvalues = np.geomspace(1e-2, 3.0, 12)
    a = conjugated(eigenvalues, dtype)
    spectrum = Spectrum.of(a)
    slack = 12 * float(np.finfo(dtype).eps) * 3.0
    assert spectrum.kind == "matrices"
    assert spectrum.structure == "positive"
    assert spectrum.is_relative
    assert spectrum.margin == 2.0
    assert np.allclose(spectrum.points, eigenvalues, rtol=0.0, atol=slack)
    (statistics,) = spectrum.statistics
    assert (spectrum.lower, spectrum.upper) == (statistics.smallest, statistics.largest)
    assert (spectrum.points[0], spectrum.points[-1]) == (spectrum.lower, spectrum.upper)
    assert statistics.least_eigenvalue == statistics.smallest
    assert statistics.floor == 12 * EPS * statistics.largest
    wide = a.astype("float64")
    assert abs(statistics.frobenius - np.sqrt((wide**2).sum())) <= 12 * EPS * 6.0
    assert statistics.one_norm == np.abs(wide).sum(axis=0).max()
    assert spectrum.matrices[0] is a


def test_statistics_of_a_hermitian_matrix() -> None:
    eigenvalues = np.array([-3.0, -0.5, 0.25, 1.0])
    a = complex_conjugated(eigenvalues)
    spectrum = Spectrum.of(a)
    slack = 4 * EPS * 3.0 * 8
    assert spectrum.structure == "hermitian"
    assert np.allclose(spectrum.points, [0.25, 0.5, 1.0, 3.0], rtol=0.0, atol=slack)
    (statistics,) = spectrum.statistics
    assert abs(statistics.least_eigenvalue + 3.0) <= slack
    assert abs(statistics.smallest - 0.25) <= slack
    discs = np.real(np.diagonal(a)) + np.abs(a - np.diag(np.diagonal(a))).sum(axis=1)
    assert abs(statistics.gershgorin - discs.max()) <= slack
    assert statistics.gershgorin >= 1.0 - slack


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
@pytest.mark.parametrize("shape", [(6, 4), (4, 6), (5, 5)])
def test_statistics_of_a_matrix_of_any_shape(shape: tuple[int, int], dtype: str) -> None:
    generator = np.random.default_rng(1)
    a = generator.standard_normal(shape).astype(dtype)
    if np.iscomplexobj(a):
        a += 1j * generator.standard_normal(shape)
    spectrum = Spectrum.of(a)
    values = np.linalg.svd(a, compute_uv=False)
    slack = 8 * 6 * float(np.finfo(dtype).eps) * float(values[0])
    assert spectrum.structure == "rectangular"
    assert np.allclose(spectrum.points, np.sort(values), rtol=0.0, atol=slack)
    (statistics,) = spectrum.statistics
    assert np.isnan(statistics.least_eigenvalue)
    assert np.isnan(statistics.gershgorin)
    assert statistics.side == max(shape)
    assert abs(statistics.one_norm - np.abs(a).sum(axis=0).max()) <= slack
    assert abs(statistics.inf_norm - np.abs(a).sum(axis=1).max()) <= slack


def test_one_matrix_that_is_not_hermitian_makes_all_rectangular() -> None:
    mixed = Spectrum.of([np.diag([-1.0, 2.0]), np.array([[0.0, 3.0], [1.0, 0.0]])])
    assert mixed.structure == "rectangular"
    assert np.allclose(mixed.points, [1.0, 1.0, 2.0, 3.0], rtol=0.0, atol=8 * EPS)
    assert Spectrum.of([np.eye(2), np.diag([1.0, -1.0])]).structure == "hermitian"


def test_norms_bound_the_largest_eigenvalue() -> None:
    (statistics,) = Spectrum.of(conjugated([1.0, 2.0, 5.0])).statistics
    assert statistics.largest <= statistics.frobenius * (1 + 8 * EPS)
    assert statistics.largest <= statistics.one_norm * (1 + 8 * EPS)
    assert statistics.largest <= statistics.gershgorin * (1 + 8 * EPS)


def test_stacks_lists_and_mixtures_are_the_same_matrices() -> None:
    matrices = [conjugated([i + 1.0, i + 2.0, i + 3.0], seed=i) for i in range(4)]
    expected = Spectrum.of(matrices)
    assert len(expected.statistics) == 4
    assert len(expected.points) == 12
    assert abs(expected.lower - 1.0) <= 48 * EPS
    assert abs(expected.upper - 6.0) <= 48 * EPS
    stack = np.stack(matrices)
    for same in (stack, stack.reshape(2, 2, 3, 3), tuple(matrices), [stack[:3], matrices[3]]):
        assert unnamed(Spectrum.of(same)) == unnamed(expected)
    assert [s.name for s in expected.statistics] == [f"matrices[{i}]" for i in range(4)]
    mixed = Spectrum.of([stack[:2], matrices[2]]).statistics
    assert [s.name for s in mixed] == ["matrices[0][0]", "matrices[0][1]", "matrices[1]"]


def unnamed(spectrum: Spectrum) -> Spectrum:
    return replace(spectrum, statistics=tuple(replace(one, name="") for one in spectrum.statistics))


def test_matrices_of_different_sizes() -> None:
    spectrum = Spectrum.of([np.eye(2), 4.0 * np.eye(5, dtype=np.float32)])
    assert (spectrum.lower, spectrum.upper) == (1.0, 4.0)
    assert len(spectrum.points) == 7


def test_spectra_do_not_compare_their_matrices() -> None:
    assert Spectrum.of(np.eye(3)) == Spectrum.of(np.eye(3))
    assert "matrices=" not in repr(Spectrum.of(np.eye(3)))


def with_entry(value: float, i: int = 0, j: int = 0) -> np.ndarray:
    a = np.eye(3)
    a[i, j] = value
    return a


@pytest.mark.parametrize(
    ("matrices", "error", "message"),
    [
        (with_entry(np.nan), NonFiniteError, "matrices: holds NaN or infinity"),
        (with_entry(np.inf), NonFiniteError, "holds NaN or infinity"),
        (with_entry(np.inf).astype(complex), NonFiniteError, "holds NaN or infinity"),
        (np.eye(3, dtype=int), InputError, r"astype\('float64'\)"),
        (np.eye(3, dtype=np.float16), InputError, "must be one of float32, .*, not float16"),
        (np.eye(3, dtype=np.longdouble), InputError, "must be one of float32, float64"),
        (np.eye(3, dtype=np.clongdouble), InputError, r"astype\('complex128'\)"),
        (np.eye(3, dtype=object), InputError, "must be one of .*, not object"),
        (np.ones(3), InputError, r"a matrix \(m, n\), but its shape is \(3,\)"),
        (np.float64(3.0), InputError, "must be a NumPy array, not float64"),
        (np.zeros((0, 0)), InputError, "is empty"),
        (np.zeros((3, 0)), InputError, r"is empty, its shape is \(3, 0\)"),
        (np.zeros((0, 3, 3)), InputError, "is empty; give at least one matrix"),
        ([], InputError, "is empty; give at least one matrix"),
        ((), InputError, "is empty"),
        ([[1.0, 0.0], [0.0, 1.0]], InputError, "must be a NumPy array, not list"),
        ("matrix", InputError, "must be a NumPy array, not str"),
        (None, InputError, "must be a NumPy array, not NoneType"),
        (3.0, InputError, "must be a NumPy array, not float"),
        (scipy.sparse.eye_array(3), InputError, r"SciPy sparse matrix; pass matrices\.toarray\(\)"),
        (np.stack([np.eye(2), with_entry(np.nan)[:2, :2]]), NonFiniteError, r"^matrices\[1\]: "),
        (
            [np.eye(2), np.stack([np.eye(2), with_entry(np.nan)[:2, :2]])],
            NonFiniteError,
            r"^matrices\[1\]\[1\]: ",
        ),
        ([np.eye(2), np.eye(2, dtype=int)], InputError, r"^matrices\[1\]: must be one of float32"),
    ],
)
def test_matrices_that_are_refused(matrices: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message) as info:
        Spectrum.of(matrices)
    assert isinstance(info.value, MatrlError)
    assert isinstance(info.value, ValueError)


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
def test_rounding_asymmetry_is_forgiven(dtype: str) -> None:
    eps = float(np.finfo(dtype).eps)
    a = np.eye(4, dtype=dtype)
    a[0, 1] = 15 * eps  # 8 sqrt(4) eps is the limit
    assert Spectrum.of(a).structure == "positive"
    a[0, 1] = 17 * eps
    assert Spectrum.of(a).structure == "rectangular"


def test_matrices_no_root_exists_of_are_left_to_the_problem() -> None:
    """Indefinite, singular and rectangular matrices have a sign or polar factor, or none."""
    for a in (np.diag([1.0, -1.0]), -np.eye(2), np.zeros((2, 2)), np.diag([1.0, 0.0])):
        assert Spectrum.of(a).structure == "hermitian"
    for a in (with_entry(0.5, 0, 1), np.ones((3, 2)), np.eye(3, dtype=complex) * 1j):
        assert Spectrum.of(a).structure == "rectangular"


@pytest.mark.parametrize("margin", [0.5, 0.0, -2.0, np.nan, np.inf])
def test_margins_that_are_refused(margin: Any) -> None:
    with pytest.raises(InputError, match="margin: must be a number >= 1"):
        Spectrum.of(np.eye(2), margin=margin)


def test_a_margin_of_one() -> None:
    assert Spectrum.of(np.eye(2), margin=1).margin == 1.0


def test_of_leaves_its_argument_alone() -> None:
    a = conjugated([1.0, 2.0, 3.0])
    before = a.copy()
    a.flags.writeable = False
    Spectrum.of(a)
    assert np.array_equal(a, before)


# Each of these escapes as an exception or a warning of Python's or NumPy's.
@pytest.mark.parametrize(
    "call",
    [
        pytest.param(lambda: Spectrum.samples(np.array([1.0 + 1.0j])), id="complex samples"),
        pytest.param(lambda: Spectrum.samples([10**400]), id="samples beyond float"),
        pytest.param(lambda: Spectrum.interval(1, 10**400), id="interval beyond float"),
        pytest.param(lambda: Spectrum.of(np.eye(2), margin="2"), id="margin a string"),  # type: ignore[arg-type]
        pytest.param(lambda: Spectrum.of([[[1.0], [1.0, 2.0]]]), id="ragged list"),
        pytest.param(lambda: Spectrum.of(np.zeros((2, 0, 0))), id="stack of empty matrices"),
    ],
)
def test_odd_arguments_are_refused_by_name(call: Any) -> None:
    with pytest.raises(InputError, match=r"^(samples|interval|margin|matrices)"):
        call()
