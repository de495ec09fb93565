"""Features of whole images: granularity, texture, colocalization, counts.

What CellProfiler (version 4.2) writes into its table of images. Definitions are those of the
features of objects, with the whole image as the object, but for two rules of its own: in textures,
gray level 0 counts as any other; and colocalization has the slope, too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np
import numpy.typing as npt

from cellfolio.errors import InvalidArgument
from cellfolio.measurement.colocalization import measure_colocalization
from cellfolio.measurement.compiled import compiled
from cellfolio.measurement.granularity import Spectrum
from cellfolio.measurement.haralick import NAMES, Counts, features_of_pairs
from cellfolio.measurement.measuring import MeasurementSettings, scale_image
from cellfolio.measurement.objects import Objects, Plane
from cellfolio.measurement.texture import (
    DIRECTIONS,
    LEVELS,
    Grays,
    gray_levels,
)
from cellfolio.package.nearest import suggest

IMAGE_GROUPS = ("Correlation", "Granularity", "Texture")
"""Of `GROUPS`, those that whole images have."""
CPJUMP1_GROUPS = ("Granularity", "Texture")
"""Those that CPJUMP1 measured of whole images."""


def measure_image(
    images: Mapping[str, npt.ArrayLike],
    settings: MeasurementSettings | None = None,
    *,
    groups: Sequence[str] = CPJUMP1_GROUPS,
    spectra: Mapping[str, Spectrum] | None = None,
) -> dict[str, float]:
    """Measure whole images in all channels, as CellProfiler does.

    Parameters
    ----------
    images : mapping of str to array, shape (rows, columns)
        By name of the channel; see `scale_image`.
    settings : MeasurementSettings, optional
        Scales of texture, granularity and the threshold of colocalization. Its groups are those of
        objects, and not used.
    groups : sequence of str
        Of `IMAGE_GROUPS`; by default those of CPJUMP1.
    spectra : mapping of str to Spectrum, optional
        Of the images, where objects are measured in them, too.

    Returns
    -------
    dict of str to float
        By name, with CellProfiler's names: ``Granularity_<step>_<channel>``,
        ``Texture_<feature>_<channel>_<scale>_<direction>_256``, ``Correlation_<feature>_<A>_<B>``.

    Raises
    ------
    InvalidArgument
        If there is no such group, images have different shapes, or cannot be used.

    Examples
    --------
    >>> image = np.arange(64, dtype=np.uint8).reshape(8, 8)
    >>> settings = MeasurementSettings(texture_scales=(1,))
    >>> found = measure_image({"DNA": image}, settings, groups=["Texture"])
    >>> found["Texture_Contrast_DNA_1_00_256"]
    1.0
    """
    settings = settings or MeasurementSettings()
    for group in groups:
        if group not in IMAGE_GROUPS:
            raise InvalidArgument(
                f"whole images have no features {group!r}", hint=suggest(group, IMAGE_GROUPS)
            )
    planes = {name: scale_image(image, f"channel {name}") for name, image in images.items()}
    shapes = {name: plane.shape for name, plane in planes.items()}
    for name, shape in shapes.items():
        if shape != next(iter(shapes.values())) or not planes[name].size:
            first = next(iter(shapes))
            raise InvalidArgument(
                f"channel {name} should have pixels, and the shape of {first}, "
                f"{shapes[first]}, found {shape}"
            )
    found: dict[str, float] = {}
    if "Correlation" in groups and planes:
        found |= measure_image_colocalization(planes, threshold=settings.threshold)
    for name, plane in planes.items():
        if "Granularity" in groups:
            spectrum = (spectra or {}).get(name) or Spectrum.of(plane, settings.granularity)
            found |= spectrum.of_image(name)
        if "Texture" in groups:
            found |= measure_image_texture(plane, name, settings.texture_scales)
    return {name: found[name] for name in sorted(found)}


def measure_image_colocalization(
    images: Mapping[str, Plane], *, threshold: float = 15.0
) -> dict[str, float]:
    """Measure how alike each two channels are within the whole image.

    Parameters
    ----------
    images : mapping of str to array of float32, shape (rows, columns)
        By name of the channel, of one shape; from 0 to 1.
    threshold : float
        See `measure_colocalization`.

    Returns
    -------
    dict of str to float
        Those of `measure_colocalization`, and ``Correlation_Slope_A_B``: by how much B rises with
        A, by least squares; missing where A has one value.

    Examples
    --------
    >>> one = np.array([[0.1, 0.2, 0.4]], dtype=np.float32)
    >>> found = measure_image_colocalization({"ER": one, "RNA": 2 * one})
    >>> round(found["Correlation_Slope_ER_RNA"], 6)
    2.0
    """
    everything = Objects.of(np.ones(next(iter(images.values())).shape, dtype=np.uint8))
    found = {
        name: float(values[0])
        for name, values in measure_colocalization(everything, images, threshold=threshold).items()
    }
    wide = {name: image.astype(np.float64) for name, image in images.items()}
    away = {name: image - image.mean() for name, image in wide.items()}
    for one, other in combinations(sorted(images), 2):
        square = float((away[one] ** 2).sum())
        rise = float((away[one] * away[other]).sum())
        found[f"Correlation_Slope_{one}_{other}"] = rise / square if square else float("nan")
    return found


def measure_image_texture(
    image: Plane, channel: str, scales: Sequence[int] = (3, 5, 10)
) -> dict[str, float]:
    """Measure the texture of a whole image.

    Parameters
    ----------
    image : array of float32, shape (rows, columns)
        From 0 to 1.
    channel : str
    scales : sequence of int
        See `measure_texture`.

    Returns
    -------
    dict of str to float
        Names of `measure_texture`; 0 in all directions of a scale that has no pair in one of them.

    Examples
    --------
    >>> checks = np.indices((4, 4)).sum(axis=0) % 2
    >>> found = measure_image_texture(checks.astype(np.float32), "DNA", [1])
    >>> found["Texture_Contrast_DNA_1_00_256"]
    65025.0
    """
    grays = gray_levels(image)
    levels = int(grays.max()) + 1
    found: dict[str, float] = {}
    for scale in scales:
        pairs = np.zeros((len(DIRECTIONS), LEVELS, LEVELS), dtype=np.int32)
        _count_pairs(grays, scale, pairs)
        for direction, values in enumerate(features_of_pairs(pairs, levels).T.tolist()):
            for name, value in zip(NAMES, values, strict=True):
                found[f"Texture_{name}_{channel}_{scale}_{direction:02d}_{LEVELS}"] = value
    return found


@compiled
def _count_pairs(grays: Grays, scale: int, found: Counts) -> None:
    """Count pairs of gray levels of pixels and their neighbours, in all `DIRECTIONS` at once."""
    rows, columns = grays.shape
    for y in range(rows):
        below = y + scale < rows
        for x in range(columns):
            own = grays[y, x]
            beside = x + scale < columns
            if beside:
                found[0, own, grays[y, x + scale]] += 1
            if below and beside:
                found[1, own, grays[y + scale, x + scale]] += 1
            if below:
                found[2, own, grays[y + scale, x]] += 1
            if below and x >= scale:
                found[3, own, grays[y + scale, x - scale]] += 1
