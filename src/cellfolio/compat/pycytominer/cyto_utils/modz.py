"""modz: the parameters of the peer over `cellfolio.profiles.Modz`."""

from __future__ import annotations

from typing import Any

import pandas as pd

from cellfolio import profiles
from cellfolio.compat.pycytominer.cyto_utils.features import infer_cp_features
from cellfolio.compat.pycytominer.failures import check_columns


def modz(
    population_df: pd.DataFrame,
    replicate_columns: str | list[str],
    features: str | list[str] = "infer",
    method: Any = "spearman",
    min_weight: float = 0.01,
    precision: int = 4,
) -> pd.DataFrame:
    """Make one profile of replicates, in which each weighs as much as it agrees with the others.

    Raises
    ------
    InvalidArgument

    Examples
    --------
    >>> wells = pd.DataFrame({"Metadata_drug": ["x", "x"], "Cells_A": [1, 3], "Cells_B": [2, 2]})
    >>> modz(wells, "Metadata_drug")
      Metadata_drug  Cells_A  Cells_B
    0             x      2.0      2.0
    """
    by = [replicate_columns] if isinstance(replicate_columns, str) else list(replicate_columns)
    check_columns(population_df, by, "replicate_columns")
    names = infer_cp_features(population_df) if features == "infer" else features
    names = [names] if isinstance(names, str) else list(names)
    check_columns(population_df, names, "features")
    way = profiles.Modz(method.lower(), min_weight, precision)
    return profiles.consensus(population_df, by, way, features=names)
