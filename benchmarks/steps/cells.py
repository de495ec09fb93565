"""Steps that make single cells of any program tables and profiles."""

from __future__ import annotations

import tempfile
import warnings
from pathlib import Path

from benchmarks.steps import Work, step


@step
def ours_cells(path: str) -> Work:
    import pandas as pd

    from cellfolio.formats.single_cells.opening import open_cells
    from cellfolio.workflows.cell_profiles import aggregate_cells

    # What is imported on first use.
    with tempfile.TemporaryDirectory() as folder:
        cells = pd.DataFrame({"Metadata_Plate": "P", "Metadata_Well": "A01", "Cells_A": [1.0]})
        cells.to_parquet(Path(folder, "cells.parquet"))
        aggregate_cells(open_cells(Path(folder)))
    return lambda: aggregate_cells(open_cells(Path(path)), count_objects=True)


_WELLS = ["Metadata_Plate", "Metadata_Well"]


@step
def polars_cells(path: str) -> Work:
    import polars as pl

    features = pl.all().exclude(_WELLS)
    return lambda: pl.read_parquet(path).group_by(_WELLS).agg(features.median())


@step
def pycytominer_cells(path: str) -> Work:
    import pandas as pd
    import pycytominer as peer

    return lambda: peer.aggregate(pd.read_parquet(path), _WELLS)


@step
def pycytominer_single_cells(path: str) -> Work:
    warnings.simplefilter("ignore")
    from pycytominer.cyto_utils.cells import SingleCells

    return lambda: SingleCells(
        f"sqlite:///{path}",
        strata=_WELLS,
        image_cols=["TableNumber", "ImageNumber", "Metadata_Site"],
        fields_of_view_feature="Metadata_Site",
    ).aggregate_profiles()


@step
def ours_tree(folder: str) -> Work:
    import pandas
    import pyarrow.csv
    import pyarrow.parquet

    from cellfolio.workflows.single_cells import single_cells

    assert pandas
    assert pyarrow.csv
    assert pyarrow.parquet
    return lambda: single_cells(folder, Path(folder).parent / "cells.parquet")


@step
def pandas_tree(folder: str) -> Work:
    """Read all tables, and do nothing with them."""
    import pandas as pd

    from cellfolio.formats.delimited import exact_decimals

    paths = sorted(Path(folder).glob("*/*.csv"))
    return lambda: [len(pd.read_csv(path, low_memory=False, **exact_decimals())) for path in paths]
