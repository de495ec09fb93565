"""Naming revisions: hashes, times, ``latest``, Quilt+ URIs; and histories with holes."""

from __future__ import annotations

import shutil
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cellfolio.errors import InvalidReference, ManifestMismatch, PackageNotFound, RevisionNotFound
from cellfolio.package.package import Package
from cellfolio.registries.quilt import QuiltRegistry
from cellfolio.workflows.opening import list_packages, log_package, open_package
from tests.registries import quilt3_side
from tests.registries.peer import Peer
from tests.registries.samples import SMALL, Publisher
from tests.servers.seaweed import SeaweedServer

NAME = "cells/plate-1"


@pytest.fixture(params=["bucket", "folder"])
def anywhere(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A fresh registry in a bucket, then one in a folder."""
    if request.param == "folder":
        return (tmp_path / "registry").as_uri()
    found: str = request.getfixturevalue("plain")
    return found


def _point(registry: str, pointer: str, top_hash: str, s3: SeaweedServer) -> None:
    """Write a pointer as another program would."""
    key = f".quilt/named_packages/{NAME}/{pointer}"
    if registry.startswith("file:"):
        path = Path(registry.removeprefix("file://")) / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(top_hash)
        return
    client = s3.client()
    client.put_object(Bucket=registry.removeprefix("s3://"), Key=key, Body=top_hash.encode())
    client.close()


def _remove_pointers(registry: str, s3: SeaweedServer) -> None:
    prefix = f".quilt/named_packages/{NAME}/"
    if registry.startswith("file:"):
        shutil.rmtree(Path(registry.removeprefix("file://")) / prefix)
        return
    client = s3.client()
    bucket = registry.removeprefix("s3://")
    for one in client.list_objects_v2(Bucket=bucket, Prefix=prefix)["Contents"]:
        client.delete_object(Bucket=bucket, Key=one["Key"])
    client.close()


def test_every_way_to_name_a_revision(anywhere: str, ada: Publisher, s3: SeaweedServer) -> None:
    one = ada.push(anywhere, NAME, {"a": b"1"}, "one").package.top_hash
    two = ada.push(anywhere, NAME, {"a": b"2"}, "two").package.top_hash
    _remove_pointers(anywhere, s3)
    _point(anywhere, "1577836800", one, s3)  # 2020-01-01T00:00:00Z
    _point(anywhere, "1580515200", two, s3)  # 2020-02-01T00:00:00Z
    _point(anywhere, "latest", two, s3)
    names = {
        one: one,
        two: two,
        one[:6]: one,
        two[:12]: two,
        "latest": two,
        "1577836800": one,
        "1577836801": one,
        "1580515200": two,
        "2020-01-01": one,
        "2020-01-31": one,
        "2020-02-01": two,
        "2020-01-31T23:59:59": one,
        "2020-02-01T00:00": two,
        "2020-02-01T00:59+01:00": one,
        "2030-01-01": two,
    }
    found = {name: open_package(f"{anywhere}/{NAME}@{name}", ada.home).package for name in names}
    assert {name: package.top_hash for name, package in found.items()} == names
    assert open_package(f"{anywhere}/{NAME}", ada.home).package.top_hash == two


def test_a_path_into_a_registry_is_the_package_and_not_the_folder_of_its_data(
    ada: Publisher, tmp_path: Path
) -> None:
    there = tmp_path / "shared"
    files = {**SMALL, "fovs/twin of 1.tiff": SMALL["fovs/1.tiff"]}
    ada.push(there.as_uri(), "cells/small", {"gone.csv": b"gone\n"})
    ada.push(there.as_uri(), "cells/small", files)
    assert ada.files(f"{there}/cells/small") == files
    assert ada.files(f"{there}/cells/small/fovs") == {
        key: data for key, data in files.items() if key.startswith("fovs/")
    }
    folder = there / "cells/other"  # lies there, and was not published
    folder.mkdir()
    (folder / "a.csv").write_text("a\n")
    assert ada.files(str(folder)) == {"a.csv": b"a\n"}
    assert "cells/small/gone.csv" in ada.files(str(there))


@pytest.mark.parametrize(
    ("revision", "error", "message"),
    [
        ("0" * 64, RevisionNotFound, "the manifest 0000.* is not in "),
        ("000000", RevisionNotFound, "no revisions of cells/plate-1 start with 000000"),
        ("1999-12-31", RevisionNotFound, "no revision as old as 1999-12-31; the first is of 20"),
        ("946684799", RevisionNotFound, "no revision as old as 946684799"),
        ("00000", InvalidReference, "'00000' is not a revision; expected 'latest', a top hash"),
        ("newest", InvalidReference, "'newest' is not a revision"),
        ("2020-13-01", InvalidReference, "'2020-13-01' is not a revision"),
        ("12345678901234567890", RevisionNotFound, "no revisions .* start with 12345678901234567"),
    ],
)
def test_names_that_lead_nowhere(
    anywhere: str, ada: Publisher, revision: str, error: type[Exception], message: str
) -> None:
    ada.push(anywhere, NAME, {"a": b"1"})
    with pytest.raises(error, match=message):
        open_package(f"{anywhere}/{NAME}@{revision}", ada.home)


def test_packages_that_are_not_there(anywhere: str, ada: Publisher) -> None:
    ada.push(anywhere, NAME, {"a": b"1"})
    for revision in ("", "@latest", "@123456", "@2020-01-01"):
        with pytest.raises(PackageNotFound, match="has no package 'cells/none'"):
            open_package(f"{anywhere}/cells/none{revision}", ada.home)
    assert list_packages(anywhere, ada.home) == [NAME]


def test_short_hashes_need_no_pointer(
    quilt3: Peer, anywhere: str, ada: Publisher, bob: Publisher, s3: SeaweedServer
) -> None:
    """A manifest that no pointer of the package names is still found, as quilt3 does."""
    hashes = [ada.push(anywhere, NAME, {"a": bytes([n])}).package.top_hash for n in range(12)]
    _remove_pointers(anywhere, s3)
    _point(anywhere, "latest", hashes[0], s3)
    for top_hash in hashes:
        opened = open_package(f"{anywhere}/{NAME}@{top_hash[:10]}", bob.home)
        assert opened.package.top_hash == top_hash
        assert quilt3.ask(quilt3_side.browse, anywhere, NAME, top_hash[:10]).top_hash == top_hash


def test_ambiguous_short_hashes_are_refused(anywhere: str, ada: Publisher) -> None:
    seen: dict[str, Package] = {}
    for count in range(100_000):
        one = Package.of([], message=str(count))
        if one.top_hash[:6] in seen:
            break
        seen[one.top_hash[:6]] = one
    other = seen[one.top_hash[:6]]
    ada.send(anywhere, NAME, one)
    ada.send(anywhere, NAME, other)
    both = ", ".join(sorted([one.top_hash, other.top_hash]))
    with pytest.raises(RevisionNotFound, match=f"2 revisions of {NAME} start with .*: {both}"):
        open_package(f"{anywhere}/{NAME}@{one.top_hash[:6]}", ada.home)
    opened = open_package(f"{anywhere}/{NAME}@{other.top_hash[:20]}", ada.home)
    assert opened.package.message == other.message


def test_pushes_within_one_second_keep_all_pointers(
    quilt3: Peer, registry: str, ada: Publisher, bob: Publisher
) -> None:
    hashes = [ada.push(registry, NAME, {"a": bytes([n])}).package.top_hash for n in range(4)]
    revisions = QuiltRegistry(registry, bob.home).revisions(NAME)
    assert [one.top_hash for one in reversed(revisions)] == hashes
    assert len({one.pointer for one in revisions}) == 4
    now = datetime.now(UTC)
    assert all(abs(one.time - now) < timedelta(minutes=1) for one in revisions)
    theirs = quilt3.ask(quilt3_side.list_versions, registry, NAME)
    assert theirs.pop("latest") == hashes[-1]
    assert [theirs[pointer] for pointer in sorted(theirs)] == hashes


def test_two_histories_in_one_registry_stay_apart(
    quilt3: Peer, registry: str, ada: Publisher
) -> None:
    """A name that another begins with is another package."""
    for name in ("cells/plate", "cells/plate-1", "cells-2/plate"):
        ada.push(registry, name, {"a": name.encode()}, name)
    names = ["cells-2/plate", "cells/plate", "cells/plate-1"]
    assert list_packages(registry, ada.home) == names
    assert quilt3.ask(quilt3_side.list_packages, registry) == names
    (line,) = log_package(f"{registry}/cells/plate", ada.home)
    assert line.message == "cells/plate"


def test_quilt_plus_uris(plain: str, ada: Publisher) -> None:
    one = ada.push(plain, NAME, SMALL, "one").package.top_hash
    two = ada.push(plain, NAME, {"a b.txt": b"2"}, "two").package.top_hash
    base = f"quilt+{plain}#package={NAME}"
    for uri, top_hash, path in (
        (base, two, ""),
        (f"{base}:latest", two, ""),
        (f"{base}@{one}", one, ""),
        (f"{base}@{one[:8]}&path=fovs", one, "fovs"),
        (f"{base}@{one}&path=fovs/1.tiff&catalog=example.org", one, "fovs/1.tiff"),
        (f"{base}&path=a%20b.txt", two, "a b.txt"),
        (base.replace("/plate", "%2Fplate"), two, ""),
    ):
        opened = open_package(uri, ada.home)
        assert (opened.registry, opened.name, opened.path) == (plain, NAME, path)
        assert opened.package.top_hash == top_hash
    assert ada.files(f"{base}@{one}&path=fovs") == {
        key: data for key, data in SMALL.items() if key.startswith("fovs/")
    }


def test_a_damaged_pointer_is_named(anywhere: str, ada: Publisher, s3: SeaweedServer) -> None:
    top_hash = ada.push(anywhere, NAME, {"a": b"1"}).package.top_hash
    _point(anywhere, "latest", "<Error>", s3)
    with pytest.raises(RevisionNotFound, match=r"latest should hold a top hash .*'<Error>'"):
        open_package(f"{anywhere}/{NAME}", ada.home)
    assert open_package(f"{anywhere}/{NAME}@{top_hash}", ada.home).package.top_hash == top_hash


def test_pointers_that_other_programs_name_otherwise_are_passed_over(
    anywhere: str, ada: Publisher, s3: SeaweedServer
) -> None:
    top_hash = ada.push(anywhere, NAME, {"a": b"1"}).package.top_hash
    for pointer in ("v1.0", "1680720821123456", "stable"):
        _point(anywhere, pointer, top_hash, s3)
    (line,) = log_package(f"{anywhere}/{NAME}", ada.home)
    assert line.revision.top_hash == top_hash


# Real data: a registry whose history has holes

ALTERED = "3210f808ac0467726439191eea3bd0a66ab261122ee55758367620fedc77fe08"
"""A manifest of it that was edited by hand and does not give its top hash."""


@pytest.fixture
def quiltcore(shared: Path, tmp_path: Path) -> Path:
    """A writable copy of the registry that Quilt's own tests use."""
    folder = tmp_path / "quiltcore"
    shutil.copytree(shared / "data/quilt_manifests/quiltcore", folder)
    return folder


def test_real_registry_is_listed_as_quilt3_lists_it(
    quilt3: Peer, quiltcore: Path, ada: Publisher
) -> None:
    registry = quiltcore.as_uri()
    names = list_packages(registry, ada.home)
    assert names == quilt3.ask(quilt3_side.list_packages, registry)
    assert len(names) > 1
    for name in names:
        ours = {r.pointer: r.top_hash for r in QuiltRegistry(registry, ada.home).revisions(name)}
        theirs = quilt3.ask(quilt3_side.list_versions, registry, name)
        theirs.pop("latest", None)
        assert ours == {pointer: top_hash.strip() for pointer, top_hash in theirs.items()}


def test_real_registry_has_holes_and_the_log_goes_on(quiltcore: Path, ada: Publisher) -> None:
    registry = quiltcore.as_uri()
    present = {path.name for path in (quiltcore / ".quilt/packages").iterdir()}
    opened, absent = 0, 0
    for name in list_packages(registry, ada.home):
        lines = log_package(f"{registry}/{name}", ada.home)
        assert len(lines) == len(QuiltRegistry(registry, ada.home).revisions(name))
        for top_hash in {line.revision.top_hash for line in lines}:
            if top_hash == ALTERED:
                with pytest.raises(ManifestMismatch, match=f"expected {ALTERED}, found 85f047e3"):
                    open_package(f"{registry}/{name}@{top_hash}", ada.home)
            elif top_hash in present:
                opened += 1
                package = open_package(f"{registry}/{name}@{top_hash}", ada.home).package
                assert package.top_hash == top_hash
            else:
                absent += 1
                with pytest.raises(RevisionNotFound, match=f"{top_hash} of {name} is not in "):
                    open_package(f"{registry}/{name}@{top_hash}", ada.home)
        for line in lines:
            if line.revision.top_hash not in present:
                assert line.message is None
    assert opened
    assert absent


def test_real_manifests_all_open_as_quilt3_opens_them(
    quilt3: Peer, quiltcore: Path, ada: Publisher
) -> None:
    registry = QuiltRegistry(quiltcore.as_uri(), ada.home)
    name = registry.packages()[0]
    for path in sorted((quiltcore / ".quilt/packages").iterdir()):
        if path.name == ALTERED:
            continue  # nor does quilt3 read it
        package = registry.open(name, path.name)
        theirs = quilt3.ask(quilt3_side.load, str(path))
        assert package.top_hash == path.name == theirs.top_hash
        assert {e.logical_key: e.size for e in package.walk()} == {
            key: entry.size for key, entry in theirs.entries.items()
        }


def test_log_is_newest_first_with_messages(registry: str, ada: Publisher) -> None:
    started = time.time()
    for message in ("one", "two", None):
        ada.push(registry, NAME, {"a": str(message).encode()}, message)
    lines = log_package(f"{registry}/{NAME}", ada.home)
    assert [line.message for line in lines] == [None, "two", "one"]
    assert all(line.revision.time.timestamp() >= int(started) for line in lines)
