"""Precisions, and the dtypes they mean for real and complex matrices."""

from itertools import product

import numpy as np
import pytest

from matrl.core.precision import DTYPES, PRECISIONS, is_complex, precision_of, working_dtype


def test_the_dtypes_are_numpys() -> None:
    assert set(DTYPES) == {"float32", "float64", "complex64", "complex128"}
    assert [np.dtype(name).name for name in DTYPES] == list(DTYPES)


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_precision_is_that_of_the_real_part(dtype: str) -> None:
    assert precision_of(dtype) == np.real(np.zeros(1, dtype)).dtype.name
    assert is_complex(dtype) == np.iscomplexobj(np.zeros(1, dtype))
    assert np.finfo(dtype).eps == np.finfo(precision_of(dtype)).eps


@pytest.mark.parametrize(("precision", "dtype"), [*product(PRECISIONS, DTYPES)])
def test_steps_work_in_their_precision_and_stay_in_their_field(precision: str, dtype: str) -> None:
    working = working_dtype(precision, dtype)
    assert precision_of(working) == precision
    assert is_complex(working) == is_complex(dtype)
    assert working_dtype(precision, working) == working
    assert working_dtype(precision_of(dtype), dtype) == dtype
