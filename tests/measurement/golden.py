"""What CellProfiler 4.2.8.1 measured on two sites of CPJUMP1."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import tifffile

CHANNELS = {"AGP": 2, "DNA": 5, "ER": 4, "Mito": 1, "RNA": 3}
SITES = {
    "DMSO_r04c14f05": "DMSO/r04c14f05p01",
    "dexamethasone_r01c21f05": "dexamethasone/r01c21f05p01",
}
KINDS = ("Nuclei", "Cells", "Cytoplasm")


@dataclass(frozen=True)
class GoldenSite:
    """Images, labels and measurements of a site; tables by kind of object."""

    images: dict[str, npt.NDArray[np.uint16]]
    labels: dict[str, npt.NDArray[np.uint16]]
    tables: dict[str, pd.DataFrame]


def read_site(shared: Path, name: str) -> GoldenSite:
    """Read a site."""
    images = shared / "data/cpjump1/example_images"
    golden = shared / "data/cellprofiler_golden" / name
    return GoldenSite(
        {
            channel: tifffile.imread(images / f"{SITES[name]}-ch{number}sk1fk1fl1.tiff")
            for channel, number in CHANNELS.items()
        },
        {kind: tifffile.imread(golden / f"{kind}_labels.tiff") for kind in KINDS},
        {kind: pd.read_parquet(golden / f"{kind}.parquet") for kind in KINDS},
    )


def read_image_table(shared: Path, name: str) -> dict[str, float]:
    """Read the row of a site in the table of images."""
    path = shared / "data/cellprofiler_golden" / name / "Image.json"
    found: dict[str, float] = json.loads(path.read_text(encoding="utf-8"))
    return found
