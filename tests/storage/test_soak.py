"""The soak of the benchmarks still runs, and a little of it finds nothing wrong."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SOAK = [sys.executable, "-m", "benchmarks.soak"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("part", "told"),
    [
        (["kills", "--kills", "8", "--only", "get", "profile"], ["`get`", "4 kills", "`profile`"]),
        (["store", "--minutes", "0.05"], ["8 processes on one store"]),
    ],
    ids=["kills", "store"],
)
def test_a_little_of_the_soak(part: list[str], told: list[str]) -> None:
    ran = subprocess.run(
        [*SOAK, *part],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert all(words in ran.stdout for words in told), ran.stdout
    assert ran.stdout.count("| nothing |") == len(ran.stdout.split("|---|---|---|")) - 1
