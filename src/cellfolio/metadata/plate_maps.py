"""Plate maps of any form as tables with a row for each well. Pure functions of tables."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from cellfolio.errors import InvalidArgument
from cellfolio.metadata.columns import (
    COLUMN_NAMES,
    ROW_NAMES,
    WELL,
    WELL_NAMES,
    as_text,
    called,
    is_missing,
    prefixed,
    some_of,
    with_prefix,
)
from cellfolio.package.nearest import suggest
from cellfolio.registries.plates import Well, parse_well

if TYPE_CHECKING:
    import pandas as pd


def tidy_plate_map(
    table: pd.DataFrame, *, well_column: str | None = None, name: str = "value"
) -> pd.DataFrame:
    """Return a plate map as one row for each well, whatever form it came in.

    Parameters
    ----------
    table : pandas.DataFrame
        A row for each well, with a column of wells in any customary form or columns of rows and
        columns; or a grid as on the plate: letters in the first column, numbers as the others'
        names.
    well_column : str, optional
        Where several may be meant.
    name : str
        What the values of a grid are called.

    Returns
    -------
    pandas.DataFrame
        ``Metadata_Well`` as ``A01``, then the other columns with the prefix ``Metadata_``, in
        the order of `table`.

    Raises
    ------
    InvalidArgument
        If it has no wells, a value is no well, or a well is there twice.

    Examples
    --------
    >>> import pandas as pd
    >>> tidy_plate_map(pd.DataFrame({"Well": ["a1", "B-2"], "drug": ["DMSO", "taxol"]}))
      Metadata_Well Metadata_drug
    0           A01          DMSO
    1           B02         taxol
    """
    if well_column is None and is_grid(table):
        return _long_from_grid(table, name)
    rows = table.dropna(how="all").reset_index(drop=True)
    wells, used = _wells_of(rows, well_column)
    twice = sorted({well for well in wells if wells.count(well) > 1}) if _repeats(wells) else []
    if twice:
        raise InvalidArgument(
            f"the plate map has {some_of(twice)} more than once; expected a row for each well",
            hint="keep one row for each well; put what was mixed in it into several columns",
        )
    others = with_prefix(rows.drop(columns=list(used)))
    others.insert(0, WELL, [str(well) for well in wells])
    return others


def _repeats(values: Sequence[object]) -> bool:
    return len(set(values)) < len(values)


def is_grid(table: pd.DataFrame) -> bool:
    """Whether a table is laid out as the plate: letters of rows, then a column for each number.

    Examples
    --------
    >>> import pandas as pd
    >>> is_grid(pd.DataFrame({"": ["A", "B"], "1": [0.1, 1], "2": [10, 100]}))
    True
    """
    if table.empty:
        return False
    letters = [str(value).strip() for value in table.iloc[:, 0]]
    names = [str(column).strip() for column in table.columns[1:]]
    return (
        bool(names)
        and all(re.fullmatch("0?[1-9]|[1-4][0-9]", name) for name in names)
        and all(re.fullmatch("[A-Za-z]{1,2}", letter) for letter in letters)
    )


def _long_from_grid(table: pd.DataFrame, name: str) -> pd.DataFrame:
    import pandas as pd

    letters, numbers = table[table.columns[0]], table.columns[1:]
    wells = [
        str(parse_well(f"{str(letter).strip()}{str(number).strip()}"))
        for letter in letters
        for number in numbers
    ]
    if _repeats(wells):
        raise InvalidArgument("the plate map has a row or a column more than once")
    values = [value for row in table[numbers].itertuples(index=False) for value in row]
    return pd.DataFrame({WELL: wells, prefixed(name): values})


def _wells_of(rows: pd.DataFrame, chosen: str | None) -> tuple[list[Well], tuple[Any, ...]]:
    """Return the well of each row, and the columns that tell it."""
    if chosen is not None:
        if chosen not in rows:
            known = [str(column) for column in rows]
            raise InvalidArgument(
                f"the plate map has no column {chosen!r}; it has {', '.join(known[:8])}",
                hint=suggest(chosen, known),
            )
        return _parse_wells(rows[chosen]), (chosen,)
    named = called(rows, WELL_NAMES)
    if named:
        wells = {column: _parse_wells(rows[column]) for column in named}
        if any(wells[column] != wells[named[0]] for column in named):
            raise InvalidArgument(
                f"columns {', '.join(map(repr, named))} of the plate map name different wells",
                hint="name the one that is meant: well_column=",
            )
        return wells[named[0]], tuple(named)
    row, column = (called(rows, names) for names in (ROW_NAMES, COLUMN_NAMES))
    if len(row) == len(column) == 1:
        return _pair_wells(rows[row[0]], rows[column[0]]), (row[0], column[0])
    raise InvalidArgument(
        f"the plate map has no column of wells; it has {', '.join(map(str, rows.columns[:8]))}",
        hint="call it 'well', or name it: well_column=; 'row' and 'column' will do, and so will "
        "a grid with letters in the first column and numbers as names of the others",
    )


def _parse_wells(values: Iterable[object]) -> list[Well]:
    wells = []
    for number, value in enumerate(values, 1):
        if is_missing(value):
            raise InvalidArgument(f"row {number} of the plate map names no well")
        wells.append(parse_well(str(value)))
    return wells


def _pair_wells(rows: Iterable[object], columns: Iterable[object]) -> list[Well]:
    def form(row: str, column: str) -> str:
        return f"({row}, {column})" if row.isdigit() else f"{row}{column}"

    pairs = zip(map(as_text, rows), map(as_text, columns), strict=True)
    return [parse_well(form(row or "", column or "")) for row, column in pairs]
