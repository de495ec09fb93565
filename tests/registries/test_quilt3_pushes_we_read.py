"""What quilt3 pushes we list, open, get and verify, old and hand-made manifests too."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from cellfolio.errors import (
    DigestMismatch,
    InvalidManifest,
    InvalidReference,
    ManifestMismatch,
    TransferIncomplete,
)
from cellfolio.package.digests import digest_of
from cellfolio.registries.quilt import MANIFESTS, QuiltRegistry
from cellfolio.storage.checkout import Checkout
from cellfolio.workflows.opening import (
    fetch_entry,
    list_packages,
    log_package,
    open_package,
)
from tests.registries import quilt3_side
from tests.registries.peer import Peer
from tests.registries.samples import LARGE, META, ODD, SMALL, Publisher, write_files
from tests.servers.seaweed import SeaweedServer

NAME = "cells/plate-1"


def test_content_and_metadata_arrive(
    quilt3: Peer, registry: str, ada: Publisher, bob: Publisher
) -> None:
    files = {**SMALL, **ODD, **LARGE}
    entry_meta: dict[str, dict[str, Any]] = {
        "table.csv": {"rows": 2, "f": 1.0, "µ": None},
        "a/x": {"nested": [1, {}]},
    }
    content = quilt3_side.Content(str(ada.folder(files)), dict(META), "first: µ", entry_meta)
    theirs = quilt3.ask(quilt3_side.push, registry, NAME, content)

    assert list_packages(registry, bob.home) == [NAME]
    (line,) = log_package(f"{registry}/{NAME}", bob.home)
    assert (line.revision.top_hash, line.message) == (theirs.top_hash, "first: µ")
    package = open_package(f"{registry}/{NAME}", bob.home).package
    assert package.top_hash == theirs.top_hash
    assert package.header == theirs.header
    assert (package.meta, package.message) == (META, "first: µ")
    seen = {
        entry.logical_key: quilt3_side.SeenEntry(
            entry.physical_key,
            entry.size or 0,
            {"type": entry.digest.algorithm, "value": entry.digest.value} if entry.digest else {},
            dict(entry.meta),
        )
        for entry in package.walk()
    }
    assert seen == theirs.entries
    assert {e.logical_key: e.user_meta for e in package.walk() if e.user_meta} == entry_meta

    assert bob.files(f"{registry}/{NAME}") == files


def test_physical_keys_name_versions_where_the_bucket_keeps_them(
    quilt3: Peer, registry: str, ada: Publisher, s3: SeaweedServer
) -> None:
    """On a versioned bucket, bytes that were overwritten are still those of their revision."""
    content = quilt3_side.Content(str(ada.folder({"a.txt": b"one"})))
    first = quilt3.ask(quilt3_side.push, registry, NAME, content)
    client = s3.client()
    client.put_object(Bucket=registry.removeprefix("s3://"), Key=f"{NAME}/a.txt", Body=b"two")
    client.close()
    reference = f"{registry}/{NAME}@{first.top_hash}"
    if "?versionId=" in first.entries["a.txt"].physical_key:
        assert ada.files(reference) == {"a.txt": b"one"}
    else:
        with pytest.raises(TransferIncomplete, match=r"a\.txt: expected .*, found "):
            ada.files(reference)


def test_checkout_of_their_package_is_clean_until_a_file_changes(
    quilt3: Peer, plain: str, ada: Publisher, tmp_path: Path
) -> None:
    quilt3.ask(quilt3_side.push, plain, NAME, quilt3_side.Content(str(ada.folder(SMALL))))
    got = ada.get(f"{plain}/{NAME}", tmp_path / "checkout")
    assert (got.placed, got.fetched, got.removed) == (4, 4, 0)
    checkout = Checkout(tmp_path / "checkout")
    assert checkout.status().clean
    path = tmp_path / "checkout" / "table.csv"
    path.unlink()
    path.write_bytes(b"mine")
    assert checkout.status().modified == ("table.csv",)


# Manifests made by hand


def _digest(kind: str, data: bytes) -> dict[str, str]:
    if kind == "SHA256":
        return {"type": kind, "value": hashlib.sha256(data).hexdigest()}
    assert kind == "CRC64NVME"
    if data == b"hello":  # a published vector; the rest by the library's own code
        return {"type": kind, "value": "M3eFcAZSQlc="}
    return {"type": kind, "value": digest_of(data, kind).value}


def _publish_by_hand(
    s3: SeaweedServer, registry: str, rows: list[dict[str, Any]], header: dict[str, Any]
) -> str:
    """Write manifest and pointers as in the specification; return the top hash."""
    hasher = hashlib.sha256()
    hashed = {key: value for key, value in header.items() if key != "top_hash"}
    hasher.update(json.dumps(hashed, sort_keys=True, separators=(",", ":")).encode())
    for row in rows:
        covered = {"meta": {}, **row}
        covered["meta"] = covered["meta"] or {}
        del covered["physical_keys"]
        hasher.update(json.dumps(covered, sort_keys=True, separators=(",", ":")).encode())
    top_hash = hasher.hexdigest()
    text = "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in [header, *rows])
    bucket = registry.removeprefix("s3://")
    client = s3.client()
    client.put_object(Bucket=bucket, Key=f".quilt/packages/{top_hash}", Body=text.encode())
    for pointer in ("1600000000", "latest"):
        key = f".quilt/named_packages/{NAME}/{pointer}"
        client.put_object(Bucket=bucket, Key=key, Body=f"{top_hash}\n".encode())
    client.close()
    return top_hash


def _put_rows(
    s3: SeaweedServer, registry: str, files: dict[str, bytes], kind: str
) -> list[dict[str, Any]]:
    client = s3.client()
    bucket = registry.removeprefix("s3://")
    rows: list[dict[str, Any]] = []
    for key, data in files.items():
        client.put_object(Bucket=bucket, Key=f"old/{key}", Body=data)
        row = {
            "logical_key": key,
            "physical_keys": [f"{registry}/old/{key}"],
            "size": len(data),
            "hash": _digest(kind, data),
            "meta": {},
        }
        rows.append(row)
    client.close()
    return rows


@pytest.mark.parametrize("kind", ["SHA256", "CRC64NVME"])
def test_old_and_new_hashes_are_read(
    quilt3: Peer, s3: SeaweedServer, plain: str, bob: Publisher, kind: str, tmp_path: Path
) -> None:
    files = {"a.txt": b"hello", "b/empty": b"", "b/large.bin": LARGE["large/nine.bin"]}
    rows = _put_rows(s3, plain, files, kind)
    top_hash = _publish_by_hand(s3, plain, rows, {"version": "v0", "message": kind})
    text = open_package(f"{plain}/{NAME}", bob.home).package
    assert text.top_hash == top_hash
    assert bob.files(f"{plain}/{NAME}") == files

    pushed = bob.send(plain, "again/same", text)
    assert pushed.files_sent == 0
    assert pushed.package.top_hash == top_hash
    manifest = tmp_path / "manifest.jsonl"
    there = QuiltRegistry(plain, bob.home).place(f"{MANIFESTS}/{top_hash}")
    manifest.write_bytes(bob.home.remotes.read(there)[0])
    assert quilt3.ask(quilt3_side.load, str(manifest)).top_hash == top_hash
    assert quilt3.ask(quilt3_side.install, plain, "again/same", str(tmp_path / "installed"))


@pytest.mark.parametrize("kind", ["SHA256", "CRC64NVME"])
def test_damage_is_found_with_old_and_new_hashes(
    s3: SeaweedServer, plain: str, bob: Publisher, kind: str
) -> None:
    rows = _put_rows(s3, plain, {"a.txt": b"hello"}, kind)
    _publish_by_hand(s3, plain, rows, {"version": "v0", "message": None})
    client = s3.client()
    client.put_object(Bucket=plain.removeprefix("s3://"), Key="old/a.txt", Body=b"hellO")
    client.close()
    with pytest.raises(TransferIncomplete) as caught:
        bob.files(f"{plain}/{NAME}")
    (failure,) = caught.value.failures
    assert isinstance(failure, DigestMismatch)
    assert failure.expected == f"{kind}:{_digest(kind, b'hello')['value']}"


def test_rows_are_read_leniently(s3: SeaweedServer, plain: str, bob: Publisher) -> None:
    """Metadata absent or null, unknown keys, a top hash in the header, a pointer's newline."""
    rows = _put_rows(s3, plain, {"a": b"a", "b": b"b", "c": b"hello"}, "SHA256")
    del rows[0]["meta"]
    rows[1]["meta"] = None
    rows[2]["meta"] = {"user_meta": {"f": 1.0}, "format": {"name": "bytes"}, "target": "bytes"}
    header = {"version": "v0", "message": None, "top_hash": "f" * 64}
    top_hash = _publish_by_hand(s3, plain, rows, header)
    package = open_package(f"{plain}/{NAME}", bob.home).package
    assert package.top_hash == top_hash
    assert package.entry("c").user_meta == {"f": 1.0}
    assert bob.files(f"{plain}/{NAME}") == {"a": b"a", "b": b"b", "c": b"hello"}


def test_a_damaged_manifest_is_refused(s3: SeaweedServer, plain: str, bob: Publisher) -> None:
    rows = _put_rows(s3, plain, {"a": b"a"}, "SHA256")
    top_hash = _publish_by_hand(s3, plain, rows, {"version": "v0", "message": None})
    client = s3.client()
    bucket, key = plain.removeprefix("s3://"), f".quilt/packages/{top_hash}"
    text = client.get_object(Bucket=bucket, Key=key)["Body"].read()
    client.put_object(Bucket=bucket, Key=key, Body=text.replace(b'"size": 1', b'"size": 2'))
    client.close()
    with pytest.raises(ManifestMismatch, match="does not match its top hash"):
        open_package(f"{plain}/{NAME}", bob.home)
    opened = open_package(f"{plain}/{NAME}", bob.home, verify=False)
    assert opened.package.entry("a").size == 2


@pytest.mark.parametrize("verify", [True, False])
@pytest.mark.parametrize("written", ["file://", "\\u0066ile://", "FILE://"])
def test_a_manifest_from_elsewhere_reads_no_file_of_ours(
    s3: SeaweedServer, plain: str, bob: Publisher, tmp_path: Path, written: str, verify: bool
) -> None:
    """However its address is written, and where the manifest is read unchecked, too."""
    secret = tmp_path / "secret"
    secret.write_bytes(b"mine")
    rows = _put_rows(s3, plain, {"a": b"mine"}, "SHA256")
    address = rows[0]["physical_keys"][0]
    top_hash = _publish_by_hand(s3, plain, rows, {"version": "v0", "message": None})
    client, key = s3.client(), f".quilt/packages/{top_hash}"
    bucket = plain.removeprefix("s3://")
    text = client.get_object(Bucket=bucket, Key=key)["Body"].read().decode()
    bent = text.replace(address, f"{written}{secret}")
    client.put_object(Bucket=bucket, Key=key, Body=bent.encode())
    client.close()
    with pytest.raises((InvalidManifest, InvalidReference, TransferIncomplete)) as caught:
        package = open_package(f"{plain}/{NAME}", bob.home, verify=verify).package
        fetch_entry(package.entry("a"), bob.home)
    assert written == "FILE://" or "is a file of this machine" in str(caught.value)


def test_hashes_of_known_bytes() -> None:
    """Vectors of the specification, so that this folder's helper stands on them."""
    assert digest_of(b"hello", "CRC64NVME").value == _digest("CRC64NVME", b"hello")["value"]
    once = hashlib.sha256(hashlib.sha256(b"hello").digest()).digest()
    assert digest_of(b"hello").value == base64.b64encode(once).decode()


# Registries in folders


def test_their_local_registry_is_read(
    quilt3: Peer, ada: Publisher, bob: Publisher, tmp_path: Path
) -> None:
    files = {**SMALL, **ODD}
    registry = (tmp_path / "their registry").as_uri()
    folder = write_files(tmp_path / "their files", files)
    entry_meta = {"table.csv": {"rows": 2}}
    content = quilt3_side.Content(
        str(folder), dict(META), "local", entry_meta, {"fovs": {"dir": "meta"}}
    )
    top_hash = quilt3.ask(quilt3_side.build, registry, NAME, content)
    assert list_packages(registry, bob.home) == [NAME]
    package = open_package(NAME, bob.home, registry=registry).package
    assert package.top_hash == top_hash
    assert package.folder_meta == {"fovs/": {"dir": "meta"}}
    assert package.entry("table.csv").user_meta == {"rows": 2}
    assert bob.files(f"{registry}/{NAME}") == files
    assert bob.files(f"{tmp_path / 'their registry'}/{NAME}@{top_hash[:8]}") == files


@pytest.mark.parametrize("kind", ["home", "folder"])
def test_our_local_registry_is_read_by_quilt3(
    quilt3: Peer, ada: Publisher, tmp_path: Path, kind: str
) -> None:
    """The home's own registry points into its store; any other folder gets the bytes itself."""
    files = {**SMALL, **ODD, "nine.bin": LARGE["large/nine.bin"]}
    registry = ada.home.registry_uri if kind == "home" else (tmp_path / "a registry").as_uri()
    pushed = ada.push(registry, NAME, files, "ours")
    assert quilt3.ask(quilt3_side.list_packages, registry) == [NAME]
    seen = quilt3.ask(quilt3_side.browse, registry, NAME)
    assert (seen.top_hash, seen.header["message"]) == (pushed.package.top_hash, "ours")
    assert all(entry.physical_key.startswith("file:///") for entry in seen.entries.values())
    assert quilt3.ask(quilt3_side.install, registry, NAME, str(tmp_path / "installed"))
    assert ada.files(f"{registry}/{NAME}") == files


def test_local_physical_keys_have_three_slashes(ada: Publisher, tmp_path: Path) -> None:
    pushed = ada.push((tmp_path / "registry").as_uri(), NAME, {"a": b"1"})
    assert [e.physical_key[:9] for e in pushed.package.walk()] == ["file:///t"]


def test_a_registry_whose_path_another_begins_with(
    ada: Publisher, bob: Publisher, tmp_path: Path
) -> None:
    """Bytes in ``/x/registry2`` are not in ``/x/registry``."""
    longer, shorter = tmp_path / "registry2", tmp_path / "registry"
    ada.push(longer.as_uri(), NAME, SMALL)
    package = open_package(f"{longer.as_uri()}/{NAME}", ada.home).package
    assert ada.send(shorter.as_uri(), NAME, package).files_sent == len(SMALL)
    shutil.rmtree(longer)
    assert bob.files(f"{shorter.as_uri()}/{NAME}") == SMALL


def test_a_registry_in_a_folder_keeps_every_revision(
    ada: Publisher, bob: Publisher, tmp_path: Path
) -> None:
    registry = (tmp_path / "registry").as_uri()
    one, two = {"a": b"1", "b": b"2"}, {"a": b"changed", "b": b"2"}
    first = ada.push(registry, NAME, one)
    second = ada.push(registry, NAME, two)
    assert (first.files_sent, second.files_sent) == (2, 1)
    assert bob.files(f"{registry}/{NAME}@{first.package.top_hash}") == one
    assert bob.files(f"{registry}/{NAME}") == two
    third = ada.send(registry, NAME, second.package.with_header(message="again"))
    assert third.files_sent == 0
