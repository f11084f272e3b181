"""Precisions, what numbers they have, and the dtypes they mean for real and complex matrices."""

from itertools import product

import numpy as np
import pytest

from matrl.core.precision import (
    DTYPES,
    FORMATS,
    FULL_PRECISIONS,
    HALF_PRECISIONS,
    PRECISIONS,
    eps_of,
    is_complex,
    is_half,
    precision_of,
    working_dtype,
)
from matrl.errors import InputError


def test_the_dtypes_are_numpys() -> None:
    assert set(DTYPES) == {"float32", "float64", "complex64", "complex128"}
    assert [np.dtype(name).name for name in DTYPES] == list(DTYPES)


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_precision_is_that_of_the_real_part(dtype: str) -> None:
    assert precision_of(dtype) == np.real(np.zeros(1, dtype)).dtype.name
    assert is_complex(dtype) == np.iscomplexobj(np.zeros(1, dtype))
    assert np.finfo(dtype).eps == np.finfo(precision_of(dtype)).eps == eps_of(dtype)


@pytest.mark.parametrize(("precision", "dtype"), [*product(FULL_PRECISIONS, DTYPES)])
def test_steps_work_in_their_precision_and_stay_in_their_field(precision: str, dtype: str) -> None:
    working = working_dtype(precision, dtype)
    assert precision_of(working) == precision
    assert is_complex(working) == is_complex(dtype)
    assert working_dtype(precision, working) == working
    assert working_dtype(precision_of(dtype), dtype) == dtype


@pytest.mark.parametrize(("precision", "dtype"), [*product(HALF_PRECISIONS, DTYPES)])
def test_half_precisions_are_for_real_matrices(precision: str, dtype: str) -> None:
    if is_complex(dtype):
        with pytest.raises(InputError, match=rf"^precision: {precision} is for real matrices"):
            working_dtype(precision, dtype)
    else:
        assert working_dtype(precision, dtype) == precision
        assert precision_of(precision) == precision


def test_precisions_are_named_once() -> None:
    assert (*HALF_PRECISIONS, *FULL_PRECISIONS) == PRECISIONS
    assert tuple(FORMATS) == PRECISIONS
    assert [is_half(name) for name in PRECISIONS] == [True, True, False, False]


@pytest.mark.parametrize("name", ["float16", "float32", "float64"])
def test_formats_are_those_of_numpy(name: str) -> None:
    form, info = FORMATS[name], np.finfo(name)
    assert form.eps == eps_of(name) == info.eps == 2.0 * form.unit_roundoff
    assert (form.largest, form.least_normal) == (info.max, info.smallest_normal)
    assert form.least_subnormal == info.smallest_subnormal


@pytest.mark.torch
@pytest.mark.parametrize("name", HALF_PRECISIONS)
def test_half_formats_are_those_of_pytorch(name: str) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch's CPU wheel is not installed")
    form, info = FORMATS[name], torch.finfo(getattr(torch, name))
    assert (form.eps, form.largest, form.least_normal) == (info.eps, info.max, info.tiny)
