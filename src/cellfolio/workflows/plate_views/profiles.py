"""How a well's profile differs from the other wells of its plate."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cellfolio.profiles.features import METADATA
from cellfolio.profiles.statistics import Array, medians_and_deviations
from cellfolio.registries.plates import Well
from cellfolio.workflows.plate_views.plates import Features, Plates
from cellfolio.workflows.plate_views.tables import PlateTable, rows_of_plate
from cellfolio.workflows.plate_views.values import controls_of

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
    features = plates.features(name, table, lambda: _read_features(plates, name, table))
    own = features.rows_of({well})
    if not own.size:
        return None
    others = features.rows_of(set(features.wells) - {well})
    among = features.rows_of(controls_of(plates, name) - {well})
    compared = f"{len(among)} wells with negative controls"
    if len(among) < _LEAST:
        among, compared = others, f"the other {len(others)} wells of the plate"
    if len(among) < _LEAST:
        return None
    return _strongest(features.names, own.mean(axis=0), among, table.name, compared)


def _read_features(plates: Plates, name: str, table: PlateTable) -> Features:
    """Read the numbers of a table of wells for a plate."""
    asked = [one for one in table.columns if not one.startswith((METADATA, f"Image_{METADATA}"))]
    rows = rows_of_plate(plates.package, table, name, asked, plates.home).select_dtypes("number")
    names = tuple(map(str, rows.columns))
    return Features(names, tuple(rows.index), rows.to_numpy(np.float64, na_value=np.nan))


def _strongest(
    names: tuple[str, ...], value: Array, among: Array, table: str, compared: str
) -> WellProfile:
    median, deviation = medians_and_deviations(np.ascontiguousarray(among.T))
    with np.errstate(invalid="ignore", divide="ignore"):
        z = (value - median) / np.where(deviation > 0, _TO_SIGMA * deviation, np.nan)
    z = np.clip(z, -_LARGEST, _LARGEST)
    known = np.isfinite(z)
    count = int(known.sum())
    order = np.argsort(-np.where(known, np.abs(z), -1), kind="stable")[: min(SHOWN, count)]
    differences = tuple(
        Difference(names[at], float(value[at]), float(median[at]), float(z[at]))
        for at in order.tolist()
    )
    return WellProfile(table, differences, compared, count, len(known) - count)
