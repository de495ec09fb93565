"""Running steps of growing size."""

from __future__ import annotations

import shutil
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.growth.curves import Curve, Point
from benchmarks.measure import run_step
from tests.servers.seaweed import SeaweedServer


@dataclass(frozen=True)
class Bench:
    """A server, a scratch folder, how often each step runs, and whether little data will do."""

    server: SeaweedServer
    scratch: Path
    rounds: int
    quick: bool

    def sizes(self, base: int, *sizes: int) -> tuple[int, ...]:
        """Return the size that tells the constant, and those to measure: all, or the first two."""
        return (base, *(sizes[:2] if self.quick else sizes))

    def folder(self, name: str) -> Path:
        """Return a folder that is new and empty."""
        found = self.scratch / name
        shutil.rmtree(found, ignore_errors=True)
        found.mkdir(parents=True)
        return found

    def environment(self, home: Path) -> Mapping[str, str]:
        """Return what a step needs: a home, the server, one thread for linear algebra."""
        return {
            **self.server.env(),
            "HOME": str(home),
            "CELLFOLIO_HOME": str(home / "cellfolio"),
            "OPENBLAS_NUM_THREADS": "1",
        }

    def run(self, n: int, step: Sequence[str], home: Path, *, once: bool = False) -> Point:
        """Return the medians of some rounds of a step; of one, where it changes what it works on.

        A step that takes long varies little, and runs once.
        """
        taken: list[dict[str, float]] = []
        while len(taken) < (1 if once else self.rounds):
            taken.append(run_step(step, self.environment(home)))
            if taken[-1]["cpu"] > 3:
                break
        middle = {name: statistics.median(one[name] for one in taken) for name in taken[0]}
        return Point(n, middle["cpu"], middle["wall"], middle["memory"])


class Collected:
    """Points of several kinds of work, as they come; curves at the end."""

    def __init__(self, subject: str, unit: str) -> None:
        self._subject = subject
        self._unit = unit
        self._points: dict[str, list[Point]] = {}
        self._limits: dict[str, float] = {}

    def add(self, work: str, point: Point, limit: float = 1.1) -> None:
        """Keep a point; print it, so that somebody who waits sees something."""
        print(
            f"{self._subject}: {work}, {point.n:,}: {point.cpu:.3g} CPU s, {point.wall:.3g} s, "
            f"{point.memory:.0f} MB",
            flush=True,
        )
        self._points.setdefault(work, []).append(point)
        self._limits[work] = limit

    def curves(self) -> list[Curve]:
        """Return a curve for each kind of work."""
        return [
            Curve(self._subject, work, self._unit, tuple(points), self._limits[work])
            for work, points in self._points.items()
        ]


Subject = Callable[[Bench], list[Curve]]
