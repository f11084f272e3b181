"""What counts as a matrix."""

import numpy as np
import pytest

from matrl.core.matrices import (
    as_array,
    as_matrix,
    as_square,
    check_symmetry,
    is_hermitian,
    require_hermitian,
    symmetry_slack,
)
from matrl.errors import InputError, NonFiniteError, NotHermitianError


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_square_matrices_and_stacks_pass_untouched(dtype: str) -> None:
    for shape in ((1, 1), (3, 3), (2, 3, 3), (2, 2, 3, 3)):
        a = np.ones(shape, dtype)
        assert as_square(a) is a


def test_views_of_any_order_pass() -> None:
    a = np.arange(36.0).reshape(6, 6)
    for view in (a.T, a[::2, ::2], a[::-1]):
        assert as_square(view) is view


def test_refusals_name_the_argument() -> None:
    for bad in ([[1.0]], np.ones(3), np.ones((2, 3)), np.eye(2, dtype=int), np.zeros((0, 0))):
        with pytest.raises(InputError, match=r"^B: "):
            as_square(bad, "B")


def test_arrays_may_be_rectangular_complex_and_empty() -> None:
    for a in (np.ones((2, 3)), np.ones((4, 2, 3), "complex64"), np.zeros((0, 0)), np.zeros((3, 0))):
        assert as_array(a) is a
    with pytest.raises(InputError, match=r"^B: must be a matrix"):
        as_array(np.ones(3), "B")
    with pytest.raises(InputError, match=r"^B: must be one of .*astype\('complex128'\)"):
        as_array(np.ones((2, 2), np.clongdouble), "B")


def test_a_matrix_is_one_finite_matrix() -> None:
    a = np.eye(3)
    assert as_matrix(a) is a
    with pytest.raises(InputError, match=r"^A: must be one matrix \(m, n\), but its shape"):
        as_matrix(np.ones((2, 3, 3)))
    with pytest.raises(NonFiniteError, match=r"^A: "):
        as_matrix(np.array([[np.nan]]))


def test_hermitian_means_the_conjugate_transpose() -> None:
    skew = np.array([[1.0, 2.0j], [2.0j, 1.0]])
    assert is_hermitian(np.array([[1.0, 2.0j], [-2.0j, 1.0]]))
    assert not is_hermitian(skew)
    assert not is_hermitian(np.ones((2, 3)))
    with pytest.raises(NotHermitianError, match=r"Hermitian.*pass \(A \+ A\.conj\(\)\.T\)/2"):
        require_hermitian(skew, "A")
    with pytest.raises(NotHermitianError, match=r"pass \(A \+ A\.T\)/2"):
        require_hermitian(np.array([[1.0, 2.0], [0.0, 1.0]]), "A")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_symmetry_is_judged_against_rounding(dtype: str) -> None:
    eps = float(np.finfo(dtype).eps)
    assert symmetry_slack(100, dtype) == 80.0 * eps
    check_symmetry(80.0 * eps * 3.0, 3.0, 100, dtype)
    check_symmetry(0.0, 0.0, 1, dtype)
    with pytest.raises(NotHermitianError, match=r"^C: must be symmetric"):
        check_symmetry(81.0 * eps * 3.0, 3.0, 100, dtype, "C")
