"""Files that change: no wrong byte becomes visible."""

from __future__ import annotations

from pathlib import Path

import pytest

import cellfolio
from cellfolio.errors import (
    DigestMismatch,
    TransferError,
)
from cellfolio.storage.home import Home
from tests.servers.faults import Answer, Before, FaultProxy, On
from tests.servers.seaweed import SeaweedServer
from tests.storage.multipart.seen import (
    PART,
    PARTS_SENT,
    SIZE,
    assert_only_missing_sent,
    go_on,
    interrupt,
    large_upload,
    push,
    resumable,
    unfinished,
    write,
)


@pytest.mark.parametrize("kind", ["bucket", "versioned_bucket"])
def test_file_changed_between_runs_is_sent_as_it_is_now(
    source: Path,
    s3: SeaweedServer,
    proxy: FaultProxy,
    home: Home,
    request: pytest.FixtureRequest,
    kind: str,
) -> None:
    bucket = request.getfixturevalue(kind)
    interrupt(source, bucket, proxy, home)
    write(source / "large.bin", b"second")
    push(source, bucket, home)
    assert_only_missing_sent(proxy, set())
    reader = Home(home.folder.parent / "reader")
    out = home.folder.parent / "out"
    cellfolio.get(f"s3://{bucket}/lab/plates", out, home=reader)
    assert (out / "large.bin").read_bytes() == (source / "large.bin").read_bytes()


def test_file_changed_since_it_was_packaged_is_refused_and_given_up(
    source: Path, s3: SeaweedServer, bucket: str, proxy: FaultProxy, home: Home
) -> None:
    """Even where the parts that were sent before are right."""
    upload = large_upload(source, bucket)
    proxy.add(Answer(status=503, when=On("PUT", "partNumber=5&")))
    uploads = resumable(bucket, home)
    with pytest.raises(TransferError):
        uploads.send(upload.place, upload, go_on)
    proxy.clear()
    with upload.source.open("r+b") as file:
        file.seek(SIZE - 1)
        file.write(b"!")
    with pytest.raises(DigestMismatch, match=upload.digest.value) as raised:
        uploads.send(upload.place, upload, go_on)
    assert "build the package again" in raised.value.hint
    assert unfinished(s3, bucket) == []
    assert s3.client().list_objects_v2(Bucket=bucket)["KeyCount"] == 0
    assert uploads._noted(upload.place, upload) is None


@pytest.mark.parametrize("change", [-PART - 5, -1, 1, PART + 5])
def test_file_that_grew_or_shrank_is_refused(
    source: Path, s3: SeaweedServer, bucket: str, proxy: FaultProxy, home: Home, change: int
) -> None:
    upload = large_upload(source, bucket)
    write(source / "large.bin", b"first", SIZE + change)
    with pytest.raises(DigestMismatch, match=str(SIZE)):
        resumable(bucket, home).send(upload.place, upload, go_on)
    assert unfinished(s3, bucket) == []
    assert s3.client().list_objects_v2(Bucket=bucket)["KeyCount"] == 0


def test_file_that_changes_while_it_is_sent_is_refused(
    source: Path, s3: SeaweedServer, bucket: str, proxy: FaultProxy, home: Home
) -> None:
    upload = large_upload(source, bucket)

    def change() -> None:
        with upload.source.open("r+b") as file:
            file.seek(SIZE - 1)
            file.write(b"!")

    proxy.add(Before(number=1, action=change, when=PARTS_SENT))
    with pytest.raises(DigestMismatch):
        resumable(bucket, home).send(upload.place, upload, go_on)
    assert unfinished(s3, bucket) == []
