"""What programs import beside the functions: those names of the peer that are used most."""

from cellfolio.compat.pycytominer.cyto_utils.collate import collate
from cellfolio.compat.pycytominer.cyto_utils.features import (
    count_na_features,
    cp_clean,
    drop_outlier_features,
    get_blocklist_features,
    infer_cp_features,
)
from cellfolio.compat.pycytominer.cyto_utils.load import (
    infer_delim,
    load_platemap,
    load_profiles,
)
from cellfolio.compat.pycytominer.cyto_utils.modz import modz
from cellfolio.compat.pycytominer.cyto_utils.output import output

__all__ = [
    "collate",
    "count_na_features",
    "cp_clean",
    "drop_outlier_features",
    "get_blocklist_features",
    "infer_cp_features",
    "infer_delim",
    "load_platemap",
    "load_profiles",
    "modz",
    "output",
]
