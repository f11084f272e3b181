"""The checker reads files of anybody: what is malformed is refuted, and nothing is raised."""

import copy
import math
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.certify.certificates import (
    certificate_of,
    found,
    plan_of,
    statistical,
    status,
    two_steps,
)

from matrl.certify.checker import check_certificate

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from([10**400, -1, 0, 1e308, 5e-324, "power-0/1", "minimax-999"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=4,
)


def places(document: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    keys: Any = ()
    if isinstance(document, dict):
        keys = document
    elif isinstance(document, list):
        keys = range(len(document))
    return [path] * bool(path) + [p for key in keys for p in places(document[key], (*path, key))]


@settings(deadline=None, max_examples=300)
@given(data=st.data())
def test_documents_changed_anywhere_raise_nothing(data):
    plan, certificate = copy.deepcopy(FULL)
    both = {"plan": plan, "certificate": certificate}
    for _ in range(data.draw(st.integers(1, 3))):
        path = data.draw(st.sampled_from(places(both)))
        holder: Any = both
        for key in path[:-1]:
            holder = holder[key]
        if len(path) > 1 and data.draw(st.booleans()):
            del holder[path[-1]]
        else:
            holder[path[-1]] = data.draw(JSON)
    findings = check_certificate(both["plan"], both["certificate"])
    assert findings[0].statement == "schedule"
    for finding in findings:
        assert finding.status in ("verified", "refuted", "not checked")
        assert finding.message
        assert len(finding.message) < 300


def _full() -> tuple[Any, Any]:
    plan, certificate = two_steps()
    safety = {"upper": 1.2, "largest": 1.04, "allowed": 1.05, "holds": True}
    certificate["worst_case"]["safety"] = safety
    certificate["statistical"] = statistical()
    certificate["rounding"] = {}
    return plan, certificate


FULL = _full()


def test_the_document_that_is_changed_was_verified():
    statuses = [one.status for one in check_certificate(*FULL)]
    assert statuses == ["verified", "verified", "not checked", "verified"]


@pytest.mark.parametrize(
    ("which", "path", "value", "sentence"),
    [
        ("plan", ("function",), "cosine", "no function that is known"),
        ("plan", ("function",), "root-65", "no function that is known"),
        ("plan", ("steps",), [], "has no steps"),
        ("plan", ("steps", 0, "name"), "secant", "no step that is known"),
        ("plan", ("steps", 0, "name"), "series-5", "does not exist for k = 2"),
        ("plan", ("steps", 0, "coefficients"), [1.0] * 101, "has 101 items"),
        ("plan", ("steps",), [{}] * 65, "has 65 items"),
        ("certificate", ("worst_case", "ranges", 0), [[0.5, 1.0]] * 1001, "has 1001 items"),
        ("certificate", ("worst_case", "ranges"), [], "not as many ranges"),
        ("certificate", ("worst_case", "domain"), [], "has no intervals"),
        ("certificate", ("worst_case", "domain"), [[1.0, 0.25]], "lower <= upper"),
        ("certificate", ("worst_case", "bound"), math.nan, "the bound is not a finite number"),
        ("certificate", ("worst_case", "bound"), True, "the bound is no number"),
        ("certificate", ("worst_case", "bound"), 10**400, "the bound is not a finite number"),
        ("certificate", ("worst_case", "norm"), "trace", "there is no measure 'trace'"),
    ],
)
def test_malformed_documents_say_what_is_wrong(which, path, value, sentence):
    plan, certificate = copy.deepcopy(FULL)
    holder: Any = plan if which == "plan" else certificate
    for key in path[:-1]:
        holder = holder[key]
    holder[path[-1]] = value
    finding = found(plan, certificate)["worst_case"]
    assert finding.status == "refuted"
    assert sentence in finding.message


@pytest.mark.parametrize("document", [None, [], "", 3, {}, {"kind": "matrl-certificate"}])
def test_what_is_no_certificate_is_refuted(document):
    (finding,) = check_certificate(two_steps()[0], document)
    assert (finding.statement, finding.status) == ("schedule", "refuted")
    assert status(document, two_steps()[1], "schedule") == "refuted"


def test_work_without_end_is_given_up():
    # As many steps, coefficients and intervals as are read, all of them barely held.
    grid = [[0.5 + i / 4000, 0.5 + (i + 0.5) / 4000] for i in range(1000)]
    plan = plan_of("inv", *[("series-100", (1.0, *[0.0] * 99))] * 64)
    certificate = certificate_of(plan, grid, [grid] * 65, 0.5)
    finding = found(plan, certificate)["worst_case"]
    assert finding.status == "not checked"
    assert "more work than a check may" in finding.message
    plan["steps"] = plan["steps"][:5]
    for step in plan["steps"]:
        step.update(name="series-6", coefficients=[1.0, 0.0, 0.0, 0.0, 0.0, 0.0])
    certificate["worst_case"]["ranges"] = [grid] * 6
    assert status(plan, certificate) == "verified"


def test_numbers_of_very_different_size_are_given_up():
    plan = plan_of("inv", ("series-2", (2.0, -1.0)))
    certificate = certificate_of(plan, [[0.5, 1.0]], [[[0.5, 1.0]], [[5e-324, 1e308]]], 1e308)
    assert status(plan, certificate) == "verified"
    plan = plan_of("root-64", ("series-65", (65 / 64, -1 / 64)))
    certificate = certificate_of(plan, [[0.5, 1.0]], [[[0.5, 1.0]], [[1e-300, 2.0]]], 10.0)
    finding = found(plan, certificate)["worst_case"]
    assert finding.status == "not checked"
    assert "differ too much" in finding.message


def test_the_checker_loads_nothing_but_the_standard_library():
    code = """
import sys, types
for name in ("matrl", "matrl.certify"):
    package = types.ModuleType(name)
    package.__path__ = [path + "/" + name.replace(".", "/") for path in sys.path]
    sys.modules[name] = package
before = set(sys.modules)
import matrl.certify.checker
loaded = {name for name in set(sys.modules) - before if not name.startswith("matrl.certify.chec")}
print(sorted(name for name in loaded if name.split(".")[0] not in sys.stdlib_module_names))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "[]"
