"""From single cells to a profile of each well, in bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from cellfolio.errors import InvalidArgument
from cellfolio.formats.single_cells.opening import open_cells
from cellfolio.formats.single_cells.source import CellBatch, CellProblem, CellSource
from cellfolio.profiles.aggregating import (
    OBJECT_COUNT,
    WELLS,
    Average,
    average_groups,
    check_average,
)
from cellfolio.profiles.features import check_features, split_features
from cellfolio.profiles.rows import check_columns, group_columns
from cellfolio.profiles.statistics import blocks
from cellfolio.profiles.tables import open_table
from cellfolio.workflows.engines.engine import Workers
from cellfolio.workflows.getting import fetch_entries
from cellfolio.workflows.opening import is_path, names_package, open_package
from cellfolio.workflows.reading_cells import in_processes

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd
    import pyarrow as pa

    from cellfolio.profiles.statistics import Array, Counts, Floats
    from cellfolio.storage.home import Home
    from cellfolio.storage.progress import Progress

_VALUE = 8
MEMORY = 64 << 20
"""Bytes of features of all cells that are worked on at once, at least one feature."""


def aggregate_cells(
    source: CellSource,
    by: str | Sequence[str] = WELLS,
    method: Average = "median",
    *,
    features: Sequence[str] | None = None,
    count_objects: bool = False,
    on_problem: Callable[[CellProblem], None] | None = None,
    memory: int = MEMORY,
) -> pd.DataFrame:
    """Make one profile of all cells that have the same values in some columns.

    The numbers are those of `cellfolio.profiles.aggregate` for a table of all cells, which is
    never made: if the source gives wells in order, and they are asked for, one well after the
    other is read; else a block of features of all cells after the other.

    Parameters
    ----------
    source : CellSource
        Such as `open_cells` returns.
    by : str or sequence of str
        Columns. A missing value is a value of its own, and comes last.
    method : {'median', 'mean'}
        Of the values that are not missing.
    features : sequence of str, optional
        Names of the features; by default those that `split_features` finds.
    count_objects : bool
        Whether the cells are counted in a column `Metadata_Object_Count`.
    on_problem : callable, optional
        Called with each `CellProblem`: what was left out.
    memory : int
        Bytes of features that are worked on at once, at most about.

    Returns
    -------
    pandas.DataFrame
        The columns of `by`, the count, and the features as float64; sorted by the columns of `by`.

    Raises
    ------
    InvalidArgument
        If a column is not there, a feature holds something else than numbers, or there is no cell.
    BrokenFile

    Examples
    --------
    >>> import tempfile, cellfolio
    >>> from pathlib import Path
    >>> import pandas as pd
    >>> cells = pd.DataFrame({"Metadata_Well": ["B1", "A1", "A1"], "Cells_Area": [7, 1, 4]})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     cells.to_parquet(Path(folder, "cells.parquet"))
    ...     source = cellfolio.open_cells(folder)
    ...     cellfolio.aggregate_cells(source, by="Metadata_Well")
      Metadata_Well  Cells_Area
    0            A1         2.5
    1            B1         7.0
    """
    check_average(method)
    names = (by,) if isinstance(by, str) else tuple(by)
    check_columns(source.columns, names)
    if features is None:
        chosen = split_features(source.columns).features
    else:
        chosen = check_features(features, source.columns)
    both = sorted(set(names).intersection(chosen))
    if both:
        raise InvalidArgument(f"cells cannot be grouped by a feature, found {both[0]!r}")
    wanted = _Wanted(names, chosen, features is not None, method, on_problem)
    if source.wells_in_order and set(WELLS).issubset(names):
        found = _by_wells(source, wanted)
    else:
        found = _by_features(source, wanted, memory)
    return found.frame(count_objects=count_objects)


@dataclass(frozen=True, slots=True)
class CellProfiles:
    """Profiles of single cells, and what became of those.

    Attributes
    ----------
    counted : pandas.DataFrame
        The profiles, with `Metadata_Object_Count`.
    by : tuple of str
    problems : tuple of CellProblem
        What was left out.
    """

    counted: pd.DataFrame
    by: tuple[str, ...]
    problems: tuple[CellProblem, ...]

    @property
    def cells(self) -> int:
        """Number of cells that were averaged."""
        return int(self.counted[OBJECT_COUNT].sum())

    @property
    def features(self) -> int:
        """Number of features."""
        return self.counted.shape[1] - len(self.by) - 1

    def table(self, *, count_objects: bool) -> pd.DataFrame:
        """Return the profiles, with or without the number of cells."""
        return self.counted if count_objects else self.counted.drop(columns=OBJECT_COUNT)


def aggregate_named(
    cells: str,
    home: Home,
    *,
    by: Sequence[str] = WELLS,
    method: Average = "median",
    keep_going: bool = False,
    workers: Workers = 1,
    progress: Progress | None = None,
) -> CellProfiles:
    """Make profiles of single cells by name (see `aggregate_cells`).

    Parameters
    ----------
    cells : str
        Path of a file or folder that `open_cells` opens, or ``PACKAGE/PATH`` of one; its files are
        fetched and checked if they are not here.
    home : Home
    by : sequence of str
    method : {'median', 'mean'}
    keep_going : bool
        See `open_cells`.
    workers : int or Engine, optional
        See `in_processes`.
    progress : callable, optional

    Raises
    ------
    InvalidArgument, NotFound, UnknownFormat, BrokenFile, TransferIncomplete
    """
    problems: list[CellProblem] = []
    with held_cells(cells, home, progress) as path:
        found = aggregate_cells(
            in_processes(open_cells(path, keep_going=keep_going), workers),
            by,
            method,
            count_objects=True,
            on_problem=problems.append,
        )
    return CellProfiles(found, tuple(by), tuple(problems))


@contextmanager
def held_cells(cells: str, home: Home, progress: Progress | None) -> Iterator[Path]:
    """Give the path of a file or folder, or of links with the names that a package has them by."""
    if is_path(cells) or Path(cells).exists() or not names_package(cells):
        yield Path(cells).expanduser()
        return
    opened = open_package(cells, home)
    package = opened.package.subset(opened.path) if opened.path else opened.package
    entries = list(package.walk())
    paths = fetch_entries(entries, home, progress=progress)
    with TemporaryDirectory() as folder:
        for entry, path in zip(entries, paths, strict=True):
            link = Path(folder, entry.logical_key)
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(path)
        yield Path(folder, opened.path or ".")


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What is asked for."""

    by: tuple[str, ...]
    features: tuple[str, ...]
    named: bool
    method: Average
    on_problem: Callable[[CellProblem], None] | None

    def tell(self, batch: CellBatch) -> pa.Table:
        """Tell of the problems of a batch, and return its table."""
        if self.on_problem is not None:
            for problem in batch.problems:
                self.on_problem(problem)
        return batch.table

    def numeric(self, schema: pa.Schema, features: tuple[str, ...]) -> tuple[str, ...]:
        """Leave out what holds lists or images, as `profiles.aggregate` does, unless named."""
        import pyarrow.types as kinds

        if self.named:
            return features
        return tuple(name for name in features if not kinds.is_nested(schema.field(name).type))


@dataclass(frozen=True, slots=True)
class _Averages:
    """Profiles that were found: `values` has the shape (features, profiles)."""

    keys: pa.Table
    sizes: Counts
    features: tuple[str, ...]
    values: Array

    def frame(self, *, count_objects: bool) -> pd.DataFrame:
        import pandas as pd

        keys = self.keys.to_pandas()
        groups = group_columns(keys)
        if len(groups) < len(keys):
            twice = groups.describe(int((groups.bounds[1:] - groups.bounds[:-1]).argmax()))
            raise InvalidArgument(
                f"the source gives the cells of {twice} apart, though it promises wells in order"
            )
        metadata = groups.keys
        if count_objects:
            metadata = metadata.assign(**{OBJECT_COUNT: self.sizes[groups.order]})
        values = pd.DataFrame(self.values[:, groups.order].T, columns=list(self.features))
        return pd.concat([metadata, values], axis=1)


def _by_wells(source: CellSource, wanted: _Wanted) -> _Averages:
    """Average the cells of some wells after the other."""
    import numpy as np
    import pyarrow as pa

    features = wanted.features
    keys: list[pa.Table] = []
    sizes: list[Counts] = []
    values: list[Array] = []
    for table in _whole_wells(wanted, source.batches((*wanted.by, *features))):
        if not keys:
            features = wanted.numeric(table.schema, features)
        named = table.select(wanted.by)
        groups = group_columns(named.to_pandas())
        keys.append(named.take(pa.array(groups.order[groups.bounds[:-1]])))
        sizes.append(np.diff(groups.bounds))
        matrix = np.empty((len(features), len(table)), _kind(table.schema, features))
        _fill(matrix, 0, table, features)
        values.append(average_groups(matrix, groups, wanted.method))
    return _Averages(
        pa.concat_tables(keys), np.concatenate(sizes), features, np.concatenate(values, axis=1)
    )


def _whole_wells(wanted: _Wanted, batches: Iterator[CellBatch]) -> Iterator[pa.Table]:
    """Put batches together so that no well is in two tables; at least one is given."""
    import pyarrow as pa

    pending: list[pa.Table] = []
    well: object = None
    for batch in batches:
        table = wanted.tell(batch)
        wells = list(zip(*(table.column(name).to_pylist() for name in WELLS), strict=True))
        if not wells:
            pending.append(table)
            continue
        last = wells[-1]
        start = next((at for at in range(len(wells), 0, -1) if wells[at - 1] != last), 0)
        if start:
            yield pa.concat_tables([*pending, table.slice(0, start)])
            pending = []
        elif pending and well != last:
            yield pa.concat_tables(pending)
            pending = []
        pending.append(table.slice(start))
        well = last
    yield pa.concat_tables(pending)


def _by_features(source: CellSource, wanted: _Wanted, memory: int) -> _Averages:
    """Average a block of features of all cells after the other."""
    import numpy as np
    import pyarrow as pa

    read = pa.concat_tables([wanted.tell(batch) for batch in source.batches(wanted.by)])
    groups = group_columns(read.to_pandas())
    cells = len(read)
    keys = read.take(pa.array(groups.order[groups.bounds[:-1]]))
    del read
    size = max(1, memory // (_VALUE * max(1, cells)))
    # Room that is used again: the first touch of a page costs as much as the median in it.
    room = np.empty((min(size, len(wanted.features)), cells))
    kept: list[str] = []
    values: list[Array] = []
    for some in blocks(len(wanted.features), size):
        features, matrix = _read_features(source, wanted, wanted.features[some], room)
        kept += features
        values.append(average_groups(matrix, groups, wanted.method))
    return _Averages(keys, np.diff(groups.bounds), tuple(kept), np.concatenate(values))


def _read_features(
    source: CellSource, wanted: _Wanted, features: tuple[str, ...], room: Array
) -> tuple[tuple[str, ...], Floats]:
    """Read features of all cells into room for them, shape (features, cells)."""
    cells = room.shape[1]
    matrix: Floats = room[: len(features)]
    start = 0
    for batch in source.batches(features):
        if not start:
            features = wanted.numeric(batch.table.schema, features)
            kind = _kind(batch.table.schema, features)
            matrix = (
                room.reshape(-1).view(kind)[: len(features) * cells].reshape(len(features), cells)
            )
        if start + len(batch.table) <= cells:
            _fill(matrix, start, batch.table, features)
        start += len(batch.table)
    if start != cells:
        raise InvalidArgument(
            f"the source gives {start:,} cells, and gave {cells:,} when it was read before"
        )
    return features, matrix


def _kind(schema: pa.Schema, features: Sequence[str]) -> type[np.floating[Any]]:
    """Return the type of a matrix of features: 32 bits for each value if none has more."""
    import numpy as np
    import pyarrow as pa

    short = all(schema.field(name).type in (pa.float16(), pa.float32()) for name in features)
    return np.float32 if short else np.float64


def _fill(matrix: Floats, start: int, table: pa.Table, features: Sequence[str]) -> None:
    """Copy columns into rows of a matrix."""
    for row, name, column in zip(matrix, features, table.select(features).columns, strict=True):
        numbers = _reading(column.type, name)
        at = start
        for chunk in column.chunks:
            row[at : at + len(chunk)] = numbers(chunk)
            at += len(chunk)


def _reading(kind: pa.DataType, name: str) -> Callable[[pa.Array], npt.NDArray[Any]]:
    """Return what gives values of a column as numbers; missing ones are NaN.

    It raises InvalidArgument if they are something else.
    """
    import pyarrow as pa
    import pyarrow.types as kinds

    def plain(values: pa.Array) -> npt.NDArray[Any]:
        found: npt.NDArray[Any] = values.to_numpy(zero_copy_only=False)
        return found

    if kinds.is_floating(kind) or kinds.is_integer(kind):
        return plain
    if kinds.is_boolean(kind):
        return lambda values: plain(values.cast(pa.uint8()))
    return lambda values: open_table(values.to_pandas().to_frame(name), [name]).values()[0]
