"""Which rows of a table are shown, and in which order: conditions and sorting over columns.

Conditions mean what they mean everywhere (see `cellfolio.metadata.conditions`). Numbers are
compared all at once, where that gives the same; of texts each one is compared once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from cellfolio.errors import InvalidArgument
from cellfolio.formats.table_rows import TableRows
from cellfolio.metadata.conditions import Condition, number_in
from cellfolio.package.nearest import suggest

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

MOST_DISTINCT = 500_000
"""Different texts of a column that a condition is compared with."""


@dataclass(frozen=True, slots=True)
class Sorting:
    """A column that rows are sorted by.

    Attributes
    ----------
    column : str
    falling : bool
        Whether the largest comes first; missing values are last in any case.
    """

    column: str
    falling: bool = False


def parse_sorting(text: str) -> Sorting:
    """Read a column to sort by; a ``-`` before it is for falling.

    Examples
    --------
    >>> parse_sorting("-area")
    Sorting(column='area', falling=True)
    """
    return Sorting(text[1:], falling=True) if text.startswith("-") else Sorting(text)


def column_number(schema: pa.Schema, name: str) -> int:
    """Return which column has a name; the first, if several have it.

    Raises
    ------
    InvalidArgument
    """
    if name not in schema.names:
        raise InvalidArgument(f"no column {name!r}", hint=suggest(name, schema.names))
    return int(schema.names.index(name))


def order_rows(
    rows: TableRows, conditions: Sequence[Condition], sorting: Sequence[Sorting]
) -> np.ndarray | None:
    """Return the numbers of the rows that fit, in order; None for all as they are.

    Parameters
    ----------
    rows : TableRows
    conditions : sequence of Condition
        All of which hold.
    sorting : sequence of Sorting
        The first one counts most; rows that are equal stay as they are.

    Raises
    ------
    InvalidArgument
        If a column is not there, or cannot be sorted.
    """
    import numpy as np

    if not conditions and not sorting:
        return None
    fits = np.ones(rows.count, bool)
    for condition in conditions:
        at = column_number(rows.schema, condition.field)
        fits &= _fitting(rows.read([at]).column(0), condition)
    found = np.flatnonzero(fits)
    return found if not sorting else found[_sorted(rows, found, sorting)]


def _sorted(rows: TableRows, kept: np.ndarray, sorting: Sequence[Sorting]) -> np.ndarray:
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    numbers = [column_number(rows.schema, one.column) for one in sorting]
    read = rows.read(numbers, None if len(kept) == rows.count else kept)
    keys = pa.table({str(at): _plain(column) for at, column in enumerate(read.columns)})
    orders: list[Any] = [
        (str(at), "descending" if one.falling else "ascending") for at, one in enumerate(sorting)
    ]
    try:
        return np.asarray(pc.sort_indices(keys, sort_keys=orders))
    except pa.ArrowException:
        kinds = ", ".join(str(column.type) for column in read.columns)
        raise InvalidArgument(f"rows cannot be sorted by values of kind {kinds}") from None


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    import pyarrow as pa

    if pa.types.is_dictionary(column.type):
        return column.cast(column.type.value_type)
    return column.cast(pa.int8()) if pa.types.is_boolean(column.type) else column


def _fitting(column: pa.ChunkedArray, condition: Condition) -> np.ndarray:
    """Return for each value whether it fits."""
    import numpy as np
    import pyarrow as pa

    column = _plain(column) if pa.types.is_dictionary(column.type) else column
    there = np.asarray(column.is_valid())
    if condition.value == "" and condition.operator in ("=", "!="):
        missing: np.ndarray = ~there | _blank(column, there)
        return missing if condition.operator == "=" else ~missing
    wanted = number_in(condition.value)
    if pa.types.is_float64(column.type) and wanted is not None and "~" not in condition.operator:
        return _decimals(column, there, condition, wanted)
    return _each(column, condition)


def _blank(column: pa.ChunkedArray, there: np.ndarray) -> np.ndarray:
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        return np.asarray(pc.fill_null(pc.equal(column, ""), False))
    if pa.types.is_floating(column.type):
        return np.asarray(pc.fill_null(pc.is_nan(column), False))
    return np.zeros(len(there), bool)


def _decimals(
    column: pa.ChunkedArray, there: np.ndarray, condition: Condition, wanted: Decimal
) -> np.ndarray:
    """Compare decimals at once; those next to what is wanted are compared exactly, as one."""
    import numpy as np

    values = np.asarray(column.to_numpy())
    near = float(wanted)
    there = there & ~np.isnan(values)
    equal = there & (values == near)
    match condition.operator:
        case "<" | "<=":
            fits = there & (values < near)
        case ">" | ">=":
            fits = there & (values > near)
        case "!=":
            fits = there & (values != near)
        case _:
            fits = np.zeros(len(values), bool)
    found: np.ndarray = fits | equal if condition.holds([near]) else fits & ~equal
    return found


def _each(column: pa.ChunkedArray, condition: Condition) -> np.ndarray:
    """Compare every different value once."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    try:
        coded = pc.dictionary_encode(column).combine_chunks()
    except pa.ArrowException:
        raise InvalidArgument(
            f"{condition.field} has lists or records; no condition fits"
        ) from None
    coded = coded.chunk(0) if isinstance(coded, pa.ChunkedArray) and coded.num_chunks else coded
    if not len(coded):
        return np.zeros(len(column), bool)
    values = coded.dictionary
    if len(values) > MOST_DISTINCT:
        raise InvalidArgument(
            f"{condition.field} has {len(values):,} different values, too many for a condition",
            hint="ask with SQL",
        )
    fits = np.array([condition.holds([value]) for value in values.to_pylist()] + [False], bool)
    found: np.ndarray = fits[np.asarray(pc.fill_null(coded.indices, len(values)))]
    return found
