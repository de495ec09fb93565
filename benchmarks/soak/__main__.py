"""What holds when processes die, when many share a store, and when a portal is read for long.

::

    python -m benchmarks.soak                        all three parts; rewrites their table
    python -m benchmarks.soak kills --kills 1000     get, push, measure and profile, a quarter each
    python -m benchmarks.soak store --minutes 5      eight processes on one store
    python -m benchmarks.soak portal --minutes 5     readers of a portal, while packages change
"""

from __future__ import annotations

import argparse
import os
import platform
import random
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.report import write_section
from benchmarks.soak.forking import call
from benchmarks.soak.killing import Killed, Subject, kill_often
from benchmarks.soak.portal import READERS, read_for_long
from benchmarks.soak.store import PROCESSES, Ground, share_a_store
from benchmarks.soak.table import Row, table
from benchmarks.soak.tables import measuring, profiling
from benchmarks.soak.transfers import NAME, Get, Push, make_sources, publish
from tests.servers.seaweed import SeaweedServer

SHARED = Path(os.environ.get("CELLFOLIO_SHARED", Path(__file__).parents[3] / "shared"))
COMMANDS = ("get", "push", "measure", "profile")


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked for: kills in all, minutes of each of the other parts, a seed."""

    kills: int = 1000
    minutes: float = 5.0
    seed: int = 1
    only: tuple[str, ...] = COMMANDS


@contextmanager
def subject(name: str, scratch: Path, shared: Path) -> Iterator[Subject]:
    """Make what a command needs; for the first two, a server."""
    if name == "measure":
        yield measuring(shared, scratch)
    elif name == "profile":
        yield profiling(scratch)
    else:
        with ExitStack() as stack:
            server = stack.enter_context(SeaweedServer())
            os.environ.update(server.env(), NO_PROXY="127.0.0.1")
            if name == "get":
                _, new = make_sources(scratch)
                server.create_bucket("soak-get")
                call(publish, new, scratch / "publisher", "soak-get")
                yield Get(f"s3://soak-get/{NAME}", new, scratch / "got")
            else:
                old, new = make_sources(scratch, large=20 * 2**20)  # three parts
                pushing = Push(server, old, new, scratch / "pushed")
                stack.callback(pushing.close)
                yield pushing


def kill_commands(asked: Asked, scratch: Path) -> Iterator[Row]:
    """Kill each command a share of the times, and yield what came of it."""
    for name in asked.only:
        folder = scratch / name
        folder.mkdir()
        with subject(name, folder, SHARED) as command:
            chance = random.Random(f"{asked.seed} {name}")
            yield told(kill_often(command, asked.kills // len(asked.only), chance))


def told(killed: Killed) -> Row:
    """Return what came of killing a command, as a line of the table."""
    phases = ", ".join(f"{phase} {times}" for phase, times in killed.phases.most_common())
    work = f"`{killed.name}`, {killed.seconds:.2f} s: {killed.kills} kills, {killed.ended} ends"
    return Row(work, phases, killed.wrong)


def use_one_store(asked: Asked, scratch: Path) -> Iterator[Row]:
    """Let processes share a store, and yield what came of it."""
    with SeaweedServer() as server:
        os.environ.update(server.env(), NO_PROXY="127.0.0.1")
        server.create_bucket("soak-store")
        found = share_a_store(Ground(scratch, "soak-store"), asked.minutes * 60, asked.seed)
    done = ", ".join(f"{times:,} × {_words(what)}" for what, times in found.done.most_common())
    work = f"{PROCESSES} processes on one store, {asked.minutes:g} minutes"
    told = f"{done}; {found.blobs} files at the end; the slowest took {found.slowest:.0f} s"
    yield Row(work, told, found.wrong)


def read_portal(asked: Asked, scratch: Path) -> Iterator[Row]:
    """Read a portal for long, and yield what came of it."""
    reading, watched = read_for_long(scratch, asked.minutes * 60)
    answers = ", ".join(f"{status}: {times:,}" for status, times in reading.statuses.most_common())
    work = f"{READERS} readers of a portal whose packages change, {asked.minutes:g} minutes"
    yield Row(work, f"answers {answers}; most in the first → last third: {watched}", reading.wrong)


def _words(name: str) -> str:
    return name.replace("_", " ")


PARTS: dict[str, Callable[[Asked, Path], Iterator[Row]]] = {
    "kills": kill_commands,
    "store": use_one_store,
    "portal": read_portal,
}


def run(parts: Sequence[str], asked: Asked) -> list[Row]:
    """Do some of the parts, and print their rows as they come."""
    rows = []
    with tempfile.TemporaryDirectory(prefix="cellfolio-soak-") as scratch:
        for name in parts:
            folder = Path(scratch) / name
            folder.mkdir()
            for row in PARTS[name](asked, folder):
                print(table([row]), flush=True)
                rows.append(row)
    return rows


def main() -> int:
    """Do what is asked; write the table if that is everything; return 1 if anything is wrong."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.soak",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("part", nargs="?", choices=tuple(PARTS))
    parser.add_argument("--kills", type=int, default=1000, help="in all")
    parser.add_argument("--minutes", type=float, default=5.0, help="of each other part")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", nargs="+", choices=COMMANDS, default=COMMANDS)
    given = parser.parse_args()
    asked = Asked(given.kills, given.minutes, given.seed, tuple(given.only))
    rows = run([given.part] if given.part else list(PARTS), asked)
    if given.part is None:
        head = (
            f"Seed {asked.seed}; Python {platform.python_version()}, {os.cpu_count()} cores, "
            "SeaweedFS on loopback. Remade by `python -m benchmarks.soak`.\n\n"
        )
        write_section("soak", head + table(rows))
    return int(any(row.wrong for row in rows))


if __name__ == "__main__":
    sys.exit(main())
