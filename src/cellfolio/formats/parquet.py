"""Parquet files, read by columns, and written so that a table comes back as it was."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cellfolio.errors import BrokenFile
from cellfolio.extras import importing
from cellfolio.formats.format import Source
from cellfolio.formats.options import check_columns
from cellfolio.formats.streams import allowed_size, empty, faults_named
from cellfolio.package.sizes import format_size

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl
    import pyarrow as pa
    import pyarrow.parquet as pq

_VALUE = 8
"""Bytes that a value takes in memory, at least about."""
_GROUP = 32 << 20
"""Bytes of a group of rows; of 8, 24 and 64 MiB, larger ones took less CPU and more memory."""
_MOST_INSERTED = 90
"""Columns besides decimals; pandas warns of tables with more than 100 pieces."""


def read_columns(
    source: Source,
    columns: Sequence[str] | None,
    table: str,
    max_bytes: int | None,
    *,
    trusted: bool = False,
) -> pd.DataFrame | pl.DataFrame:
    """Read columns of a Parquet file.

    Parameters
    ----------
    source : Source
    columns : sequence of str or None
        None for all.
    table : {'pandas', 'polars'}
    max_bytes : int or None
        Most bytes that the table may take.
    trusted : bool
        Whether we wrote the file; then missing values are NaN, as `pandas.read_csv` has them, and
        pages are compared with their checksums.

    Raises
    ------
    BrokenFile, InvalidArgument
    """
    import pyarrow.parquet as pq

    size = source.path.stat().st_size
    if not size:
        raise empty(source, "parquet")
    with (
        faults_named(source, "parquet"),
        pq.ParquetFile(source.path, memory_map=False, page_checksum_verification=trusted) as file,
    ):
        names = file.schema_arrow.names
        if columns is not None:
            check_columns(source, columns, names)
        count = len(names if columns is None else columns)
        needed, allowed = file.metadata.num_rows * count * _VALUE, allowed_size(size, max_bytes)
        if needed > allowed and not trusted:
            raise BrokenFile(
                source.name,
                "parquet",
                f"its {file.metadata.num_rows:,} rows would take {format_size(needed)} or more, "
                f"and {format_size(allowed)} are allowed",
                hint="name fewer columns, or allow more with max_bytes=",
            )
        wanted = None if columns is None else list(columns)
        if trusted and table == "pandas":
            return _filled(file, names if wanted is None else wanted)
        read = file.read(columns=wanted, use_pandas_metadata=True)
        return _polars(read, columns) if table == "polars" else _pandas(read, columns)


def column_names(source: Source) -> tuple[str, ...]:
    """Return the names of a Parquet file's columns; nothing else is read.

    Raises
    ------
    BrokenFile
    """
    import pyarrow.parquet as pq

    if not source.path.stat().st_size:
        raise empty(source, "parquet")
    with faults_named(source, "parquet"):
        return tuple(pq.read_schema(source.path).names)


def _filled(file: pq.ParquetFile, names: Sequence[str]) -> pd.DataFrame:
    """Read one group of rows after the other into a table that has its final size at once.

    Else the table is in memory twice, and making room for that costs more than reading it.
    """
    import numpy as np
    import pandas as pd
    import pyarrow as pa

    kinds = {field.name: field.type for field in file.schema_arrow}
    decimals = [name for name in names if kinds[name] == pa.float64()]
    others = [name for name in names if kinds[name] != pa.float64()]
    if len(others) > _MOST_INSERTED or not decimals:
        return _pandas(file.read(columns=list(names)), names, nan=True)
    block = np.empty((len(decimals), file.metadata.num_rows))
    start = 0
    for group in range(file.num_row_groups):
        read = file.read_row_group(group, columns=decimals, use_threads=False)
        for row, column in zip(block, read.select(decimals).columns, strict=True):
            row[start : start + len(read)] = column.to_numpy()
        start += len(read)
    frame = pd.DataFrame(block.T, columns=decimals, copy=False)
    rest = _pandas(file.read(columns=others), others, nan=True) if others else None
    for at, name in enumerate(names):
        if rest is not None and name in rest:
            frame.insert(at, name, rest[name])
    return frame


def _polars(read: pa.Table, columns: Sequence[str] | None) -> pl.DataFrame:
    with importing("polars", extra="polars", what="table='polars'"):
        import polars as pl
    frame = pl.DataFrame(pl.from_arrow(read))
    return frame if columns is None else frame.select(columns)


def _pandas(read: pa.Table, columns: Sequence[str] | None, *, nan: bool = False) -> pd.DataFrame:
    import numpy as np

    frame: pd.DataFrame = read.to_pandas()
    if nan:
        for at, kind in enumerate(frame.dtypes):
            if kind.kind == "O" and frame.iloc[:, at].isna().any():
                column = frame.iloc[:, at]
                frame.isetitem(at, column.where(column.notna(), np.nan).array)
    return frame if columns is None else frame[list(columns)]


def write_exactly(frame: pd.DataFrame, path: Path) -> bool:
    """Write a table; return whether reading it back gives the same types and the same bits."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        schema = pa.Schema.from_pandas(frame, preserve_index=False)
        rows = max(1, _GROUP // (_VALUE * max(1, frame.shape[1])))
        with pq.ParquetWriter(
            path,
            schema,
            compression="lz4",  # of those measured, the least CPU to read, and no larger than zstd
            use_dictionary=[
                name
                for name, kind in zip(frame, frame.dtypes, strict=True)
                if kind.kind not in "fiu"
            ],
            write_page_checksum=True,
            write_statistics=False,
        ) as writer:
            for start in range(0, max(1, len(frame)), rows):
                part = frame.iloc[start : start + rows]
                writer.write_table(pa.Table.from_pandas(part, schema, preserve_index=False))
    except (pa.ArrowException, OverflowError):
        return False  # a column with values of several types, or a number beyond 64 bits
    try:
        back: Any = read_columns(Source(path, path.name), None, "pandas", None, trusted=True)
    except BrokenFile:
        return False
    return same_table(frame, back)


def same_table(one: pd.DataFrame, other: pd.DataFrame) -> bool:
    """Whether two tables have the same names, types and values, to the last bit.

    Examples
    --------
    >>> import pandas as pd
    >>> same_table(pd.DataFrame({"a": [0.0]}), pd.DataFrame({"a": [-0.0]}))
    False
    """
    if list(one) != list(other) or list(one.dtypes) != list(other.dtypes) or len(one) != len(other):
        return False
    pairs = zip(one.items(), other.items(), strict=True)  # `iloc` takes ten times as long
    return all(_same(left, right) for (_, left), (_, right) in pairs)


def _same(one: Any, other: Any) -> bool:
    import numpy as np

    if isinstance(one.dtype, np.dtype) and one.dtype.kind in "fiub":
        left, right = one.to_numpy(), other.to_numpy()
        if left.tobytes() == right.tobytes():
            return True
        # Every NaN is as good as another.
        equal = (left == right) & (np.signbit(left) == np.signbit(right))
        return bool((equal | (np.isnan(left) & np.isnan(right))).all())
    gaps = one.isna()
    if not gaps.equals(other.isna()):
        return False
    left, right = one[~gaps].to_numpy(object), other[~gaps].to_numpy(object)
    return all(type(a) is type(b) and a == b for a, b in zip(left, right, strict=True))
