"""Bytes a registry has are not sent again, and never taken from a place that lost them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.registries import quilt3_side
from tests.registries.peer import Peer
from tests.registries.samples import LARGE, SMALL, Publisher, noise
from tests.servers.faults import FaultProxy
from tests.servers.seaweed import SeaweedServer

NAME = "cells/plate-1"


@pytest.fixture
def watched(fault_proxy: FaultProxy, registry: str, monkeypatch: pytest.MonkeyPatch) -> FaultProxy:
    """Every request of our clients is seen."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", fault_proxy.endpoint)
    return fault_proxy


def _data_puts(proxy: FaultProxy) -> list[str]:
    puts = [r.path for r in proxy.requests if r.method in ("PUT", "POST")]
    return [path for path in puts if "/.quilt/" not in path]


def test_same_bytes_under_other_keys_and_packages_are_not_sent(
    quilt3: Peer, registry: str, watched: FaultProxy, ada: Publisher, tmp_path: Path
) -> None:
    files = {**SMALL, "large.bin": LARGE["large/nine.bin"], "again/1.tiff": SMALL["fovs/1.tiff"]}
    first = ada.push(registry, NAME, files)
    assert first.files_sent == len(files) - 1
    watched.reset()

    moved = {f"renamed/{key}": data for key, data in files.items()}
    assert ada.push(registry, NAME, moved).files_sent == 0
    assert ada.push(registry, "cells/plate-2", files, "a copy").files_sent == 0
    assert _data_puts(watched) == []
    for name, expected in ((NAME, moved), ("cells/plate-2", files)):
        folder = tmp_path / name
        assert quilt3.ask(quilt3_side.install, registry, name, str(folder))
        assert ada.files(f"{registry}/{name}") == expected


def test_a_new_home_sends_nothing_either(
    registry: str, watched: FaultProxy, ada: Publisher, bob: Publisher
) -> None:
    ada.push(registry, NAME, SMALL)
    watched.reset()
    assert bob.push(registry, "cells/copy", {**SMALL, "new": b"new"}).files_sent == 1
    assert len(_data_puts(watched)) == 1


def test_pushing_an_unchanged_package_asks_once(
    registry: str, watched: FaultProxy, ada: Publisher
) -> None:
    files = {f"many/{index:03}.txt": noise(index, 100) for index in range(60)}
    ada.push(registry, NAME, files, "one")
    watched.reset()
    again = ada.push(registry, NAME, files, "one")
    assert (again.unchanged, again.files_sent) == (True, 0)
    assert watched.count() <= 2  # the rules, the pointer

    watched.reset()
    renamed = ada.push(registry, NAME, files, "two")
    assert (renamed.unchanged, renamed.files_sent) == (False, 0)
    assert _data_puts(watched) == []
    assert watched.count() <= 16
    assert watched.count(contains="/many/") == 0


def test_one_changed_file_is_the_only_one_sent(
    registry: str, watched: FaultProxy, ada: Publisher
) -> None:
    files = {f"many/{index:03}.txt": noise(index, 100) for index in range(60)}
    ada.push(registry, NAME, files)
    watched.reset()
    files["many/007.txt"] = b"changed"
    assert ada.push(registry, NAME, files).files_sent == 1
    assert len(_data_puts(watched)) == 1
    assert watched.count() <= 20


def test_bytes_pushed_by_quilt3_are_not_sent_again(
    quilt3: Peer, registry: str, watched: FaultProxy, ada: Publisher
) -> None:
    content = quilt3_side.Content(str(ada.folder({**SMALL, "n": LARGE["large/nine.bin"]})))
    quilt3.ask(quilt3_side.push, registry, NAME, content)
    files = {"n2": LARGE["large/nine.bin"], **{f"x/{key}": SMALL[key] for key in SMALL}}
    assert ada.push(registry, "cells/ours", files).files_sent == 0
    assert _data_puts(watched) == []
    assert ada.files(f"{registry}/cells/ours") == files


# Places that lost their bytes


def test_bytes_that_quilt3_overwrote_are_sent(
    quilt3: Peer, registry: str, ada: Publisher, bob: Publisher
) -> None:
    """quilt3 puts revision 2 over revision 1; revision 1's manifest still names the place."""
    for message, data in (("one", b"first"), ("two", b"other")):
        content = quilt3_side.Content(str(ada.folder({"a.txt": data})), message=message)
        quilt3.ask(quilt3_side.push, registry, NAME, content, force=True)
    ada.push(registry, "cells/ours", {"a.txt": b"first"})
    assert bob.files(f"{registry}/cells/ours") == {"a.txt": b"first"}
    ada.push(registry, NAME, {"a.txt": b"first"}, "back to the first", force=True)
    assert bob.files(f"{registry}/{NAME}") == {"a.txt": b"first"}


@pytest.mark.parametrize("name", [NAME, "cells/other"])
def test_bytes_that_somebody_removed_are_sent(
    plain: str, ada: Publisher, bob: Publisher, s3: SeaweedServer, name: str
) -> None:
    ada.push(plain, NAME, SMALL)
    client = s3.client()
    client.delete_object(Bucket=plain.removeprefix("s3://"), Key=f"{NAME}/fovs/1.tiff")
    client.close()
    assert ada.push(plain, name, {**SMALL, "new": b"new"}).files_sent == 2
    assert bob.files(f"{plain}/{name}") == {**SMALL, "new": b"new"}


@pytest.mark.parametrize("name", [NAME, "cells/other"])
def test_bytes_that_somebody_overwrote_are_sent(
    plain: str, ada: Publisher, bob: Publisher, s3: SeaweedServer, name: str
) -> None:
    ada.push(plain, NAME, SMALL)
    client = s3.client()
    client.put_object(
        Bucket=plain.removeprefix("s3://"), Key=f"{NAME}/fovs/1.tiff", Body=b"of another size"
    )
    client.close()
    ada.push(plain, name, {**SMALL, "new": b"new"})
    assert bob.files(f"{plain}/{name}") == {**SMALL, "new": b"new"}


def test_objects_with_odd_names_do_not_stop_a_push(
    plain: str, ada: Publisher, bob: Publisher, s3: SeaweedServer
) -> None:
    """Other programs make folder markers and keys with empty components."""
    client = s3.client()
    for key in (f"{NAME}/", f"{NAME}/fovs/", ".quilt/named_packages/"):
        client.put_object(Bucket=plain.removeprefix("s3://"), Key=key, Body=b"")
    client.close()
    ada.push(plain, NAME, SMALL)
    assert bob.files(f"{plain}/{NAME}") == SMALL
