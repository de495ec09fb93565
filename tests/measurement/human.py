"""What CellProfiler measured on one image of its example of human cells, and nuclei like its own.

The tables come without label images. Nuclei that lie alone need no dividing: they are made again
from the published threshold and smoothing, and taken where area and bounding box are those of the
tables, to the pixel.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import scipy.ndimage as ndi
import tifffile

CHANNELS = {"DNA": 0, "PH3": 1}
_NAME = "AS_09125_050116030001_D03f00d"
_SIGMA = 1.3488 / 0.6744 / 2
"""CellProfiler's smoothing scale is where a filter falls to a half, as a diameter."""
_BOX = tuple(
    f"AreaShape_BoundingBox{end}_{axis}" for end in ("Minimum", "Maximum") for axis in ("Y", "X")
)


@dataclass(frozen=True)
class Human:
    """Images, labels of the nuclei that are alike, and their rows of the table, in one order."""

    images: dict[str, npt.NDArray[np.uint8]]
    labels: npt.NDArray[np.int32]
    table: pd.DataFrame
    count: int


def read_human(shared: Path) -> Human:
    """Read the image and what was measured; `count` is of all nuclei."""
    folder = shared / "data/example_human"
    images = {
        name: tifffile.imread(folder / f"{_NAME}{number}.tif") for name, number in CHANNELS.items()
    }
    table = pd.read_csv(folder / "Nuclei.csv")
    threshold = pd.read_csv(folder / "Image.csv")["Threshold_FinalThreshold_Nuclei"].iloc[0]
    smooth = ndi.gaussian_filter(images["DNA"] / 255, _SIGMA, mode="constant")
    found, _ = ndi.label(smooth >= threshold, np.ones((3, 3)))
    rows = {(*map(int, row[1:]), int(row[0])): at
            for at, row in enumerate(table[["AreaShape_Area", *_BOX]].to_numpy())}  # fmt: skip
    labels = np.zeros(found.shape, np.int32)
    taken = []
    for number, (down, across) in enumerate(ndi.find_objects(found), 1):
        filled = ndi.binary_fill_holes(found[down, across] == number)
        key = (down.start, across.start, down.stop, across.stop, int(filled.sum()))
        if key in rows:
            taken.append(rows[key])
            labels[down, across][filled] = len(taken)
    return Human(images, labels, table.iloc[taken].reset_index(drop=True), len(table))
