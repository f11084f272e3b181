"""The matrices finalists race on have the spectrum and the structure that is asked for."""

from typing import Any

import numpy as np
import pytest

from matrl import Problem, Spectrum
from matrl.core.precision import DTYPES
from matrl.discovery.race.race_matrices import LARGEST_ORDER, MATRICES, WORK, matrices_for
from matrl.functions import FUNCTIONS

STRUCTURES = [("invsqrt", (24, 24)), ("root-3", (24, 24)), ("sign", (24, 24))]
POLAR = [("polar", (30, 24)), ("polar-right", (24, 30)), ("polar-left", (24, 24))]


def first_matrix(problem: Problem, seed: int = 0) -> np.ndarray:
    return matrices_for(problem, seed)[0]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("function", "shape"), [*STRUCTURES, *POLAR])
def test_structure_and_spectrum(function: str, shape: tuple[int, int], dtype: Any) -> None:
    spectrum = Spectrum.interval(0.05, 3.0)
    problem = Problem(function, spectrum, tol=1e-3, shape=shape, dtype=dtype)
    a = first_matrix(problem)
    rounding = 64 * float(np.finfo(dtype).eps) * 3.0
    assert a.shape == shape
    assert a.dtype == dtype
    assert a.flags.c_contiguous
    # Complex matrices are truly so, not real ones in disguise.
    assert (np.abs(np.imag(a)).max() > 0.01) == (dtype in ("complex64", "complex128"))
    moduli = np.sort(np.linalg.svd(a.astype(np.complex128), compute_uv=False))
    assert np.allclose(moduli, np.geomspace(0.05, 3.0, 24), rtol=1e-5, atol=rounding)
    structure = FUNCTIONS.get(function).structure
    if structure == "rectangular":
        # Nothing Hermitian about it, or the polar factor would be too easy.
        assert shape[0] != shape[1] or np.abs(a - a.conj().T).max() > 0.1
        return
    assert np.array_equal(a, a.conj().T)
    eigenvalues = np.linalg.eigvalsh(a.astype(np.complex128))
    assert (eigenvalues.min() > 0.0) == (structure == "positive")
    assert eigenvalues.max() > 0.0


@pytest.mark.parametrize(("function", "shape"), [*STRUCTURES, *POLAR])
def test_matrices_stay_within_the_interval(function: str, shape: tuple[int, int]) -> None:
    """A plan for an absolute domain refuses what is outside by more than rounding."""
    for lower, upper in ((1e-3, 1.0), (1.0, 1.0), (2.0, 2.0 * (1 + 1e-9)), (1e-9, 1e-3)):
        problem = Problem(function, Spectrum.interval(lower, upper), shape=shape)
        rounding = 16 * 24 * float(np.finfo(np.float64).eps) * upper
        for a in matrices_for(problem, 0):
            moduli = np.linalg.svd(a, compute_uv=False)
            assert moduli.min() >= lower - rounding
            assert moduli.max() <= upper + rounding


@pytest.mark.parametrize(("function", "shape"), [*STRUCTURES, *POLAR])
@pytest.mark.parametrize("count", [1, 7, 24, 100])
def test_samples_are_used(function: str, shape: tuple[int, int], count: int) -> None:
    """All as often as they fit, and the least and the greatest always."""
    samples = np.geomspace(0.1, 1.0, count)
    problem = Problem(function, Spectrum.samples(samples), shape=shape)
    for a in matrices_for(problem, 0):
        moduli = np.sort(np.linalg.svd(a, compute_uv=False))
        nearest = np.argmin(np.abs(samples[:, None] - moduli), axis=0)
        assert np.allclose(moduli, samples[nearest], rtol=1e-12)
        assert {0, count - 1} <= set(nearest.tolist())
        if count <= 24:
            assert set(nearest.tolist()) == set(range(count))


def test_seeds_repeat_and_differ() -> None:
    problem = Problem("sign", Spectrum.interval(0.1, 1.0), shape=(8, 8))
    assert np.array_equal(first_matrix(problem, 3), first_matrix(problem, 3))
    assert not np.array_equal(first_matrix(problem, 3), first_matrix(problem, 4))


def test_an_interval_has_spectra_of_three_kinds() -> None:
    """Even in the logarithm, at the ends alone, and random: a plan is for all of them."""
    spectrum = Spectrum.interval(1e-2, 1.0)
    even, ends, random = (
        np.linalg.eigvalsh(a) for a in matrices_for(Problem("inv", spectrum, shape=(20, 20)), 0)
    )
    assert np.allclose(np.diff(np.log(even)), np.log(even[1] / even[0]))
    assert np.all(np.isclose(ends, 1e-2, rtol=1e-4) | np.isclose(ends, 1.0, rtol=1e-4))
    assert np.isclose(ends, 1e-2, rtol=1e-4).sum() == 10
    assert np.std(np.diff(np.log(random))) > 0.1 * np.mean(np.diff(np.log(random)))
    for values in (even, ends, random):
        assert values.min() == pytest.approx(1e-2, rel=1e-4)
        assert values.max() == pytest.approx(1.0, rel=1e-4)


def test_there_are_fewer_of_large_ones() -> None:
    problem = Problem("polar", Spectrum.interval(0.1, 1.0), shape=(30, 20))
    count = len(matrices_for(problem, 0))
    assert count == MATRICES
    assert WORK // 640**3 == MATRICES
    assert WORK // 1024**3 < 1


def test_a_single_eigenvalue() -> None:
    for function in ("inv", "sign", "polar"):
        a = first_matrix(Problem(function, Spectrum.interval(0.1, 1.0), shape=(1, 1)))
        assert abs(abs(a[0, 0]) - 1.0) <= 2e-6


def test_there_are_none_too_large_or_singular() -> None:
    side = LARGEST_ORDER + 1
    spectrum = Spectrum.interval(0.1, 1.0)
    assert matrices_for(Problem("inv", spectrum, shape=(side, side)), 0) == []
    assert matrices_for(Problem("polar", spectrum, shape=(side, 2)), 0) == []
    assert matrices_for(Problem("polar", spectrum, shape=(2, side)), 0) == []
    singular = Spectrum.interval(0.0, 1.0)
    assert matrices_for(Problem("sqrt", singular, shape=(8, 8), norm="spectral"), 0) == []


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_given_matrices_are_raced_on_largest_first_of_all(dtype: Any) -> None:
    matrices = [k * np.eye(k) for k in (2, 9, 3, 8, 4)]
    problem = Problem("inv", Spectrum.of(matrices), dtype=dtype)
    raced = matrices_for(problem, 0)
    assert [len(a) for a in raced] == [4, 8, 9]
    assert len(raced) == MATRICES
    assert {a.dtype.name for a in raced} == {dtype}


def test_complex_matrices_are_no_real_ones() -> None:
    """Of a problem of real dtype only real examples count."""
    spectrum = Spectrum.of([np.diag([1.0, 2.0]), np.array([[2.0, 1j], [-1j, 2.0]])])
    (real,) = matrices_for(Problem("inv", spectrum), 0)
    assert real.dtype == np.float64
    both = matrices_for(Problem("inv", spectrum, dtype="complex128"), 0)
    assert [a.dtype.name for a in both] == ["complex128", "complex128"]
