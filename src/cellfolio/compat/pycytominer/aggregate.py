"""aggregate: the parameters of pycytominer over `cellfolio.profiles.aggregate`."""

from __future__ import annotations

from typing import Any, cast

import pandas as pd

from cellfolio import profiles
from cellfolio.compat.pycytominer.choosing import chosen_features
from cellfolio.compat.pycytominer.cyto_utils.output import Returned, returned
from cellfolio.compat.pycytominer.failures import check_columns

_NUMBERS = ("ImageNumber", "ObjectNumber")
"""Columns whose averages mean nothing."""


def aggregate(
    population_df: pd.DataFrame,
    strata: str | list[str] = ["Metadata_Plate", "Metadata_Well"],
    features: list[str] | str = "infer",
    image_features: bool = False,
    operation: str = "median",
    output_file: str | None = None,
    output_type: str | None = "csv",
    compute_object_count: bool = False,
    object_feature: str = "Metadata_ObjectNumber",
    subset_data_df: pd.DataFrame | None = None,
    compression_options: str | dict[str, Any] | None = None,
    float_format: str | None = None,
) -> Returned:
    """Make one profile of all rows of a stratum.

    Returns
    -------
    DataFrame, or `output_file` if it is given

    Raises
    ------
    InvalidArgument
        A ValueError; also a KeyError where a column is not there.

    See Also
    --------
    cellfolio.profiles.aggregate

    Examples
    --------
    >>> cells = pd.DataFrame({"Metadata_Well": ["A01", "A01"], "Cells_Area": [1, 3]})
    >>> aggregate(cells, strata=["Metadata_Well"])
      Metadata_Well  Cells_Area
    0           A01         2.0
    """
    method = cast("profiles.aggregating.Average", operation.lower())
    profiles.aggregating.check_average(method)
    table = population_df
    if subset_data_df is not None:
        check_columns(table, subset_data_df.columns, "those of subset_data_df")
        kept = subset_data_df.merge(table, how="inner", on=list(subset_data_df.columns))
        table = kept.reindex(table.columns, axis="columns")
    check_columns(table, [strata] if isinstance(strata, str) else strata, "strata")
    counted = object_feature if compute_object_count else None
    if counted is not None:
        check_columns(table, [counted], "object_feature")
    names = chosen_features(table, features, image_features=image_features)
    found = profiles.aggregate(table, strata, method, object_column=counted, features=names)
    found = found.drop(columns=list(_NUMBERS), errors="ignore")
    return returned(found, output_file, output_type, compression_options, float_format)
