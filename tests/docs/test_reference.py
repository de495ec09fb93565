"""The references name everything there is, and are right about it."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator

import pytest

import cellfolio
from cellfolio import errors
from cellfolio.cli.failures import EXIT_CODES, MEANINGS
from cellfolio.cli.main import COMMANDS
from cellfolio.workflows.profiling.toml_recipe import KEYS, OPERATIONS
from cellfolio.workflows.profiling.yaml_recipe import YAML_KEYS
from docs.make_man_page import PAGE, man_page
from docs.make_python_reference import REFERENCE, names, reference
from tests.docs.pages import ROOT

_CODE = re.compile(r"`([^`]+)`")


def test_python_is_up_to_date() -> None:
    hint = "run `python -m docs.make_python_reference`"
    assert REFERENCE.read_text(encoding="utf-8") == reference(), hint


def test_manual_page_is_up_to_date_and_sound() -> None:
    hint = "run `python -m docs.make_man_page`"
    assert PAGE.read_text(encoding="utf-8") == man_page(), hint
    groff = shutil.which("groff")
    if groff is None:
        pytest.skip("groff is not installed")
    ran = subprocess.run(
        [groff, "-man", "-Kutf8", "-Tutf8", "-P-cbou", "-ww", str(PAGE)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert not ran.stderr
    assert all(name in ran.stdout for name in COMMANDS)


def test_python_has_every_public_name() -> None:
    text = reference()
    listed = {name for section in names().values() for name in section}
    assert listed >= set(cellfolio.__all__)
    assert all(f"\n### {name}\n" in text for name in listed)


def test_every_verb_returns_something_that_is_documented() -> None:
    returned = names()["What verbs return"]
    assert {"Got", "Pushed", "Verified", "Space"} <= {kind.__name__ for kind in returned.values()}


def error_classes(base: type[errors.CellfolioError]) -> Iterator[type[errors.CellfolioError]]:
    """Yield an error and those below it that ``cellfolio.errors`` has."""
    yield base
    for kind in base.__subclasses__():
        if kind.__module__ == errors.__name__:
            yield from error_classes(kind)


def test_every_error_is_documented_with_its_code_and_bases() -> None:
    rows = {}
    for line in (ROOT / "docs/reference/errors.md").read_text(encoding="utf-8").splitlines():
        if line.startswith("| `"):
            name, _, _, code = (cell.strip() for cell in line.strip("|").split("|"))
            rows[_CODE.findall(name)[0]] = (set(_CODE.findall(name)[1:]), code)
    kinds = list(error_classes(errors.CellfolioError))
    assert set(rows) == {kind.__name__ for kind in kinds}
    for kind in kinds:
        bases, code = rows[kind.__name__]
        builtin = {one.__name__ for one in kind.__bases__ if one.__module__ == "builtins"}
        assert bases == builtin - {"Exception"}
        if kind in (errors.CellfolioError, errors.TransferIncomplete):
            continue
        assert code == str(next(EXIT_CODES[one] for one in kind.__mro__ if one in EXIT_CODES))


def test_facts_of_errors_are_documented() -> None:
    text = (ROOT / "docs/reference/errors.md").read_text(encoding="utf-8")
    rows = {_CODE.findall(line)[0]: line for line in text.splitlines() if line.startswith("| `")}
    for kind in error_classes(errors.CellfolioError):
        found = re.search(r"Attributes\n\s*-+\n(.*)", kind.__doc__ or "", re.DOTALL)
        for line in found[1].splitlines() if found else ():
            if " : " in line:
                for fact in line.partition(" : ")[0].split(","):
                    assert f"`{fact.strip()}`" in rows[kind.__name__]


def test_exit_codes_are_those_of_the_command_line() -> None:
    text = (ROOT / "docs/guide/scripting.md").read_text(encoding="utf-8").replace("`", "")
    for code, meaning in MEANINGS.items():
        assert f"| {code} | {meaning} |" in text
    assert set(EXIT_CODES.values()) <= set(MEANINGS)


def test_every_variable_of_the_environment_is_documented() -> None:
    text = (ROOT / "docs/reference/environment.md").read_text(encoding="utf-8")
    source = "\n".join(
        path.read_text(encoding="utf-8") for path in (ROOT / "src").rglob("*.py")
    ) + (ROOT / "conftest.py").read_text(encoding="utf-8")
    used = set(re.findall(r"\b(?:(?:AWS|_?CELLFOLIO)_[A-Z0-9_]+[A-Z0-9]|NO_COLOR)\b", source))
    assert len(used) > 10
    assert {name for name in used if f"`{name}`" not in text} == set()


def test_every_key_of_a_recipe_is_documented() -> None:
    text = (ROOT / "docs/reference/recipe.md").read_text(encoding="utf-8")
    ours, theirs = text.split("## Keys of profiling-recipe")
    table = ""
    found: dict[str, set[str]] = {}
    for line in ours.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| ") and len(cells) == 3:
            table = (_CODE.findall(cells[0]) or [table])[0].strip("[]")
            for key in _CODE.findall(cells[1]):
                found.setdefault(table, set()).add(key)
    assert found == {name: set(keys) for name, keys in KEYS.items()}
    operations = {
        line.split("`")[1] for line in ours.splitlines() if re.match(r"\| `\w+` \|", line)
    }
    assert operations == set(OPERATIONS)
    named = set(_CODE.findall(theirs))
    assert named >= {key for keys in YAML_KEYS.values() for key in keys} - {"perform", "features"}
