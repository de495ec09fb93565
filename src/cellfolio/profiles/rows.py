"""Which rows of a table are meant: by a query, or by what they have in common."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from cellfolio.errors import InvalidArgument
from cellfolio.profiles.statistics import Mask
from cellfolio.profiles.tables import ProfileTable

# Rule: a query compares columns. Names of Python's own machinery would let a recipe of a stranger
# run code, and `@` reads our variables.
_FORBIDDEN = re.compile(r"@|__")


def find_rows(table: ProfileTable, query: str) -> Mask:
    """Return which rows a query names.

    Parameters
    ----------
    table : ProfileTable
    query : str
        As `pandas.DataFrame.query` takes it, such as ``"Metadata_control_type == 'negcon'"``.

    Raises
    ------
    InvalidArgument
        If it cannot be understood, or names no column.
    """
    if not isinstance(query, str) or not query.strip():
        raise InvalidArgument(
            f"a query should be a text such as \"Well == 'A01'\", found {query!r}"
        )
    if _FORBIDDEN.search(query):
        raise InvalidArgument(f"the query {query!r} should have no '@' and no '__'")
    # pandas prepares every column it is given, which takes longer than the query.
    named = [name for name in table.column_names() if str(name) in query]
    if not named:
        raise InvalidArgument(f"the query {query!r} names no column of the table")
    columns = table.columns(named)
    try:
        found = columns.reset_index(drop=True).eval(query)
    except Exception as error:  # pandas raises whatever its parser or a comparison raises
        raise InvalidArgument(f"the query {query!r} cannot be used: {error}") from error
    if not isinstance(found, pd.Series) or not pd.api.types.is_bool_dtype(found.dtype):
        raise InvalidArgument(f"the query {query!r} should be true or false for each row")
    return found.fillna(False).to_numpy(dtype=bool)


@dataclass(frozen=True)
class Groups:
    """Rows that have the same values in some columns.

    Attributes
    ----------
    keys : DataFrame
        The values, one row for each group, sorted; missing values last.
    order : array of int
        The rows, those of a group side by side and in the order of the table.
    bounds : array of int
        Where groups begin in `order`, and its length.
    """

    keys: pd.DataFrame
    order: npt.NDArray[np.int64]
    bounds: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.bounds) - 1

    def __iter__(self) -> Iterator[npt.NDArray[np.int64]]:
        """Iterate over the rows of each group."""
        for start, end in zip(self.bounds[:-1], self.bounds[1:], strict=True):
            yield self.order[start:end]

    @cached_property
    def in_order(self) -> bool:
        """Whether the rows of each group are side by side in the table, groups in order."""
        return bool((self.order == np.arange(len(self.order))).all())

    def describe(self, number: int) -> str:
        """Name a group in a message."""
        row = self.keys.iloc[number]
        return ", ".join(f"{name} {value!r}" for name, value in row.astype(object).items())


def group_rows(table: ProfileTable, by: str | Sequence[str], rows: Mask | None = None) -> Groups:
    """Group rows by what they have in common; a missing value is a value of its own.

    Parameters
    ----------
    table : ProfileTable
    by : str or sequence of str
        Columns.
    rows : array of bool, optional
        Those to group; they are counted from 0.

    Raises
    ------
    InvalidArgument
        If a column is not there, or none is named.
    """
    names = [by] if isinstance(by, str) else list(by)
    check_columns(table.column_names(), names)
    columns = table.columns(names)
    if rows is not None:
        columns = columns.loc[rows]
    return group_columns(columns.reset_index(drop=True))


def check_columns(columns: Sequence[str], by: Sequence[str]) -> None:
    """Raise InvalidArgument if rows cannot be grouped by columns that are not there, or by none."""
    known = set(columns)
    absent = [name for name in by if name not in known]
    if absent or not by:
        raise InvalidArgument(
            f"rows should be grouped by columns of the table, found {absent or 'none'}"
        )


def group_columns(columns: pd.DataFrame) -> Groups:
    """Group rows that have the same values in all of these columns.

    Parameters
    ----------
    columns : DataFrame
        With an index that counts from 0.

    Examples
    --------
    >>> groups = group_columns(pd.DataFrame({"Metadata_Well": ["B1", "A1", "B1"]}))
    >>> groups.keys["Metadata_Well"].tolist(), [rows.tolist() for rows in groups]
    (['A1', 'B1'], [[1], [0, 2]])
    """
    codes = group_numbers(columns)
    order = np.argsort(codes, kind="stable")
    starts = np.flatnonzero(np.diff(codes[order], prepend=-1))
    keys = columns.iloc[order[starts]].reset_index(drop=True)
    return Groups(keys, order, np.append(starts, len(order)))


def group_numbers(columns: pd.DataFrame) -> npt.NDArray[np.int64]:
    """Return the number of the group of each row, in the order of their values."""
    grouped: Any = columns.groupby(list(columns.columns), dropna=False, sort=True, observed=True)
    found: npt.NDArray[np.int64] = grouped.ngroup().to_numpy(dtype=np.int64)
    return found
