"""How tables of the cardiomyocyte study name a field of view, and which field that is.

They do it in three ways:

``location``
    Where the raw image was: ``original_fov_location``, which other tables call ``fov_path``. It
    may end in ``_C0.tif``, or be only its last component.
``id``
    ``fov_id``, or ``FOVId``.
``acquisition``
    Names of images made later, such as ``5500000013_63X_20190807_S1_P24_C3_annotations….tiff``,
    tell date, scene, position and well, as do the locations:
    ``…/20190807_M01_001_Capture 1 - Capture 1 - C3 [144] Montage - 24``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "location": ("original_fov_location", "fov_path", "RawPath", "FOV path"),
    "id": ("fov_id", "FOVId"),
    "acquisition": (
        "field_image_path", "2D_fov_tiff_path", "rescaled_2D_fov_tiff_path", "file_base",
        "file_name", "image_name", "nuc_mask_path", "struc_seg_path", "original_fov_name",
    ),
}  # fmt: skip
"""Way → columns that name a field like that, the preferred way first."""

_CHANNEL = re.compile(r"_C\d+\.tiff?$", re.IGNORECASE)
_LOCATION = re.compile(r"(\d{8})_M\d+_(\d+)_.* - ([A-P]\d{1,2}) \[\d+\] Montage - (\d+)")
_IMAGE = re.compile(r"_(\d{8})_S(\d+)_P(\d+)_([A-P]\d{1,2})(?![A-Za-z0-9])")
UNKNOWN = "unknown "
"""What keys of fields start with that are not in the table of fields."""


@dataclass(frozen=True, slots=True)
class FieldKeys:
    """Which field each row of a table is of.

    Attributes
    ----------
    keys : Series of str
        Missing where the row names no field.
    way : str
        How the table names fields; empty if it does not.
    column : str
        Where.
    contradicting : tuple of int
        Rows of which another column names another field.
    """

    keys: pd.Series[Any]
    way: str
    column: str
    contradicting: tuple[int, ...] = ()


def find_column(frame: pd.DataFrame, names: tuple[str, ...]) -> str | None:
    """Return the first of `names` that a table has as a column with values."""
    return next((name for name in names if name in frame and frame[name].notna().any()), None)


def name_field(way: str, value: object) -> str | None:
    """Return what a value says of its field, in the form in which values are compared.

    Examples
    --------
    >>> name_field("id", 898.0), name_field("location", "a/Montage - 1_C0.tif")
    ('898', 'a/Montage - 1')
    >>> name_field("acquisition", "5500000013_63X_20190807_S1_P24_C3_annotations_corrected.tiff")
    '20190807 scene 1 position 24 well C3'
    """
    if value is None or value != value:  # noqa: PLR0124 - NaN differs from itself
        return None
    text = str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
    if way == "location":
        return _CHANNEL.sub("", text.replace("\\", "/").rstrip("/"))
    return text if way == "id" else _acquisition(text)


def _acquisition(text: str) -> str | None:
    found = _LOCATION.search(text)
    if found is not None:
        date, scene, well, position = found.groups()
    else:
        found = _IMAGE.search(text)
        if found is None:
            return None
        date, scene, position, well = found.groups()
    return f"{date} scene {int(scene)} position {int(position)} well {well[0]}{int(well[1:])}"


@dataclass(frozen=True, slots=True)
class FieldNames:
    """All that names the fields of the study.

    Attributes
    ----------
    by_way : mapping of str to mapping of str to str
        Way → name → key of the field. A name that several fields have is left out.
    """

    by_way: Mapping[str, Mapping[str, str]]

    def keys_of(self, frame: pd.DataFrame) -> FieldKeys:
        """Find out which field each row of a table is of.

        The first way counts by which any row names a known field.
        """
        import pandas as pd

        found: list[FieldKeys] = []
        for way, names in COLUMNS.items():
            column = find_column(frame, names)
            if column is not None:
                keys = [self._key(way, value) for value in frame[column].tolist()]
                found.append(FieldKeys(pd.Series(keys, dtype=object), way, column))
        if not found:
            return FieldKeys(pd.Series([None] * len(frame), dtype=object), "", "")
        best = max(found, key=lambda one: bool(_known(one.keys).any()))
        wrong: set[int] = set()
        for other in found:
            both = _known(best.keys) & _known(other.keys)
            wrong.update(best.keys.index[both & (best.keys != other.keys)])
        return FieldKeys(best.keys, best.way, best.column, tuple(sorted(wrong)))

    def _key(self, way: str, value: object) -> str | None:
        name = name_field(way, value)
        if name is None:
            return None
        known = self.by_way[way]
        if way == "location" and name not in known:
            last = name.rpartition("/")[2]
            return known.get(last, UNKNOWN + last)
        return known.get(name, UNKNOWN + name)


def _known(keys: pd.Series[Any]) -> pd.Series[Any]:
    return keys.map(lambda key: key is not None and not key.startswith(UNKNOWN))


def names_of_fields(fields: pd.DataFrame) -> tuple[pd.Series[Any], FieldNames]:
    """Return the key of each field, and all that names them.

    Parameters
    ----------
    fields : DataFrame
        One row for each field.

    Returns
    -------
    Series of str
        The id, else the location, else the acquisition; missing where there is none.
    FieldNames
    """
    import pandas as pd

    names: dict[str, list[str | None]] = {}
    for way, columns in COLUMNS.items():
        column = find_column(fields, columns)
        values = [None] * len(fields) if column is None else fields[column].tolist()
        names[way] = [name_field(way, value) for value in values]
    located = find_column(fields, COLUMNS["location"])
    if located is not None:
        told = [name_field("acquisition", value) for value in fields[located].tolist()]
        names["acquisition"] = [
            one or other for one, other in zip(told, names["acquisition"], strict=True)
        ]
    columns_of_names = zip(names["id"], names["location"], names["acquisition"], strict=True)
    keys = [next(filter(None, row), None) for row in columns_of_names]
    by_way = {way: _unique(zip(found, keys, strict=True)) for way, found in names.items()}
    lasts = [None if name is None else name.rpartition("/")[2] for name in names["location"]]
    by_way["location"] = {**_unique(zip(lasts, keys, strict=True)), **by_way["location"]}
    return pd.Series(keys, dtype=object), FieldNames(by_way)


def _unique(pairs: Any) -> dict[str, str]:
    """Return names that stand for one key only."""
    found: dict[str, set[str]] = {}
    for name, key in pairs:
        if name is not None and key is not None:
            found.setdefault(name, set()).add(key)
    return {name: next(iter(keys)) for name, keys in found.items() if len(keys) == 1}
