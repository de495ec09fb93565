"""Measuring objects: every group of features, in one table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from cellfolio.errors import InvalidArgument
from cellfolio.measurement.colocalization import measure_colocalization
from cellfolio.measurement.costes import CostesSettings, measure_costes
from cellfolio.measurement.granularity import (
    GranularitySettings,
    Sampling,
    Spectrum,
    measure_granularity,
)
from cellfolio.measurement.intensity import measure_intensity
from cellfolio.measurement.neighbors import measure_neighbors
from cellfolio.measurement.objects import Floats, Objects, Plane
from cellfolio.measurement.radial import Rings, measure_radial_distribution
from cellfolio.measurement.size_shape import measure_size_shape
from cellfolio.measurement.texture import measure_texture
from cellfolio.package.nearest import suggest

if TYPE_CHECKING:
    import pandas as pd

GROUPS = (
    "AreaShape", "Correlation", "Granularity", "Intensity", "Location", "Neighbors",
    "RadialDistribution", "Texture",
)  # fmt: skip
"""How features begin."""


@dataclass(frozen=True, slots=True)
class MeasurementSettings:
    """What is measured; the defaults are those of CPJUMP1.

    Attributes
    ----------
    groups : tuple of str
        Of `GROUPS`.
    neighbor_distance : int
        In pixels: 5 for cells; CPJUMP1 has 1 for nuclei.
    texture_scales : tuple of int
        In pixels.
    rings : int
        Of radial distributions.
    threshold : float
        Per cent of an object's brightest pixel, for colocalization.
    granularity : GranularitySettings
    costes : CostesSettings or None
        Colocalization above thresholds by Costes, too; CPJUMP1 has none.

    Examples
    --------
    >>> MeasurementSettings(groups=("Textur",))
    Traceback (most recent call last):
    ...
    cellfolio.errors.InvalidArgument: there are no features 'Textur'
    """

    groups: tuple[str, ...] = GROUPS
    neighbor_distance: int = 5
    texture_scales: tuple[int, ...] = (3, 5, 10)
    rings: int = 4
    threshold: float = 15.0
    granularity: GranularitySettings = field(default_factory=GranularitySettings)
    costes: CostesSettings | None = None

    def __post_init__(self) -> None:
        for group in self.groups:
            if group not in GROUPS:
                raise InvalidArgument(
                    f"there are no features {group!r}", hint=suggest(group, GROUPS)
                )
        if not self.texture_scales or min(self.texture_scales) < 1:
            raise InvalidArgument(
                f"texture_scales should be at least 1 pixel, found {self.texture_scales}"
            )
        if not 1 <= self.rings <= 100:
            raise InvalidArgument(f"rings should be from 1 to 100, found {self.rings!r}")


def scale_image(image: npt.ArrayLike, name: str = "the image") -> Plane:
    """Return an image from 0 to 1 in single precision, as CellProfiler has it.

    Parameters
    ----------
    image : array, shape (rows, columns)
        Whole numbers are divided by the greatest of their type; others must be from 0 to 1.
    name : str
        Of the channel, for messages.

    Raises
    ------
    InvalidArgument
        If it is no plane, or has values that are missing or out of range.

    Examples
    --------
    >>> scale_image(np.array([[0, 65535]], dtype=np.uint16)).tolist()
    [[0.0, 1.0]]
    """
    given = np.asarray(image)
    if given.ndim != 2:
        raise InvalidArgument(f"{name} should be one plane, found the shape {given.shape}")
    if given.dtype.kind == "b":
        return given.astype(np.float32)
    if given.dtype.kind in "iu":
        if given.size and int(given.min()) < 0:
            raise InvalidArgument(f"{name} should have no negative values, found {given.min()}")
        most = np.iinfo(given.dtype).max
        return given.astype(np.float32) / np.float32(most)
    if given.dtype.kind != "f":
        raise InvalidArgument(f"{name} should hold numbers, found {given.dtype}")
    low, high = (float(given.min()), float(given.max())) if given.size else (0.0, 0.0)
    if not (low >= 0 and high <= 1):
        missing = "missing values" if np.isnan(low) else f"{low:g} to {high:g}"
        raise InvalidArgument(
            f"{name} should have values from 0 to 1, found {missing}",
            hint="divide it by its greatest possible value, and fill in what is missing",
        )
    return given.astype(np.float32)


def measure_objects(
    labels: npt.ArrayLike,
    images: Mapping[str, npt.ArrayLike],
    settings: MeasurementSettings | None = None,
    *,
    around: npt.ArrayLike | None = None,
    spectra: Mapping[str, Spectrum] | None = None,
) -> pd.DataFrame:
    """Measure objects of one kind in all channels, as CellProfiler does.

    Parameters
    ----------
    labels : array of int, shape (rows, columns)
        The number of each pixel's object; 0 is background.
    images : mapping of str to array, shape (rows, columns)
        By name of the channel; see `scale_image`.
    settings : MeasurementSettings, optional
    around : array of int, optional
        Labels of all objects of this kind, also of those that were discarded: they are neighbours.
    spectra : mapping of str to Spectrum, optional
        Of the images, where other kinds of objects are measured in them, too.

    Returns
    -------
    pandas.DataFrame
        A row for each object, by label: ``ObjectNumber``, then features by name, as float64, with
        CellProfiler's names without the kind of object. Without objects, it has no rows.

    Raises
    ------
    InvalidArgument
        If an image has another shape than the labels, or cannot be used.

    Examples
    --------
    >>> labels = np.zeros((32, 32), dtype=int)
    >>> labels[4:20, 4:24] = 1
    >>> image = np.linspace(0, 1, 32 * 32).reshape(32, 32)
    >>> settings = MeasurementSettings(groups=("AreaShape", "Intensity"))
    >>> found = measure_objects(labels, {"DNA": image}, settings)
    >>> found[["ObjectNumber", "AreaShape_Area", "Intensity_MaxIntensity_DNA"]].round(3)
       ObjectNumber  AreaShape_Area  Intensity_MaxIntensity_DNA
    0             1           320.0                       0.617
    """
    import pandas as pd

    settings = settings or MeasurementSettings()
    objects = Objects.of(np.asarray(labels))
    planes = {name: scale_image(image, f"channel {name}") for name, image in images.items()}
    for name, plane in planes.items():
        if plane.shape != objects.shape:
            raise InvalidArgument(
                f"channel {name} should have the shape of the labels, {objects.shape}, "
                f"found {plane.shape}"
            )
    wider = None if around is None else Objects.of(np.asarray(around))
    found = _of_labels(objects, settings, wider)
    if "Correlation" in settings.groups:
        found |= measure_colocalization(objects, planes, threshold=settings.threshold)
        if settings.costes is not None:
            found |= measure_costes(objects, planes, settings.costes.for_images(images.values()))
    found |= _of_channels(objects, planes, settings, spectra or {})
    names = sorted(found)
    values = np.array([found[name] for name in names], dtype=np.float64)
    frame = pd.DataFrame(values.reshape(len(names), len(objects)).T, columns=names)
    frame.insert(0, "ObjectNumber", objects.numbers)
    return frame


def _of_labels(
    objects: Objects, settings: MeasurementSettings, around: Objects | None
) -> dict[str, Floats]:
    found: dict[str, Floats] = {}
    if "AreaShape" in settings.groups:
        found |= measure_size_shape(objects)
    if "Location" in settings.groups:
        found["Location_Center_X"] = objects.centers[:, 1]
        found["Location_Center_Y"] = objects.centers[:, 0]
    if "Neighbors" in settings.groups:
        found |= measure_neighbors(objects, settings.neighbor_distance, around)
    return found


def _of_channels(
    objects: Objects,
    planes: Mapping[str, Plane],
    settings: MeasurementSettings,
    spectra: Mapping[str, Spectrum],
) -> dict[str, Floats]:
    found: dict[str, Floats] = {}
    rings = Rings.of(objects, settings.rings) if "RadialDistribution" in settings.groups else None
    samplings: dict[tuple[int, int], Sampling] = {}
    for name, plane in planes.items():
        if {"Intensity", "Location"}.intersection(settings.groups):
            both = measure_intensity(objects, plane, name)
            found |= {one: of for one, of in both.items() if one.startswith(settings.groups)}
        if rings is not None:
            found |= measure_radial_distribution(objects, plane, name, rings)
        if "Texture" in settings.groups:
            found |= measure_texture(objects, plane, name, settings.texture_scales)
        if "Granularity" in settings.groups:
            spectrum = spectra.get(name) or Spectrum.of(plane, settings.granularity)
            shape = spectrum.opened.shape[:2]
            if shape not in samplings:
                samplings[shape] = Sampling.of(objects, shape)
            found |= measure_granularity(objects, plane, name, spectrum, samplings[shape])
    return found
