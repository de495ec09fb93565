"""Git-LFS pointers as packages: a repository that holds, for each large file, its SHA-256 and size.

The pointers are read from a folder (a clone whose large files were not fetched), from an archive
of the repository, or from a table. Nothing is unpacked. Where the bytes are, a template says.

References
----------
Git LFS specification, https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md.
"""

from __future__ import annotations

import csv
import gzip
import io
import os
import re
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote, urlsplit

from cellfolio.errors import InvalidArgument, InvalidManifest, ObjectNotFound, PackageNotFound
from cellfolio.package.digests import Digest
from cellfolio.package.entry import Entry
from cellfolio.package.keys import sort_key
from cellfolio.package.package import Package
from cellfolio.package.row import MAX_SIZE
from cellfolio.registries.left_out import is_key, warn_left_out
from cellfolio.storage.download import download
from cellfolio.storage.places import local_path, parse_uri
from cellfolio.storage.remote import Remotes

MAX_POINTER = 1024
"""A pointer has fewer bytes."""
MAX_TABLE = 256 * 1024 * 1024
"""Bytes of a table, unpacked."""

_VERSIONS = frozenset(
    f"version {url}"
    for url in (
        "https://git-lfs.github.com/spec/v1",
        "https://hawser.github.com/spec/v1",  # before its first release
        "http://git-media.io/v/2",  # older still
    )
)
_LINE = re.compile(r"([a-z0-9.-]+) (.+)")
_OID = re.compile(r"[0-9a-f]{64}")
_SIZE = re.compile(r"[0-9]{1,19}")
_HOLE = re.compile(r"\{([^{}]*)\}")
_STORE = re.compile(r"[a-z0-9]+://[^/{}]*/")
_TABLES = (".tsv", ".csv", ".tsv.gz", ".csv.gz")


@dataclass(frozen=True, slots=True)
class Pointer:
    """What stands for a large file in a repository.

    Attributes
    ----------
    path : str
        Below the repository, a valid logical key.
    oid : str
        SHA-256 of the file, 64 hexadecimal digits in lower case.
    size : int
        Bytes of the file.
    """

    path: str
    oid: str
    size: int


def parse_pointer(text: bytes) -> tuple[str, int] | None:
    r"""Return SHA-256 and size of the file that a pointer stands for; None if it is no pointer.

    The order of lines, their ends and keys that are not known do not matter; the version comes
    first, and SHA-256 and size must be there once and exact.

    Examples
    --------
    >>> pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:%b\nsize 12\n"
    >>> parse_pointer(pointer % (b"0" * 64))[1]
    12
    >>> parse_pointer(b"well,count\nA01,12\n") is None
    True
    """
    if len(text) >= MAX_POINTER or not text.startswith(b"version "):
        return None
    try:
        first, *lines = (line.rstrip(" \r") for line in text.decode().rstrip().split("\n"))
    except UnicodeDecodeError:
        return None
    fields: dict[str, str] = {}
    for line in lines:
        match = _LINE.fullmatch(line)
        if match is None or match[1] in fields:
            return None
        fields[match[1]] = match[2]
    method, _, oid = fields.get("oid", "").partition(":")
    size = fields.get("size", "")
    if first not in _VERSIONS or method != "sha256" or not _OID.fullmatch(oid):
        return None
    return (oid, int(size)) if _is_size(size) else None


def _is_size(text: str) -> bool:
    return bool(_SIZE.fullmatch(text)) and int(text) <= MAX_SIZE


# Where pointers are read from


def pointers_in_folder(folder: Path) -> tuple[Pointer, ...]:
    """Return the pointers among the files of a folder, in the order of their paths.

    Links are not followed, and ``.git`` is not looked into. Files that are no pointers are not
    part of it.

    Raises
    ------
    InvalidArgument
        If `folder` is not a folder.
    """
    if not folder.is_dir():
        raise InvalidArgument(f"{folder} is not a folder")
    return _checked(_walk(folder, ""), str(folder))


def _walk(folder: str | Path, prefix: str) -> Iterator[Pointer]:
    with os.scandir(folder) as entries:
        for entry in entries:
            name = prefix + entry.name
            if entry.is_dir(follow_symlinks=False):
                if entry.name != ".git":
                    yield from _walk(entry.path, name + "/")
            elif entry.is_file(follow_symlinks=False) and entry.stat().st_size < MAX_POINTER:
                found = parse_pointer(Path(entry.path).read_bytes())
                if found is not None:
                    yield Pointer(name, *found)


def pointers_in_archive(file: BinaryIO, name: str = "the archive") -> tuple[Pointer, ...]:
    """Return the pointers in an archive of a repository, in the order of their paths.

    Where all files are below one top folder, as in the archives that GitHub makes, paths start
    below it. Nothing is unpacked to disk, and only files shorter than a pointer are read.

    Parameters
    ----------
    file : binary file
        tar, tar.gz or zip, told apart by its first bytes; can be read from any offset.
    name : str, optional
        Names it in errors and warnings.

    Raises
    ------
    InvalidManifest
        If it is not such an archive, is damaged or ends early, or has a path twice.
    """
    from cellfolio.registries.archives import read_small_files

    tops: set[str] = set()
    found: list[Pointer] = []
    for path, data in read_small_files(file, MAX_POINTER, name):
        inner = path.removeprefix("./")
        if is_key(inner):
            top, slash, _ = path.partition("/")
            tops.add(top + slash if slash and inner == path else "")
        pointer = None if data is None else parse_pointer(data)
        if pointer is not None:
            found.append(Pointer(inner, *pointer))
    top = tops.pop() if len(tops) == 1 else ""
    below = (Pointer(one.path.removeprefix(top), one.oid, one.size) for one in found)
    return _checked(below, name)


def pointers_in_table(text: str, name: str = "the table") -> tuple[Pointer, ...]:
    r"""Return the pointers of a table with columns ``path``, ``sha256`` or ``oid``, and ``size``.

    Values are separated by tabs if the header has one, else by commas. Other columns do not
    matter; lines before the header that start with ``#`` are comments.

    Raises
    ------
    InvalidManifest
        Naming the line that is wrong.

    Examples
    --------
    >>> pointers_in_table("path,oid,size\na.csv," + "0" * 64 + ",12\n")[0].size
    12
    """
    return _checked(_table_pointers(_table_rows(text)), name)


def _table_rows(text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield each row after the comments, and the line where it ends."""
    lines = list(io.StringIO(text.removeprefix("\ufeff"), newline=""))
    start = next((n for n, line in enumerate(lines) if not line.startswith("#")), len(lines))
    if start < len(lines) and "\t" in lines[start]:
        rows = csv.reader(lines[start:], delimiter="\t", quoting=csv.QUOTE_NONE)
    else:
        rows = csv.reader(lines[start:], strict=True)
    try:
        for row in rows:
            yield start + rows.line_num, row
    except csv.Error as error:
        raise InvalidManifest(str(error), line=start + rows.line_num) from None


def _table_pointers(rows: Iterator[tuple[int, list[str]]]) -> Iterator[Pointer]:
    first, names = next(rows, (1, []))
    header = [name.strip().lower() for name in names]
    columns = [
        next((header.index(name) for name in names if name in header), -1)
        for names in (("path",), ("sha256", "oid"), ("size",))
    ]
    if -1 in columns:
        raise InvalidManifest(
            f"expected a header with path, sha256 or oid, and size, found {header[:8]}",
            line=first,
        )
    for line, row in rows:
        if not row:
            continue
        if len(row) != len(header):
            raise InvalidManifest(f"expected {len(header)} values, found {len(row)}", line=line)
        path, oid, size = (row[column] for column in columns)
        oid = oid.lower().removeprefix("sha256:")
        if not _OID.fullmatch(oid):
            raise InvalidManifest(
                f"{path!r}: expected a SHA-256 of 64 hexadecimal digits, found {oid[:80]!r}",
                line=line,
            )
        if not _is_size(size):
            raise InvalidManifest(
                f"{path!r}: expected a size in bytes, found {size[:80]!r}", line=line
            )
        yield Pointer(path, oid, int(size))


def _checked(pointers: Iterable[Pointer], where: str) -> tuple[Pointer, ...]:
    """Leave out what has no valid key; put the rest in order; refuse a path that occurs twice."""
    found: dict[str, Pointer] = {}
    left_out = []
    for pointer in pointers:
        if not is_key(pointer.path):
            left_out.append(pointer.path)
        elif found.setdefault(pointer.path, pointer) is not pointer:
            raise InvalidManifest(f"{where}: {pointer.path!r} occurs twice")
    warn_left_out(left_out, where)
    return tuple(sorted(found.values(), key=lambda pointer: sort_key(pointer.path)))


# What they become


def pointer_package(pointers: Sequence[Pointer], bytes_template: str) -> Package:
    """Return pointers as a package.

    Parameters
    ----------
    pointers : sequence of Pointer
    bytes_template : str
        Address of a file's bytes, with ``{path}`` (percent-encoded) or ``{oid}`` in it; also
        ``{oid01}`` and ``{oid23}``, the first two digits of the oid and the next two, by which
        stores of Git LFS are laid out.

    Raises
    ------
    InvalidArgument
        If the template has other braces, neither ``{path}`` nor ``{oid}``, or is not the address
        of a store.

    Examples
    --------
    >>> pointer = Pointer("a b.csv", "0" * 64, 12)
    >>> package = pointer_package([pointer], "https://media.example.org/lab/main/{path}")
    >>> package.entry("a b.csv").physical_key
    'https://media.example.org/lab/main/a%20b.csv'
    """
    check_template(bytes_template)
    entries = [
        Entry(one.path, _fill(bytes_template, one), one.size, Digest("SHA256", one.oid))
        for one in pointers
    ]
    return Package.of(
        entries,
        meta={"bytes": bytes_template},
        message=f"{len(entries)} files by Git-LFS pointers",
    )


def _fill(template: str, pointer: Pointer) -> str:
    oid = pointer.oid
    values = {"path": quote(pointer.path), "oid": oid, "oid01": oid[:2], "oid23": oid[2:4]}
    return _HOLE.sub(lambda hole: values[hole[1]], template)


def check_template(template: str) -> None:
    """Refuse a template that cannot name the places of bytes.

    Raises
    ------
    InvalidArgument
    """
    names = set(_HOLE.findall(template))
    unknown = sorted(names - {"path", "oid", "oid01", "oid23"})
    if unknown or re.search(r"[{}]", _HOLE.sub("", template)) or not names & {"path", "oid"}:
        raise InvalidArgument(
            f"{template!r} does not say where the bytes are; expected {{path}} or {{oid}}, and no "
            f"other braces than {{oid01}} and {{oid23}}"
            + (f", found {{{unknown[0]}}}" if unknown else ""),
            hint="for example https://media.githubusercontent.com/media/OWNER/REPO/REF/{path}",
        )
    parse_uri(template)
    # The path of a file must not choose the host that is asked.
    if not _STORE.match(template):
        raise InvalidArgument(
            f"{template!r}: expected the bucket or host, and '/', before the first brace"
        )


def look_at_pointers(
    address: str, bytes_template: str, remotes: Remotes, *, hasty: bool = False
) -> Package:
    """Return what the pointers at an address say, as a package.

    Parameters
    ----------
    address : str
        A folder (a path or ``file://`` address); or a table or an archive at any address: what
        ends in ``.tsv``, ``.csv`` or one of these and ``.gz`` is a table, all else an archive.
    bytes_template : str
        See `pointer_package`.
    remotes : Remotes
    hasty : bool
        Give up soon where the server does not answer.

    Raises
    ------
    PackageNotFound
        If nothing is there, or no pointers.
    InvalidArgument
        If the template cannot be used.
    InvalidManifest
        If the table or archive cannot be read.
    ServerUnreachable, AccessRefused, TransferError
    """
    check_template(bytes_template)
    path = local_path(address) if "://" in address else Path(address).expanduser()
    if path is not None:
        address = path.absolute().as_uri()
    pointers = _pointers_at(address, path, remotes, hasty=hasty)
    if not pointers:
        raise PackageNotFound(
            f"{address} holds no Git-LFS pointers",
            hint="a clone holds them if it was made with GIT_LFS_SKIP_SMUDGE=1",
        )
    package = pointer_package(pointers, bytes_template)
    return package.with_header(user_meta={"address": address, **package.meta})


def _pointers_at(
    address: str, path: Path | None, remotes: Remotes, *, hasty: bool
) -> tuple[Pointer, ...]:
    if path is not None and path.is_dir():
        return pointers_in_folder(path)
    try:
        with path.open("rb") if path else download(address, remotes, hasty=hasty) as file:
            if urlsplit(address).path.lower().endswith(_TABLES):
                return pointers_in_table(_table_text(file, address), address)
            return pointers_in_archive(file, address)
    except (ObjectNotFound, FileNotFoundError) as error:
        raise PackageNotFound(
            f"{address} does not exist", hint="check the address, and the branch or tag in it"
        ) from error


def _table_text(file: BinaryIO, name: str) -> str:
    with _reading(name):
        packed = file.read(2) == b"\x1f\x8b"
        file.seek(0)
        source = gzip.GzipFile(fileobj=file) if packed else file
        data = source.read(MAX_TABLE + 1)
        if len(data) <= MAX_TABLE:
            return io.TextIOWrapper(io.BytesIO(data), encoding="utf-8-sig", newline="").read()
    raise InvalidManifest(f"{name}: expected a table of at most {MAX_TABLE} bytes")


@contextmanager
def _reading(name: str) -> Iterator[None]:
    try:
        yield
    except (EOFError, zlib.error, gzip.BadGzipFile, UnicodeDecodeError) as error:
        raise InvalidManifest(f"{name} cannot be read: {error}") from None
