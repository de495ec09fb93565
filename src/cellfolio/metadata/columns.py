"""Columns of tables that tell of plates: what they are called, and their values as keys."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from cellfolio.errors import InvalidArgument

if TYPE_CHECKING:
    import pandas as pd

PREFIX = "Metadata_"
"""Before the names of columns that are no measurements, as pycytominer and CPJUMP1 have it."""
PLATE, WELL, SITE, BATCH = (PREFIX + one for one in ("Plate", "Well", "Site", "Batch"))
MAP_NAME = PREFIX + "plate_map_name"
WELL_NAMES = frozenset(
    ("wellposition", "well", "wellid", "wellname", "wellpos", "position", "platewell", "assaywell",
     "assayplatewell", "destinationwell", "wellcoordinate", "coordinate")
)  # fmt: skip
"""What a column of wells is called, see `called`."""
ROW_NAMES = frozenset(("row", "wellrow", "platerow"))
COLUMN_NAMES = frozenset(("column", "col", "wellcolumn", "wellcol", "platecolumn", "platecol"))
BARCODE_NAMES = frozenset(("assayplatebarcode", "barcode", "platebarcode", "plate", "plateid"))
MAP_NAMES = frozenset(("platemapname", "platemap"))
_NUMBER = re.compile(r"[+-]?(?:0|[1-9][0-9]*)(?:\.[0-9]*)?(?:[eE][+-]?[0-9]{1,3})?")
_WHOLE = re.compile(r"[+-]?[0-9]{1,18}")


def prefixed(column: str) -> str:
    """Return the name of a column with ``Metadata_`` before it, once.

    Examples
    --------
    >>> prefixed("broad_sample"), prefixed("Metadata_Well")
    ('Metadata_broad_sample', 'Metadata_Well')
    """
    return column if column.startswith(PREFIX) else PREFIX + column


def with_prefix(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table whose columns all begin with ``Metadata_``.

    Raises
    ------
    InvalidArgument
        If two would have the same name.
    """
    names = [prefixed(str(one)) for one in table]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InvalidArgument(
            f"columns {twice[0].removeprefix(PREFIX)!r} and {twice[0]!r} are one name; "
            "expected each column once"
        )
    return table.set_axis(names, axis="columns")


def called(table: pd.DataFrame, names: frozenset[str]) -> list[Any]:
    """Return the columns that are called one of these, prefix, case and punctuation aside."""
    return [column for column in table if _plain(str(column)) in names]


def _plain(column: str) -> str:
    return re.sub(r"[^a-z0-9]", "", column.casefold().removeprefix(PREFIX.casefold()))


def plain_numbers(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table of texts with numbers where a column has nothing else.

    ``007`` is a name, so its column stays text.

    Examples
    --------
    >>> import pandas as pd
    >>> texts = pd.DataFrame({"dose": ["0.1", "10"], "id": ["007", "12"]})
    >>> plain_numbers(texts).to_dict("list")
    {'dose': [0.1, 10.0], 'id': ['007', '12']}
    """
    changed = {}
    for column in map(str, table):
        values = table[column]
        texts = [str(value).strip() for value in values.dropna()]
        if texts and all(map(_NUMBER.fullmatch, texts)):
            whole = len(texts) == len(values) and all(map(_WHOLE.fullmatch, texts))
            changed[column] = values.map(int if whole else float, na_action="ignore").astype(
                "int64" if whole else float
            )
    return table.assign(**changed)


def as_text(value: object) -> str | None:
    """Return a key as text, so that 7, 7.0 and "7" are one; None where it is missing or empty."""
    if is_missing(value):
        return None
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()


def is_missing(value: object) -> bool:
    """Whether a value is none: missing, or nothing but spaces."""
    import pandas as pd

    return value is None or bool(pd.isna(value)) or not str(value).strip()  # type: ignore[call-overload]


def some_of(names: Sequence[object]) -> str:
    """Return the first names, and how many more there are."""
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return ", ".join(map(str, names[:5])) + more
