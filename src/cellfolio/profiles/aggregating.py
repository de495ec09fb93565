"""Aggregating: many rows, such as the cells of a well, become one profile."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
import pandas as pd

from cellfolio.errors import InvalidArgument
from cellfolio.profiles.rows import Groups, group_rows
from cellfolio.profiles.statistics import Array, Floats, medians
from cellfolio.profiles.tables import ProfileTable, T, open_table

Average: TypeAlias = Literal["median", "mean"]
WELLS = ("Metadata_Plate", "Metadata_Well")
OBJECT_COUNT = "Metadata_Object_Count"


def aggregate(
    profiles: T,
    by: str | Sequence[str] = WELLS,
    method: Average = "median",
    *,
    object_column: str | None = None,
    features: Sequence[str] | None = None,
    image_features: bool = False,
) -> T:
    """Make one profile of all rows that have the same values in some columns.

    Parameters
    ----------
    profiles : pandas.DataFrame, polars.DataFrame or anndata.AnnData
        Such as one row for each cell.
    by : str or sequence of str
        Columns. A missing value is a value of its own, and comes last.
    method : {'median', 'mean'}
        Of the values that are not missing.
    object_column : str, optional
        A column that each object has, such as ``"Metadata_ObjectNumber"``. If given, its values
        are counted in a column `Metadata_Object_Count`.
    features : sequence of str, optional
        Names of the features; by default those that `split_features` finds.
    image_features : bool
        Whether numbers of whole images, ``Image_…``, are features, too.

    Returns
    -------
    table of the same kind
        The columns of `by`, the count, and the features as float64; sorted by the columns of `by`.
        Other columns are left out.

    Raises
    ------
    InvalidArgument
        If a column is not there, or a feature holds something else than numbers.

    Examples
    --------
    >>> import pandas as pd
    >>> cells = pd.DataFrame({"Well": ["A02", "A01", "A01"], "Cells_AreaShape_Area": [7, 1, 4]})
    >>> aggregate(cells, by="Well", object_column="Well")
      Well  Metadata_Object_Count  Cells_AreaShape_Area
    0  A01                      2                   2.5
    1  A02                      1                   7.0
    """
    check_average(method)
    table = open_table(profiles, features, image_features=image_features)
    groups = group_profiles(table, by)
    keys = groups.keys
    if object_column is not None:
        counts = _object_counts(table, groups, object_column)
        keys = keys.assign(**{OBJECT_COUNT: counts})
    found = average_groups(table.values(), groups, method)
    return table.made_of(keys, table.features, found)  # type: ignore[no-any-return]


def check_average(method: object) -> None:
    """Raise InvalidArgument if it is no average."""
    if method not in get_args(Average):
        raise InvalidArgument(f"method should be one of {get_args(Average)}, found {method!r}")


def group_profiles(table: ProfileTable, by: str | Sequence[str]) -> Groups:
    """Group rows by columns that are no features.

    Raises
    ------
    InvalidArgument
    """
    names = {by} if isinstance(by, str) else set(by)
    both = sorted(names.intersection(table.features))
    if both:
        raise InvalidArgument(f"rows cannot be grouped by a feature, found {both[0]!r}")
    return group_rows(table, by)


def average_groups(values: Floats, groups: Groups, method: Average, *, own: bool = False) -> Array:
    """Return the average of each feature in each group, shape (features, groups).

    Values of 32 bits give the same as if they were converted before. If they are `own`, they are of
    no use after, and may change their places.
    """
    if not groups.in_order:
        # Taking a row after the other costs half of taking some columns of all.
        ordered = np.empty(values.shape, values.dtype)
        for row, into in zip(values, ordered, strict=True):
            np.take(row, groups.order, out=into, mode="clip")
        values, own = ordered, True
    average = partial(medians, own=own) if method == "median" else _means
    found = np.empty((len(values), len(groups)))
    for number, (start, end) in enumerate(pairwise(groups.bounds)):
        found[:, number] = average(values[:, start:end])
    return found


def _means(values: Floats) -> Array:
    # A copy, as the order of a sum, and so its last bit, depends on how values lie.
    values = np.array(values, dtype=np.float64, order="C")
    missing = np.isnan(values)
    with np.errstate(invalid="ignore"):  # nothing, or inf - inf
        if not missing.any():
            return np.asarray(values.mean(axis=1), dtype=np.float64)
        total = np.where(missing, 0, values).sum(axis=1)
        return np.asarray(total / (~missing).sum(axis=1), dtype=np.float64)


def _object_counts(table: ProfileTable, groups: Groups, column: str) -> Any:
    if column not in table.column_names():
        raise InvalidArgument(f"objects should be counted by a column, found no {column!r}")
    there = ~pd.isna(table.columns([column]).iloc[:, 0]).to_numpy()
    return np.add.reduceat(there[groups.order].astype(np.int64), groups.bounds[:-1])
