"""What is known of each well of a plate: by plate map, or by a column of a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cellfolio.errors import CellfolioError, InvalidArgument, NotFound
from cellfolio.metadata.columns import BATCH, MAP_NAME, PLATE, PREFIX, WELL, is_missing
from cellfolio.package.nearest import suggest
from cellfolio.registries.plates import PlateFormat, Well, parse_well, smallest_plate
from cellfolio.workflows.plate_views.plates import Plates
from cellfolio.workflows.plate_views.tables import PlateTable, rows_of_plate
from cellfolio.workflows.plates import column_of, values_by_well

if TYPE_CHECKING:
    import pandas as pd

MAP = ""
"""What the plate map is called among the tables of a plate."""
SEVERAL = "several values"
ROWS = "number of rows"
"""What may be asked of a table that has several rows for a well."""
_PERTURBATIONS = (
    "perturbation", "pert_iname", "compound", "compound_name", "gene", "gene_symbol", "symbol",
    "broad_sample", "treatment", "pert_id", "jcp2022", "drug", "drug_name", "condition",
    "cell_line",
)  # fmt: skip
"""Columns that tell what was done to a well, the best first; without ``Metadata_``."""
_NO_ANNOTATION = (PLATE, WELL, BATCH, MAP_NAME)
_CONTROLS = ("control_type", "pert_type", "broad_sample_type", "control")
_NEGATIVE = ("negcon", "negative control", "negative", "control", "neg")
_VEHICLES = ("dmso", "vehicle", "untreated", "mock", "neg")


@dataclass(frozen=True, slots=True)
class WellValues:
    """A value for each well of a plate.

    Attributes
    ----------
    column : str
    table : str
        Name of the table that has the column; empty for the plate map.
    values : mapping of Well to value
        None where nothing is known; wells that are not there are none of the plate's.
    shape : PlateFormat
    note : str
        How several rows of a well became one value; or empty.
    controls : frozenset of Well
        Negative controls.
    """

    column: str
    table: str
    values: Mapping[Well, Any]
    shape: PlateFormat
    note: str = ""
    controls: frozenset[Well] = frozenset()


def annotation_table(plates: Plates, name: str) -> pd.DataFrame | None:
    """Return what is told of each well, a row each, by `Well`; None if nothing is.

    It is the plate map with what joins to it, else the metadata in the first table of wells.

    Raises
    ------
    CellfolioError
        If what there is cannot be read.
    """
    return plates.told(name, lambda: _read_annotations(plates, name))


def _read_annotations(plates: Plates, name: str) -> pd.DataFrame | None:
    mapped = plates.mapped(name)
    if mapped is not None:
        return mapped.table.set_index(mapped.table[WELL].map(parse_well).rename(None))
    for table in plates.find(name).tables:
        told = [one for one in table.columns if _is_annotation(one)]
        if table.kind == "wells" and told:
            return rows_of_plate(plates.package, table, name, told, plates.home)
    return None


def _is_annotation(column: str) -> bool:
    return column.startswith((PREFIX, f"Image_{PREFIX}"))


def wells_of(plates: Plates, name: str) -> tuple[set[Well], PlateFormat]:
    """Return the wells that anything tells of, and the smallest plate that has them."""
    found: set[Well] = set()
    try:
        told = annotation_table(plates, name)
    except CellfolioError:
        told = None
    if told is not None:
        found.update(told.index)
    found.update(site.well for site in _sites(plates, name))
    if not found:
        for table in plates.find(name).tables[:1]:
            found.update(rows_of_plate(plates.package, table, name, [], plates.home).index)
    return found, smallest_plate(found)


def _sites(plates: Plates, name: str) -> Sequence[Any]:
    try:
        return plates.sites(name)
    except CellfolioError:
        return ()


def column_names(plates: Plates, name: str) -> dict[str, tuple[str, ...]]:
    """Return the columns that wells can be coloured by, by table; the plate map's first.

    Raises
    ------
    NotFound
    """
    found: dict[str, tuple[str, ...]] = {}
    try:
        mapped = plates.mapped(name)
    except CellfolioError:
        mapped = None
    if mapped is not None:
        found[MAP] = tuple(str(one) for one in mapped.table if one not in (PLATE, WELL))
    for table in plates.find(name).tables:
        others = tuple(
            one for one in table.columns if one not in (table.plate_column, table.well_column)
        )
        found[table.name] = ((ROWS,) if table.kind in ("objects", "sites") else ()) + others
    return found


def choose_column(plates: Plates, name: str) -> tuple[str, str]:
    """Return the table and column that show most of a plate, if none is asked for.

    Raises
    ------
    NotFound
        If nothing is told of the wells.
    """
    columns = column_names(plates, name)
    for table, names in columns.items():
        plain = {one.removeprefix("Image_").removeprefix(PREFIX): one for one in names}
        for chosen in (plain[one] for one in _PERTURBATIONS if one in plain):
            values = well_values(plates, name, chosen, table).values
            if len({str(one) for one in values.values() if one is not None}) > 1:
                return table, chosen
    for table, names in columns.items():
        if names:
            return table, names[0]
    raise NotFound(
        f"nothing is told of the wells of {name} but its images", hint="look at its images"
    )


def perturbation_column(told: pd.DataFrame) -> str | None:
    """Return the column of annotations that tells what was done to a well."""
    plain = {str(one).removeprefix("Image_").removeprefix(PREFIX): str(one) for one in told}
    return next((plain[one] for one in _PERTURBATIONS if one in plain), None)


def negative_controls(told: pd.DataFrame) -> frozenset[Well]:
    """Return the wells that annotations call negative controls; none if nothing tells.

    By a column of control types, else by perturbations called DMSO or the like.
    """
    plain = {str(one).removeprefix("Image_").removeprefix(PREFIX): one for one in told}
    for column in (plain[one] for one in _CONTROLS if one in plain):
        words = told[column].astype(str).str.casefold()
        for word in _NEGATIVE:
            if (words == word).any():
                return frozenset(told.index[words == word])
    column = perturbation_column(told)
    if column is None:
        return frozenset()
    words = told[column].astype(str).str.casefold()
    return frozenset(told.index[words.isin(_VEHICLES)])


def controls_of(plates: Plates, name: str) -> frozenset[Well]:
    """Return the negative controls of a plate; none where nothing tells them."""
    try:
        told = annotation_table(plates, name)
    except CellfolioError:
        return frozenset()
    return frozenset() if told is None else negative_controls(told)


def well_values(plates: Plates, name: str, column: str, table: str | None = None) -> WellValues:
    """Return a value for each well of a plate.

    Parameters
    ----------
    plates : Plates
    name : str
        Of the plate.
    column : str
        Of the plate map or a table; ``Metadata_`` may be left out.
    table : str, optional
        Where to look; by default the first that has the column.

    Raises
    ------
    NotFound, InvalidArgument
    """
    columns = column_names(plates, name)
    where, column = _find(columns, column, table)
    everywhere, shape = wells_of(plates, name)
    note = ""
    if where == MAP:
        mapped = plates.mapped(name)
        assert mapped is not None
        values = values_by_well(mapped.table, column_of(mapped.table, column))
    else:
        values, note = _of_table(plates, name, plates.table(name, where), column)
    lost = [well for well in values if well.row > shape.rows or well.column > shape.columns]
    shape = smallest_plate([*everywhere, *values]) if lost else shape
    every = {**dict.fromkeys(everywhere), **values}
    return WellValues(column, where, every, shape, note, controls_of(plates, name))


def _find(columns: Mapping[str, Sequence[str]], column: str, table: str | None) -> tuple[str, str]:
    if table is not None and table not in columns:
        raise NotFound(f"no table {table!r} of this plate", hint=suggest(table, list(columns)))
    asked = columns if table is None else {table: columns[table]}
    for where, names in asked.items():
        for one in (column, PREFIX + column):
            if one in names:
                return where, one
    known = [one for names in asked.values() for one in names]
    raise InvalidArgument(f"no column {column!r} of this plate", hint=suggest(column, known))


def _of_table(
    plates: Plates, name: str, table: PlateTable, column: str
) -> tuple[dict[Well, Any], str]:
    asked = [] if column == ROWS else [column]
    rows = rows_of_plate(plates.package, table, name, asked, plates.home)
    wells: list[Well] = rows.index.tolist()
    if column == ROWS:
        return dict(Counter(wells)), ""
    values = rows[column]
    if not rows.index.has_duplicates:
        return {well: _plain(one) for well, one in zip(wells, values, strict=True)}, ""
    groups = values.groupby(level=0, sort=False)
    if values.dtype.kind in "iuf":
        means = groups.mean()
        pairs = zip(means.index.tolist(), means.tolist(), strict=True)
        return {well: _plain(one) for well, one in pairs}, "mean of the rows of a well"
    different: dict[Well, dict[Any, None]] = {well: {} for well in wells}
    for well, one in zip(wells, map(_plain, values), strict=True):
        if one is not None:
            different[well][str(one)] = None
    return {
        well: SEVERAL if len(found) > 1 else next(iter(found), None)
        for well, found in different.items()
    }, ""


def _plain(value: Any) -> Any:
    """Return a value of Python; None for what is missing."""
    if is_missing(value):
        return None
    return value.item() if hasattr(value, "item") else value


def described(told: pd.DataFrame, well: Well) -> dict[str, Any]:
    """Return what annotations tell of a well, by column without ``Metadata_``; what is missing out.

    Examples
    --------
    >>> import pandas as pd
    >>> told = pd.DataFrame({"Metadata_dose": [0.1]}, index=[Well(1, 1)])
    >>> described(told, Well(1, 1))
    {'dose': 0.1}
    """
    if well not in told.index:
        return {}
    row = told.loc[[well]].iloc[0]
    return {
        str(name).removeprefix("Image_").removeprefix(PREFIX): _plain(value)
        for name, value in row.items()
        if str(name) not in _NO_ANNOTATION and not is_missing(value)
    }
