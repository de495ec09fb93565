"""Listings of buckets become packages; their ETags are what bytes are checked against."""

from __future__ import annotations

import csv
import hashlib
import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote_plus, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellfolio.errors import (
    DigestMismatch,
    InvalidManifest,
    InvalidReference,
    PackageNotFound,
    TransferIncomplete,
)
from cellfolio.package.digests import MIB, Digest, digest_of
from cellfolio.package.etags import etag_digest
from cellfolio.package.package import Package
from cellfolio.registries.left_out import LeftOutWarning
from cellfolio.registries.listing import (
    TruncatedListingWarning,
    list_objects,
    read_saved_listing,
)
from cellfolio.storage.home import Home, ensure_held
from cellfolio.storage.places import Place, parse_uri
from cellfolio.storage.remote import Remotes
from tests.registries.samples import noise, write_files
from tests.servers.faults import FaultProxy, Flip, On, Truncate
from tests.servers.seaweed import SeaweedServer

SEED = "rosetta/broad/workspace/preprocessed_data"
GALLERY = "s3://cellpainting-gallery/cpg0003-rosetta/broad/workspace/preprocessed_data"
MD5 = hashlib.md5(b"bytes").hexdigest()


def size_only(package: Package) -> int:
    """Number of entries that no digest vouches for."""
    return sum(entry.digest is None for entry in package.walk())


def send_in_parts(client: Any, bucket: str, key: str, data: bytes, part_size: int) -> str:
    """Upload as tools do that send parts, however few; return the ETag the server gave."""
    upload = client.create_multipart_upload(Bucket=bucket, Key=key)["UploadId"]
    parts = []
    for number, start in enumerate(range(0, max(len(data), 1), part_size), 1):
        answer = client.upload_part(
            Bucket=bucket,
            Key=key,
            UploadId=upload,
            PartNumber=number,
            Body=data[start : start + part_size],
        )
        parts.append({"PartNumber": number, "ETag": answer["ETag"]})
    done = client.complete_multipart_upload(
        Bucket=bucket, Key=key, UploadId=upload, MultipartUpload={"Parts": parts}
    )
    return str(done["ETag"]).strip('"')


def fetch(package: Package, home: Home) -> dict[str, bytes]:
    """Get every file of a package."""
    found = {}
    for entry in package.walk():
        (path,) = ensure_held([entry], home, None).paths.values()
        found[entry.logical_key] = path.read_bytes()
    return found


def sizes_kept(home: Home) -> list[int]:
    """Return the size of every file in the store, finished or not."""
    return [path.stat().st_size for path in (home.folder / "store").rglob("*") if path.is_file()]


# Which ETags count


@pytest.mark.parametrize(
    ("value", "size"),
    [
        ("abc-def", 10),
        ("", 10),
        (None, 10),
        (MD5[:-1], 10),
        (MD5 + "0", 10),
        (f'W/"{MD5}"', 10),
        (f"{MD5}-3", 10),
        (f"{MD5}-0", 0),
        (f"{MD5}-", 10),
        (f"{MD5}-x", 10),
        (f"{MD5}-2", 5 * MIB),
        (f"{MD5}-10001", 10_001 * 8 * MIB),
        (f"{MD5}-1", 6000 * MIB),
        (f"{MD5}-2", 20_000 * MIB),
        (f"{MD5}-99999999", 10**15),
        ("0x8DA1B2C3D4E5F60", 10),
        ("1a2b-5f3c-10", 10),
    ],
)
def test_an_etag_that_cannot_be_a_digest_of_so_many_bytes_is_none(
    value: str | None, size: int
) -> None:
    assert etag_digest(value, size) is None


@pytest.mark.parametrize(
    ("value", "size"),
    [
        (MD5, 0),
        (MD5, 10),
        (f"{MD5}-1", 0),
        (f"{MD5}-1", 8 * MIB),
        (f"{MD5}-2", 8 * MIB + 1),
        (f"{MD5}-2", 5 * MIB + 1),
        (f"{MD5}-100", 10**9),  # parts of 10 MB
        (f"{MD5}-10000", 10_000 * 8 * MIB),
    ],
)
def test_an_etag_that_can_be_one_counts_with_and_without_quotes(value: str, size: int) -> None:
    assert etag_digest(value, size) == Digest("ETag", value)
    assert etag_digest(f'"{value.upper()}"', size) == Digest("ETag", value)


@given(st.integers(5, 16), st.integers(0, 49_999), st.integers(0, MIB - 1))
def test_every_upload_of_whole_mib_parts_counts(part: int, mib: int, extra: int) -> None:
    size = mib * MIB + extra
    parts = max(-(-size // (part * MIB)), 1)
    assert etag_digest(f"{MD5}-{parts}", size) == Digest("ETag", f"{MD5}-{parts}")


@given(st.integers(0, 10**12), st.integers(2, 10_000))
def test_what_counts_can_be_cut_into_so_many_parts_of_5_mib_or_more(size: int, parts: int) -> None:
    if etag_digest(f"{MD5}-{parts}", size) is not None:
        assert (parts - 1) * 5 * MIB < size


# The listing of the seed


def test_the_published_listing_gives_five_packages_of_33_files(shared: Path) -> None:
    text = (shared / "data/rosetta_published/etag.json").read_bytes()
    whole = read_saved_listing(text, GALLERY, saved_prefix=SEED + "/")
    assert whole.file_count == 33
    assert all(entry.digest for entry in whole.walk())
    names = sorted(whole)
    assert len(names) == 5
    packages = [
        read_saved_listing(text, f"{GALLERY}/{name}", saved_prefix=f"{SEED}/{name}")
        for name in names
    ]
    assert sum(one.file_count for one in packages) == 33
    assert sum(one.size for one in packages) == whole.size
    lincs = packages[names.index("LINCS-Pilot1")]
    entry = lincs.entry("L1000/level_3.csv.gz")
    assert entry.physical_key == f"{GALLERY}/LINCS-Pilot1/L1000/level_3.csv.gz"
    assert lincs.message == f"9 objects below {GALLERY}/LINCS-Pilot1"


def test_the_published_etags_fit_parts_of_8_mib(shared: Path) -> None:
    folder = shared / "data/rosetta_published"
    whole = read_saved_listing((folder / "etag.json").read_bytes(), GALLERY, saved_prefix=SEED)
    with (folder / "etag_check.csv").open() as file:
        rows = {row["key"]: row for row in csv.DictReader(file)}
    assert set(rows) == {entry.logical_key for entry in whole.walk()}
    for entry in whole.walk():
        row = rows[entry.logical_key]
        assert entry.digest == Digest("ETag", row["etag"])
        assert entry.size == int(row["size"])
        parts = entry.digest.parts or 1
        assert parts == int(row["parts_8MiB"]) == -(-entry.size // (8 * MIB))


def test_the_small_table_says_the_same_as_the_json(shared: Path) -> None:
    text = (shared / "data/rosetta_published/etag.json").read_bytes()
    lines = ["# key, size, ETag"]
    for item in json.loads(text)["Contents"]:
        key = item["Key"].removeprefix(SEED + "/")
        lines.append(f"{key}\t{item['Size']}\t{item['ETag']}")
    table = "\r\n".join(lines).encode()
    for name in ("LINCS-Pilot1", "TA-ORF-BBBC037-Rohban"):
        address = f"{GALLERY}/{name}"
        one = read_saved_listing(text, address, saved_prefix=f"{SEED}/{name}")
        assert read_saved_listing(table, address, saved_prefix=name) == one


# Saved listings


def contents(*items: dict[str, Any], **fields: Any) -> bytes:
    return json.dumps({"Contents": list(items), **fields}).encode()


def item(key: str, size: int = 5, e_tag: str | None = f'"{MD5}"', **fields: Any) -> dict[str, Any]:
    return {"Key": key, "Size": size, "ETag": e_tag, **fields}


def test_a_prefix_is_a_folder() -> None:
    text = contents(item("a/x"), item("ab/y"), item("a"))
    assert [*read_saved_listing(text, "s3://b/new", saved_prefix="a")] == ["x"]
    whole = read_saved_listing(text, "s3://b")
    assert {entry.logical_key for entry in whole.walk()} == {"a", "a/x", "ab/y"}


def test_a_truncated_listing_warns() -> None:
    for mark in ({"IsTruncated": True}, {"NextToken": "abc"}):
        with pytest.warns(TruncatedListingWarning, match="truncated"):
            assert read_saved_listing(contents(item("a"), **mark), "s3://b").file_count == 1
    assert read_saved_listing(contents(item("a"), IsTruncated=False), "s3://b").file_count == 1


def test_latest_versions_are_named_where_they_were_listed() -> None:
    versions = [
        item("p/a", VersionId="v.2", IsLatest=True),
        item("p/a", VersionId="v.1", IsLatest=False),
        item("p/gone", VersionId="v.3", IsLatest=False),
        item("p/old", VersionId="null", IsLatest=True),
    ]
    text = json.dumps({"Versions": versions, "DeleteMarkers": [{"Key": "p/gone"}]}).encode()
    there = read_saved_listing(text, "s3://b/p", saved_prefix="p")
    keys = {entry.logical_key: entry.physical_key for entry in there.walk()}
    assert keys == {"a": "s3://b/p/a?versionId=v.2", "old": "s3://b/p/old"}
    moved = read_saved_listing(text, "s3://b/q", saved_prefix="p")
    assert moved.entry("a").physical_key == "s3://b/q/a"
    other = json.dumps({"Versions": versions, "Name": "c"}).encode()
    assert read_saved_listing(other, "s3://b/p", saved_prefix="p").entry("a").physical_key == (
        "s3://b/p/a"
    )


HOSTILE = ["p/../x", "p//x", "p/a//b", "p/./x", "p/a/..", "p/back\\slash", "p/nul\0"]


def test_keys_that_cannot_be_logical_keys_are_left_out_and_said() -> None:
    text = contents(item("p/ok"), item("p/sub/", 0), *(item(key) for key in HOSTILE))
    with pytest.warns(LeftOutWarning, match=r"left out 7 names.*'\.\./x', '/x'.* and 4 more"):
        package = read_saved_listing(text, "s3://b/p", saved_prefix="p")
    assert [*package] == ["ok"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"{", "not JSON"),
        (b'{"Contents": 3}', "expected Contents to be a list"),
        (contents({"Size": 3}), r"Contents\[0\]: expected an object with a Key"),
        (b"[3]", r"Contents\[0\]: expected an object with a Key"),
        (contents(item("a"), item("b", -1)), r"Contents\[1\]: expected the Size of 'b'"),
        (contents(item("a", True)), r"Contents\[0\]: expected the Size"),
        (contents(item("a", 1.5)), r"Contents\[0\]: expected the Size"),  # type: ignore[arg-type]
        (contents({**item("a"), "ETag": 3}), r"Contents\[0\]: expected the ETag"),
        (contents(item("a"), item("a")), r"Contents\[1\]: the key 'a' occurs twice"),
        (b"a\t3\n", "line 1: expected key, size and ETag"),
        (b"a\t3\t\nb\tx\t\n", "line 2: 'b': expected a size in bytes, found 'x'"),
        (b"a\t-3\t\n", "line 1: 'a': expected a size"),
        (b"a\t3\t\n#\na\t3\t\n", "line 3: the key 'a' occurs twice"),
        (b"\xff", "UTF-8"),
    ],
)
def test_a_listing_that_cannot_be_read_is_refused(text: bytes, message: str) -> None:
    with pytest.raises(InvalidManifest, match=message):
        read_saved_listing(text, "s3://b")


def test_nothing_below_the_prefix_is_said() -> None:
    with pytest.raises(PackageNotFound, match="no objects below 'q'") as caught:
        read_saved_listing(contents(item("p/a")), "s3://b", saved_prefix="q")
    assert "such as p" in caught.value.hint
    with pytest.raises(PackageNotFound):
        read_saved_listing(b"", "s3://b")
    with pytest.raises(InvalidReference):
        read_saved_listing(contents(item("p/a")), "nowhere")


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(text: bytes) -> None:
    try:
        read_saved_listing(text, "s3://b")
    except (InvalidManifest, PackageNotFound):
        return
    except LeftOutWarning:
        return


# Buckets


@pytest.mark.slow
def test_every_upload_is_verified_by_its_etag(
    s3: SeaweedServer, bucket: str, s3_env: dict[str, str], home: Home
) -> None:
    client = s3.client()
    data: dict[str, bytes] = {}
    etags: dict[str, str] = {}
    for part in (5, 8, 16):
        for size in (part * MIB, part * MIB - 1, part * MIB + 1, 2 * part * MIB):
            key = f"sets/parts_{part}/{size}.bin"
            data[key] = noise(size, size)
            etags[key] = send_in_parts(client, bucket, key, data[key], part * MIB)
    data["sets/plain.bin"] = noise(9, 8 * MIB)
    client.put_object(Bucket=bucket, Key="sets/plain.bin", Body=data["sets/plain.bin"])
    etags["sets/plain.bin"] = hashlib.md5(data["sets/plain.bin"]).hexdigest()
    assert etags[f"sets/parts_8/{8 * MIB}.bin"].endswith("-1")

    package = list_objects(f"s3://{bucket}/sets/", home.remotes)
    listed = {f"sets/{entry.logical_key}": entry for entry in package.walk()}
    assert {key: str(entry.digest) for key, entry in listed.items()} == {
        key: f"ETag:{value}" for key, value in etags.items()
    }
    assert all(entry.digest for entry in package.walk())
    assert package.message == f"13 objects below s3://{bucket}/sets"
    assert package.meta == {"address": f"s3://{bucket}/sets"}
    for key, found in fetch(package, home).items():
        assert hashlib.sha256(found).digest() == hashlib.sha256(data[f"sets/{key}"]).digest()


@pytest.mark.parametrize("size", [1000, 16 * MIB + 1, 40 * MIB])
def test_damaged_bytes_are_reported_and_not_kept(
    s3: SeaweedServer,
    bucket: str,
    s3_env: dict[str, str],
    fault_proxy: FaultProxy,
    monkeypatch: pytest.MonkeyPatch,
    home: Home,
    size: int,
) -> None:
    client = s3.client()
    send_in_parts(client, bucket, "p/a.bin", noise(1, size), 8 * MIB)
    monkeypatch.setenv("AWS_ENDPOINT_URL", fault_proxy.endpoint)
    package = list_objects(f"s3://{bucket}/p", home.remotes)
    fault_proxy.add(Flip(at=500, when=On("GET", "/p/a.bin")))
    with pytest.raises(TransferIncomplete) as caught:
        ensure_held(package.walk(), home, None)
    (failure,) = caught.value.failures
    assert isinstance(failure, DigestMismatch)
    assert failure.expected.startswith("ETag:")
    assert sizes_kept(home).count(size) == 0
    fault_proxy.clear()
    assert fetch(package, home) == {"a.bin": noise(1, size)}
    assert sizes_kept(home).count(size) == 1


def test_an_object_known_by_its_size_only_is_refused_when_truncated(
    bucket: str,
    s3: SeaweedServer,
    s3_env: dict[str, str],
    fault_proxy: FaultProxy,
    monkeypatch: pytest.MonkeyPatch,
    home: Home,
) -> None:
    s3.client().put_object(Bucket=bucket, Key="p/a.bin", Body=noise(1, 10))
    text = contents(item("p/a.bin", 10, '"abc-def"'))
    package = read_saved_listing(text, f"s3://{bucket}/p", saved_prefix="p")
    assert size_only(package) == 1
    monkeypatch.setenv("AWS_ENDPOINT_URL", fault_proxy.endpoint)
    fault_proxy.add(Truncate(size=9, when=On(None, "/p/a.bin")))
    with pytest.raises(TransferIncomplete, match="expected 10 bytes, found 9 bytes"):
        ensure_held(package.walk(), home, None)
    fault_proxy.clear()
    assert fetch(package, home) == {"a.bin": noise(1, 10)}


ODD = [
    "a b/c+d.csv",
    "µm é 漢字/🔬.txt",
    "100%25.txt",
    "q?x=1;y=[*]'\"~@:!$(),|<>{}^`.txt",
    "a&b#c",
]


def test_odd_keys_are_listed_and_fetched(
    s3: SeaweedServer, bucket: str, s3_env: dict[str, str], home: Home
) -> None:
    client = s3.client()
    for number, key in enumerate(ODD):
        client.put_object(Bucket=bucket, Key=f"o d+d/{key}", Body=noise(number, 100))
    package = list_objects(f"s3://{bucket}/o%20d%2Bd", home.remotes)
    assert fetch(package, home) == {key: noise(n, 100) for n, key in enumerate(ODD)}
    # And by requests of our own, which an empty file brings about.
    client.put_object(Bucket=bucket, Key="o d+d/empty.txt", Body=b"")
    again = list_objects(f"s3://{bucket}/o%20d%2Bd/", home.remotes)
    assert {entry.logical_key for entry in package.diff(again).added} == {"empty.txt"}
    assert not package.diff(again).changed


def test_a_second_look_shows_what_changed(
    s3: SeaweedServer, bucket: str, s3_env: dict[str, str], home: Home
) -> None:
    client = s3.client()
    for key in ("p/same", "p/changed", "p/removed", "other"):
        client.put_object(Bucket=bucket, Key=key, Body=key.encode())
    before = list_objects(f"s3://{bucket}/p", home.remotes)
    assert list_objects(f"s3://{bucket}/p/", home.remotes) == before
    client.put_object(Bucket=bucket, Key="p/changed", Body=b"p/chagned")  # of the same size
    client.put_object(Bucket=bucket, Key="p/added", Body=b"new")
    client.delete_object(Bucket=bucket, Key="p/removed")
    diff = before.diff(list_objects(f"s3://{bucket}/p", home.remotes))
    assert [entry.logical_key for entry in diff.added] == ["added"]
    assert [entry.logical_key for entry in diff.removed] == ["removed"]
    assert [newer.logical_key for _, newer in diff.changed] == ["changed"]


def test_nothing_there_is_said(bucket: str, s3_env: dict[str, str], tmp_path: Path) -> None:
    for address in (
        f"s3://{bucket}",
        f"s3://{bucket}/no/such",
        "s3://no-such-bucket-anywhere/p",
        tmp_path.as_uri(),
        (tmp_path / "no such").as_uri(),
        "memory:///no",
    ):
        with pytest.raises(PackageNotFound, match=re.escape(address.rstrip("/"))) as caught:
            list_objects(address, Remotes())
        assert caught.value.hint


def test_folders_and_memory_have_sizes_only(tmp_path: Path, home: Home) -> None:
    for key in ("a b.csv", "sub/µ+%41.txt"):
        path = tmp_path / "data" / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(key.encode())
        home.remotes.put(parse_uri("memory:///data/" + key.replace("%", "%25")), key.encode())
    (tmp_path / "data/back\\slash").write_bytes(b"x")
    with pytest.warns(LeftOutWarning, match="1 name"):
        package = list_objects((tmp_path / "data").as_uri(), home.remotes)
    assert fetch(package, home) == {key: key.encode() for key in ("a b.csv", "sub/µ+%41.txt")}
    for one in (package, list_objects("memory:///data", home.remotes)):
        assert {entry.logical_key for entry in one.walk()} == {"a b.csv", "sub/µ+%41.txt"}
        assert size_only(one) == 2


def test_a_mirror_is_listed_under_the_address_it_stands_for(
    s3: SeaweedServer, bucket: str, s3_env: dict[str, str], tmp_path: Path
) -> None:
    files = {"a b.csv": b"a", "sub/empty.csv": b""}
    for key, data in files.items():
        s3.client().put_object(Bucket=bucket, Key=f"copy/of/{key}", Body=data)
    write_files(tmp_path / "copy", files)

    def to_folder(place: Place) -> Place:
        return parse_uri((tmp_path / "copy").as_uri() + place.path[len("data") :])

    def to_bucket(place: Place) -> Place:
        return Place(f"s3://{bucket}", "copy/of" + place.path[len("data") :])

    for locate, without_digest in ((to_folder, 2), (to_bucket, 0)):
        package = list_objects("s3://public/data/", Remotes(locate))
        assert size_only(package) == without_digest
        assert {entry.logical_key: entry.physical_key for entry in package.walk()} == {
            "a b.csv": "s3://public/data/a%20b.csv",
            "sub/empty.csv": "s3://public/data/sub/empty.csv",
        }


# Keys that no file system would take: a bucket that is only listed


@contextmanager
def listed_bucket(keys: list[str], page_size: int = 1000) -> Iterator[tuple[str, list[str]]]:
    """Serve ListObjectsV2 of a bucket with these keys; give its endpoint and what was asked."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *args: Any) -> None:
            return

        def do_GET(self) -> None:
            asked.append(self.path)
            query = {name: value[0] for name, value in parse_qs(urlsplit(self.path).query).items()}
            body = listing_page(keys, query, page_size).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def listing_page(keys: list[str], query: dict[str, str], page_size: int) -> str:
    start = int(query.get("continuation-token", "0"))
    below = sorted(key for key in keys if key.startswith(query.get("prefix", "")))
    encode: Callable[[str], str] = quote_plus if "encoding-type" in query else str
    items = "".join(
        f"<Contents><Key>{encode(key)}</Key><LastModified>2022-02-25T20:24:06.000Z</LastModified>"
        f"<ETag>&quot;{MD5}&quot;</ETag><Size>{0 if key.endswith('/') else 5}</Size></Contents>"
        for key in below[start : start + page_size]
    )
    more = start + page_size < len(below)
    token = f"<NextContinuationToken>{start + page_size}</NextContinuationToken>" if more else ""
    encoding = "<EncodingType>url</EncodingType>" if "encoding-type" in query else ""
    return (
        '<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>b</Name>'
        f"{encoding}<IsTruncated>{str(more).lower()}</IsTruncated>{token}{items}</ListBucketResult>"
    )


@pytest.mark.parametrize("signed", [True, False])
def test_hostile_keys_and_folder_markers_do_not_spoil_a_listing(
    monkeypatch: pytest.MonkeyPatch, home: Home, signed: bool
) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    if signed:
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    keys = ["p/", "p/sub/", "p/a b.csv", "p/sub/c+d.csv", "p/µ%41", "p//abs", "p/a//b", "p/../x"]
    with listed_bucket(keys, page_size=3) as (endpoint, asked):
        monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
        with pytest.warns(LeftOutWarning, match="left out 3 names"):
            package = list_objects("s3://b/p", home.remotes)
        assert {entry.logical_key for entry in package.walk()} == {
            "a b.csv",
            "sub/c+d.csv",
            "µ%41",
        }
        assert package.entry("µ%41").physical_key == "s3://b/p/%C2%B5%2541"
        assert len(asked) <= 6
        markers = [key for key in keys if key.endswith("/")]
    with listed_bucket(markers) as (endpoint, _):
        monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
        with pytest.raises(PackageNotFound):
            list_objects("s3://b/p", Remotes())


def test_ten_thousand_objects_take_ten_requests(
    monkeypatch: pytest.MonkeyPatch, home: Home
) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    keys = [f"p/{number:06d}/image ch{number % 8}.tiff" for number in range(10_000)]
    with listed_bucket(keys) as (endpoint, asked):
        monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
        package = list_objects("s3://b/p", home.remotes)
    assert len(asked) == 10
    assert package.file_count == 10_000


def test_an_md5_is_known_by_the_plain_etag(
    s3: SeaweedServer, bucket: str, s3_env: dict[str, str], home: Home
) -> None:
    s3.client().put_object(Bucket=bucket, Key="a", Body=b"hello")
    (entry,) = list_objects(f"s3://{bucket}", home.remotes).walk()
    assert entry.digest == Digest("ETag", digest_of(b"hello", "MD5").value)


def test_odd_keys_are_listed_without_credentials_that_are_refused(
    s3: SeaweedServer, bucket: str, s3_env: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    client = s3.client()
    for key in ("p/a.csv", "p/folder/"):
        client.put_object(Bucket=bucket, Key=key, Body=b"" if key.endswith("/") else b"1,2\n")
    client.close()
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    package = list_objects(f"s3://{bucket}/p", Remotes())
    assert [entry.logical_key for entry in package.walk()] == ["a.csv"]
