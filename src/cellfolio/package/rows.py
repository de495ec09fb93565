"""The rows of a manifest, kept as the text they were read from.

A package may have a million entries, and most uses need a few of them. So a package holds its
manifest's text (often a mapped file, not memory) and the offset of each row in the order of
logical keys; a row becomes an `Entry` when somebody asks for it.
"""

from __future__ import annotations

import hashlib
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from cellfolio.errors import InvalidKey, InvalidManifest
from cellfolio.package.entry import Entry
from cellfolio.package.keys import check_key, sort_key
from cellfolio.package.row import (
    CUSTOMARY_KEY,
    CUSTOMARY_ROW,
    Row,
    Text,
    canonical_json,
    customary_row,
    parse_row,
    write_row,
)

Offsets = Sequence[int]

HASH_BATCH = 1000
"""Rows joined before they are hashed: fewer calls, same hash."""


class Rows:
    """The entries of a package in the order of their logical keys, as text.

    Parameters
    ----------
    text : bytes or mmap
        Lines of a manifest.
    offsets : sequence of int
        Where each entry's line starts, in the order of logical keys.
    """

    __slots__ = ("_offsets", "_text")

    def __init__(self, text: Text, offsets: Offsets) -> None:
        self._text = text
        self._offsets = offsets

    def __len__(self) -> int:
        return len(self._offsets)

    def __reduce__(self) -> tuple[Any, ...]:
        return Rows, (bytes(self._text), array("Q", self._offsets))

    @property
    def offsets(self) -> Offsets:
        """Where each entry's line starts."""
        return self._offsets

    def row(self, index: int) -> Row:
        """Return the row at `index`."""
        return self._row_at(self._offsets[index])

    def _row_at(self, start: int) -> Row:
        fast = customary_row(self._text, start)
        # A brace that closes before the end may close the metadata, with more fields after it.
        if fast is not None and b"}" not in fast[0].meta.rstrip(b"}"):
            return fast[0]
        found, _ = parse_row(self._text, start)
        if not isinstance(found, Row):
            raise InvalidManifest(f"expected an entry at byte {start}, found a folder")
        return found

    def line(self, index: int) -> bytes:
        """Return the row at `index` as a line of a manifest.

        A row of a customary form is given as it was read, any other as quilt3 writes it.
        """
        start = self._offsets[index]
        match = CUSTOMARY_ROW.match(self._text, start)
        if match is None or bool(match[3]) == bool(match[6]):
            return write_row(self.row(index).entry())
        return match[0] + b"\n"

    def key(self, index: int) -> str:
        """Return the logical key at `index`."""
        match = CUSTOMARY_KEY.match(self._text, self._offsets[index])
        return match[1].decode() if match is not None else self.row(index).key.decode()

    def keys(self, start: int, stop: int) -> Iterator[str]:
        """Yield the logical keys from index `start` to before `stop`."""
        text, match = self._text, CUSTOMARY_KEY.match
        for offset in self._offsets[start:stop]:
            found = match(text, offset)
            yield found[1].decode() if found else self._row_at(offset).key.decode()

    def sizes(self, start: int, stop: int) -> Iterator[int]:
        """Yield the bytes of the files from index `start` to before `stop`; -1 where unknown."""
        text, match = self._text, CUSTOMARY_ROW.match
        for offset in self._offsets[start:stop]:
            found = match(text, offset)
            if found is not None:
                early, late, meta = found.group(3, 6, 7)
                if bool(early) != bool(late) and b"}" not in meta.rstrip(b"}"):
                    yield int(early or late)
                    continue
            yield self._row_at(offset).size

    def __iter__(self) -> Iterator[Row]:
        return self.between(0, len(self))

    def between(self, start: int, stop: int) -> Iterator[Row]:
        """Yield the rows from index `start` to before `stop`."""
        for index in range(start, stop):
            yield self.row(index)

    def find(self, key: str) -> int | None:
        """Return the index of `key`, or None."""
        try:
            wanted = sort_key(key)
        except UnicodeEncodeError:
            return None
        index = self._bisect(wanted)
        return index if index < len(self) and self.key(index) == key else None

    def folder(self, prefix: str, start: int = 0, stop: int | None = None) -> tuple[int, int]:
        """Return the range of indices of keys that start with `prefix`, which ends with ``/``."""
        try:
            low = sort_key(prefix)
        except UnicodeEncodeError:
            return start, start
        if "\0" in prefix:  # which sorts like a slash
            return start, start
        first = self._bisect(low, start, stop)
        return first, self._bisect(low[:-1] + b"\1", first, stop)

    def _bisect(self, wanted: bytes, start: int = 0, stop: int | None = None) -> int:
        stop = len(self) if stop is None else stop
        return bisect_left(range(len(self)), wanted, start, stop, key=self._sort_key)

    def _sort_key(self, index: int) -> bytes:
        return sort_key(self.key(index))

    def select(self, indices: Sequence[int]) -> Rows:
        """Return the rows at `indices`, which ascend; the text is shared."""
        return Rows(self._text, array("Q", [self._offsets[index] for index in indices]))


def rows_of(entries: Sequence[Entry]) -> Rows:
    """Return entries, in any order, as rows.

    Raises
    ------
    InvalidKey
        If a logical key is invalid or occurs twice.
    InvalidManifest
        If metadata cannot be written.
    """
    ordered = sorted(entries, key=lambda entry: sort_key(check_key(entry.logical_key)))
    lines: list[bytes] = []
    offsets = array("Q")
    position = 0
    previous = None
    for entry in ordered:
        if entry.logical_key == previous:
            raise InvalidKey(entry.logical_key, "occurs twice")
        previous = entry.logical_key
        line = write_row(entry)
        offsets.append(position)
        lines.append(line)
        position += len(line)
    return Rows(b"".join(lines), offsets)


def canonical_header(header: Mapping[str, Any]) -> bytes:
    """Return the text of a manifest's header that a top hash covers.

    Raises
    ------
    InvalidManifest
        If it holds NaN or anything else that is not JSON.
    """
    try:
        return canonical_json(header).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidManifest(f"the header cannot be hashed: {error}", line=1) from None


def compute_top_hash(header: Mapping[str, Any], rows: Iterable[Row]) -> str:
    """Return the top hash, 64 hexadecimal digits, of a header and rows in order."""
    hasher = hashlib.sha256(canonical_header(header))
    batch: list[bytes] = []
    for row in rows:
        batch.append(row.canonical())
        if len(batch) == HASH_BATCH:
            hasher.update(b"".join(batch))
            batch.clear()
    hasher.update(b"".join(batch))
    return hasher.hexdigest()
