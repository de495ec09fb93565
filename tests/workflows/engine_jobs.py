"""Jobs that tests have engines do; workers import them by name."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Job:
    """A number, and a folder where what happened is noted."""

    number: int
    folder: Path


def double(job: Job) -> int:
    """Double a number."""
    (job.folder / f"{job.number}-{os.getpid()}").touch()
    return 2 * job.number


def kill_always(job: Job) -> int:
    """Double a number; 3 ends whoever takes it."""
    if job.number == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return double(job)


def kill_once(job: Job) -> int:
    """Double a number; 3 ends the first who takes it."""
    if job.number == 3 and not (job.folder / "killed").exists():
        (job.folder / "killed").touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return double(job)


def slowly(job: Job) -> int:
    """Double a number, and note when that began and ended."""
    begun = time.time()
    time.sleep(0.05)
    (job.folder / f"{job.number}.txt").write_text(f"{os.getpid()} {begun} {time.time()}")
    return 2 * job.number


def refuse(job: Job) -> int:
    """Raise an error of ours."""
    from cellfolio.errors import DigestMismatch

    raise DigestMismatch(f"file {job.number}", "SHA256:aa", "SHA256:bb")
