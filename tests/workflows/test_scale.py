"""Sizes that are not small: what is asked, kept and held in memory, counted instead of timed."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import pytest
import tifffile

from cellfolio import MeasureInputs, MeasureOptions, measure_plates
from cellfolio.measurement import MeasurementSettings
from cellfolio.measurement.site import SiteSettings
from cellfolio.package.digests import Digest, digest_of
from cellfolio.package.entry import Entry
from cellfolio.package.package import Package
from cellfolio.registries.quilt import MANIFESTS, POINTERS
from cellfolio.storage.home import Home
from cellfolio.storage.places import Place
from cellfolio.storage.workers import at_once
from cellfolio.workflows import verbs
from tests.plates import CHANNELS, draw_site, image_name
from tests.servers.faults import FaultProxy

pytestmark = pytest.mark.slow

ENTRIES, PACKAGES, SITES = 100_000, 1_000, 300
NAMESPACES = 10
MIB = 1 << 20


@pytest.fixture
def watched(
    fault_proxy: FaultProxy, s3_env: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> FaultProxy:
    """Every request of our clients is seen."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", fault_proxy.endpoint)
    return fault_proxy


def test_a_package_of_many_entries_takes_few_requests_and_opens_in_little_memory(
    watched: FaultProxy, bucket: str, tmp_path: Path
) -> None:
    blob = tmp_path / "blob"
    blob.write_bytes(b"shared")
    digest = digest_of(b"shared", "SHA256")
    uri = blob.as_uri()
    entries = [
        Entry(f"plates/P{at // 384:03d}/{at % 384:03d}.tiff", uri, 6, digest)
        for at in range(ENTRIES)
    ]
    package = Package.of(entries).named("scale/entries")
    pushed = verbs.push(package, f"s3://{bucket}", home=Home(tmp_path / "author"))
    assert pushed.files_sent == 1
    assert watched.count() <= 20

    watched.reset()
    home = Home(tmp_path / "reader")
    assert verbs.open(f"s3://{bucket}/scale/entries", home=home).file_count == ENTRIES
    assert watched.count() <= 3
    assert len([path for path in home.folder.rglob("*") if path.is_file()]) < 12

    watched.reset()
    tracemalloc.start()
    again = verbs.open(f"s3://{bucket}/scale/entries", home=home)
    assert again.entry("plates/P130/007.tiff").size == 6
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 * MIB
    assert watched.count() == 1


def test_a_registry_of_many_packages_is_listed_and_used_with_few_requests(
    watched: FaultProxy, bucket: str, tmp_path: Path
) -> None:
    registry = f"s3://{bucket}"
    home = Home(tmp_path / "home")
    files: list[tuple[str, bytes]] = []
    for number in range(PACKAGES):
        digest = Digest("SHA256", f"{number:064x}")
        package = Package.of([Entry("a.tiff", f"{registry}/a.tiff", number, digest)])
        top_hash = package.top_hash.encode()
        name = f"lab{number % NAMESPACES}/screen{number:04d}"
        files.append((f"{MANIFESTS}/{package.top_hash}", b"".join(package.manifest())))
        files += [(f"{POINTERS}/{name}/{one}", top_hash) for one in ("1700000000", "latest")]
    at_once(lambda one: home.remotes.put(Place(registry, one[0]), one[1]), files)

    watched.reset()
    assert len(verbs.list_packages(registry, home=home)) == PACKAGES
    assert watched.count() <= 2 * (1 + NAMESPACES)

    watched.reset()
    assert verbs.open(f"{registry}/lab7/screen0007", home=home).file_count == 1
    assert watched.count() <= 3

    folder = tmp_path / "new"
    folder.mkdir()
    for number, manifests in ((0, PACKAGES), (1, 0)):  # each manifest is read once, and kept
        (folder / f"{number}.txt").write_text(f"new {number}")
        built = verbs.build(folder, "lab0/new", home=home).package
        watched.reset()
        assert verbs.push(built, registry, home=home).files_sent == 1
        asked = [one.path for one in watched.requests if one.method == "GET"]
        read = sum(f"{MANIFESTS}/" in path and "list-type" not in path for path in asked)
        assert manifests - 1 <= read <= manifests
        assert watched.count() <= read + 40


def test_many_sites_leave_a_table_and_a_record_each_and_are_not_measured_twice(
    tmp_path: Path,
) -> None:
    images = tmp_path / "images" / "P1__2020-11-05T19_51_35-Measurement1" / "Images"
    labels = tmp_path / "labels" / "P1"
    for place in (images, labels):
        place.mkdir(parents=True)
    drawn = [draw_site(seed) for seed in range(4)]
    for number in range(SITES):
        well, site = f"{chr(65 + number // 54)}{number // 9 % 6 + 1:02d}", number % 9 + 1
        one = drawn[number % 4]
        for channel, code in CHANNELS.items():
            tifffile.imwrite(images / image_name(well, site, code), one[channel])
        for kind in ("nuclei", "cells"):
            tifffile.imwrite(labels / f"{well}_{site}_{kind}.tiff", one[kind])
    inputs = MeasureInputs(tmp_path / "images", labels=tmp_path / "labels")
    options = MeasureOptions(
        SiteSettings(MeasurementSettings(groups=("Intensity",)), quality=False)
    )
    output = tmp_path / "out"
    run = measure_plates(inputs, output, options, workers=2)
    assert (run.made, len(run.failed)) == (SITES, 0)
    assert sum(len(sites) for sites in run.made_by.values()) == SITES
    before = _files(output)
    assert len(before) <= 2 * SITES + 4
    assert sum(name.startswith("cells/") for name in before) == SITES

    assert measure_plates(inputs, output, options, workers=2).made == 0
    after = _files(output)
    changed = {name for name in before | after if before.get(name) != after.get(name)}
    assert {name for name in changed if name.startswith(("cells/", "records/"))} == set()


def _files(folder: Path) -> dict[str, int]:
    """Return when each file was written, by path."""
    return {
        path.relative_to(folder).as_posix(): path.stat().st_mtime_ns
        for path in folder.rglob("*")
        if path.is_file()
    }
