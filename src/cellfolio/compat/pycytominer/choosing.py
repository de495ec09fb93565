"""Features, metadata and samples as the peer's arguments name them."""

from __future__ import annotations

from typing import Any

import pandas as pd

from cellfolio.compat.pycytominer.cyto_utils.features import infer_cp_features
from cellfolio.compat.pycytominer.failures import check_columns
from cellfolio.errors import InvalidArgument


def chosen_features(
    table: pd.DataFrame, features: str | list[str], *, image_features: bool = False
) -> list[str]:
    """Return the features that are named, or inferred.

    Raises
    ------
    InvalidArgument
    """
    return _chosen(table, "features", features, image_features=image_features)


def chosen_metadata(table: pd.DataFrame, meta_features: str | list[str]) -> list[str]:
    """Return the metadata that are named, or inferred.

    Raises
    ------
    InvalidArgument
    """
    return _chosen(table, "meta_features", meta_features, metadata=True)


def _chosen(table: pd.DataFrame, what: str, names: str | list[str], **inferred: Any) -> list[str]:
    if isinstance(names, str):
        if names != "infer":
            raise InvalidArgument(f"{what} should be a list of texts, found the text {names!r}")
        return infer_cp_features(table, **inferred)
    check_columns(table, names, what)
    return list(names)


def chosen_samples(samples: str) -> str | None:
    """Return the query that names samples; None for all."""
    return None if samples == "all" else samples
