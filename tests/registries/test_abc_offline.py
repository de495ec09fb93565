"""What is kept of the Allen Brain Cell Atlas: it saves requests, heals, and serves offline."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import warnings
from datetime import timedelta
from pathlib import Path

import pytest

from cellfolio.errors import ServerUnreachable
from cellfolio.registries.abc.registry import AbcRegistry
from cellfolio.registries.registry import OfflineWarning
from cellfolio.storage import clients, remote
from cellfolio.storage.home import Home
from tests.registries.atlas import NAME, Atlas, kept_file, real_manifest
from tests.servers.faults import Delay, FaultProxy, On, Silent
from tests.servers.seaweed import SeaweedServer

REFUSED = "http://127.0.0.1:9"
LIST = On("GET", "list-type=2")


@pytest.fixture
def in_bucket(bucket: str, s3: SeaweedServer, s3_env: dict[str, str]) -> Atlas:
    """An empty atlas in a bucket."""
    return Atlas(f"abc+s3://{bucket}", s3)


@pytest.fixture
def watched(in_bucket: Atlas, fault_proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch) -> Atlas:
    """Three releases in a bucket, reached through the proxy."""
    for version in ("20230830", "20231215", "20250531"):
        in_bucket.release(version)
    monkeypatch.setenv("AWS_ENDPOINT_URL", fault_proxy.endpoint)
    return in_bucket


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that gives up sooner than users want it to."""
    monkeypatch.setattr(clients, "RETRY_TIMEOUT", timedelta(seconds=1))
    monkeypatch.setattr(remote, "ATTEMPTS", 1)


# Keeping


def test_release_is_fetched_once(watched: Atlas, fault_proxy: FaultProxy, tmp_path: Path) -> None:
    folder = tmp_path / "home"
    AbcRegistry(watched.uri, Home(folder)).open(NAME)
    assert (fault_proxy.count("GET", "list-type=2"), len(fault_proxy.requests)) == (1, 2)
    fault_proxy.reset()
    top_hash = AbcRegistry(watched.uri, Home(folder)).open(NAME).top_hash
    assert (fault_proxy.count("GET", "list-type=2"), len(fault_proxy.requests)) == (1, 1)
    fault_proxy.reset()
    for revision in ("20250531", top_hash):
        assert AbcRegistry(watched.uri, Home(folder)).open(NAME, revision).top_hash == top_hash
    assert AbcRegistry(watched.uri, Home(folder)).release("20250531").version == "20250531"
    assert AbcRegistry(watched.uri, Home(folder)).headers([top_hash]) != [None]
    assert fault_proxy.requests == []


@pytest.mark.parametrize("damage", ["truncated", "empty", "flipped", "other digest", "no digest"])
def test_damaged_kept_manifest_is_fetched_again(
    watched: Atlas, tmp_path: Path, damage: str
) -> None:
    home = Home(tmp_path / "home")
    top_hash = AbcRegistry(watched.uri, home).open(NAME, "20231215").top_hash
    kept = kept_file(home, "20231215")
    whole = kept.read_bytes()
    match damage:
        case "truncated":
            kept.write_bytes(whole[: len(whole) // 2])
        case "empty":
            kept.write_bytes(b"")
        case "flipped":  # still JSON, and still a release
            kept.write_bytes(whole.replace(b'"size": 3', b'"size": 4'))
        case "other digest":
            kept.with_suffix(".sha256").write_text("0" * 64)
        case "no digest":
            kept.with_suffix(".sha256").unlink()
    assert AbcRegistry(watched.uri, home).open(NAME, "20231215").top_hash == top_hash
    assert kept.read_bytes() == whole
    assert AbcRegistry(watched.uri, home).open(NAME, top_hash).meta["release"] == "20231215"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"version": 2}', '{"version": 1, "releases": 3}'])
def test_damaged_list_of_releases_is_asked_for_again(
    watched: Atlas, tmp_path: Path, text: str
) -> None:
    home = Home(tmp_path / "home")
    AbcRegistry(watched.uri, home).open(NAME)
    (listing,) = home.folder.glob("releases/*/listing")
    whole = listing.read_bytes()
    listing.write_text(text)
    assert len(AbcRegistry(watched.uri, home).releases()) == 3
    assert listing.read_bytes() == whole


def test_home_that_cannot_be_written_works(watched: Atlas, tmp_path: Path) -> None:
    blocker = tmp_path / "file"
    blocker.write_bytes(b"")
    home = Home(blocker / "home")
    registry = AbcRegistry(watched.uri, home)
    assert registry.open(NAME).meta["release"] == "20250531"
    assert len(registry.revisions(NAME)) == 3
    assert blocker.read_bytes() == b""


# Offline


def _seen(atlas: Atlas, folder: Path) -> str:
    """Open the newest release once; return its top hash."""
    return AbcRegistry(atlas.uri, Home(folder)).open(NAME).top_hash


@pytest.mark.parametrize("network", ["refused", "silent"])
def test_offline_start_is_quick_and_says_so(
    watched: Atlas,
    fault_proxy: FaultProxy,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    network: str,
) -> None:
    folder = tmp_path / "home"
    top_hash = _seen(watched, folder)
    if network == "refused":
        monkeypatch.setenv("AWS_ENDPOINT_URL", REFUSED)
    fault_proxy.add(Silent(seconds=30))
    registry = AbcRegistry(watched.uri, Home(folder))
    started = time.monotonic()
    with pytest.warns(OfflineWarning, match="offline: abc.* using the releases seen last"):
        assert registry.open(NAME).top_hash == top_hash
    seconds = time.monotonic() - started
    print(f"{network}: {seconds:.2f} s")
    assert seconds < 3
    with pytest.warns(OfflineWarning):
        assert registry.releases() == ["20230830", "20231215", "20250531"]
    with pytest.warns(OfflineWarning):
        assert [one.pointer for one in registry.revisions(NAME)] == ["20250531"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert registry.open(NAME, "20250531").top_hash == top_hash
        assert registry.open(NAME, top_hash).top_hash == top_hash


def test_silent_network_does_not_hold_up_the_end_of_the_program(
    watched: Atlas, fault_proxy: FaultProxy, tmp_path: Path
) -> None:
    top_hash = _seen(watched, tmp_path / "home")
    fault_proxy.add(Silent(seconds=60))
    script = (
        "import sys\nfrom cellfolio.registries.abc.registry import AbcRegistry\n"
        "from cellfolio.storage.home import Home\n"
        "print(AbcRegistry(sys.argv[1], Home()).open('abc/atlas').top_hash)\n"
    )
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script, watched.uri],
        env={**os.environ, "CELLFOLIO_HOME": str(tmp_path / "home")},
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, top_hash, "")
    assert time.monotonic() - started < 15


def test_late_answer_is_used_next_time(
    watched: Atlas, fault_proxy: FaultProxy, tmp_path: Path
) -> None:
    folder = tmp_path / "home"
    _seen(watched, folder)
    watched.release("20250630")
    fault_proxy.add(Delay(seconds=1.5, when=LIST, times=1))
    registry = AbcRegistry(watched.uri, Home(folder))
    with pytest.warns(OfflineWarning, match=r"did not answer within 0\.7 seconds"):
        assert registry.open(NAME).meta["release"] == "20250531"
    assert fault_proxy.count("GET", "list-type=2") == 2
    (listing,) = folder.glob("releases/*/listing")
    end = time.monotonic() + 20
    while b"20250630" not in listing.read_bytes() and time.monotonic() < end:
        time.sleep(0.05)
    assert b"20250630" in listing.read_bytes()
    assert registry.open(NAME).meta["release"] == "20250630"


@pytest.mark.usefixtures("impatient")
def test_offline_and_never_seen_is_an_error(
    watched: Atlas, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", REFUSED)
    with pytest.raises(ServerUnreachable, match="could not be reached"):
        AbcRegistry(watched.uri, Home(tmp_path / "home")).open(NAME)


@pytest.mark.usefixtures("impatient")
def test_offline_with_a_damaged_manifest_is_one_clear_error(
    watched: Atlas, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "home"
    _seen(watched, folder)
    kept = kept_file(Home(folder), "20250531")
    kept.write_bytes(kept.read_bytes()[:-20])
    monkeypatch.setenv("AWS_ENDPOINT_URL", REFUSED)
    with pytest.raises(
        ServerUnreachable, match="the kept manifest of release 20250531 is damaged, and it cannot"
    ):
        AbcRegistry(watched.uri, Home(folder)).open(NAME, "20250531")
    with pytest.warns(OfflineWarning):
        assert AbcRegistry(watched.uri, Home(folder)).revisions(NAME) == []


def test_warm_open_of_a_real_release_is_quick(
    in_bucket: Atlas, shared: Path, tmp_path: Path
) -> None:
    in_bucket.release("20250531", real_manifest(shared, "20250531"))
    home = Home(tmp_path / "home")
    AbcRegistry(in_bucket.uri, home).open(NAME)
    times = []
    for _ in range(5):
        started = time.perf_counter()
        assert AbcRegistry(in_bucket.uri, home).open(NAME, "20250531").top_hash
        times.append(time.perf_counter() - started)
    print(f"warm open of 333 files: {min(times) * 1000:.1f} ms")
    assert min(times) < 0.25  # 15 ms where nothing else runs
