"""A small plate of images, drawn by the tests: four sites of two channels, and their labels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import tifffile

CHANNELS = {"DNA": 5, "RNA": 3}
SITES = (("A01", 1), ("A01", 2), ("B02", 1), ("B02", 2))
SHAPE = (40, 48)


def draw_site(seed: int) -> dict[str, npt.NDArray[np.uint16]]:
    """Draw two channels, and the labels of two or three cells, which have any numbers."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    nuclei, cells = np.zeros((2, *SHAPE), np.uint16)
    for number, (row, column) in enumerate([(10, 12), (26, 34), (30, 10)][: 2 + seed % 2], 3):
        away = np.hypot(y - row, x - column)
        cells[(away < 9) & (cells == 0)] = number
        nuclei[away < 4] = number
    noise = random.integers(0, 2000, (2, *SHAPE))
    dna = (20_000 * (nuclei > 0) + noise[0]).astype(np.uint16)
    rna = (9_000 * (cells > 0) + noise[1]).astype(np.uint16)
    return {"DNA": dna, "RNA": rna, "nuclei": nuclei, "cells": cells}


def write_plate(folder: Path, plate: str = "P1") -> Path:
    """Write the images as an Opera Phenix does, and labels beside: ``images/`` and ``labels/``."""
    images = folder / "images" / f"{plate}__2020-11-05T19_51_35-Measurement1" / "Images"
    labels = folder / "labels" / plate
    for place in (images, labels):
        place.mkdir(parents=True)
    for seed, (well, site) in enumerate(SITES):
        drawn = draw_site(seed)
        for channel, number in CHANNELS.items():
            tifffile.imwrite(images / image_name(well, site, number), drawn[channel])
        for kind in ("nuclei", "cells"):
            tifffile.imwrite(labels / f"{well}_{site}_{kind}.tiff", drawn[kind])
    return folder


def image_name(well: str, site: int, channel: int) -> str:
    """Return what the Opera Phenix calls an image."""
    row = ord(well[0]) - ord("A") + 1
    return f"r{row:02}c{well[1:]}f{site:02}p01-ch{channel}sk1fk1fl1.tiff"


def image_path(folder: Path, well: str, site: int, channel: str, plate: str = "P1") -> Path:
    """Return where an image of `write_plate` is."""
    name = image_name(well, site, CHANNELS[channel])
    return folder / "images" / f"{plate}__2020-11-05T19_51_35-Measurement1" / "Images" / name
