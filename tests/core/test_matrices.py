"""What counts as a matrix."""

import numpy as np
import pytest

from matrl.core.matrices import as_positive_definite, as_square, check_symmetry, symmetry_slack
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


def test_positive_definite_takes_one_matrix() -> None:
    a = np.eye(3)
    assert as_positive_definite(a) is a
    with pytest.raises(InputError, match=r"^A: must be one matrix \(n, n\), but its shape"):
        as_positive_definite(np.ones((2, 3, 3)))
    with pytest.raises(NonFiniteError, match=r"^A: "):
        as_positive_definite(np.array([[np.nan]]))
    with pytest.raises(NotHermitianError, match=r"pass \(A \+ A\.T\)/2"):
        as_positive_definite(np.array([[1.0, 2.0], [0.0, 1.0]]))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_symmetry_is_judged_against_rounding(dtype: str) -> None:
    eps = float(np.finfo(dtype).eps)
    assert symmetry_slack(100, dtype) == 80.0 * eps
    check_symmetry(80.0 * eps * 3.0, 3.0, 100, dtype)
    check_symmetry(0.0, 0.0, 1, dtype)
    with pytest.raises(NotHermitianError, match=r"^C: must be symmetric"):
        check_symmetry(81.0 * eps * 3.0, 3.0, 100, dtype, "C")
