"""Plates whose quality is known, because it was made."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cellfolio.registries.plates import PLATES

WELLS = [str(well) for well in PLATES[96].wells()]
PLACES = {str(well): (well.row, well.column) for well in PLATES[96].wells()}
CONTROLS = "Metadata_drug == 'DMSO'"


def make_plate(seed: int = 3, features: int = 40) -> pd.DataFrame:
    """Return 96 wells: 16 controls, and 20 drugs with 4 replicates each, which agree."""
    random = np.random.default_rng(seed)
    drugs = ["DMSO"] * 16 + [f"drug {n:02d}" for n in range(20) for _ in range(4)]
    order = random.permutation(96)
    signatures = {name: random.normal(size=features) * 2 for name in sorted(set(drugs) - {"DMSO"})}
    values = random.normal(size=(96, features))
    for row, drug in enumerate(drugs):
        values[row] += signatures.get(drug, 0.0)
    channels = ("DNA", "ER", "RNA", "AGP", "Mito")
    names = [
        f"{('Cells', 'Nuclei')[n % 2]}_Texture_Contrast_{channels[n % 5]}_{n}_00"
        for n in range(features)
    ]
    table = pd.DataFrame(values[order], columns=names)
    table.insert(0, "Metadata_Plate", "P1")
    table.insert(1, "Metadata_Well", WELLS)
    table.insert(2, "Metadata_drug", [drugs[at] for at in order])
    table.insert(3, "Metadata_Object_Count", random.poisson(400, 96))
    return table
