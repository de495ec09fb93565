"""A small cardiomyocyte study: the folders and tables of the true package, made up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellfolio.formats.images import PixelSize, write_ome_tiff
from cellfolio.simulation import ExperimentDesign, simulate_site
from tests.metadata.study import IMAGES, write_study
from tests.servers import open_data

BUCKET = "cardio-study"
NAME = "aics/cardio_diff_manuscript"
VARIABLES = {"CELLFOLIO_MIRROR": f"s3://{open_data.CARDIO}=s3://{BUCKET}/{open_data.CARDIO}"}
"""What leads readers of the public bucket to the copy."""
README = b"""# Cell states beyond transcriptomics

The layout of the study's package; the values are made up.
"""
CHANNELS = ("bf", "488", "561", "638", "nuc")
_FROM = (1, 3, 4, 2, 0)
"""Channels of the simulator that they are made from."""
COUNTS = b"%%MatrixMarket matrix coordinate integer general\n2 3 3\n1 1 5\n2 2 7\n2 3 1\n"


def field(number: int) -> NDArray[np.uint16]:
    """Return the channels of a field, of cells that the simulator makes."""
    design = ExperimentDesign(seed=5, plate_count=1)
    (plate,) = design.plates
    site = simulate_site(design, plate, design.layout(plate)[number], 1)
    found: NDArray[np.uint16] = site.images[list(_FROM)][:, :200]
    return found


def publish_cardio(client: Any, scratch: Path) -> None:
    """Put the package into the bucket."""
    folder = write_study(scratch / "study")
    fields = folder / "2d_segmented_fields/2D_fov_tiff_path"
    fields.mkdir(parents=True)
    for number, name in enumerate(IMAGES):
        path = fields / f"1a2b3c4d_{name}.tiff"
        pixels, size = field(number), PixelSize(0.12, 0.12)
        write_ome_tiff(path, pixels, "CYX", channels=CHANNELS, pixel_size=size)
    files = {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    files["README.md"] = README
    files["scrnaseq_data/raw_counts.mtx"] = COUNTS
    files["scrnaseq_data/genes.csv"] = b"gene\nMYH6_HUMAN\nMYH7_HUMAN\n"
    files["scrnaseq_data/cells.csv"] = b"cell,day\nc1,D12\nc2,D24\nc3,D90\n"
    for key, data in open_data.registry(open_data.CARDIO, NAME, files).items():
        client.put_object(Bucket=BUCKET, Key=key, Body=data)
