"""Names of features, as the peer finds them."""

from __future__ import annotations

import warnings
from typing import Any

import pandas as pd
from pandas.api.types import is_list_like, is_numeric_dtype

from cellfolio.compat.pycytominer.failures import WrongKind, check_columns
from cellfolio.errors import InvalidArgument
from cellfolio.profiles import NOISY_FEATURES, DropOutliers, feature_select

_IMAGE, _METADATA = "Image_", "Metadata_"


def infer_cp_features(
    population_df: pd.DataFrame,
    compartments: str | list[str] = ["Cells", "Nuclei", "Cytoplasm"],
    metadata: bool = False,
    image_features: bool = False,
) -> list[str]:
    """Return the names of features, or of metadata.

    Raises
    ------
    InvalidArgument
        If there is none.

    Examples
    --------
    >>> infer_cp_features(pd.DataFrame({"Metadata_Well": ["A01"], "Cells_A": [1]}))
    ['Cells_A']
    """
    names = [str(name) for name in population_df.columns]
    if metadata:
        found = [name for name in names if name.startswith(_METADATA)]
    else:
        given = [compartments] if isinstance(compartments, str) else compartments
        starts = tuple(one.title() for one in given) + (("Image",) if image_features else ())
        candidates = [name for name in names if name.startswith(starts)]
        found = [name for name in candidates if _holds_values(name, population_df[name])]
    if not found:
        raise InvalidArgument(
            f"no column is {'metadata' if metadata else 'a feature'} by its name, found "
            f"{', '.join(names[:4]) or 'no columns'}",
            hint="name the columns: features=[…], meta_features=[…]",
        )
    return found


def _holds_values(name: str, column: pd.Series[Any]) -> bool:
    """Tell whether a column holds no images, or other things in things."""
    if name.startswith(_IMAGE):
        return is_numeric_dtype(column)
    return column.dtype != object or not any(is_list_like(one) for one in column.dropna())


def cp_clean(profiles: pd.DataFrame) -> pd.DataFrame:
    """Return profiles with CellProfiler's ``Image_Metadata_Well`` as ``Metadata_Well``, and so on.

    Examples
    --------
    >>> list(cp_clean(pd.DataFrame({"Image_Metadata_Well": ["A01"]})))
    ['Metadata_Well']
    """
    names = [_METADATA + one for one in ("Plate", "Well", "Site")]
    return profiles.rename(columns={_IMAGE + name: name for name in names})


def count_na_features(population_df: pd.DataFrame, features: list[str]) -> pd.DataFrame:
    """Count the missing values of each feature.

    Examples
    --------
    >>> count_na_features(pd.DataFrame({"Cells_A": [1, None]}), ["Cells_A"])
             num_na
    Cells_A       1
    """
    check_columns(population_df, features, "features")
    return pd.DataFrame(population_df[features].isna().sum(), columns=["num_na"])


def drop_outlier_features(
    population_df: pd.DataFrame,
    features: str | list[str] = "infer",
    samples: str = "all",
    outlier_cutoff: float = 500,
) -> list[str]:
    """Return the features that have a value further from zero than a limit.

    Examples
    --------
    >>> drop_outlier_features(pd.DataFrame({"Cells_A": [1, -501], "Cells_B": [1, 2]}))
    ['Cells_A']
    """
    names = infer_cp_features(population_df) if features == "infer" else features
    names = [names] if isinstance(names, str) else list(names)
    check_columns(population_df, names, "features")
    # Of all features, all may go: one that stays is put beside them.
    beside = "feature of cellfolio"
    selection = feature_select(
        population_df.assign(**{beside: 0.0}),
        [DropOutliers(outlier_cutoff)],
        reference=None if samples == "all" else samples,
        features=[*names, beside],
    )
    return [one.feature for one in selection.dropped]


def get_blocklist_features(
    blocklist: Any = None,
    blocklist_name: str | list[str] | None = None,
    population_df: pd.DataFrame | None = None,
    blocklist_file: Any = None,
) -> list[str]:
    """Return names on a blocklist, if there is a table only those that it has.

    Raises
    ------
    InvalidArgument

    Examples
    --------
    >>> len(get_blocklist_features()), get_blocklist_features("Cells_A")
    (55, ['Cells_A'])
    """
    if blocklist_file is not None:
        warnings.warn(
            "blocklist_file is deprecated: give the names with blocklist=",
            DeprecationWarning,
            stacklevel=2,
        )
        blocklist = _column(blocklist_file)
    names = _named(blocklist_name) if blocklist is None else _listed(blocklist)
    if population_df is None:
        return names
    return [name for name in names if name in population_df.columns]


def _named(name: str | list[str] | None) -> list[str]:
    wanted = [name] if isinstance(name, str) else name
    if wanted is not None and any(one != "default" for one in wanted):
        raise InvalidArgument(f"the only known blocklist is 'default', found {name!r}")
    return list(NOISY_FEATURES)


def _listed(blocklist: Any) -> list[str]:
    if isinstance(blocklist, str):
        return [blocklist]
    if hasattr(blocklist, "to_list"):  # a Blocklist of the peer
        return list(blocklist.to_list())
    if isinstance(blocklist, list):
        return [str(name) for name in blocklist]
    raise WrongKind(f"blocklist should be a text or a list of texts, found {blocklist!r}")


def _column(path: Any) -> list[str]:
    from cellfolio.compat.pycytominer.cyto_utils.load import load_profiles

    table = load_profiles(path)
    if "blocklist" not in table.columns:
        raise InvalidArgument(f"{path} should have a column 'blocklist'")
    return [str(name) for name in table["blocklist"]]
