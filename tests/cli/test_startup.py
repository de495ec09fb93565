"""What starting costs."""

from __future__ import annotations

import json
import resource
import subprocess
import sys

import pytest

HEAVY = ("numpy", "obstore", "pandas", "tifffile", "tqdm", "awscrt", "sqlite3", "yaml", "asyncio")
LIMIT = 0.15
"""Seconds of CPU; 0.09 where it was measured."""

SHOW = f"import json, sys; print(json.dumps([m for m in {HEAVY} if m in sys.modules]))"
HELP = f"""
import contextlib, io
from cellfolio.cli.main import run
with contextlib.redirect_stdout(io.StringIO()):
    assert run(["--help"]) == 0
{SHOW}
"""


@pytest.mark.parametrize("code", [f"import cellfolio; {SHOW}", HELP], ids=["import", "help"])
def test_nothing_heavy_is_imported(code: str) -> None:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == []


def test_no_command_is_imported_for_help() -> None:
    code = HELP + (
        "from cellfolio.cli.main import COMMANDS\n"
        "assert not [m for m, _ in COMMANDS.values() if f'cellfolio.cli.{m}' in sys.modules]\n"
    )
    subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)


def test_help_is_quick() -> None:
    times = []
    for _ in range(5):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        code = "from cellfolio.cli.main import main; main()"
        subprocess.run([sys.executable, "-c", code, "--help"], capture_output=True, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        times.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    assert min(times) < LIMIT
