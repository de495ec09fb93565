"""The real pair of tables that is here: 162 compounds, morphology and expression."""

from __future__ import annotations

from pathlib import Path

import pandas as pd


def read_cdrp(shared: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return morphology and expression, named by compound."""
    folder = shared / "data" / "cdrp_162"
    morphology = pd.read_csv(folder / "cell_painting.csv.gz", index_col="pert_id")
    return morphology, pd.read_csv(folder / "l1000.csv.gz", index_col="pert_id")
