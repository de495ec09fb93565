"""Git-LFS pointers become packages, wherever the pointers are; the bytes are checked by oid."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import tarfile
import threading
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellfolio.errors import (
    AccessRefused,
    CellfolioError,
    DigestMismatch,
    InvalidArgument,
    InvalidManifest,
    PackageNotFound,
    ServerUnreachable,
    TransferIncomplete,
)
from cellfolio.package.digests import Digest
from cellfolio.registries.left_out import LeftOutWarning
from cellfolio.registries.lfs import (
    Pointer,
    look_at_pointers,
    parse_pointer,
    pointer_package,
    pointers_in_archive,
    pointers_in_folder,
    pointers_in_table,
)
from cellfolio.storage.home import Home, ensure_held
from cellfolio.storage.places import parse_uri
from cellfolio.storage.remote import Remotes
from tests.registries.samples import noise, write_files
from tests.servers.seaweed import SeaweedServer

VERSION = "version https://git-lfs.github.com/spec/v1"
OID = "4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393"
DATA: Mapping[str, bytes] = {
    "profiles/2020 batch/A+1.csv.gz": noise(1, 5000),
    "profiles/µ%41.parquet": noise(2, 70_000),
    "images/site 1.tiff": noise(3, 100),
}
OTHERS: Mapping[str, bytes] = {
    "README.md": b"# Profiles\n",
    "empty.txt": b"",
    "large.txt": b"version " * 1000,
    ".gitattributes": b"*.gz filter=lfs diff=lfs merge=lfs -text\n",
}
TEMPLATE = "https://media.example.org/lab/main/{path}"


def pointer_text(data: bytes) -> bytes:
    return f"{VERSION}\noid sha256:{hashlib.sha256(data).hexdigest()}\nsize {len(data)}\n".encode()


REPOSITORY = {**{path: pointer_text(data) for path, data in DATA.items()}, **OTHERS}
EXPECTED = {
    Pointer(path, hashlib.sha256(data).hexdigest(), len(data)) for path, data in DATA.items()
}


# One pointer


@given(
    st.binary(min_size=32, max_size=32),
    st.integers(0, 2**63 - 1),
    st.lists(st.sampled_from(["ext-0-foo sha256:" + OID, "ext-1-bar sha256:" + OID, "x.y z"])),
    st.sampled_from(["\n", "\r\n", " \n"]),
    st.booleans(),
    st.randoms(),
)
def test_a_pointer_is_read_whatever_the_order_of_its_lines(
    oid: bytes, size: int, more: list[str], end: str, closed: bool, random: Any
) -> None:
    lines = [*dict.fromkeys(more), f"oid sha256:{oid.hex()}", f"size {size}"]
    random.shuffle(lines)
    text = end.join([VERSION, *lines]) + (end if closed else "")
    assert parse_pointer(text.encode()) == (oid.hex(), size)


@pytest.mark.parametrize(
    "version", ["https://hawser.github.com/spec/v1", "http://git-media.io/v/2"]
)
def test_pointers_of_old_tools_are_read(version: str) -> None:
    assert parse_pointer(f"version {version}\noid sha256:{OID}\nsize 3".encode()) == (OID, 3)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        "well,count\nA01,3\n",
        f"oid sha256:{OID}\nsize 3\n{VERSION}\n",
        f"{VERSION}\nsize 3\n",
        f"{VERSION}\noid sha256:{OID}\n",
        f"{VERSION}0\noid sha256:{OID}\nsize 3\n",
        f"{VERSION}\noid md5:{OID}\nsize 3\n",
        f"{VERSION}\noid {OID}\nsize 3\n",
        f"{VERSION}\noid sha256:{OID[:-1]}\nsize 3\n",
        f"{VERSION}\noid sha256:{OID}0\nsize 3\n",
        f"{VERSION}\noid sha256:{OID.upper()}\nsize 3\n",
        f"{VERSION}\noid sha256:{OID}\nsize -3\n",
        f"{VERSION}\noid sha256:{OID}\nsize +3\n",
        f"{VERSION}\noid sha256:{OID}\nsize 3.0\n",
        f"{VERSION}\noid sha256:{OID}\nsize ٣\n",
        f"{VERSION}\noid sha256:{OID}\nsize 9223372036854775808\n",
        f"{VERSION}\noid sha256:{OID}\nsize {'9' * 500}\n",
        f"{VERSION}\noid sha256:{OID}\nsize 3\nsize 4\n",
        f"{VERSION}\noid sha256:{OID}\noid sha256:{'0' * 64}\nsize 3\n",
        f"{VERSION}\noid sha256:{OID}\nsize 3\n\nmore text\n",
        f"{VERSION}\noid sha256:{OID}\nsize 3\n{'x' * 1000} y\n",
        f"{VERSION}\noid sha256:{OID}\nsize 3\nx \udcff\n",
    ],
)
def test_what_only_looks_like_a_pointer_is_none(text: str) -> None:
    assert parse_pointer(text.encode(errors="surrogateescape")) is None


@given(st.binary(max_size=300))
def test_any_bytes_are_a_pointer_or_not(data: bytes) -> None:
    assert parse_pointer(data) is None
    assert parse_pointer(VERSION.encode() + b"\n" + data) is None


# Folders


def test_a_clone_gives_its_pointers_and_nothing_else(tmp_path: Path) -> None:
    clone = write_files(tmp_path / "clone", REPOSITORY)
    write_files(clone / ".git/lfs", {"inside.bin": pointer_text(b"not a file of the tree")})
    outside = write_files(tmp_path / "outside", {"secret.bin": pointer_text(b"secret")})
    (clone / "link.bin").symlink_to(outside / "secret.bin")
    (clone / "linked").symlink_to(outside)
    os.mkfifo(clone / "pipe")
    assert set(pointers_in_folder(clone)) == EXPECTED
    with pytest.raises(InvalidArgument, match="is not a folder"):
        pointers_in_folder(clone / "README.md")


def test_a_name_that_is_no_key_is_left_out_and_said(tmp_path: Path) -> None:
    clone = write_files(tmp_path / "clone", REPOSITORY)
    Path(os.fsdecode(os.fsencode(clone) + b"/\xff.bin")).write_bytes(pointer_text(b"x"))
    (clone / "back\\slash.bin").write_bytes(pointer_text(b"y"))
    with pytest.warns(LeftOutWarning, match="left out 2 names"):
        assert set(pointers_in_folder(clone)) == EXPECTED


# Archives


def tar_of(files: Mapping[str, bytes], top: str = "", mode: str = "w:gz") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode, format=tarfile.PAX_FORMAT) as archive:  # type: ignore[call-overload]
        for name, data in files.items():
            member = tarfile.TarInfo(top + name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return buffer.getvalue()


def zip_of(files: Mapping[str, bytes], top: str = "") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(top + name, data)
    return buffer.getvalue()


def tar_plain(files: Mapping[str, bytes], top: str = "") -> bytes:
    return tar_of(files, top, "w:")


Pack = Callable[[Mapping[str, bytes], str], bytes]
PACKS = pytest.mark.parametrize("pack", [tar_of, tar_plain, zip_of])


@PACKS
@pytest.mark.parametrize("top", ["", "lab-profiles-3f2a1b/", "./"])
def test_an_archive_gives_the_pointers_below_its_top_folder(pack: Pack, top: str) -> None:
    assert set(pointers_in_archive(io.BytesIO(pack(REPOSITORY, top)))) == EXPECTED


def test_an_archive_as_git_makes_it(tmp_path: Path) -> None:
    """A comment for all members comes first, then folders as members of their own."""
    clone = write_files(tmp_path / "lab-3f2a", REPOSITORY)
    buffer = io.BytesIO()
    headers = {"comment": "3f2a1b"}
    with tarfile.open(fileobj=buffer, mode="w:gz", pax_headers=headers) as archive:
        archive.add(clone, "lab-3f2a")
    assert set(pointers_in_archive(buffer)) == EXPECTED


HOSTILE = ["../up.bin", "/etc/cron.d/x", "repo/../../up.bin", "repo/a//b", "repo/./c", "..\\x"]


@PACKS
def test_hostile_names_are_left_out_and_said(pack: Pack, tmp_path: Path) -> None:
    files = {f"repo/{path}": text for path, text in REPOSITORY.items()}
    hostile = {name: pointer_text(b"x") for name in HOSTILE}
    before = sorted(tmp_path.rglob("*"))
    with pytest.warns(LeftOutWarning, match=f"left out {len(HOSTILE)} names"):
        found = pointers_in_archive(io.BytesIO(pack({**hostile, **files}, "")))
    assert set(found) == EXPECTED
    assert sorted(tmp_path.rglob("*")) == before


def test_only_regular_members_are_read() -> None:
    buffer = io.BytesIO(tar_plain(REPOSITORY, "repo/"))
    with tarfile.open(fileobj=buffer, mode="a") as archive:
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE):
            member = tarfile.TarInfo(f"repo/kind{kind.decode()}")
            member.type, member.linkname = kind, "/etc/passwd"
            archive.addfile(member)
    assert set(pointers_in_archive(buffer)) == EXPECTED
    packed = io.BytesIO(zip_of(REPOSITORY, "repo/"))
    with zipfile.ZipFile(packed, "a") as other:
        link = zipfile.ZipInfo("repo/link.bin")
        link.external_attr = 0o120777 << 16
        other.writestr(link, pointer_text(b"the text of a link"))
    assert set(pointers_in_archive(packed)) == EXPECTED


@PACKS
def test_an_archive_that_ends_early_is_refused(pack: Pack) -> None:
    whole = pack(REPOSITORY, "repo/")
    # The end mark of a plain tar is padded, and its first block is what counts.
    last = 0 if pack is tar_plain else len(whole) - 1
    for end in (0, 1, 100, 512, len(whole) // 4, len(whole) // 2, last):
        with pytest.raises(InvalidManifest):
            pointers_in_archive(io.BytesIO(whole[:end]))


@PACKS
@given(st.integers(0), st.integers(1, 255))
def test_a_damaged_archive_is_refused_or_gives_no_wrong_pointer(
    pack: Pack, at: int, change: int
) -> None:
    damaged = bytearray(pack(REPOSITORY, "repo/"))
    damaged[at % len(damaged)] ^= change
    try:
        found = pointers_in_archive(io.BytesIO(bytes(damaged)))
    except (InvalidManifest, LeftOutWarning):
        return
    # A plain tar vouches for its headers only: what a pointer says may be damaged, not invented.
    assert len(found) <= len(EXPECTED)


@given(st.binary(max_size=2000), st.sampled_from([b"", b"PK\x03\x04", b"\x1f\x8b\x08\x00"]))
def test_what_is_no_archive_is_refused(data: bytes, start: bytes) -> None:
    if not any(data):
        data = b"x" * 10
    with pytest.raises(InvalidManifest, match="archive"):
        pointers_in_archive(io.BytesIO(start + data))


def test_a_path_that_occurs_twice_is_refused() -> None:
    buffer = io.BytesIO(tar_plain(REPOSITORY, "repo/"))
    with tarfile.open(fileobj=buffer, mode="a") as archive:
        text = pointer_text(b"another")
        member = tarfile.TarInfo("repo/images/site 1.tiff")
        member.size = len(text)
        archive.addfile(member, io.BytesIO(text))
    with pytest.raises(InvalidManifest, match="occurs twice"):
        pointers_in_archive(buffer)


def test_a_bomb_takes_little_memory() -> None:
    """64 MiB of a name, and 64 MiB of a file, packed to almost nothing."""
    size = 64 << 20
    for kind in (tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.REGTYPE):
        member = tarfile.TarInfo("repo/bomb")
        member.type, member.size = kind, size
        buffer = io.BytesIO()
        with gzip.GzipFile(fileobj=buffer, mode="wb", compresslevel=1) as packed:
            packed.write(member.tobuf())
            for _ in range(64):
                packed.write(bytes(1 << 20))
            packed.write(tar_plain(REPOSITORY, "repo/"))
        tracemalloc.start()
        try:
            if kind == tarfile.REGTYPE:
                assert set(pointers_in_archive(buffer)) == EXPECTED
            else:
                with pytest.raises(InvalidManifest, match="headers have more than"):
                    pointers_in_archive(buffer)
            assert tracemalloc.get_traced_memory()[1] < 8 << 20
        finally:
            tracemalloc.stop()


# Tables


def test_the_published_table_has_937_files(shared: Path) -> None:
    text = (shared / "data/cpjump1/lfs_manifest.tsv").read_text()
    pointers = pointers_in_table(text)
    assert len(pointers) == 937
    assert round(sum(one.size for one in pointers) / 1e9, 2) == 5.71
    package = pointer_package(pointers, TEMPLATE)
    assert package.file_count == 937
    first = text.split("\n")[1].split("\t")
    entry = package.entry(first[0])
    assert (entry.digest, entry.size) == (Digest("SHA256", first[1]), int(first[2]))
    assert entry.physical_key == TEMPLATE.replace("{path}", first[0])


def test_tables_of_other_shapes_are_read() -> None:
    expected = (Pointer("a b.csv", OID, 3), Pointer('q"x.csv', OID, 4))
    upper = OID.upper()
    for text in (
        f'path\tsha256\tsize\na b.csv\t{OID}\t3\nq"x.csv\t{OID}\t4\n',
        f'\ufeff# source\nsize,Path,more,OID\r\n4,"q""x.csv",,sha256:{OID}\r\n\r\n'
        f"3,a b.csv,x,{upper}\r\n",
    ):
        assert pointers_in_table(text) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected a header"),
        (f"a.csv\t{OID}\t3\n", "line 1: expected a header"),
        ("path,size\n", "line 1: expected a header .* found \\['path', 'size'\\]"),
        (f"path,oid,size\na,{OID},3\nb,{OID[:-1]},3\n", "line 3: 'b': expected a SHA-256"),
        (f"path,oid,size\na,{OID},3.5\n", "line 2: 'a': expected a size"),
        (f"path,oid,size\na,{OID}\n", "line 2: expected 3 values, found 2"),
        (f"path,oid,size\na,{OID},3\na,{OID},3\n", "'a' occurs twice"),
        (f'path,oid,size\n"a"b,{OID},3\n', "line 2"),
    ],
)
def test_a_table_that_cannot_be_read_is_refused(text: str, message: str) -> None:
    with pytest.raises(InvalidManifest, match=message):
        pointers_in_table(text)


def test_hostile_paths_of_a_table_are_left_out() -> None:
    rows = "".join(f"{path},{OID},3\n" for path in ("ok", "../up", "/abs", "a//b"))
    with pytest.warns(LeftOutWarning, match="left out 3 names"):
        assert pointers_in_table("path,oid,size\n" + rows) == (Pointer("ok", OID, 3),)


# Packages


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        (TEMPLATE, "https://media.example.org/lab/main/a%20b/%C2%B5%3F%23%2541.csv"),
        ("s3://lfs/{oid01}/{oid23}/{oid}", f"s3://lfs/4d/7a/{OID}"),
        ("file:///data/{path}", "file:///data/a%20b/%C2%B5%3F%23%2541.csv"),
        ("https://h/get?oid={oid}&size=x", f"https://h/get?oid={OID}&size=x"),
    ],
)
def test_the_template_says_where_the_bytes_are(template: str, expected: str) -> None:
    package = pointer_package([Pointer("a b/µ?#%41.csv", OID, 3)], template)
    (entry,) = package.walk()
    assert entry.physical_key == expected
    assert (entry.digest, entry.size) == (Digest("SHA256", OID), 3)
    assert package.meta == {"bytes": template}


@pytest.mark.parametrize(
    "template",
    [
        "https://h/data",
        "https://h/{oid01}/{oid23}",
        "https://h/{path}/{sha}",
        "https://h/{path}{",
        "https://h/{{path}}",
        "https://h/{}",
        "https://h/{path!r}",
        "/data/{path}",
        "gopher://h/{path}",
        "https://{path}",
        "https://{oid}.h/x",
        "https://h{path}",
        "{path}",
    ],
)
def test_a_template_that_cannot_be_used_is_refused(template: str) -> None:
    with pytest.raises(InvalidArgument):
        pointer_package([], template)
    with pytest.raises(InvalidArgument):
        look_at_pointers("memory:///never/looked/at", template, Remotes())


# Looking


@contextmanager
def web(files: Mapping[str, bytes], *, chunked: bool = False) -> Iterator[str]:
    """Serve files; chunked, without a length, as archives that are made on the fly."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *args: Any) -> None:
            return

        def do_GET(self) -> None:
            path = unquote(urlsplit(self.path).path).lstrip("/")
            data = files.get(path, b"")
            self.send_response(403 if path == "refused" else 200 if path in files else 404)
            if chunked:
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
                for start in range(0, len(data), 1000):
                    part = data[start : start + 1000]
                    self.wfile.write(f"{len(part):x}\r\n".encode() + part + b"\r\n")
                if not path.startswith("broken"):
                    self.wfile.write(b"0\r\n\r\n")
                self.close_connection = path.startswith("broken")
                return
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


def table() -> bytes:
    rows = [f"{one.path}\t{one.oid}\t{one.size}" for one in EXPECTED]
    return "\n".join(["path\tsha256\tsize", *rows]).encode()


SOURCES: Mapping[str, bytes] = {
    "lab/tar.gz/refs/heads/main": tar_of(REPOSITORY, "lab-main/"),
    "lab.zip": zip_of(REPOSITORY, "lab-main/"),
    "lab.tar": tar_plain(REPOSITORY, "lab-main/"),
    "files.tsv": table(),
    "files.csv": table().replace(b"\t", b","),
    "files.tsv.gz": gzip.compress(table()),
}


@pytest.mark.parametrize("chunked", [False, True])
def test_pointers_are_found_at_addresses_of_every_kind(
    home: Home, tmp_path: Path, chunked: bool
) -> None:
    clone = write_files(tmp_path / "a clone", REPOSITORY)
    folder = write_files(tmp_path / "sources", SOURCES)
    packages = {}
    with web(SOURCES, chunked=chunked) as url:
        for path in SOURCES:
            for address in (f"{url}/{path}", f"{folder.as_uri()}/{path}", str(folder / path)):
                packages[address] = look_at_pointers(address, TEMPLATE, home.remotes)
    for address in (str(clone), clone.as_uri(), clone.as_uri() + "/"):
        packages[address] = look_at_pointers(address, TEMPLATE, home.remotes)
    for address, package in packages.items():
        found = {
            Pointer(one.logical_key, one.digest.value, one.size)
            for one in package.walk()
            if one.digest is not None and one.size is not None
        }
        assert found == EXPECTED, address
        assert package.message == "3 files by Git-LFS pointers"
        assert package.meta["bytes"] == TEMPLATE
    assert packages[str(clone)] == packages[clone.as_uri()]
    assert packages[str(clone)].meta["address"] == clone.as_uri()


@pytest.mark.parametrize("chunked", [False, True])
def test_what_cannot_be_looked_at_is_said(home: Home, tmp_path: Path, chunked: bool) -> None:
    files = {"page.html": b"<html>", "broken.tar.gz": SOURCES["lab.tar"], "refused": b""}
    write_files(tmp_path, {"plain/README.md": b"# No pointers\n", "x.csv": b"\xff\xfe"})
    with web(files, chunked=chunked) as url:
        failures: list[tuple[str, type[CellfolioError]]] = [
            (f"{url}/nowhere.tsv", PackageNotFound),
            (f"{url}/refused", AccessRefused),
            (f"{url}/page.html", InvalidManifest),
            (str(tmp_path / "no such"), PackageNotFound),
            (str(tmp_path / "plain"), PackageNotFound),
            (str(tmp_path / "x.csv"), InvalidManifest),
            ("memory:///nothing.tsv", PackageNotFound),
        ]
        for address, kind in failures:
            with pytest.raises(kind):
                look_at_pointers(address, TEMPLATE, home.remotes)
        if chunked:
            with pytest.raises(CellfolioError, match="the connection ended early"):
                look_at_pointers(f"{url}/broken.tar.gz", TEMPLATE, home.remotes)
    with pytest.raises(ServerUnreachable):
        look_at_pointers(f"{url}/gone.tsv", TEMPLATE, home.remotes, hasty=True)


def test_bytes_come_from_the_web_and_are_verified_by_oid(home: Home) -> None:
    media = {f"media/main/{path}": data for path, data in DATA.items()}
    wrong = "profiles/µ%41.parquet"
    with web({**SOURCES, **media}) as url:
        template = f"{url}/media/main/{{path}}"
        package = look_at_pointers(f"{url}/lab/tar.gz/refs/heads/main", template, home.remotes)
        for entry in package.walk():
            (path,) = ensure_held([entry], home, None).paths.values()
            assert path.read_bytes() == DATA[entry.logical_key]
    other = Home(home.folder / "other")
    media[f"media/main/{wrong}"] = noise(9, len(DATA[wrong]))
    with web(media) as url:
        package = pointer_package(sorted(EXPECTED, key=str), f"{url}/media/main/{{path}}")
        with pytest.raises(TransferIncomplete, match="1 of 3 files failed") as caught:
            ensure_held(package.walk(), other, None)
    (failure,) = caught.value.failures
    assert isinstance(failure, DigestMismatch)
    assert (failure.what, failure.expected[:7]) == (wrong, "SHA256:")
    stored = (path for path in (other.folder / "store").rglob("*") if path.is_file())
    kept = {path.read_bytes() for path in stored}
    assert {*DATA.values()} - kept == {DATA[wrong]}
    assert media[f"media/main/{wrong}"] not in kept


def test_bytes_come_from_a_store_of_git_lfs_in_a_bucket(
    s3: SeaweedServer, bucket: str, s3_env: dict[str, str], home: Home
) -> None:
    client = s3.client()
    for data in DATA.values():
        oid = hashlib.sha256(data).hexdigest()
        client.put_object(Bucket=bucket, Key=f"lfs/{oid[:2]}/{oid[2:4]}/{oid}", Body=data)
    client.put_object(Bucket=bucket, Key="files.tsv", Body=table())
    template = f"s3://{bucket}/lfs/{{oid01}}/{{oid23}}/{{oid}}"
    package = look_at_pointers(f"s3://{bucket}/files.tsv", template, home.remotes)
    for entry in package.walk():
        (path,) = ensure_held([entry], home, None).paths.values()
        assert path.read_bytes() == DATA[entry.logical_key]
    assert home.remotes.head(parse_uri(f"s3://{bucket}/files.tsv")) is not None
