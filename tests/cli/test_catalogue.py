import json
from collections.abc import Sequence

import pytest
from click.testing import CliRunner, Result

from matrl.cli import cli
from matrl.functions import FUNCTIONS
from matrl.report.catalogue import catalogue_document


def catalogue(*arguments: str) -> Result:
    result = CliRunner().invoke(cli, ["catalogue", *arguments])
    assert "Traceback" not in result.output, result.output
    return result


def test_json_is_the_whole_document() -> None:
    result = catalogue("--json")
    assert (result.exit_code, result.stderr) == (0, "")
    assert json.loads(result.stdout) == catalogue_document()


def test_json_of_one_function() -> None:
    result = catalogue("--function", "polar", "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout) == catalogue_document("polar")


def test_tables() -> None:
    result = catalogue()
    assert (result.exit_code, result.stderr) == (0, "")
    for title in ("Functions", "Updates", "Domains of the updates", "Forms", "Sources"):
        assert any(line.strip() == title for line in result.stdout.splitlines())
    assert "matmul_herm" not in result.stdout  # no entries unless asked for


def test_tables_of_one_function_under_any_of_its_names() -> None:
    result = catalogue("--function", "invroot(2)")
    assert result.exit_code == 0
    assert result.stdout.startswith("function    invsqrt, the inverse of the principal square root")
    assert "matmul_herm" in result.stdout
    assert result.stdout == catalogue("--function", "invsqrt").stdout


def test_a_function_made_on_demand_has_tables_too() -> None:
    result = catalogue("--function", "power(-6/20)")
    assert result.exit_code == 0
    assert result.stdout.startswith("function    power--3/10, the principal power -3/10")
    assert "minimax-41" in result.stdout
    document = catalogue_document("power(-6/20)")
    indices = {row["name"]: row["root_indices"] for row in document["updates"]}
    assert (indices["minimax-11"], indices["minimax-41"]) == ([5, 10], [10])
    assert "power--3/10" not in FUNCTIONS  # the list itself stays what it is


def test_help_names_the_command() -> None:
    assert "catalogue" in CliRunner().invoke(cli, ["--help"]).stdout
    result = catalogue("--help")
    assert result.exit_code == 0
    assert "--function NAME" in result.stdout


@pytest.mark.parametrize("as_json", [(), ("--json",)], ids=["table", "json"])
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--function", "cbrt"), "cbrt"),
        (("--function", ""), "function: there is no ''"),
        (("--function", "power(5/2)"), "no power between -1 and 1"),
        (("--function", "power(2/65)"), "compose two powers"),
        (("--function",), "--function"),
        (("--update", "newton"), "--update"),
        (("invsqrt",), "invsqrt"),
    ],
)
def test_wrong_usage_is_one_message_and_2(
    arguments: Sequence[str], words: str, as_json: Sequence[str]
) -> None:
    result = catalogue(*as_json, *arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("error: ")
    assert words in result.stderr


@pytest.mark.parametrize("function", [function.name for function in FUNCTIONS])
def test_every_function_has_its_tables(function: str) -> None:
    result = catalogue("--function", function)
    assert result.exit_code == 0
    assert "eigh" in result.stdout
