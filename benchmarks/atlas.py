"""Getting files of the Allen Brain Cell Atlas, against a loop like its own client's.

``python -m benchmarks.atlas`` starts an S3 server on loopback, puts a release there, measures
everything in turn, prints the table and writes it into ``benchmarks/README.md``. Options as those
of ``benchmarks.transfer``.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.measure import Figures, measure, run_step
from benchmarks.report import Line, Options, run_on_server
from tests.servers.faults import Delay, FaultProxy, Throttle
from tests.servers.seaweed import SeaweedServer

VERSION = "20250531"
LATENCY = 0.04
RATE = 25_000_000
"""Bytes a second of one connection on the slow link."""
FILES = 333
"""Files of the release of that name."""


class Bench:
    """A server with a release, and a scratch folder."""

    def __init__(self, server: SeaweedServer, scratch: Path, rounds: int, scale: float) -> None:
        self.server = server
        self.scratch = scratch
        self.rounds = rounds
        self.small = (int(200 * scale), 1_000_000)
        self.big = (4, int(250_000_000 * scale))

    def publish(self, bucket: str, count: int, size: int) -> str:
        """Put a release of `count` files into a bucket; return its address."""
        self.server.create_bucket(bucket)
        client = self.server.client()
        random.seed(bucket)
        files: dict[str, Any] = {}
        for number in range(count):
            data = random.randbytes(size)
            key = f"metadata/bench/{VERSION}/file_{number:04d}.csv"
            client.put_object(Bucket=bucket, Key=key, Body=data)
            files[f"file_{number:04d}"] = {
                "files": {
                    "csv": {
                        "version": VERSION,
                        "relative_path": key,
                        "url": f"https://{bucket}.example/{key}",
                        "size": size,
                        "file_hash": hashlib.md5(data).hexdigest(),
                    }
                }
            }
        manifest = {
            "version": VERSION,
            "resource_uri": f"s3://{bucket}/",
            "directory_listing": {"bench": {"directories": {}}},
            "file_listing": {"bench": {"metadata": files}},
        }
        client.put_object(
            Bucket=bucket,
            Key=f"releases/{VERSION}/manifest.json",
            Body=json.dumps(manifest).encode(),
        )
        return f"abc+s3://{bucket}"

    def fresh(self, kind: str, name: str, number: int) -> Path:
        """Return a folder that does not exist yet."""
        folder = self.scratch / "runs" / f"{kind}-{name}-{number}"
        shutil.rmtree(folder, ignore_errors=True)
        return folder

    def environment(self, name: str, number: int) -> Mapping[str, str]:
        """Return a home without any cache."""
        home = self.fresh("home", name, number)
        home.mkdir(parents=True)
        return {"HOME": str(home), "CELLFOLIO_HOME": str(home / "cellfolio")}

    def compare(self, bucket: str) -> tuple[Figures, Figures]:
        """Measure getting all files of a bucket, ours and the loop in turn."""

        def clean_up() -> None:
            shutil.rmtree(self.scratch / "runs", ignore_errors=True)

        def ours(number: int) -> list[str]:
            return ["ours_get", f"abc+s3://{bucket}", str(self.fresh("out", "ours", number))]

        def loop(number: int) -> list[str]:
            return ["boto3_loop", bucket, VERSION, str(self.fresh("out", "loop", number))]

        found = measure({"ours": ours, "loop": loop}, self.environment, self.rounds, clean_up)
        return found["ours"], found["loop"]

    @contextmanager
    def slow_link(self) -> Iterator[None]:
        """Put latency and a limit for each connection between clients and server."""
        faults = (Delay(seconds=LATENCY), Throttle(rate=RATE))
        with FaultProxy(self.server.endpoint, *faults) as proxy:
            os.environ["AWS_ENDPOINT_URL"] = proxy.endpoint
            try:
                yield
            finally:
                os.environ["AWS_ENDPOINT_URL"] = self.server.endpoint


def _lines(work: str, bench: Bench, bucket: str, faster: float, cpu: bool) -> list[Line]:
    ours, loop = bench.compare(bucket)
    ratio = loop.wall / ours.wall
    lines = [
        Line(
            work, ours, "boto3 loop", loop,
            f"≥ {faster:g}× faster", f"{ratio:.1f}× faster", ratio >= faster,
        )
    ]  # fmt: skip
    if cpu:
        part = loop.cpu / ours.cpu
        lines.append(
            Line(work, ours, "boto3 loop", loop, "≤ 1/4 of its CPU", f"1/{part:.1f}", part >= 4)
        )
    return lines


def _work(size: tuple[int, int], where: str = "") -> str:
    return f"{size[0]} × {size[1] / 1e6:.0f} MB{where}"


def get_small(bench: Bench) -> list[Line]:
    """200 × 1 MB."""
    bench.publish("atlas-small", *bench.small)
    return _lines(_work(bench.small), bench, "atlas-small", 4, cpu=True)


def get_big(bench: Bench) -> list[Line]:
    """4 × 250 MB."""
    bench.publish("atlas-big", *bench.big)
    return _lines(_work(bench.big), bench, "atlas-big", 2.5, cpu=True)


def get_far(bench: Bench) -> list[Line]:
    """Both again, with 40 ms latency and 25 MB/s for each connection."""
    bench.publish("far-small", *bench.small)
    bench.publish("far-big", *bench.big)
    where = ", 40 ms, 25 MB/s per connection"
    with bench.slow_link():
        return [
            *_lines(_work(bench.small, where), bench, "far-small", 12, cpu=False),
            *_lines(_work(bench.big, where), bench, "far-big", 6, cpu=False),
        ]


def open_warm(bench: Bench) -> list[Line]:
    """Open a release of 333 files that was seen before."""
    address = bench.publish("atlas-open", FILES, 100)
    environment = bench.environment("warm", 0)
    run_step(["ours_browse", address], environment)
    taken = [run_step(["ours_browse", address], environment) for _ in range(bench.rounds)]
    middle = sorted(taken, key=lambda one: one["wall"])[len(taken) // 2]
    ours = Figures(middle["wall"], middle["cpu"], middle["memory"])
    shown = f"{ours.wall * 1000:.0f} ms"
    return [
        Line(
            f"open {FILES} files, seen before", ours, "", None, "≤ 50 ms", shown, ours.wall <= 0.05
        )
    ]


PARTS = (get_small, get_big, get_far, open_warm)


def main() -> None:
    """Measure, print and write the table."""

    def bench(server: SeaweedServer, scratch: Path, options: Options) -> Bench:
        return Bench(server, scratch, options.rounds, 0.1 if options.quick else 1)

    run_on_server(PARTS, bench, "atlas", __doc__)


if __name__ == "__main__":
    main()
