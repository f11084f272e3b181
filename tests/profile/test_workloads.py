"""Inputs for timing are well conditioned, and every operation runs on them."""

import numpy as np
import pytest

import matrl.profile.workloads as module
from matrl.backends.libraries import library_named
from matrl.core.precision import HALF_PRECISIONS
from matrl.core.stacking import LARGEST_ELEMENTS
from matrl.errors import InputError
from matrl.profile.profile import KNOWN_OPERATIONS
from matrl.profile.workloads import (
    HALF_OPERATIONS,
    MEASURED_DTYPES,
    REAL_DTYPES,
    Workload,
    measurable_dtypes,
)

LIBRARIES = [
    pytest.param("torch", marks=pytest.mark.torch),
    pytest.param("jax", marks=pytest.mark.jax),
]
OF_RECTANGLES = ["matmul", "gram", "svd", "qr", "add", "cast", "norm", "matvec"]


def run_and_compare(workload, op):
    arrays = (*workload._inputs, workload._general)
    to_host = workload._backend.to_host
    before = [to_host(x).copy() for x in arrays]
    workload.run(op)
    assert all(np.array_equal(x, to_host(y)) for x, y in zip(before, arrays, strict=True))


@pytest.mark.parametrize("op", KNOWN_OPERATIONS)
@pytest.mark.parametrize("dtype", MEASURED_DTYPES)
@pytest.mark.parametrize(("n", "batch"), [(1, 1), (2, 3), (17, 3), (17, 1)])
def test_every_operation_runs(op, dtype, n, batch):
    run_and_compare(Workload(dtype, n, batch), op)


@pytest.mark.parametrize("op", OF_RECTANGLES)
@pytest.mark.parametrize("dtype", MEASURED_DTYPES)
@pytest.mark.parametrize("shape", [(5, 1), (17, 4), (4, 17)])
@pytest.mark.parametrize("batch", [1, 3])
def test_operations_on_rectangles_run(op, dtype, shape, batch):
    m, n = shape
    workload = Workload(dtype, n, batch, m)
    assert all(x.shape[-2:] == (m, n) and x.dtype == dtype for x in workload._inputs)
    run_and_compare(workload, op)


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("op", KNOWN_OPERATIONS)
@pytest.mark.parametrize("batch", [1, 3])
def test_every_operation_runs_with_the_kernels_of_a_library(library, op, batch):
    pytest.importorskip(library)
    found = library_named(library)
    dtype = "float32"
    run_and_compare(Workload(dtype, 9, batch, library=found), op)
    if op in OF_RECTANGLES:
        run_and_compare(Workload(dtype, 4, batch, 9, library=found), op)


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("dtype", HALF_PRECISIONS)
def test_half_precisions_of_libraries(library, dtype):
    pytest.importorskip(library)
    found = library_named(library)
    assert dtype in measurable_dtypes(found)
    assert dtype not in measurable_dtypes(None)
    workload = Workload(dtype, 9, 2, library=found)
    for op in HALF_OPERATIONS:
        workload.run(op)
    assert dtype in str(workload._out.dtype)
    with pytest.raises(InputError, match="inv_spd"):
        workload.run("inv_spd")


@pytest.mark.jax
@pytest.mark.parametrize("dtype", ["float32", "complex64", "bfloat16"])
def test_casts_go_to_what_jax_has_as_it_is_set(dtype):
    jax = pytest.importorskip("jax")
    with jax.enable_x64(False):  # or JAX would warn that it takes float32 for float64
        workload = Workload(dtype, 9, 2, library=library_named("jax"))
        run_and_compare(workload, "cast")


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("batch", [1, 3])
def test_what_is_prepared_is_not_compiled_in_a_run(library, batch, monkeypatch):
    pytest.importorskip(library)
    found, made = library_named(library), []
    monkeypatch.setattr(module, "chunk_of", lambda m, n, itemsize, arrays: 2)
    compiled = type(found).compiled

    def noting(self, function):
        return compiled(self, lambda *arrays: (made.append(arrays), function(*arrays))[1])

    monkeypatch.setattr(type(found), "compiled", noting)
    workload = Workload("bfloat16", 9, batch, library=found)
    workload.prepare("matmul")
    shapes = {"torch": 0, "jax": min(batch, 2)}[library]  # 3 are called as 2 and 1
    assert len(made) == shapes
    workload.run("matmul")
    assert len(made) == shapes


@pytest.mark.jax
def test_the_matrices_of_a_batch_do_not_overlap_in_time(monkeypatch):
    pytest.importorskip("jax")
    library, waited = library_named("jax"), []
    monkeypatch.setattr(type(library), "wait", lambda self, value: waited.append(value.shape))
    side = int(LARGEST_ELEMENTS**0.5) + 1
    Workload("float32", side, 3, library=library).run("matmul")
    assert waited == 3 * [(side, side)]


@pytest.mark.parametrize("batch", [1, 2, 7, 8])
@pytest.mark.parametrize("op", ["matmul", "eigh", "chol", "norm"])
def test_a_batch_of_small_matrices_is_called_in_stacks(monkeypatch, op, batch):
    monkeypatch.setattr(module, "chunk_of", lambda m, n, itemsize, arrays: 3)
    seen = []

    class Counting(Workload):
        def _call_of(self, op):
            call = super()._call_of(op)

            def counted(x):
                seen.append(len(x) if x.ndim > 2 else 1)
                call(x)

            return counted

    Counting("float32", 5, batch).run(op)
    assert sum(seen) == batch
    assert max(seen) == min(batch, 3)


def test_a_batch_of_large_matrices_is_called_one_by_one():
    side = int(LARGEST_ELEMENTS**0.5) + 1
    workload = Workload("float32", side, 3)
    assert {x.shape for x in workload._inputs} == {(side, side)}
    workload.run("matmul")


@pytest.mark.parametrize("dtype", ["float64", "complex128"])
@pytest.mark.parametrize("n", [64, 200])
def test_hermitian_input_is_well_conditioned(n, dtype):
    x = Workload(dtype, n, 1)._inputs[0]
    values = np.linalg.eigvalsh(x)
    assert np.array_equal(x, x.conj().T)
    assert 0.4 < values[0] < values[-1] < 1.6
    assert dtype == "float64" or np.abs(np.imag(x)).max() > 0.01


@pytest.mark.parametrize("dtype", ["float64", "complex128"])
def test_tall_input_has_full_rank(dtype):
    workload = Workload(dtype, 40, 1, 120)
    values = np.linalg.svd(workload._general, compute_uv=False)
    assert values[0] < 50 * values[-1]


def test_other_dtypes_are_refused():
    assert set(REAL_DTYPES) < set(MEASURED_DTYPES)
    for dtype in ("float16", "int64"):
        with pytest.raises(InputError, match=dtype):
            Workload(dtype, 4, 1)
