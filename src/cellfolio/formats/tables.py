"""Tables: CSV, TSV and Parquet.

The rules for types are those of `pandas.read_csv`, column by column over the whole table: whole
numbers are int64, with missing values float64; ``True`` and ``False`` are bool; what is not all
numbers stays text as written; an empty field and the words of pandas (``NA``, ``NaN``, ``null``,
``None`` …) are missing. ``007`` is the number 7 where all values of the column are numbers, so
name such columns in ``text=``. Three things differ from a bare `pandas.read_csv`: decimals are the
nearest float64 to the last bit, a type never depends on how the file was cut into pieces, and
nothing that is broken is read.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cellfolio.errors import BrokenFile, InvalidArgument
from cellfolio.extras import importing
from cellfolio.formats.delimited import read_frame, read_wide_frame
from cellfolio.formats.derived import Derived, find_derived, keep_derived
from cellfolio.formats.format import Source
from cellfolio.formats.header import read_header
from cellfolio.formats.lazy_table import LazyTable
from cellfolio.formats.options import check_columns, take_options
from cellfolio.formats.parquet import column_names, read_columns, write_exactly
from cellfolio.formats.rows import Dialect
from cellfolio.formats.streams import peek
from cellfolio.formats.wide_rows import WIDE

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

CONVERT_COMPRESSED = 20_000_000
CONVERT_PLAIN = 50_000_000
"""Bytes from which a delimited table is converted once. Below, reading it takes under a second."""
CONVERTER = "1"
"""Version of the rules; another one makes other converted files."""
LIBRARIES = ("pandas", "polars")


@dataclass(frozen=True, slots=True)
class TableOptions:
    """How a delimited table is to be read.

    Attributes
    ----------
    columns : sequence of str or None
        Those wanted, in this order; None for all.
    table : {'pandas', 'polars'}
        What is returned.
    text : sequence of str
        Columns that stay text even if they look like numbers.
    missing : sequence of str or None
        Words for missing values, besides nothing at all; None for those of pandas.
    delimiter : str or None
        One character; None for the one of the format.
    encoding : str
    header_rows : int
        Lines with names of columns; with more than one, the columns have several levels.
    convert_from : int or None
        Size in bytes from which the table is converted to Parquet, if there is a home; None for
        20 MB compressed, 50 MB plain.
    max_bytes : int or None
        Most bytes inside a compressed file; None for 1 GiB, or 100 times its size if that is more.
    lazy : bool
        Read the names of columns only, and return a `LazyTable`.
    """

    columns: Sequence[str] | None = None
    table: str = "pandas"
    text: Sequence[str] = ()
    missing: Sequence[str] | None = None
    delimiter: str | None = None
    encoding: str = "utf-8"
    header_rows: int = 1
    convert_from: int | None = None
    max_bytes: int | None = None
    lazy: bool = False


def read_csv(source: Source, **options: Any) -> pd.DataFrame | pl.DataFrame | LazyTable:
    """Read values separated by commas.

    Parameters
    ----------
    source : Source
    **options
        See `TableOptions`.

    Raises
    ------
    BrokenFile
        If it is empty, cut off, has a row with too many or too few fields, two columns of one
        name, a NUL byte, or bytes that are not of its encoding; with line and field.
    InvalidArgument
        If an option or a column is not known.
    """
    return read_delimited(source, "csv", ",", take_options(TableOptions, "csv", options))


def read_tsv(source: Source, **options: Any) -> pd.DataFrame | pl.DataFrame | LazyTable:
    """Read values separated by tabs; see `read_csv`."""
    return read_delimited(source, "tsv", "\t", take_options(TableOptions, "tsv", options))


def read_parquet(
    source: Source,
    *,
    columns: Sequence[str] | None = None,
    table: str = "pandas",
    max_bytes: int | None = None,
    lazy: bool = False,
) -> pd.DataFrame | pl.DataFrame | LazyTable:
    """Read a Parquet file.

    Parameters
    ----------
    source : Source
    columns : sequence of str, optional
        Those wanted, in this order.
    table : {'pandas', 'polars'}
    max_bytes : int, optional
        Most bytes that the table may take; by default 1 GiB, or 100 times the file's size.
    lazy : bool
        Read the names of columns only, and return a `LazyTable`.

    Raises
    ------
    BrokenFile, InvalidArgument
    """
    _check_library(table)
    if lazy:
        names = tuple(columns or column_names(source))
        return LazyTable(
            source.name, names, lambda some: read_columns(source, some, table, max_bytes)
        )
    return read_columns(source, columns, table, max_bytes)


def _check_library(table: str) -> None:
    if table not in LIBRARIES:
        raise InvalidArgument(f"table should be one of {LIBRARIES}, found {table!r}")


def read_delimited(
    source: Source, format_name: str, delimiter: str, options: TableOptions
) -> pd.DataFrame | pl.DataFrame | LazyTable:
    """Read a delimited table: the converted one if there is one, else the file itself.

    Raises
    ------
    BrokenFile, InvalidArgument
    """
    _check_options(options)
    dialect = Dialect(
        format_name,
        options.delimiter or delimiter,
        options.encoding,
        options.header_rows,
        options.delimiter is not None,
    )
    if options.lazy:
        return _lazy(source, dialect, options)
    return _read(source, dialect, options)


def parquet_of(
    source: Source, format_name: str, max_bytes: int | None = None
) -> Path | pd.DataFrame:
    """Return where a delimited table is kept as Parquet, and make it if it is not there yet.

    Parameters
    ----------
    source : Source
    format_name : {'csv', 'tsv'}
    max_bytes : int, optional
        Most bytes inside a compressed file (see `TableOptions`).

    Returns
    -------
    Path or DataFrame
        The table itself where there is no home for it, or Parquet cannot hold it exactly.

    Raises
    ------
    BrokenFile
    """
    delimiter = "," if format_name == "csv" else "\t"
    dialect = Dialect(format_name, delimiter, "utf-8", 1, False)
    options = TableOptions(convert_from=0, max_bytes=max_bytes)
    place = _place(source, dialect, options)
    kept = None if place is None else find_derived(place)
    if kept is not None:
        try:
            column_names(Source(kept, source.name))
            return kept
        except BrokenFile:  # damaged since: it is made again from the file itself
            with suppress(OSError):
                kept.unlink()
    frame = _parse(source, dialect, options, None, read_header(source, dialect, max_bytes))
    if place is None:
        return frame
    return keep_derived(place, lambda path: write_exactly(frame, path)) or frame


def _lazy(source: Source, dialect: Dialect, options: TableOptions) -> LazyTable:
    if dialect.header_rows > 1:
        raise InvalidArgument("a table with several header rows cannot be opened lazily")
    names = _labels(read_header(source, dialect, options.max_bytes))
    if options.columns is not None:
        check_columns(source, options.columns, names)
        names = list(options.columns)
    now = replace(options, lazy=False)
    return LazyTable(
        source.name,
        tuple(names),
        lambda some: _read(source, dialect, replace(now, columns=some)),
    )


def _read(source: Source, dialect: Dialect, options: TableOptions) -> pd.DataFrame | pl.DataFrame:
    place = _place(source, dialect, options)
    if place is not None:
        kept = find_derived(place)
        if kept is not None:
            try:
                return read_columns(
                    Source(kept, source.name), options.columns, options.table, None, trusted=True
                )
            except BrokenFile:  # damaged since: it is made again from the file itself
                with suppress(OSError):
                    kept.unlink()
    names = read_header(source, dialect, options.max_bytes)
    if options.columns is not None:
        check_columns(source, options.columns, _labels(names))
    # To convert, all columns are read.
    wanted = options.columns if place is None else None
    frame = _parse(source, dialect, options, wanted, names)
    if place is not None:
        keep_derived(place, lambda path: write_exactly(frame, path))
        frame = frame if options.columns is None else frame[list(options.columns)]
    return frame if options.table == "pandas" else to_polars(frame)


def _check_options(options: TableOptions) -> None:
    _check_library(options.table)
    if options.delimiter is not None and len(options.delimiter.encode()) != 1:
        raise InvalidArgument(
            f"the delimiter should be one ASCII character, found {options.delimiter!r}"
        )
    if options.header_rows < 1:
        raise InvalidArgument(f"header_rows should be at least 1, found {options.header_rows}")
    if options.header_rows > 1 and (options.columns is not None or options.text):
        raise InvalidArgument("columns= and text= cannot be used with several header rows")
    for words in (options.text, options.missing):
        if isinstance(words, str):
            raise InvalidArgument(f"expected a list of texts, found the text {words!r}")


def _labels(names: Sequence[tuple[str, ...]]) -> list[str]:
    """Return the names that pandas gives the columns."""
    return [name[0] or f"Unnamed: {at}" for at, name in enumerate(names)]


def _place(source: Source, dialect: Dialect, options: TableOptions) -> Derived | None:
    """Return where the converted table is kept, if it is worth it."""
    if source.home is None or options.header_rows > 1:
        return None
    limit = options.convert_from
    if limit is None:
        limit = CONVERT_COMPRESSED if peek(source.path)[1] else CONVERT_PLAIN
    if source.path.stat().st_size < limit:
        return None
    import pandas as pd

    # Text is another type in another pandas.
    rules = f"{CONVERTER}-pandas{pd.__version__.partition('.')[0]}"
    chosen = (dialect.delimiter, dialect.encoding, tuple(options.text), options.missing)
    if chosen != (("," if dialect.format == "csv" else "\t"), "utf-8", (), None):
        rules += "-" + hashlib.sha256(repr(chosen).encode()).hexdigest()[:16]
    return Derived(source, "tables", f"{dialect.format}-{rules}.parquet")


def _is_wide(names: Sequence[tuple[str, ...]], options: TableOptions) -> bool:
    """Tell whether a table has many columns, of all of which the types are to be found."""
    return (
        len(names) >= WIDE
        and options.header_rows == 1
        and not options.text
        and options.missing is None
    )


def _parse(
    source: Source,
    dialect: Dialect,
    options: TableOptions,
    columns: Sequence[str] | None,
    names: Sequence[tuple[str, ...]],
) -> pd.DataFrame:
    if columns is None and _is_wide(names, options):
        found = read_wide_frame(source, dialect, options.max_bytes, _labels(names))
        if found is not None:
            return found
    kept = [name for name in options.text if columns is None or name in columns]
    one_row = dialect.header_rows == 1
    frame = read_frame(
        source,
        dialect,
        options.max_bytes,
        header=0 if one_row else list(range(dialect.header_rows)),
        index_col=False if one_row else None,
        usecols=None if columns is None else list(columns),
        dtype=dict.fromkeys(kept, str) if kept else None,
        keep_default_na=options.missing is None,
        na_values=None if options.missing is None else ["", *options.missing],
    )
    return frame if columns is None else frame[list(columns)]


def to_polars(frame: pd.DataFrame) -> pl.DataFrame:
    """Return a table of polars; missing values are null.

    Raises
    ------
    LibraryMissing
        If polars is not installed.
    """
    with importing("polars", extra="polars", what="table='polars'"):
        import polars as pl
    return pl.from_pandas(frame)
