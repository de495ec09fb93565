"""Parts of objects, by requests of our own: the right bytes or the right error."""

from __future__ import annotations

import hashlib
import time
from datetime import timedelta

import pytest

from cellfolio.errors import AccessRefused, ObjectNotFound, ServerUnreachable, TransferError
from cellfolio.storage import clients
from cellfolio.storage.places import Place
from cellfolio.storage.remote import Remotes
from cellfolio.storage.s3 import transport
from cellfolio.storage.s3.ranges import RangedReads
from cellfolio.storage.trouble import ChangedMeanwhile, RangesUnsupported
from cellfolio.storage.workers import Stopped
from tests.servers.faults import Answer, Before, Cut, FaultProxy, On, Silent, Stall, Throttle
from tests.servers.seaweed import SeaweedServer
from tests.storage.s3.web import DATA, Served, served

SIZE = 1_000_003
BYTES = hashlib.shake_256(b"ranges").digest(SIZE)
BLOCK = 100_000


def go_on() -> None:
    """A check that never stops anything."""


def read(place: Place, span: tuple[int, int], remotes: Remotes | None = None) -> bytes:
    with RangedReads(remotes or Remotes(), go_on).open(place, span) as body:
        return b"".join(map(bytes, body.blocks(BLOCK)))


@pytest.fixture
def proxy(fault_proxy: FaultProxy, s3_env: object, monkeypatch: pytest.MonkeyPatch) -> FaultProxy:
    """The proxy, which everything goes through; tries follow each other soon."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", fault_proxy.endpoint)
    monkeypatch.setattr(transport, "PAUSES", (0.01, 0.02, 0.03))
    return fault_proxy


@pytest.fixture
def place(s3: SeaweedServer, bucket: str) -> Place:
    """An object of `BYTES`."""
    s3.client().put_object(Bucket=bucket, Key="a/b.bin", Body=BYTES)
    return Place(f"s3://{bucket}", "a/b.bin")


@pytest.mark.parametrize("span", [(0, 1), (0, SIZE), (5, BLOCK + 5), (SIZE - 1, SIZE)])
def test_every_span_is_read(proxy: FaultProxy, place: Place, span: tuple[int, int]) -> None:
    with RangedReads(Remotes(), go_on).open(place, span) as body:
        assert body.info.size == SIZE
        assert body.info.e_tag == hashlib.md5(BYTES).hexdigest()
        assert b"".join(map(bytes, body.blocks(BLOCK))) == BYTES[slice(*span)]
    assert proxy.count() == 1


@pytest.mark.parametrize("key", ["a b/c d", "µ/名+~", "100%/a%20b", "q?a=1&b=2#x", "(a)'!*;,=@$"])
def test_any_key_is_read(s3: SeaweedServer, proxy: FaultProxy, bucket: str, key: str) -> None:
    s3.client().put_object(Bucket=bucket, Key=key, Body=BYTES)
    assert read(Place(f"s3://{bucket}", key), (7, 99)) == BYTES[7:99]


def test_the_version_asked_for_is_read(
    s3: SeaweedServer, proxy: FaultProxy, versioned_bucket: str
) -> None:
    client = s3.client()
    first = client.put_object(Bucket=versioned_bucket, Key="k", Body=BYTES)["VersionId"]
    client.put_object(Bucket=versioned_bucket, Key="k", Body=b"newer" * 100)
    assert read(Place(f"s3://{versioned_bucket}", "k", first), (3, 300)) == BYTES[3:300]
    assert read(Place(f"s3://{versioned_bucket}", "k"), (0, 5)) == b"newer"


def test_without_credentials_requests_are_unsigned(
    proxy: FaultProxy, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    assert read(place, (7, 99)) == BYTES[7:99]


def test_a_mirror_is_read_instead(proxy: FaultProxy, place: Place) -> None:
    remotes = Remotes(lambda asked: place)
    assert read(Place("https://elsewhere", "x"), (7, 99), remotes) == BYTES[7:99]


@pytest.mark.parametrize("root", ["memory://", "client"])
def test_the_client_reads_what_we_cannot_reach(
    proxy: FaultProxy, place: Place, monkeypatch: pytest.MonkeyPatch, root: str
) -> None:
    remotes = Remotes()
    if root == "client":
        monkeypatch.setenv("AWS_REQUEST_PAYER", "requester")
    else:
        place = Place(root, "x")
        remotes.put(place, BYTES)
    assert read(place, (7, 99), remotes) == BYTES[7:99]


# Trouble


def test_an_answer_that_ends_early_is_gone_on_with(proxy: FaultProxy, place: Place) -> None:
    proxy.add(Cut(after=400_000, when=On("GET", "a/b.bin"), times=2))
    assert read(place, (10, SIZE)) == BYTES[10:]
    starts = [int((one.range or "").partition("=")[2].partition("-")[0]) for one in proxy.requests]
    assert starts[0] == 10
    assert len(starts) == 3
    assert 10 < starts[1] <= 400_010 < starts[2] <= 800_010


def test_steady_progress_is_never_given_up(proxy: FaultProxy, place: Place) -> None:
    """More cuts than tries, each after a whole block."""
    proxy.add(Cut(after=150_000, when=On("GET", "a/b.bin")))
    assert read(place, (0, SIZE)) == BYTES
    assert proxy.count() > len(transport.PAUSES) + 1


def test_an_answer_that_always_ends_early_is_reported(proxy: FaultProxy, place: Place) -> None:
    proxy.add(Cut(after=10, when=On("GET", "a/b.bin")))
    with pytest.raises(TransferError, match="the connection ended early"):
        read(place, (0, SIZE))
    assert proxy.count() == len(transport.PAUSES) + 1


def test_another_object_after_a_cut_is_noticed(
    s3: SeaweedServer, proxy: FaultProxy, place: Place
) -> None:
    def replace() -> None:
        bucket = place.root.removeprefix("s3://")
        s3.client().put_object(Bucket=bucket, Key=place.path, Body=bytes(SIZE))

    proxy.add(Cut(after=400_000, when=On("GET", "a/b.bin"), times=1))
    proxy.add(Before(number=2, action=replace, when=On("GET", "a/b.bin")))
    with pytest.raises(ChangedMeanwhile, match="changed meanwhile"):
        read(place, (0, SIZE))


def test_a_burst_of_refusals_is_survived(proxy: FaultProxy, place: Place) -> None:
    proxy.add(Answer(status=503, when=On("GET", "a/b.bin"), times=3))
    assert read(place, (0, SIZE)) == BYTES
    assert proxy.count() == 4


@pytest.mark.parametrize(
    ("status", "error", "match", "requests"),
    [
        (403, AccessRefused, "was refused", 2),  # with credentials, then without
        (404, ObjectNotFound, "does not exist", 1),
        (416, TransferError, "InvalidRange", 1),
        (503, TransferError, "SlowDown", 4),
    ],
)
def test_refusals_are_translated(
    proxy: FaultProxy,
    place: Place,
    status: int,
    error: type[Exception],
    match: str,
    requests: int,
) -> None:
    proxy.add(Answer(status=status, when=On("GET", "a/b.bin")))
    with pytest.raises(error, match=match):
        read(place, (0, 10))
    assert proxy.count() == requests


def test_a_missing_bucket_is_named(proxy: FaultProxy) -> None:
    with pytest.raises(ObjectNotFound, match="the bucket does not exist"):
        read(Place("s3://no-such-bucket-here", "x"), (0, 10))


def test_a_part_behind_the_end_tells_the_size(proxy: FaultProxy, place: Place) -> None:
    with RangedReads(Remotes(), go_on).open(place, (SIZE + 5, SIZE + 9)) as body:
        assert body.info.size == SIZE


@pytest.mark.parametrize("when", ["silent", "stalls"])
def test_a_silent_server_is_waited_for_only_so_long(
    proxy: FaultProxy, place: Place, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    monkeypatch.setattr(clients, "IDLE_TIMEOUT", timedelta(seconds=0.5))
    monkeypatch.setattr(clients, "RETRY_TIMEOUT", timedelta(seconds=1))
    fault = Silent(seconds=60) if when == "silent" else Stall(after=1000, seconds=60)
    proxy.add(fault)
    started = time.monotonic()
    with pytest.raises(ServerUnreachable, match="could not be reached"):
        read(place, (0, SIZE))
    assert time.monotonic() - started < 10


def test_stopping_does_not_wait_for_the_rest(proxy: FaultProxy, place: Place) -> None:
    proxy.add(Throttle(rate=200_000, when=On("GET", "a/b.bin")))
    started = time.monotonic()

    def check() -> None:
        if time.monotonic() - started > 0.2:
            raise Stopped

    def take() -> None:
        with RangedReads(Remotes(), check).open(place, (0, SIZE)) as body:
            for _ in body.blocks(10_000):
                check()

    with pytest.raises(Stopped):
        take()
    assert time.monotonic() - started < 3


# Servers that are not like S3


@pytest.fixture
def _fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(transport, "PAUSES", (0.01,))


@pytest.mark.usefixtures("_fast")
def test_a_server_without_ranges_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    with served(Served(ranges=False)) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
        with pytest.raises(RangesUnsupported):
            read(Place("s3://any", "x"), (5, 50))


@pytest.mark.usefixtures("_fast")
def test_bytes_from_elsewhere_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with served(Served(shift=1)) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
        with pytest.raises(TransferError, match="expected bytes from 5, found 'bytes 6-50"):
            read(Place("s3://any", "x"), (5, 50))


@pytest.mark.usefixtures("_fast")
def test_connections_are_used_again(monkeypatch: pytest.MonkeyPatch) -> None:
    with served(Served()) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
        reads = RangedReads(Remotes(), go_on)
        for start in range(5):
            with reads.open(Place("s3://any", "x"), (start, 50)) as body:
                assert b"".join(map(bytes, body.blocks(7))) == DATA[start:50]
        assert len(server.connections) == 1
        with reads.open(Place("s3://any", "x"), (0, 10_000)) as body:
            next(body.blocks(7))  # not read to its end: what comes is no answer to the next
        with reads.open(Place("s3://any", "x"), (0, 9)) as body:
            assert b"".join(map(bytes, body.blocks(100))) == DATA[:9]
        assert len(server.connections) == 2


@pytest.mark.usefixtures("_fast")
def test_a_connection_that_the_server_closed_costs_no_pause(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(transport, "PAUSES", ())
    with served(Served(closes=True)) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
        reads = RangedReads(Remotes(), go_on)
        for start in range(5):
            with reads.open(Place("s3://any", "x"), (start, 50)) as body:
                assert b"".join(map(bytes, body.blocks(100))) == DATA[start:50]
            time.sleep(0.05)
        assert len(server.connections) == 5
