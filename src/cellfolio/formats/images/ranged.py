"""Spans of bytes of a file, here or in a remote store.

Rule 1: spans that lie close together in a remote file are one request (`GAP`), so a plane is one.
Rule 2: a remote file must not change between two requests: its size and ETag are compared.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import BinaryIO, Protocol

from cellfolio.errors import TransferError
from cellfolio.formats.images.malformed import Malformed
from cellfolio.package.digests import Digest
from cellfolio.storage.places import Place
from cellfolio.storage.remote import ObjectInfo, Remotes, with_retries
from cellfolio.storage.workers import at_once

GAP = 256 * 1024
"""Bytes that nobody wants, up to which two spans are still one request."""
REQUEST = 8 * 1024 * 1024
"""Bytes from which on neighbouring spans are several requests, sent at once."""

HEAD = 64 * 1024
"""Bytes that are read of a file to see what it is."""

_AHEAD = 4 * REQUEST
_BEFORE = 16 * 1024
"""Bytes of a remote file that are read before the ones asked for."""
_NEAR = 8 * 1024
"""Bytes of a piece of a local file, where a request costs next to nothing."""

Span = tuple[int, int]
"""First byte, and the one after the last."""


class Ranged(Protocol):
    """A file whose parts can be read."""

    @property
    def name(self) -> str:
        """What the user calls it."""

    @property
    def far(self) -> bool:
        """Whether each reading waits for a network."""

    @property
    def size(self) -> int:
        """Bytes of the whole file."""

    @property
    def e_tag(self) -> str:
        """What the store calls its bytes; empty where there is none."""

    def read(self, spans: Sequence[Span]) -> list[memoryview]:
        """Return the bytes of each span.

        Raises
        ------
        Malformed
            If the file ends before a span does.
        """

    def read_first(self, count: int) -> memoryview:
        """Return up to `count` bytes from the start."""


class LocalFile:
    """A file on this machine.

    Parameters
    ----------
    path : Path
    name : str, optional
        What messages call it; by default the path.
    """

    far = False
    e_tag = ""

    def __init__(self, path: Path, name: str = "") -> None:
        self._path = path
        self.name = name or str(path)

    @property
    def size(self) -> int:
        """Bytes of the whole file."""
        return self._path.stat().st_size

    def read(self, spans: Sequence[Span]) -> list[memoryview]:
        """See `Ranged.read`."""
        with self._path.open("rb", buffering=0) as file:
            return [self._read(file, span) for span in spans]

    def _read(self, file: BinaryIO, span: Span) -> memoryview:
        file.seek(span[0])
        found = file.read(span[1] - span[0])
        while len(found) < span[1] - span[0]:  # the system reads at most 2 GiB at a time
            more = file.read(span[1] - span[0] - len(found))
            if not more:
                raise Malformed(f"bytes up to {span[1]} are expected, and it ends before")
            found += more
        return memoryview(found)

    def read_first(self, count: int) -> memoryview:
        """See `Ranged.read_first`."""
        with self._path.open("rb") as file:
            return memoryview(file.read(count))


class RemoteFile:
    """A file in a remote store, read by ranges.

    Parameters
    ----------
    remotes : Remotes
    place : Place
    digest : Digest, optional
        What its bytes should be. Ranges cannot be checked against it, but an ETag is compared.
    size : int, optional
        Bytes that it should have.
    """

    far = True

    def __init__(
        self,
        remotes: Remotes,
        place: Place,
        digest: Digest | None = None,
        size: int | None = None,
    ) -> None:
        self._remotes = remotes
        self._place = place
        self.name = place.uri
        self.e_tag = digest.value if digest is not None and digest.algorithm == "ETag" else ""
        self._size = size
        self._when_changed: Callable[[], None] = lambda: None

    def expect(self, e_tag: str, when_changed: Callable[[], None]) -> None:
        """Say which object this must be, and what to do when it is another."""
        self.e_tag = self.e_tag or e_tag
        self._when_changed = when_changed

    @property
    def size(self) -> int:
        """Bytes of the whole file."""
        if self._size is None:
            self.read_first(1)
        assert self._size is not None
        return self._size

    def read(self, spans: Sequence[Span]) -> list[memoryview]:
        """See `Ranged.read`."""
        runs = join_spans(spans)
        bodies = dict(zip(runs, at_once(self._get, runs), strict=True))
        order = sorted(range(len(spans)), key=spans.__getitem__)
        found: list[memoryview] = [memoryview(b"")] * len(spans)
        ordered = iter(runs)
        run = next(ordered, (0, 0))
        for number in order:
            start, end = spans[number]
            while end > run[1]:
                run = next(ordered)
            found[number] = bodies[run][start - run[0] : end - run[0]]
        return found

    def read_first(self, count: int) -> memoryview:
        """See `Ranged.read_first`."""
        try:
            return self._get((0, count), whole=False)
        except TransferError:
            info = self._remotes.head(self._place)  # no range of an empty object can be had
            if info is None or info.size:
                raise
            self._size = 0
            return memoryview(b"")

    def _get(self, span: Span, *, whole: bool = True) -> memoryview:
        def ask() -> tuple[memoryview, ObjectInfo]:
            body = self._remotes.get(self._place, span=span)
            return memoryview(body.read()), body.info

        found, info = with_retries(ask)
        self._check_unchanged(info)
        if whole and len(found) != span[1] - span[0]:
            raise Malformed(f"bytes up to {span[1]} are expected, and it has {info.size}")
        return found

    def _check_unchanged(self, info: ObjectInfo) -> None:
        found = info.e_tag or ""
        if self._size not in (None, info.size):
            self._when_changed()
            raise Malformed(f"it changed: {self._size} bytes are expected, and it has {info.size}")
        if self.e_tag and found and found != self.e_tag:
            self._when_changed()
            raise Malformed(f"it changed: ETag {self.e_tag} is expected, and it has {found}")
        self._size, self.e_tag = info.size, self.e_tag or found


def join_spans(spans: Iterable[Span]) -> list[Span]:
    """Return few spans that hold all those given, in order.

    Examples
    --------
    >>> join_spans([(900_000, 900_010), (0, 10), (10, 30), (100, 110)])
    [(0, 110), (900000, 900010)]
    """
    joined: list[Span] = []
    for start, end in sorted(spans):
        if joined:
            first, last = joined[-1]
            together = max(end, last) - first
            if start < last or (start - last <= GAP and together <= REQUEST):
                joined[-1] = (first, max(end, last))
                continue
        joined.append((start, end))
    return joined


class Window:
    """Small pieces of a file, one after the other, with few requests.

    Each block is twice as large as the one before, up to `_AHEAD`: lists that are spread over the
    whole file cost about as many requests as fetching it in large parts, several at once, and
    lists that stand together cost one or two.

    Parameters
    ----------
    source : Ranged
    head : memoryview
        What was read of its first `HEAD` bytes.
    """

    _BLOCKS = 2

    def __init__(self, source: Ranged, head: memoryview) -> None:
        self._source = source
        self.size = source.size
        self._next = HEAD if source.far else _NEAR
        self._blocks: list[tuple[int, memoryview]] = [(0, head)]
        # A list that points to the same bytes again and again must not keep us busy for hours.
        self._to_read = self._to_fetch = 4 * self.size + 64 * HEAD

    def read(self, start: int, count: int) -> memoryview:
        """Return `count` bytes from `start` on.

        Raises
        ------
        Malformed
            If the file ends before, or most of it was read several times.
        """
        if start < 0 or start + count > self.size:
            raise Malformed(f"it points to byte {start + count}, and has {self.size} bytes")
        self._to_read -= count
        if min(self._to_read, self._to_fetch) < 0:
            raise Malformed("its list of pages points to the same bytes again and again")
        for first, block in self._blocks:
            if first <= start and start + count <= first + len(block):
                return block[start - first : start - first + count]
        first, block = self._fetch(start, count)
        return block[start - first : start - first + count]

    def _fetch(self, start: int, count: int) -> tuple[int, memoryview]:
        # Many programs write what belongs to a page just before its entry in the list.
        first = max(0, start - _BEFORE) if self._source.far else start
        end = min(self.size, start + max(count, self._next))
        pieces = [(at, min(at + REQUEST, end)) for at in range(first, end, REQUEST)]
        block = memoryview(b"".join(self._source.read(pieces)))
        if self._source.far:
            self._to_fetch -= end - first
            self._next = min(2 * self._next, _AHEAD)
        self._blocks = [*self._blocks[-self._BLOCKS + 1 :], (first, block)]
        return first, block
