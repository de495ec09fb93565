"""Which sites of a plate should be looked at: out of focus, saturated, empty, or with few cells.

Everything is found from the table of a plate's images, a row for each site, with the measures of
`cellfolio.measurement.measure_image_quality`. Sites are compared with the others of the plate by
robust z: distance from the median in robust standard deviations (1.4826 times the median absolute
deviation).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd

from cellfolio.errors import InvalidArgument

Floats = npt.NDArray[np.float64]

COUNTS = ("Count_Cells", "Count_Nuclei")
"""Columns with the number of objects of a site: the first that is there counts."""
WELL, SITE, PROBLEM = "Metadata_Well", "Metadata_Site", "Metadata_Problem"
_SLOPE, _MAXIMAL, _LEAST, _MOST = (
    f"ImageQuality_{name}_"
    for name in ("PowerLogLogSlope", "PercentMaximal", "MinIntensity", "MaxIntensity")
)
_TO_SIGMA = 1.4826


@dataclass(frozen=True, slots=True)
class SiteRules:
    """When a site is flagged.

    Attributes
    ----------
    focus_z : float
        Out of focus: the slope of a channel's power spectrum is so many robust standard deviations
        below the plate's median, and
    focus_drop : float
        so much below it, so that plates that are all alike have no flags.
    most_maximal : float
        Saturated: a larger per cent of a channel's pixels has its greatest value.
    least_objects : int
        Few cells: fewer than this, but one at least; without any, a site is empty.
    count_z : float
        Few cells, too: the square root of their number, which varies alike for few and for many,
        is so many robust standard deviations below the median.
    fewest_sites : int
        Sites are compared with others only where a plate has so many.
    """

    focus_z: float = 5.0
    focus_drop: float = 0.3
    most_maximal: float = 0.25
    least_objects: int = 5
    count_z: float = 4.0
    fewest_sites: int = 8


@dataclass(frozen=True, slots=True)
class SiteFlag:
    """A site that should be looked at.

    Attributes
    ----------
    well, site : str
    kind : {'failed', 'empty', 'few cells', 'out of focus', 'saturated'}
    reason : str
        With numbers.
    """

    well: str
    site: str
    kind: str
    reason: str


@dataclass(frozen=True)
class SiteQuality:
    """What is known of the quality of a plate's sites.

    Attributes
    ----------
    sites : pandas.DataFrame
        A row for each site: ``well``, ``site``, ``objects`` (NaN if not told), ``flagged``.
    slopes : pandas.DataFrame
        Slopes of power spectra: a row for each site, a column for each channel.
    limits : dict of str to float
        By channel: below it a slope is out of focus; NaN if sites are too few to compare.
    flags : tuple of SiteFlag
        In the order of `sites`.
    """

    sites: pd.DataFrame = field(repr=False)
    slopes: pd.DataFrame = field(repr=False)
    limits: dict[str, float]
    flags: tuple[SiteFlag, ...]

    @property
    def wells(self) -> pd.DataFrame:
        """A row for each well: ``well``, ``sites``, ``objects`` (their sum), ``flagged`` sites."""
        grouped = self.sites.groupby("well", sort=False)
        found = pd.DataFrame(
            {
                "sites": grouped["site"].size(),
                "objects": grouped["objects"].sum(min_count=1),
                "flagged": grouped["flagged"].sum(),
            }
        )
        return found.reset_index()


def site_quality(images: pd.DataFrame, rules: SiteRules | None = None) -> SiteQuality:
    """Look at the quality of the sites of a plate.

    Parameters
    ----------
    images : pandas.DataFrame
        A row for each site of one plate: ``Metadata_Well`` and, if wells have several,
        ``Metadata_Site``; ``Count_Cells`` or ``Count_Nuclei``, ``ImageQuality_…``; and
        ``Metadata_Problem``, which says why a site could not be measured. What is not there is not
        looked at. Names may begin with ``Image_``.
    rules : SiteRules, optional

    Returns
    -------
    SiteQuality

    Raises
    ------
    InvalidArgument
        If no column names wells, or a site is there twice.

    Examples
    --------
    >>> table = pd.DataFrame(
    ...     {"Metadata_Well": ["A01", "A01", "A02"], "Metadata_Site": [1, 2, 1],
    ...      "Count_Cells": [120, 0, 98], "ImageQuality_PercentMaximal_DNA": [0.1, 0.1, 3.5]}
    ... )
    >>> for flag in site_quality(table).flags:
    ...     print(flag.well, flag.site, flag.kind + ":", flag.reason)
    A01 2 empty: it has no cells
    A02 1 saturated: 3.5% of the pixels of DNA have its greatest value: more than 0.25%
    """
    rules = rules or SiteRules()
    table = images.rename(columns=lambda name: str(name).removeprefix("Image_"))
    sites = _sites(table)
    counted = next((name for name in COUNTS if name in table), None)
    objects = _numbers(table, counted) if counted else np.full(len(table), np.nan)
    slopes = _channels(table, _SLOPE)
    limits = {str(name): _limit(values.to_numpy(), rules) for name, values in slopes.items()}
    flags: list[list[SiteFlag]] = [[] for _ in range(len(table))]
    what = "cells" if counted is None else counted.partition("_")[2].lower()
    for found in (
        _failed(table), _few(objects, what, rules), _blurred(slopes, limits),
        _saturated(table, rules),
    ):  # fmt: skip
        for at, kind, reason in found:
            flags[at].append(SiteFlag(sites["well"].iloc[at], sites["site"].iloc[at], kind, reason))
    sites["objects"] = objects
    sites["flagged"] = [bool(some) for some in flags]
    return SiteQuality(sites, slopes, limits, tuple(one for some in flags for one in some))


_Found = Iterator[tuple[int, str, str]]
"""Row, kind and reason."""


def _sites(table: pd.DataFrame) -> pd.DataFrame:
    if WELL not in table:
        raise InvalidArgument(
            f"the table of images should name wells in a column {WELL!r}, which is not there",
            hint="give the table of images that was written when the plate was measured",
        )
    numbers = table[SITE] if SITE in table else table.groupby(WELL).cumcount() + 1
    found = pd.DataFrame({"well": table[WELL].map(str).to_numpy(), "site": _texts(numbers)})
    twice = found[found.duplicated()]
    if len(twice):
        well, site = twice.iloc[0]
        raise InvalidArgument(
            f"site {site} of well {well} is in the table of images more than once",
            hint="give the table of one plate",
        )
    return found


def _texts(numbers: pd.Series) -> list[str]:
    """Return numbers as text, whole ones without a point."""
    return [re.sub(r"\.0+$", "", str(one)) for one in numbers]


def _numbers(table: pd.DataFrame, name: str) -> Floats:
    known = pd.to_numeric(table[name], errors="coerce")
    found: Floats = known.to_numpy(np.float64, na_value=np.nan)
    return found


def _channels(table: pd.DataFrame, start: str) -> pd.DataFrame:
    names = [str(name) for name in table if str(name).startswith(start)]
    return pd.DataFrame({name.removeprefix(start): _numbers(table, name) for name in names})


def _robust(values: Floats) -> tuple[float, float, int]:
    """Return median, robust standard deviation, and of how many values."""
    known = values[np.isfinite(values)]
    if not len(known):
        return np.nan, np.nan, 0
    centre = float(np.median(known))
    return centre, _TO_SIGMA * float(np.median(np.abs(known - centre))), len(known)


def _limit(slopes: Floats, rules: SiteRules) -> float:
    centre, spread, count = _robust(slopes)
    if count < rules.fewest_sites:
        return float("nan")
    return centre - max(rules.focus_z * spread, rules.focus_drop)


def _failed(table: pd.DataFrame) -> _Found:
    if PROBLEM in table:
        for at, problem in enumerate(table[PROBLEM]):
            if isinstance(problem, str) and problem:
                yield at, "failed", problem


def _few(objects: Floats, what: str, rules: SiteRules) -> _Found:
    roots = np.sqrt(objects)
    centre, spread, count = _robust(roots)
    limit = centre - rules.count_z * spread if count >= rules.fewest_sites else -np.inf
    usual = f"where the plate's median is {centre**2:,.0f}"
    for at, number in enumerate(objects):
        if number == 0:
            yield at, "empty", f"it has no {what}"
        elif number < rules.least_objects:
            yield at, "few cells", f"{number:,.0f} {what}: fewer than {rules.least_objects:,}"
        elif roots[at] < limit:
            yield at, "few cells", f"{number:,.0f} {what}: fewer than {limit**2:,.0f}, {usual}"


def _blurred(slopes: pd.DataFrame, limits: dict[str, float]) -> _Found:
    for channel, values in slopes.items():
        limit = limits[str(channel)]
        for at in np.flatnonzero(values.to_numpy() < limit).tolist():
            told = f"slope {values.iloc[at]:.2f} of the power spectrum of {channel}"
            yield at, "out of focus", f"{told}: below {limit:.2f}"


def _saturated(table: pd.DataFrame, rules: SiteRules) -> _Found:
    least, most = _channels(table, _LEAST), _channels(table, _MOST)
    for channel, shares in _channels(table, _MAXIMAL).items():
        flat = np.zeros(len(table), dtype=np.bool_)
        if channel in least and channel in most:
            flat = (least[channel] == most[channel]).to_numpy()
        for at, share in enumerate(shares):
            if flat[at] and most[channel].iloc[at] < 1:
                yield at, "empty", f"all pixels of {channel} have one value"
            elif share > rules.most_maximal:
                told = f"{share:.3g}% of the pixels of {channel} have its greatest value"
                yield at, "saturated", f"{told}: more than {rules.most_maximal:g}%"
