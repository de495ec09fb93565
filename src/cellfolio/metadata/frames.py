"""Tables made fit for SQL: every column of one type, every name a text."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd


def table_of(records: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Return records as a table: a column for each field, missing where a record lacks it.

    Examples
    --------
    >>> frame = table_of([{"well": "A01", "n": 3}, {"well": "A02", "at": {"x": 1}}])
    >>> frame["n"].dtype, list(frame["at"].dropna())
    (Int64Dtype(), ['{"x": 1}'])
    """
    import pandas as pd

    names: dict[str, None] = {}
    for record in records:
        names.update(dict.fromkeys(record))
    columns = {
        name: pd.Series([record.get(name) for record in records], dtype=object) for name in names
    }
    return fit_for_sql(pd.DataFrame(columns, index=range(len(records))))


def fit_for_sql(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a table whose columns are of one type each; the argument is left as it is.

    Columns of Python objects become what all of their values are: text, whole numbers, decimals
    or truth values; else they become text, lists and dicts as JSON. Categories become values.

    Parameters
    ----------
    frame : DataFrame

    Returns
    -------
    DataFrame
    """
    import pandas as pd

    columns = [_one_type(frame.iloc[:, at]) for at in range(frame.shape[1])]
    fitted = pd.concat(columns, axis=1) if columns else frame.copy()
    fitted.columns = pd.Index(_distinct([_name(name) for name in frame.columns]))
    return fitted.reset_index(drop=True)


def _name(name: object) -> str:
    return " ".join(str(part) for part in name) if isinstance(name, tuple) else str(name)


def _distinct(names: Sequence[str]) -> list[str]:
    """Return names that differ also for SQL, which does not tell ``Age`` from ``age``."""
    found: list[str] = []
    taken: set[str] = set()
    for name in names:
        number, distinct = 1, name
        while distinct.casefold() in taken:
            number += 1
            distinct = f"{name}_{number}"
        taken.add(distinct.casefold())
        found.append(distinct)
    return found


def _one_type(column: pd.Series[Any]) -> pd.Series[Any]:
    import pandas as pd

    if isinstance(column.dtype, pd.CategoricalDtype):
        column = column.astype(column.dtype.categories.dtype if _whole(column) else object)
    if column.dtype != object:
        return column
    missing = column.isna()
    kinds = set(map(type, column[~missing]))
    if kinds <= {str}:
        return column.where(~missing, None) if missing.any() else column
    if kinds == {bool}:
        return column.astype("boolean")
    if kinds == {int} and column[~missing].between(-(2**63), 2**63 - 1).all():
        return column.astype("Int64")
    if kinds <= {int, float}:
        return column.astype(float)
    return column.map(_text).where(~missing, None)


def _whole(column: pd.Series[Any]) -> bool:
    return not column.isna().any()


def _text(value: Any) -> str:
    if hasattr(value, "tolist"):  # lists of DuckDB are arrays of numpy, those with gaps masked
        value = value.tolist()
    if isinstance(value, (dict, list)):
        return json.dumps(value, ensure_ascii=False)
    return value if isinstance(value, str) else str(value)
