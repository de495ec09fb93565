"""A large file on its way: fetched in parts, in any order, resumed after any interruption.

Beside the unfinished file lies a journal. Its first line says what is being fetched (size, ETag,
part size); each further line names a part that is complete, with its leaf digests. A run that
finds the journal goes on with the parts that are missing, if the remote object is still the same.
The final digest decides in any case: a damaged part is found then, and the file starts over.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cellfolio.package.digests import (
    CHUNK_SIZE,
    Buffer,
    Digest,
    Hasher,
    Scheme,
    hash_blocks,
    schemes,
)
from cellfolio.storage.blobs import read_blocks
from cellfolio.storage.in_order import InOrder

_JOURNAL_VERSION = 1
_PARTS = 8
_MAX_PART = 8 * CHUNK_SIZE


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a large file: its number and bytes `start` to before `stop`."""

    number: int
    start: int
    stop: int


class PartFile:
    """The unfinished copy of one large file.

    Safe for threads; only one process at a time may have it open (the caller holds a lock).

    Parameters
    ----------
    path : Path
        Of the unfinished file; the journal lies beside it.
    size : int
        Bytes of the whole file.
    digest : Digest
        What the whole must be.
    check : callable
        Called often in long work; may raise to stop it.
    """

    def __init__(
        self, path: Path, size: int, digest: Digest, check: Callable[[], None] = lambda: None
    ) -> None:
        self.path = path
        self.size = size
        self.digest = digest
        self.e_tag: str | None = None
        self._journal_path = path.with_suffix(".journal")
        self._how: Scheme = next(schemes(digest, size))
        self._part_size = part_size(size, self._how.leaf_size or CHUNK_SIZE)
        self._leaves: dict[int, list[bytes]] = {}
        self._check = check
        self._lock = threading.Lock()
        self._open()
        self._in_order: InOrder | None = None
        if self._how.leaf_size is None:
            self._in_order = InOrder(self._how, self._file, self._part_size, size)
            for number in self._leaves:
                self._in_order.complete(number)

    @property
    def parts(self) -> list[Part]:
        """All parts, in order."""
        starts = range(0, self.size, self._part_size)
        return [
            Part(number, start, min(start + self._part_size, self.size))
            for number, start in enumerate(starts)
        ]

    def missing(self) -> list[Part]:
        """Return the parts still to fetch."""
        return [part for part in self.parts if part.number not in self._leaves]

    def _open(self) -> None:
        header, leaves = _read_journal(self._journal_path)
        self._file = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o666)
        expected = self._header()
        known = {key: header.get(key) for key in expected} == expected
        if known and os.fstat(self._file).st_size == self.size:
            self.e_tag = header.get("e_tag")
            self._leaves = leaves
        else:
            os.ftruncate(self._file, 0)
            os.ftruncate(self._file, self.size)
            self._journal_path.unlink(missing_ok=True)
        self._journal = -1

    def _header(self) -> dict[str, Any]:
        return {
            "version": _JOURNAL_VERSION,
            "size": self.size,
            "digest": str(self.digest),
            "part_size": self._part_size,
        }

    def accept(self, e_tag: str | None) -> bool:
        """Whether a response with this ETag is of the object that the other parts are of."""
        with self._lock:
            if self._journal < 0:
                fresh = not self._leaves
                if fresh:
                    self.e_tag = e_tag
                elif self.e_tag != e_tag:
                    return False
                flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
                self._journal = os.open(self._journal_path, flags, 0o666)
                if fresh:
                    os.ftruncate(self._journal, 0)
                    self._note({**self._header(), "e_tag": e_tag})
                return True
            return self.e_tag == e_tag

    def begin(self, part: Part) -> PartWriter:
        """Return what takes the bytes of a part, from its start."""
        if self._in_order is None:
            return PartWriter(self, part, Hasher(self._how))
        return PartWriter(self, part, self._in_order)

    def _write(self, offset: int, view: memoryview) -> None:
        while view:
            written = os.pwrite(self._file, view, offset)
            offset += written
            view = view[written:]

    def _finish(self, part: Part, leaves: list[bytes]) -> None:
        """Note a part as complete."""
        with self._lock:
            self._note({"part": part.number, "leaves": [leaf.hex() for leaf in leaves]})
            self._leaves[part.number] = leaves

    def _note(self, line: dict[str, Any]) -> None:
        os.write(self._journal, json.dumps(line).encode() + b"\n")

    def found_digest(self) -> Digest:
        """Return the digest of the complete file."""
        if self._in_order is not None:
            return self._in_order.digest(self._check)
        sorted_leaves = sorted(self._leaves.items())
        found = self._how.digest([leaf for _, leaves in sorted_leaves for leaf in leaves])
        if found != self.digest and self.digest.parts is not None:
            return hash_blocks(self.digest, self.size, self._blocks)[0]
        return found

    def _blocks(self) -> Iterator[bytes]:
        return read_blocks(self.path)

    def close(self) -> None:
        """Close the files; what was fetched stays for the next run."""
        with self._lock:
            for descriptor in (self._file, self._journal):
                if descriptor >= 0:
                    os.close(descriptor)
            self._file = self._journal = -1

    def discard(self) -> None:
        """Close, and remove what was fetched."""
        self.close()
        self.path.unlink(missing_ok=True)
        self._journal_path.unlink(missing_ok=True)

    def release(self) -> Path:
        """Close, drop the journal, and return the complete file."""
        self.close()
        self._journal_path.unlink(missing_ok=True)
        return self.path


class PartWriter:
    """Writes and hashes one part while it arrives; for one thread.

    Attributes
    ----------
    offset : int
        In the file: where the next bytes belong.
    """

    def __init__(self, file: PartFile, part: Part, hasher: Hasher | InOrder) -> None:
        self._file = file
        self._part = part
        self._hasher = hasher
        self.offset = part.start

    def add(self, block: Buffer) -> None:
        """Take the next bytes."""
        view = memoryview(block)
        offset, self.offset = self.offset, self.offset + len(view)
        if isinstance(self._hasher, Hasher):
            self._file._write(offset, view)
            self._hasher.update(view)
            return
        view = self._hasher.not_hashed(offset, view)
        offset = self.offset - len(view)
        self._file._write(offset, view)
        self._hasher.take(self._part.number, offset, view, self._file._check)

    def finish(self) -> None:
        """Note the part as complete."""
        if isinstance(self._hasher, Hasher):
            self._file._finish(self._part, self._hasher.leaves())
            return
        self._file._finish(self._part, [])
        self._hasher.complete(self._part.number)
        self._hasher.go_on(self._file._check)


def part_size(size: int, leaf_size: int) -> int:
    """Return the bytes of a part: whole leaves, near an eighth of the file, 8 to 64 MiB.

    Many parts keep many connections busy on a slow link; few ask less of both sides: a request
    takes as much of our processor's time as receiving and writing a MiB (measured).

    Examples
    --------
    >>> [part_size(n * CHUNK_SIZE, CHUNK_SIZE) // CHUNK_SIZE for n in (5, 25, 64, 10_000)]
    [1, 3, 8, 8]
    """
    wanted = min(max(size // _PARTS, CHUNK_SIZE), _MAX_PART)
    return leaf_size * max(1, wanted // leaf_size)


def _read_journal(path: Path) -> tuple[dict[str, Any], dict[int, list[bytes]]]:
    """Return header and leaf digests by part; a torn last line is left out."""
    try:
        lines = path.read_bytes().split(b"\n")
    except FileNotFoundError:
        return {}, {}
    header: dict[str, Any] = {}
    leaves: dict[int, list[bytes]] = {}
    for line in lines[:-1]:
        try:
            fields = json.loads(line)
            if not header:
                header = dict(fields)
            else:
                leaves[int(fields["part"])] = [bytes.fromhex(leaf) for leaf in fields["leaves"]]
        except (ValueError, KeyError, TypeError):
            break
    return header, leaves
