"""Servers in trouble, and what the user is told."""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from pathlib import Path

import pytest

from cellfolio.errors import (
    AccessRefused,
    ObjectNotFound,
    ServerUnreachable,
    TransferError,
)
from cellfolio.storage.home import Home
from cellfolio.storage.s3.answers import UploadGone
from cellfolio.storage.s3.uploads import KeptPart, OpenUpload
from cellfolio.storage.workers import Stopped
from tests.servers.faults import Answer, Before, Cut, Delay, Fault, FaultProxy, Lose, On, Throttle
from tests.servers.seaweed import SeaweedServer
from tests.storage.multipart.seen import (
    KEY,
    PARTS_SENT,
    assert_stored,
    blocks,
    go_on,
    large_upload,
    push,
    resumable,
    sent_bytes,
    unfinished,
)


def test_refused_part_alone_is_sent_again(
    source: Path, s3: SeaweedServer, bucket: str, proxy: FaultProxy, home: Home
) -> None:
    proxy.add(Answer(status=503, times=2, when=On("PUT", "partNumber=3&")))
    push(source, bucket, home)
    asked = Counter(
        request.path.partition("partNumber=")[2].partition("&")[0]
        for request in proxy.requests
        if PARTS_SENT(request.method, request.path)
    )
    assert asked == {"1": 1, "2": 1, "3": 3, "4": 1, "5": 1, "6": 1}
    assert_stored(s3, bucket, source)


@pytest.mark.parametrize(
    "fault",
    [
        Answer(status=503, times=2, when=On("POST", "uploads=")),
        Answer(status=500, times=2, when=On("POST", "uploadId=")),
        # 200 with an error in its body, as Amazon documents for completions
        Answer(status=200, times=2, when=On("POST", "uploadId=")),
        Lose(times=1, when=On("POST", "uploadId=")),
        Lose(times=1, when=PARTS_SENT),
        Cut(after=3_000_000, times=1, when=PARTS_SENT),
        Cut(after=10, times=1, when=On("POST", "uploadId=")),
    ],
    ids=["begin", "complete", "200 error", "lost completion", "lost part", "cut", "cut completion"],
)
def test_passing_trouble_is_survived(
    source: Path, s3: SeaweedServer, bucket: str, proxy: FaultProxy, home: Home, fault: Fault
) -> None:
    proxy.add(fault)
    push(source, bucket, home)
    assert_stored(s3, bucket, source)


def test_completion_that_says_200_and_then_fails_is_a_failure(
    source: Path, s3: SeaweedServer, bucket: str, proxy: FaultProxy, home: Home
) -> None:
    proxy.add(Answer(status=200, when=On("POST", "uploadId=")))
    with pytest.raises(TransferError, match="Fault"):
        push(source, bucket, home)
    proxy.clear()
    proxy.reset()
    push(source, bucket, home)
    assert sent_bytes(proxy) == 0
    assert_stored(s3, bucket, source)


def test_completion_whose_answer_was_lost_counts_though_the_upload_is_gone(
    source: Path, s3: SeaweedServer, versioned_bucket: str, proxy: FaultProxy, home: Home
) -> None:
    """Another process, with the same upload, was first."""

    def complete() -> None:
        (one,) = unfinished(s3, versioned_bucket)
        name = {"Bucket": versioned_bucket, "Key": one["Key"], "UploadId": one["UploadId"]}
        parts = [
            {"PartNumber": part["PartNumber"], "ETag": part["ETag"]}
            for part in s3.client().list_parts(**name)["Parts"]
        ]
        s3.client().complete_multipart_upload(**name, MultipartUpload={"Parts": parts})

    upload = large_upload(source, versioned_bucket)
    # This server answers a second completion as it did the first; others say NoSuchUpload.
    proxy.add(Before(number=1, action=complete, when=On("POST", "uploadId=")))
    proxy.add(Answer(status=404, when=On("POST", "uploadId=")))
    uploads = resumable(versioned_bucket, home)
    head = s3.client().head_object
    with pytest.raises(TransferError, match="NoSuchKey"):  # a 404 of another kind is no success
        uploads.send(upload.place, upload, go_on)
    proxy.clear()
    ongoing = OpenUpload(upload.place, "ended")
    kept = {
        number: KeptPart(hashlib.md5(block).hexdigest(), len(block))
        for number, block in enumerate(blocks(source), 1)
    }
    version = uploads._complete(ongoing, upload, kept)
    assert version == head(Bucket=versioned_bucket, Key=KEY)["VersionId"]
    kept[1] = kept[2]
    with pytest.raises(UploadGone):
        uploads._complete(ongoing, upload, kept)


def test_wrong_credentials_are_refused_with_a_hint(
    source: Path, bucket: str, proxy: FaultProxy, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another")
    upload = large_upload(source, bucket)
    with pytest.raises(AccessRefused, match="was refused") as raised:
        resumable(bucket, home).send(upload.place, upload, go_on)
    assert "AWS_ACCESS_KEY_ID" in raised.value.hint
    assert proxy.count() == 1


def test_missing_bucket_is_named(source: Path, proxy: FaultProxy, home: Home) -> None:
    upload = large_upload(source, "no-such-bucket")
    with pytest.raises(ObjectNotFound, match=r"no-such-bucket.*the bucket does not exist"):
        resumable("no-such-bucket", home).send(upload.place, upload, go_on)


def test_server_that_is_not_there_is_unreachable(
    source: Path, proxy: FaultProxy, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    upload = large_upload(source, "bucket")
    with pytest.raises(ServerUnreachable, match="could not be reached") as raised:
        resumable("bucket", home).send(upload.place, upload, go_on)
    assert "AWS_ENDPOINT_URL" in raised.value.hint


def test_stopping_does_not_wait_for_parts(
    source: Path, s3: SeaweedServer, bucket: str, proxy: FaultProxy, home: Home
) -> None:
    proxy.add(Throttle(rate=2e5, when=PARTS_SENT))  # 40 seconds for a part
    started = time.monotonic()

    def check() -> None:
        if time.monotonic() - started > 2:
            raise Stopped

    upload = large_upload(source, bucket)
    with pytest.raises(Stopped):
        resumable(bucket, home).send(upload.place, upload, check)
    assert time.monotonic() - started < 10
    assert len(unfinished(s3, bucket)) == 1


def test_parts_of_a_file_go_four_at_once(
    source: Path, bucket: str, proxy: FaultProxy, home: Home
) -> None:
    proxy.add(Delay(seconds=0.5, when=PARTS_SENT))
    upload = large_upload(source, bucket)
    resumable(bucket, home).send(upload.place, upload, go_on)
    assert proxy.peak == 4
