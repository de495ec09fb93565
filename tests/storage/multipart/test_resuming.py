"""What is sent again after an upload was broken off."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from cellfolio.errors import (
    ServerUnreachable,
    TransferError,
)
from cellfolio.storage.home import Home
from tests.servers.faults import Answer, Before, Cut, Delay, Fault, FaultProxy, On, Throttle
from tests.servers.seaweed import SeaweedServer
from tests.storage.multipart.seen import (
    PART,
    PARTS,
    PARTS_SENT,
    abort_all,
    assert_only_missing_sent,
    assert_stored,
    go_on,
    interrupt,
    kept_parts,
    large_upload,
    push,
    resumable,
    sent_bytes,
    sent_parts,
    stored,
    unfinished,
    wait_for,
)
from tests.storage.test_processes import PUSH, finish, start

PUSH_ANYWAY = """
import sys, cellfolio
from pathlib import Path
from cellfolio.registries.folder import package_folder
package = package_folder(Path(sys.argv[1]), cellfolio.Home()).named("lab/plates")
cellfolio.push(package, sys.argv[2], force=True)
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    "fault",
    [
        Answer(status=503, when=On("PUT", "partNumber=4&")),
        Cut(after=1_000_000, when=On("PUT", "partNumber=4&")),
        Answer(status=403, when=On("PUT", "partNumber=4&")),
    ],
    ids=["503", "cut", "403"],
)
def test_failed_push_goes_on_with_the_missing_parts(
    source: Path, s3: SeaweedServer, bucket: str, proxy: FaultProxy, home: Home, fault: Fault
) -> None:
    proxy.add(fault, Delay(seconds=1, when=On("PUT", "partNumber=4&")))
    with pytest.raises(TransferError):
        push(source, bucket, home)
    with pytest.raises(s3.client().exceptions.NoSuchKey):
        stored(s3, bucket)
    kept = kept_parts(s3, bucket)
    assert {1, 2} <= kept <= {1, 2, 3, 5, 6}
    proxy.clear()
    proxy.reset()
    push(source, bucket, home)
    assert_only_missing_sent(proxy, kept)
    assert_stored(s3, bucket, source)


def test_server_that_went_away_is_gone_on_with(
    source: Path,
    s3: SeaweedServer,
    bucket: str,
    proxy: FaultProxy,
    home: Home,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    upload = large_upload(source, bucket)
    errors: list[BaseException] = []

    def send() -> None:
        try:
            resumable(bucket, home).send(upload.place, upload, go_on)
        except ServerUnreachable as error:
            errors.append(error)

    with FaultProxy(s3.endpoint, Throttle(rate=4e6, when=PARTS_SENT)) as first:
        monkeypatch.setenv("AWS_ENDPOINT_URL", first.endpoint)
        sending = threading.Thread(target=send)
        sending.start()
        wait_for(lambda: len(sent_parts(first)) >= 2)
    # It is gone now: connections break, and new ones are refused.
    sending.join(30)
    assert len(errors) == 1
    kept = kept_parts(s3, bucket)
    assert len(kept) < PARTS
    monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.endpoint)
    resumable(bucket, Home(home.folder)).send(upload.place, upload, go_on)
    assert_only_missing_sent(proxy, kept)
    assert_stored(s3, bucket, source)


@pytest.mark.parametrize("kind", ["bucket", "versioned_bucket"])
def test_killed_push_goes_on_with_the_missing_parts(
    source: Path,
    s3: SeaweedServer,
    proxy: FaultProxy,
    tmp_path: Path,
    request: pytest.FixtureRequest,
    kind: str,
) -> None:
    bucket = request.getfixturevalue(kind)
    proxy.add(Throttle(rate=3e6, when=PARTS_SENT))
    home = tmp_path / "home"
    process = start(PUSH, source, f"s3://{bucket}", home=home)
    wait_for(lambda: len(sent_parts(proxy)) >= 2)
    process.kill()
    process.communicate()
    kept = kept_parts(s3, bucket)
    assert 2 <= len(kept) < PARTS
    proxy.clear()
    proxy.reset()
    finish(start(PUSH, source, f"s3://{bucket}", home=home))
    assert_only_missing_sent(proxy, kept)
    assert_stored(s3, bucket, source)


@pytest.mark.slow
def test_push_killed_again_and_again_ends_with_the_right_bytes(
    source: Path, s3: SeaweedServer, bucket: str, proxy: FaultProxy, tmp_path: Path
) -> None:
    proxy.add(Throttle(rate=3e6, when=PARTS_SENT))
    home = tmp_path / "home"
    for number in range(1, 4):
        process = start(PUSH, source, f"s3://{bucket}", home=home)
        wait_for(lambda: len(sent_parts(proxy)) >= number)  # noqa: B023
        process.kill()
        process.communicate()
    proxy.clear()
    finish(start(PUSH, source, f"s3://{bucket}", home=home))
    assert_stored(s3, bucket, source)


def test_push_killed_while_completing_goes_on(
    source: Path, s3: SeaweedServer, bucket: str, proxy: FaultProxy, tmp_path: Path
) -> None:
    """The object may be there and the home not know it: no byte is sent again."""

    def kill() -> None:
        process.kill()

    proxy.add(Before(number=1, action=kill, when=On("POST", "uploadId=")))
    home = tmp_path / "home"
    process = start(PUSH, source, f"s3://{bucket}", home=home)
    process.communicate()
    time.sleep(0.5)
    proxy.clear()
    proxy.reset()
    finish(start(PUSH, source, f"s3://{bucket}", home=home))
    assert sent_bytes(proxy) == 0
    assert_stored(s3, bucket, source)
    upload = large_upload(source, bucket, algorithm="sha2-256-chunked")
    assert resumable(bucket, Home(home))._noted(upload.place, upload) is None


def test_upload_that_the_server_forgot_starts_anew(
    source: Path, s3: SeaweedServer, bucket: str, proxy: FaultProxy, home: Home
) -> None:
    interrupt(source, bucket, proxy, home)
    abort_all(s3, bucket)
    push(source, bucket, home)
    assert_only_missing_sent(proxy, set())
    assert_stored(s3, bucket, source)


@pytest.mark.parametrize("when", [PARTS_SENT, On("POST", "uploadId=")], ids=["parts", "complete"])
def test_upload_aborted_from_elsewhere_starts_anew(
    source: Path, s3: SeaweedServer, bucket: str, proxy: FaultProxy, home: Home, when: On
) -> None:
    proxy.add(Before(number=1, action=lambda: abort_all(s3, bucket), when=when))
    push(source, bucket, home)
    assert_stored(s3, bucket, source)


@pytest.mark.parametrize("number", [2, 5], ids=["replaced", "never sent by us"])
def test_wrong_part_on_the_server_is_sent_again(
    source: Path, s3: SeaweedServer, bucket: str, proxy: FaultProxy, home: Home, number: int
) -> None:
    interrupt(source, bucket, proxy, home)
    kept = kept_parts(s3, bucket)
    (upload,) = unfinished(s3, bucket)
    s3.client().upload_part(
        Bucket=bucket,
        Key=upload["Key"],
        UploadId=upload["UploadId"],
        PartNumber=number,
        Body=bytes(PART),
    )
    push(source, bucket, home)
    assert_only_missing_sent(proxy, kept - {number})
    assert_stored(s3, bucket, source)


def test_part_replaced_before_completion_does_not_become_visible(
    source: Path, s3: SeaweedServer, bucket: str, proxy: FaultProxy, home: Home
) -> None:
    """As another process does that has the same upload, and whose file changed."""

    def replace_part() -> None:
        (upload,) = unfinished(s3, bucket)
        s3.client().upload_part(
            Bucket=bucket,
            Key=upload["Key"],
            UploadId=upload["UploadId"],
            PartNumber=1,
            Body=bytes(PART),
        )

    proxy.add(Before(number=1, action=replace_part, when=On("POST", "uploadId=")))
    push(source, bucket, home)
    assert_stored(s3, bucket, source)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["bucket", "versioned_bucket"])
def test_two_processes_of_one_home_go_on_with_one_upload(
    source: Path,
    s3: SeaweedServer,
    proxy: FaultProxy,
    home: Home,
    request: pytest.FixtureRequest,
    kind: str,
) -> None:
    bucket = request.getfixturevalue(kind)
    interrupt(source, bucket, proxy, home)
    upload = large_upload(source, bucket, algorithm="sha2-256-chunked")
    (begun,) = unfinished(s3, bucket)
    assert resumable(bucket, home)._noted(upload.place, upload) == begun["UploadId"]
    proxy.add(Throttle(rate=5e6, when=PARTS_SENT))
    processes = [start(PUSH_ANYWAY, source, f"s3://{bucket}", home=home.folder) for _ in range(2)]
    for process in processes:
        finish(process)
    assert_stored(s3, bucket, source)
