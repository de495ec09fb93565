"""Single steps from profiles to profiles that can be compared: tables by name in, a table out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cellfolio import profiles as science
from cellfolio.errors import InvalidArgument
from cellfolio.formats.loading import load as load_source
from cellfolio.storage.home import Home
from cellfolio.workflows.loading import named_source
from cellfolio.workflows.plate_files import read_table
from cellfolio.workflows.profiling.toml_recipe import (
    OPERATIONS,
    make_normalization,
    make_operation,
)
from cellfolio.workflows.toml_keys import choose

if TYPE_CHECKING:
    import pandas as pd

    from cellfolio.storage.progress import Progress

_LIMITS: Mapping[str, str] = {
    "variance_threshold": "minimum",
    "frequency_threshold": "ratio",
    "correlation_threshold": "maximum",
    "drop_missing": "maximum",
    "drop_outliers": "maximum",
    "noise_removal": "maximum",
}
"""The knob that the limit of an operation is."""
_ROW = "Metadata_row of cellfolio"
_MAP_NAME = "plate_map_name"


@dataclass(frozen=True, slots=True)
class Annotated:
    """Profiles that know what was in their wells.

    Attributes
    ----------
    table : DataFrame
    rows : int
        Number of profiles that were given.
    left_out : tuple of str
        Wells, with their plate, that the plate map does not have.
    without_external : int or None
        Number of profiles that the external table knows nothing of; None without such a table.
    """

    table: pd.DataFrame
    rows: int
    left_out: tuple[str, ...]
    without_external: int | None


@dataclass(frozen=True, slots=True)
class SideTables:
    """What tells of wells: names of files, or ``PACKAGE/PATH``.

    Attributes
    ----------
    plate_maps : tuple of str
        Several are told apart by the names of their files, which `barcodes` has.
    barcodes, external : str or None
    external_on : str or None
    well, position : str
        See `cellfolio.profiles.annotate`.
    """

    plate_maps: tuple[str, ...]
    barcodes: str | None = None
    external: str | None = None
    external_on: str | None = None
    well: str = "Metadata_Well"
    position: str = "well_position"


def load_profiles(name: str, home: Home, *, progress: Progress | None = None) -> pd.DataFrame:
    """Load a table of profiles.

    Parameters
    ----------
    name : str
        A file, or ``PACKAGE/PATH``.
    home : Home
    progress : callable, optional

    Raises
    ------
    InvalidArgument
        If it is no table.
    NotFound, BrokenFile, UnknownFormat, TransferIncomplete
    """
    import pandas as pd

    found = load_source(named_source(name, home, progress=progress))
    if hasattr(found, "obs"):
        both: pd.DataFrame = pd.concat([found.obs, found.to_df()], axis=1)
        return both.reset_index(drop=True)
    if not isinstance(found, pd.DataFrame):
        raise InvalidArgument(f"{name} is no table", hint="profiles are .csv, .parquet or .h5ad")
    return found


def annotate_named(
    profiles: str, side: SideTables, home: Home, *, progress: Progress | None = None
) -> Annotated:
    """Add what plate maps and other tables say of each well (see `cellfolio.profiles.annotate`).

    Raises
    ------
    InvalidArgument, NotFound, BrokenFile, UnknownFormat, TransferIncomplete
    """
    table = load_profiles(profiles, home, progress=progress)

    def read(name: str | None) -> pd.DataFrame | None:
        return None if name is None else read_table(named_source(name, home, progress=progress))

    found = science.annotate(
        table.assign(**{_ROW: range(len(table))}),
        _plate_map(side, home, progress),
        well=side.well,
        position=side.position,
        barcodes=read(side.barcodes),
        external=(external := read(side.external)),
        external_on=side.external_on,
    )
    left_out = table.drop(index=table.index[found[_ROW]])
    unknown = None
    if external is not None and side.external_on is not None:
        key = "Metadata_" + side.external_on.removeprefix("Metadata_")
        known = external.rename(columns=lambda name: "Metadata_" + name.removeprefix("Metadata_"))
        unknown = int((~found[key].isin(known[key].dropna())).sum())
    return Annotated(found.drop(columns=_ROW), len(table), _wells(left_out, side.well), unknown)


def _plate_map(side: SideTables, home: Home, progress: Progress | None) -> pd.DataFrame:
    """Return all plate maps as one table, each with its name where a barcode tells it."""
    import pandas as pd

    if not side.plate_maps:
        raise InvalidArgument("expected at least one plate map")
    if len(side.plate_maps) > 1 and side.barcodes is None:
        raise InvalidArgument(
            f"which plate has which of {len(side.plate_maps)} plate maps is not told",
            hint="give barcodes: a table with Assay_Plate_Barcode and Plate_Map_Name",
        )
    sources = [named_source(name, home, progress=progress) for name in side.plate_maps]
    tables = [read_table(source) for source in sources]
    if side.barcodes is not None:
        tables = [
            table
            if any(_MAP_NAME in name.lower() for name in table.columns)
            else table.assign(**{_MAP_NAME: Path(source.name).name.split(".")[0]})
            for table, source in zip(tables, sources, strict=True)
        ]
    return pd.concat(tables, ignore_index=True)


def _wells(table: pd.DataFrame, well: str) -> tuple[str, ...]:
    names = [name for name in ("Metadata_Plate", well) if name in table.columns]
    return tuple(" ".join(map(str, row)) for row in table[names].itertuples(index=False))


def find_method(name: str, **knobs: Any) -> science.Normalization:
    """Return a way to normalize.

    Parameters
    ----------
    name : str
        As in a recipe.
    **knobs
        Such as ``epsilon``; None is as if it were not given.

    Raises
    ------
    InvalidArgument
        If it has no such knob.

    Examples
    --------
    >>> find_method("mad_robustize", epsilon=0.0, kind=None)
    RobustMad(epsilon=0.0)
    """
    return make_normalization(name, {key: one for key, one in knobs.items() if one is not None})


def find_operations(texts: Sequence[str], replicates: Sequence[str]) -> list[science.Operation]:
    """Return operations written as ``NAME`` or ``NAME=LIMIT``.

    Parameters
    ----------
    texts : sequence of str
        Names as in a recipe.
    replicates : sequence of str
        Columns that tell replicates, for ``noise_removal``.

    Raises
    ------
    InvalidArgument

    Examples
    --------
    >>> find_operations(["drop_missing=0.1", "blocklist"], [])[0]
    DropMissing(maximum=0.1)
    """
    return [_operation(text, replicates) for text in texts]


def _operation(text: str, replicates: Sequence[str]) -> science.Operation:
    name, equals, limit = text.partition("=")
    choose("an operation", name, tuple(OPERATIONS))
    knobs: dict[str, Any] = {}
    if equals:
        if name not in _LIMITS:
            raise InvalidArgument(f"{name} has no limit, found {limit!r}")
        try:
            knobs[_LIMITS[name]] = float(limit)
        except ValueError:
            raise InvalidArgument(
                f"the limit of {name} should be a number, found {limit!r}"
            ) from None
    if name == "noise_removal":
        if not equals or not replicates:
            raise InvalidArgument(
                "noise_removal needs a limit, and columns that tell replicates",
                hint="--operation noise_removal=0.8 --replicates COLUMN",
            )
        knobs["by"] = tuple(replicates)
    return make_operation(name, knobs)
