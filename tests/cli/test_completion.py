"""Completion on tab."""

from __future__ import annotations

import os

import pytest

from cellfolio.cli.completion import SHELLS
from cellfolio.cli.main import COMMANDS, COMPLETE_VARIABLE
from tests.cli.conftest import Cellfolio


@pytest.mark.parametrize("shell", SHELLS)
def test_script(cellfolio: Cellfolio, shell: str) -> None:
    ran = cellfolio("completion", shell)
    assert (ran.code, ran.err) == (0, "")
    assert f"{COMPLETE_VARIABLE}={shell}_complete" in ran.out
    assert cellfolio("completion", shell, "--json").document["shell"] == shell


def complete(program: Cellfolio, line: str) -> list[str]:
    words = line.split(" ")
    ran = program(
        COMP_WORDS=line,
        COMP_CWORD=str(len(words) - 1),
        **{COMPLETE_VARIABLE: "bash_complete"},
    )
    assert ran.err == ""
    return ran.out.split()


def test_commands_options_and_packages(program: Cellfolio, package: str) -> None:
    assert {line.split(",")[1] for line in complete(program, "cellfolio ")} == set(COMMANDS)
    assert "plain,--unverified" in complete(program, "cellfolio get --u")
    assert complete(program, "cellfolio show la") == ["plain,lab/plates"]
    assert complete(program, "cellfolio show ./") == ["dir,./"]
    assert complete(program, "cellfolio show -r s3:// x") == []


def test_unknown_shell(cellfolio: Cellfolio) -> None:
    assert cellfolio("completion", "tcsh").code == 2
    assert COMPLETE_VARIABLE not in os.environ
