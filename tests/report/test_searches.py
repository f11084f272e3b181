import io
import math

import pytest
from rich.console import Console

from matrl.report import search_report
from matrl.report.searches import SHOWN
from matrl.search.log import (
    KIND,
    Begun,
    Improved,
    Line,
    Passed,
    Resumed,
    SearchLog,
    TreeLine,
    Written,
)

FACTS = {"function": "invsqrt", "tol": 1e-6, "steps": None, "prices": "given", "minimize": "cost"}


def printed(search: SearchLog) -> str:
    console = Console(file=io.StringIO(), width=120)
    console.print(search_report(search))
    return console.file.getvalue()  # type: ignore[attr-defined]


def incumbent(cost: float, nodes: int) -> Improved:
    return Improved(
        seconds=nodes / 1e3, nodes=nodes, cost=cost, price=cost, error=2.5e-7, steps=["a (b)"]
    )


def result(reason: str = "time", **more) -> Written:
    best = TreeLine(cost=3.0, price=3.5, error=1.25e-7, steps=["x (y)", "z"], visits=[70, 41])
    front = [Line(cost=1.0, price=1.5, error=0.125, steps=["x (y)"])]
    numbers = {"optimal": False, "seconds": 2.5, "nodes": 900, "cost": 3.0, "bound": 2.0, **more}
    return Written(reason=reason, best=[best], front=front, **numbers)


def search(*records, **facts) -> SearchLog:
    return SearchLog(Begun(KIND, 1, {**FACTS, **facts}), records)


def test_a_finished_search():
    out = printed(search(incumbent(9.0, 10), incumbent(3.0, 20), Passed(1, 9, 3.0, 1, 2), result()))
    for word in ("invsqrt", "1e-06", "900 nodes in 2.5 s", "the time limit was met"):
        assert word in out
    for word in ("no plan costs less than 2", "incumbents", "10 ms", "20 ms", "2.5e-07"):
        assert word in out
    assert "steps  None" not in out
    tree = out[out.index("best lines") : out.index("front")]
    assert "3.5" in tree
    assert "41" in tree
    assert "x (y), z" in tree
    front = out[out.index("front") :]
    assert "1.5" in front
    assert "0.125" in front


def test_a_search_that_was_killed():
    out = printed(search(incumbent(9.0, 10), Passed(1.5, 70, 9.0, 1.0, None)))
    assert "without a result: it was killed, or is still at work" in out
    assert "70 nodes in 1.5 s or more" in out
    assert "best so far" in out


def test_a_search_that_found_nothing_yet():
    out = printed(search(Passed(1.5, 70, None, None, 1.0)))
    assert "incumbents" not in out
    assert "70 nodes" in out
    assert "without a result" in printed(search())


def test_a_search_resumed():
    assert "resumed" not in printed(search(result()))
    assert "resumed  once" in printed(search(Resumed(1.0, 5), result()))
    assert "resumed  twice" in printed(search(Resumed(1.0, 5), Resumed(1.0, 5), result()))
    assert "resumed  3 times" in printed(search(*[Resumed(1.0, 5)] * 3, result()))


@pytest.mark.parametrize(
    ("reason", "said"),
    [("optimal", "proved"), ("interrupted", "Ctrl-C"), ("nodes", "limit of nodes"), ("?", "?")],
)
def test_why_it_ended(reason, said):
    assert said in printed(search(result(reason)))


def test_without_a_plan_there_is_no_cost():
    out = printed(search(result("exhausted", cost=None, bound=None)))
    assert "nothing was left to try" in out
    assert "bound" not in out


def test_units():
    assert "3.5 s" in printed(search(result(), prices="measured"))
    assert "3.5 s" not in printed(search(result(), prices="given"))


def test_with_the_least_error_cost_is_what_counts_against_the_budget():
    out = printed(search(incumbent(0.1, 5), result(), minimize="error", prices="measured"))
    assert "bound" not in out
    assert "3.5 s" in out


def test_many_incumbents_are_abbreviated():
    many = [incumbent(100.0 - i, i + 1) for i in range(SHOWN + 30)]
    out = printed(search(*many, result()))
    assert "(30 more)" in out
    assert out.count("a (b)") == SHOWN
    assert not math.isnan(many[0].price or 0.0)


def test_control_characters_in_a_log_stay_harmless():
    out = printed(search(result(), function="a\x1b[31m[bold]"))
    assert "\x1b" not in out
    assert "[bold]" in out
