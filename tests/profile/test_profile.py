"""Profile: its JSON form, its rules, its refusals."""

import json
import os

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matrl.errors import ArtifactError, InputError, UnknownNameError
from matrl.profile.profile import (
    KNOWN_OPERATIONS,
    OperationTime,
    Profile,
    nominal_exponent,
)


def profile(*entries):
    return Profile("test", tuple(OperationTime(*entry) for entry in entries))


def document(**changes):
    entry = {"op": "matmul", "dtype": "float64", "n": 1024, "batch": 1, "seconds": 0.0261}
    return {"schema": 1, "name": "lab", "ops": [entry], **changes}


def with_entry(**changes):
    entry = {**document()["ops"][0], **changes}
    return document(ops=[{key: value for key, value in entry.items() if value is not ...}])


entries = st.builds(
    OperationTime,
    st.sampled_from(KNOWN_OPERATIONS),
    st.sampled_from(["float32", "float64", "tf32"]),
    st.integers(1, 10**5),
    st.integers(1, 100),
    st.floats(0, 1e6, allow_nan=False),
    st.none() | st.integers(1, 10**5),
)


@given(st.text(), st.lists(entries, max_size=8, unique_by=lambda entry: entry.key))
def test_round_trip(name, ops):
    made = Profile(name, tuple(ops))
    try:
        text = made.to_json()
    except UnicodeEncodeError:
        return
    assert Profile.from_json(text) == made
    assert Profile.from_json(text.encode()) == made
    assert Profile.from_json(text).to_json() == text


def test_json_form():
    made = profile(("matmul", "float64", 8, 1, 0.5), ("gram", "float64", 8, 1, 0.25, 16))
    assert json.loads(made.to_json()) == {
        "schema": 1,
        "name": "test",
        "ops": [
            {"op": "matmul", "dtype": "float64", "n": 8, "batch": 1, "seconds": 0.5},
            {"op": "gram", "dtype": "float64", "n": 8, "batch": 1, "seconds": 0.25, "m": 16},
        ],
    }


def test_further_keys_are_ignored():
    text = json.dumps(document(machine={"cores": 2}, note="x"))
    assert Profile.from_json(text).seconds("matmul", "float64", 1024) == 0.0261


def test_entries_are_frozen():
    made = Profile.from_json(json.dumps(document()))
    with pytest.raises(AttributeError):
        setattr(made, "name", "other")  # noqa: B010 - the type checker knows it is frozen
    with pytest.raises(AttributeError):
        setattr(made.entries[0], "seconds", 1.0)  # noqa: B010


@pytest.mark.parametrize(
    ("content", "match"),
    [
        ("", "not a profile"),
        ("no json", "not a profile"),
        (b"\xff\xfe\x00", "not a profile"),
        ("[]", "not a profile"),
        ("[" * 100_000, "not a profile"),
        (json.dumps({"name": "x", "ops": []}), "schema"),
        (json.dumps({"schema": 1, "name": "x"}), "ops"),
        (json.dumps({"schema": 1, "ops": []}), "name"),
        (json.dumps(document(schema=2)), "schema of the profile is 2"),
        (json.dumps(document(schema="1")), "schema"),
        (json.dumps(document(ops={})), "ops"),
        (json.dumps(with_entry(op="matmull")), "matmul, matmul_herm"),
        (json.dumps(with_entry(n=0)), "n is 0"),
        (json.dumps(with_entry(n=1.5)), "int"),
        (json.dumps(with_entry(m=0)), "m is 0"),
        (json.dumps(with_entry(batch=0)), "batch is 0"),
        (json.dumps(with_entry(batch=...)), "batch"),
        (json.dumps(with_entry(dtype="")), "dtype is empty"),
        (json.dumps(with_entry(seconds=-1e-9)), "seconds is -1e-09"),
        (json.dumps(with_entry(seconds=float("nan"))), "not a profile"),
        (json.dumps(with_entry(seconds=float("inf"))), "not a profile"),
        (json.dumps(document()).replace("0.0261", "1e999"), "not a profile"),
        (json.dumps(with_entry(seconds="1")), "float"),
        (json.dumps(with_entry(seconds=...)), "seconds"),
        (json.dumps(document(ops=document()["ops"] * 2)), "twice"),
    ],
)
def test_bad_content(content, match, tmp_path):
    with pytest.raises(ArtifactError, match=match):
        Profile.from_json(content)
    path = tmp_path / "profile.json"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ArtifactError, match=r"profile\.json"):
        Profile.load(path)


def test_m_equal_to_n_is_the_same_entry():
    with pytest.raises(ArtifactError, match="twice"):
        profile(("matmul", "float64", 8, 1, 0.5), ("matmul", "float64", 8, 1, 0.5, 8))


@pytest.mark.parametrize("seconds", [float("nan"), float("inf"), -1.0])
def test_entries_made_in_python_are_checked_too(seconds):
    with pytest.raises(ArtifactError, match="seconds"):
        OperationTime("add", "float32", 4, 1, seconds)


def test_save_and_load(tmp_path):
    made = profile(("matmul", "float64", 8, 1, 0.5))
    path = tmp_path / "p.json"
    path.write_text("old")
    made.save(path)
    assert Profile.load(str(path)) == made
    assert os.listdir(tmp_path) == ["p.json"]


def test_save_leaves_nothing_behind_on_failure(tmp_path, monkeypatch):
    def fail(*_):
        raise OSError("full")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="full"):
        profile().save(tmp_path / "p.json")
    assert os.listdir(tmp_path) == []


def test_load_names_a_missing_file(tmp_path):
    with pytest.raises(ArtifactError, match="cannot be read"):
        Profile.load(tmp_path / "none.json")
    with pytest.raises(ArtifactError, match="cannot be read"):
        Profile.load(tmp_path)


def test_exact_and_missing():
    made = profile(("matmul", "float64", 8, 1, 0.3), ("eigh", "float64", 8, 1, 0.0))
    assert made.seconds("matmul", "float64", 8) == 0.3
    assert made.seconds("matmul", np.float64, 8) == 0.3
    assert made.seconds("matmul", np.dtype("float64"), 8) == 0.3
    assert made.seconds("eigh", "float64", 8) == 0.0
    assert made.seconds("matmul", "float32", 8) is None
    for op in ("inv_spd", "inv", "svd", "add", "chol", "matvec", "norm", "cast", "qr", "schur"):
        assert made.seconds(op, "float64", 8) is None


@pytest.mark.parametrize("op", KNOWN_OPERATIONS)
def test_extrapolation_and_interpolation(op):
    made = profile((op, "float64", 100, 1, 1.0), (op, "float64", 400, 1, 9.0))
    exponent = nominal_exponent(op)
    assert exponent == (2 if op in ("add", "cast", "norm", "matvec") else 3)
    assert made.seconds(op, "float64", 200) == pytest.approx(3.0)
    assert made.seconds(op, "float64", 800) == pytest.approx(9.0 * 2**exponent)
    assert made.seconds(op, "float64", 50) == pytest.approx(0.5**exponent)


def test_hermitian_product_costs_no_more_than_a_product():
    both = profile(("matmul", "float64", 8, 1, 0.3), ("matmul_herm", "float64", 8, 1, 0.4))
    assert both.seconds("matmul_herm", "float64", 8) == 0.3
    assert both.seconds("matmul", "float64", 8) == 0.3
    only = profile(("matmul_herm", "float64", 8, 1, 0.4))
    assert only.seconds("matmul_herm", "float64", 8) == 0.4
    assert only.seconds("matmul", "float64", 8) is None
    other = profile(("matmul", "float64", 8, 1, 0.3))
    assert other.seconds("matmul_herm", "float64", 8) == 0.3


def test_gram_and_rectangular_products():
    made = profile(("matmul", "float64", 8, 1, 0.3), ("matmul_herm", "float64", 8, 1, 0.2))
    assert made.seconds("matmul", "float64", 8, m=24) == pytest.approx(0.9)
    assert made.seconds("gram", "float64", 8, m=24) == pytest.approx(0.6)
    assert made.seconds("gram", "float64", 8) == 0.2
    own = profile(("matmul_herm", "float64", 8, 1, 0.2), ("gram", "float64", 8, 1, 0.5, 24))
    assert own.seconds("gram", "float64", 8, m=24) == 0.5
    assert own.seconds("gram", "float64", 8, m=48) == pytest.approx(1.0)


@pytest.mark.parametrize("op", ["matvec", "norm", "cast"])
def test_memory_bound_operations_fall_back_on_add(op):
    made = profile(("add", "float64", 8, 1, 0.3))
    assert made.seconds(op, "float64", 8) == 0.3
    assert made.seconds(op, "float64", 16) == pytest.approx(1.2)
    assert made.seconds(op, "float64", 8, m=16) == pytest.approx(0.6)
    own = profile(("add", "float64", 8, 1, 0.3), (op, "float64", 8, 1, 0.1))
    assert own.seconds(op, "float64", 8) == 0.1


def test_batches():
    made = profile(
        ("matmul", "float64", 8, 1, 0.1),
        ("matmul", "float64", 8, 16, 0.8),
        ("matmul", "float64", 16, 1, 0.7),
        ("add", "float64", 8, 4, 0.4),
        ("add", "float64", 8, 64, 0.64),
    )
    assert made.seconds("matmul", "float64", 8, batch=16) == 0.8
    assert made.seconds("matmul", "float64", 16, batch=16) == pytest.approx(6.4)
    assert made.seconds("matmul", "float64", 8, batch=10) == pytest.approx(1.0)
    assert made.seconds("add", "float64", 8, batch=8) == pytest.approx(0.8)
    assert made.seconds("add", "float64", 8, batch=128) == pytest.approx(1.28)
    assert made.seconds("add", "float64", 8) == pytest.approx(0.1)


def test_senseless_questions():
    made = profile(("inv_spd", "float64", 8, 1, 0.1))
    with pytest.raises(UnknownNameError, match="matmul"):
        made.seconds("multiply", "float64", 8)
    with pytest.raises(InputError, match="n is 0"):
        made.seconds("inv_spd", "float64", 0)
    with pytest.raises(InputError, match="batch is 0"):
        made.seconds("inv_spd", "float64", 8, batch=0)
    with pytest.raises(InputError, match="m is 9"):
        made.seconds("inv_spd", "float64", 8, m=9)
