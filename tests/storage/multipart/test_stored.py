"""What is stored, and how the environment reaches a bucket."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

import cellfolio
from cellfolio.errors import (
    DigestMismatch,
)
from cellfolio.package.digests import Digest, hash_blocks, scheme
from cellfolio.storage.clients import s3_access
from cellfolio.storage.home import Home
from cellfolio.storage.multipart import open_resumable
from cellfolio.storage.places import Place
from cellfolio.storage.s3.answers import UploadGone
from cellfolio.storage.s3.uploads import Part
from tests.servers.faults import FaultProxy
from tests.servers.seaweed import SeaweedServer
from tests.storage.multipart.seen import (
    KEY,
    PART,
    SIZE,
    assert_stored,
    bucket_requests,
    go_on,
    interrupt,
    large_upload,
    push,
    resumable,
    stored,
    unfinished,
    write,
)


@pytest.mark.parametrize("algorithm", ["sha2-256-chunked", "SHA256", "CRC64NVME", "MD5"])
@pytest.mark.parametrize("size", [PART + 1, 2 * PART, 3 * PART - 1])
def test_every_digest_and_size_is_stored_right(
    source: Path, s3: SeaweedServer, bucket: str, proxy: FaultProxy, algorithm: str, size: int
) -> None:
    write(source / "large.bin", b"sized", size)
    upload = large_upload(source, bucket, algorithm=algorithm)
    home = Home(source.parent / "home")
    assert resumable(bucket, home).send(upload.place, upload, go_on) in (None, "null")
    assert_stored(s3, bucket, source)


def test_multipart_e_tag_of_an_unusual_part_size_is_a_digest_like_others(
    source: Path, s3: SeaweedServer, bucket: str, proxy: FaultProxy, home: Home
) -> None:
    """Several part sizes give as many parts; the likeliest is not always the one that was used."""
    how = scheme("ETag", SIZE, part_size=13 * 2**20)
    data = (source / "large.bin").read_bytes()
    parts = [data[at : at + 13 * 2**20] for at in range(0, SIZE, 13 * 2**20)]
    digest = how.digest([hashlib.md5(part).digest() for part in parts])
    assert hash_blocks(digest, SIZE, lambda: iter((data,)))[0] == digest
    upload = replace(large_upload(source, bucket), digest=digest)
    resumable(bucket, home).send(upload.place, upload, go_on)
    assert_stored(s3, bucket, source)
    wrong = replace(upload, digest=Digest("ETag", f"{'0' * 32}-4"))
    with pytest.raises(DigestMismatch):
        resumable(bucket, home).send(upload.place, wrong, go_on)


@pytest.mark.parametrize(
    "key", ["a b/c d.bin", "µ/名+~.bin", "100%/a%20b.bin", "q?a=1&b=2#x.bin", "(a)'b'!*;,=@$.bin"]
)
def test_any_key_can_be_sent_in_parts(
    source: Path, s3: SeaweedServer, bucket: str, proxy: FaultProxy, home: Home, key: str
) -> None:
    write(source / "large.bin", b"keyed", PART + 1)
    upload = large_upload(source, bucket, key)
    resumable(bucket, home).send(upload.place, upload, go_on)
    assert_stored(s3, bucket, source, key)


def test_version_is_returned(
    source: Path, s3: SeaweedServer, versioned_bucket: str, proxy: FaultProxy, home: Home
) -> None:
    interrupt(source, versioned_bucket, proxy, home)
    push(source, versioned_bucket, home)
    version = s3.client().head_object(Bucket=versioned_bucket, Key=KEY)["VersionId"]
    entry = cellfolio.open(f"s3://{versioned_bucket}/lab/plates", home=home).entry("large.bin")
    assert entry.physical_key == f"s3://{versioned_bucket}/{KEY}?versionId={version}"


def test_parts_are_listed_page_by_page(s3: SeaweedServer, bucket: str, proxy: FaultProxy) -> None:
    requests = bucket_requests(bucket)
    ongoing = requests.begin(Place(f"s3://{bucket}", "key"))
    assert requests.parts(ongoing) == {}
    sent = {n: requests.put_part(ongoing, Part(n, bytes([n]) * 10)) for n in range(1, 8)}
    proxy.reset()
    assert requests.parts(ongoing, page_size=3) == sent
    assert proxy.count("GET") == 3
    requests.abort(ongoing)
    with pytest.raises(UploadGone, match="NoSuchUpload"):
        requests.parts(ongoing)


def test_nothing_is_left_when_the_place_is_taken_meanwhile(
    source: Path, s3: SeaweedServer, bucket: str, proxy: FaultProxy, home: Home
) -> None:
    interrupt(source, bucket, proxy, home)
    assert len(unfinished(s3, bucket)) == 1
    s3.client().put_object(Bucket=bucket, Key=KEY, Body=b"somebody else's")
    push(source, bucket, home)
    assert stored(s3, bucket)[0] == b"somebody else's"
    assert unfinished(s3, bucket) == []


# How the environment reaches a bucket


def test_profile_is_used(
    source: Path,
    s3: SeaweedServer,
    bucket: str,
    proxy: FaultProxy,
    home: Home,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    credentials = tmp_path / "credentials"
    credentials.write_text(
        f"[lab]\naws_access_key_id = {s3.access_key}\naws_secret_access_key = {s3.secret_key}\n"
    )
    upload = large_upload(source, bucket)
    with monkeypatch.context() as patch:
        patch.delenv("AWS_ACCESS_KEY_ID")
        patch.delenv("AWS_SECRET_ACCESS_KEY")
        patch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(credentials))
        patch.setenv("AWS_PROFILE", "lab")
        resumable(bucket, home).send(upload.place, upload, go_on)
    assert_stored(s3, bucket, source)


@pytest.mark.parametrize(
    ("bucket_name", "endpoint", "url"),
    [
        ("lab", None, "https://lab.s3.eu-west-1.amazonaws.com"),
        ("lab.data", None, "https://s3.eu-west-1.amazonaws.com/lab.data"),
        ("lab", "http://127.0.0.1:9/", "http://127.0.0.1:9/lab"),
    ],
)
def test_address_of_a_bucket(
    bucket_name: str, endpoint: str | None, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "token")
    if endpoint:
        monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    access = s3_access(bucket_name, "eu-west-1")
    assert access is not None
    assert (access.url, access.region) == (url, "eu-west-1")
    assert access.keys is not None
    assert access.keys().token == "token"


@pytest.mark.parametrize(
    "environment",
    [
        {"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/keys"},
        {"AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s", "AWS_SSE_KMS_KEY_ID": "id"},
        {"AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s", "AWS_ENDPOINT": "http://h"},
    ],
    ids=["container", "encryption", "endpoint of the client alone"],
)
def test_what_only_the_client_knows_is_left_to_it(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert s3_access("lab", "eu-west-1") is None


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"AWS_SKIP_SIGNATURE": "true"},
        {"AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s", "AWS_SKIP_SIGNATURE": "1"},
    ],
    ids=["no credentials", "told so", "told so despite credentials"],
)
def test_public_buckets_are_reached_unsigned_and_not_written(
    environment: dict[str, str], home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    access = s3_access("lab", "eu-west-1")
    assert access is not None
    assert access.keys is None
    assert open_resumable("s3://lab", home.remotes, None) is None


def test_client_sends_large_files_where_we_cannot(
    source: Path,
    s3: SeaweedServer,
    bucket: str,
    proxy: FaultProxy,
    home: Home,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_CHECKSUM_ALGORITHM", "sha256")
    assert open_resumable(f"s3://{bucket}", home.remotes, home.blobs.index) is None
    push(source, bucket, home)
    assert_stored(s3, bucket, source)


def test_home_that_cannot_be_written_sends_all_the_same(
    source: Path, s3: SeaweedServer, bucket: str, proxy: FaultProxy, home: Home
) -> None:
    upload = large_upload(source, bucket)
    uploads = open_resumable(f"s3://{bucket}", home.remotes, None)
    assert uploads is not None
    uploads.send(upload.place, upload, go_on)
    assert_stored(s3, bucket, source)
