"""Rows of tables of any size: some columns of some rows at a time.

Rule 1: of a Parquet file only the groups of rows, and the columns, that are asked for are read.
Rule 2: values are Arrow's, so that a missing value is never a number.
"""

from __future__ import annotations

import io
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from cellfolio.errors import BrokenFile
from cellfolio.formats.format import Source
from cellfolio.formats.images.ranged import Ranged
from cellfolio.formats.streams import empty, faults_named

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

LARGEST_GROUP = 2_000_000_000
"""Bytes that the columns asked for may take in one group of rows, uncompressed."""


class TableRows(Protocol):
    """A table whose rows can be had in parts."""

    @property
    def schema(self) -> pa.Schema:
        """Names and kinds of its columns."""

    @property
    def count(self) -> int:
        """How many rows it has."""

    @property
    def weight(self) -> int:
        """Bytes of memory that it keeps."""

    def read(self, columns: Sequence[int], rows: slice | np.ndarray | None = None) -> pa.Table:
        """Return some columns, by number, of some rows: by number in any order, or all."""


class MemoryRows:
    """Rows of a table in memory.

    Parameters
    ----------
    table : pyarrow.Table
    """

    def __init__(self, table: pa.Table) -> None:
        self._table = table
        self.schema = table.schema
        self.count: int = table.num_rows
        self.weight: int = table.nbytes

    def read(self, columns: Sequence[int], rows: slice | np.ndarray | None = None) -> pa.Table:
        """See `TableRows.read`."""
        some = self._table.select(list(columns))
        if rows is None:
            return some
        if isinstance(rows, slice):
            start, stop, _ = rows.indices(self.count)
            return some.slice(start, max(0, stop - start))
        return some.take(rows)


class ParquetRows:
    """Rows of a Parquet file, here or in a remote store; safe for several threads.

    Parameters
    ----------
    place : Path or Ranged
    name : str
        What messages call it.
    trusted : bool
        Whether we wrote it, so that pages have checksums to be compared with.

    Raises
    ------
    BrokenFile
    """

    def __init__(self, place: Path | Ranged, name: str, *, trusted: bool = False) -> None:
        import pyarrow.parquet as pq

        self._source = Source(place if isinstance(place, Path) else Path(name), name)
        size = place.stat().st_size if isinstance(place, Path) else place.size
        if not size:
            raise empty(self._source, "parquet")
        file = place if isinstance(place, Path) else RangedFile(place)
        with faults_named(self._source, "parquet"):
            self._file: pq.ParquetFile = pq.ParquetFile(
                file, pre_buffer=True, page_checksum_verification=trusted
            )
            self.schema: pa.Schema = self._file.schema_arrow
            self.count: int = self._file.metadata.num_rows
        self._leaves = _leaves(self._file)
        # Metadata in memory takes a few times what it takes in the file.
        self.weight: int = 4 * self._file.metadata.serialized_size
        self._lock = threading.Lock()

    def read(self, columns: Sequence[int], rows: slice | np.ndarray | None = None) -> pa.Table:
        """See `TableRows.read`.

        Raises
        ------
        BrokenFile
            If it is damaged, or what is asked for takes more than `LARGEST_GROUP` at a time.
        """
        import numpy as np
        import pyarrow as pa

        names = [self.schema.names[at] for at in columns]
        if isinstance(rows, np.ndarray):
            return self._taken(columns, names, rows)
        start, stop, _ = (slice(None) if rows is None else rows).indices(self.count)
        parts: list[pa.Table] = []
        for group, first, end in self._groups():
            if first < stop and start < end:
                read = self._group(group, columns, names)
                parts.append(read.slice(max(0, start - first), min(end, stop) - max(first, start)))
        schema = pa.schema([self.schema.field(at) for at in columns])
        return pa.concat_tables(parts) if parts else schema.empty_table()

    def _taken(self, columns: Sequence[int], names: Sequence[str], rows: np.ndarray) -> pa.Table:
        """Return rows in the order that is asked for, each group read once."""
        import numpy as np
        import pyarrow as pa

        parts: list[pa.Table] = []
        places: list[np.ndarray] = []
        for group, first, end in self._groups():
            within = np.flatnonzero((rows >= first) & (rows < end))
            if len(within):
                parts.append(self._group(group, columns, names).take(rows[within] - first))
                places.append(within)
        if not parts:
            return self.read(columns, slice(0, 0))
        back = np.argsort(np.concatenate(places), kind="stable")
        return pa.concat_tables(parts).take(back)

    def _groups(self) -> list[tuple[int, int, int]]:
        found, first = [], 0
        for group in range(self._file.metadata.num_row_groups):
            end = first + self._file.metadata.row_group(group).num_rows
            found.append((group, first, end))
            first = end
        return found

    def _group(self, group: int, columns: Sequence[int], names: Sequence[str]) -> pa.Table:
        facts = self._file.metadata.row_group(group)
        leaves = [leaf for at in columns for leaf in self._leaves[at]]
        needed = sum(facts.column(leaf).total_uncompressed_size for leaf in leaves)
        if needed > LARGEST_GROUP:
            reason = f"a group of its rows would take {needed:,} bytes"
            raise BrokenFile(self._source.name, "parquet", reason, hint="ask for fewer columns")
        with faults_named(self._source, "parquet"), self._lock:
            read = self._file.read_row_group(group, columns=list(dict.fromkeys(names)))
        return read.select(list(names))


def _leaves(file: pq.ParquetFile) -> list[list[int]]:
    """Return for each column the numbers of the columns of the file that hold it."""
    found: list[list[int]] = [[] for _ in file.schema_arrow.names]
    numbers = {name: at for at, name in enumerate(file.schema_arrow.names)}
    for leaf in range(len(file.schema)):
        path = file.schema.column(leaf).path
        name = path if path in numbers else path.split(".", 1)[0]
        if name in numbers:
            found[numbers[name]].append(leaf)
    return found


class RangedFile(io.RawIOBase):
    """A file whose parts are read by range, as libraries want files to be.

    Parameters
    ----------
    source : Ranged
    """

    def __init__(self, source: Ranged) -> None:
        super().__init__()
        self._source = source
        self._at = 0

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to another place."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._source.size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def tell(self) -> int:
        """Return where the next byte is read."""
        return self._at

    def readinto(self, buffer: Any) -> int:
        """Read into a buffer; return the number of bytes."""
        view = memoryview(buffer).cast("B")
        end = min(self._at + len(view), self._source.size)
        if end <= self._at:
            return 0
        found = self._source.read([(self._at, end)])[0]
        view[: len(found)] = found
        self._at += len(found)
        return len(found)
