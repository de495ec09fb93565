"""Folders as zip files: right bytes, confined names, bounds."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path, PurePosixPath, PureWindowsPath

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellfolio.package.entry import Entry
from cellfolio.package.keys import check_key
from cellfolio.package.package import Package
from cellfolio.storage.home import Home
from cellfolio.web import archives
from cellfolio.web.archives import names_in_zip, stream_zip
from cellfolio.web.working import TooBusy
from cellfolio.workflows.publishing import save
from tests.servers.faults import Answer, FaultProxy, On
from tests.web.conftest import OpenPortal
from tests.web.published import HOSTILE, NAME, build_revisions, publish


def unpack(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def test_package_of_this_machine_is_sent_whole(
    open_portal: OpenPortal, client: httpx.Client, tmp_path: Path
) -> None:
    home = Home()
    found = build_revisions(tmp_path / "plates", home)
    answer = client.get(f"{open_portal().url}api/zip/{NAME}")
    root = f"lab-plates-{found.second.top_hash[:8]}"
    assert answer.headers["content-type"] == "application/zip"
    assert answer.headers["content-disposition"].endswith(f"{root}.zip")
    files = unpack(answer.content)
    assert len(files) == found.second.file_count
    assert {name.partition("/")[0] for name in files} == {root}
    assert files[f"{root}/images/p1/s3.tiff"] == b"\3" * 50_000
    assert sorted(files.values()) == sorted(
        (tmp_path / "plates" / entry.logical_key).read_bytes() for entry in found.second.walk()
    )


def test_folder_of_a_bucket_is_fetched_checked_and_sent(
    open_portal: OpenPortal,
    client: httpx.Client,
    tmp_path: Path,
    bucket: str,
    s3_env: dict[str, str],
) -> None:
    author = Home(tmp_path / "author")
    found = publish(build_revisions(tmp_path / "plates", author), bucket, author)
    url = str(httpx.URL(open_portal(f"s3://{bucket}/{NAME}").url).join("/"))
    files = unpack(client.get(f"{url}api/zip/{NAME}/images").content)
    root = f"images-{found.second.top_hash[:8]}"
    assert files == {f"{root}/p1/s{site}.tiff": bytes([site]) * 50_000 for site in range(4)}
    held = Home().blobs
    assert sum(1 for _ in held.all()) == 4


def test_what_cannot_be_fetched_is_an_error_and_no_zip(
    open_portal: OpenPortal,
    client: httpx.Client,
    bucket: str,
    s3_env: dict[str, str],
    fault_proxy: FaultProxy,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    author = Home(tmp_path / "author")
    publish(build_revisions(tmp_path / "plates", author), bucket, author)
    monkeypatch.setenv("AWS_ENDPOINT_URL", fault_proxy.endpoint)
    fault_proxy.add(Answer(when=On("GET", "/s2.tiff"), status=404))
    url = str(httpx.URL(open_portal(f"s3://{bucket}/{NAME}").url).join("/"))
    for _ in range(archives.AT_ONCE + 1):  # a failure gives its turn back
        answer = client.get(f"{url}api/zip/{NAME}")
        assert answer.status_code == 502
        assert "1 of" in answer.json()["error"]


def test_too_much_is_refused_before_anything_is_fetched(
    open_portal: OpenPortal, client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    entries = [Entry("a", "s3://nowhere/a", archives.MOST_BYTES), Entry("b", "s3://nowhere/b", 1)]
    save(Package.of(entries), NAME, Home())
    answer = client.get(f"{open_portal().url}api/zip/{NAME}")
    assert answer.status_code == 400
    assert "cellfolio get" in answer.json()["hint"]
    assert client.get(f"{open_portal().url}api/zip/{NAME}/a").status_code == 400


def test_only_some_are_made_at_a_time_and_who_leaves_gives_way(tmp_path: Path, home: Home) -> None:
    (tmp_path / "a").write_bytes(b"x" * 3_000_000)
    entries = [Entry("a", (tmp_path / "a").as_uri(), 3_000_000)]
    begun = [stream_zip(entries, "root", 0, home) for _ in range(archives.AT_ONCE)]
    with pytest.raises(TooBusy):
        stream_zip(entries, "root", 0, home)
    next(begun[0])
    del begun  # as when readers hang up, before or after the first byte
    assert unpack(b"".join(stream_zip(entries, "root", 0, home))) == {"root/a": b"x" * 3_000_000}


PIECES = [*'aB./:*\n\r\t"<>|? \u202e\0\\é', "aux", "CON", ".."]
KEYS = st.lists(st.sampled_from(PIECES), max_size=12).map("".join)


def is_key(text: str) -> bool:
    try:
        return bool(check_key(text))
    except ValueError:
        return False


@given(st.sets(KEYS.filter(is_key), max_size=8))
def test_no_name_leads_out_of_the_folder_and_none_is_there_twice(keys: set[str]) -> None:
    ordered = sorted([*keys, *HOSTILE])
    names = names_in_zip(ordered, "root")
    assert len({name.casefold() for name in names}) == len(ordered)
    for name in names:
        assert name.isprintable()
        for path in (PurePosixPath(name), PureWindowsPath(name)):
            assert path.parts[0] == "root"
            assert ".." not in path.parts
            assert not path.is_absolute()
            assert not PureWindowsPath(name).drive
