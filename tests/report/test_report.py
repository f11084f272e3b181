import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console, RenderableType

import matrl
from matrl.core.plan import Domain, Prediction, Provenance, Scaling, StepRecord
from matrl.discovery import Found
from matrl.discovery.race.race import RaceEntry
from matrl.errors import InputError, MissingExtraError
from matrl.profile import OperationTime, Profile
from matrl.report import (
    found_report,
    front_report,
    in_engineering_units,
    plan_report,
    profile_report,
    solution_document,
    solution_report,
    status_counts,
)
from matrl.report.figures import spectrum_and_errors
from matrl.report.plans import describe_domain, describe_scaling

PLAN = matrl.Plan(
    function="invsqrt",
    dtype="float64",
    shape=(64, 64),
    tol=1e-6,
    norm="eigenvalue",
    domain=Domain(1e-2, 1.0, False, True),
    scaling=Scaling("constant", 1.0),
    steps=(
        StepRecord("minimax-4", "product", "float32", (1.0, 2.0, 3.0, 4.0, 5.0), "mirrored", 0.25),
        StepRecord("newton", "zm", "float64", (1.5, 0.5), "averaged", 1.25e-7),
    ),
    predicted=Prediction(1.25e-7, 3e-9, 0.0125, "somewhere"),
    provenance=Provenance("1.2.3", 4, 500, 1.5, True, 2e-7, 3e-4),
)
SOLUTION = matrl.Solution(
    value=None,
    status="converged",
    residual=1e-7,
    residual_bound=5e-7,
    failure_probability=1e-6,
    error_bound=None,
    steps=2,
    seconds=0.002,
    plan_id="abc",
)


def printed(report: RenderableType) -> str:
    console = Console(width=140, file=None)
    with console.capture() as capture:
        console.print(report)
    return capture.get()


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.0, "0 s"),
        (float("inf"), "inf s"),
        (1.0, "1 s"),
        (60.25, "60.2 s"),
        (12345.0, "12345 s"),
        (0.9996, "1 s"),
        (0.25, "250 ms"),
        (1e-3, "1 ms"),
        (9.9996e-4, "1 ms"),
        (1.234e-5, "12.3 us"),
        (2e-9, "2 ns"),
        (2e-12, "0.002 ns"),
    ],
)
def test_engineering_units(seconds: float, words: str) -> None:
    assert in_engineering_units(seconds) == words


def test_plan_report() -> None:
    text = printed(plan_report(PLAN))
    for word in (PLAN.id, "minimax-4", "1, 2, 3, 4, ... (5)", "1.5, 0.5", "zm", "averaged"):
        assert word in text
    for word in ("0.0125 at the prices of 'somewhere'", "matrl 1.2.3, seed 4, 500 nodes"):
        assert word in text
    assert "error 2e-07, 300 us a matrix" in text
    timed = replace(PLAN.provenance, predicted_over_measured=1.25)
    many = replace(PLAN, provenance=timed, batch=7)
    assert "300 us a batch of 7 (predicted/measured 1.25)" in printed(plan_report(many))
    unraced = replace(PLAN, provenance=Provenance())
    assert "no race was run" in printed(plan_report(unraced))


def test_front_report_has_a_row_a_plan() -> None:
    found = Found(PLAN, 0.0125, 500, 1.5, True, False, "optimal", (PLAN,), (PLAN, PLAN))
    text = printed(front_report(found, in_seconds=False))
    assert text.count("0.0125") == 2
    assert PLAN.steps[0].name in text
    assert "12.5 ms" in printed(front_report(found, in_seconds=True))


def test_race_table_has_a_row_a_finalist() -> None:
    entries = (
        RaceEntry(PLAN, 2e-7, 0.025, "won"),
        RaceEntry(replace(PLAN, tol=1e-3), 4e-3, None, "dropped", "error 0.004 above 1e-06"),
    )
    found = Found(PLAN, 0.0125, 500, 1.5, True, False, "optimal", (PLAN,), race=entries)
    text = printed(found_report(found, in_seconds=True))
    won = next(line for line in text.splitlines() if "won" in line)
    for word in ("12.5 ms", "25 ms", "0.50", "2e-07"):
        assert word in won
    dropped = next(line for line in text.splitlines() if "dropped" in line)
    assert "0.004" in dropped
    assert dropped.count(" - ") == 2
    assert "race" not in printed(found_report(replace(found, race=()), in_seconds=True)).split()


def test_found_report_says_what_optimal_means() -> None:
    found = Found(PLAN, 0.0125, 500, 1.5, True, False, "optimal", (PLAN,), (PLAN,))
    assert "12.5 ms" in printed(found_report(found, in_seconds=True))
    text = printed(found_report(found, in_seconds=False))
    assert "0.0125 at the prices" in text
    assert "no allowed schedule has a lower cost" in text
    samples = replace(found, plan=replace(PLAN, domain=replace(PLAN.domain, kind="samples")))
    assert "with coefficients by its rules" in printed(found_report(samples, in_seconds=True))
    within = replace(found, minimized="error", finalists=(replace(PLAN, batch=2), PLAN))
    text = printed(found_report(within, in_seconds=False))
    assert "within the budget has a smaller error" in text
    assert "cost" not in text.partition("optimal")[2]
    text = printed(found_report(found, in_seconds=False))
    cheaper = replace(PLAN, predicted=replace(PLAN.predicted, cost=0.01))
    dearer = replace(found, finalists=(cheaper, PLAN))
    assert "ran fastest" in printed(found_report(dearer, in_seconds=True))
    assert "not proved" in printed(found_report(replace(found, optimal=False), in_seconds=True))
    refined = replace(found, optimal=False, refined=True)
    assert "optimised together" in printed(found_report(refined, in_seconds=True))
    stopped = replace(found, optimal=False, interrupted=True)
    assert "interrupted" in printed(found_report(stopped, in_seconds=True))


@pytest.mark.parametrize(
    ("scaling", "words"),
    [
        (Scaling("constant", 1.0), "none"),
        (Scaling("constant", 0.125), "multiplied by 2^-3"),
        (Scaling("constant", 4.0), "multiplied by 2^2"),
        (Scaling("constant", 3.0), "multiplied by 3"),
        (Scaling("frobenius"), "divided by its Frobenius norm"),
        (Scaling("one-norm"), "divided by its 1-norm"),
    ],
)
def test_scaling_in_words(scaling: Scaling, words: str) -> None:
    assert describe_scaling(scaling) == words


def test_lanczos_and_relative_domains_in_words() -> None:
    assert "1.0e-09" in describe_scaling(Scaling("lanczos", 0.8, 1e-9))
    relative = Domain(0.5, 1.0, True, True, "matrices")
    assert describe_domain(relative) == "eigenvalues in [0.5, 1] after scaling, from matrices"


def test_profile_report() -> None:
    entries = (
        OperationTime("matmul", "float64", 64, 1, 1e-5),
        OperationTime("matmul", "float64", 64, 8, 7e-5),
        OperationTime("matmul", "float64", 128, 1, 1e-4, 256),
        OperationTime("eigh", "float32", 64, 1, 2e-4),
    )
    text = printed(profile_report(Profile("box", entries)))
    for word in ("box", "float32", "float64", "batch 8", "m = 256", "70 us", "n = 128"):
        assert word in text
    assert "empty" in printed(profile_report(Profile("empty", ())))


def test_solution_of_one_matrix() -> None:
    text = printed(solution_report(SOLUTION))
    for word in ("converged", "1e-07", "5e-07 (except with probability 1e-06)", "2 ms"):
        assert word in text
    document = solution_document(SOLUTION)
    assert (document["status"], document["residual"]) == ("converged", 1e-7)
    assert document["error_bound"] is None
    full = replace(SOLUTION, error_bound=2e-7, failure_probability=None, message="a note")
    text = printed(solution_report(full))
    assert "error at most" in text
    assert "a note" in text


def test_solution_of_a_stack() -> None:
    status = np.array([["converged", "refused"]] * 8)
    residual = np.array([[1e-7, np.nan]] * 8)
    message = "; ".join(f"A[{i}, 1]: is bad; mend it" for i in range(8))
    stack = replace(
        SOLUTION, status=status, residual=residual, error_bound=residual * np.inf, message=message
    )
    assert status_counts(stack) == {"converged": 8, "refused": 8}
    document = solution_document(stack)
    assert document["residual"][0] == [1e-7, None]
    assert document["error_bound"][0] == [None, None]
    text = printed(solution_report(stack))
    assert "16 matrices: 8 converged, 8 refused" in text
    assert text.count("mend it") == 8
    many = replace(stack, message="; ".join(f"A[{i}]: bad" for i in range(25)))
    assert "and 15 more" in printed(solution_report(many))


class TestFigure:
    values = np.geomspace(1e-3, 1.0, 20)[::-1]
    steps = (("newton", np.full(20, 0.1)), ("halley", np.linspace(0.0, 1e-7, 20)))

    @pytest.mark.parametrize("count", [0, 1, 2])
    def test_saves_a_png(self, tmp_path: Path, count: int) -> None:
        pytest.importorskip("matplotlib")
        path = tmp_path / "figure.png"
        spectrum_and_errors(self.values, list(self.steps[:count]), 1e-6, path)
        assert path.read_bytes().startswith(b"\x89PNG")

    def test_refuses_what_cannot_be_drawn(self, tmp_path: Path) -> None:
        path = tmp_path / "figure.png"
        with pytest.raises(InputError, match="eigenvalues"):
            spectrum_and_errors(-self.values, [], 1e-6, path)
        with pytest.raises(InputError, match="step_errors"):
            spectrum_and_errors(self.values, [("newton", np.ones(3))], 1e-6, path)
        assert not path.exists()

    def test_names_the_extra(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "matplotlib", None)
        with pytest.raises(MissingExtraError, match=r"pip install 'matrl\[figures\]'"):
            spectrum_and_errors(self.values, [], 1e-6, tmp_path / "figure.png")
