"""Small files inside an archive, read without unpacking it.

An archive is not trusted: only the bytes of small regular files are read, no name is used as a
path, and memory does not grow with what the archive claims or packs.
"""

from __future__ import annotations

import gzip
import io
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import closing
from typing import BinaryIO

from cellfolio.errors import InvalidManifest

_GZIP, _ZIP = b"\x1f\x8b", (b"PK\x03\x04", b"PK\x05\x06")
_TAR, _TAR_AT = b"ustar", 257
_BLOCK = 512
_DRAIN = 1 << 18
_MEMBER_BYTES = 1 << 20
"""Bytes that the names, attributes and content of one member that is read may have."""
_FAILURES = (
    tarfile.TarError,
    zipfile.BadZipFile,
    gzip.BadGzipFile,
    zlib.error,
    EOFError,
    NotImplementedError,  # a compression that this Python cannot undo
    ValueError,  # numbers in headers
)

SmallFile = tuple[str, bytes | None]


def read_small_files(file: BinaryIO, limit: int, name: str) -> Iterator[SmallFile]:
    """Yield the name of each regular file in an archive, and its bytes where it has few.

    Names are as the archive has them, and may be hostile. Links, folders and devices are left
    out; files that are encrypted or have `limit` bytes or more come without their bytes.

    Parameters
    ----------
    file : binary file
        tar, tar.gz or zip, told apart by its first bytes; can be read from any offset.
    limit : int
        Bytes.
    name : str
        Names the archive in errors.

    Raises
    ------
    InvalidManifest
        If it is no such archive, is damaged or ends early.
    """
    file.seek(0)
    start = file.read(_BLOCK)
    file.seek(0)
    try:
        if start.startswith(_ZIP):
            yield from _from_zip(file, limit)
        elif start.startswith(_GZIP):
            with gzip.GzipFile(fileobj=file) as unpacked:
                yield from _from_tar(unpacked, limit)
        elif start[_TAR_AT:].startswith(_TAR) or (len(start) == _BLOCK and not any(start)):
            yield from _from_tar(file, limit)
        else:
            raise InvalidManifest(
                f"{name} is no archive; expected tar, tar.gz or zip, found the bytes {start[:8]!r}",
                hint="a table's address has to end in .tsv, .csv, .tsv.gz or .csv.gz",
            )
    except _FAILURES as error:
        if isinstance(error, InvalidManifest):
            raise
        raise InvalidManifest(
            f"{name} cannot be read as an archive: {error or type(error).__name__}",
            hint="it is damaged or was cut short; get it again",
        ) from error


def _from_zip(file: BinaryIO, limit: int) -> Iterator[SmallFile]:
    with zipfile.ZipFile(file) as archive:
        for info in archive.infolist():
            kind = stat.S_IFMT(info.external_attr >> 16)
            if info.is_dir() or kind not in (0, stat.S_IFREG):
                continue
            encrypted = info.flag_bits & 1
            if encrypted or info.file_size >= limit:
                yield info.filename, None
            else:
                with archive.open(info) as member:
                    yield info.filename, member.read()


def _from_tar(unpacked: BinaryIO | gzip.GzipFile, limit: int) -> Iterator[SmallFile]:
    source = _Rationed(unpacked)
    with closing(tarfile.open(fileobj=source, mode="r:", encoding="utf-8")) as archive:
        while (member := _next_member(archive, source)) is not None:
            if not member.isreg() or member.issparse():
                continue
            data = None
            if member.size < limit:
                content = archive.extractfile(member)
                data = b"" if content is None else content.read()
            yield member.name, data
        _check_end(archive, source)


def _next_member(archive: tarfile.TarFile, source: _Rationed) -> tarfile.TarInfo | None:
    archive.members.clear()  # type: ignore[attr-defined]  # else it remembers all of them
    source.left = _MEMBER_BYTES
    return archive.next()


def _check_end(archive: tarfile.TarFile, source: _Rationed) -> None:
    """Refuse an archive that ends before its end mark; `tarfile` takes damage there for the end."""
    source.seek(archive.offset)
    block = source.read(_BLOCK)
    if len(block) < _BLOCK or any(block):
        raise tarfile.ReadError(f"expected the end mark at byte {archive.offset}")
    while block:  # so that a checksum behind the data is looked at
        source.left = _MEMBER_BYTES
        block = source.read(_DRAIN)


class _Rationed(io.RawIOBase):
    """A file of which only so many bytes can be read until more are granted.

    `tarfile` reads the headers that hold long names whole, whatever size they claim.
    """

    def __init__(self, source: BinaryIO | gzip.GzipFile) -> None:
        super().__init__()
        self._source = source
        self.left = _MEMBER_BYTES

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= self.left:
            raise tarfile.ReadError(f"a member's headers have more than {_MEMBER_BYTES} bytes")
        self.left -= size
        return self._source.read(size)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._source.seek(offset, whence)

    def tell(self) -> int:
        return self._source.tell()
