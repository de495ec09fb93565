"""Columns as numbers: which rows have the same value, the same labels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from pandas.api.types import is_list_like

from cellfolio.errors import InvalidArgument
from cellfolio.evaluation.similarities import Rows
from cellfolio.profiles.rows import check_columns, find_rows, group_numbers
from cellfolio.profiles.statistics import Mask
from cellfolio.profiles.tables import ProfileTable

SEPARATOR = "|"


def names_of(columns: str | Sequence[str]) -> tuple[str, ...]:
    """Return names of columns, of which one may be given alone."""
    return (columns,) if isinstance(columns, str) else tuple(columns)


def chosen_rows(table: ProfileTable, only: str | None) -> Rows:
    """Return the rows that a query names; all without one.

    Raises
    ------
    InvalidArgument
        If there is none.
    """
    count = len(table.columns())
    rows = np.arange(count) if only is None else np.flatnonzero(find_rows(table, only))
    if not len(rows):
        raise InvalidArgument(
            "expected at least one row, found an empty table"
            if only is None
            else f"no row of {count:,} is meant by {only!r}"
        )
    return rows


def codes_of(table: ProfileTable, columns: Sequence[str], rows: Rows) -> tuple[Rows, Mask]:
    """Return a number for each row, the same where all columns are, and which lack a value.

    Raises
    ------
    InvalidArgument
        If a column is not there.
    """
    check_columns(table.column_names(), columns)
    found = table.columns(columns).iloc[rows].reset_index(drop=True)
    codes, unknown = group_numbers(found), found.isna().any(axis=1).to_numpy()
    return codes, unknown


def labels_of(column: pd.Series[Any]) -> list[tuple[str, ...]]:
    """Return the labels of each row, in order: of texts with ``|`` between them, or of lists.

    Examples
    --------
    >>> labels_of(pd.Series(["EGFR|ERBB2", "TP53", None, ["TTN", "MYC"]], dtype=object))
    [('EGFR', 'ERBB2'), ('TP53',), (), ('MYC', 'TTN')]
    """
    return [tuple(sorted({one.strip() for one in _parts(value)} - {""})) for value in column]


def _parts(value: Any) -> list[str]:
    if is_list_like(value):
        return [str(one) for one in value if not pd.isna(one)]
    return [] if pd.isna(value) else str(value).split(SEPARATOR)
