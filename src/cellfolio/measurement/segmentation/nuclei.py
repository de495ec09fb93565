"""Nuclei: bright objects of the right size, told from each other where they touch.

The definitions are those of CellProfiler's module IdentifyPrimaryObjects (version 4.2).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cellfolio.measurement.objects import Ints, Labels, Plane
from cellfolio.measurement.segmentation.declumping import divide
from cellfolio.measurement.segmentation.illumination import subtract_background
from cellfolio.measurement.segmentation.labelling import (
    at_border,
    components_of,
    fill_holes,
    renumber,
)
from cellfolio.measurement.segmentation.settings import NucleusSettings
from cellfolio.measurement.segmentation.thresholds import find_foreground


@dataclass(frozen=True, slots=True, eq=False)
class Nuclei:
    """Nuclei of an image, and objects that were discarded.

    Attributes
    ----------
    labels : array of int32, shape (rows, columns)
        The nuclei, by numbers from 1.
    all_labels : array of int32
        Nuclei, then those that are too large, then those that are too small or touch the border.
    too_large : int
        How many are discarded because they are too large alone.
    """

    labels: Labels
    all_labels: Labels
    too_large: int = 0


def find_nuclei(image: Plane, settings: NucleusSettings | None = None) -> Nuclei:
    """Find nuclei in an image.

    Parameters
    ----------
    image : array of float32, shape (rows, columns)
        From 0 to 1.
    settings : NucleusSettings, optional

    Returns
    -------
    Nuclei
        Holes are filled in `labels` only.
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
    kept, large = _chosen(labels, count, settings)
    all_nuclei = renumber(labels, np.concatenate([kept, large]))
    nuclei: Labels = np.where(all_nuclei <= len(kept), all_nuclei, 0)
    if settings.fill_holes != "Never":
        nuclei = fill_holes(nuclei, objects=True)
    return Nuclei(nuclei, all_nuclei, len(large))


def _chosen(labels: Labels, count: int, settings: NucleusSettings) -> tuple[Ints, Ints]:
    """Return the numbers of objects that are nuclei, and of those that are too large."""
    numbers = np.arange(1, count + 1)
    areas = np.bincount(labels.ravel(), minlength=count + 1)
    least, most = (np.pi * d**2 / 4 for d in (settings.min_diameter, settings.max_diameter))
    large = numbers[:0]
    if settings.discard_border:
        numbers = np.setdiff1d(numbers, at_border(labels))
    if settings.discard_outside_size:
        numbers = numbers[areas[numbers] >= least]
        large = numbers[areas[numbers] > most]
        numbers = numbers[areas[numbers] <= most]
    if settings.maximum_count is not None and len(numbers) > settings.maximum_count:
        large, numbers = np.union1d(numbers, large), numbers[:0]
    return numbers, large
