"""annotate: the parameters of pycytominer over `cellfolio.profiles.annotate`."""

from __future__ import annotations

from typing import Any

import pandas as pd

from cellfolio import profiles as science
from cellfolio.compat.pycytominer.cyto_utils.load import (
    ProfilesLike,
    load_platemap,
    load_profiles,
)
from cellfolio.compat.pycytominer.cyto_utils.output import Returned, returned
from cellfolio.errors import InvalidArgument

_METADATA, _IMAGE = "Metadata_", "Image_"


def annotate(
    profiles: ProfilesLike,
    platemap: ProfilesLike,
    join_on: str | list[str] = ["Metadata_well_position", "Metadata_Well"],
    output_file: str | None = None,
    output_type: str | None = "csv",
    add_metadata_id_to_platemap: bool = True,
    format_broad_cmap: bool = False,
    clean_cellprofiler: bool = True,
    external_metadata: ProfilesLike | None = None,
    external_join_on: str | list[str] | None = None,
    compression_options: str | dict[str, Any] | None = None,
    float_format: str | None = None,
    cmap_args: dict[str, str] | None = None,
    platemap_sep: str | None = None,
    **kwargs: Any,
) -> Returned:
    """Add what a plate map, and another table, say of each well.

    `format_broad_cmap` and `cmap_args`, which the peer will remove, are refused.

    Returns
    -------
    DataFrame, or `output_file` if it is given

    Raises
    ------
    InvalidArgument
        A ValueError.

    See Also
    --------
    cellfolio.profiles.annotate

    Examples
    --------
    >>> wells = pd.DataFrame({"Metadata_Well": ["A01"], "Cells_A": [1]})
    >>> annotate(wells, pd.DataFrame({"well_position": ["A01"], "drug": ["taxol"]}))
      Metadata_drug Metadata_Well  Cells_A
    0         taxol           A01        1
    """
    if format_broad_cmap or cmap_args:
        raise InvalidArgument(
            "columns of the Connectivity Map are not made: format_broad_cmap, cmap_args",
            hint="add the columns yourself; pycytominer will not make them for long either",
        )
    if (external_metadata is None) != (external_join_on is None):
        raise InvalidArgument("external_metadata and external_join_on are only of use together")
    table = load_profiles(profiles)
    layout = load_platemap(platemap, add_metadata_id=False, sep=platemap_sep)
    position, well = _join(join_on)
    found = science.annotate(
        table,
        layout,
        well=well,
        position=position,
        external=None if external_metadata is None else load_profiles(external_metadata),
        external_on=external_join_on,
    )
    if not add_metadata_id_to_platemap:
        found = _last(
            found, {_METADATA + name: name for name in map(str, layout) if _is_plain(name)}
        )
    if not clean_cellprofiler:
        names = ("Plate", "Well", "Site")
        raw = {_METADATA + one: f"{_IMAGE}{_METADATA}{one}" for one in names}
        found = _last(found, {one: old for one, old in raw.items() if _was(table, old, one)})
    return returned(found, output_file, output_type, compression_options, float_format)


def _join(join_on: str | list[str]) -> tuple[Any, Any]:
    """Return the columns of the plate map and of the profiles."""
    if isinstance(join_on, str) or len(join_on) != 2:
        raise InvalidArgument(
            "join_on should be two: columns of the plate map and of the profiles, "
            f"found {join_on!r}"
        )
    return join_on[0], join_on[1]


def _is_plain(name: str) -> bool:
    return not name.startswith(_METADATA)


def _was(table: pd.DataFrame, old: str, new: str) -> bool:
    return old in table.columns and new not in table.columns


def _last(table: pd.DataFrame, names: dict[str, str]) -> pd.DataFrame:
    """Rename columns, and put what is no metadata any more behind what is."""
    renamed = table.rename(columns=names)
    first = [name for name in map(str, renamed) if not _is_plain(name)]
    return renamed[[*first, *(name for name in map(str, renamed) if _is_plain(name))]]
