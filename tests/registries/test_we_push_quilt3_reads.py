"""What we push, quilt3 lists, browses, installs and verifies, on buckets of both kinds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cellfolio.registries.quilt import QuiltRegistry
from tests.registries import quilt3_side
from tests.registries.peer import Peer
from tests.registries.samples import LARGE, META, ODD, SMALL, Publisher, make_package, read_files
from tests.servers.seaweed import SeaweedServer

NAME = "cells/plate-1"
ENTRY_META: dict[str, dict[str, Any]] = {
    "table.csv": {"rows": 2, "f": 1.0, "µ": None},
    "a/x": {"nested": {"deep": [1]}},
}
FOLDER_META = {"fovs/": {"dir": "meta"}, "a/b/": {"depth": 2}}


def test_content_and_metadata_arrive(
    quilt3: Peer, registry: str, ada: Publisher, tmp_path: Path
) -> None:
    files = {**SMALL, **ODD, **LARGE}
    package = make_package(
        ada.folder(files),
        ada.home,
        meta=META,
        message="first push: µ",
        entry_meta=ENTRY_META,
        folder_meta=FOLDER_META,
    )
    pushed = ada.send(registry, NAME, package)
    assert pushed.files_sent == len(files)
    assert pushed.package.top_hash == package.top_hash

    assert quilt3.ask(quilt3_side.list_packages, registry) == [NAME]
    versions = quilt3.ask(quilt3_side.list_versions, registry, NAME)
    assert len(versions) == 2
    assert set(versions.values()) == {package.top_hash}

    seen = quilt3.ask(quilt3_side.browse, registry, NAME)
    assert seen.top_hash == package.top_hash
    assert seen.header == {"version": "v0", "user_meta": META, "message": "first push: µ"}
    assert seen.folder_meta == FOLDER_META
    assert {key: entry.size for key, entry in seen.entries.items()} == {
        key: len(data) for key, data in files.items()
    }
    metas = {key: entry.meta["user_meta"] for key, entry in seen.entries.items() if entry.meta}
    assert metas == ENTRY_META

    assert quilt3.ask(quilt3_side.install, registry, NAME, str(tmp_path / "installed"))
    assert read_files(tmp_path / "installed") == files


def test_top_hash_is_the_one_quilt3_gives_the_same_folder(
    quilt3: Peer, registry: str, ada: Publisher
) -> None:
    folder = ada.folder({**SMALL, **ODD})
    ours = make_package(folder, ada.home, meta=META, message="m", entry_meta=ENTRY_META)
    content = quilt3_side.Content(str(folder), dict(META), "m", ENTRY_META)
    theirs = quilt3.ask(quilt3_side.push, registry, "theirs/same", content)
    assert ada.send(registry, "ours/same", ours).package.top_hash == theirs.top_hash


def test_objects_of_versioned_buckets_are_named_with_their_version(
    quilt3: Peer, versioned_bucket: str, s3_env: dict[str, str], ada: Publisher
) -> None:
    files = {**SMALL, "nine.bin": LARGE["large/nine.bin"], "empty": b""}
    ada.push(f"s3://{versioned_bucket}", NAME, files)
    seen = quilt3.ask(quilt3_side.browse, f"s3://{versioned_bucket}", NAME)
    assert [key for key, e in seen.entries.items() if "?versionId=" not in e.physical_key] == []


def test_manifest_is_written_as_quilt3_writes_it(
    quilt3: Peer, plain: str, ada: Publisher, s3: SeaweedServer
) -> None:
    """The same package at the same places gives the same manifest, byte for byte."""
    folder = ada.folder({**SMALL, **ODD})
    content = quilt3_side.Content(str(folder), dict(META), "m", ENTRY_META)
    theirs = quilt3.ask(quilt3_side.push, plain, NAME, content)
    key = f".quilt/packages/{theirs.top_hash}"
    client = s3.client()
    bucket = plain.removeprefix("s3://")
    written = client.get_object(Bucket=bucket, Key=key)["Body"].read()
    client.delete_object(Bucket=bucket, Key=key)
    client.delete_object(Bucket=bucket, Key=f".quilt/named_packages/{NAME}/latest")
    ours = make_package(folder, ada.home, meta=META, message="m", entry_meta=ENTRY_META)
    pushed = ada.send(plain, NAME, ours)
    assert pushed.files_sent == len(SMALL) + len(ODD)
    assert client.get_object(Bucket=bucket, Key=key)["Body"].read() == written
    client.close()


def test_pointers_and_manifest_lie_where_quilt3_puts_them(
    plain: str, ada: Publisher, s3: SeaweedServer
) -> None:
    top_hash = ada.push(plain, NAME, {"a": b"1"}).package.top_hash
    client = s3.client()
    bucket = plain.removeprefix("s3://")
    listed = client.list_objects_v2(Bucket=bucket)["Contents"]
    (seconds,) = [r.pointer for r in QuiltRegistry(plain, ada.home).revisions(NAME)]
    assert sorted(one["Key"] for one in listed) == [
        f".quilt/named_packages/{NAME}/{seconds}",
        f".quilt/named_packages/{NAME}/latest",
        f".quilt/packages/{top_hash}",
        f"{NAME}/a",
    ]
    for pointer in (seconds, "latest"):
        key = f".quilt/named_packages/{NAME}/{pointer}"
        assert client.get_object(Bucket=bucket, Key=key)["Body"].read() == top_hash.encode()
    client.close()


def test_both_revisions_stay_installable(
    quilt3: Peer, registry: str, ada: Publisher, bob: Publisher, tmp_path: Path
) -> None:
    """Revision 2 changes, removes and adds files; the bytes of revision 1 stay as they were."""
    one = {**SMALL, "gone.txt": b"gone", "large.bin": LARGE["large/nine.bin"]}
    two = {**SMALL, "new/file.txt": b"new", "fovs/1.tiff": b"changed", "table.csv": b""}
    two["large.bin"] = LARGE["large/nine.bin"][::-1]
    first = ada.push(registry, NAME, one, "one").package
    second = ada.push(registry, NAME, two, "two").package

    versions = quilt3.ask(quilt3_side.list_versions, registry, NAME)
    assert versions.pop("latest") == second.top_hash
    assert [versions[key] for key in sorted(versions)] == [first.top_hash, second.top_hash]
    for package, files in ((first, one), (second, two)):
        folder = tmp_path / package.top_hash
        top_hash = package.top_hash
        assert quilt3.ask(quilt3_side.install, registry, NAME, str(folder), top_hash)
        assert read_files(folder) == files
        assert bob.files(f"{registry}/{NAME}@{top_hash}") == files
    assert quilt3.ask(quilt3_side.browse, registry, NAME).header["message"] == "two"


@pytest.mark.parametrize("meta", [None, {}, {"a": 1}])
def test_header_without_metadata_hashes_alike(
    quilt3: Peer, plain: str, ada: Publisher, meta: dict[str, int] | None
) -> None:
    """A key that is absent and a key that is empty hash differently; both come through."""
    package = make_package(ada.folder({"a": b"1"}), ada.home, meta=meta)
    ada.send(plain, NAME, package)
    seen = quilt3.ask(quilt3_side.browse, plain, NAME)
    assert seen.top_hash == package.top_hash
    assert seen.header == package.header
