"""What the page for those who come from other tools says to type can be typed."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import shlex
from typing import Any

import click
import pytest

from cellfolio.cli.main import cli
from tests.docs.pages import ROOT

PAGE = ROOT / "docs/guide/moving.md"
_ROW = re.compile(r"^\| (?P<old>.+?) \| (?P<new>.+) \|$", re.MULTILINE)
_CODE = re.compile(r"`([^`]+)`")


def codes(column: str) -> list[str]:
    """Return the pieces of code in one column of all tables; for `new` also those of the text."""
    text = PAGE.read_text(encoding="utf-8")
    cells = [row[column] for row in _ROW.finditer(text)]
    if column == "new":
        cells += [line for line in text.splitlines() if not line.startswith("|")]
    return [code for cell in cells for code in _CODE.findall(cell)]


COMMANDS = [code for code in codes("new") if code.startswith("cellfolio ")]
CALLS = [code for code in codes("new") if code.startswith("cellfolio.")]
IMPORTS = [code for code in codes("new") if code.startswith("from ")]
QUILT3 = [code for code in codes("old") if code.startswith("quilt3.") and "…" not in code]


def parse(command: str) -> None:
    """Parse the words of a command as it would; nothing is run."""
    words = shlex.split(command)[1:]
    found = cli.get_command(click.Context(cli), words[0])
    assert found is not None, f"no command {words[0]}"
    context = click.Context(found, info_name=words[0])
    values, left, _ = found.make_parser(context).parse_args(words[1:])
    assert not left
    for parameter in found.get_params(context):
        value = values.get(parameter.name or "")
        if parameter.required:
            assert value, f"{command}: {parameter.name}"
        if isinstance(parameter.type, click.Choice) and isinstance(value, str):
            parameter.type.convert(value, parameter, context)


def look_up(node: ast.expr) -> Any:
    """Return what a dotted name stands for."""
    if isinstance(node, ast.Name):
        return importlib.import_module(node.id)
    assert isinstance(node, ast.Attribute)
    return getattr(look_up(node.value), node.attr)


def check_calls(code: str) -> int:
    """Compare calls with the signatures of what is called; return how many there are."""
    checked = 0
    for node in ast.walk(ast.parse(code, mode="eval")):
        if not isinstance(node, ast.Call) or not ast.unparse(node.func).startswith(
            ("cellfolio.", "quilt3.")
        ):
            continue
        if any(isinstance(one, ast.Subscript | ast.Call) for one in ast.walk(node.func)):
            continue
        names = {one.arg: None for one in node.keywords if one.arg}
        inspect.signature(look_up(node.func)).bind(*node.args, **names)
        checked += 1
    return checked


def test_there_is_something_to_check() -> None:
    assert len(COMMANDS) > 40
    assert len(CALLS) > 8
    assert len(IMPORTS) == 2
    assert len(QUILT3) > 3


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_exist_and_take_these_options(command: str) -> None:
    parse(command)


@pytest.mark.parametrize("code", CALLS)
def test_functions_exist_and_take_these_arguments(code: str) -> None:
    assert check_calls(code) >= 1


@pytest.mark.parametrize("code", QUILT3)
def test_the_other_side_is_right(code: str) -> None:
    pytest.importorskip("quilt3")
    assert check_calls(code) == 1


@pytest.mark.parametrize("code", IMPORTS)
def test_imports_work(code: str) -> None:
    exec(code, {})


@pytest.mark.parametrize(
    ("command", "error"),
    [
        ("cellfolio fetch lab/pilot", AssertionError),
        ("cellfolio get lab/pilot --dest data", click.NoSuchOption),
        ("cellfolio normalize a.csv --method zscore -o b.csv", click.BadParameter),
        ("cellfolio normalize a.csv", AssertionError),
    ],
)
def test_what_does_not_exist_is_found(command: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        parse(command)


def test_wrong_arguments_are_found() -> None:
    with pytest.raises(TypeError):
        check_calls("cellfolio.get('lab/pilot', dest='data')")
    with pytest.raises(AttributeError):
        check_calls("cellfolio.install('lab/pilot')")
