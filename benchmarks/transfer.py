"""Getting, pushing and browsing, against quilt3 and bare downloads.

``python -m benchmarks.transfer`` starts an S3 server on loopback, measures everything in turn,
prints the table and writes it into ``benchmarks/README.md``. Options: ``--rounds N``,
``--only WORD``, ``--quick`` (a tenth of the data, to try it out).
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import random
import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.measure import Figures, Run, measure, run_step
from benchmarks.report import Line, Options, run_on_server
from cellfolio.registries.folder import package_folder
from cellfolio.storage.home import Home
from cellfolio.workflows import verbs
from cellfolio.workflows.publishing import Label
from tests.servers.faults import Delay, FaultProxy
from tests.servers.seaweed import SeaweedServer


class Bench:
    """A server, a scratch folder, and the measurements.

    Parameters
    ----------
    server : SeaweedServer
    scratch : Path
    rounds : int
    scale : float
        1 for the data of the table.
    """

    def __init__(self, server: SeaweedServer, scratch: Path, rounds: int, scale: float) -> None:
        self.server = server
        self.scratch = scratch
        self.rounds = rounds
        self.small_count = int(2000 * scale)
        self.big_size = int(200_000_000 * scale)
        self.entries = int(100_000 * scale)
        self.many = int(1_000_000 * scale)

    # Data

    def small(self) -> Path:
        """2,000 files of 20 KB."""
        return self._files("small", self.small_count, 20_000)

    def big(self) -> Path:
        """8 files of 200 MB."""
        return self._files("big", 8, self.big_size)

    def _files(self, name: str, count: int, size: int) -> Path:
        folder = self.scratch / "data" / name
        if not folder.exists():
            random.seed(name)
            for number in range(count):
                path = folder / f"part_{number % 20:02d}" / f"file_{number:05d}.bin"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(random.randbytes(size))
        return folder

    def published(self, folder: Path, bucket: str) -> str:
        """Push a folder with a home of its own; return the reference."""
        self.server.create_bucket(bucket)
        home = Home(self.scratch / "publisher")
        package = package_folder(folder, home).named("bench/data")
        verbs.push(package, f"s3://{bucket}", home=home)
        return f"s3://{bucket}/bench/data"

    def manifest(self, bucket: str, count: int, *, meta: bool) -> str:
        """Put a manifest of `count` entries into a bucket; return the reference."""
        self.server.create_bucket(bucket)
        client = self.server.client()
        text, top_hash = big_manifest(count, meta=meta)
        client.put_object(Bucket=bucket, Key=f".quilt/packages/{top_hash}", Body=text)
        for pointer in ("1700000000", "latest"):
            key = f".quilt/named_packages/bench/large/{pointer}"
            client.put_object(Bucket=bucket, Key=key, Body=top_hash.encode())
        return f"s3://{bucket}/bench/large"

    # Running

    def fresh(self, kind: str, name: str, number: int) -> Path:
        """Return a folder that does not exist yet."""
        folder = self.scratch / "runs" / f"{kind}-{name}-{number}"
        shutil.rmtree(folder, ignore_errors=True)
        return folder

    def environment(self, name: str, number: int) -> Mapping[str, str]:
        """Return a home without any cache."""
        home = self.fresh("home", name, number)
        home.mkdir(parents=True)
        return {
            **self.server.env(),
            "HOME": str(home),
            "CELLFOLIO_HOME": str(home / "cellfolio"),
            "XDG_DATA_HOME": str(home / "data"),
            "XDG_CACHE_HOME": str(home / "cache"),
        }

    def compare(self, runs: Mapping[str, Run]) -> dict[str, Figures]:
        """Measure steps in turn."""

        def clean_up() -> None:
            shutil.rmtree(self.scratch / "runs", ignore_errors=True)

        return measure(runs, self.environment, self.rounds, clean_up)


def big_manifest(count: int, *, meta: bool) -> tuple[bytes, str]:
    """Return a manifest of `count` entries and its top hash, made by independent code."""
    header: dict[str, Any] = {"version": "v0", "message": None}
    lines = [json.dumps(header)]
    hasher = hashlib.sha256(json.dumps(header, sort_keys=True, separators=(",", ":")).encode())
    for number in range(count):
        key = f"images/plate_{number // 100:05d}/image_{number % 100:03d}.tiff"
        value = base64.b64encode(hashlib.sha256(key.encode()).digest()).decode()
        user = {"user_meta": {"plate": f"P{number // 100}", "well": "A01", "site": number % 9}}
        row = {
            "logical_key": key,
            "physical_keys": [f"s3://bench-data/bench/large/{key}?versionId={value[:32]}"],
            "size": number + 1,
            "hash": {"type": "sha2-256-chunked", "value": value},
            "meta": user if meta else {},
        }
        lines.append(json.dumps(row))
        del row["physical_keys"]
        hasher.update(json.dumps(row, sort_keys=True, separators=(",", ":")).encode())
    return "\n".join(lines).encode() + b"\n", hasher.hexdigest()


# The lines of the table


def get_small(bench: Bench) -> list[Line]:
    """Install 2,000 × 20 KB."""
    reference = bench.published(bench.small(), "get-small")
    found = bench.compare(
        {
            "ours": lambda n: ["ours_get", reference, str(bench.fresh("out", "ours", n))],
            "quilt3": lambda n: ["quilt3_get", reference, str(bench.fresh("out", "quilt3", n))],
            "raw": lambda n: [
                "raw_get", "get-small", "bench/data", str(bench.fresh("out", "raw", n)), "64",
            ],
        }
    )  # fmt: skip
    ours, quilt3, raw = found["ours"], found["quilt3"], found["raw"]
    work = f"install {bench.small_count:,} × 20 KB"
    wall, cpu, bare = quilt3.wall / ours.wall, ours.cpu / quilt3.cpu, ours.wall / raw.wall
    return [
        Line(work, ours, "quilt3", quilt3, "≥ 8× faster", f"{wall:.1f}× faster", wall >= 8),
        Line(work, ours, "quilt3", quilt3, "≤ 1/6 of its CPU", f"1/{1 / cpu:.1f}", cpu <= 1 / 6),
        Line(
            work, ours, "obstore, nothing checked", raw,
            "within 1.3×", f"{bare:.2f}×", bare <= 1.3,
        ),
    ]  # fmt: skip


def get_big(bench: Bench) -> list[Line]:
    """Install 8 × 200 MB."""
    reference = bench.published(bench.big(), "get-big")
    found = bench.compare(
        {
            "ours": lambda n: ["ours_get", reference, str(bench.fresh("out", "ours", n))],
            "quilt3": lambda n: ["quilt3_get", reference, str(bench.fresh("out", "quilt3", n))],
        }
    )
    ours, quilt3 = found["ours"], found["quilt3"]
    wall = quilt3.wall / ours.wall
    work = f"install 8 × {bench.big_size / 1e6:.0f} MB, ours verified"
    memory = f"{ours.memory:.0f} MB"
    return [
        Line(work, ours, "quilt3", quilt3, "≥ 1.5× faster", f"{wall:.1f}× faster", wall >= 1.5),
        Line(work, ours, "quilt3", quilt3, "peak ≤ 150 MB", memory, ours.memory <= 150),
    ]


def push_small(bench: Bench) -> list[Line]:
    """Push 2,000 × 20 KB, and again unchanged, and under another name."""
    source = str(bench.small())
    for name in ("ours", "quilt3"):
        for number in range(bench.rounds):
            bench.server.create_bucket(f"push-{name}-{number}")
    found = bench.compare(
        {
            "ours": lambda n: ["ours_push", source, f"s3://push-ours-{n}/bench/small"],
            "quilt3": lambda n: ["quilt3_push", source, f"s3://push-quilt3-{n}/bench/small"],
        }
    )
    ours, quilt3 = found["ours"], found["quilt3"]
    wall = quilt3.wall / ours.wall
    work = f"push {bench.small_count:,} × 20 KB"
    line = Line(work, ours, "quilt3", quilt3, "≥ 6× faster", f"{wall:.1f}× faster", wall >= 6)
    return [line, *_push_again(bench)]


def _push_again(bench: Bench) -> list[Line]:
    bucket = "push-again"
    bench.server.create_bucket(bucket)
    home = Home(bench.scratch / "pusher")
    package = package_folder(bench.small(), home).named("bench/small")
    with FaultProxy(bench.server.endpoint) as proxy:
        os.environ["AWS_ENDPOINT_URL"] = proxy.endpoint
        try:
            verbs.push(package, f"s3://{bucket}", home=home)
            sent = proxy.count("PUT", "/file_")
            proxy.reset()
            verbs.push(package, f"s3://{bucket}", Label(message="again"), home=home)
            again = _data_requests(proxy)
            proxy.reset()
            verbs.push(package, f"s3://{bucket}/bench/other", home=home)
            other = _data_requests(proxy)
            moved = package.with_entries([]).named("bench/moved")
            proxy.reset()
            verbs.push(_renamed(moved), f"s3://{bucket}", home=home)
            renamed = _data_requests(proxy)
        finally:
            os.environ["AWS_ENDPOINT_URL"] = bench.server.endpoint
    nothing = Figures(0, 0, 0)
    return [
        Line(
            f"re-push unchanged (after {sent:,} uploads)", nothing, "", None,
            "0 requests per unchanged file", f"{again} requests", again == 0,
        ),
        Line(
            "same bytes under another key or package", nothing, "", None,
            "0 bytes moved", f"{other + renamed} requests for data", other + renamed == 0,
        ),
    ]  # fmt: skip


def _data_requests(proxy: FaultProxy) -> int:
    """Count requests for single files; listings name a file where they go on."""
    return sum("/file_" in one.path and "list-type" not in one.path for one in proxy.requests)


def _renamed(package: Any) -> Any:
    from cellfolio.package.package import Package

    entries = [replace(e, logical_key=f"other/{e.logical_key}") for e in package.walk()]
    return Package.of(entries, name=package.name)


def get_again(bench: Bench) -> list[Line]:
    """Get 100,000 unchanged entries again."""
    folder = bench._files("tiny", bench.entries, 16)
    home = bench.scratch / "again-home"
    environment = {**bench.server.env(), "CELLFOLIO_HOME": str(home)}
    verbs.build(folder, "bench/tiny", home=Home(home))
    out = str(bench.scratch / "again-out")
    run_step(["ours_get", "bench/tiny", out], environment)
    taken = [run_step(["ours_get", "bench/tiny", out], environment) for _ in range(bench.rounds)]
    middle = sorted(taken, key=lambda one: one["wall"])[len(taken) // 2]
    ours = Figures(middle["wall"], middle["cpu"], middle["memory"])
    work = f"re-get unchanged, {bench.entries:,} entries"
    return [Line(work, ours, "", None, "≤ 1 s", f"{ours.wall:.2f} s", ours.wall <= 1)]


def browse(bench: Bench) -> list[Line]:
    """Browse 100,000 entries with a manifest never seen, and look one up of 1,000,000."""
    lines = []
    for meta in (False, True):
        reference = bench.manifest(
            f"browse-{'meta' if meta else 'plain'}", bench.entries, meta=meta
        )
        found = bench.compare(
            {
                "ours": partial(_step_of, "ours_browse", reference),
                "quilt3": partial(_step_of, "quilt3_browse", reference),
            }
        )
        ours, quilt3 = found["ours"], found["quilt3"]
        wall, memory = quilt3.wall / ours.wall, ours.memory / quilt3.memory
        work = f"browse {bench.entries:,} entries{' with metadata' if meta else ''}, cold, verified"
        lines += [
            Line(work, ours, "quilt3", quilt3, "≥ 5× faster", f"{wall:.1f}× faster", wall >= 5),
            Line(
                work, ours, "quilt3", quilt3, "≤ 1/2 of its memory", f"{memory:.2f}", memory <= 0.5
            ),
        ]
    reference = bench.manifest("browse-many", bench.many, meta=False)
    environment = bench.environment("many", 0)
    run_step(["ours_browse", reference], environment)
    key = f"images/plate_{bench.many // 250:05d}/image_050.tiff"
    taken = [run_step(["ours_lookup", reference, key], environment) for _ in range(bench.rounds)]
    middle = sorted(taken, key=lambda one: one["wall"])[len(taken) // 2]
    ours = Figures(middle["wall"], middle["cpu"], middle["memory"])
    work = f"one look-up in {bench.many:,} entries seen before"
    return [*lines, Line(work, ours, "", None, "≤ 0.3 s", f"{ours.wall:.3f} s", ours.wall <= 0.3)]


def _step_of(step: str, reference: str, number: int) -> list[str]:
    assert number >= 0
    return [step, reference]


def latency(bench: Bench) -> list[Line]:
    """Install 2,000 × 20 KB where every request takes 50 ms more."""
    reference = bench.published(bench.small(), "latency")
    with FaultProxy(bench.server.endpoint, Delay(seconds=0.05)) as proxy:
        environment = {**bench.environment("latency", 0), "AWS_ENDPOINT_URL": proxy.endpoint}
        taken = run_step(["ours_get", reference, str(bench.fresh("out", "late", 0))], environment)
        folder = str(bench.fresh("out", "one", 0))
        single = run_step(["raw_get", "latency", "bench/data", folder, "1"], environment)
    ours = Figures(taken["wall"], taken["cpu"], taken["memory"])
    one = Figures(single["wall"], single["cpu"], single["memory"])
    ratio = one.wall / ours.wall
    work = f"install {bench.small_count:,} × 20 KB with 50 ms latency"
    return [
        Line(work, ours, "one at a time", one, "≥ 10× faster", f"{ratio:.1f}× faster", ratio >= 10)
    ]


def imports(bench: Bench) -> list[Line]:
    """Import the library in a new interpreter; its own start is in the figure."""
    found = bench.compare(
        {
            "ours": lambda n: ["import_time", "cellfolio"],
            "quilt3": lambda n: ["import_time", "quilt3"],
        }
    )
    ours, quilt3 = found["ours"], found["quilt3"]
    took, met = f"{ours.wall * 1000:.0f} ms", ours.wall <= 0.1
    return [Line("start Python and import", ours, "quilt3", quilt3, "≤ 100 ms", took, met)]


PARTS: tuple[Callable[[Bench], list[Line]], ...] = (
    get_small, get_big, push_small, get_again, browse, latency, imports,
)  # fmt: skip


def main() -> None:
    """Measure, print and write the table."""

    def bench(server: SeaweedServer, scratch: Path, options: Options) -> Bench:
        return Bench(server, scratch, options.rounds, 0.1 if options.quick else 1)

    run_on_server(PARTS, bench, "transfer", __doc__)


if __name__ == "__main__":
    main()
