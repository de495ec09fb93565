"""Running steps in turn and summing up what they took."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Figures:
    """Medians over the rounds: seconds of wall and CPU, peak memory in MB."""

    wall: float
    cpu: float
    memory: float


Run = Callable[[int], Sequence[str]]
"""Given the number of a round, prepares it and returns a step's name and arguments."""


def measure(
    runs: Mapping[str, Run],
    environment: Callable[[str, int], Mapping[str, str]],
    rounds: int,
    clean_up: Callable[[], None],
) -> dict[str, Figures]:
    """Run each step once a round, in turn, and return the medians.

    Parameters
    ----------
    runs : mapping of str to callable
        By the name to show.
    environment : callable
        Given name and round, returns environment variables: a fresh home and caches.
    rounds : int
    clean_up : callable
        Called after each run, so that none pays for what another left to be written to the disk.
    """
    taken: dict[str, list[dict[str, float]]] = {name: [] for name in runs}
    for number in range(rounds):
        for name, run in runs.items():
            taken[name].append(run_step(run(number), environment(name, number)))
            clean_up()
    return {
        name: Figures(
            *(statistics.median(one[key] for one in all_) for key in ("wall", "cpu", "memory"))
        )
        for name, all_ in taken.items()
    }


def run_step(arguments: Sequence[str], environment: Mapping[str, str]) -> dict[str, float]:
    """Run one step in a process of its own."""
    finished = subprocess.run(
        [sys.executable, "-m", "benchmarks.steps", *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parent.parent,
    )
    if finished.returncode:
        raise RuntimeError(f"{arguments[0]} failed: {finished.stderr[-2000:]}")
    result: dict[str, float] = json.loads(finished.stdout.splitlines()[-1])
    return result
