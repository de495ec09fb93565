"""Made-up wells with known truth."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd


def make_wells(
    compounds: int = 40, replicates: int = 4, *, effect: float = 1.0, width: int = 30, seed: int = 1
) -> pd.DataFrame:
    """Make wells on plates, one replicate on each; the first half of the compounds acts."""
    rng = np.random.default_rng(seed)
    controls = max(4, compounds // 4)
    drug = [f"c{at:03d}" for at in range(compounds)] + ["DMSO"] * controls
    acts = np.zeros((len(drug), width))
    acts[: compounds // 2] = effect * rng.normal(size=(compounds // 2, width))
    plates = []
    for plate in range(replicates):
        values = acts + rng.normal(size=acts.shape)
        metadata = pd.DataFrame(
            {
                "Metadata_Plate": f"P{plate}",
                "Metadata_drug": drug,
                "Metadata_negcon": [name == "DMSO" for name in drug],
                "Metadata_target": [f"g{at // 2 % 9}|g{at % 7}" for at in range(len(drug))],
            }
        )
        names = [f"Cells_Kind_{at}" for at in range(width)]
        plates.append(pd.concat([metadata, pd.DataFrame(values, columns=names)], axis=1))
    return pd.concat(plates, ignore_index=True)


def features(table: pd.DataFrame) -> list[str]:
    return [name for name in table.columns if name.startswith("Cells")]


def as_anndata(table: pd.DataFrame) -> Any:
    import anndata

    named = features(table)
    obs = table.drop(columns=named).set_axis(table.index.astype(str))
    return anndata.AnnData(X=table[named].to_numpy(), obs=obs, var=pd.DataFrame(index=named))
