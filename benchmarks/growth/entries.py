"""Packages of growing numbers of entries: kept, published, opened, asked, compared.

Many logical keys share a few blobs: what grows is the package, not the data.
"""

from __future__ import annotations

import shutil

from benchmarks.growth.bench import Bench, Collected
from benchmarks.growth.curves import Curve

NAME = "bench/growing"


def curves(bench: Bench) -> list[Curve]:
    """Measure everything for each size."""
    found = Collected("entries", "entries")
    for n in bench.sizes(100, 10_000, 30_000, 100_000, 300_000, 1_000_000):
        _measure(bench, found, n)
    for n in bench.sizes(10, 1_000, 3_000, 10_000, 30_000):
        _build(bench, found, n)
    return found.curves()


def _measure(bench: Bench, found: Collected, n: int) -> None:
    home, far = bench.folder("home"), bench.folder("far")
    data = str(bench.folder("data"))
    bucket = f"growing-{n}"
    bench.server.create_bucket(bucket)
    reference = f"s3://{bucket}/{NAME}"
    push = "push into the local registry"
    found.add(push, bench.run(n, ["growing_push", data, str(n), "0", "", NAME], home, once=True))
    second = ["growing_push", data, str(n), "1", "", NAME]
    bench.run(n, second, home, once=True)
    found.add("walk all entries", bench.run(n, ["growing_walk", NAME], home))
    found.add("diff of two revisions", bench.run(n, ["growing_diff", NAME], home))
    to_server = ["growing_push", data, str(n), "0", f"s3://{bucket}", NAME]
    found.add("push to S3", bench.run(n, to_server, home, once=True))
    cold = bench.run(n, ["ours_browse", reference], far, once=True)
    found.add("open from S3, cold, verified", cold)
    key = f"plates/P{n // 2 // 384:04d}/images/{n // 2 % 384:03d}.tiff"
    look_up = bench.run(n, ["ours_lookup", reference, key], far)
    found.add("open and look up one entry, seen before", look_up)
    for folder in (home, far):
        shutil.rmtree(folder)


def _build(bench: Bench, found: Collected, n: int) -> None:
    home, files = bench.folder("home"), bench.folder("files")
    for number in range(n):
        folder = files / f"part_{number // 1000:03d}"
        folder.mkdir(exist_ok=True)
        (folder / f"{number % 1000:03d}.txt").write_bytes(b"%d" % (number % 97))
    step = ["growing_build", str(files), NAME]
    found.add("build from a folder of files", bench.run(n, step, home, once=True))
    shutil.rmtree(files)
