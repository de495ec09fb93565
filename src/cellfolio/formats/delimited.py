"""Delimited text becomes a table, by the rules of pandas, if all of its rows are whole."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from cellfolio.formats.format import Source
from cellfolio.formats.rows import (
    Dialect,
    UnusualRows,
    counted_rows,
    parsed_rows,
    short_rows,
    uncounted_rows,
)
from cellfolio.formats.streams import Contents, faults_named
from cellfolio.formats.wide_rows import read_wide

if TYPE_CHECKING:
    import pandas as pd

_BUFFER = 1 << 20


def read_frame(
    source: Source, dialect: Dialect, max_bytes: int | None = None, **rules: Any
) -> pd.DataFrame:
    """Read a table.

    Parameters
    ----------
    source : Source
    dialect : Dialect
    max_bytes : int, optional
        Most bytes inside a compressed file.
    **rules
        For `pandas.read_csv`.

    Raises
    ------
    BrokenFile
    """
    import pandas as pd

    exact = exact_decimals()
    ways = [(counted_rows, exact), (parsed_rows, exact)]
    if exact:  # exact takes twice the time, and short numbers are exact anyway
        ways.insert(0, (short_rows, {"float_precision": "high"}))
    for way, precision in ways:
        with Contents(source, dialect.format, max_bytes) as contents:
            rows = way(contents, source, dialect)
            try:
                with faults_named(source, dialect.format):
                    frame: pd.DataFrame = pd.read_csv(
                        io.BufferedReader(rows, _BUFFER),
                        sep=dialect.delimiter,
                        encoding="utf-8",
                        low_memory=False,
                        **precision,
                        **rules,
                    )
                    return frame
            except Exception:
                if isinstance(rows.failure, UnusualRows):
                    continue
                if rows.failure is not None:
                    raise rows.failure from None
                raise
    raise AssertionError("the last way tells")


def read_wide_frame(
    source: Source, dialect: Dialect, max_bytes: int | None, names: Sequence[str]
) -> pd.DataFrame | None:
    """Read a table of many numbers by the rules of pandas; None if `read_frame` has to.

    Raises
    ------
    BrokenFile
    """
    with Contents(source, dialect.format, max_bytes) as contents:
        try:
            rows = uncounted_rows(contents, source, dialect)
            return read_wide(rows, dialect.delimiter, names, **exact_decimals())
        except (UnusualRows, ValueError):  # what pandas says of texts, it should say of the file
            return None


def exact_decimals() -> dict[str, Any]:
    """Return what makes `pandas.read_csv` read decimals right to the last bit.

    From pandas 3.1 on it always does, and its option is deprecated.
    """
    import pandas as pd

    major, minor = (int(part) for part in pd.__version__.split(".")[:2])
    return {} if (major, minor) >= (3, 1) else {"float_precision": "round_trip"}
