"""One plane of a large stack: from far against fetching the file, here against bioio.

``python -m benchmarks.images`` makes the stack, starts an S3 server on loopback, measures
everything in turn, prints the table and writes it into ``benchmarks/README.md``. Options as those
of ``benchmarks.transfer``. The lines about bioio are there if it is installed
(``pip install bioio bioio-ome-tiff``).
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import tifffile

from benchmarks.measure import Run, measure, run_step
from benchmarks.report import Line, Options, run_on_server
from tests.servers.faults import Delay, FaultProxy, Throttle
from tests.servers.seaweed import SeaweedServer

BUCKET = "images"
LATENCY = 0.03
RATE = 100_000_000
"""Bytes a second of one connection."""
DEPTHS, CHANNELS, HEIGHT, WIDTH = 70, 7, 624, 924
C, Z = 3, 35
"""The plane that is read."""


@dataclass(frozen=True, slots=True)
class Stack:
    """A file, here and in the bucket."""

    path: Path
    uri: str
    size: int
    digest: str

    @property
    def arguments(self) -> list[str]:
        """What a step wants to know."""
        return [self.uri, str(self.size), self.digest]


class Bench:
    """A server, and the stack in two forms."""

    def __init__(self, server: SeaweedServer, scratch: Path, rounds: int, depths: int) -> None:
        self.server = server
        self.scratch = scratch
        self.rounds = rounds
        self.depths = depths
        self.z = depths // 2
        self.page = str(self.z * CHANNELS + C)
        server.create_bucket(BUCKET)
        self.stacks = {name: self._make(name) for name in ("uncompressed", "zlib")}

    def _make(self, name: str) -> Stack:
        """Write the stack once, and put it into the bucket."""
        path = self.scratch / f"{name}.ome.tiff"
        random = np.random.default_rng(0)
        rows, columns = np.mgrid[:HEIGHT, :WIDTH] / 60
        pixels = np.empty((self.depths, CHANNELS, HEIGHT, WIDTH), np.uint16)
        for z in range(self.depths):
            for c in range(CHANNELS):
                cells = 400 + 300 * np.sin(rows + z / 9) * np.cos(columns + c)
                pixels[z, c] = random.poisson(cells)
        tifffile.imwrite(
            path,
            pixels,
            ome=True,
            metadata={"axes": "ZCYX"},
            compression=None if name == "uncompressed" else name,
        )
        key = path.name
        self.server.client().upload_file(str(path), BUCKET, key)
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        return Stack(path, f"s3://{BUCKET}/{key}", path.stat().st_size, digest)

    def home(self, name: str) -> Mapping[str, str]:
        """Return the variables of a home that lasts."""
        folder = self.scratch / "homes" / name
        folder.mkdir(parents=True, exist_ok=True)
        return {"HOME": str(folder), "CELLFOLIO_HOME": str(folder / "cellfolio")}

    @property
    def temporary(self) -> str:
        """A folder that is removed after each run."""
        return str(self.scratch / "homes" / "whole" / "files")

    def environment(self, kept: str) -> Callable[[str, int], Mapping[str, str]]:
        """Return what gives ours a home that lasts, and the others one that does not."""
        return lambda which, _: self.home(kept if which == "ours" else "whole")

    def clean_up(self) -> None:
        """Forget every home but those with lists of pages."""
        shutil.rmtree(self.scratch / "homes" / "whole", ignore_errors=True)

    @contextmanager
    def far(self) -> Iterator[FaultProxy]:
        """Put latency and a limit for each connection between clients and server."""
        faults = (Delay(seconds=LATENCY), Throttle(rate=RATE))
        with FaultProxy(self.server.endpoint, *faults) as proxy:
            os.environ["AWS_ENDPOINT_URL"] = proxy.endpoint
            try:
                yield proxy
            finally:
                os.environ["AWS_ENDPOINT_URL"] = self.server.endpoint


def _always(arguments: list[str]) -> Run:
    return lambda _: arguments


def plane_from_far(bench: Bench) -> list[Line]:
    """One plane over a slow network, the list of pages kept from before."""
    lines = []
    with bench.far() as proxy:
        for name, stack in bench.stacks.items():
            plane = ["ours_far_plane", *stack.arguments, str(C), str(bench.z)]
            run_step(["ours_open", *stack.arguments], bench.home(name))
            proxy.reset()
            run_step(plane, bench.home(name))
            requests = proxy.count()
            found = measure(
                {
                    "ours": _always(plane),
                    "whole": _always(["whole_file_plane", *stack.arguments, bench.page]),
                    "one": _always(
                        ["one_connection_plane", stack.uri, bench.temporary, bench.page]
                    ),
                },
                bench.environment(name),
                bench.rounds,
                bench.clean_up,
            )
            ours = found["ours"]
            work = f"plane of {stack.size / 1e6:.0f} MB, {name}, 30 ms"
            for key, peer, target in (
                ("one", "fetch the file, 1 connection", "≥ 40× faster"),
                ("whole", "fetch the file, as our `get`", ""),
            ):
                ratio = found[key].wall / ours.wall
                result = f"{ratio:.0f}× faster"
                lines.append(Line(work, ours, peer, found[key], target, result, ratio >= 40))
            shown = f"{requests} request{'s' * (requests != 1)}"
            lines.append(Line(work, ours, "", None, "≤ 2 requests", shown, requests <= 2))
    return lines


def plane_from_disk(bench: Bench) -> list[Line]:
    """One plane of a file here, the list of pages read anew."""
    lines = []
    for name, stack in bench.stacks.items():
        path, plane = str(stack.path), [str(C), str(bench.z)]
        runs = {"ours": _always(["ours_local_plane", path, *plane])}
        if find_spec("bioio_ome_tiff"):
            runs["bioio"] = _always(["bioio_local_plane", path, *plane])
        found = measure(runs, lambda *_: bench.home("local"), bench.rounds, bench.clean_up)
        ours, work = found["ours"], f"plane here, {name}"
        if "bioio" in found:
            peer = found["bioio"]
            ratio, part = peer.cpu / ours.cpu, peer.memory / ours.memory
            lines += [
                Line(work, ours, "bioio", peer, "≤ 1/8 of its CPU", f"1/{ratio:.0f}", ratio >= 8),
                Line(work, ours, "bioio", peer, "≤ 1/5 of its memory", f"1/{part:.1f}", part >= 5),
            ]
    return lines


PARTS = (plane_from_far, plane_from_disk)


def main() -> None:
    """Measure, print and write the table."""

    def bench(server: SeaweedServer, scratch: Path, options: Options) -> Bench:
        return Bench(server, scratch, options.rounds, 7 if options.quick else DEPTHS)

    run_on_server(PARTS, bench, "images", __doc__)


if __name__ == "__main__":
    main()
