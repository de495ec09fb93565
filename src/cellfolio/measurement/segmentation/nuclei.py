"""Nuclei: bright objects of the right size, told from each other where they touch.

The definitions are those of CellProfiler's module IdentifyPrimaryObjects (version 4.2).
"""

from __future__ import annotations

import numpy as np

from cellfolio.measurement.objects import Labels, Plane
from cellfolio.measurement.segmentation.declumping import divide
from cellfolio.measurement.segmentation.illumination import subtract_background
from cellfolio.measurement.segmentation.labelling import (
    Mask,
    at_border,
    components_of,
    fill_holes,
    renumber,
)
from cellfolio.measurement.segmentation.settings import NucleusSettings
from cellfolio.measurement.segmentation.thresholds import find_foreground


def find_nuclei(image: Plane, settings: NucleusSettings | None = None) -> tuple[Labels, Labels]:
    """Find nuclei in an image.

    Parameters
    ----------
    image : array of float32, shape (rows, columns)
        From 0 to 1.
    settings : NucleusSettings, optional

    Returns
    -------
    tuple of array of int32
        The nuclei, with numbers from 1, and all, also those that were discarded: they have the
        numbers behind. Only the former have their holes filled.
    """
    settings = settings or NucleusSettings()
    if settings.background is not None:
        image = subtract_background(image, settings.background)
    foreground = find_foreground(image, settings.threshold)
    if settings.fill_holes.startswith("After both"):
        parts = foreground.astype(np.int32)
        less = settings.max_diameter**2
        foreground = fill_holes(parts, objects=True, less_than=less) > 0
    labels = divide(image, components_of(foreground), settings)
    count = int(labels.max(initial=0))
    kept = _kept(labels, count, settings)
    all_nuclei = renumber(labels, np.flatnonzero(kept))
    nuclei: Labels = np.where(kept[labels], all_nuclei, 0)
    if settings.fill_holes != "Never":
        nuclei = fill_holes(nuclei, objects=True)
    return nuclei, all_nuclei


def _kept(labels: Labels, count: int, settings: NucleusSettings) -> Mask:
    """Return, by number, which objects are nuclei."""
    kept = np.ones(count + 1, dtype=bool)
    kept[0] = False
    if settings.discard_border:
        kept[at_border(labels)] = False
    if settings.discard_outside_size:
        areas = np.bincount(labels.ravel(), minlength=count + 1)
        least, most = (np.pi * d**2 / 4 for d in (settings.min_diameter, settings.max_diameter))
        kept &= (areas >= least) & (areas <= most)
    if settings.maximum_count is not None and kept.sum() > settings.maximum_count:
        kept[:] = False
    return kept
