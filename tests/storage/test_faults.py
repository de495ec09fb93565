"""What getting survives: bad networks, servers and bytes. After each, the bytes are checked."""

from __future__ import annotations

import time
from datetime import timedelta
from pathlib import Path

import pytest

from cellfolio.errors import (
    AccessRefused,
    DigestMismatch,
    ObjectNotFound,
    ServerUnreachable,
    TransferIncomplete,
)
from cellfolio.registries.registry import OfflineWarning
from cellfolio.storage import clients, remote
from cellfolio.storage.home import Home
from cellfolio.workflows import verbs
from tests.servers.faults import (
    Answer,
    Before,
    Cut,
    Fault,
    Flip,
    On,
    Silent,
    Stall,
    Truncate,
)
from tests.servers.seaweed import SeaweedServer
from tests.storage.conftest import (
    LARGE,
    PART,
    Published,
    assert_nothing_wrong_visible,
    assert_same_files,
)

DATA = On("GET", "/lab/plates/")


@pytest.mark.parametrize(
    "fault",
    [
        Cut(after=2_000, when=DATA, times=1),
        Cut(after=2_000_000, when=DATA, times=3),
        Answer(status=503, when=DATA, times=3),
        Answer(status=503, when=DATA, chance=0.3, seed=1),
        Answer(status=500, when=DATA, times=1),
        Stall(after=1_000, seconds=1, when=On("GET", "small/file_0"), times=1),
    ],
    ids=["cut once", "cut thrice", "503 burst", "503 now and then", "500 once", "stall"],
)
def test_passing_trouble_is_survived(published: Published, tmp_path: Path, fault: Fault) -> None:
    published.proxy.add(fault)
    home = Home(tmp_path / "home")
    got = verbs.get(published.reference, tmp_path / "out", home=home)
    assert got.fetched == 43
    assert_same_files(published.source, tmp_path / "out")
    assert verbs.verify(home=home).right == 43


def test_silent_server_is_waited_for_only_so_long(
    published: Published, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clients, "IDLE_TIMEOUT", timedelta(seconds=1))
    monkeypatch.setattr(clients, "RETRY_TIMEOUT", timedelta(seconds=3))
    monkeypatch.setattr(remote, "ATTEMPTS", 1)
    published.proxy.add(Silent(seconds=60, when=DATA))
    started = time.monotonic()
    home = Home(tmp_path / "home")
    with pytest.raises((ServerUnreachable, TransferIncomplete), match="could not be reached"):
        verbs.get(published.reference, tmp_path / "out", home=home)
    assert time.monotonic() - started < 45
    assert_nothing_wrong_visible(published.source, tmp_path / "out", home)
    published.proxy.clear()
    verbs.get(published.reference, tmp_path / "out", home=home)
    assert_same_files(published.source, tmp_path / "out")


@pytest.mark.parametrize("key", ["small/file_07.bin", "middle.bin", "large.bin"])
def test_wrong_bytes_of_right_length_are_never_kept(
    published: Published, tmp_path: Path, key: str
) -> None:
    published.proxy.add(Flip(at=1_000, count=1, when=On("GET", f"/{key}")))
    home = Home(tmp_path / "home")
    with pytest.raises(TransferIncomplete, match="1 of 43 files failed") as caught:
        verbs.get(published.reference, tmp_path / "out", home=home)
    (failure,) = caught.value.failures
    assert isinstance(failure, DigestMismatch)
    assert failure.what == key
    assert failure.expected.startswith("sha2-256-chunked:")
    assert not (tmp_path / "out" / key).exists()
    assert_nothing_wrong_visible(published.source, tmp_path / "out", home)
    published.proxy.clear()
    assert verbs.get(published.reference, tmp_path / "out", home=home).fetched == 1
    assert_same_files(published.source, tmp_path / "out")


@pytest.mark.parametrize("key", ["small/file_07.bin", "middle.bin", "large.bin"])
def test_wrong_bytes_once_are_fetched_again(published: Published, tmp_path: Path, key: str) -> None:
    published.proxy.add(Flip(at=1_000, count=2, when=On("GET", f"/{key}"), times=1))
    verbs.get(published.reference, tmp_path / "out", home=Home(tmp_path / "home"))
    assert_same_files(published.source, tmp_path / "out")


@pytest.mark.parametrize("key", ["small/file_07.bin", "large.bin"])
def test_truncated_object_is_refused(published: Published, tmp_path: Path, key: str) -> None:
    published.proxy.add(Truncate(size=2_000, when=On(None, f"/{key}")))
    home = Home(tmp_path / "home")
    with pytest.raises(TransferIncomplete, match=r"expected \d+ bytes, found 2000 bytes"):
        verbs.get(published.reference, tmp_path / "out", home=home)
    assert not (tmp_path / "out" / key).exists()
    assert_nothing_wrong_visible(published.source, tmp_path / "out", home)


def test_missing_object_is_named_and_the_rest_comes(published: Published, tmp_path: Path) -> None:
    published.proxy.add(Answer(status=404, when=On("GET", "file_11.bin")))
    home = Home(tmp_path / "home")
    with pytest.raises(TransferIncomplete, match=r"file_11\.bin.* does not exist") as caught:
        verbs.get(published.reference, tmp_path / "out", home=home)
    assert isinstance(caught.value.failures[0], ObjectNotFound)
    assert len(list((tmp_path / "out" / "small").iterdir())) == 39
    assert_nothing_wrong_visible(published.source, tmp_path / "out", home)


def test_refused_access_is_said(published: Published, tmp_path: Path) -> None:
    published.proxy.add(Answer(status=403, when=On("GET", "file_11.bin")))
    with pytest.raises(TransferIncomplete, match="was refused") as caught:
        verbs.get(published.reference, tmp_path / "out", home=Home(tmp_path / "home"))
    assert isinstance(caught.value.failures[0], AccessRefused)


@pytest.mark.parametrize("key", ["small/file_03.bin", "large.bin"])
def test_object_replaced_after_listing_is_noticed(
    published: Published, s3: SeaweedServer, tmp_path: Path, key: str
) -> None:
    size = (published.source / key).stat().st_size
    client = s3.client()
    client.put_object(Bucket=published.bucket, Key=f"lab/plates/{key}", Body=b"x" * size)
    home = Home(tmp_path / "home")
    with pytest.raises(TransferIncomplete, match="1 of 43 files failed") as caught:
        verbs.get(published.reference, tmp_path / "out", home=home)
    assert isinstance(caught.value.failures[0], DigestMismatch)
    assert "changed since the manifest was made" in caught.value.hint
    assert_nothing_wrong_visible(published.source, tmp_path / "out", home)


def test_object_replaced_between_parts_is_noticed(
    published: Published, s3: SeaweedServer, tmp_path: Path
) -> None:
    key = "lab/plates/large.bin"
    client = s3.client()

    def replace() -> None:
        client.put_object(Bucket=published.bucket, Key=key, Body=b"x" * LARGE)

    published.proxy.add(Before(number=4, action=replace, when=On("GET", "large.bin")))
    home = Home(tmp_path / "home")
    with pytest.raises(TransferIncomplete):
        verbs.get(published.reference, tmp_path / "out", home=home)
    assert_nothing_wrong_visible(published.source, tmp_path / "out", home)
    client.put_object(
        Bucket=published.bucket, Key=key, Body=(published.source / "large.bin").read_bytes()
    )
    published.proxy.clear()
    verbs.get(published.reference, tmp_path / "out", home=home)
    assert_same_files(published.source, tmp_path / "out")


def test_next_run_fetches_only_the_missing_parts(published: Published, tmp_path: Path) -> None:
    """A large file fails after some parts; a new run, as after a restart, goes on from there."""
    last = On("GET", "large.bin")
    whole = LARGE // PART + 1
    published.proxy.add(
        Answer(status=403, when=lambda m, p: last(m, p) and published.proxy.count(m, p) > 3)
    )
    home = Home(tmp_path / "home")
    with pytest.raises(TransferIncomplete):
        verbs.get(published.reference, tmp_path / "out", home=home)
    published.proxy.clear()
    published.proxy.reset()
    verbs.get(published.reference, tmp_path / "out", home=Home(tmp_path / "home"))
    again = published.proxy.count("GET", "large.bin")
    assert 0 < again < whole
    assert published.proxy.count("GET", "small/") == 0
    assert_same_files(published.source, tmp_path / "out")


def test_unreachable_server_ends_the_run_soon(
    published: Published, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    verbs.open(published.reference, home=Home(tmp_path / "home"))
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    started = time.monotonic()
    with (
        pytest.warns(OfflineWarning, match="offline"),
        pytest.raises(ServerUnreachable, match="could not be reached"),
    ):
        verbs.get(published.reference, tmp_path / "out", home=Home(tmp_path / "home"))
    assert time.monotonic() - started < 60


def test_offline_with_everything_held_works_and_says_so(
    published: Published, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    verbs.get(published.reference, tmp_path / "out", home=Home(tmp_path / "home"))
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    started = time.monotonic()
    with pytest.warns(OfflineWarning, match="using the revision .* seen last"):
        got = verbs.get(published.reference, tmp_path / "other", home=Home(tmp_path / "home"))
    assert time.monotonic() - started < 10
    assert (got.placed, got.fetched) == (43, 0)
    assert_same_files(published.source, tmp_path / "other")
