"""Averages of single cells: of some wells after the other, or of some features."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cellfolio.errors import InvalidArgument
from cellfolio.formats.single_cells.source import CellBatch, CellProblem, CellSource
from cellfolio.profiles.aggregating import OBJECT_COUNT, WELLS, Average, average_groups
from cellfolio.profiles.rows import group_columns
from cellfolio.profiles.tables import open_table

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd
    import pyarrow as pa

    from cellfolio.profiles.statistics import Array, Counts, Floats

_VALUE = 8


@dataclass(frozen=True, slots=True)
class Wanted:
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
class Averages:
    """Profiles that were found: `values` has the shape (features, profiles)."""

    keys: pa.Table
    sizes: Counts
    features: tuple[str, ...]
    values: Array

    def frame(self, *, count_objects: bool) -> pd.DataFrame:
        """Return them as a table, sorted by their keys.

        Raises
        ------
        InvalidArgument
            If a well is there twice.
        """
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


def average_by_wells(source: CellSource, wanted: Wanted) -> Averages:
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
        values.append(average_groups(matrix, groups, wanted.method, own=True))
    return Averages(
        pa.concat_tables(keys), np.concatenate(sizes), features, np.concatenate(values, axis=1)
    )


def _whole_wells(wanted: Wanted, batches: Iterator[CellBatch]) -> Iterator[pa.Table]:
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


def average_by_features(source: CellSource, wanted: Wanted, memory: int) -> Averages:
    """Average a block of features of all cells after the other."""
    import numpy as np
    import pyarrow as pa

    read = pa.concat_tables([wanted.tell(batch) for batch in source.batches(wanted.by)])
    groups = group_columns(read.to_pandas())
    cells = len(read)
    keys = read.take(pa.array(groups.order[groups.bounds[:-1]]))
    del read
    room = _Room(cells, memory, len(wanted.features))
    kept: list[str] = []
    values: list[Array] = []
    start = 0
    while start < len(wanted.features):
        some = wanted.features[start : start + room.size]
        found = _read_features(source, wanted, some, room)
        if found is not None:
            features, matrix = found
            kept += features
            values.append(average_groups(matrix, groups, wanted.method, own=True))
            start += len(some)
    return Averages(keys, np.diff(groups.bounds), tuple(kept), np.concatenate(values))


class _Room:
    """Room for features of all cells that is used again.

    The first touch of a page costs as much as the median in it.

    Attributes
    ----------
    cells : int
    size : int
        Features to read at once: in 32 bits, as long as they are, there is room for twice as many.
    """

    def __init__(self, cells: int, memory: int, features: int) -> None:
        import numpy as np

        self.cells = cells
        self._least = max(1, memory // (_VALUE * max(1, cells)))
        self.size = self._least
        self._values = np.empty(min(self._least, features) * cells)

    def matrix(self, features: int, kind: type[np.floating[Any]]) -> Floats | None:
        """Return room of a type, shape (features, cells); None if `size` has become smaller."""
        import numpy as np

        room: Floats = self._values.view(kind)
        self.size = self._least * (_VALUE // np.dtype(kind).itemsize)
        if features * self.cells > len(room):
            return None
        return room[: features * self.cells].reshape(features, self.cells)


def _read_features(
    source: CellSource, wanted: Wanted, features: tuple[str, ...], room: _Room
) -> tuple[tuple[str, ...], Floats] | None:
    """Read features of all cells into room for them; None if there is no room for as many."""
    matrix: Floats | None = None
    start = 0
    for batch in source.batches(features):
        if matrix is None:
            features = wanted.numeric(batch.table.schema, features)
            matrix = room.matrix(len(features), _kind(batch.table.schema, features))
            if matrix is None:
                return None
        if start + len(batch.table) <= room.cells:
            _fill(matrix, start, batch.table, features)
        start += len(batch.table)
    if start != room.cells or matrix is None:
        raise InvalidArgument(
            f"the source gives {start:,} cells, and gave {room.cells:,} when it was read before"
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
