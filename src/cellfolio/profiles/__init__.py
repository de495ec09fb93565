"""Profiles: from single cells, or wells, to profiles that can be compared.

Pure functions over pandas and polars data frames and AnnData; each returns the kind it was given,
and changes nothing:

>>> import pandas as pd
>>> from cellfolio.profiles import RobustMad, aggregate, normalize
>>> cells = pd.DataFrame(
...     {"Metadata_Well": ["A01", "A01", "A02", "A03"], "Cells_AreaShape_Area": [90, 110, 130, 160]}
... )
>>> wells = aggregate(cells, by="Metadata_Well")
>>> normalize(wells, RobustMad())["Cells_AreaShape_Area"].round(2).tolist()
[-0.67, 0.0, 0.67]
"""

from cellfolio.profiles.aggregating import aggregate
from cellfolio.profiles.annotated import to_anndata
from cellfolio.profiles.annotating import annotate
from cellfolio.profiles.combining import Modz, consensus
from cellfolio.profiles.elbow import ElbowSpherize
from cellfolio.profiles.embedding import Embedding, embed
from cellfolio.profiles.features import NOISY_FEATURES, FeatureSplit, split_features
from cellfolio.profiles.inverse_normal import InverseNormal
from cellfolio.profiles.normalizing import normalize
from cellfolio.profiles.operations import (
    Blocklist,
    CorrelationThreshold,
    DropMissing,
    DropOutliers,
    FrequencyThreshold,
    NoiseRemoval,
    Operation,
    VarianceThreshold,
)
from cellfolio.profiles.rounding import round_significant
from cellfolio.profiles.scaling import Normalization, Robustize, RobustMad, Standardize
from cellfolio.profiles.selecting import CPJUMP1_2021, Dropped, Selection, feature_select
from cellfolio.profiles.sphering import Spherize

__all__ = [
    "CPJUMP1_2021",
    "NOISY_FEATURES",
    "Blocklist",
    "CorrelationThreshold",
    "DropMissing",
    "DropOutliers",
    "Dropped",
    "ElbowSpherize",
    "Embedding",
    "FeatureSplit",
    "FrequencyThreshold",
    "InverseNormal",
    "Modz",
    "NoiseRemoval",
    "Normalization",
    "Operation",
    "RobustMad",
    "Robustize",
    "Selection",
    "Spherize",
    "Standardize",
    "VarianceThreshold",
    "aggregate",
    "annotate",
    "consensus",
    "embed",
    "feature_select",
    "normalize",
    "round_significant",
    "split_features",
    "to_anndata",
]
