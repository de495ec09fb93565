"""feature_select: the parameters of pycytominer over `cellfolio.profiles.feature_select`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd

from cellfolio import profiles as science
from cellfolio.compat.pycytominer.choosing import chosen_features, chosen_samples
from cellfolio.compat.pycytominer.cyto_utils.features import get_blocklist_features
from cellfolio.compat.pycytominer.cyto_utils.load import ProfilesLike, load_profiles
from cellfolio.compat.pycytominer.cyto_utils.output import Returned, returned
from cellfolio.compat.pycytominer.failures import WrongKind
from cellfolio.errors import InvalidArgument

_GROUP = "group of cellfolio"
Making = Callable[[], science.Operation]


def feature_select(
    profiles: ProfilesLike,
    features: str | list[str] = "infer",
    image_features: bool = False,
    samples: str = "all",
    operation: str | list[str] = "variance_threshold",
    output_file: str | None = None,
    output_type: str | None = "csv",
    na_cutoff: float = 0.05,
    corr_threshold: float = 0.9,
    corr_method: Any = "pearson",
    freq_cut: float = 0.05,
    unique_cut: float = 0.01,
    compression_options: str | dict[str, Any] | None = None,
    float_format: str | None = None,
    blocklist: Any = None,
    blocklist_name: str | list[str] | None = None,
    blocklist_file: str | None = None,
    outlier_cutoff: float = 500.0,
    noise_removal_perturb_groups: str | list[str] | None = None,
    noise_removal_stdev_cutoff: float | None = None,
    min_variance: float = 1e-6,
) -> Returned:
    """Drop features that say nothing, say what others say, or are not to be trusted.

    Returns
    -------
    DataFrame, or `output_file` if it is given

    Raises
    ------
    InvalidArgument
        A ValueError; also a KeyError where a column is not there.

    See Also
    --------
    cellfolio.profiles.feature_select

    Examples
    --------
    >>> wells = pd.DataFrame({"Metadata_W": ["A01", "A02"], "Cells_A": [1, 3], "Cells_B": [2, 2]})
    >>> list(feature_select(wells))
    ['Metadata_W', 'Cells_A']
    """
    groups, limit = noise_removal_perturb_groups, noise_removal_stdev_cutoff
    known: dict[str, Making] = {
        "variance_threshold": lambda: science.VarianceThreshold(min_variance),
        "frequency_threshold": lambda: science.FrequencyThreshold(freq_cut, unique_cut),
        "correlation_threshold": lambda: science.CorrelationThreshold(
            corr_threshold, corr_method.lower()
        ),
        "drop_na_columns": lambda: science.DropMissing(na_cutoff),
        "blocklist": lambda: science.Blocklist(
            tuple(get_blocklist_features(blocklist, blocklist_name, None, blocklist_file))
        ),
        "drop_outliers": lambda: science.DropOutliers(outlier_cutoff),
        "noise_removal": lambda: _noise_removal(groups, limit),
    }
    operations = [known[name]() for name in _names(operation, tuple(known))]
    table = load_profiles(profiles)
    names = chosen_features(table, features, image_features=image_features)
    if isinstance(groups, list) and "noise_removal" in operation:
        table = _grouped(table, groups)
    selection = science.feature_select(
        table, operations, reference=chosen_samples(samples), features=names
    )
    found = selection.profiles.drop(columns=_GROUP, errors="ignore")
    return returned(found, output_file, output_type, compression_options, float_format)


def _names(operation: object, known: tuple[str, ...]) -> list[str]:
    names = [operation] if isinstance(operation, str) else operation
    if not isinstance(names, list):
        raise InvalidArgument(f"operation should be a text or a list, found {operation!r}")
    wrong = [name for name in names if name not in known]
    if wrong:
        raise InvalidArgument(f"operation should be among {known}, found {wrong[0]!r}")
    return names


def _noise_removal(groups: object, limit: float | None) -> science.NoiseRemoval:
    if groups is None or limit is None:
        raise InvalidArgument(
            "noise_removal needs noise_removal_perturb_groups and noise_removal_stdev_cutoff"
        )
    if not isinstance(groups, (str, list)):
        raise WrongKind(
            "noise_removal_perturb_groups should be the name of a column, or a list with a group "
            f"for each row, found {groups!r}"
        )
    return science.NoiseRemoval(groups if isinstance(groups, str) else _GROUP, limit)


def _grouped(table: pd.DataFrame, groups: list[str]) -> pd.DataFrame:
    if len(groups) != len(table):
        raise InvalidArgument(
            f"noise_removal_perturb_groups should have a group for each of {len(table)} rows, "
            f"found {len(groups)}"
        )
    return table.assign(**{_GROUP: groups})
