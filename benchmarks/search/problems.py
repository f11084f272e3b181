"""Problems with hand-written prices, which depend on no machine."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from matrl import Problem, Profile, Spectrum
from matrl.core.measure import Norm
from matrl.core.precision import PRECISIONS
from matrl.discovery.environment.environment import ScheduleEnvironment
from matrl.discovery.phases.assembly import environment_for
from matrl.discovery.problem.arguments import allowed_updates

__all__ = ["PRICES", "Case", "N", "environment_of", "profile"]

N = 512
"""The order of the matrices."""

PRICES = {
    "cpu": {
        "matmul": 1.0, "matmul_herm": 0.7, "inv_spd": 0.9, "eigh": 9.0, "svd": 20.0, "add": 0.0,
    },
    "dear inverse": {
        "matmul": 1.0, "matmul_herm": 0.6, "inv_spd": 2.5, "eigh": 30.0, "svd": 60.0, "add": 0.0,
    },
    "products only": {"matmul": 1.0, "add": 0.0},
}  # fmt: skip
"""In products of float64; float32 costs half."""


def profile(table: str) -> Profile:
    """Return the prices of a table, for square matrices of order ``N``."""
    ops = [
        {"op": op, "dtype": dtype, "n": N, "batch": 1, "seconds": share * price}
        for dtype, share in (("float64", 1.0), ("float32", 0.5))
        for op, price in PRICES[table].items()
    ]
    return Profile.from_json(json.dumps({"schema": 1, "name": table, "ops": ops}))


@dataclass(frozen=True)
class Case:
    """A problem on the interval [1/kappa, 1], with its price table."""

    function: str
    kappa: float
    tol: float
    table: str = "cpu"
    norm: Norm = "eigenvalue"

    @property
    def problem(self) -> Problem:
        """The question to the search."""
        spectrum = Spectrum.interval(1.0 / self.kappa, 1.0)
        return Problem(self.function, spectrum, tol=self.tol, shape=(N, N), norm=self.norm)

    def to_dict(self) -> dict[str, Any]:
        """Return the case as JSON-ready data."""
        return {
            "function": self.function,
            "kappa": self.kappa,
            "tol": self.tol,
            "table": self.table,
            "norm": self.norm,
        }

    def __str__(self) -> str:
        text = f"{self.function} κ={self.kappa:.0e} tol={self.tol:.0e} {self.table}"
        return text if self.norm == "eigenvalue" else f"{text} {self.norm}"


def environment_of(
    problem: Problem, table: str, precisions: Sequence[str] = PRECISIONS, *, widens: bool = False
) -> ScheduleEnvironment:
    """Return a fresh environment, which knows nothing of searches before."""
    updates = allowed_updates(problem, "*")
    return environment_for(problem, profile(table), updates, precisions, widens=widens)
