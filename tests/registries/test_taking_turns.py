"""We and quilt3 publish revisions of one package by turns; nobody's revision is lost unseen."""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import pytest

from cellfolio.errors import PushConflict
from cellfolio.package.package import Package
from cellfolio.registries import publish
from cellfolio.registries.publish import Pushed
from cellfolio.registries.quilt import QuiltRegistry
from cellfolio.workflows.opening import log_package, open_package
from tests.registries import quilt3_side
from tests.registries.peer import Peer
from tests.registries.samples import (
    LARGE,
    SMALL,
    Publisher,
    noise,
    read_files,
    wait_for_a_new_second,
    write_files,
)
from tests.servers.faults import Answer, Before, Delay, FaultProxy, Lose, On
from tests.servers.seaweed import SeaweedServer

NAME = "cells/plate-1"


def _pointers(s3: SeaweedServer, registry: str) -> dict[str, str]:
    client = s3.client()
    bucket, prefix = registry.removeprefix("s3://"), f".quilt/named_packages/{NAME}/"
    keys = [one["Key"] for one in client.list_objects_v2(Bucket=bucket, Prefix=prefix)["Contents"]]
    found = {
        key.removeprefix(prefix): client.get_object(Bucket=bucket, Key=key)["Body"].read().decode()
        for key in keys
    }
    client.close()
    return found


def test_three_revisions_by_turns(
    quilt3: Peer, registry: str, ada: Publisher, bob: Publisher, tmp_path: Path
) -> None:
    folder, work = tmp_path / "checkout", tmp_path / "theirs"
    files = {**SMALL, "fovs/deep/er.bin": noise(3, 100), "large.bin": LARGE["large/nine.bin"]}
    first = ada.push(registry, NAME, files, "one").package
    ada.get(f"{registry}/{NAME}", folder)
    assert read_files(folder) == files

    write_files(work, {"table.csv": b"changed by quilt3\n", "new/µ file.txt": b"new"})
    changes = {
        "table.csv": str(work / "table.csv"),
        "new/µ file.txt": str(work / "new/µ file.txt"),
        "fovs/deep/er.bin": None,
    }
    wait_for_a_new_second()
    second = quilt3.ask(quilt3_side.edit, registry, NAME, changes, "two")
    unchanged = "fovs/1.tiff"
    assert second.entries[unchanged].physical_key == first.entry(unchanged).physical_key

    got = ada.get(f"{registry}/{NAME}", folder)
    assert (got.placed, got.kept, got.removed, got.fetched) == (2, 4, 1, 2)
    del files["fovs/deep/er.bin"]
    files |= {"table.csv": b"changed by quilt3\n", "new/µ file.txt": b"new"}
    assert read_files(folder) == files
    assert not (folder / "fovs/deep").exists()

    files |= {"third.txt": b"third", "table.csv": b"changed by us"}
    third = ada.push(registry, NAME, files, "three")
    assert third.files_sent == 2

    history = [first.top_hash, second.top_hash, third.package.top_hash]
    lines = log_package(f"{registry}/{NAME}", bob.home)
    assert [line.revision.top_hash for line in reversed(lines)] == history
    assert [line.message for line in reversed(lines)] == ["one", "two", "three"]
    theirs = quilt3.ask(quilt3_side.list_versions, registry, NAME)
    assert theirs.pop("latest") == history[-1]
    assert [theirs[pointer] for pointer in sorted(theirs)] == history
    assert quilt3.ask(quilt3_side.install, registry, NAME, str(tmp_path / "installed"))
    assert read_files(tmp_path / "installed") == files
    assert bob.files(f"{registry}/{NAME}") == files


def test_metadata_they_set_survives_our_push(
    quilt3: Peer, registry: str, ada: Publisher, tmp_path: Path
) -> None:
    content = quilt3_side.Content(
        str(ada.folder(SMALL)), {"f": 1.0}, "one", {"table.csv": {"rows": 2}}
    )
    theirs = quilt3.ask(quilt3_side.push, registry, NAME, content)
    ada.get(f"{registry}/{NAME}", tmp_path / "checkout")
    package = open_package(f"{registry}/{NAME}", ada.home).package.with_header(message="two")
    ada.send(registry, NAME, package)
    seen = quilt3.ask(quilt3_side.browse, registry, NAME)
    assert seen.header == {**theirs.header, "message": "two"}
    assert seen.entries == theirs.entries


# Conflicts


def test_a_revision_of_quilt3_that_we_never_saw_stops_us(
    quilt3: Peer, registry: str, ada: Publisher, s3: SeaweedServer, tmp_path: Path
) -> None:
    first = ada.push(registry, NAME, {"a": b"1"}).package.top_hash
    path = write_files(tmp_path / "theirs", {"a": b"theirs"}) / "a"
    wait_for_a_new_second()
    theirs = quilt3.ask(quilt3_side.edit, registry, NAME, {"a": str(path)}, "theirs").top_hash
    before = _pointers(s3, registry)
    with pytest.raises(PushConflict, match=f"{NAME} changed in the registry") as caught:
        ada.push(registry, NAME, {"a": b"ours"})
    assert (caught.value.expected, caught.value.found) == (first, theirs)
    assert first in str(caught.value)
    assert theirs in str(caught.value)
    assert "force=True" in caught.value.hint
    assert _pointers(s3, registry) == before

    forced = ada.push(registry, NAME, {"a": b"ours"}, force=True).package.top_hash
    pointers = _pointers(s3, registry)
    assert pointers.pop("latest") == forced
    assert set(pointers.values()) == {first, theirs, forced}


def test_somebody_elses_package_is_not_overwritten(
    plain: str, ada: Publisher, bob: Publisher, tmp_path: Path
) -> None:
    first = ada.push(plain, NAME, {"a": b"1"}).package.top_hash
    with pytest.raises(PushConflict, match="expected its latest revision to be none") as caught:
        bob.push(plain, NAME, {"b": b"2"})
    assert (caught.value.expected, caught.value.found) == (None, first)
    bob.get(f"{plain}/{NAME}", tmp_path / "checkout")
    bob.push(plain, NAME, {"b": b"2"})
    with pytest.raises(PushConflict) as caught:
        ada.push(plain, NAME, {"a": b"3"})
    assert caught.value.expected == first


def test_pushing_again_and_again_does_not_conflict_with_oneself(
    registry: str, ada: Publisher
) -> None:
    for number in range(4):
        ada.push(registry, NAME, {"a": bytes([number])})
    with_new_client = Publisher(ada.home.folder.parent)
    with_new_client.push(registry, NAME, {"a": b"next day"})
    assert len(QuiltRegistry(registry, ada.home).revisions(NAME)) == 5


def test_quilt3_is_stopped_by_our_revision(
    quilt3: Peer, registry: str, ada: Publisher, tmp_path: Path
) -> None:
    """The other way round: its own check sees our pointer."""
    ada.push(registry, NAME, {"a": b"1"})
    content = quilt3_side.Content(str(write_files(tmp_path / "theirs", {"a": b"2"})))
    with pytest.raises(quilt3_side.Refused, match="QuiltConflictException"):
        quilt3.ask(quilt3_side.push, registry, NAME, content)


def _race(pushers: list[tuple[Publisher, str, Package]]) -> list[Pushed | PushConflict]:
    barrier = threading.Barrier(len(pushers))

    def push(one: tuple[Publisher, str, Package]) -> Pushed | PushConflict:
        who, registry, package = one
        barrier.wait()
        try:
            return who.send(registry, NAME, package)
        except PushConflict as conflict:
            return conflict

    with ThreadPoolExecutor(len(pushers)) as pool:
        return list(pool.map(push, pushers))


@pytest.mark.parametrize("kind", ["new", "known", "folder"])
def test_of_those_who_push_at_once_one_wins(
    s3: SeaweedServer, plain: str, tmp_path: Path, kind: str
) -> None:
    registry = (tmp_path / "registry").as_uri() if kind == "folder" else plain
    people = [Publisher(tmp_path / name) for name in ("ada", "bob", "cyd", "dan")]
    history = []
    if kind != "new":
        history = [people[0].push(registry, NAME, {"same": b"start"}).package.top_hash]
    for _ in range(2):
        contents = []
        for index, who in enumerate(people):
            if history:
                who.get(f"{registry}/{NAME}", tmp_path / f"checkout {index}")
            files = {"same": noise(100 * len(history) + index, 2000), f"{index}": os.urandom(50)}
            contents.append(files)
        packages = [who.package(files) for who, files in zip(people, contents, strict=True)]
        started = [(who, registry, one) for who, one in zip(people, packages, strict=True)]
        outcomes = _race(started)
        (winner,) = [index for index, one in enumerate(outcomes) if isinstance(one, Pushed)]
        won = packages[winner].top_hash
        losses = [one for one in outcomes if isinstance(one, PushConflict)]
        assert {(one.expected, one.found) for one in losses} == {
            (history[-1] if history else None, won)
        }
        history.append(won)
        revisions = QuiltRegistry(registry, people[0].home).revisions(NAME)
        assert [one.top_hash for one in reversed(revisions)] == history
        reader = Publisher(tmp_path / f"reader {len(history)}")
        assert reader.files(f"{registry}/{NAME}") == contents[winner]


def test_a_pointer_that_was_overtaken_does_not_stay(
    plain: str, ada: Publisher, s3: SeaweedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between two looks at the clock, somebody else pointed to the next second."""
    first = ada.push(plain, NAME, {"a": b"1"}).package.top_hash
    (began,) = (int(name) for name in _pointers(s3, plain) if name != "latest")
    now = began + 100
    key = f".quilt/named_packages/{NAME}/{now + 1}"
    s3.client().put_object(Bucket=plain.removeprefix("s3://"), Key=key, Body=first.encode())
    monkeypatch.setattr(publish, "time", SimpleNamespace(time=lambda: now))
    second = ada.push(plain, NAME, {"a": b"2"}).package.top_hash
    assert _pointers(s3, plain) == {
        str(began): first,
        str(now + 1): first,
        str(now + 2): second,
        "latest": second,
    }


def test_a_push_just_before_our_last_step_stops_us(
    registry: str,
    fault_proxy: FaultProxy,
    monkeypatch: pytest.MonkeyPatch,
    s3: SeaweedServer,
    ada: Publisher,
    bob: Publisher,
    tmp_path: Path,
) -> None:
    """All our bytes and our pointer are there when somebody else moves ``latest``."""
    first = ada.push(registry, NAME, {"a": b"1"}).package.top_hash
    bob.get(f"{registry}/{NAME}", tmp_path / "checkout")
    meanwhile: list[str] = []

    def push() -> None:
        meanwhile.append(bob.push(registry, NAME, {"a": b"bob"}).package.top_hash)

    fault_proxy.add(Before(number=1, when=On("PUT", f"{NAME}/latest"), action=push))
    monkeypatch.setenv("AWS_ENDPOINT_URL", fault_proxy.endpoint)
    late = Publisher(ada.home.folder.parent)  # same home, another client
    with pytest.raises(PushConflict) as caught:
        late.push(registry, NAME, {"a": b"ada"})
    assert [caught.value.expected, caught.value.found] == [first, *meanwhile]
    pointers = _pointers(s3, registry)
    assert pointers.pop("latest") == meanwhile[0]
    assert sorted(pointers.values()) == sorted([first, meanwhile[0]])
    assert bob.files(f"{registry}/{NAME}") == {"a": b"bob"}


@pytest.mark.parametrize("pointer", ["latest", "17", "packages/"])
def test_an_answer_that_is_lost_is_no_conflict(
    registry: str,
    fault_proxy: FaultProxy,
    monkeypatch: pytest.MonkeyPatch,
    s3: SeaweedServer,
    ada: Publisher,
    pointer: str,
) -> None:
    """The server moved the pointer, the answer did not arrive, and the client asks again."""
    first = ada.push(registry, NAME, {"a": b"1"}).package.top_hash
    monkeypatch.setenv("AWS_ENDPOINT_URL", fault_proxy.endpoint)
    where = f"{NAME}/{pointer}" if pointer != "packages/" else f"/.quilt/{pointer}"
    fault_proxy.add(Lose(when=On("PUT", where), times=1))
    again = Publisher(ada.home.folder.parent)
    second = again.push(registry, NAME, {"a": b"2"}).package.top_hash
    pointers = _pointers(s3, registry)
    assert pointers.pop("latest") == second
    assert sorted(pointers.values()) == sorted([first, second])


@pytest.mark.parametrize("read", [1, 2])
def test_a_busy_server_stops_neither_push_nor_get(
    plain: str, fault_proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch, ada: Publisher, read: int
) -> None:
    """Each of the reads of ``latest`` is refused once."""
    ada.push(plain, NAME, {"a": b"1"})
    ada.push(plain, NAME, {"a": b"2"})
    monkeypatch.setenv("AWS_ENDPOINT_URL", fault_proxy.endpoint)
    asked: list[str] = []

    def refused(method: str, path: str) -> bool:
        if method == "GET" and path.endswith(f"{NAME}/latest"):
            asked.append(path)
            return len(asked) == read
        return False

    fault_proxy.add(Answer(status=503, when=refused))
    again = Publisher(ada.home.folder.parent)
    again.push(plain, NAME, {"a": b"3"})
    assert len(asked) == 3
    asked[:] = [""] * (read - 1)
    assert again.files(f"{plain}/{NAME}") == {"a": b"3"}


@pytest.mark.slow
@pytest.mark.parametrize("read", [1, 2])
def test_a_slow_server_is_waited_for_in_a_push(
    plain: str, fault_proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch, ada: Publisher, read: int
) -> None:
    """The revision seen last may be shown when a server is slow, but never pushed upon."""
    ada.push(plain, NAME, {"a": b"1"})
    ada.push(plain, NAME, {"a": b"2"})
    monkeypatch.setenv("AWS_ENDPOINT_URL", fault_proxy.endpoint)
    asked: list[str] = []

    def slow(method: str, path: str) -> bool:
        if method == "GET" and path.endswith(f"{NAME}/latest"):
            asked.append(path)
            return len(asked) == read
        return False

    fault_proxy.add(Delay(seconds=5, when=slow))
    Publisher(ada.home.folder.parent).push(plain, NAME, {"a": b"3"})
    assert len(asked) == 2
