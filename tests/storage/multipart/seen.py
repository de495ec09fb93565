"""What the tests of uploads in parts send, and what the proxy and the server saw of it.

Counts are of requests that a proxy in front of a real server saw; what the server holds is asked
with boto3.
"""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import cellfolio
from cellfolio.errors import (
    TransferError,
)
from cellfolio.package.digests import digest_of
from cellfolio.registries.folder import package_folder
from cellfolio.storage.clients import s3_access
from cellfolio.storage.home import Home
from cellfolio.storage.multipart import ResumableUploads, open_resumable
from cellfolio.storage.places import Place
from cellfolio.storage.s3.transport import S3Bucket
from cellfolio.storage.s3.uploads import PartUploads
from cellfolio.storage.upload import Upload
from tests.servers.faults import Answer, FaultProxy, On
from tests.servers.seaweed import SeaweedServer

PART = 8 * 2**20
PARTS = 6
SIZE = (PARTS - 1) * PART + 12_345
KEY = "lab/plates/large.bin"
PARTS_SENT = On("PUT", "partNumber=")


def write(path: Path, seed: bytes, size: int = SIZE) -> None:
    path.write_bytes(hashlib.shake_256(seed).digest(size))


def push(source: Path, bucket: str, home: Home) -> None:
    package = package_folder(source, home).named("lab/plates")
    cellfolio.push(package, f"s3://{bucket}", home=home)


def sent_parts(proxy: FaultProxy) -> Counter[int]:
    """Count how often each part was sent whole, and taken."""
    return Counter(
        int(request.path.partition("partNumber=")[2].partition("&")[0])
        for request in proxy.requests
        if PARTS_SENT(request.method, request.path) and request.status == 200
    )


def sent_bytes(proxy: FaultProxy) -> int:
    return sum(r.bytes_received for r in proxy.requests if PARTS_SENT(r.method, r.path))


def part_size(number: int) -> int:
    return PART if number < PARTS else SIZE - (PARTS - 1) * PART


def unfinished(s3: SeaweedServer, bucket: str) -> list[dict[str, Any]]:
    found = s3.client().list_multipart_uploads(Bucket=bucket).get("Uploads", [])
    return [dict(one) for one in found]


def kept_parts(s3: SeaweedServer, bucket: str) -> set[int]:
    """Return the parts of the one unfinished upload that the server holds whole.

    It may still be storing a part that had just arrived when the client went.
    """
    (upload,) = unfinished(s3, bucket)
    name = {"Bucket": bucket, "Key": upload["Key"], "UploadId": upload["UploadId"]}
    found: list[set[int]] = []
    while len(found) < 2 or found[-1] != found[-2]:
        time.sleep(0.3)
        answer = s3.client().list_parts(**name)
        found.append({one["PartNumber"] for one in answer.get("Parts", [])})
    return found[-1]


def stored(s3: SeaweedServer, bucket: str, key: str = KEY) -> tuple[bytes, str]:
    answer = s3.client().get_object(Bucket=bucket, Key=key)
    return answer["Body"].read(), answer["ETag"].strip('"')


def expected_e_tag(data: bytes) -> str:
    """ETag of an upload in parts of 8 MiB, from hashlib alone."""
    leaves = [hashlib.md5(data[at : at + PART]).digest() for at in range(0, len(data), PART)]
    return f"{hashlib.md5(b''.join(leaves)).hexdigest()}-{len(leaves)}"


def assert_stored(s3: SeaweedServer, bucket: str, source: Path, key: str = KEY) -> None:
    """The object has the file's bytes and ETag, and no unfinished upload is left."""
    data = (source / "large.bin").read_bytes()
    assert stored(s3, bucket, key) == (data, expected_e_tag(data))
    assert unfinished(s3, bucket) == []


def assert_only_missing_sent(proxy: FaultProxy, kept: set[int]) -> None:
    missing = set(range(1, PARTS + 1)) - kept
    assert sent_parts(proxy) == Counter(missing)
    assert sent_bytes(proxy) == sum(map(part_size, missing))


def large_upload(source: Path, bucket: str, key: str = KEY, algorithm: str = "SHA256") -> Upload:
    path = source / "large.bin"
    place = Place(f"s3://{bucket}", key)
    fallback = replace(place, path=f"other/{key}")
    digest = digest_of(path.read_bytes(), algorithm)
    return Upload(path, path.stat().st_size, digest, place, fallback)


def resumable(bucket: str, home: Home) -> ResumableUploads:
    found = open_resumable(f"s3://{bucket}", home.remotes, home.blobs.index)
    assert found is not None
    return found


def bucket_requests(bucket: str) -> PartUploads:
    access = s3_access(bucket, "us-east-1")
    assert access is not None
    return PartUploads(S3Bucket(access))


def go_on() -> None:
    """A check that never stops anything."""


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in a minute"
        time.sleep(0.02)


def interrupt(source: Path, bucket: str, proxy: FaultProxy, home: Home) -> None:
    """Make a push fail after some parts."""
    proxy.add(Answer(status=503, when=On("PUT", "partNumber=5&")))
    with pytest.raises(TransferError):
        push(source, bucket, home)
    proxy.clear()
    proxy.reset()


def abort_all(s3: SeaweedServer, bucket: str) -> None:
    for one in unfinished(s3, bucket):
        s3.client().abort_multipart_upload(Bucket=bucket, Key=one["Key"], UploadId=one["UploadId"])


def blocks(source: Path) -> list[bytes]:
    data = (source / "large.bin").read_bytes()
    return [data[at : at + PART] for at in range(0, len(data), PART)]
