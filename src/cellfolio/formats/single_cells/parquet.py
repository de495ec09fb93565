"""Single cells in Parquet: CytoTable's joined tables, and our own; a file or a folder of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from cellfolio.errors import BrokenFile
from cellfolio.formats.format import Source
from cellfolio.formats.options import check_columns
from cellfolio.formats.single_cells.columns import renamed
from cellfolio.formats.single_cells.source import CellBatch, CellProblem
from cellfolio.formats.streams import empty, faults_named

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

_BATCH = 32 << 20
"""Bytes of a batch; of 2 to 64 MiB, the ones that took the least CPU."""
_VALUE = 8
_LEAST_ROWS = 1024
_FEW = 16
"""Files whose metadata are kept: of thousands of columns, they are megabytes each."""
_WELLS = ("Metadata_Plate", "Metadata_Well")
_INDEX = "__index_level_"
"""How pandas begins the name of a column for an index that has none."""


class ParquetCells:
    """Cells in a Parquet file, or in all below a folder, such as those of several plates.

    All files have the same columns, in any order; where integers meet decimals, all are decimals.

    Parameters
    ----------
    path : Path
    keep_going : bool
        Whether files that cannot be opened, or have other columns than the first, are left out.
        Damage inside a file is found when it is read, and always raised.

    Raises
    ------
    BrokenFile
    """

    def __init__(self, path: Path, *, keep_going: bool = False) -> None:
        paths = sorted(path.rglob("*.parquet")) if path.is_dir() else [path]
        folder = path if path.is_dir() else path.parent
        self._files: list[_File] = []
        problems: list[CellProblem] = []
        for one in paths:
            try:
                source = Source(one, one.relative_to(folder).as_posix())
                file = _open(source, self._files[-1] if self._files else None)
                self._files.append(file if len(paths) <= _FEW else replace(file, metadata=None))
            except BrokenFile as error:
                if not keep_going:
                    raise
                problems.append(CellProblem(error.path, error.reason))
        if not self._files:
            raise BrokenFile(path.name, "parquet", f"none of its {len(paths)} files can be opened")
        self._problems = tuple(problems)
        self._schema = self._files[-1].schema
        self.columns: tuple[str, ...] = tuple(self._schema.names)

    @property
    def wells_in_order(self) -> bool:
        """Whether files tell that each is of one well, and those of a well follow each other.

        So it is of many sites, each in a file of its own. Else the order is that of the files, and
        some columns of all cells are read as fast as some cells.
        """
        wells = [one.well for one in self._files]
        changes = sum(one != other for one, other in pairwise(wells))
        return None not in wells and changes + 1 == len(set(wells))

    def batches(self, columns: Sequence[str] | None = None) -> Iterator[CellBatch]:
        """Read the cells, or some of their columns (see `CellSource`)."""
        import pyarrow as pa

        first = self._files[0]
        wanted = self.columns if columns is None else tuple(columns)
        check_columns(first.source, wanted, self.columns)
        schema = pa.schema([self._schema.field(name) for name in wanted])
        problems, empty = self._problems, True
        for file in self._files:
            for table in file.read(wanted):
                same = table.schema.equals(schema)
                yield CellBatch(table if same else table.cast(schema), problems)
                problems, empty = (), False
        if empty:
            yield CellBatch(schema.empty_table(), problems)


@dataclass(frozen=True, slots=True)
class _File:
    """A file, its columns by our names.

    Attributes
    ----------
    source : Source
    metadata : FileMetaData or None
        Read once: of many columns and many groups of rows, it is large. None where it is read
        again, because there are many files.
    names : mapping of str to str
        Names in the file by ours, in our order.
    schema : Schema
        Types of the columns of this file and those before it.
    found : Schema
        As the file has it.
    well : tuple of (str, str) or None
        Plate and well of all its cells, if the file tells that they are of one.
    """

    source: Source
    metadata: pq.FileMetaData | None
    names: Mapping[str, str]
    schema: pa.Schema
    found: pa.Schema
    well: tuple[str, str] | None

    def like(self, first: _File) -> _File:
        """Return this file with the columns in the order of another.

        Raises
        ------
        BrokenFile
            If it has other columns, or types that do not go together.
        """
        import pyarrow as pa

        other = sorted(set(self.names).symmetric_difference(first.names))
        if other:
            verb = "has" if other[0] in self.names else "lacks"
            raise BrokenFile(
                self.source.name,
                "parquet",
                f"its columns are not those of {first.source.name}: it {verb} {other[0]!r}",
            )
        try:
            both = pa.unify_schemas([first.schema, self.schema], promote_options="permissive")
        except pa.ArrowException as error:
            raise BrokenFile(
                self.source.name,
                "parquet",
                f"its columns are not those of {first.source.name}: {error}",
            ) from None
        return replace(self, schema=both)

    def read(self, wanted: Sequence[str]) -> Iterator[pa.Table]:
        """Read columns, some rows at once."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        with (
            faults_named(self.source, "parquet"),
            pq.ParquetFile(self.source.path, metadata=self.metadata) as file,
        ):
            rows = max(_LEAST_ROWS, _BATCH // (_VALUE * max(1, len(wanted))))
            columns = [self.names[name] for name in wanted]
            for batch in file.iter_batches(rows, columns=columns, use_threads=False):
                yield pa.table([batch.column(name) for name in columns], names=list(wanted))


def _open(source: Source, before: _File | None) -> _File:
    """Open a file that has the columns of the one before it.

    Raises
    ------
    BrokenFile
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    if not source.path.stat().st_size:
        raise empty(source, "parquet")
    with faults_named(source, "parquet"):
        metadata = pq.read_metadata(source.path)
        found = metadata.schema.to_arrow_schema()
        well = _well_of(metadata)
    if before is not None and found.equals(before.found):
        return replace(before, source=source, metadata=metadata, well=well)
    twice = [name for name, count in Counter(found.names).items() if count > 1]
    if twice:
        raise BrokenFile(source.name, "parquet", f"column {twice[0]!r} is there more than once")
    names = renamed([name for name in found.names if not name.startswith(_INDEX)])
    fields = [found.field(old).with_name(new).with_nullable(True) for new, old in names.items()]
    schema = pa.schema([field.remove_metadata() for field in fields])
    file = _File(source, metadata, names, schema, found, well)
    return file if before is None else file.like(before)


def _well_of(metadata: pq.FileMetaData) -> tuple[str, str] | None:
    """Return the plate and well of all cells of a file, if its statistics tell that it is one."""
    names = metadata.schema.names
    if not metadata.num_row_groups or any(name not in names for name in _WELLS):
        return None
    told = []
    for name in _WELLS:
        at = names.index(name)
        values: set[object] = set()
        for group in range(metadata.num_row_groups):
            statistics = metadata.row_group(group).column(at).statistics
            if statistics is None or not statistics.has_min_max or statistics.null_count:
                return None
            values.update((statistics.min, statistics.max))
        if len(values) != 1:
            return None
        told.append(str(values.pop()))
    return told[0], told[1]
