"""normalize: the parameters of pycytominer over `cellfolio.profiles.normalize`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

import pandas as pd

from cellfolio import profiles as science
from cellfolio.compat.pycytominer.choosing import (
    chosen_features,
    chosen_metadata,
    chosen_samples,
)
from cellfolio.compat.pycytominer.cyto_utils.load import ProfilesLike, load_profiles
from cellfolio.compat.pycytominer.cyto_utils.output import Returned, returned
from cellfolio.errors import InvalidArgument

_PASSING = ("Image_", "ome_arrow_")
_FAILED = "Metadata_cqc_"


def normalize(
    profiles: ProfilesLike,
    features: str | list[str] = "infer",
    image_features: bool = False,
    meta_features: str | list[str] = "infer",
    samples: str = "all",
    method: str = "standardize",
    drop_cosmicqc_rows: bool = False,
    output_file: str | None = None,
    output_type: str | None = "csv",
    compression_options: str | dict[str, Any] | None = None,
    float_format: str | None = None,
    mad_robustize_epsilon: float | None = 1e-18,
    spherize_center: bool = True,
    spherize_method: str = "ZCA-cor",
    spherize_epsilon: float = 1e-6,
    inverse_normal_n_quantiles: int = 1000,
) -> Returned:
    """Normalize features by what samples say of their centre and spread.

    Returns
    -------
    DataFrame, or `output_file` if it is given

    Raises
    ------
    InvalidArgument
        A ValueError; also a KeyError where a column is not there.

    See Also
    --------
    cellfolio.profiles.normalize

    Examples
    --------
    >>> wells = pd.DataFrame({"Metadata_Well": ["A01", "A02"], "Cells_A": [1, 3]})
    >>> normalize(wells)
      Metadata_Well  Cells_A
    0           A01     -1.0
    1           A02      1.0
    """
    way = _way(
        method,
        {
            "standardize": science.Standardize,
            "robustize": science.Robustize,
            "mad_robustize": lambda: _robust(mad_robustize_epsilon),
            "spherize": lambda: science.Spherize(
                cast("Any", spherize_method), spherize_epsilon, spherize_center
            ),
            "inverse_normal": lambda: science.InverseNormal(inverse_normal_n_quantiles),
        },
    )
    table = load_profiles(profiles)
    if drop_cosmicqc_rows:
        table = _without_failed(table)
    names = chosen_features(table, features, image_features=image_features)
    metadata = chosen_metadata(table, meta_features)
    known = {*names, *metadata}
    passing = [name for name in map(str, table) if name.startswith(_PASSING) and name not in known]
    found = science.normalize(table, way, reference=chosen_samples(samples), features=names)
    made = list(found.columns[len(table.columns) - len(names) :])
    wanted = [*metadata, *passing, *made]
    if wanted != list(found.columns):
        found = found[wanted]
    return returned(found, output_file, output_type, compression_options, float_format)


def _way(
    method: str, ways: Mapping[str, Callable[[], science.Normalization]]
) -> science.Normalization:
    if method.lower() not in ways:
        raise InvalidArgument(f"method should be one of {tuple(ways)}, found {method!r}")
    return ways[method.lower()]()


def _robust(epsilon: float | None) -> science.RobustMad:
    if epsilon is None:
        raise InvalidArgument("mad_robustize_epsilon should be a number, found None")
    return science.RobustMad(epsilon)


def _without_failed(table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows that no column of coSMicQC marks."""
    marks = [name for name in table.columns if name.startswith(_FAILED)]
    if not marks:
        raise InvalidArgument(f"rows can be dropped by columns {_FAILED}…, found none")
    passed = table[~table[marks].any(axis="columns")]
    if passed.empty:
        raise InvalidArgument(f"every row is marked by a column {_FAILED}…; nothing is left")
    return passed
