"""Mirrors: where an address is read from instead, and that nothing is written there."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellfolio.errors import InvalidArgument, ObjectNotFound
from cellfolio.package.digests import digest_of
from cellfolio.package.entry import Entry
from cellfolio.storage.home import Home, ensure_held
from cellfolio.storage.mirrors import parse_mirrors
from cellfolio.storage.places import Place, parse_uri
from cellfolio.storage.remote import Remotes

PATHS = st.lists(st.text("abc .+~é", min_size=1, max_size=5), min_size=1, max_size=4).map("/".join)


@given(PATHS)
def test_without_rules_everything_stays(path: str) -> None:
    place = Place("s3://bucket", path, "v1")
    assert parse_mirrors("").locate(place) == place


@given(PATHS)
def test_one_place_holds_every_bucket_and_host(path: str) -> None:
    mirrors = parse_mirrors("file:///data/open")
    assert mirrors.locate(Place("s3://bucket", path)) == Place(
        "file://", f"data/open/bucket/{path}"
    )
    assert mirrors.locate(Place("https://host", path)).path == f"data/open/host/{path}"
    local = Place("file://", path)
    assert mirrors.locate(local) == local


def test_the_longest_rule_counts() -> None:
    mirrors = parse_mirrors("s3://b=s3://one  s3://b/deep=s3://two/x\ns3://c=file:///c s3://rest")
    assert mirrors.locate(Place("s3://b", "deep/a")) == Place("s3://two", "x/a")
    assert mirrors.locate(Place("s3://b", "deeper/a")) == Place("s3://one", "deeper/a")
    assert mirrors.locate(Place("s3://b", "deep")) == Place("s3://two", "x")
    assert mirrors.locate(Place("s3://c", "a")) == Place("file://", "c/a")
    assert mirrors.locate(Place("s3://d", "a")) == Place("s3://rest", "d/a")


def test_a_version_is_asked_for_only_where_there_can_be_one() -> None:
    mirrors = parse_mirrors("s3://b=file:///b s3://c=s3://d")
    assert mirrors.locate(Place("s3://b", "a", "v1")).version is None
    assert mirrors.locate(Place("s3://c", "a", "v1")).version == "v1"


def test_what_lies_in_the_mirror_already_is_not_sent_there_again() -> None:
    mirrors = parse_mirrors("s3://lab/mirror")
    assert mirrors.locate(Place("s3://lab", "mirror/gallery/a")).path == "mirror/gallery/a"
    assert mirrors.locate(Place("s3://lab", "other/a")).path == "mirror/lab/other/a"


@pytest.mark.parametrize("text", ["nowhere", "s3://a=nowhere", "s3://a s3://b", "s3://a=ftp://b"])
def test_a_rule_that_cannot_be_used_is_named(text: str) -> None:
    with pytest.raises(InvalidArgument, match="CELLFOLIO_MIRROR: "):
        parse_mirrors(text)


def test_everything_is_read_from_a_mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "mirror" / "gallery" / "x y"
    folder.mkdir(parents=True)
    (folder / "b.csv").write_bytes(b"1,2\n")
    (folder / "a.csv").write_bytes(b"3\n")
    monkeypatch.setenv("CELLFOLIO_MIRROR", (tmp_path / "mirror").as_uri())
    home = Home(tmp_path / "home")
    remotes, place = home.remotes, parse_uri("s3://gallery/x%20y/b.csv")
    assert remotes.read(place)[0] == b"1,2\n"
    head = remotes.head(place)
    assert head is not None
    assert (head.path, head.size) == ("x y/b.csv", 4)
    assert remotes.get(place, span=(1, 3)).read() == b",2"
    listed = [info.path for info in remotes.objects(Place("s3://gallery", "x y"))]
    assert sorted(listed) == ["x y/a.csv", "x y/b.csv"]
    assert remotes.folders(Place("s3://gallery", "")) == ["x y"]
    assert remotes.head(Place("s3://gallery", "none")) is None
    with pytest.raises(ObjectNotFound, match="mirror/gallery/none"):
        remotes.read(Place("s3://gallery", "none"))
    entry = Entry("b.csv", place.uri, 4, digest_of(b"1,2\n", "SHA256"))
    (path,) = ensure_held([entry], home, None).paths.values()
    assert path.read_bytes() == b"1,2\n"


def test_nothing_is_written_to_a_mirror(tmp_path: Path) -> None:
    remotes = Remotes(parse_mirrors(f"s3://gallery={tmp_path.as_uri()}").locate)
    with pytest.raises(InvalidArgument, match="nothing is written to a mirror"):
        remotes.put(Place("s3://gallery", "a"), b"x")
    with pytest.raises(InvalidArgument, match="nothing is written to a mirror"):
        remotes.delete(Place("s3://gallery", "a"))
    assert not list(tmp_path.iterdir())


def test_a_start_for_listing_is_meant_as_in_the_original(
    bucket: str, s3_env: dict[str, str]
) -> None:
    Remotes().put(Place(f"s3://{bucket}", "deep/a/1"), b"x")
    Remotes().put(Place(f"s3://{bucket}", "deep/a/2"), b"x")
    remotes = Remotes(parse_mirrors(f"s3://gallery=s3://{bucket}/deep").locate)
    listed = remotes.objects(Place("s3://gallery", "a"), after="a/1")
    assert [info.path for info in listed] == ["a/2"]
