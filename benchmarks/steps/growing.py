"""Steps whose work grows: packages of many entries, registries of many packages, many sites."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.steps import Work, step

_BLOBS = 16
"""Files that all entries share."""


def _entries(folder: Path, count: int, revision: int) -> Iterator[Any]:
    """Yield entries of few blobs; in another revision each hundredth is of another blob."""
    from cellfolio.package.digests import Digest
    from cellfolio.package.entry import Entry

    blobs = []
    for number in range(_BLOBS):
        path = folder / f"{number}.bin"
        path.write_bytes(b"blob %d" % number)
        digest = Digest("SHA256", hashlib.sha256(path.read_bytes()).hexdigest())
        blobs.append((path.as_uri(), path.stat().st_size, digest))
    for number in range(count):
        changed = revision if number % 100 == 0 else 0
        uri, size, digest = blobs[(number + changed) % _BLOBS]
        key = f"plates/P{number // 384:04d}/images/{number % 384:03d}.tiff"
        yield Entry(key, uri, size, digest)


# Entries


@step
def growing_push(folder: str, count: str, revision: str, registry: str, name: str) -> Work:
    """Make a package and push it; without a registry, into the local one."""
    import obstore

    from cellfolio.package.package import Package
    from cellfolio.storage.home import Home
    from cellfolio.workflows import verbs

    assert obstore
    home = Home()

    def run() -> None:
        package = Package.of(_entries(Path(folder), int(count), int(revision)))
        verbs.push(package.named(name), registry or home.registry_uri, home=home)

    return run


@step
def growing_build(folder: str, name: str) -> Work:
    import obstore

    from cellfolio.workflows import verbs

    assert obstore
    return lambda: verbs.build(folder, name)


@step
def growing_walk(reference: str) -> Work:
    import obstore

    from cellfolio.workflows import verbs

    assert obstore
    return lambda: sum(entry.size or 0 for entry in verbs.open(reference).walk())


@step
def growing_diff(name: str) -> Work:
    import obstore

    from cellfolio.workflows import verbs

    assert obstore
    newer, older = (one.revision.top_hash for one in verbs.log(name))

    def run() -> None:
        found = verbs.diff(f"{name}@{older}", f"{name}@{newer}")
        assert found.changed

    return run


# Packages


@step
def growing_save(count: str) -> Work:
    """Keep packages of three entries each, one after the other."""
    import obstore

    from cellfolio.storage.home import Home
    from cellfolio.workflows.publishing import save

    assert obstore
    home = Home()

    def run() -> None:
        for name, package in small_packages(int(count)):
            save(package, name, home)

    return run


def small_packages(count: int) -> Iterator[tuple[str, Any]]:
    """Yield names and packages of three entries, whose bytes are nowhere."""
    from cellfolio.package.digests import Digest
    from cellfolio.package.entry import Entry
    from cellfolio.package.package import Package

    for number in range(count):
        digests = [hashlib.sha256(b"%d %d" % (number, at)).hexdigest() for at in range(3)]
        entries = [
            Entry(f"plate/{at}.tiff", f"s3://bucket/{digest}", 1000 + at, Digest("SHA256", digest))
            for at, digest in enumerate(digests)
        ]
        meta = {"cell_line": ("U2OS", "A549", "HeLa")[number % 3], "screen": f"number {number}"}
        yield f"lab{number % 10}/screen_{number:05d}", Package.of(entries, meta=meta)


@step
def growing_list(registry: str) -> Work:
    import obstore

    from cellfolio.workflows import verbs

    assert obstore
    return lambda: verbs.list_packages(registry or None)


@step
def growing_gc() -> Work:
    """Tell what could be removed."""
    import obstore

    from cellfolio.workflows import verbs

    assert obstore
    return lambda: verbs.gc(dry_run=True)


@step
def growing_portal(*addresses: str) -> Work:
    """Ask a new portal for its pages; the last one is measured."""
    import httpx
    import obstore

    from cellfolio.storage.home import Home
    from cellfolio.web.serving import Portal, ServeOptions

    assert obstore
    portal = Portal([], Home(), ServeOptions(port=0)).start()
    client = httpx.Client(trust_env=False, timeout=600)

    def ask(address: str) -> str:
        return client.get(portal.url + address).raise_for_status().text

    for address in addresses[:-1]:
        ask(address)

    def run() -> None:
        assert "lab0/screen_00000" in ask(addresses[-1])
        portal.stop()

    return run


# Sites


@step
def growing_sites(images: str, output: str) -> Work:
    """Measure all sites of a folder that are not measured yet, with two workers."""
    import numba
    import pandas
    import pyarrow.parquet

    from cellfolio.workflows.measuring.running import MeasureInputs, measure_plates

    assert numba
    assert pandas
    assert pyarrow.parquet

    def run() -> None:
        found = measure_plates(MeasureInputs(images), output, _intensity(), workers=2)
        assert not found.failed, found.failed[:1]

    return run


@step
def growing_plan(images: str, output: str) -> Work:
    """Tell what there is to do."""
    import pandas
    import pyarrow.parquet

    from cellfolio.workflows.measuring.running import MeasureInputs, plan_measurement

    assert pandas
    assert pyarrow.parquet

    def run() -> None:
        assert not plan_measurement(MeasureInputs(images), output, _intensity()).waiting

    return run


def _intensity() -> Any:
    """Return settings with the features of intensity alone, of nuclei of few pixels."""
    from cellfolio.measurement import MeasurementSettings
    from cellfolio.measurement.site import SiteSettings
    from cellfolio.workflows.measuring.settings import MeasureOptions

    features = MeasurementSettings(groups=("Intensity",))
    return MeasureOptions(SiteSettings(features, quality=False))
