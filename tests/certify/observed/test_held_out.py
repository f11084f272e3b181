"""Fingerprints tell matrices by their values, and held-out matrices are new and all different."""

import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from matrl.certify import check_held_out, fingerprint
from matrl.errors import InputError, NonFiniteError

DRAWN = np.random.default_rng(7).standard_normal((6, 5, 5))

SINGLE = arrays.arrays(
    np.float32,
    arrays.array_shapes(min_dims=2, max_dims=2, max_side=4),
    elements=st.floats(width=32, allow_nan=False, allow_infinity=False),
)


@given(SINGLE)
def test_equal_values_have_one_fingerprint(a):
    mark = fingerprint(a)
    assert re.fullmatch("[0-9a-f]{16}", mark)
    wide = a.astype(np.float64)
    reordered = np.repeat(np.asfortranarray(wide), 2, axis=1)[:, ::2]
    without_signs_of_zero = np.where(wide == 0.0, 0.0, wide)
    with_signs_of_zero = np.where(wide == 0.0, -0.0, wide)
    for same in (wide, reordered, without_signs_of_zero, with_signs_of_zero):
        assert fingerprint(same) == mark
    assert fingerprint(a.astype(np.complex64)) == mark
    assert fingerprint(np.conj(wide.astype(np.complex128))) == mark  # imaginary parts -0


@given(SINGLE, st.data())
def test_any_other_value_has_another(a, data):
    wide = a.astype(np.float64)
    i = data.draw(st.integers(0, a.shape[0] - 1))
    j = data.draw(st.integers(0, a.shape[1] - 1))
    wide[i, j] = np.nextafter(wide[i, j], np.inf)
    assert fingerprint(wide) != fingerprint(a)


def test_shape_place_and_phase_count():
    a = DRAWN[0]
    others = [a, a.T, a[::-1], -a, 2 * a, 1j * a, a + 1j * a, a - 1j * a, a.astype(np.float32)]
    ones = [np.ones(shape) for shape in ((1, 6), (6, 1), (2, 3), (3, 2))]
    marks = {fingerprint(one) for one in others + ones}
    assert len(marks) == len(others) + len(ones)


def test_fingerprints_are_the_same_on_every_machine_and_in_every_version():
    # Plans store them.
    assert fingerprint(np.array([[1.0, 0.5], [0.5, 2.0]])) == "c1660ce152e9be11"
    assert fingerprint(np.array([[1.0, 0.5j], [-0.5j, 2.0]])) == "399bb2d8441210b7"


def test_what_is_no_matrix_is_refused():
    for bad in (np.ones(3), np.ones((2, 3, 3)), np.eye(2, dtype=int), np.zeros((0, 0)), [[1.0]]):
        with pytest.raises(InputError, match=r"^matrix: "):
            fingerprint(bad)  # pyright: ignore[reportArgumentType]
    with pytest.raises(NonFiniteError, match=r"^matrix: holds NaN"):
        fingerprint(np.full((2, 2), np.nan))


def test_new_and_different_matrices_pass():
    used = [fingerprint(a) for a in DRAWN[:2]]
    expected = tuple(fingerprint(a) for a in DRAWN[2:])
    assert check_held_out(DRAWN[2:], used) == expected
    assert check_held_out(list(DRAWN[2:]), frozenset(used)) == expected
    assert check_held_out(iter(DRAWN[2:]), ()) == expected


def test_used_matrices_are_refused_by_name():
    used = [fingerprint(DRAWN[4].astype(np.complex128))]
    with pytest.raises(InputError, match=r"^matrices\[2\]: was used .*; draw another"):
        check_held_out(DRAWN[2:], used)


def test_the_same_matrix_twice_is_refused_by_name():
    matrices = [DRAWN[0], DRAWN[1], DRAWN[2], DRAWN[1].copy(order="F")]
    with pytest.raises(InputError, match=r"^matrices\[3\]: is the same as matrices\[1\], .*draw"):
        check_held_out(matrices, [])


def test_none_and_what_are_no_matrices_are_refused_by_name():
    with pytest.raises(InputError, match=r"^matrices: there are none; pass one"):
        check_held_out([], [])
    with pytest.raises(InputError, match=r"^matrices\[1\]: must be a matrix \(m, n\)"):
        check_held_out([np.eye(2), np.ones(2)], [])


@pytest.mark.parametrize(
    ("used", "sentence"),
    [
        ("0123456789abcdef", r"^used: must be a collection of fingerprints, not one text"),
        (["0123456789abcdeF"], r"^used: holds '0123456789abcdeF', which is no fingerprint"),
        (["0123456789abcde"], r"^used: holds .* of 16 hexadecimal digits; pass what"),
        (["0123456789abcdef\n"], r"^used: holds "),
        ([np.eye(2)], r"^used: holds "),
    ],
)
def test_what_no_matrix_can_match_is_refused(used: Any, sentence: str):
    with pytest.raises(InputError, match=sentence):
        check_held_out([np.eye(2)], used)
