"""Remote stores by URI: S3, HTTP, folders, memory; settings from the environment; errors."""

from __future__ import annotations

import functools
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from cellfolio.errors import (
    AccessRefused,
    InvalidReference,
    ObjectNotFound,
    ServerUnreachable,
    TransferError,
)
from cellfolio.package.digests import digest_of
from cellfolio.package.entry import Entry
from cellfolio.package.package import Package
from cellfolio.storage.clients import bucket_region
from cellfolio.storage.home import Home, ensure_held
from cellfolio.storage.places import Place, local_path, parse_uri
from cellfolio.storage.remote import Remotes
from cellfolio.storage.trouble import ChangedMeanwhile
from cellfolio.workflows import verbs
from cellfolio.workflows.getting import get_package
from cellfolio.workflows.opening import Opened
from tests.servers.faults import Answer, FaultProxy


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None: ...  # noqa: A002


class _Regional(_Quiet):
    def do_HEAD(self) -> None:
        self.send_response(403)
        self.send_header("x-amz-bucket-region", "eu-central-1")
        self.end_headers()


def _serve(handler: object) -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)  # type: ignore[arg-type]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def web(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """A plain web server over a folder, without ranges; its address and the folder."""
    folder = tmp_path / "www"
    folder.mkdir()
    for address in _serve(functools.partial(_Quiet, directory=str(folder))):
        yield address, folder


@pytest.fixture
def regional() -> Iterator[str]:
    """A server that refuses, and names a region, as S3 does."""
    yield from _serve(_Regional)


@pytest.mark.parametrize("size", [0, 10, 3 * 2**20, 34 * 2**20])
def test_files_of_a_web_server_without_ranges(web: tuple[str, Path], home: Home, size: int) -> None:
    address, folder = web
    data = (b"cellfolio" * (size // 9 + 1))[:size]
    (folder / "a file.bin").write_bytes(data)
    entry = Entry("a file.bin", f"{address}/a%20file.bin", size, digest_of(data))
    ensured = ensure_held([entry], home, None)
    (path,) = ensured.paths.values()
    assert path.read_bytes() == data


def test_entries_without_digest_are_fetched_and_named_by_what_they_are(
    web: tuple[str, Path], home: Home, tmp_path: Path
) -> None:
    address, folder = web
    (folder / "x.txt").write_text("one")
    package = Package.of([Entry("x.txt", f"{address}/x.txt")], name="web/x")
    get_package(Opened(package, "", "web/x"), tmp_path / "out", home)
    assert (tmp_path / "out/x.txt").read_text() == "one"
    (folder / "x.txt").write_text("other")
    assert verbs.fetch(package, "x.txt", home=home).read_text() == "other"


def test_regions_are_asked_for(regional: str) -> None:
    assert bucket_region("any", host=regional + "/{bucket}") == "eu-central-1"
    assert bucket_region("any", host="http://127.0.0.1:9/{bucket}") is None


@pytest.mark.parametrize(
    ("uri", "place"),
    [
        ("s3://b/a%20b?versionId=x.1", Place("s3://b", "a b", "x.1")),
        ("s3://b/k%3Fv", Place("s3://b", "k?v")),
        ("s3://b/k+l", Place("s3://b", "k+l")),
        ("file:///tmp/a%20b", Place("file://", "tmp/a b")),
        ("https://h:1/a/b?c=d", Place("https://h:1", "a/b?c=d")),
        ("gs://b/k", Place("gs://b", "k")),
    ],
)
def test_uris(uri: str, place: Place) -> None:
    assert parse_uri(uri) == place


def test_uris_of_s3_round_trip() -> None:
    for key in ("é space+&#%", "a/b?c", "~x", "a%20b"):
        place = Place("s3://b", key, "v/1+2")
        assert parse_uri(place.uri) == place


def test_unknown_schemes_are_refused() -> None:
    with pytest.raises(InvalidReference, match="not the address of a store"):
        parse_uri("ftp://x/y")
    assert local_path("s3://b/k") is None
    assert local_path("file:///a%20b") == Path("/a b")


def test_conditional_puts(s3_env: dict[str, str], bucket: str) -> None:
    remotes, place = Remotes(), Place(f"s3://{bucket}", "k")
    e_tag, _ = remotes.put(place, b"one", mode="create")
    with pytest.raises(FileExistsError):
        remotes.put(place, b"two", mode="create")
    remotes.put(place, b"two", mode={"e_tag": f'"{e_tag}"'})
    with pytest.raises(ChangedMeanwhile):
        remotes.put(place, b"three", mode={"e_tag": f'"{e_tag}"'})
    assert remotes.read(place)[0] == b"two"


def test_errors_are_ours(s3_env: dict[str, str], bucket: str, tmp_path: Path) -> None:
    remotes = Remotes()
    with pytest.raises(ObjectNotFound, match="does not exist"):
        remotes.read(Place(f"s3://{bucket}", "nothing"))
    with pytest.raises(ObjectNotFound):
        remotes.read(parse_uri((tmp_path / "nothing").as_uri()))
    with pytest.raises(ObjectNotFound, match="bucket does not exist"):
        list(remotes.objects(Place("s3://no-such-bucket-here", "")))
    with pytest.raises(TransferError):
        remotes.read(Place(f"s3://{bucket}", "a\nb"))


def test_wrong_credentials_are_said(
    s3_env: dict[str, str], bucket: str, fault_proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", fault_proxy.endpoint)
    fault_proxy.add(Answer(status=403))
    remotes, place = Remotes(), Place(f"s3://{bucket}", "x")
    with pytest.raises(AccessRefused, match="was refused") as caught:
        remotes.read(place)
    assert "AWS_ACCESS_KEY_ID" in caught.value.hint
    with pytest.raises(AccessRefused, match="was refused"):
        list(remotes.objects(place))
    with pytest.raises(AccessRefused, match="was refused"):
        remotes.folders(place)
    with pytest.raises(AccessRefused, match="was refused"):
        remotes.head(place)


def test_wrong_credentials_do_not_shut_public_data(
    s3_env: dict[str, str], bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = Place(f"s3://{bucket}", "folder/public")
    Remotes().put(place, b"for all")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    assert Remotes().read(place)[0] == b"for all"
    assert [info.path for info in Remotes().objects(Place(place.root, ""))] == ["folder/public"]
    assert Remotes().folders(Place(place.root, "")) == ["folder"]
    remotes = Remotes()
    head = remotes.head(place)
    assert head is not None
    assert head.size == 7
    with pytest.raises(AccessRefused):  # what is written is signed in any case
        remotes.put(place, b"mine")
    with pytest.raises(AccessRefused):
        remotes.delete(place)
    assert remotes.read(place)[0] == b"for all"


def test_without_credentials_requests_are_unsigned(
    s3_env: dict[str, str], bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = Place(f"s3://{bucket}", "public")
    Remotes().put(place, b"for all")
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    assert Remotes().read(place)[0] == b"for all"
    with pytest.raises(AccessRefused):
        Remotes().put(place, b"mine")


def test_nobody_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(ServerUnreachable, match="could not be reached") as caught:
        Remotes().read(Place("s3://b", "k"), hasty=True)
    assert "AWS_ENDPOINT_URL" in caught.value.hint


def test_listing_after_a_key(s3_env: dict[str, str], bucket: str, tmp_path: Path) -> None:
    remotes = Remotes()
    for root in (f"s3://{bucket}", tmp_path.as_uri()):
        for name in ("f/a", "f/b", "f/c/d"):
            place = parse_uri(f"{root}/{name}")
            remotes.put(place, b"x")
        base = parse_uri(f"{root}/f")
        after = parse_uri(f"{root}/f/a").path
        assert sorted(i.path.rpartition("f/")[2] for i in remotes.objects(base, after=after)) == [
            "b",
            "c/d",
        ]
        assert remotes.folders(base) == ["c"]


def test_wrong_credentials_do_not_shut_large_public_files(
    home: Home, s3_env: dict[str, str], bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = bytes(range(256)) * 4 * 1024 * 40  # 40 MiB: fetched in parts
    place = Place(f"s3://{bucket}", "large")
    Remotes().put(place, data)
    entry = Entry("large", place.uri, len(data), digest_of(data, "MD5"))
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    (path,) = ensure_held([entry], home, None).paths.values()
    assert path.read_bytes() == data
