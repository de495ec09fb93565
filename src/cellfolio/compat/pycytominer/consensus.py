"""consensus: the parameters of pycytominer over `cellfolio.profiles.consensus`."""

from __future__ import annotations

from typing import Any

from cellfolio.compat.pycytominer.aggregate import aggregate
from cellfolio.compat.pycytominer.cyto_utils.load import ProfilesLike, load_profiles
from cellfolio.compat.pycytominer.cyto_utils.modz import modz
from cellfolio.compat.pycytominer.cyto_utils.output import Returned, returned
from cellfolio.errors import InvalidArgument

_OPERATIONS = ("mean", "median", "modz")


def consensus(
    profiles: ProfilesLike,
    replicate_columns: list[str] = ["Metadata_Plate", "Metadata_Well"],
    operation: str = "median",
    features: str | list[str] = "infer",
    output_file: str | None = None,
    output_type: str | None = "csv",
    compression_options: str | dict[str, Any] | None = None,
    float_format: str | None = None,
    modz_args: dict[str, Any] | None = {"method": "spearman"},
) -> Returned:
    """Make one profile of replicates.

    Returns
    -------
    DataFrame, or `output_file` if it is given

    Raises
    ------
    InvalidArgument
        A ValueError; also a KeyError where a column is not there.

    See Also
    --------
    cellfolio.profiles.consensus

    Examples
    --------
    >>> import pandas as pd
    >>> wells = pd.DataFrame({"Metadata_drug": ["x", "x"], "Cells_A": [1, 3], "Cells_B": [2, 2]})
    >>> consensus(wells, ["Metadata_drug"], operation="mean")
      Metadata_drug  Cells_A  Cells_B
    0             x      2.0      2.0
    """
    if operation.lower() not in _OPERATIONS:
        raise InvalidArgument(f"operation should be one of {_OPERATIONS}, found {operation!r}")
    table = load_profiles(profiles)
    if operation.lower() == "modz":
        found = modz(table, replicate_columns, features, **(modz_args or {}))
    else:
        found = aggregate(table, replicate_columns, features=features, operation=operation)
    return returned(found, output_file, output_type, compression_options, float_format)
