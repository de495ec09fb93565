"""How a well's profile differs from the other wells of its plate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cellfolio.profiles.features import METADATA
from cellfolio.registries.plates import Well
from cellfolio.workflows.plate_views.plates import Plates
from cellfolio.workflows.plate_views.tables import PlateTable, rows_of_plate
from cellfolio.workflows.plate_views.values import controls_of

if TYPE_CHECKING:
    import pandas as pd

SHOWN = 20
"""Features of a well that are shown."""
_TO_SIGMA = 1.4826
"""Median absolute deviation → standard deviation, of normal values."""
_LEAST = 4
"""Wells that a spread is found of, at least."""
_LARGEST = 1e6
"""Differences are not told beyond this many deviations: the spread was nearly nothing."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A feature of a well beside those of other wells.

    Attributes
    ----------
    feature : str
    value, median : float
        Of the well, and of the wells that it is compared with.
    z : float
        Difference in robust standard deviations of those.
    """

    feature: str
    value: float
    median: float
    z: float


@dataclass(frozen=True, slots=True)
class WellProfile:
    """The strongest features of a well.

    Attributes
    ----------
    table : str
        Name of the table that has the profile.
    differences : tuple of Difference
        The strongest first.
    compared : str
        What the well is compared with, for people.
    features : int
        That were compared.
    left_out : int
        Those without a value in this well, or that do not vary.
    """

    table: str
    differences: tuple[Difference, ...]
    compared: str
    features: int
    left_out: int


def well_profile(plates: Plates, name: str, well: Well, table: PlateTable) -> WellProfile | None:
    """Return how a well differs from its plate; None if the table has no row of it.

    It is compared with the negative controls, if there are some, without the well itself; else
    with all other wells. The spread is robust: 1.4826 times the median absolute deviation.

    Parameters
    ----------
    plates : Plates
    name : str
        Of the plate.
    well : Well
    table : PlateTable
        Of wells.
    """
    features = [one for one in table.columns if not one.startswith((METADATA, f"Image_{METADATA}"))]
    rows = rows_of_plate(plates.package, table, name, features, plates.home)
    rows = rows.select_dtypes("number")
    if well not in rows.index or not len(rows.columns):
        return None
    controls = controls_of(plates, name)
    others = rows[[one != well for one in rows.index]]
    among = others[[one in controls for one in others.index]]
    compared = f"{len(among)} wells with negative controls"
    if len(among) < _LEAST:
        among, compared = others, f"the other {len(others)} wells of the plate"
    if len(among) < _LEAST:
        return None
    own = rows.loc[[well]].to_numpy(np.float64)
    with np.errstate(invalid="ignore"):
        value = own.mean(axis=0)
    return _strongest(rows, value, among.to_numpy(np.float64), table.name, compared)


def _strongest(
    rows: pd.DataFrame,
    value: np.ndarray[tuple[int, ...], np.dtype[np.float64]],
    among: np.ndarray[tuple[int, ...], np.dtype[np.float64]],
    table: str,
    compared: str,
) -> WellProfile:
    import warnings

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "All-NaN|invalid value", RuntimeWarning)
        median = np.nanmedian(among, axis=0)
        spread = _TO_SIGMA * np.nanmedian(np.abs(among - median), axis=0)
        z = (value - median) / np.where(spread > 0, spread, np.nan)
    z = np.clip(z, -_LARGEST, _LARGEST)
    known = np.isfinite(z)
    order = np.argsort(-np.where(known, np.abs(z), -1), kind="stable")[: min(SHOWN, known.sum())]
    differences = tuple(
        Difference(str(rows.columns[at]), float(value[at]), float(median[at]), float(z[at]))
        for at in order.tolist()
    )
    count = int(known.sum())
    return WellProfile(table, differences, compared, count, len(known) - count)
