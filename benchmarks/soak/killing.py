"""Killing a command at random moments, and looking at what a reader would see then."""

from __future__ import annotations

import random
import statistics
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from benchmarks.soak.forking import ChildFailed, call, import_for, kill
from cellfolio.storage.home import Home
from cellfolio.workflows import verbs

_TIMED = 3
"""Runs from which the usual duration is taken."""
_KILLS_PER_RUN = 5
"""Kills after which the next run is left to end."""
_TOLD_EVERY = 25
"""Kills."""


class Subject(Protocol):
    """A command that is killed. All but `reset` is called in children."""

    @property
    def name(self) -> str:
        """What it is called in the table."""

    def reset(self) -> None:
        """Begin anew, as if it had never run."""

    def work(self) -> None:
        """Run it, or go on with what a killed run left."""

    def phase(self) -> str:
        """Tell how far a killed run came."""

    def look(self) -> list[str]:
        """Tell what is wrong after a kill."""

    def finished(self) -> list[str]:
        """Tell what is wrong after a run that ended."""


@dataclass
class Killed:
    """What came of killing one command.

    Attributes
    ----------
    name : str
    seconds : float
        That it takes undisturbed.
    kills, ended : int
        Kills that met it, and runs that were left to end.
    phases : Counter
        Kills by how far the run was.
    wrong : Counter
        What was found wrong.
    """

    name: str
    seconds: float
    kills: int = 0
    ended: int = 0
    phases: Counter[str] = field(default_factory=Counter)
    wrong: Counter[str] = field(default_factory=Counter)


def kill_often(subject: Subject, kills: int, chance: random.Random) -> Killed:
    """Kill a command at moments that are uniform over its usual duration.

    Parameters
    ----------
    subject : Subject
    kills : int
        Runs that ended before their kill do not count.
    chance : random.Random
    """
    killed = Killed(subject.name, usual_seconds(subject))
    while killed.kills < kills:
        subject.reset()
        for number in range(_KILLS_PER_RUN):
            met = _kill_once(subject, killed, chance.uniform(0, killed.seconds))
            if not met and not number:  # the machine has less to do than it had
                killed.seconds *= 0.8
            if killed.kills == kills or not met:
                break
        _end(subject, killed)
    return killed


def usual_seconds(subject: Subject) -> float:
    """Return how long a command takes undisturbed; it must do right then."""
    taken = []
    subject.reset()
    import_for(subject.work)
    for _ in range(_TIMED):
        subject.reset()
        begun = time.monotonic()
        call(subject.work)
        taken.append(time.monotonic() - begun)
        wrong = call(subject.finished)
        if wrong:
            raise AssertionError(f"{subject.name}, undisturbed: {'; '.join(wrong)}")
    return statistics.median(taken)


def _kill_once(subject: Subject, killed: Killed, after: float) -> bool:
    """Kill a run, and look; return whether the kill met it."""
    met = False
    try:
        met = kill(after, subject.work)
        phase, wrong = call(_looked, subject)
        killed.wrong.update(wrong)
        if met:
            killed.kills += 1
            killed.phases[phase] += 1
            if killed.kills % _TOLD_EVERY == 0:
                print(f"{time.strftime('%H:%M:%S')} {killed}", file=sys.stderr, flush=True)
    except ChildFailed as error:
        killed.wrong[str(error)] += 1
    return met


def _looked(subject: Subject) -> tuple[str, list[str]]:
    return subject.phase(), subject.look()


def _end(subject: Subject, killed: Killed) -> None:
    try:
        call(subject.work)
        killed.wrong.update(call(subject.finished))
        killed.ended += 1
    except ChildFailed as error:
        killed.wrong[str(error)] += 1


def litter(*folders: Path) -> list[str]:
    """Return hidden files below folders, but for locks, which stay."""
    return [
        f"litter: {path.parent.name}/{_generic(path.name)}"
        for folder in folders
        for path in sorted(folder.rglob(".*"))
        if path.is_file() and path.suffix != ".lock"
    ]


def store_litter(home: Home) -> list[str]:
    """Return what is left in a store of unfinished files, once it was cleaned."""
    verbs.gc(home=home, grace=0)
    kept = [path for kind in ("tmp", "parts") for path in (home.blobs.folder / kind).rglob("*")]
    left = [f"litter: {path.parent.name}/{_generic(path.name)}" for path in kept if path.is_file()]
    return left + litter(home.folder)


def _generic(name: str) -> str:
    """Return a name without its random number, so that equal findings are counted together."""
    return ".".join("…" if len(part) >= 32 else part for part in name.split("."))
