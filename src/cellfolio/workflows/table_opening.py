"""A file that is a table, opened so that its rows can be had in parts."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Hashable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cellfolio.errors import InvalidArgument, ObjectNotFound
from cellfolio.formats.format import COMPRESSIONS, Source
from cellfolio.formats.images.ranged import RemoteFile
from cellfolio.formats.loading import load as load_source
from cellfolio.formats.standard import DEFAULT
from cellfolio.formats.streams import LARGEST_RATIO, compression, first_inside
from cellfolio.formats.table_rows import MemoryRows, ParquetRows, RangedFile, TableRows
from cellfolio.formats.tables import parquet_of
from cellfolio.metadata.frames import fit_for_sql, table_of
from cellfolio.package.entry import Entry
from cellfolio.package.package import Package
from cellfolio.package.plan import want
from cellfolio.package.sizes import format_size
from cellfolio.storage.home import Home
from cellfolio.storage.places import local_path, parse_uri
from cellfolio.workflows.loading import entry_source

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

TABLES = ("csv", "tsv", "parquet", "gct", "jsonl", "sqlite")
"""Formats whose files are tables."""
FETCHED = 64_000_000
"""Bytes of a remote file up to which it is fetched whole, where parts of it will not do."""
CONVERTED = 3_000_000_000
"""Bytes of a delimited file up to which it is read whole."""
PARSED = 300_000_000
"""The same of other files that are text."""
SMALL = 1_000_000
"""Bytes of a delimited file below which reading it again costs less than keeping it."""
INSIDE = 200_000_000
"""Bytes that a compressed file may have inside, if it is not `LARGEST_RATIO` times smaller."""
HEAD = 4_000_000
"""Bytes of which the first rows are made, where the whole is too much."""
CELLS = 60_000_000
"""Values of a table of a database that are read."""


@dataclass(frozen=True, slots=True)
class OpenTable:
    """A table whose rows can be had in parts.

    Attributes
    ----------
    rows : TableRows
    name : str
        Logical key of its file.
    part : str
        Which table of a database.
    parts : tuple of str
        Tables that the file has, if it is a database.
    note : str
        What of it is not there; empty if all is.
    data : Path or RemoteFile or None
        The Parquet file that SQL reads; None if the table is in memory.
    """

    rows: TableRows
    name: str
    part: str = ""
    parts: tuple[str, ...] = ()
    note: str = ""
    data: Path | RemoteFile | None = None

    @property
    def weight(self) -> int:
        """Bytes of memory that it keeps."""
        return self.rows.weight

    def for_sql(self) -> Any:
        """Return the table as `cellfolio.metadata.sql.run_sql` takes it."""
        import pyarrow.dataset as ds
        from pyarrow.fs import LocalFileSystem

        if self.data is None:
            every = list(range(len(self.rows.schema)))
            return self.rows.read(every)
        format_ = ds.ParquetFileFormat()
        if isinstance(self.data, Path):
            fragment = format_.make_fragment(str(self.data), LocalFileSystem())
        else:
            fragment = format_.make_fragment(RangedFile(self.data))
        return ds.FileSystemDataset([fragment], self.rows.schema, format_)


@dataclass(frozen=True, slots=True)
class FilePlace:
    """Where the bytes of a file are.

    Attributes
    ----------
    entry : Entry
    path : Path or None
        On this machine; None if they are elsewhere.
    identity : tuple
        Differs if the bytes may differ.
    """

    entry: Entry
    path: Path | None
    identity: Hashable

    @property
    def size(self) -> int | None:
        """Bytes of the file."""
        return self.path.stat().st_size if self.path is not None else self.entry.size

    def require_near(self) -> None:
        """Raise InvalidArgument if the file is far away, and large."""
        if self.path is None and (self.size is None or self.size > FETCHED):
            raise InvalidArgument(
                f"{self.entry.logical_key} is not on this machine",
                hint="get it first, as `cellfolio get` does, or ask with `cellfolio query`",
            )


def place_of(entry: Entry, home: Home) -> FilePlace:
    """Return where the bytes of a file are.

    Raises
    ------
    ObjectNotFound
        If it should be on this machine, and is not.
    """
    name = want(entry)
    held = home.blobs.find([name]).get(name)
    path = held or local_path(entry.physical_key)
    if path is None:
        return FilePlace(entry, None, (entry.physical_key, str(entry.digest), entry.size))
    if not path.is_file():
        raise ObjectNotFound(f"{entry.logical_key} is not where it was: no file {path}")
    if held is not None:
        return FilePlace(entry, held, (str(held), entry.name))
    found = path.stat()
    return FilePlace(entry, path, (str(path), found.st_size, found.st_mtime_ns))


def open_table(place: FilePlace, package: Package, home: Home, part: str = "") -> OpenTable:
    """Open a table (see `TableViews.open`)."""
    name = place.entry.logical_key
    format_ = DEFAULT.named(name)
    if format_ is None or format_.name not in TABLES:
        raise InvalidArgument(f"{name} is no table", hint=f"tables are {', '.join(TABLES)}")
    if part and format_.name != "sqlite":
        raise InvalidArgument(f"{name} is one table, and {part!r} is given beside it")
    if format_.name == "parquet":
        return _open_parquet(place, home)
    most = {"csv": CONVERTED, "tsv": CONVERTED, "sqlite": None}.get(format_.name, PARSED)
    if place.path is None:
        most = FETCHED
    if most is not None and (place.size is None or place.size > most):
        return _open_head(place, format_.name, home)
    source = source_of(place, package, home)
    if format_.name == "sqlite":
        return _open_database(source, part)
    if format_.name in ("csv", "tsv") and source.path.stat().st_size > SMALL:
        return _open_converted(source, format_.name)
    return OpenTable(_in_memory(_frame(source, format_.name)), name)


def source_of(place: FilePlace, package: Package, home: Home) -> Source:
    """Return what a loader is given; a file elsewhere is fetched and checked.

    Raises
    ------
    TransferIncomplete
    """
    if place.path is None:
        return entry_source(place.entry, home, package)
    return Source(place.path, place.entry.logical_key, place.entry.digest, home)


def _open_parquet(place: FilePlace, home: Home) -> OpenTable:
    name = place.entry.logical_key
    if place.path is not None:
        return OpenTable(ParquetRows(place.path, name), name, data=place.path)
    far = _remote(place, home)
    return OpenTable(ParquetRows(far, name), name, data=far)


def _remote(place: FilePlace, home: Home) -> RemoteFile:
    entry = place.entry
    return RemoteFile(home.remotes, parse_uri(entry.physical_key), entry.digest, entry.size)


def _open_converted(source: Source, format_name: str) -> OpenTable:
    found = parquet_of(source, format_name, _inside(source))
    if isinstance(found, Path):
        return OpenTable(ParquetRows(found, source.name, trusted=True), source.name, data=found)
    return OpenTable(_in_memory(found), source.name)


def _inside(source: Source) -> int:
    return max(INSIDE, LARGEST_RATIO * source.path.stat().st_size)


def _open_database(source: Source, part: str) -> OpenTable:
    database = load_source(source, declared="sqlite")
    if not database.tables:
        raise InvalidArgument(f"{source.name} has no tables")
    part = part or database.tables[0]
    rows, columns = database.size(part)
    most = max(1, CELLS // max(1, columns))
    frame = database.read(part, most=most)
    note = f"The first {most:,} of {rows:,} rows." if rows > most else ""
    return OpenTable(_in_memory(frame), source.name, part, database.tables, note)


def _frame(source: Source, format_name: str) -> pd.DataFrame:
    found: Any = load_source(source, declared=format_name, max_bytes=_inside(source))
    if format_name == "gct":
        import pandas as pd

        described = found.rows.reset_index()
        values = found.to_frame().reset_index(drop=True)
        joined: pd.DataFrame = pd.concat([described, values], axis=1)
        return joined
    if format_name == "jsonl":
        if not all(isinstance(one, dict) for one in found):
            raise InvalidArgument(
                f"{source.name} is no table: some of its lines are no objects",
                hint="it can be shown as text",
            )
        return table_of(found)
    frame: pd.DataFrame = found
    return frame


def _in_memory(frame: pd.DataFrame) -> MemoryRows:
    import pyarrow as pa

    table: pa.Table = pa.Table.from_pandas(fit_for_sql(frame), preserve_index=False)
    return MemoryRows(table)


def _open_head(place: FilePlace, format_name: str, home: Home) -> OpenTable:
    """Open the first rows of a file that is too large, or too far away."""
    name = place.entry.logical_key
    if format_name not in ("csv", "tsv", "jsonl"):
        raise InvalidArgument(
            f"{name} is too large to be shown before it is here, and read",
            hint="get it first, as `cellfolio get` does",
        )
    if place.path is not None:
        with place.path.open("rb") as file:
            first = file.read(HEAD)
    else:
        first = bytes(_remote(place, home).read_first(HEAD))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"head.{format_name}")
        path.write_bytes(_whole_lines(first))
        plain = next((name[: -len(end)] for end in COMPRESSIONS if name.endswith(end)), name)
        frame = _frame(Source(path, plain), format_name)
    told = "" if place.size is None else f" of {format_size(place.size)}"
    note = f"Only the first {len(frame):,} rows{told} are shown: the rest is not read here."
    return OpenTable(_in_memory(frame), name, note=note)


def _whole_lines(first: bytes) -> bytes:
    kind = compression(first)
    inside = first_inside(io.BytesIO(first), kind, HEAD) if kind else first
    return inside[: inside.rfind(b"\n") + 1] or inside
