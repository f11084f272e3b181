"""The conformance suite of backends: NumPy passes, and whatever is broken is found and named."""

from typing import Any

import numpy as np
import pytest

from matrl.backends.numpy import NumpyBackend, numpy_backend
from matrl.errors import IndefiniteMatrixError, InputError
from matrl.testing import CountingBackend, check_backend


def test_numpy_does_what_the_protocol_says() -> None:
    check_backend(numpy_backend, sizes=(1, 2, 5, 33))


def test_large_matrices_too() -> None:
    backend = NumpyBackend()
    backend.dtypes = ("float32", "complex128")
    check_backend(backend, sizes=(70,))


def test_a_backend_of_fewer_dtypes_that_counts() -> None:
    few = NumpyBackend()
    few.dtypes = ("float32",)
    backend = CountingBackend(few)
    check_backend(backend, sizes=(4,))
    assert backend.counts


def test_dtypes_are_checked() -> None:
    backend = NumpyBackend()
    backend.dtypes = ("float80",)
    with pytest.raises(AssertionError, match="dtypes must be some of float32"):
        check_backend(backend)


def test_the_sentence_names_kernel_dtype_and_case() -> None:
    with pytest.raises(AssertionError) as caught:
        check_backend(mutant("gram", without("shift")), sizes=(3,))
    assert str(caught.value).startswith(
        "gram in complex64, order 3, alpha=1.0, addends [], shift=-3.0, plain arrays: the error is "
    )


def mutant(kernel: str, change: Any) -> Any:
    """Return a backend of one dtype, one of whose kernels is ``change(the right one)``."""
    backend = NumpyBackend()
    backend.dtypes = ("complex64",)
    setattr(backend, kernel, change(getattr(backend, kernel)))
    return backend


def without(*options: str) -> Any:
    """Leave options out."""

    def change(right: Any) -> Any:
        def kernel(*args: Any, **given: Any) -> Any:
            return right(*args, **{k: v for k, v in given.items() if k not in options})

        return kernel

    return change


def afterwards(spoil: Any) -> Any:
    """Do something to ``out`` and the inputs after the right kernel has run."""

    def change(right: Any) -> Any:
        def kernel(*args: Any, **given: Any) -> Any:
            result = right(*args, **given)
            spoil(*args)
            return result

        return kernel

    return change


def instead(wrong: Any) -> Any:
    """Do something else, with the right kernel at hand."""
    return lambda right: lambda *args, **given: wrong(right, *args, **given)


def in_float32(out: Any, *_: Any) -> None:
    out *= 1.0 + 2.0**-10


def tilt(out: Any, *_: Any) -> None:
    out[..., -1, 0] *= 1.0 + 2.0**-23


def zero_input(_: Any, x: Any, *__: Any) -> None:
    x[..., 0, 0] = 0.0


def drop_last_addend(right: Any, *args: Any, addends: Any = (), **given: Any) -> Any:
    return right(*args, addends=addends[:-1], **given)


def plain_transpose(right: Any, out: Any, x: Any, y: Any, **given: Any) -> Any:
    return right(out, x, y.conj() if given.get("adjoint_y") else y, **given)


def out_twice(right: Any, out: Any, *args: Any, addends: Any = (), **given: Any) -> Any:
    addends = [(2 * beta if c is out else beta, c) for beta, c in addends]
    return right(out, *args, addends=addends, **given)


def no_stacks(right: Any, out: Any, x: Any, *args: Any) -> Any:
    right(out, x, *args)
    if np.isnan(out).any():
        raise IndefiniteMatrixError("x: is broken")
    return out


def all_spoiled(right: Any, out: Any, x: Any, *args: Any, **given: Any) -> Any:
    right(out, x, *args, **given)
    if np.isnan(out).any():
        out[...] = np.nan
    return out


def zeros_for_broken(right: Any, out: Any, x: Any, *args: Any) -> Any:
    try:
        return np.nan_to_num(right(out, x, *args), copy=False)
    except InputError:
        out[...] = 0.0
        return out


def lower_triangle(right: Any, out: Any) -> Any:
    out[...] = np.tril(out) + np.tril(out, -1).conj().swapaxes(-1, -2)
    return out


def unordered(right: Any, out: Any, x: Any, observe: Any = None) -> Any:
    return right(out, x, None if observe is None else lambda w: observe(w[::-1]))


def any_factor(right: Any, out: Any, x: Any) -> bool:
    return right(out, x) or True


def no_conjugate(right: Any, factor: Any, b: Any, transpose: bool) -> Any:
    return right(factor.conj() if transpose else factor, b, transpose)


def moduli_on_the_diagonal(right: Any, x: Any) -> Any:
    norms = right(x)
    return type(norms)(norms.frobenius, norms.one, norms.max_abs, norms.inf, norms.inf)


MUTANTS: list[tuple[str, Any, str]] = [
    ("from_host", instead(lambda right, x: right(x).astype(complex)), "must be x"),
    ("empty", instead(lambda right, shape, dtype: right(shape[::-1], dtype)), "shape"),
    ("cast", afterwards(tilt), "not exact"),
    ("cast", afterwards(zero_input), "input"),
    ("linear", instead(lambda right, out, c, x, s: right(out, c, x, 0.0)), "error"),
    ("linear", instead(lambda right, out, c, x, s: right(out.copy(), c, x, s)), "out itself"),
    ("scale_by_power_of_two", instead(lambda right, o, x, e: right(o, x, min(e, 126))), "exact"),
    ("matmul", without("alpha"), "alpha"),
    ("matmul", without("addends"), "addends"),
    ("matmul", without("shift"), "shift"),
    ("matmul", without("adjoint_x"), "adjoint_x set|must be out|error"),
    ("matmul", instead(plain_transpose), "adjoint_y set"),
    ("matmul", afterwards(in_float32), "error"),
    ("matmul", afterwards(zero_input), "input"),
    ("matmul", instead(all_spoiled), "stacks.*NaN in the last matrix.*not finite"),
    ("matmul_hermitian", instead(drop_last_addend), "addends"),
    ("matmul_hermitian", afterwards(tilt), "exactly Hermitian"),
    ("matmul_averaged", instead(out_twice), "addends"),
    ("matmul_averaged", instead(lambda right, *a, **g: numpy_backend.matmul(*a, **g)), "error"),
    ("gram", afterwards(tilt), "exactly Hermitian"),
    ("gram", instead(out_twice), "addends"),
    ("outer_gram", instead(drop_last_addend), "addends"),
    ("gram_averaged", afterwards(in_float32), "error"),
    ("symmetrize", instead(lower_triangle), "error"),
    ("inverse_spd", afterwards(zero_input), "input"),
    ("inverse_spd", instead(zeros_for_broken), "indefinite matrix: an error"),
    ("inverse_spd", instead(all_spoiled), "stacks.*not finite"),
    ("inverse", afterwards(in_float32), "error"),
    ("inverse", instead(zeros_for_broken), "zeros: an error"),
    ("spectral_function", afterwards(tilt), "exactly Hermitian"),
    ("spectral_function", instead(zeros_for_broken), "NaN inside"),
    (
        "spectral_function",
        instead(lambda right, o, x, f: right(o, x, lambda w: f(w.astype(float)))),
        "was handed float64",
    ),
    ("lyapunov", instead(lambda right, out, s, r: right(out, r, s)), ""),
    ("lyapunov", instead(all_spoiled), "stacks.*not finite"),
    ("polar_factor", instead(unordered), "descending"),
    ("polar_factor", instead(lambda right, out, x, observe=None: right(out, x)), "observe"),
    ("cholesky", instead(any_factor), "answer False"),
    ("cholesky", afterwards(lambda out, x: np.copyto(out, out + np.triu(x, 1))), "error"),
    ("solve_triangular", instead(no_conjugate), "transpose=True"),
    ("norms", instead(moduli_on_the_diagonal), "gershgorin"),
    ("asymmetry", instead(lambda right, x: 0.5 * right(x)), "it is"),
    ("is_finite", instead(lambda right, x: not np.isnan(x).any()), "inf"),
    ("round_to", instead(lambda right, out, precision: out), "nearest number"),
]


@pytest.mark.parametrize(("kernel", "change", "words"), MUTANTS)
def test_a_broken_kernel_is_found_and_named(kernel: str, change: Any, words: str) -> None:
    backend = mutant(kernel, change)
    if kernel == "round_to":
        backend.dtypes = ("float32",)
    named = {"empty": "from_host"}.get(kernel, kernel)
    with pytest.raises(AssertionError, match=f"(?s)^{named} in .*{words}"):
        check_backend(backend, sizes=(3,))


def test_stacks_must_not_raise() -> None:
    with pytest.raises(AssertionError, match=r"^inverse_spd .*stacks.*it raised Indefinite"):
        check_backend(mutant("inverse_spd", instead(no_stacks)), sizes=(3,))


class Pure:
    """NumPy's kernels as if arrays could not be written, with NaN and no error on breakdown."""

    dtypes: tuple[str, ...] = ("float64", "complex64")
    writes_in_place = False
    out_optional = False
    raises_on_breakdown = False
    answers = ("from_host", "to_host", "empty", "norms", "asymmetry", "is_finite")

    def __getattr__(self, name: str) -> Any:
        right = getattr(numpy_backend, name)
        if name in (*self.answers, "solve_triangular"):
            return right

        def kernel(out: Any, *args: Any, **options: Any) -> Any:
            new = out.copy()
            addends = [(b, new if c is out else c) for b, c in options.get("addends", ())]
            options = {**options, "addends": addends} if addends else options
            given = [[new if x is out else x for x in a] if type(a) is list else a for a in args]
            try:
                answer = right(new, *given, **options)
                return answer if name == "cholesky" else new
            except InputError as error:
                if type(error) is InputError:
                    raise
                return np.full_like(new, np.nan)

        return kernel


def test_a_backend_of_arrays_that_cannot_be_written() -> None:
    backend: Any = Pure()
    check_backend(backend, sizes=(1, 4))


def test_where_breakdown_must_not_raise_it_is_found_if_it_does() -> None:
    backend: Any = Pure()
    backend.inverse_spd = numpy_backend.inverse_spd
    with pytest.raises(AssertionError, match=r"^inverse_spd .*it raised IndefiniteMatrixError"):
        check_backend(backend, sizes=(3,))
