"""Annotating: profiles learn what was in their wells."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Literal

import numpy as np
import pandas as pd

from cellfolio.errors import InvalidArgument
from cellfolio.profiles.features import METADATA
from cellfolio.profiles.tables import ProfileTable, T, open_table

_ROW = "row of cellfolio"
_IMAGE_NAMES = {f"Image_Metadata_{name}": f"Metadata_{name}" for name in ("Plate", "Well", "Site")}
_BARCODE, _MAP_NAME = "Assay_Plate_Barcode", "Plate_Map_Name"
_PLATE = "Metadata_Plate"


def annotate(
    profiles: T,
    plate_map: object,
    *,
    well: str | Sequence[str] = "Metadata_Well",
    position: str | Sequence[str] = "well_position",
    barcodes: object | None = None,
    external: object | None = None,
    external_on: str | Sequence[str] | None = None,
) -> T:
    """Add what a plate map, and other tables, say of each well.

    Columns of these tables get ``Metadata_`` before their names. `Image_Metadata_Plate`,
    `Image_Metadata_Well` and `Image_Metadata_Site` of CellProfiler lose their ``Image_``.

    Parameters
    ----------
    profiles : pandas.DataFrame, polars.DataFrame or anndata.AnnData
    plate_map : pandas or polars data frame
        One row for each well, or for each well of several plate maps with the name of the map in
        a column ``plate_map_name``.
    well : str or sequence of str
        Column of the profiles, or several that tell the well together.
    position : str or sequence of str
        Column of the plate map with the same wells, or several in the same order.
    barcodes : pandas or polars data frame, optional
        Which plate map each plate has: columns ``Assay_Plate_Barcode``, as `Metadata_Plate` of
        the profiles, and ``Plate_Map_Name``; others are added.
    external : pandas or polars data frame, optional
        What is known of each perturbation.
    external_on : str or sequence of str, optional
        Column of `external` that the plate map, or the profiles, have, too, such as
        ``"broad_sample"``; or several.

    Returns
    -------
    table of the same kind
        Rows in the order of the plate map; wells that it does not have are left out, and so are
        its wells without profile. Columns of the plate map first, then those of the profiles,
        then external ones, then features.

    Raises
    ------
    InvalidArgument
        If no well is in the plate map, one is there more than once, or a column is not there.

    Examples
    --------
    >>> import pandas as pd
    >>> profiles = pd.DataFrame({"Metadata_Well": ["A01", "A02"], "Cells_A": [1.0, 2.0]})
    >>> plate_map = pd.DataFrame({"well_position": ["A02", "A01"], "drug": ["taxol", "DMSO"]})
    >>> annotate(profiles, plate_map)
      Metadata_drug Metadata_Well  Cells_A
    0         taxol           A02      2.0
    1          DMSO           A01      1.0
    """
    if (external is None) != (external_on is None):
        raise InvalidArgument("external and external_on are only of use together")
    table = open_table(profiles)
    known = _metadata(table)
    keys = _keys(_listed(position), [_known_as(name, known) for name in _listed(well)])
    layout = _with_prefix(_frame(plate_map, "plate_map"))
    if barcodes is not None:
        known, map_column = _with_maps(known, _with_prefix(_frame(barcodes, "barcodes")))
        keys = {_column_like(layout, _MAP_NAME, "plate_map"): map_column, **keys}
    found = _on_plate(known, layout, keys)
    if barcodes is not None:
        found = found.drop(columns=map_column)
    if external is not None and external_on is not None:
        external = _with_prefix(_frame(external, "external"))
        found = _with_external(found, external, _listed(external_on))
    rows = found[_ROW].to_numpy(dtype=np.int64)
    found = found.drop(columns=_ROW)
    first = [name for name in found.columns if name.startswith(METADATA)]
    rest = [name for name in found.columns if not name.startswith(METADATA)]
    return table.taking(rows, found[first + rest])  # type: ignore[no-any-return]


def _listed(names: str | Sequence[str]) -> list[str]:
    return [names] if isinstance(names, str) else list(names)


def _known_as(name: str, known: pd.DataFrame) -> str:
    """Return what a column of the profiles is called after CellProfiler's names were mended."""
    return name if name in known.columns else _IMAGE_NAMES.get(name, name)


def _keys(position: list[str], well: list[str]) -> dict[str, str]:
    if len(position) != len(well) or not well:
        raise InvalidArgument(
            f"well and position should name as many columns, found {well} and {position}"
        )
    return dict(zip(position, well, strict=True))


def _metadata(table: ProfileTable) -> pd.DataFrame:
    """Return the metadata of the profiles, with the number of each row."""
    columns = table.columns()
    names = {name: better for name, better in _IMAGE_NAMES.items() if better not in columns.columns}
    return (
        columns.reset_index(drop=True).rename(columns=names).assign(**{_ROW: range(len(columns))})
    )


def _frame(table: object, name: str) -> pd.DataFrame:
    polars = sys.modules.get("polars")
    if isinstance(table, pd.DataFrame):
        return table
    if polars is not None and isinstance(table, polars.DataFrame):
        found: pd.DataFrame = table.to_pandas()
        return found
    raise InvalidArgument(f"{name} should be a data frame, found {type(table).__qualname__}")


def _with_prefix(table: pd.DataFrame) -> pd.DataFrame:
    return table.rename(columns=lambda name: _prefixed(str(name)))


def _prefixed(name: str) -> str:
    return name if name.startswith(METADATA) else METADATA + name


def _column_like(table: pd.DataFrame, name: str, what: str) -> str:
    """Return the column of a name, in capitals or not."""
    for column in table.columns:
        if column.lower() == _prefixed(name).lower():
            return str(column)
    raise InvalidArgument(f"{what} should have a column {name!r}, found {_shown(table.columns)}")


def _shown(columns: Sequence[str] | pd.Index) -> str:
    names = [str(name).removeprefix(METADATA) for name in columns]
    return ", ".join(names[:8]) + (" …" if len(names) > 8 else "")


def _with_maps(known: pd.DataFrame, barcodes: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """Add the name of its plate map to each profile."""
    if _PLATE not in known.columns:
        raise InvalidArgument(f"with barcodes, profiles should have a column {_PLATE!r}")
    barcode = _column_like(barcodes, _BARCODE, "barcodes")
    name = _column_like(barcodes, _MAP_NAME, "barcodes")
    _check_once(barcodes, [barcode], "barcodes")
    map_column = f"{_ROW}: plate map"
    added = barcodes.rename(columns={barcode: _PLATE, name: map_column})
    absent = ~known[_PLATE].isin(added[_PLATE])
    if absent.any():
        raise InvalidArgument(
            f"plate {known[_PLATE][absent].iloc[0]!r} is not among the barcodes, such as "
            f"{added[_PLATE].iloc[0] if len(added) else None!r}",
            hint="is one a text and the other a number?",
        )
    return _merged(known, added, "left", _PLATE, _PLATE, (None, "_barcodes")), map_column


def _on_plate(known: pd.DataFrame, layout: pd.DataFrame, keys: dict[str, str]) -> pd.DataFrame:
    """Join profiles to the plate map; `keys` are columns of the map and of the profiles."""
    left = [_prefixed(name) for name in keys]
    right = list(keys.values())
    for table, names, what in ((layout, left, "plate_map"), (known, right, "profiles")):
        absent = [name for name in names if name not in table.columns]
        if absent:
            raise InvalidArgument(
                f"{what} should have a column {absent[0].removeprefix(METADATA)!r}, "
                f"found {_shown(table.columns.drop(_ROW, errors='ignore'))}",
                hint="name the columns with the wells: well=, position=",
            )
    _check_once(layout, left, "plate_map")
    found = _merged(layout, known, "inner", left, right, ("_platemap", None))
    if not len(found):
        raise InvalidArgument(
            "no well of the profiles is in the plate map: the profiles have such as "
            f"{_first(known, right)}, the plate map {_first(layout, left)}"
        )
    return found.drop(columns=[name for name in left if name not in right])


def _first(table: pd.DataFrame, names: list[str]) -> str:
    return " ".join(repr(table[name].iloc[0]) if len(table) else "nothing" for name in names)


def _check_once(table: pd.DataFrame, names: list[str], what: str) -> None:
    keys = table[names].dropna()
    twice = keys[keys.duplicated()]
    if len(twice):
        raise InvalidArgument(
            f"{what} should have each value of {_shown(names)} once, "
            f"found {_first(twice, names)} again",
            hint="give barcodes= to tell several plate maps" if what == "plate_map" else "",
        )


def _with_external(found: pd.DataFrame, external: pd.DataFrame, on: list[str]) -> pd.DataFrame:
    keys = [_prefixed(name) for name in on]
    for table, what in ((external, "external"), (found, "the annotated profiles")):
        absent = [name for name in keys if name not in table.columns]
        if absent or not keys:
            raise InvalidArgument(
                f"{what} should have a column {absent[0].removeprefix(METADATA)!r}, found "
                f"{_shown(table.columns.drop(_ROW, errors='ignore'))}"
                if absent
                else "external_on should name a column"
            )
    external = external.drop_duplicates()
    _check_once(external, keys, "external")
    return _merged(found, external, "left", keys, keys, (None, "_external"))


def _merged(
    left: pd.DataFrame,
    right: pd.DataFrame,
    how: Literal["left", "inner"],
    left_on: str | list[str],
    right_on: str | list[str],
    suffixes: tuple[str | None, str | None],
) -> pd.DataFrame:
    try:
        return left.merge(right, how=how, left_on=left_on, right_on=right_on, suffixes=suffixes)
    except (ValueError, TypeError) as error:
        raise InvalidArgument(
            f"the tables cannot be joined on {left_on} and {right_on}: {error}",
            hint="is one a text and the other a number?",
        ) from error
