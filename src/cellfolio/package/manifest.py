"""Manifests: the text form of a package, and the top hash that names it.

A manifest is UTF-8 JSON, one object a line: a header, then one row per entry, and rows that give
folders metadata. The top hash is a SHA-256 over the header and over key, size, digest and
metadata of every entry in the order of logical keys; it does not cover where the bytes are.
Peers' manifests are read leniently (any order of rows and fields, ``meta`` missing or null) and
written exactly as quilt3 8.0.0 writes them.
"""

from __future__ import annotations

import hashlib
import json
import struct
import zlib
from array import array
from collections.abc import Iterator
from itertools import pairwise
from typing import Any, NamedTuple

from cellfolio.errors import InvalidKey, InvalidManifest, ManifestMismatch
from cellfolio.package.keys import check_key, sort_key
from cellfolio.package.package import Package
from cellfolio.package.row import MAX_SIZE, FolderRow, Row, Text, parse_row
from cellfolio.package.rows import Rows, canonical_header, compute_top_hash
from cellfolio.package.scan import Scan, ascending, scan_block

_BLOCK = 1 << 20
_INDEX_MAGIC = b"cellfolio-index2"
_INDEX_HEAD = struct.Struct("<16sQQQQ")
# A disk that lost power may keep the name of a file and only part of its bytes.
_INDEX_CHECK = struct.Struct("<Q")


def read_manifest(text: Text, *, top_hash: str | None = None, name: str = "") -> Package:
    r"""Read a manifest and check it against its top hash.

    Parameters
    ----------
    text : bytes or mmap
        The manifest. A mapped file is not copied into memory.
    top_hash : str, optional
        What it must hash to; not checked where None.
    name : str, optional
        Package name to show.

    Returns
    -------
    Package

    Raises
    ------
    InvalidManifest
        Naming the line that cannot be read, or a logical key that occurs twice.
    ManifestMismatch
        If `top_hash` was given and the content hashes to something else.

    Examples
    --------
    >>> package = read_manifest(b'{"version": "v0", "message": null}\n')
    >>> package.top_hash[:12], len(package.rows)
    ('2a5a67156ca9', 0)
    """
    header, position = _read_header(text)
    folders: dict[str, Any] = {}
    offsets = array("Q")
    hasher = hashlib.sha256(canonical_header(header))
    size, line, last, in_order = 0, 2, b"", True
    for block in _blocks(text, position):
        read = scan_block(block.text) or _scan_lines(block.text, line)
        for key, meta in read.folders:
            folders[key] = meta
        offsets.extend(block.start + offset for offset in read.offsets)
        in_order = in_order and ascending(last, read.order)
        if in_order:
            hasher.update(read.canonical)
        last = read.order[-1] if read.order else last
        size += read.size
        line += read.lines
    if size > MAX_SIZE:
        raise InvalidManifest(f"its files have {size} bytes; expected at most {MAX_SIZE}")
    rows = Rows(text, offsets)
    if in_order:
        found = hasher.hexdigest()
    else:
        rows = _in_order(rows)
        found = compute_top_hash(header, rows)
    if top_hash is not None and found != top_hash:
        raise ManifestMismatch(top_hash, found)
    return Package(rows, header, folders, name=name, top_hash=found, size=size)


class _Block(NamedTuple):
    start: int
    text: bytes


def _blocks(text: Text, start: int) -> Iterator[_Block]:
    """Cut the text after `start` into pieces of whole lines."""
    while start < len(text):
        stop = text.find(b"\n", min(start + _BLOCK, len(text))) + 1 or len(text)
        yield _Block(start, text[start:stop])
        start = stop


def _scan_lines(text: bytes, line: int) -> Scan:
    """Do what `scan_block` does for rows of any form, one at a time."""
    scan = Scan()
    position, canonical = 0, []
    while position < len(text):
        start = position
        row, position = parse_row(text, start, line)
        _check_row_key(row, line)
        scan.lines += 1
        if isinstance(row, Row):
            scan.offsets.append(start)
            scan.order.append(row.key.replace(b"/", b"\0"))
            scan.size += max(row.size, 0)
            canonical.append(_canonical(row, line))
        else:
            scan.folders.append((row.key.decode(), row.meta))
        line += 1
    scan.canonical = b"".join(canonical)
    return scan


def _check_row_key(row: Row | FolderRow, line: int) -> None:
    key = row.key.decode()
    try:
        check_key(key if isinstance(row, Row) else key.removesuffix("/"))
    except InvalidKey as error:
        raise InvalidManifest(str(error), line=line) from None


def _canonical(row: Row, line: int) -> bytes:
    try:
        return row.canonical()
    except (ValueError, RecursionError) as error:  # NaN
        raise InvalidManifest(f"entry {row.key.decode()!r}: {error}", line=line) from None


def _in_order(rows: Rows) -> Rows:
    keyed = sorted((sort_key(rows.key(index)), index) for index in range(len(rows)))
    for (one, _), (other, index) in pairwise(keyed):
        if one == other:
            raise InvalidManifest(f"logical key {rows.key(index)!r} occurs twice")
    return rows.select([index for _, index in keyed])


def _read_header(text: Text) -> tuple[dict[str, Any], int]:
    end = text.find(b"\n")
    end = len(text) if end < 0 else end
    try:
        header = json.loads(text[:end].decode())
    except (ValueError, RecursionError) as error:
        raise InvalidManifest(f"not a Quilt manifest: {error}", line=1) from None
    if not isinstance(header, dict) or header.get("version") != "v0":
        raise InvalidManifest('expected a header with "version": "v0"', line=1)
    header.pop("top_hash", None)  # written by early versions; not covered by the hash
    return header, end + 1


def write_index(package: Package, text_size: int) -> bytes:
    """Return what is needed to open the same manifest again without reading it.

    Parameters
    ----------
    package : Package
        As `read_manifest` returned it.
    text_size : int
        Bytes of the manifest.
    """
    folders = json.dumps(package.folder_meta).encode()
    offsets = array("Q", package.rows.offsets)
    head = _INDEX_HEAD.pack(_INDEX_MAGIC, text_size, package.size, len(offsets), len(folders))
    body = bytes.fromhex(package.top_hash) + offsets.tobytes() + folders
    return head + _INDEX_CHECK.pack(zlib.crc32(body, zlib.crc32(head))) + body


def read_indexed(text: Text, index: Text, *, name: str = "") -> Package | None:
    """Open a manifest by its index, without reading it.

    Returns
    -------
    Package or None
        None where the index is damaged or of another manifest.
    """
    hash_start = _INDEX_HEAD.size + _INDEX_CHECK.size
    start = hash_start + 32
    if len(index) < start:
        return None
    magic, text_size, size, count, folders_size = _INDEX_HEAD.unpack_from(index)
    stop = start + 8 * count
    if magic != _INDEX_MAGIC or text_size != len(text) or len(index) != stop + folders_size:
        return None
    (check,) = _INDEX_CHECK.unpack_from(index, _INDEX_HEAD.size)
    view = memoryview(index)
    if check != zlib.crc32(view[hash_start:], zlib.crc32(view[: _INDEX_HEAD.size])):
        return None
    offsets = view[start:stop].cast("Q")
    header, _ = _read_header(text)
    return Package(
        Rows(text, offsets),
        header,
        json.loads(index[stop:]),
        name=name,
        top_hash=index[hash_start:start].hex(),
        size=size,
    )
