"""The CPJUMP1 recipe for one plate, with functions of ours and of pycytominer in the same order."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

CONTROLS = "Metadata_control_type == 'negcon'"
REPLICATES = "Metadata_broad_sample"
TREATMENTS = "Metadata_treatment"
SELECTION = ("frequency_threshold", "correlation_threshold", "drop_na_columns", "blocklist")
FORMAT = "%.5g"
WELLS, MAP, EXTERNAL = "wells.csv.gz", "map.csv", "external.csv"
Write = Callable[[Any, str], object]


def read_plate(path: str) -> Any:
    """Read profiles before the clock starts.

    From text, pandas keeps each of the columns by itself.
    """
    import pandas as pd

    return pd.read_csv(path) if path.endswith(".csv.gz") else pd.read_parquet(path)


def write_inputs(plate: Any, folder: Path) -> None:
    """Write wells, a plate map and what is known of each perturbation."""
    wells = plate.drop(columns=["Metadata_broad_sample", "Metadata_control_type", TREATMENTS])
    wells.to_csv(folder / WELLS, index=False, float_format=FORMAT)
    layout = plate[["Metadata_Well", "Metadata_broad_sample"]]
    layout.set_axis(["well_position", "broad_sample"], axis=1).to_csv(folder / MAP, index=False)
    known = plate[["Metadata_broad_sample", "Metadata_control_type"]].drop_duplicates(
        "Metadata_broad_sample"
    )
    known.set_axis(["broad_sample", "control_type"], axis=1).to_csv(folder / EXTERNAL, index=False)


def our_selection(profiles: Any) -> list[Any]:
    """Return the operations of the recipe."""
    return [
        profiles.FrequencyThreshold(),
        profiles.CorrelationThreshold(),
        profiles.DropMissing(),
        profiles.Blocklist(),
    ]


def run_ours(folder: Path, write: Write) -> None:
    """Make five files of the first one."""
    import pandas as pd

    from cellfolio import profiles
    from cellfolio.formats.loading import load

    wells = profiles.annotate(
        load(folder / WELLS),
        pd.read_csv(folder / MAP),
        external=pd.read_csv(folder / EXTERNAL),
        external_on="broad_sample",
    )
    write(wells, "augmented")
    for end, reference in (("", None), ("_negcon", CONTROLS)):
        normal = profiles.normalize(wells, profiles.RobustMad(), reference=reference)
        write(normal, f"normalized{end}")
        selection = profiles.feature_select(normal, our_selection(profiles))
        write(selection.profiles, f"normalized_feature_select{end}_plate")


def run_peer(folder: Path, write: Write) -> None:
    """Do the same with pycytominer."""
    import pandas as pd
    import pycytominer as peer

    wells = peer.annotate(
        str(folder / WELLS),
        pd.read_csv(folder / MAP),
        join_on=["Metadata_well_position", "Metadata_Well"],
        external_metadata=pd.read_csv(folder / EXTERNAL).add_prefix("Metadata_"),
        external_join_on=["Metadata_broad_sample"],
    )
    write(wells, "augmented")
    for end, samples in (("", "all"), ("_negcon", CONTROLS)):
        normal = peer.normalize(wells, method="mad_robustize", samples=samples)
        write(normal, f"normalized{end}")
        chosen = peer.feature_select(normal, operation=list(SELECTION))
        write(chosen, f"normalized_feature_select{end}_plate")


def our_writer(folder: Path) -> Write:
    """Return what writes a table as the published ones are."""
    from cellfolio.formats.saving import write_table

    return lambda table, name: write_table(table, folder / f"ours_{name}.csv.gz", FORMAT)


def peer_writer(folder: Path) -> Write:
    """Return the same of pycytominer."""
    from pycytominer.cyto_utils import output

    return lambda table, name: output(
        table, str(folder / f"peer_{name}.csv.gz"), float_format=FORMAT
    )
