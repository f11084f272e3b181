"""The matrices finalists race on: those given, or fresh random ones with the given spectrum."""

import numpy as np

from matrl.core.precision import is_complex
from matrl.core.spectrum import Spectrum
from matrl.discovery.problem.problem import Problem

__all__ = ["LARGEST_ORDER", "MATRICES", "matrices_for"]

MATRICES = 3
LARGEST_ORDER = 2048
WORK = 3 * 640**3
"""Fewer matrices are made where all together have more than this m n^2: their f(A) takes long."""


def matrices_for(problem: Problem, seed: int) -> list[np.ndarray]:
    """Return the largest given matrices, or random ones of the given spectrum and the true size.

    There are three up to an order of 640, one above 732, and none above 2048. Eigenvectors are
    random. Of samples all are eigenvalues if they fit; of an interval they are spread evenly in the
    logarithm, lie at its two ends only, and are random in the logarithm, so that a plan that is
    right for one kind of spectrum only is found out.
    """
    spectrum = problem.spectrum
    if spectrum.matrices:
        largest = sorted(spectrum.matrices, key=lambda a: a.size)[-MATRICES:]
        return [a.astype(problem.dtype) for a in largest if _casts(a, problem.dtype)]
    if problem.m > LARGEST_ORDER or spectrum.lower == 0.0:
        return []
    random = np.random.default_rng(seed)
    count = int(np.clip(WORK // (problem.m * problem.n**2), 1, MATRICES))
    return [_matrix(problem, kind, random) for kind in range(count)]


def _matrix(problem: Problem, kind: int, random: np.random.Generator) -> np.ndarray:
    values = _eigenvalues(problem.spectrum, problem.n, kind, random)
    structure = problem.matrix_function.structure
    right = _orthonormal(random, (problem.n, problem.n), problem.dtype)
    if structure == "rectangular":
        left = _orthonormal(random, (problem.m, problem.n), problem.dtype)
        a = (left * values) @ right.conj().T
        assert problem.shape is not None
        if problem.shape[0] < problem.shape[1]:
            a = a.conj().T
        return np.ascontiguousarray(a.astype(problem.dtype))
    if structure == "hermitian":
        values = values * random.choice([-1.0, 1.0], problem.n)
    a = (right * values) @ right.conj().T
    return (0.5 * (a + a.conj().T)).astype(problem.dtype)


def _casts(a: np.ndarray, dtype: str) -> bool:
    return is_complex(dtype) or not np.iscomplexobj(a)


def _orthonormal(random: np.random.Generator, shape: tuple[int, int], dtype: str) -> np.ndarray:
    """Return random orthonormal columns, (m, n)."""
    a = random.standard_normal(shape)
    if is_complex(dtype):
        a = a + 1j * random.standard_normal(shape)
    return np.linalg.qr(a)[0]


def _eigenvalues(spectrum: Spectrum, n: int, kind: int, random: np.random.Generator) -> np.ndarray:
    if spectrum.kind == "samples":
        points = np.concatenate([np.zeros(spectrum.zeros), spectrum.points])
        if n >= len(points):
            chosen = np.resize(points, n)
        else:
            chosen = random.choice(points, n)
            chosen[n // 2] = spectrum.lower
        chosen[0], chosen[-1] = points[0], points[-1]
        return chosen
    # The ends belong to the domain, but a rounded matrix would leave it: stay inside by rounding.
    low, high = spectrum.lower * (1 + 1e-6), spectrum.upper * (1 - 1e-6)
    if low >= high:
        return np.full(n, spectrum.upper)
    if n == 1:
        return np.array([high])
    share = np.linspace(0.0, 1.0, n)
    if kind == 1:
        share = np.round(share)
    elif kind == 2:
        share[1:-1] = np.sort(random.random(n - 2))
    return low * (high / low) ** share
