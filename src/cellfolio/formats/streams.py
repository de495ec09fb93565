"""Bytes of a file that may be compressed, in bounded room, with every fault named."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from cellfolio.errors import BrokenFile, CellfolioError
from cellfolio.formats.format import COMPRESSIONS, FIRST_BYTES, Source
from cellfolio.package.sizes import format_size

BLOCK = 1 << 20
ALWAYS_ALLOWED = 1 << 30
"""Bytes that a compressed file may always have inside."""
LARGEST_RATIO = 100
"""Times its size that a larger one may have; tables of numbers have 2 to 10, zeros over 1,000."""


def compression(first_bytes: bytes) -> str:
    """Return the suffix of the compression that bytes start with; empty for none.

    Examples
    --------
    >>> import gzip
    >>> compression(gzip.compress(b"a,b")), compression(b"a,b")
    ('.gz', '')
    """
    fitting = (suffix for suffix, magic in COMPRESSIONS.items() if first_bytes.startswith(magic))
    return next(fitting, "")


def allowed_size(size: int, max_bytes: int | None) -> int:
    """Return the bytes that a compressed file of that size may have inside.

    Examples
    --------
    >>> allowed_size(1_000, None), allowed_size(1_000, 5)
    (1073741824, 5)
    """
    return max(ALWAYS_ALLOWED, LARGEST_RATIO * size) if max_bytes is None else max_bytes


def peek(path: Path) -> tuple[bytes, str]:
    """Return what a file starts with, decompressed, and its compression.

    Of a compressed file that ends or breaks at once, what came before is returned; the loader
    finds the fault again and names it.
    """
    with path.open("rb") as file:
        first = file.read(FIRST_BYTES)
    kind = compression(first)
    if not kind:
        return first, ""
    with path.open("rb", buffering=0) as file:
        return first_inside(file, kind, FIRST_BYTES), kind


def first_inside(file: IO[bytes], kind: str, count: int) -> bytes:
    """Return up to `count` first bytes inside a compressed file (see `read_inside`)."""
    return read_inside(file, kind, count)[0]


def read_inside(file: IO[bytes], kind: str, count: int) -> tuple[bytes, str]:
    """Return up to `count` first bytes inside a compressed file; no more is decompressed.

    Parameters
    ----------
    file : binary file
    kind : str
        See `compression`.
    count : int

    Returns
    -------
    bytes
        Of a file that is cut off or damaged, what came before.
    str
        What is wrong with it; empty if nothing is.
    """
    inside = bytearray()
    try:
        stream = _decompressed(file, kind)
        while len(inside) < count and (block := stream.read(min(FIRST_BYTES, count - len(inside)))):
            inside += block
    except EOFError:
        return bytes(inside), "the compressed data are cut off"
    except _FAULTS as error:
        return bytes(inside), f"the compressed data are damaged ({error})"
    return bytes(inside), ""


_FAULTS = (EOFError, OSError, zlib.error, lzma.LZMAError, ValueError)


class Contents(io.RawIOBase):
    """The bytes inside a file, decompressed as its first bytes ask for, never more than allowed.

    Parameters
    ----------
    source : Source
    format_name : str
        For messages.
    max_bytes : int, optional
        Most bytes that may be inside a compressed file.

    Attributes
    ----------
    failure : BrokenFile or None
        Why reading ended. Readers written in C may replace an error by one of their own.

    Raises
    ------
    BrokenFile
        From `read`: if the compressed data are damaged, cut off or too much.
    """

    mode = "rb"

    def __init__(self, source: Source, format_name: str, max_bytes: int | None = None) -> None:
        super().__init__()
        self.failure: BrokenFile | None = None
        self._source = source
        self._format = format_name
        self._file = source.path.open("rb")
        first = self._file.read(8)
        self._file.seek(0)
        self._kind = compression(first)
        self.given = max_bytes
        self._left = allowed_size(source.path.stat().st_size, max_bytes)
        named = next((s for s in COMPRESSIONS if source.name.lower().endswith(s)), "")
        if named and not self._kind:
            self.close()
            raise BrokenFile(
                source.name,
                format_name,
                "it is empty" if not first else f"its bytes are no {named[1:]} data",
                hint="get the file again, or name it without that suffix",
            )
        self._stream = _decompressed(self._file, self._kind) if self._kind else self._file

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read into a buffer; return the number of bytes."""
        view = memoryview(buffer).cast("B")
        block = self.block(len(view))
        view[: len(block)] = block
        return len(block)

    def block(self, size: int = BLOCK) -> bytes:
        """Return the next bytes, at most `size`; nothing at the end."""
        try:
            found = self._stream.read(size)
        except EOFError:
            raise self._failed("the compressed data are cut off") from None
        except _FAULTS as error:
            raise self._failed(f"the compressed data are damaged ({error})") from error
        if self._kind:
            self._left -= len(found)
            if self._left < 0:
                raise self._failed(
                    f"more than {format_size(allowed_size(self._size, self.given))} are inside "
                    f"{format_size(self._size)} of compressed data",
                    hint="if that is right, allow more with max_bytes=",
                )
        return found

    def blocks(self) -> Iterator[bytes]:
        """Yield all bytes in blocks."""
        while block := self.block():
            yield block

    @property
    def _size(self) -> int:
        return self._source.path.stat().st_size

    def _failed(self, reason: str, hint: str = "get the file again") -> BrokenFile:
        self.failure = BrokenFile(self._source.name, self._format, reason, hint=hint)
        return self.failure

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        super().close()


def _decompressed(file: IO[bytes], kind: str) -> Any:
    match kind:
        case ".gz":
            return gzip.GzipFile(fileobj=file)
        case ".bz2":
            return bz2.BZ2File(file)
        case ".xz":
            return lzma.LZMAFile(file)
    import pyarrow as pa

    return pa.CompressedInputStream(pa.PythonFile(file, mode="r"), "zstd")


def read_all(source: Source, format_name: str, max_bytes: int | None = None) -> bytes:
    """Return all bytes inside a file.

    Raises
    ------
    BrokenFile
        If the compressed data are damaged, cut off or too much, or if there is nothing.
    """
    with Contents(source, format_name, max_bytes) as contents:
        data = b"".join(contents.blocks())
    if not data:
        raise empty(source, format_name)
    return data


def empty(source: Source, format_name: str) -> BrokenFile:
    """Return the error for a file without any bytes."""
    return BrokenFile(source.name, format_name, "it is empty", hint="get the file again")


@contextmanager
def faults_named(source: Source, format_name: str) -> Iterator[None]:
    """Turn what a library says about a file into `BrokenFile`.

    Errors of ours, of memory, and of access to the file stay what they are.
    """
    try:
        yield
    except (CellfolioError, MemoryError, FileNotFoundError, PermissionError):
        raise
    except Exception as error:
        text = " ".join(str(error).split()) or "no reason given"
        raise BrokenFile(
            source.name,
            format_name,
            f"{text} ({type(error).__name__})",
            hint="get the file again; if it is right, its format may be newer than this reader",
        ) from error
