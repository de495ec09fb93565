"""The cells of the cardiomyocyte study, joined from its tables, and what did not join.

The study (`aics/cardio_diff_manuscript`, later
`aics/integrated_transcriptomics_structural_organization_hipsc_cm`) holds a folder for each data
set, each with tables. Rules of the join:

1. A cell is a field of view and the number of the cell in it, which tables call
   ``cell_label_value``, ``napariCell_ObjectNumber``, ``cell_num`` or ``object_number``. Fields:
   see `cellfolio.metadata.cardio_fields`.
2. The joined table has one row for each cell that any table of cells has. What a table lacks is
   missing, and reported.
3. Rows are never multiplied: where a table has several rows for one cell (or field), none of them
   is joined, and they are reported.
4. Columns keep their names. One that an earlier data set has too, whatever its case, is called
   ``DATASET__COLUMN``.

The cells without labelled structure (``2d_nonstructure_…``) are others, of other fields; they are
not among these.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cellfolio.metadata.cardio_fields import (
    COLUMNS,
    UNKNOWN,
    FieldKeys,
    FieldNames,
    find_column,
    names_of_fields,
)
from cellfolio.metadata.cardio_tables import TABLES, DataSetTable
from cellfolio.metadata.frames import fit_for_sql

if TYPE_CHECKING:
    import pandas as pd

CELL_COLUMNS = (
    "cell_label_value", "napariCell_ObjectNumber", "napariCell", "cell_num", "object_number",
)  # fmt: skip
"""Columns with the number of a cell in its field, the preferred first."""
KEYS = ("fov_id", "original_fov_location", "cell_label_value")
"""The first columns of the joined table."""
_EXAMPLES = 5


@dataclass(frozen=True, slots=True)
class Problem:
    """What did not join, and why.

    Attributes
    ----------
    kind : str
        ``absent``, ``no_key``, ``duplicate``, ``contradiction``, ``unknown_field`` or ``lacking``.
    count : int
        Rows, cells or fields.
    message : str
        For people.
    examples : tuple of str
    """

    kind: str
    count: int
    message: str
    examples: tuple[str, ...] = ()

    @property
    def is_error(self) -> bool:
        """Whether the table contradicts itself or others, and does not only lack something."""
        return self.kind in ("duplicate", "contradiction")


@dataclass(frozen=True, slots=True)
class TableReport:
    """How one table joined.

    Attributes
    ----------
    name : str
    rows : int
    joined : int
        Cells (of a table of fields: fields) that got a row of it.
    keys : tuple of str
        Its columns that name field and cell.
    problems : tuple of Problem
    """

    name: str
    rows: int
    joined: int
    keys: tuple[str, ...]
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class JoinedCells:
    """The joined cells, and how they joined.

    Attributes
    ----------
    table : DataFrame
        One row for each cell: `KEYS`, then the columns of each table.
    fields : int
        Number of fields known.
    without_cells : tuple of str
        Those of them that have no cell in any table, as ``id (location)``.
    reports : tuple of TableReport
        In the order of `cardio_tables.TABLES`.
    """

    table: pd.DataFrame
    fields: int
    without_cells: tuple[str, ...]
    reports: tuple[TableReport, ...]


@dataclass(frozen=True, slots=True)
class _Keyed:
    """A table with the keys of its rows."""

    spec: DataSetTable
    frame: pd.DataFrame
    fields: FieldKeys
    cell_column: str
    cells: pd.Series[Any]

    @property
    def index(self) -> pd.Index[Any]:
        import pandas as pd

        index: pd.Index[Any] = pd.Index(self.fields.keys, dtype=object)
        return pd.MultiIndex.from_arrays([index, self.cells]) if self.spec.of_cells else index

    @property
    def with_key(self) -> pd.Series[Any]:
        named = self.fields.keys.notna()
        return named & self.cells.notna() if self.spec.of_cells else named


def join_cells(tables: Mapping[str, pd.DataFrame]) -> JoinedCells:
    """Join the cells of the study.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        By the names in `cardio_tables.TABLES`; those that are absent are reported.

    Returns
    -------
    JoinedCells

    Examples
    --------
    >>> import pandas as pd
    >>> joined = join_cells({
    ...     "fields": pd.DataFrame({"fov_id": [1, 2], "original_fov_location": ["raw/a", "raw/b"]}),
    ...     "features": pd.DataFrame({"fov_path": ["a", "a"], "napariCell_ObjectNumber": [1, 2],
    ...                               "area": [7.0, 8.0]})})
    >>> joined.table.astype(object).to_numpy().tolist()
    [[1, 'raw/a', 1, 7.0], [1, 'raw/a', 2, 8.0]]
    >>> joined.without_cells
    ('2 (raw/b)',)
    """
    present = {spec.name: tables[spec.name] for spec in TABLES if spec.name in tables}
    base = _fields_table(present)
    keys, names = names_of_fields(base)
    keyed = {
        name: _keyed(spec, present[name], names)
        for spec in TABLES
        if (name := spec.name) in present
    }
    cells = _all_cells(keyed.values(), keys)
    located = _located(base, keys)
    parts: list[pd.DataFrame] = [_key_columns(cells, located)]
    taken = {key.casefold() for key in KEYS}
    reports: list[TableReport] = []
    for spec in TABLES:
        if spec.name not in keyed:
            message = f"the package has no {spec.files[0].removeprefix('**/')}"
            absent = Problem("absent", 1, message)
            reports.append(TableReport(spec.name, 0, 0, (), (absent,)))
            continue
        part, report = _joined(keyed[spec.name], cells, keys, located)
        parts.append(_renamed(part, spec.name, taken))
        reports.append(report)
    import pandas as pd

    table, fields = pd.concat(parts, axis=1), _distinct(keys)
    empty = fields[~fields.isin(cells.get_level_values(0))]
    without = tuple(_name(key, located) for key in empty)
    return JoinedCells(table, len(fields), without, tuple(reports))


def _fields_table(present: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Return the table of fields; without one, the fields that the first other table names."""
    import pandas as pd

    if "fields" in present or not present:
        return present.get("fields", pd.DataFrame())
    first = next(iter(present.values()))
    columns = [find_column(first, names) for names in COLUMNS.values()]
    return first[[name for name in columns if name]].drop_duplicates().reset_index(drop=True)


def _keyed(spec: DataSetTable, frame: pd.DataFrame, names: FieldNames) -> _Keyed:
    import pandas as pd

    frame = frame.reset_index(drop=True)
    fields = names.keys_of(frame)
    column = find_column(frame, CELL_COLUMNS) if spec.of_cells else None
    numbers: pd.Series[Any] = pd.Series([None] * len(frame), dtype="Int64")
    if column is not None:
        found = pd.to_numeric(frame[column], errors="coerce").astype(float)
        numbers = found.where(found % 1 == 0).astype("Int64")
    return _Keyed(spec, frame, fields, column or "", numbers)


def _all_cells(tables: Any, keys: pd.Series[Any]) -> pd.MultiIndex:
    """Return every cell that a table has: in the order of fields, then by number."""
    order = {key: at for at, key in enumerate(keys.dropna())}
    found: set[tuple[str, int]] = set()
    for table in tables:
        if table.spec.of_cells:
            found.update(table.index[table.with_key])
    cells = sorted(found, key=lambda cell: (order.get(cell[0], len(order)), cell[0], cell[1]))
    import pandas as pd

    if not cells:
        return pd.MultiIndex.from_arrays([[], []], names=["field", "cell"])
    return pd.MultiIndex.from_tuples(cells, names=["field", "cell"])


def _located(base: pd.DataFrame, keys: pd.Series[Any]) -> dict[str, tuple[Any, Any]]:
    """Return id and location by key of a field."""
    columns = [find_column(base, COLUMNS[way]) for way in ("id", "location")]
    values = [[None] * len(base) if name is None else base[name].tolist() for name in columns]
    rows = zip(keys, *values, strict=True)
    return {key: (one, place) for key, one, place in rows if key is not None}


def _key_columns(cells: pd.MultiIndex, located: Mapping[str, tuple[Any, Any]]) -> pd.DataFrame:
    import pandas as pd

    rows = []
    for field, cell in cells:
        unknown = field.removeprefix(UNKNOWN)
        known = located.get(field)
        rows.append((*((None, unknown) if known is None else known), cell))
    frame = fit_for_sql(pd.DataFrame(rows, columns=list(KEYS), dtype=object))
    return _as_before(frame, frame)


def _joined(
    table: _Keyed,
    cells: pd.MultiIndex,
    keys: pd.Series[Any],
    located: Mapping[str, tuple[Any, Any]],
) -> tuple[pd.DataFrame, TableReport]:
    """Return the columns of a table for all cells, and how it joined."""
    index, with_key = table.index, table.with_key
    repeated = with_key & index.duplicated(keep=False)
    usable = with_key & ~repeated
    # The keys are in the joined table once; paths of images stay, whatever they tell.
    own = {table.cell_column, "Unnamed: 0", *COLUMNS["location"], *COLUMNS["id"]}
    values = _nullable(table.frame.drop(columns=[name for name in table.frame if name in own]))
    values.index = index
    wanted = cells if table.spec.of_cells else cells.get_level_values(0)
    usable_values = values[usable.to_numpy()]
    part = usable_values.reindex(wanted)
    targets = cells if table.spec.of_cells else _distinct(keys)
    joined = int(targets.isin(usable_values.index).sum())
    problems = tuple(_problems(table, (repeated, usable), targets, located))
    columns = tuple(filter(None, (table.fields.column, table.cell_column)))
    report = TableReport(table.spec.name, len(table.frame), joined, columns, problems)
    return _as_before(part.reset_index(drop=True), values), report


def _distinct(keys: pd.Series[Any]) -> pd.Index[Any]:
    import pandas as pd

    index: pd.Index[Any] = pd.Index(keys.dropna().unique(), dtype=object)
    return index


def _nullable(frame: pd.DataFrame) -> pd.DataFrame:
    """Return whole numbers and truth values in types that may have gaps."""
    changed = {
        name: {"i": "Int64", "u": "UInt64", "b": "boolean"}[kind.kind]
        for name, kind in frame.dtypes.items()
        if kind.kind in "iub"
    }
    return frame.astype(changed)


def _as_before(part: pd.DataFrame, values: pd.DataFrame) -> pd.DataFrame:
    """Return columns without gaps to the plain types."""
    plain = {"Int64": "int64", "UInt64": "uint64", "boolean": "bool"}
    full = part.notna().all()
    changed = {
        name: plain[str(kind)]
        for name, kind in values.dtypes.items()
        if str(kind) in plain and full[str(name)]
    }
    return part.astype(changed)


def _renamed(part: pd.DataFrame, name: str, taken: set[str]) -> pd.DataFrame:
    names = [
        f"{name}__{column}" if column.casefold() in taken else column for column in map(str, part)
    ]
    taken.update(column.casefold() for column in names)
    return part.set_axis(names, axis=1)


def _problems(
    table: _Keyed,
    rows: tuple[pd.Series[Any], pd.Series[Any]],
    targets: pd.Index[Any],
    located: Mapping[str, tuple[Any, Any]],
) -> Iterator[Problem]:
    """Yield what did not join: rows of the table, then cells or fields that it lacks."""
    repeated, usable = rows
    index, of_cells = table.index, table.spec.of_cells
    thing = "cell" if of_cells else "field"

    def shown(found: Any) -> tuple[str, ...]:
        distinct = list(dict.fromkeys(found))
        return tuple(_name(one, located) for one in distinct[:_EXAMPLES])

    if (bare := ~table.with_key).any():
        lines = [f"row {at}" for at in bare.index[bare][:_EXAMPLES]]
        named = [_name(key, located) for key in table.fields.keys[bare][:_EXAMPLES]]
        examples = tuple(f"{line}: {field}" for line, field in zip(lines, named, strict=True))
        count = int(bare.sum())
        yield Problem("no_key", count, f"{count:,} rows name no {thing}; not joined", examples)
    if repeated.any():
        count, distinct = int(repeated.sum()), len(set(index[repeated]))
        message = f"{count:,} rows share {distinct:,} {thing}s; none of them is joined"
        yield Problem("duplicate", count, message, shown(index[repeated]))
    if table.fields.contradicting:
        count = len(table.fields.contradicting)
        message = f"{count:,} rows name one field in {table.fields.column}, another elsewhere"
        found = table.fields.keys[list(table.fields.contradicting)]
        yield Problem("contradiction", count, message, shown(found))
    strange = table.fields.keys.map(lambda key: key is not None and key.startswith(UNKNOWN))
    if strange.any():
        count = int(strange.sum())
        message = f"{count:,} rows are of fields that the table of fields has not"
        yield Problem("unknown_field", count, message, shown(table.fields.keys[strange]))
    lacking = targets[~targets.isin(index[usable])]
    if len(lacking):
        message = f"{len(lacking):,} {thing}s have no row here"
        yield Problem("lacking", len(lacking), message, shown(lacking))


def _name(key: Any, located: Mapping[str, tuple[Any, Any]]) -> str:
    """Return a field or a cell for people."""
    if isinstance(key, tuple):
        return f"{_name(key[0], located).partition(' (')[0]} cell {key[1]}"
    if key is None:
        return "no field"
    one, place = located.get(key, (None, None))
    if one is None:
        return str(key)
    return f"{one} ({place})" if place is not None else str(one)
