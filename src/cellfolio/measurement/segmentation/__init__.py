"""Segmentation: from images to labels of nuclei, cells and cytoplasm, as CellProfiler finds them.

>>> import numpy as np
>>> from cellfolio.measurement import segment
>>> y, x = np.mgrid[:60, :60]
>>> away = np.hypot(y - 30, x - 30)
>>> images = {"DNA": np.where(away < 10, 0.4, 0.01), "RNA": np.where(away < 20, 0.2, 0.001)}
>>> segment(images).count
1
"""

from cellfolio.measurement.segmentation.illumination import (
    find_background,
    subtract_background,
)
from cellfolio.measurement.segmentation.plates import (
    IlluminationSettings,
    ImageSum,
    correct_illumination,
    find_illumination,
)
from cellfolio.measurement.segmentation.segmenting import (
    KINDS,
    CellFinder,
    NucleusFinder,
    Segmentation,
    labels_given,
    segment,
)
from cellfolio.measurement.segmentation.settings import (
    Background,
    CellSettings,
    NucleusSettings,
    SegmentationSettings,
    Threshold,
)

__all__ = [
    "KINDS",
    "Background",
    "CellFinder",
    "CellSettings",
    "IlluminationSettings",
    "ImageSum",
    "NucleusFinder",
    "NucleusSettings",
    "Segmentation",
    "SegmentationSettings",
    "Threshold",
    "correct_illumination",
    "find_background",
    "find_illumination",
    "labels_given",
    "segment",
    "subtract_background",
]
