"""The table of planted failures: what each level of ``verify`` makes of them, run by run.

``python tests/execute/test_planted_table.py`` prints it, for docs/guard.md.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from matrl.core.measure import Measure
from matrl.errors import MatrlError
from matrl.execute.accuracy import Reference
from matrl.execute.single import SingleRun
from matrl.functions import FUNCTIONS

N, TOL = 12, 1e-3
KINDS = ("inv", "invsqrt", "root-3", "sqrt", "sign", "polar")
DTYPES = ("float32", "complex128")
LEVELS = ("off", "sketch", "full")
INSIDE = np.geomspace(0.02, 0.9, N)
CODES = {"unchecked": "-", "converged": "-", "continued": "c", "fell_back": "f"}


@dataclass(frozen=True)
class Tools:
    """How plans, matrices and exact values are made: the fixtures of these names."""

    make_plan: Any
    make_matrix: Any
    exact: Any


class Sample:
    """A matrix, its value, and its eigenvectors (singular vectors) for planting."""

    def __init__(self, tools, kind, dtype, moduli=INSIDE, seed=0):
        self.tools, self.kind, self.dtype, self.moduli = tools, kind, dtype, np.asarray(moduli)
        self.a = tools.make_matrix(kind, self.moduli, (N, N), dtype, seed)
        wide = self.a.astype(np.complex128)
        (self.exact,) = tools.exact(kind, wide)
        if kind == "polar":
            left, _, right = np.linalg.svd(wide)
            self.left, self.right = left[:, ::-1], right[::-1]
        else:
            values, vectors = np.linalg.eigh(wide)
            vectors = vectors[:, np.argsort(np.abs(values))]
            self.left, self.right = vectors, vectors.conj().T

    def times(self, factors):
        """Return f(A) with its eigenvalues multiplied, the least of A first."""
        return (self.left * factors) @ self.left.conj().T @ self.exact

    def one(self, index, factor):
        factors = np.ones(N)
        factors[index] = factor
        return self.times(factors)

    def rank_one(self, size):
        """Return f(A) with an error of this size in no eigendirection, of rank one."""
        u = np.random.default_rng(7).standard_normal(N)
        w = self.left @ (u / np.linalg.norm(u))
        half = self.left * np.sqrt(self._magnitudes()) @ self.left.conj().T
        error = half @ np.outer(w, w.conj()) @ half * size
        return self.exact + (error @ self.exact if self.kind in ("sign", "polar") else error)

    def _magnitudes(self):
        powers = {"inv": -1.0, "invsqrt": -0.5, "root-3": 1.0 / 3.0, "sqrt": 0.5}
        return self.moduli ** powers.get(self.kind, 0.0)

    def entry(self, value):
        spoiled = self.exact.copy()
        spoiled[2, 4] = spoiled[4, 2] = value
        return spoiled

    def skew(self, size):
        spoiled = self.exact.copy()
        spoiled[0, 1:] += size * np.abs(self.exact).max()
        return spoiled


def to_bits(x, bits):
    """Return x with its entries rounded to so many bits, as a low precision would leave them."""
    if np.iscomplexobj(x):
        return to_bits(x.real, bits) + 1j * to_bits(x.imag, bits)
    mantissa, exponent = np.frexp(x)
    return np.ldexp(np.round(mantissa * 2.0**bits) / 2.0**bits, exponent)


def alternating(size):
    return 1.0 + size * np.where(np.arange(N) % 2, 1.0, -1.0)


VALUES = {
    "nothing": lambda s: s.exact,
    "every eigenvalue off by tol/2": lambda s: (1 + TOL / 2) * s.exact,
    "every eigenvalue off by 1.5 tol": lambda s: (1 + 1.5 * TOL) * s.exact,
    "every eigenvalue off by 3 tol": lambda s: (1 - 3 * TOL) * s.exact,
    "every eigenvalue off by 10 tol": lambda s: (1 + 10 * TOL) * s.exact,
    "errors of 1.5 tol, alternating": lambda s: s.times(alternating(1.5 * TOL)),
    "errors of 10 tol, alternating": lambda s: s.times(alternating(10 * TOL)),
    "least eigenvalue off by 1.5 tol": lambda s: s.one(0, 1 + 1.5 * TOL),
    "least eigenvalue off by 3 tol": lambda s: s.one(0, 1 - 3 * TOL),
    "greatest eigenvalue off by 3 tol": lambda s: s.one(-1, 1 + 3 * TOL),
    "one eigenvalue off by 10 tol": lambda s: s.one(N // 2, 1 - 10 * TOL),
    "one eigenvalue half": lambda s: s.one(N // 2, 0.5),
    "one eigenvalue double": lambda s: s.one(N // 2, 2.0),
    "one eigenvalue nearly lost": lambda s: s.one(0, 1e-6),
    "one eigenvalue zero": lambda s: s.one(3, 0.0),
    "one eigenvalue exploded": lambda s: s.one(3, 1e8),
    "least eigenvalue flipped": lambda s: s.one(0, -1.0),
    "middle eigenvalue flipped": lambda s: s.one(N // 2, -1.0),
    "greatest eigenvalue flipped": lambda s: s.one(-1, -1.0),
    "one flipped and 5 % off": lambda s: s.one(-1, -0.95),
    "least flipped and 5 % off": lambda s: s.one(0, -0.95),
    "all flipped": lambda s: -s.exact,
    "rank one, 1.5 tol": lambda s: s.rank_one(1.5 * TOL),
    "rank one, 3 tol": lambda s: s.rank_one(3 * TOL),
    "rank one, 10 tol": lambda s: s.rank_one(10 * TOL),
    "rank one, 0.3": lambda s: s.rank_one(0.3),
    "twice the value": lambda s: 2.0 * s.exact,
    "half the value": lambda s: 0.5 * s.exact,
    "scaled by 2^20": lambda s: 2.0**20 * s.exact,
    "zero": lambda s: np.zeros_like(s.exact),
    "identity": lambda s: np.eye(N),
    "the matrix itself": lambda s: s.a,
    "value of another matrix": lambda s: Sample(s.tools, s.kind, s.dtype, seed=5).exact,
    "value of 1.05 A": lambda s: s.tools.exact(s.kind, 1.05 * s.a)[0],
    "rows and columns reversed": lambda s: s.exact[::-1, ::-1],
    "entries rounded to 6 bits": lambda s: to_bits(s.exact, 6),
    "transposed": lambda s: s.exact.T,
    "first row off by 1 %": lambda s: s.skew(0.01),
    "first row off by 50 %": lambda s: s.skew(0.5),
    "one wrong entry": lambda s: s.entry(0.7),
    "one NaN": lambda s: s.entry(np.nan),
    "one infinity": lambda s: s.entry(np.inf),
    "all NaN": lambda s: np.full_like(s.exact, np.nan),
}
MATRICES = {
    "A: greatest eigenvalue 1.05 u": np.append(INSIDE[:-1], 1.05),
    "A: greatest eigenvalue 3 u": np.append(INSIDE[:-1], 3.0),
    "A: least eigenvalue 0.9 l": np.append(0.009, INSIDE[1:]),
    "A: least eigenvalue l/5": np.append(0.002, INSIDE[1:]),
    "A: least eigenvalue 1e-5 l": np.append(1e-7, INSIDE[1:]),
    "A: one eigenvalue 0": np.append(0.0, INSIDE[1:]),
    "A: one eigenvalue -0.1": np.append(INSIDE[1:], -0.1),
}
SPOILED = {
    "A: one NaN": lambda a: np.where(np.arange(N) == 3, np.nan, a),
    "A: one infinity": lambda a: np.where(np.arange(N) == 3, np.inf, a),
    "A: zero": np.zeros_like,
    "A: not Hermitian": lambda a: np.triu(a),
}
ROWS = (*VALUES, *MATRICES, *SPOILED)
RIGHT = ("nothing", "every eigenvalue off by tol/2")


def _code(solution, a, kind):
    code = CODES[solution.status]
    if code != "-" or not np.isfinite(solution.value).all():
        return code
    function = FUNCTIONS.get(kind)
    if function.structure == "positive" and not np.linalg.eigvalsh(a).min() > 0.0:
        return "-"
    error = Reference(Measure("eigenvalue", function), a).error((solution.value,))
    return "+" if error <= TOL * 1.01 else "-"


def found(tools, row, dtype, level):
    """Return a letter for each kind: what a run with this planted ends with.

    "-" a wrong value is returned and "+" a right one, both by the schedule, "c" the schedule is
    continued, "f" the run falls back to the direct method, "r" it is refused.
    """
    letters = ""
    for kind in KINDS:
        made = tools.make_plan(kind, dtype=dtype, tol=TOL)
        with pytest.MonkeyPatch.context() as patch, np.errstate(all="ignore"):
            sample = Sample(tools, kind, dtype, MATRICES.get(row, INSIDE))
            a = SPOILED[row](sample.a).astype(dtype) if row in SPOILED else sample.a
            if row in VALUES:
                wrong = VALUES[row](sample)
                wrong = wrong if dtype.startswith("c") else wrong.real

                def planted(run, prepared, values, memory, wrong=wrong):
                    values[0][...] = wrong

                patch.setattr(SingleRun, "_schedule", planted)
            try:
                solution = made.run(a, verify=level)
            except MatrlError:
                letters += "r"
                continue
        # Of spoiled matrices there is no value to compare with.
        letters += CODES[solution.status] if row in SPOILED else _code(solution, a, kind)
    return letters


def line(tools, row):
    """Return a line of the table, in Markdown."""
    cells = [f"`{found(tools, row, dtype, level)}`" for dtype in DTYPES for level in LEVELS]
    return f"| {row} | " + " | ".join(cells) + " |"


HEAD = "| planted | " + " | ".join(f"{d}, {v}" for d in DTYPES for v in LEVELS) + " |"
PAGE = Path(__file__).parents[2] / "docs" / "guard.md"


@pytest.fixture(scope="module")
def tools(make_plan, make_matrix, exact):
    return Tools(make_plan, make_matrix, exact)


@pytest.mark.parametrize("row", ROWS)
def test_every_line_of_the_page_is_what_happens(row, tools):
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    assert line(tools, row) in lines


def test_the_page_has_no_other_lines():
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    start = lines.index(HEAD) + 2
    rows = [text.split("|")[1].strip() for text in lines[start : start + len(ROWS)]]
    assert rows == list(ROWS)
    assert len([row for row in ROWS if row not in RIGHT]) >= 40
    assert not any(lines[start + len(ROWS) :])


@pytest.mark.parametrize("dtype", DTYPES)
def test_full_lets_nothing_wrong_pass(dtype, tools):
    for row in ROWS:
        assert "-" not in found(tools, row, dtype, "full")


if __name__ == "__main__":
    import logging

    import conftest  # type: ignore[import-not-found]

    logging.disable()
    tools_of = Tools(conftest._plan, conftest._matrix, conftest._exact)
    rows = [line(tools_of, row) for row in ROWS]
    rule = "|---" * (1 + len(DTYPES) * len(LEVELS)) + "|"
    print("\n".join([HEAD, rule, *rows]))
