"""A small experiment of two plates: plate map, images, profiles, objects; with hostile names."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from tests.plates import write_plate

HOSTILE = "<img src=x onerror=alert(1)>"
WELLS = ("A01", "A02", "A03", "B01", "B02", "B03")
DRUGS = ("DMSO", "taxol", HOSTILE, "DMSO", "taxol", "")
PLATES = ("P1", "P2")
FEATURE = "Cells_AreaShape_Area"
GAPS = "Cells_Intensity_Gaps_DNA"
SAME = "Nuclei_AreaShape_Same"


def write_experiment(folder: Path) -> Path:
    """Write it below a folder."""
    batch = folder / "metadata" / "platemaps" / "B1"
    (batch / "platemap").mkdir(parents=True)
    rows = "".join(f"{plate},M1\n" for plate in PLATES)
    (batch / "barcode_platemap.csv").write_text("Assay_Plate_Barcode,Plate_Map_Name\n" + rows)
    lines = [
        f"{well}\t{drug}\t{'negcon' if drug == 'DMSO' else ''}\n"
        for well, drug in zip(WELLS, DRUGS, strict=True)
    ]
    text = "well_position\tperturbation\tcontrol_type\n" + "".join(lines)
    (batch / "platemap" / "M1.txt").write_text(text)
    for plate in PLATES:
        write_plate(folder, plate)
    profiles().to_parquet(folder / "profiles.parquet")
    objects = [(plate, well, at) for plate in PLATES for well in ("A01", "B02") for at in (1, 2, 3)]
    pd.DataFrame(
        objects, columns=["Metadata_Plate", "Metadata_Well", "Metadata_ObjectNumber"]
    ).assign(Cells_Area=range(len(objects))).to_csv(folder / "cells.csv", index=False)
    return folder


def profiles() -> pd.DataFrame:
    """Return profiles of all wells; B02 of P1 is far from the others."""
    random = np.random.default_rng(5)
    pairs = [(plate, well) for plate in PLATES for well in WELLS]
    table = pd.DataFrame(pairs, columns=["Metadata_Plate", "Metadata_Well"])
    table[FEATURE] = random.normal(100, 1, len(table))
    table[GAPS] = [np.nan, np.inf, 1.0, -1.0, 2.0, np.nan] * 2
    table[SAME] = 1.0
    table.loc[table.index[4], FEATURE] = 900.0
    return table


def write_large(folder: Path, rows: int = 32, columns: int = 48) -> Path:
    """Write the profiles of a plate of 1,536 wells, of which a corner is missing."""
    from cellfolio.registries.plates import Well

    wells = [
        str(Well(row, column))
        for row in range(1, rows + 1)
        for column in range(1, columns + 1)
        if row > 2 or column > 2
    ]
    table = pd.DataFrame({"Metadata_Plate": "L", "Metadata_Well": wells})
    table[FEATURE] = np.linspace(-3, 3, len(wells))
    folder.mkdir(parents=True)
    table.to_csv(folder / "large.csv", index=False)
    return folder
