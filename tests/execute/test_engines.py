"""Which kernels a schedule runs with: those of the arrays' library, or NumPy's on their memory."""

import numpy as np
import pytest

from matrl.backends.libraries import library_named
from matrl.backends.numpy import numpy_backend
from matrl.core.plan import StepRecord
from matrl.execute.engines import InPlaceEngine, PureEngine, engine_for
from matrl.functions import FUNCTIONS
from matrl.iterations import trace_schedule

N = 12


def program_of(precision: str):
    step = StepRecord("series-2", "zm", precision, (1.5, -0.5))  # type: ignore[arg-type]
    return trace_schedule(FUNCTIONS.get("invsqrt"), [step], "float32")


@pytest.mark.torch
@pytest.mark.parametrize("precision", ["bfloat16", "float16", "float32", "float64"])
def test_tensors_on_the_host_meet_their_own_kernels_in_half_precisions_only(precision):
    pytest.importorskip("torch")
    library = library_named("torch")
    engine = engine_for(library, program_of(precision), (N, N))
    assert isinstance(engine, InPlaceEngine)
    expected = library.backend if precision.endswith("16") else numpy_backend
    assert type(engine._backend) is type(expected)


@pytest.mark.torch
@pytest.mark.parametrize("precision", ["bfloat16", "float32"])
def test_both_kinds_of_kernels_agree(precision):
    pytest.importorskip("torch")
    program, a = program_of(precision), np.diag(np.linspace(0.5, 1.0, N, dtype=np.float32))
    values = [np.empty_like(a), np.empty_like(a)]
    for value, library in zip(values, (None, library_named("torch")), strict=True):
        engine_for(library, program, (N, N))(a, [value], zero_is_zero=False)
    assert np.abs(values[0] - values[1]).max() <= 2.0**-8


@pytest.mark.jax
def test_arrays_that_are_not_written_have_compiled_functions():
    pytest.importorskip("jax")
    engine = engine_for(library_named("jax"), program_of("float32"), (N, N))
    assert isinstance(engine, PureEngine)
