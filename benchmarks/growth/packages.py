"""Registries of growing numbers of packages: filled, listed, searched, cleaned up, shown."""

from __future__ import annotations

from pathlib import Path

from benchmarks.growth.bench import Bench, Collected
from benchmarks.growth.curves import Curve
from benchmarks.steps.growing import small_packages
from cellfolio.registries.quilt import MANIFESTS, POINTERS
from cellfolio.storage.home import Home
from cellfolio.storage.places import Place
from cellfolio.storage.workers import at_once

SOME = "lab0/screen_00000"


def curves(bench: Bench) -> list[Curve]:
    """Measure everything for each size."""
    found = Collected("packages", "packages")
    for n in bench.sizes(10, 100, 1_000, 10_000):
        home = bench.folder("home")
        save = bench.run(n, ["growing_save", str(n)], home, once=True)
        found.add("keep packages of three entries", save)
        found.add("list", bench.run(n, ["growing_list", ""], home))
        found.add("open one of them", bench.run(n, ["ours_browse", SOME], home))
        found.add("tell what no package needs (gc)", bench.run(n, ["growing_gc"], home))
        first = bench.run(n, ["growing_portal", ""], home, once=True)
        found.add("first page of a new portal", first)
        search = bench.run(n, ["growing_portal", "", "?q=screen_00000"], home, once=True)
        found.add("search in the portal", search)
        _far(bench, found, n, home)
    return found.curves()


def _far(bench: Bench, found: Collected, n: int, home: Path) -> None:
    """Measure the same registry on a server."""
    bucket = f"many-{n}"
    bench.server.create_bucket(bucket)
    publish(Home(home / "publisher"), f"s3://{bucket}", n)
    found.add("list, on S3", bench.run(n, ["growing_list", f"s3://{bucket}"], home))
    far = bench.folder("far")
    opened = bench.run(n, ["ours_browse", f"s3://{bucket}/{SOME}"], far)
    found.add("open one of them, on S3", opened)
    data = str(bench.folder("data"))
    step = ["growing_push", data, "16", "0", f"s3://{bucket}", "lab0/one_more"]
    found.add("push one more, to S3", bench.run(n, step, far, once=True))


def publish(home: Home, registry: str, count: int) -> None:
    """Put packages into a registry at once, one request for each file."""

    def put(one: tuple[str, bytes]) -> None:
        home.remotes.put(Place(registry, one[0]), one[1])

    files: list[tuple[str, bytes]] = []
    for name, package in small_packages(count):
        digits = package.top_hash.encode()
        files.append((f"{MANIFESTS}/{package.top_hash}", b"".join(package.manifest())))
        files += [(f"{POINTERS}/{name}/{one}", digits) for one in ("1700000000", "latest")]
    at_once(put, files)
