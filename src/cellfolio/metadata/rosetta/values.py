"""Values of profiles, wells × features: what is left out, filled and standardised.

Functions take arrays and return others; what they are given is never changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cellfolio.errors import InvalidArgument

MOST_MISSING = 0.05
LEAST_SPREAD = 1e-4
"""Share of missing values above which, and standard deviation below which a feature is left out."""
FILLS = ("none", "plate_median", "rows")

Values: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Dropped:
    """A feature that was left out.

    Attributes
    ----------
    feature, reason : str
    """

    feature: str
    reason: str


def without_infinite(values: Values) -> tuple[Values, int]:
    """Return values with infinite ones missing, and how many there were."""
    infinite = np.isinf(values)
    found = int(infinite.sum())
    return (np.where(infinite, np.nan, values) if found else values), found


def choose_features(
    values: Values, names: Sequence[str], *, spread: bool = True
) -> tuple[NDArray[np.bool_], list[Dropped]]:
    """Tell which features to keep: not too often missing, and not the same everywhere.

    Parameters
    ----------
    values : array of float64, shape (wells, features)
    names : sequence of str
    spread : bool
        Look at the standard deviation as well.

    Returns
    -------
    keep : array of bool, shape (features,)
    dropped : list of Dropped
    """
    missing = np.isnan(values).mean(axis=0) if len(values) else np.zeros(len(names))
    deviation = _deviations(values)[1]
    keep = missing <= MOST_MISSING
    dropped = [
        Dropped(names[at], f"{missing[at]:.1%} missing, more than {MOST_MISSING:.0%}")
        for at in np.flatnonzero(~keep).tolist()
    ]
    if spread:
        flat = keep & (deviation < LEAST_SPREAD)
        dropped += [
            Dropped(names[at], f"standard deviation {deviation[at]:.2g}, below {LEAST_SPREAD:g}")
            for at in np.flatnonzero(flat).tolist()
        ]
        keep &= ~flat
    return keep, dropped


def _deviations(values: Values) -> tuple[Values, Values]:
    """Return mean and standard deviation (one degree of freedom less) of each column."""
    count = (~np.isnan(values)).sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.nansum(values, axis=0) / count
        spread = np.sqrt(np.nansum((values - mean) ** 2, axis=0) / (count - 1))
    # Rule: of one value nothing is known; of equal values the deviation is 0, not a rounding error.
    spread[count < 2] = np.nan
    same = np.fmax.reduce(values, axis=0, initial=np.nan) == np.fmin.reduce(
        values, axis=0, initial=np.nan
    )
    spread[same & (count > 1)] = 0.0
    return mean, spread


def standardize(values: Values, plates: Iterable[Any]) -> Values:
    """Return values less the mean of their plate, over its standard deviation.

    All wells of a plate count, controls too; the deviation has one degree of freedom less. What
    is the same in a whole plate becomes missing there.

    Parameters
    ----------
    values : array of float64, shape (wells, features)
    plates : iterable
        One for each well. Where it is missing, the profile becomes missing.

    Examples
    --------
    >>> standardize(np.array([[1.0], [3.0], [7.0]]), ["P1", "P1", "P2"]).round(3).tolist()
    [[-0.707], [0.707], [nan]]
    """
    result = np.full_like(values, np.nan)
    for rows in _plates(plates):
        mean, spread = _deviations(values[rows])
        with np.errstate(invalid="ignore", divide="ignore"):
            block = (values[rows] - mean) / spread
        block[:, spread == 0] = np.nan
        result[rows] = block
    return result


def _plates(plates: Iterable[Any]) -> list[NDArray[np.intp]]:
    codes, names = pd.factorize(pd.Series(list(plates), dtype=object))
    return [np.flatnonzero(codes == code) for code in range(len(names))]


def fill_missing(values: Values, how: str, plates: Iterable[Any]) -> Values:
    """Return values with missing ones filled.

    Parameters
    ----------
    values : array of float64, shape (wells, features)
    how : {'none', 'plate_median', 'rows'}
        Not at all; with the median of the plate; with what lies between the rows above and below
        in the file, which have no relation to the well: only to repeat what was published.
    plates : iterable
        One for each well.

    Raises
    ------
    InvalidArgument
    """
    if how not in FILLS:
        raise InvalidArgument(f"expected fill to be one of {', '.join(FILLS)}, found {how!r}")
    missing = np.isnan(values)
    if how == "none" or not missing.any():
        return values
    if how == "rows":
        filled: Values = pd.DataFrame(values).interpolate().to_numpy()
        return filled
    result = values.copy()
    for rows in _plates(plates):
        block = result[rows]
        some = np.flatnonzero(missing[rows].any(axis=0) & ~missing[rows].all(axis=0))
        block[:, some] = np.where(
            np.isnan(block[:, some]), np.nanmedian(block[:, some], axis=0), block[:, some]
        )
        result[rows] = block
    return result
