"""Columns of tables from JSON values: scalars typed, lists and objects kept as they are."""

from __future__ import annotations

import copy
import json
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd


def frame_of(
    rows: Sequence[Mapping[str, Any]], names: Sequence[str], hidden: Collection[str] = ()
) -> pd.DataFrame:
    """Return JSON objects as a table, a row each.

    Parameters
    ----------
    rows : sequence of mapping
    names : sequence of str
        Of the rows: the index of the table.
    hidden : collection of str
        Attributes that are left out.

    Examples
    --------
    >>> found = frame_of([{"passage": 36, "ids": [1]}, {"passage": None}], ["a", "b"])
    >>> found.dtypes.astype(str).to_dict(), found.loc["a", "ids"]
    ({'passage': 'Int64', 'ids': 'object'}, [1])
    """
    import pandas as pd

    attributes = dict.fromkeys(key for row in rows for key in row if key not in hidden)
    columns = {key: typed([row.get(key) for row in rows]) for key in attributes}
    index = pd.Index(list(names), name="name")
    return pd.DataFrame({key: column.set_axis(index) for key, column in columns.items()}, index)


def flattened(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a table with lists and objects as JSON text, for files that have only scalars.

    Examples
    --------
    >>> flattened(frame_of([{"ids": [1, 2], "n": 3}], ["a"]))["ids"].tolist()
    ['[1, 2]']
    """
    nested = {
        column: [
            json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else value
            for value in frame[column].tolist()
        ]
        for column in frame.columns
        if frame[column].dtype == object
    }
    return frame.assign(**nested)


def free_name(name: str, taken: Collection[str]) -> str:
    """Return a name for a column that no other has.

    Examples
    --------
    >>> free_name("row", ["well"]), free_name("row", ["row", "row_"])
    ('row', 'row__')
    """
    while name in taken:
        name += "_"
    return name


def typed(values: Sequence[Any]) -> pd.Series[Any]:
    """Return JSON values as a column of the narrowest type that keeps all of them exactly."""
    import pandas as pd

    kinds = {type(value) for value in values if value is not None}
    gaps = any(value is None for value in values)
    if kinds == {bool}:
        return pd.Series(values, dtype="boolean" if gaps else "bool")
    if kinds == {int} and all(value is None or abs(value) < 2**63 for value in values):
        return pd.Series(values, dtype="Int64" if gaps else "int64")
    if float in kinds and kinds <= {int, float} and all(map(_exact, values)):
        return pd.Series(values, dtype="float64")
    if kinds == {str}:
        return pd.Series(values)
    return pd.Series([copy.deepcopy(value) for value in values], dtype="object")


def _exact(value: Any) -> bool:
    return not isinstance(value, int) or abs(value) <= 2**53
