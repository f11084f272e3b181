"""``matrl certify``: certificates written, verified and refuted."""

import json
from pathlib import Path

import numpy as np
import pytest
from tests.certify.test_certificate import N, matrices
from tests.discovery.conftest import make_profile

from matrl import Problem, Spectrum, discover
from matrl.certify import certificate_path, load_document

__all__ = ["make_profile"]


@pytest.fixture(scope="module")
def train():
    return matrices(4, 0)


@pytest.fixture
def file(make_profile, train, invoke) -> Path:
    """Save a plan in the folder commands run in."""
    problem = Problem("invsqrt", Spectrum.of(train), tol=1e-4)
    found = discover(problem, profile=make_profile(n=N), allow="minimax-*", nodes=200)
    found.plan.save("plan.json")
    return Path("plan.json")


def test_the_command_writes_verifies_and_refutes(invoke, file, train):
    result = invoke("certify", "plan.json", "--json")
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    assert document["worst_case"]["bound"] <= 1e-4
    assert document["certificate"] == "plan.certificate.json"
    assert load_document(certificate_path(file))["plan_id"] == document["plan_id"]
    assert invoke("certify", "plan.json", "--check").exit_code == 0

    certificate = json.loads(Path("plan.certificate.json").read_text())
    certificate["worst_case"]["bound"] *= 0.999
    Path("plan.certificate.json").write_text(json.dumps(certificate))
    result = invoke("certify", "plan.json", "--check", "--json")
    assert result.exit_code == 1
    found = {f["statement"]: f["status"] for f in json.loads(result.stdout)["findings"]}
    assert found == {"schedule": "verified", "worst_case": "refuted", "rounding": "not checked"}


def test_the_command_takes_domains_and_held_out_matrices(invoke, file, train):
    np.save("held.npy", np.stack(matrices(5, 7)))
    result = invoke(
        "certify", "plan.json", "--domain", "0.1", "0.2", "--held-out", "held.npy", "--json"
    )
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    assert document["worst_case"]["domain"] == [[0.1, 0.2]]
    assert document["statistical"]["count"] == 5
    table = invoke("certify", "plan.json", "--held-out", "held.npy")
    assert "In exact arithmetic" in table.stdout
    assert "held-out matrices" in table.stdout
    np.save("train.npy", train[0])
    refused = invoke("certify", "plan.json", "--held-out", "train.npy")
    assert refused.exit_code == 2
    assert refused.stderr.startswith("error: train.npy: was used to find the plan")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--check"], "plan.certificate.json: cannot be read"),
        (["--check", "--domain", "0.1", "1"], "check: verifies what is there"),
        (["--domain", "0", "1"], "domain: needs 0 < lower"),
        (["--certificate", "nowhere/c.json"], "--certificate: the folder"),
    ],
)
def test_what_the_command_refuses(invoke, file, arguments, message):
    result = invoke("certify", "plan.json", *arguments)
    assert result.exit_code == 2
    assert message in result.stderr
