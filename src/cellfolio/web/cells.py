"""Values of tables as JSON has them, and as files that are downloaded."""

from __future__ import annotations

import json
import math
import tempfile
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from cellfolio.errors import InvalidArgument
from cellfolio.metadata.column_facts import kind_of
from cellfolio.workflows.table_views import Found

if TYPE_CHECKING:
    import pyarrow as pa

_EXACT = 2**53
"""Whole numbers from here on are text in JSON: browsers would round them."""
_BYTES = 64
_VALUES = 4_000_000
"""Values of a part of a file that is downloaded."""
MEDIA = {"csv": "text/csv; charset=utf-8", "parquet": "application/vnd.apache.parquet"}


def cells_of(column: pa.ChunkedArray, longest: int) -> list[Any]:
    """Return values as JSON has them.

    Missing ones are None; numbers that JSON has not, and whole numbers that browsers round, are
    text; so are dates, bytes (in hexadecimal digits), lists and records (as JSON).

    Parameters
    ----------
    column : pyarrow.ChunkedArray
    longest : int
        Characters after which text is cut, and ends with ``…``.
    """
    import pyarrow as pa

    type_ = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    kind = kind_of(type_)
    if kind in ("date and time", "time", "duration"):
        # Nanoseconds are more than dates of Python have.
        values: list[Any] = column.cast(pa.string()).to_pylist()
    else:
        values = column.to_pylist()
    if kind in ("true or false", "nothing"):
        return values
    return [None if value is None else _cell(value, longest) for value in values]


def _cell(value: Any, longest: int) -> Any:
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if abs(value) < _EXACT else str(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, bytes):
        return value[:_BYTES].hex(" ") + ("…" if len(value) > _BYTES else "")
    if isinstance(value, dict | list):
        value = json.dumps(value, ensure_ascii=False, default=str)
    text = str(value)
    return text if len(text) <= longest else text[:longest] + "…"


def parts_of(found: Found, columns: Sequence[int]) -> Iterator[pa.Table]:
    """Yield a table in parts of bounded size; at least one, which may be empty."""
    step = max(1, _VALUES // max(1, len(columns)))
    for first in range(0, max(1, found.count), step):
        yield found.read(columns, first, step)


def as_csv(parts: Iterator[pa.Table]) -> Iterator[bytes]:
    """Yield a table as comma-separated values.

    Raises
    ------
    InvalidArgument
        If a column has lists or records.
    """
    import pyarrow as pa
    from pyarrow import csv

    for number, part in enumerate(parts):
        sink = pa.BufferOutputStream()
        try:
            csv.write_csv(_plain(part), sink, csv.WriteOptions(include_header=not number))
        except pa.ArrowInvalid as error:
            raise InvalidArgument(f"it cannot be CSV: {error}", hint="take Parquet") from None
        yield sink.getvalue().to_pybytes()


def _plain(part: pa.Table) -> pa.Table:
    import pyarrow as pa

    for at, field in enumerate(part.schema):
        if pa.types.is_dictionary(field.type):
            part = part.set_column(at, field.name, part.column(at).cast(field.type.value_type))
        elif kind_of(field.type) in ("list or record", "bytes"):
            texts = cells_of(part.column(at), 1_000_000)
            part = part.set_column(at, field.name, pa.chunked_array([pa.array(texts, pa.string())]))
    return part


def as_parquet(parts: Iterator[pa.Table]) -> Iterator[bytes]:
    """Yield a table as a Parquet file; it is written to the disk first."""
    import pyarrow.parquet as pq

    with tempfile.TemporaryFile() as file:
        first = next(parts)
        with pq.ParquetWriter(file, first.schema, compression="zstd") as writer:
            writer.write_table(first)
            for part in parts:
                writer.write_table(part)
        file.seek(0)
        while block := file.read(1 << 20):
            yield block
