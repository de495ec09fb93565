"""Rounding: what a table becomes when its numbers are written with few digits."""

from __future__ import annotations

import numpy as np

from cellfolio.errors import InvalidArgument
from cellfolio.profiles.statistics import Array, blocks
from cellfolio.profiles.tables import T, open_table

_EXACT = 22
"""Powers of ten up to this one are exact in float64, so that one operation rounds once."""
_NEAR = 1e-6
"""Scaled values that come as near to a half as this are rounded as text."""


def round_significant(profiles: T, digits: int = 5) -> T:
    """Round the features as text with so many significant digits has them (``%.5g``).

    Files of CPJUMP1 were written with five digits between any two steps, and read again.

    Parameters
    ----------
    profiles : pandas.DataFrame, polars.DataFrame or anndata.AnnData
    digits : int
        From 1 to 15.

    Returns
    -------
    table of the same kind
        Metadata first, then the features.

    Raises
    ------
    InvalidArgument

    Examples
    --------
    >>> import pandas as pd
    >>> round_significant(pd.DataFrame({"Cells_A": [123456.7, 0.00123456]}))["Cells_A"].tolist()
    [123460.0, 0.0012346]
    """
    if not 1 <= digits <= 15:
        raise InvalidArgument(f"digits should be from 1 to 15, found {digits!r}")
    table = open_table(profiles)
    values = table.values()
    rounded = np.empty_like(values)
    for some in blocks(len(values)):
        rounded[some] = round_values(values[some], digits)
    return table.with_values(rounded, table.features)  # type: ignore[no-any-return]


def round_values(values: Array, digits: int) -> Array:
    """Return the float64 nearest to each value's text with so many significant digits."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        exponents = np.floor(np.log10(np.abs(values)))
        steps = digits - 1 - exponents
        usual = np.abs(steps) <= _EXACT
        steps = np.where(usual, steps, 0)
        up, down = 10.0 ** np.maximum(steps, 0), 10.0 ** np.maximum(-steps, 0)
        scaled = values * up / down
        found: Array = np.rint(scaled) * down / up
        half = np.abs(np.abs(scaled) % 1 - 0.5) < _NEAR
        odd = half | (np.abs(scaled) >= 10.0**digits - 1) | (np.abs(scaled) < 10.0 ** (digits - 1))
    as_text = np.isfinite(values) & (values != 0) & (odd | ~usual)
    found[as_text] = [float(f"{value:.{digits}g}") for value in values[as_text]]
    plain = ~np.isfinite(values) | (values == 0)
    found[plain] = values[plain]
    return found
