"""Plan records: what they keep in JSON, and what they refuse."""

import json
import math
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matrl.core.plan import Domain, PlanRecord, Prediction, Provenance, Scaling, StepRecord
from matrl.errors import ArtifactError

finite = st.floats(allow_nan=False, allow_infinity=False)
positive = st.floats(min_value=5e-324, max_value=1.7e308)
names = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)
precisions: Any = st.sampled_from(["float32", "float64"])
dtypes: Any = st.sampled_from(["float32", "float64", "complex64", "complex128"])
halves: Any = st.sampled_from(["bfloat16", "float16"])
counts = st.integers(1, 2**53)

steps = st.builds(
    StepRecord,
    name=names,
    form=names,
    precision=precisions,
    coefficients=st.lists(finite, max_size=9).map(tuple),
    product=st.sampled_from(["mirrored", "averaged"]),
    error=finite,
)
records = st.builds(
    PlanRecord,
    function=names,
    dtype=dtypes,
    shape=st.tuples(counts, counts),
    tol=positive,
    norm=st.sampled_from(["eigenvalue", "spectral", "frobenius", "residual"]),
    domain=st.tuples(positive, positive)
    .flatmap(
        lambda ends: st.builds(
            Domain,
            lower=st.just(min(ends)),
            upper=st.just(max(ends)),
            relative=st.booleans(),
            proved=st.booleans(),
            kind=st.sampled_from(["interval", "samples", "matrices"]),
        )
    )
    .map(
        # Of a relative domain 0 is no point.
        lambda domain: replace(domain, has_zero=not domain.relative and domain.kind == "samples")
    ),
    scaling=st.builds(
        Scaling,
        kind=st.sampled_from(["constant", "frobenius", "one-norm", "gershgorin", "lanczos"]),
        factor=positive,
        failure_probability=finite,
        steps=st.integers(1, 1000),
    ),
    steps=st.lists(steps, min_size=1, max_size=5).map(tuple),
    predicted=st.builds(Prediction, error=finite, rounding=finite, cost=finite, profile=names),
    batch=counts,
    provenance=st.builds(
        Provenance,
        version=names,
        seed=st.integers(0, 2**63 - 1),
        nodes=st.integers(0, 2**53),
        search_seconds=finite,
        optimal=st.booleans(),
        measured_error=st.none() | finite,
        measured_seconds=st.none() | finite,
    ),
)

PLAN = PlanRecord(
    function="invsqrt",
    dtype="float64",
    shape=(64, 64),
    tol=1e-6,
    norm="eigenvalue",
    domain=Domain(1e-4, 1.0, False, True),
    scaling=Scaling("constant", 0.5),
    steps=(
        StepRecord("minimax-5", "zm", "float32", (3.0, -2.0, 0.1), "averaged", 0.1),
        StepRecord("series-3", "zm", "float64", (1.5, -0.5), error=1e-9),
    ),
    predicted=Prediction(1e-9, 1e-15, 0.25, "machine"),
)


def document() -> dict[str, Any]:
    return json.loads(PLAN.to_json())


@given(records)
def test_json_keeps_every_plan_exactly(record: PlanRecord) -> None:
    again = PlanRecord.from_json(record.to_json())
    assert again == record
    assert again.id == record.id
    # Equal floats are the same floats, the sign of zero included.
    assert repr(again) == repr(record)
    assert again.to_json() == record.to_json()
    assert PlanRecord.from_json(record.to_json().encode()) == record


@given(records, halves)
def test_steps_may_be_in_half_precisions(record: PlanRecord, precision: Any) -> None:
    steps = (replace(record.steps[0], precision=precision), *record.steps[1:])
    record = replace(record, dtype="float32", steps=steps)
    again = PlanRecord.from_json(record.to_json())
    assert again == record
    assert again.steps[0].precision == precision
    assert again.id != replace(record, steps=(replace(steps[0], precision="float64"),)).id


@given(records)
def test_json_is_standard_and_says_what_it_is(record: PlanRecord) -> None:
    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    content = json.loads(record.to_json(), parse_constant=refuse)
    assert content["schema"] == 1
    assert content["kind"] == "matrl-plan"
    assert content["steps"][0]["coefficients"] == list(record.steps[0].coefficients)


@pytest.mark.parametrize("norm", ["spectral", "frobenius", "residual"])
def test_a_domain_may_reach_zero_in_a_normwise_measure(norm: Any) -> None:
    record = replace(PLAN, function="sqrt", norm=norm, domain=Domain(0.0, 1.0, False, True))
    assert PlanRecord.from_json(record.to_json()) == record


def test_subclasses_are_returned_as_such() -> None:
    class Own(PlanRecord):
        pass

    assert type(Own.from_json(PLAN.to_json())) is Own


def test_fields_added_later_are_ignored() -> None:
    content = document() | {"comment": "by hand"}
    assert PlanRecord.from_json(json.dumps(content)) == PLAN


def test_defaults_may_be_left_out() -> None:
    content = document()
    del content["batch"], content["provenance"]
    assert PlanRecord.from_json(json.dumps(content)) == PLAN


Change = Callable[[dict[str, Any]], object]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.update(kind="matrl-profile"), "not a matrl plan"),
        (lambda d: d.pop("kind"), "not a matrl plan"),
        (lambda d: d.update(schema=2), "schema 2; .* reads schema 1"),
        (lambda d: d.update(schema="1"), "schema '1'"),
        (lambda d: d.pop("schema"), "schema None"),
        (lambda d: d.pop("function"), "missing required field `function`"),
        (lambda d: d.pop("steps"), "missing required field `steps`"),
        (lambda d: d["steps"][0].pop("form"), "missing required field `form`"),
        (lambda d: d["domain"].pop("proved"), "missing required field `proved`"),
        (lambda d: d.update(dtype="float16"), "float16.*dtype"),
        (lambda d: d["steps"][1].update(precision="float8"), r"float8.*steps\[1\]"),
        (
            lambda d: (d.update(dtype="complex64"), d["steps"][1].update(precision="bfloat16")),
            "steps in bfloat16 and float16 are for real matrices",
        ),
        (lambda d: d["steps"][0].update(product="general"), "general"),
        (lambda d: d["scaling"].update(kind="two-norm"), "two-norm"),
        (lambda d: d.update(norm="nuclear"), "nuclear"),
        (lambda d: d["domain"].update(kind="guess"), "guess"),
        (lambda d: d["steps"][0].update(coefficients=[None]), "Expected `float`, got `null`"),
        (lambda d: d["steps"][0].update(coefficients=["1.5"]), "Expected `float`, got `str`"),
        (lambda d: d["steps"][0].update(coefficients=1.5), "Expected `array`"),
        (lambda d: d.update(steps=[]), "has no steps"),
        (lambda d: d["domain"].update(lower=-1e-4), "0 < lower <= upper"),
        (lambda d: d["domain"].update(lower=0.0), "0 < lower <= upper"),
        (lambda d: d["domain"].update(lower=2.0), "lower <= upper and upper > 0"),
        (lambda d: d["domain"].update(has_zero=True, relative=True), "has_zero is for absolute"),
        (lambda d: d["domain"].update(has_zero=1), "Expected `bool`"),
        (lambda d: d["scaling"].update(factor=0.0), "must be positive"),
        (lambda d: d.update(tol=-1e-6), "must be positive"),
        (lambda d: d["scaling"].update(kind="lanczos"), "lanczos needs steps >= 1"),
        (lambda d: d.update(shape=[64]), "length 2"),
        (lambda d: d.update(shape=[0, 64]), "shape and batch must be positive"),
        (lambda d: d.update(shape=[64.5, 64]), "Expected `int`"),
        (lambda d: d.update(batch=0), "shape and batch must be positive"),
        (lambda d: d.update(steps={}), "Expected `array`"),
        (lambda d: d.update(tol=10**400), "out of range"),
    ],
)
def test_documents_that_are_no_plans_are_refused(change: Change, message: str) -> None:
    content = document()
    change(content)
    with pytest.raises(ArtifactError, match=f"^mine.json: .*{message}"):
        PlanRecord.from_json(json.dumps(content), "mine.json")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "plan",
        b"\x93NUMPY\x01\x00",
        b"\xff\xfe\x00",
        "{'kind': 'matrl-plan'}",
        PLAN.to_json()[:-20],
        PLAN.to_json().replace("0.25", "NaN"),
        PLAN.to_json().replace("-0.5", "1e999"),
        PLAN.to_json() + "{}",
        "[" * 100_000,
    ],
)
def test_what_is_not_json_is_refused(text: str | bytes) -> None:
    with pytest.raises(ArtifactError, match=r"^plan: is not JSON"):
        PlanRecord.from_json(text)


@pytest.mark.parametrize("text", ["[]", "[1, 2]", "3", "null", '"matrl-plan"', "true", "{}"])
def test_other_json_is_refused(text: str) -> None:
    with pytest.raises(ArtifactError, match="is JSON, but not a matrl plan; make one"):
        PlanRecord.from_json(text)


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_numbers_that_are_not_finite_do_not_come_back(number: float) -> None:
    steps = (replace(PLAN.steps[0], coefficients=(1.0, number)),)
    with pytest.raises(ArtifactError, match="is not a valid plan"):
        PlanRecord.from_json(replace(PLAN, steps=steps).to_json())


@given(st.binary(max_size=200) | st.text(st.characters(exclude_categories=("Cs",)), max_size=200))
def test_no_content_gives_another_error(content: str | bytes) -> None:
    with pytest.raises(ArtifactError):
        PlanRecord.from_json(content)


scalars = st.none() | st.booleans() | st.integers() | finite | names
json_values = st.recursive(
    scalars, lambda x: st.lists(x, max_size=3) | st.dictionaries(names, x, max_size=3), max_leaves=5
)


@given(st.sampled_from(sorted(document())), st.data())
def test_no_value_of_a_field_gives_another_error(field: str, data: st.DataObject) -> None:
    content = document()
    place = content
    while isinstance(place[field], dict) and data.draw(st.booleans()):
        place = place[field]
        field = data.draw(st.sampled_from(sorted(place)))
    place[field] = data.draw(json_values)
    text = json.dumps(content)
    try:
        record = PlanRecord.from_json(text)
    except ArtifactError:
        return
    assert PlanRecord.from_json(record.to_json()) == record


def test_a_plan_is_saved_and_loaded(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    PLAN.save(path)
    assert PlanRecord.load(path) == PLAN
    assert PlanRecord.load(str(path)) == PLAN
    assert path.read_text().endswith("}\n")
    assert path.stat().st_mode & 0o777 == 0o644
    assert os.listdir(tmp_path) == ["plan.json"]


def test_saving_into_the_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    PLAN.save("plan.json")
    assert PlanRecord.load("plan.json") == PLAN


def test_saving_replaces_in_one_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "plan.json"
    PLAN.save(path)
    other = replace(PLAN, function="sqrt")
    seen: list[tuple[str, str]] = []
    replace_file = os.replace

    def watched(source: Any, target: Any) -> None:
        seen.append((Path(source).read_text(), Path(target).read_text()))
        replace_file(source, target)

    monkeypatch.setattr(os, "replace", watched)
    other.save(path)
    # The new content was complete before the old one went.
    assert seen == [(other.to_json() + "\n", PLAN.to_json() + "\n")]
    assert PlanRecord.load(path) == other


@pytest.mark.parametrize("failing", ["replace", "chmod", "fdopen"])
def test_a_save_that_fails_leaves_the_old_file(
    failing: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "plan.json"
    PLAN.save(path)

    def fail(*args: Any, **kwargs: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, failing, fail)
    with pytest.raises(OSError, match="No space left"):
        replace(PLAN, function="sqrt").save(path)
    assert PlanRecord.load(path) == PLAN
    assert os.listdir(tmp_path) == ["plan.json"]


def test_saving_into_a_missing_folder_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        PLAN.save(tmp_path / "missing" / "plan.json")


def test_loading_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match=r"missing\.json: cannot be read \(No such file"):
        PlanRecord.load(tmp_path / "missing.json")
    with pytest.raises(ArtifactError, match="cannot be read"):
        PlanRecord.load(tmp_path)


def test_loading_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "other.json"
    path.write_text("[]")
    with pytest.raises(ArtifactError, match=r"other\.json: is JSON, but not a matrl plan"):
        PlanRecord.load(path)


def test_loading_refuses_huge_files_unread(tmp_path: Path) -> None:
    path = tmp_path / "huge.json"
    with path.open("wb") as file:
        file.truncate(16 * 1024 * 1024 + 1)
    with pytest.raises(ArtifactError, match="too large for a plan"):
        PlanRecord.load(path)


def test_the_id_is_short_and_lasting() -> None:
    assert len(PLAN.id) == 12
    assert int(PLAN.id, 16) >= 0
    assert replace(PLAN).id == PLAN.id


@pytest.mark.parametrize(
    "changed",
    [
        replace(PLAN, function="sqrt"),
        replace(PLAN, dtype="float32"),
        replace(PLAN, tol=2e-6),
        replace(PLAN, norm="spectral"),
        replace(PLAN, domain=replace(PLAN.domain, lower=2e-4)),
        replace(PLAN, domain=replace(PLAN.domain, proved=False)),
        replace(PLAN, scaling=Scaling("constant", 0.25)),
        replace(PLAN, steps=PLAN.steps[:1]),
        replace(PLAN, steps=PLAN.steps[::-1]),
        replace(
            PLAN,
            steps=(
                replace(PLAN.steps[0], coefficients=(math.nextafter(3.0, 4.0), -2.0, 0.1)),
                PLAN.steps[1],
            ),
        ),
        replace(PLAN, steps=(replace(PLAN.steps[0], product="mirrored"), PLAN.steps[1])),
    ],
)
def test_the_id_changes_with_what_is_computed(changed: PlanRecord) -> None:
    assert changed.id != PLAN.id


@pytest.mark.parametrize(
    "changed",
    [
        replace(PLAN, provenance=Provenance("9.9", 7, 8, 9.0, True, 1e-3, 1e-2)),
        replace(PLAN, predicted=Prediction(1.0, 1.0, 1.0, "other")),
        replace(PLAN, shape=(128, 128)),
        replace(PLAN, batch=5),
    ],
)
def test_the_id_keeps_with_how_it_came_about(changed: PlanRecord) -> None:
    assert changed.id == PLAN.id


def test_plans_from_before_there_was_a_zero_have_none() -> None:
    content = document()
    content["domain"].pop("has_zero")
    plan = PlanRecord.from_json(json.dumps(content))
    assert not plan.domain.has_zero
    assert plan.id == PLAN.id
    singular = replace(PLAN, domain=replace(PLAN.domain, relative=False, has_zero=True))
    assert singular.domain.includes_zero
    assert singular.id != replace(PLAN, domain=replace(PLAN.domain, relative=False)).id
    assert PlanRecord.from_json(singular.to_json()) == singular
