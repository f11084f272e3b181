"""``matrl certify`` writes and verifies certificates, and refuses what they cannot be about."""

import json
from pathlib import Path

import numpy as np
import pytest
from tests.cli.conftest import Invoke


def test_what_was_written_is_verified_and_what_was_changed_is_not(
    invoke: Invoke, tmp_path: Path
) -> None:
    assert invoke("certify", "plan.json").exit_code == 0
    path = tmp_path / "plan.certificate.json"
    assert invoke("certify", "plan.json", "--check").exit_code == 0
    document = json.loads(path.read_text(encoding="utf-8"))
    document["worst_case"]["bound"] *= 1.0 - 1e-6
    path.write_text(json.dumps(document), encoding="utf-8")
    assert invoke("certify", "plan.json", "--check").exit_code == 1


@pytest.mark.parametrize("name", ["plan.json", "./plan.json"])
def test_a_certificate_never_replaces_its_plan(invoke: Invoke, tmp_path: Path, name: str) -> None:
    (tmp_path / "own.json").write_bytes((tmp_path / "plan.json").read_bytes())
    before = (tmp_path / "own.json").read_bytes()
    result = invoke("certify", "own.json", "--certificate", name.replace("plan", "own"))
    assert result.exit_code == 2
    assert "is the plan itself" in result.output
    assert (tmp_path / "own.json").read_bytes() == before


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("empty", "none empty"),
        ("rectangle", "must be square for invsqrt"),
        ("lopsided", "must be symmetric"),
        ("hermitian", "is complex, and the plan is for float64"),
        ("vector", "must hold a matrix"),
    ],
)
def test_matrices_the_plan_is_not_for_are_refused_by_name(
    invoke: Invoke, tmp_path: Path, name: str, sentence: str
) -> None:
    np.save(tmp_path / "hermitian.npy", np.array([[0.5, 0.1j], [-0.1j, 0.5]]))
    result = invoke("certify", "plan.json", "--held-out", f"{name}.npy")
    assert result.exit_code == 2
    assert f"{name}.npy" in result.output
    assert sentence in result.output


def test_a_stack_of_no_matrices_is_not_passed_over(invoke: Invoke, tmp_path: Path) -> None:
    np.save(tmp_path / "none.npy", np.zeros((0, 2, 2)))
    result = invoke("certify", "plan.json", "--held-out", "none.npy")
    assert result.exit_code == 2
    assert "none.npy: must hold a matrix" in result.output


def test_a_confidence_that_is_none_is_refused_whether_it_is_needed_or_not(invoke: Invoke) -> None:
    for value in ("1", "nan"):
        result = invoke("certify", "plan.json", "--confidence", value)
        assert result.exit_code == 2
        assert "confidence: must lie strictly between 0 and 1" in result.output


def test_a_folder_is_no_plan(invoke: Invoke) -> None:
    result = invoke("certify", ".")
    assert result.exit_code == 2
    assert "is a folder" in result.output
