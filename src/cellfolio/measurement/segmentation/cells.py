"""Cells: what is around nuclei.

The definitions are those of CellProfiler's module IdentifySecondaryObjects (version 4.2).
"""

from __future__ import annotations

import numpy as np
import scipy.ndimage as ndi

from cellfolio.measurement.objects import Labels, Plane
from cellfolio.measurement.segmentation.labelling import at_border, fill_holes
from cellfolio.measurement.segmentation.nuclei import Nuclei
from cellfolio.measurement.segmentation.propagation import propagate
from cellfolio.measurement.segmentation.settings import CellSettings
from cellfolio.measurement.segmentation.thresholds import find_foreground
from cellfolio.measurement.segmentation.watershed import flood


def find_cells(image: Plane, nuclei: Nuclei, settings: CellSettings | None = None) -> Labels:
    """Find the cells of nuclei, also of those at the border.

    Parameters
    ----------
    image : array of float32, shape (rows, columns)
        From 0 to 1.
    nuclei : Nuclei
    settings : CellSettings, optional

    Returns
    -------
    array of int32
        A cell has the number of its nucleus. Nuclei that were discarded have cells only where they
        touch the border, so that cells in view do not take theirs.
    """
    settings = settings or CellSettings()
    found = nuclei.all_labels
    touching = np.zeros(int(found.max(initial=0)) + 1, dtype=bool)
    touching[at_border(found)] = True
    seeds: Labels = np.where(touching[found] | (nuclei.labels > 0), found, 0)
    if not seeds.any():
        return seeds
    cells = _grown(image, seeds, settings)
    return fill_holes(cells, objects=False) if settings.fill_holes else cells


def _grown(image: Plane, seeds: Labels, settings: CellSettings) -> Labels:
    if settings.method == "Distance - N":
        away, nearest = ndi.distance_transform_edt(seeds == 0, return_indices=True)
        return np.where(away <= settings.distance, seeds[tuple(nearest)], 0).astype(np.int32)
    mask = find_foreground(image, settings.threshold)
    if settings.method == "Propagation":
        cells = propagate(image.astype(np.float64), seeds, mask, settings.regularization_factor)
        return np.where(seeds > 0, seeds, cells)
    if settings.method == "Watershed - Gradient":
        levels = np.abs(ndi.sobel(image))
    else:
        levels = np.float32(1) - image
    return flood(levels, seeds, mask | (seeds > 0))
