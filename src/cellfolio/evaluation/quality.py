"""Is a plate good? Objects, missing values, controls, replicates, places, what was selected.

Everything is found from tables of one plate, a row for each well, in the order in which they were
made: annotated, normalized, selected. The first tells what was measured, the last what will be
compared.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from cellfolio.errors import InvalidArgument
from cellfolio.evaluation.positions import PositionEffect, position_effect
from cellfolio.evaluation.replicates import ReplicateAgreement, agreement
from cellfolio.profiles.aggregating import OBJECT_COUNT
from cellfolio.profiles.embedding import embed
from cellfolio.profiles.features import parse_feature
from cellfolio.profiles.rows import find_rows
from cellfolio.profiles.statistics import Array, Mask, medians
from cellfolio.profiles.tables import ProfileTable, open_table

COUNTS = (OBJECT_COUNT, "Metadata_Count_Cells", "Metadata_Cells_Count", "Metadata_Count_Nuclei")
"""Columns with the number of objects of a well, as tools call them."""
_TO_SIGMA = 1.4826
"""Median absolute deviation to the standard deviation of a normal distribution."""
_FEWEST_CONTROLS = 4


@dataclass(frozen=True, slots=True)
class PlateDesign:
    """Which columns and rows of a plate's tables mean what.

    Attributes
    ----------
    perturbation : tuple of str
        Columns that say which wells are replicates; none for no replicates.
    reference : str or None
        Query that names the negative controls, as for `normalize`.
    well : str
        Column with the name of the well.
    count : str or None
        Column with the number of objects; None for the first of `COUNTS` that is there.
    """

    perturbation: tuple[str, ...] = ()
    reference: str | None = None
    well: str = "Metadata_Well"
    count: str | None = None

    def __post_init__(self) -> None:
        given: object = self.perturbation
        if isinstance(given, str):  # a tuple of one is easily missed
            raise InvalidArgument(
                f"perturbation should be several columns, such as ({given!r},), found a text"
            )


@dataclass(frozen=True, slots=True)
class QualityRules:
    """When a well is flagged.

    Attributes
    ----------
    least_objects : int
        Fewer objects are few.
    least_share : float
        Fewer than this share of the plate's median are few, too.
    most_missing : float
        A larger share of missing values is large.
    control_limit : float
        A control is far from the others, if its distance from their median is so many robust
        standard deviations above the median distance of controls.
    """

    least_objects: int = 50
    least_share: float = 0.25
    most_missing: float = 0.05
    control_limit: float = 5.0


@dataclass(frozen=True, slots=True)
class Flag:
    """A well that should be looked at.

    Attributes
    ----------
    well : str
    reason : str
        Which rule, with numbers.
    """

    well: str
    reason: str


@dataclass(frozen=True)
class PlateQuality:
    """What is known of a plate's quality.

    Attributes
    ----------
    wells : pandas.DataFrame
        A row for each well: ``well``, ``control``, ``objects`` (NaN if not told), ``missing``
        (share of its features), ``distance`` (from the controls' median: that of half of the
        features is smaller, in robust standard deviations of the plate; NaN without controls),
        and, if a perturbation was named, ``replicates`` (median correlation with them).
    features : pandas.DataFrame
        A row for each feature of the first table: ``feature``, ``compartment``, ``group``,
        ``channel``, ``missing`` (share of wells), ``selected`` (whether the last table has it),
        ``control_spread`` (robust standard deviation of the controls, by that of all wells, in the
        last table).
    stages : dict of str to int
        Number of features of each table.
    replicates : ReplicateAgreement or None
        None if no perturbation was named.
    positions : tuple of PositionEffect
    flags : tuple of Flag
        By well, in the order of `wells`.
    """

    wells: pd.DataFrame = field(repr=False)
    features: pd.DataFrame = field(repr=False)
    stages: dict[str, int]
    replicates: ReplicateAgreement | None
    positions: tuple[PositionEffect, ...] = field(repr=False)
    flags: tuple[Flag, ...]

    @property
    def control_count(self) -> int:
        """Number of negative controls."""
        return int(self.wells["control"].sum())

    @property
    def median_objects(self) -> float:
        """Objects of a well, in the median; NaN if nothing tells them."""
        return _median(self.wells["objects"])

    @property
    def median_spread(self) -> float:
        """Spread of controls by that of all wells, in the median of the features; NaN if none."""
        return _median(self.features["control_spread"])

    @property
    def missing(self) -> float:
        """Share of the first table's values that are missing."""
        return float(self.features["missing"].mean())

    @property
    def flagged(self) -> tuple[str, ...]:
        """Names of the wells that are flagged, each once."""
        return tuple(dict.fromkeys(flag.well for flag in self.flags))


def plate_quality(
    stages: Mapping[str, object],
    design: PlateDesign | None = None,
    rules: QualityRules | None = None,
    *,
    places: Mapping[str, tuple[int, int]] | None = None,
) -> PlateQuality:
    """Look at the quality of a plate.

    Parameters
    ----------
    stages : mapping of str to table
        Name → table of the plate, from the first to the last; one is enough. Rows are found in
        the others by the name of the well.
    design : PlateDesign, optional
    rules : QualityRules, optional
    places : mapping of str to (int, int), optional
        Row and column of each well, counted from 1, for effects of places.

    Returns
    -------
    PlateQuality

    Raises
    ------
    InvalidArgument
        If tables have other wells, a well is there twice, a column is not there, or no well is a
        negative control.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame(
    ...     {"Metadata_Well": ["A01", "A02", "A03"], "Metadata_Object_Count": [300, 280, 12],
    ...      "Cells_AreaShape_Area": [90.0, 95.0, 400.0]}
    ... )
    >>> for flag in plate_quality({"raw": table}).flags:
    ...     print(flag.well, flag.reason)
    A03 12 objects: fewer than 70, 25% of the plate's median
    """
    design, rules = design or PlateDesign(), rules or QualityRules()
    if not stages:
        raise InvalidArgument("expected at least one table of the plate, found none")
    tables = _same_wells(stages, design.well)
    first, last = next(iter(tables.values())), list(tables.values())[-1]
    controls = np.zeros(len(_names(first, design.well)), dtype=bool)
    if design.reference is not None:
        controls = find_rows(last, design.reference)
        if not controls.any():
            raise InvalidArgument(
                f"no well is a negative control by {design.reference!r}",
                hint="look at the values of the column in the query",
            )
    spread, distance = _control_spread(last.values(), controls)
    missing = ~np.isfinite(first.values())
    wells = pd.DataFrame(
        {
            "well": _names(first, design.well),
            "control": controls,
            "objects": _counts(tables, design.count),
            "missing": missing.mean(axis=0),
            "distance": distance,
        }
    )
    replicates = None
    if design.perturbation:
        replicates = agreement(last, design.perturbation, controls)
        wells["replicates"] = replicates.with_replicates
    return PlateQuality(
        wells,
        _features(first, last, missing.mean(axis=1), spread),
        {name: len(table.features) for name, table in tables.items()},
        replicates,
        () if places is None else tuple(_positions(last, wells, places)),
        tuple(_flags(wells, replicates, rules)),
    )


def _same_wells(stages: Mapping[str, object], well: str) -> dict[str, ProfileTable]:
    """Return the tables, rows in the order of the first one."""
    tables: dict[str, ProfileTable] = {}
    names: list[str] = []
    for title, given in stages.items():
        table = open_table(given)
        found = _names(table, well)
        twice = [name for name, count in Counter(found).items() if count > 1]
        if twice or not found:
            raise InvalidArgument(
                f"{title} should have one row for each well of a plate, found "
                f"{f'{twice[0]} more than once' if twice else 'none'}",
                hint="give the tables of one plate",
            )
        names = names or found
        if set(found) != set(names):
            odd = sorted(set(found) ^ set(names))
            raise InvalidArgument(
                f"{title} should have the wells of {next(iter(stages))}; {len(odd)} are only in "
                f"one of them, such as {odd[0]}"
            )
        if found != names:
            place = {name: at for at, name in enumerate(found)}
            order = np.array([place[name] for name in names], dtype=np.int64)
            table = open_table(table.taking(order, table.columns().iloc[order]))
        tables[title] = table
    return tables


def _names(table: ProfileTable, well: str) -> list[str]:
    if well not in table.column_names():
        raise InvalidArgument(
            f"the names of wells should be in a column {well!r}, which is not there",
            hint="name the column that has them",
        )
    return [str(name) for name in table.columns([well])[well]]


def _counts(tables: Mapping[str, ProfileTable], count: str | None) -> Array:
    """Return the number of objects of each well, of the first table that tells it."""
    for name in COUNTS if count is None else (count,):
        for table in tables.values():
            if name in table.column_names():
                found = pd.to_numeric(table.columns([name])[name], errors="coerce")
                return found.to_numpy(dtype=np.float64, na_value=np.nan)
    if count is not None:
        raise InvalidArgument(f"objects should be counted by a column, found no {count!r}")
    return np.full(len(next(iter(tables.values())).columns()), np.nan)


def _control_spread(values: Array, controls: Mask) -> tuple[Array, Array]:
    """Return the controls' spread by that of all wells, and each well's distance from them."""
    nothing = np.full(len(values), np.nan), np.full(values.shape[1], np.nan)
    if not controls.any():
        return nothing
    finite = np.where(np.isfinite(values), values, np.nan)
    centre, own = _robust(finite[:, controls])
    _, plate = _robust(finite)
    with np.errstate(invalid="ignore", divide="ignore"):
        away = np.abs(finite - centre[:, None]) / plate[:, None]
        away[~(plate > 0)] = np.nan
        spread = np.where(plate > 0, own / plate, np.nan)
    return spread, medians(np.ascontiguousarray(away.T))


def _median(values: pd.Series[Any]) -> float:
    known = values.dropna()
    return float(known.median()) if len(known) else float("nan")


def _robust(values: Array) -> tuple[Array, Array]:
    """Return median and robust standard deviation of each feature."""
    centre = medians(values)
    return centre, _TO_SIGMA * medians(np.abs(values - centre[:, None]))


def _features(
    first: ProfileTable, last: ProfileTable, missing: Array, spread: Array
) -> pd.DataFrame:
    names = [parse_feature(name) for name in first.features]
    spreads = dict(zip(last.features, spread, strict=True))
    return pd.DataFrame(
        {
            "feature": list(first.features),
            "compartment": [name.compartment for name in names],
            "group": [name.group for name in names],
            "channel": [name.channel for name in names],
            "missing": missing,
            "selected": [name in spreads for name in first.features],
            "control_spread": [spreads.get(name, np.nan) for name in first.features],
        }
    )


def _positions(
    last: ProfileTable, wells: pd.DataFrame, places: Mapping[str, tuple[int, int]]
) -> Iterator[PositionEffect]:
    lost = [name for name in wells["well"] if name not in places]
    if lost:
        raise InvalidArgument(f"expected the place of each well, found none of {lost[0]}")
    rows, columns = np.array([places[name] for name in wells["well"]]).T
    if wells["objects"].notna().any():
        yield position_effect("objects", wells["objects"].to_numpy(), rows, columns)
    values = last.values()
    known = np.where(np.isfinite(values), values, np.nan)
    # One well without values should not take all features away.
    filled = np.where(np.isnan(known), medians(known)[:, None], known)
    try:
        found = embed(last.with_values(filled, last.features))
    except InvalidArgument:  # too few wells or features for components
        return
    for at, component in enumerate(found.places.T):
        yield position_effect(f"component {at + 1}", component, rows, columns)


def _flags(
    wells: pd.DataFrame, replicates: ReplicateAgreement | None, rules: QualityRules
) -> Iterator[Flag]:
    """Yield the flags, well by well."""
    fewest, told = _few_objects(wells["objects"], rules)
    limit = _control_limit(wells, rules)
    outliers = () if replicates is None else replicates.outliers
    for at, well in enumerate(wells.to_dict("records")):
        name = str(well["well"])
        if well["objects"] < fewest:
            yield Flag(name, f"{well['objects']:,.0f} objects: fewer than {told}")
        if well["missing"] > rules.most_missing:
            shares = f"{well['missing']:.1%} of its features are missing"
            yield Flag(name, f"{shares}: more than {rules.most_missing:.1%}")
        if well["control"] and well["distance"] > limit:
            yield Flag(
                name,
                f"a control at distance {well['distance']:.2f} from the controls' median: more "
                f"than {limit:.2f}",
            )
        if at in outliers and replicates is not None:
            yield Flag(
                name,
                f"its median correlation with its replicates is {well['replicates']:.2f}, and "
                f"none is above {replicates.threshold:.2f}, while they agree with each other",
            )


def _few_objects(objects: pd.Series[Any], rules: QualityRules) -> tuple[float, str]:
    share = rules.least_share * _median(objects)
    if share > rules.least_objects:
        return share, f"{share:,.0f}, {rules.least_share:.0%} of the plate's median"
    return rules.least_objects, f"{rules.least_objects:,}"


def _control_limit(wells: pd.DataFrame, rules: QualityRules) -> float:
    distances = wells.loc[wells["control"], "distance"].dropna().to_numpy()
    if len(distances) < _FEWEST_CONTROLS:
        return np.inf
    centre, spread = _robust(distances[None, :])
    return float(centre[0] + rules.control_limit * spread[0])
