"""Which manifest is in use, what is told about it, and starts without a network."""

from __future__ import annotations

import json
import re
import time
import warnings
from pathlib import Path
from typing import Any

import pytest

from cellfolio.compat.abc import AbcProjectCache
from cellfolio.compat.abc.cloud_cache import OutdatedManifestWarning
from cellfolio.errors import CellfolioError, PackageNotFound, ServerUnreachable
from tests.compat.atlas import (
    FIRST,
    NEW,
    NEW_NAME,
    OLD,
    OLD_NAME,
    Atlas,
    fields_of,
    manifest,
    peers_cache,
)
from tests.compat.test_downloads import REFUSED
from tests.compat.test_listing import real
from tests.servers.faults import FaultProxy, Silent

SECOND = {**FIRST, ("WMB-10X", "metadata", "extra"): b"x\n1\n"}


class MyCache(AbcProjectCache):
    """A cache of a user's own class."""


def calls(text: str) -> list[tuple[str, str, str]]:
    """The calls that a text advises."""
    return re.findall(r"^(\w+)\.(\w+)\((.*)\)$", text, flags=re.MULTILINE)


def test_newest_is_used_first_and_remembered(atlas: Atlas, tmp_path: Path) -> None:
    atlas.publish(NEW, SECOND)
    folder = tmp_path / "cache"
    cache = atlas.open(folder)
    assert cache.current_manifest == cache.latest_manifest_file == NEW_NAME
    assert cache.list_manifest_file_names == [OLD_NAME, NEW_NAME]
    assert cache.list_all_downloaded_manifests == [NEW_NAME]
    assert cache.latest_downloaded_manifest_file == NEW_NAME
    with pytest.warns(OutdatedManifestWarning) as told:
        cache.load_manifest(OLD_NAME)
    assert len(told) == 1
    assert told[0].filename == __file__
    cache.load_manifest(OLD_NAME)  # warned once
    assert cache.list_all_downloaded_manifests == [OLD_NAME, NEW_NAME]
    with pytest.warns(OutdatedManifestWarning) as told:
        again = atlas.open(folder)
    assert len(told) == 1
    assert again.current_manifest == OLD_NAME
    again.load_manifest(OLD_NAME)
    again.load_latest_manifest()  # it is here already: nothing to tell
    assert again.current_manifest == NEW_NAME
    assert (folder / "_manifest_last_used.txt").read_text() == NEW_NAME
    assert atlas.open(folder).current_manifest == NEW_NAME


def test_new_release_is_told_when_it_is_loaded(atlas: Atlas, tmp_path: Path) -> None:
    folder = tmp_path / "cache"
    atlas.open(folder)
    atlas.publish(NEW, SECOND)
    with pytest.warns(OutdatedManifestWarning, match="more up to date"):
        cache = atlas.open(folder)
    with pytest.warns(OutdatedManifestWarning, match="newer than the most recent") as told:
        cache.load_latest_manifest()
    assert len(told) == 1
    assert cache.list_metadata_files("WMB-10X") == ["cell", "extra", "gene"]


def test_advice_in_warnings_works_as_it_is_written(atlas: Atlas, tmp_path: Path) -> None:
    folder = tmp_path / "cache"
    MyCache.from_s3_cache(folder, atlas.bucket)
    atlas.publish(NEW, SECOND)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        cache = MyCache.from_s3_cache(folder, atlas.bucket)
        cache.load_latest_manifest()
        MyCache.from_s3_cache(folder, atlas.bucket).load_manifest(OLD_NAME)
        advised = [call for one in told for call in calls(str(one.message))]
        assert len(told) == 3
        assert [name for name, _, _ in advised] == ["MyCache"] * 6
        for _, method, arguments in advised:
            exec(f"cache.{method}({arguments})", {"cache": cache})
    assert {method for _, method, _ in advised} == {
        "compare_manifests",
        "load_manifest",
        "load_latest_manifest",
    }


def test_comparing_fetches_what_is_not_here(atlas: Atlas, tmp_path: Path) -> None:
    changed = manifest(NEW, SECOND)
    fields_of(changed, "WMB-10XMulti", "expression_matrices", "WMB-10XMulti/raw")["size"] = 9
    volume = fields_of(changed, "Allen-CCF-2020", "image_volumes", "annotation_10")
    volume.update(version=NEW, size=10)
    del changed["file_listing"]["WMB-10XMulti"]["mapmycells"]
    changed["file_listing"]["Z"] = manifest(NEW, {("Z", "metadata", "z"): b"1"})["file_listing"][
        "Z"
    ]
    atlas.release(NEW, changed)
    cache = atlas.open(tmp_path / "cache")
    assert cache.list_all_downloaded_manifests == [NEW_NAME]
    found = cache.compare_manifests(NEW_NAME, OLD_NAME)
    assert cache.list_all_downloaded_manifests == [OLD_NAME, NEW_NAME]
    assert cache.current_manifest == NEW_NAME
    matrix, volumes = "WMB-10XMulti: WMB-10XMulti/raw", "Allen-CCF-2020: annotation_10"
    assert {name: {k: v for k, v in value.items() if v} for name, value in found.items()} == {
        "directory_changes": {"new_dirs": ["Z"]},
        "metadata_changes": {"new_metadata": ["WMB-10X: extra", "Z: z"]},
        "expression_matrix_file_changes": {"manifest_error_expression_matrices": [matrix]},
        "image_volume_file_changes": {"changed_image_volumes": [volumes]},
        "mapmycells_file_changes": {"removed_mapmycells": ["WMB-10XMulti: markers"]},
        "data_file_changes": {
            "changed_data_file": [volumes],
            "manifest_error_data_file": [matrix],
        },
    }
    assert set(found["mapmycells_file_changes"]) == {
        f"{what}_mapmycells" for what in ("new", "removed", "changed", "manifest_error")
    }
    with pytest.raises(ValueError, match="Please reverse the order") as caught:
        cache.compare_manifests(OLD_NAME, NEW_NAME)
    assert isinstance(caught.value, CellfolioError)
    same = cache.compare_manifests(OLD_NAME, OLD_NAME)
    assert not any(changes for value in same.values() for changes in value.values())


def test_comparison_of_the_real_releases_has_every_file_once(
    empty_atlas: Atlas, shared: Path, tmp_path: Path
) -> None:
    for version in ("20231215", "20250531"):
        empty_atlas.release(version, real(shared, version))
    cache = empty_atlas.open(tmp_path / "cache")
    names = cache.list_manifest_file_names
    found = cache.compare_manifests(names[1], names[0])
    listed: list[dict[str, Any]] = []
    for version in ("20231215", "20250531"):
        document = real(shared, version)["file_listing"]
        listed.append(
            {
                f"{directory}: {name}": node
                for directory, kinds in document.items()
                for name, node in kinds.get("metadata", {}).items()
            }
        )
    older, newer = listed
    changes = found["metadata_changes"]
    assert changes["new_metadata"] == sorted(newer.keys() - older.keys())
    assert changes["removed_metadata"] == sorted(older.keys() - newer.keys())
    differ = sorted(name for name in newer.keys() & older.keys() if newer[name] != older[name])
    assert sorted(changes["changed_metadata"] + changes["manifest_error_metadata"]) == differ
    assert differ
    both = found["expression_matrix_file_changes"], found["image_volume_file_changes"]
    for what in ("new", "removed", "changed", "manifest_error"):
        kinds = ("expression_matrices", "image_volumes")
        merged = [n for one, kind in zip(both, kinds, strict=True) for n in one[f"{what}_{kind}"]]
        assert found["data_file_changes"][f"{what}_data_file"] == sorted(merged)


def test_bucket_without_releases_is_said(empty_atlas: Atlas, tmp_path: Path) -> None:
    with pytest.raises(PackageNotFound, match="has no releases"):
        empty_atlas.open(tmp_path / "cache")


# Offline


@pytest.mark.parametrize("network", ["refused", "silent"])
@pytest.mark.parametrize("ours", [True, False], ids=["ours", "of the peer"])
def test_offline_start_is_quick_and_says_so(
    atlas: Atlas,
    tmp_path: Path,
    fault_proxy: FaultProxy,
    monkeypatch: pytest.MonkeyPatch,
    network: str,
    ours: bool,
) -> None:
    folder = tmp_path / "cache"
    if ours:
        atlas.open(folder).get_directory_metadata("WMB-10X")
    else:
        peers_cache(folder, FIRST)
    if network == "refused":
        monkeypatch.setenv("AWS_ENDPOINT_URL", REFUSED)
    fault_proxy.add(Silent(seconds=30))
    started = time.monotonic()
    with pytest.warns(UserWarning, match="offline: .* using the releases seen last") as told:
        cache = AbcProjectCache.from_cache_dir(folder, atlas.bucket)
    seconds = time.monotonic() - started
    print(f"{network}: {seconds:.2f} s")
    assert seconds < 2  # 0.75 s where nothing else runs
    assert len(told) == 1
    assert cache.current_manifest == OLD_NAME
    assert [path.name for path in cache.get_directory_metadata("WMB-10X")] == [
        "cell.csv",
        "gene.csv",
    ]


@pytest.mark.parametrize("network", ["refused", "silent"])
def test_offline_with_nothing_to_fall_back_on_is_an_error_soon(
    atlas: Atlas,
    tmp_path: Path,
    fault_proxy: FaultProxy,
    monkeypatch: pytest.MonkeyPatch,
    network: str,
) -> None:
    if network == "refused":
        monkeypatch.setenv("AWS_ENDPOINT_URL", REFUSED)
    fault_proxy.add(Silent(seconds=30))
    started = time.monotonic()
    with pytest.raises(ServerUnreachable, match="could not be reached") as caught:
        atlas.open(tmp_path / "cache")
    assert isinstance(caught.value, ConnectionError)
    assert time.monotonic() - started < 15


def test_offline_with_a_damaged_manifest_is_one_clear_error(
    atlas: Atlas, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "cache"
    atlas.open(folder)
    (folder / OLD_NAME).write_text("{")
    monkeypatch.setenv("AWS_ENDPOINT_URL", REFUSED)
    with (
        pytest.warns(UserWarning, match="offline"),
        pytest.raises(ServerUnreachable, match="is damaged, and it cannot be fetched again"),
    ):
        atlas.open(folder)


def test_offline_release_that_is_only_known_by_name(
    atlas: Atlas, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The newest release is known, but its manifest is not here: the newest that is here is."""
    atlas.publish(NEW, SECOND)
    folder = tmp_path / "cache"
    with pytest.warns(OutdatedManifestWarning):
        atlas.open(folder).load_manifest(OLD_NAME)
    (folder / NEW_NAME).unlink()
    (folder / "_manifest_last_used.txt").unlink()
    monkeypatch.setenv("AWS_ENDPOINT_URL", REFUSED)
    with pytest.warns(UserWarning, match="offline"):
        cache = atlas.open(folder)
    assert cache.current_manifest == OLD_NAME
    with (
        pytest.warns(OutdatedManifestWarning),
        pytest.raises(ServerUnreachable, match="could not be reached"),
    ):
        cache.load_latest_manifest()
    assert cache.current_manifest == OLD_NAME


def test_warm_start_asks_once(atlas: Atlas, tmp_path: Path, fault_proxy: FaultProxy) -> None:
    folder = tmp_path / "cache"
    atlas.open(folder).get_file_path("WMB-10X", "gene")
    fault_proxy.reset()
    atlas.open(folder).get_file_path("WMB-10X", "gene")
    assert len(fault_proxy.requests) == fault_proxy.count("GET", "list-type=2") == 1


def test_manifest_is_fetched_once(atlas: Atlas, tmp_path: Path, fault_proxy: FaultProxy) -> None:
    atlas.open(tmp_path / "cache")
    assert fault_proxy.count("GET", f"releases/{OLD}/manifest.json") == 1
    assert json.loads((tmp_path / "cache" / OLD_NAME).read_bytes()) == manifest(OLD, FIRST)
