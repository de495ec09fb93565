"""Every block of every page runs, and prints what the page shows."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import yaml
from _pytest.mark import ParameterSet

from tests.docs.conftest import FIRST, Reader, write
from tests.docs.pages import PLAIN, READ, ROOT, RUN, Block, blocks, page_id, pages

WITH_LABORATORY = ("docs/guide/", "docs/tutorials/")
"""Pages that take the laboratory's buckets for granted; the others have no network."""
AFTER = {"README.md": ("docs/tour.md", "docs/tutorials/cpjump1.md")}
"""Pages that go on where another ends: they run after it, in its folder, with its demonstration."""
VARYING = ("README.md", *AFTER["README.md"])
"""Pages that show the demonstration, whose hashes and sizes may differ between machines."""
MOST_NOT_RUN = 2
"""Blocks that may be left out in all, set-up commands aside."""

LONG = (
    "README.md",
    *(
        f"docs/guide/{name}.md"
        for name in (
            "abc-atlas",
            "aggregating-cells",
            "benchmarks",
            "from-pycytominer",
            "images",
            "looking",
            "measuring",
            "plates",
            "prediction",
            "profiles",
            "profiling-recipes",
            "publishing",
            "quality",
            "querying",
            "records",
            "replicability",
            "rosetta",
            "scripting",
            "single-cells",
            "verifying",
        )
    ),
    *(
        f"docs/tutorials/{name}.md"
        for name in ("brain-atlas", "cardiomyocytes", "cell-line", "five-systems", "rosetta")
    ),
)
"""Pages that run with the long tests: they simulate experiments, or start many commands."""


def with_blocks() -> list[ParameterSet]:
    later = {name for names in AFTER.values() for name in names}
    return [
        pytest.param(page, id=page_id(page), marks=[pytest.mark.slow] * (page_id(page) in LONG))
        for page in pages()
        if any(block.language in RUN for block in blocks(page)) and page_id(page) not in later
    ]


@pytest.mark.parametrize("page", with_blocks())
def test_blocks_run(
    page: Path,
    new_reader: Callable[[Mapping[str, str]], Reader],
    request: pytest.FixtureRequest,
) -> None:
    variables: Mapping[str, str] = {}
    if page_id(page).startswith(WITH_LABORATORY):
        variables = request.getfixturevalue("laboratory")
    reader = new_reader(variables)
    write(reader.folder / "plates", FIRST)
    for one in (page, *(ROOT / name for name in AFTER.get(page_id(page), ()))):
        failures = run_page(one, reader)
        assert not failures, "\n\n".join([page_id(one), *failures])


def run_page(page: Path, reader: Reader) -> list[str]:
    """Run the blocks of a page; return what went wrong."""
    listed = blocks(page)
    for block in listed:
        if block.file:
            write(reader.folder, {block.file: block.text.encode()})
    data = {
        "folder": str(reader.folder),
        "aliases": reader.aliases,
        "varying": page_id(page) in VARYING,
        "blocks": [
            {"language": block.language, "text": block.text, "line": block.line}
            for block in listed
            if block.language in RUN and not block.reason
        ],
    }
    done = subprocess.run(
        [sys.executable, "-m", "tests.docs.run_page"],
        input=json.dumps(data),
        cwd=ROOT,
        env=dict(reader.environment),
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    found: list[str] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("page", pages(), ids=page_id)
def test_languages_are_known_and_values_can_be_read(page: Path) -> None:
    for block in blocks(page):
        assert block.language in (*RUN, *READ, *PLAIN), f"line {block.line}: {block.language}"
        if block.language == "json":
            json.loads(block.text)
        if block.language == "toml":
            tomllib.loads(block.text)
        if block.language == "yaml":
            yaml.safe_load(block.text)


def test_few_blocks_are_left_out() -> None:
    left = [block for page in pages() for block in blocks(page) if block.reason]
    assert len([block for block in left if "pip install" not in block.text]) <= MOST_NOT_RUN


def test_the_readme_has_the_two_set_up_commands() -> None:
    assert set_up_commands() == [
        "python -m pip install . && cellfolio demo",
        "python -m pip install -e '.[test]' && python -m pytest -n auto",
    ]


def set_up_commands() -> list[str]:
    """Return the lines of the README that install; each is a block of its own."""
    found = [block for block in blocks(ROOT / "README.md") if "pip install" in block.text]
    assert all(block.language == "sh" and block.reason for block in found)
    return [block.text.strip() for block in found]


def test_ci_finds_the_test_command() -> None:
    # .ci/run takes the lines with `pytest` from the README's blocks of sh.
    inside = [block.text for block in blocks(ROOT / "README.md") if block.language == "sh"]
    lines = [line for text in inside for line in text.splitlines() if "pytest" in line]
    assert lines == set_up_commands()[1:]
    ci = (ROOT / ".ci/run").read_text(encoding="utf-8")
    (script,) = [line for line in ci.splitlines() if line.startswith("command=$(sed ")]
    told = subprocess.run(
        ["bash", "-c", f'{script}; printf %s "$command"'],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.splitlines() == lines


# The runner itself: what must fail fails.


RIGHT = (
    ("console", "$ echo one; echo two\none\ntwo\n"),
    ("console", "$ printf 'a\\nb\\nc\\n'\na\n…\nc\n"),
    ("console", "$ printf 'a\\n'\n…\na\n…\n"),
    ("console", "$ echo one two three\none … three\n"),
    ("console", "$ false\n$ echo $?\n1\n"),
    ("console", "$ export A=1\n$ echo $A\n1\n"),
    ("sh", "echo a \\\n  b\n"),
    ("pycon", ">>> 1 + 1\n2\n"),
)
WRONG = (
    ("console", "$ echo one\ntwo\n", "shown:\ntwo"),
    ("console", "$ echo one\n", "found:\none"),
    ("console", "$ false\n", "exit code 1 of: false"),
    ("console", "$ exit 3\n", "ended early"),
    ("sh", "true\nfalse\ntrue\n", "exit code 1 of: false"),
    ("python", "assert 1 == 2\n", "AssertionError"),
    ("pycon", ">>> 1 + 1\n3\n", "Expected"),
)


def test_what_must_fail_fails(
    new_reader: Callable[[Mapping[str, str]], Reader], monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = [*(Block(0, *one) for one in RIGHT)]
    listed += [Block(line, *one[:2]) for line, one in enumerate(WRONG, start=1)]
    monkeypatch.setattr("tests.docs.test_pages.blocks", lambda _: listed)
    failures = run_page(ROOT / "README.md", new_reader({}))
    assert len(failures) == len(WRONG), failures
    for line, ((*_, wrong), failure) in enumerate(zip(WRONG, failures, strict=True), start=1):
        assert failure.startswith(f"line {line}: ")
        assert wrong in failure


def test_state_lasts_until_the_end_of_the_page(
    new_reader: Callable[[Mapping[str, str]], Reader], monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = [
        Block(1, "sh", "mkdir sub\ncd sub\nexport WORD=hello\n"),
        Block(2, "python", "import os\nfound = os.environ['WORD']\n"),
        Block(3, "pycon", ">>> found\n'hello'\n>>> os.getcwd()\n'/home/ada/screens/sub'\n"),
    ]
    monkeypatch.setattr("tests.docs.test_pages.blocks", lambda _: listed)
    assert run_page(ROOT / "README.md", new_reader({})) == []
