"""Normalizing: features of different scales become comparable."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from cellfolio.errors import InvalidArgument
from cellfolio.profiles.rows import find_rows, group_rows
from cellfolio.profiles.scaling import Normalization, Standardize
from cellfolio.profiles.statistics import Array, Mask
from cellfolio.profiles.tables import ProfileTable, T, open_table


def normalize(
    profiles: T,
    method: Normalization | None = None,
    *,
    reference: str | None = None,
    by: str | Sequence[str] | None = None,
    features: Sequence[str] | None = None,
    image_features: bool = False,
) -> T:
    """Normalize features by what a reference says of their centre and spread.

    Parameters
    ----------
    profiles : pandas.DataFrame, polars.DataFrame or anndata.AnnData
        One row for each well, perturbation or cell.
    method : Normalization, optional
        `Standardize` (the default), `Robustize`, `RobustMad`, `Spherize`, `InverseNormal` or
        `ElbowSpherize`.
    reference : str, optional
        Query that names the rows to learn from, such as ``"Metadata_control_type == 'negcon'"``;
        by default all rows.
    by : str or sequence of str, optional
        Columns whose values say which rows belong together, such as ``"Metadata_Plate"``: each
        group is normalized by its own reference. By default all rows are one group.
    features : sequence of str, optional
        Names of the features; by default those that `split_features` finds.
    image_features : bool
        Whether numbers of whole images, ``Image_…``, are features, too.

    Returns
    -------
    table of the same kind
        The same rows in the same order: all other columns first, then the features as float64.

    Raises
    ------
    InvalidArgument
        If a group has no row of the reference, a feature holds something else than numbers, or
        the method cannot learn from the reference.

    Examples
    --------
    >>> import pandas as pd
    >>> profiles = pd.DataFrame(
    ...     {"Metadata_drug": ["DMSO", "DMSO", "taxol"], "Cells_AreaShape_Area": [90, 110, 150]}
    ... )
    >>> normalize(profiles, reference="Metadata_drug == 'DMSO'")
      Metadata_drug  Cells_AreaShape_Area
    0          DMSO                  -1.0
    1          DMSO                   1.0
    2         taxol                   5.0
    """
    table = open_table(profiles, features, image_features=image_features)
    method = Standardize() if method is None else method
    values = table.values()
    learned = None if reference is None else find_rows(table, reference)
    if by is None:
        names, found = _fit_and_apply(method, table, values, learned, "no row")
        return table.with_values(found, names)  # type: ignore[no-any-return]
    parts = list(_by_group(method, table, values, learned, by))
    names = parts[0][1]
    if any(part[1] != names for part in parts):
        counts = sorted({len(part[1]) for part in parts})
        raise InvalidArgument(
            f"the groups give different components, from {counts[0]} to {counts[-1]}",
            hint="normalize one group after the other, or take a ZCA",
        )
    found = np.empty((len(names), values.shape[1]))
    for rows, _, part in parts:
        found[:, rows] = part
    return table.with_values(found, names)  # type: ignore[no-any-return]


def _by_group(
    method: Normalization,
    table: ProfileTable,
    values: Array,
    learned: Mask | None,
    by: str | Sequence[str],
) -> Iterator[tuple[np.ndarray, tuple[str, ...], Array]]:
    groups = group_rows(table, by)
    if not len(groups):
        raise InvalidArgument("expected at least one row, found an empty table")
    for number, rows in enumerate(groups):
        some = None if learned is None else learned[rows]
        empty = f"no row of {groups.describe(number)}"
        yield rows, *_fit_and_apply(method, table, values[:, rows], some, empty)


def _fit_and_apply(
    method: Normalization, table: ProfileTable, values: Array, learned: Mask | None, empty: str
) -> tuple[tuple[str, ...], Array]:
    known = values if learned is None else values[:, learned]
    if not known.shape[1]:
        raise InvalidArgument(
            f"{empty} belongs to the reference",
            hint="look at the values of the column in the query, or pool plates",
        )
    fitted = method.fit(known, table.features)
    return fitted.features, fitted.apply(values)
