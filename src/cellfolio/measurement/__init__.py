"""Measurement: from images and labels to features of single objects.

Pure functions over arrays. A definition is in one file for each group of features, with its
formula and source; the numbers are those of CellProfiler 4.2:

>>> import numpy as np
>>> from cellfolio.measurement import MeasurementSettings, measure_objects
>>> labels = np.array([[1, 1, 0, 2, 2]])
>>> images = {"DNA": np.array([[10, 20, 0, 40, 40]], dtype=np.uint8)}
>>> measure_objects(labels, images, MeasurementSettings(groups=("Intensity",)))[
...     "Intensity_MeanIntensity_DNA"
... ].round(4).tolist()
[0.0588, 0.1569]
"""

from cellfolio.measurement.costes import CostesSettings
from cellfolio.measurement.crops import Crops, CropSettings, crop_cells
from cellfolio.measurement.granularity import GranularitySettings, Spectrum
from cellfolio.measurement.image_features import measure_image
from cellfolio.measurement.image_quality import measure_image_quality
from cellfolio.measurement.measuring import (
    GROUPS,
    MeasurementSettings,
    measure_objects,
    scale_image,
)
from cellfolio.measurement.networks import Network, Presentation, embed_cells
from cellfolio.measurement.objects import Objects
from cellfolio.measurement.segmentation import (
    KINDS,
    Background,
    CellSettings,
    IlluminationSettings,
    ImageSum,
    NucleusSettings,
    Segmentation,
    SegmentationSettings,
    Threshold,
    correct_illumination,
    find_illumination,
    labels_given,
    segment,
)
from cellfolio.measurement.site import SiteMeasurements, SiteSettings, measure_site
from cellfolio.measurement.threshold_quality import measure_threshold

__all__ = [
    "GROUPS",
    "KINDS",
    "Background",
    "CellSettings",
    "CostesSettings",
    "CropSettings",
    "Crops",
    "GranularitySettings",
    "IlluminationSettings",
    "ImageSum",
    "MeasurementSettings",
    "Network",
    "NucleusSettings",
    "Objects",
    "Presentation",
    "Segmentation",
    "SegmentationSettings",
    "SiteMeasurements",
    "SiteSettings",
    "Spectrum",
    "Threshold",
    "correct_illumination",
    "crop_cells",
    "embed_cells",
    "find_illumination",
    "labels_given",
    "measure_image",
    "measure_image_quality",
    "measure_objects",
    "measure_site",
    "measure_threshold",
    "scale_image",
    "segment",
]
