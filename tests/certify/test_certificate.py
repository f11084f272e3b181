"""Certificates as files: what they hold, what invalidates them, and the command that makes them."""

import json
from dataclasses import replace

import numpy as np
import pytest

from matrl import Plan, Problem, Spectrum, discover
from matrl.certify import (
    check_certificate,
    fingerprint,
    load_document,
    schedule_hash,
)
from matrl.errors import ArtifactError, InputError

N = 24


def matrices(count: int, seed: int) -> list[np.ndarray]:
    random = np.random.default_rng(seed)
    found = []
    for _ in range(count):
        g = random.standard_normal((4 * N, N))
        found.append(g.T @ g / (4 * N))
    return found


@pytest.fixture(scope="module")
def train():
    return matrices(4, 0)


@pytest.fixture(scope="module")
def plan(make_profile, train) -> Plan:
    problem = Problem("invsqrt", Spectrum.of(train), tol=1e-4)
    return discover(problem, profile=make_profile(n=N), allow="minimax-*", nodes=200).plan


def test_three_statements_that_are_never_mixed(plan):
    made = plan.certify(held_out=matrices(30, 1))
    document = json.loads(made.to_json())
    assert document["plan_id"] == plan.id
    assert document["schedule_hash"] == schedule_hash(plan)
    assert document["versions"]["matrl"]
    assert document["worst_case"]["bound"] <= 1e-4
    assert document["worst_case"]["domain"] == [[plan.domain.lower, plan.domain.upper]]
    assert document["rounding"]["bound"] is None or document["rounding"]["bound"] > 0.0
    assert document["rounding"]["probabilistic"] < 1e-4
    assert document["statistical"]["count"] == 30
    assert document["statistical"]["failure_probability"] < 0.2
    assert {f.status for f in check_certificate(json.loads(plan.to_json()), document)} <= {
        "verified",
        "not checked",
    }


def test_matrices_of_the_discovery_are_refused(plan, train):
    assert plan.provenance.matrices == tuple(fingerprint(a) for a in train)
    assert Plan.from_json(plan.to_json()).provenance == plan.provenance
    with pytest.raises(InputError, match=r"^matrices\[1\]: was used to find the plan"):
        plan.certify(held_out=[matrices(1, 5)[0], train[2]])


def test_the_hash_is_of_what_the_schedule_computes(plan):
    first, *others = plan.steps
    c = first.coefficients[0]
    assert schedule_hash(replace(plan, shape=(9, 9))) == schedule_hash(plan)
    assert schedule_hash(replace(plan, steps=(replace(first, error=0.5), *others))) == (
        schedule_hash(plan)
    )
    changed = [
        replace(first, coefficients=(float(np.nextafter(c, 9.0)), *first.coefficients[1:])),
        replace(first, precision="float32"),
        replace(first, form="gram"),
    ]
    others_of = [
        replace(plan, tol=0.5),
        replace(plan, dtype="float32"),
        replace(plan, norm="spectral"),
    ]
    assert schedule_hash(plan) not in {schedule_hash(one) for one in others_of}
    hashes = {schedule_hash(replace(plan, steps=(one, *others))) for one in changed}
    assert len(hashes | {schedule_hash(plan)}) == 4


def test_a_changed_coefficient_invalidates_a_certificate(plan):
    document = json.loads(plan.certify().to_json())
    other = json.loads(plan.to_json())
    other["steps"][0]["coefficients"][0] *= 1.001
    found = {f.statement: f.status for f in check_certificate(other, document)}
    assert found["schedule"] == "refuted"
    assert found["worst_case"] == "refuted"


def test_documents_that_are_none_are_refused(tmp_path):
    (tmp_path / "a.json").write_text("[1]")
    (tmp_path / "b.json").write_text("{")
    for name, match in (("a.json", "no object"), ("b.json", "not JSON"), ("c.json", "cannot be")):
        with pytest.raises(ArtifactError, match=match):
            load_document(tmp_path / name)
