"""Granularity: how much of the intensity is in structures of each size.

The definitions are those of CellProfiler's module MeasureGranularity (version 4.2): a spectrum of
openings by reconstruction (Ravkin and Temov 1988, https://doi.org/10.1117/12.967299).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from cellfolio.errors import InvalidArgument
from cellfolio.measurement.compiled import compiled
from cellfolio.measurement.morphology import interpolate, open_by_disk, open_by_reconstruction
from cellfolio.measurement.objects import Floats, Ints, Objects, Plane, Runs

_SMALLEST = np.finfo(np.float64).eps


@dataclass(frozen=True, slots=True)
class GranularitySettings:
    """How granularity is measured; the defaults are those of CPJUMP1.

    Attributes
    ----------
    subsample : float
        Rows and columns that are kept, as a part of those of the image.
    background_subsample : float
        Of these, the part that is kept to find the background.
    radius : int
        Of the disk, in pixels of the background, that no structure is larger than.
    steps : int
        Length of the spectrum.
    """

    subsample: float = 0.5
    background_subsample: float = 0.5
    radius: int = 10
    steps: int = 16

    def __post_init__(self) -> None:
        for name in ("subsample", "background_subsample"):
            if not 0 < getattr(self, name) <= 1:
                raise InvalidArgument(
                    f"{name} should be above 0 and at most 1, found {getattr(self, name)!r}"
                )
        if self.radius < 1 or not 1 <= self.steps <= 255:
            raise InvalidArgument(
                "radius should be at least 1, and steps from 1 to 255, "
                f"found {self.radius} and {self.steps}"
            )


@dataclass(frozen=True)
class Spectrum:
    """What is left of an image without background when ever larger structures are taken away.

    The same for all kinds of objects.

    Attributes
    ----------
    start : float
        Mean of the smaller image without background.
    opened : array of float32, shape (rows, columns, steps)
        After each step.
    """

    start: float
    opened: npt.NDArray[np.float32] = field(repr=False)

    @classmethod
    def of(cls, image: Plane, settings: GranularitySettings | None = None) -> Spectrum:
        """Open an image by reconstruction, step by step.

        Parameters
        ----------
        image : array of float32, shape (rows, columns)
            From 0 to 1.
        settings : GranularitySettings, optional
        """
        settings = settings or GranularitySettings()
        pixels = _without_background(image, settings)
        opened = open_by_reconstruction(pixels, settings.steps)
        return cls(float(pixels.mean(dtype=np.float64)), opened)

    def of_image(self, channel: str) -> dict[str, float]:
        """Return the spectrum of the whole image.

        Returns
        -------
        dict of str to float
            ``Granularity_<step>_<channel>``: per cent of the mean that a step takes away.
        """
        rows, columns, steps = self.opened.shape
        sums = self.opened.reshape(rows, -1).sum(axis=0, dtype=np.float64)
        sums = sums.reshape(columns, steps).sum(axis=0)
        means = np.array([self.start, *(sums / (rows * columns))])
        shares = (means[:-1] - means[1:]) * 100 / max(self.start, _SMALLEST)
        return {f"Granularity_{n}_{channel}": float(one) for n, one in enumerate(shares, 1)}


@dataclass(frozen=True)
class Sampling:
    """How much each pixel of a smaller image counts in the mean of an object of the larger one.

    Attributes
    ----------
    pixels : array of int64
        Flat indices into the smaller image, object by object.
    weights : array of float64
        Of each; those of an object have the sum 1.
    bounds : array of int64, shape (objects + 1,)
        Where those of each object begin.
    """

    pixels: Ints = field(repr=False)
    weights: Floats = field(repr=False)
    bounds: Ints = field(repr=False)

    @classmethod
    def of(cls, objects: Objects, shape: tuple[int, int]) -> Sampling:
        """Return the weights of a smaller image that is enlarged, with straight lines between.

        Parameters
        ----------
        objects : Objects
        shape : tuple of int
            Of the smaller image; its corners lie on those of the larger one.
        """
        down, across = (
            (small - 1) / (large - 1) if large > 1 else 0.0
            for small, large in zip(shape, objects.shape, strict=True)
        )
        sides = objects.boxes[:, 2:] - objects.boxes[:, :2]
        tall, wide = (sides * (down, across)).astype(np.int64).T + 3
        found = (
            np.empty((tall * wide).sum(), dtype=np.int64),
            np.empty((tall * wide).sum()),
            np.zeros(len(objects) + 1, dtype=np.int64),
        )
        box = np.zeros((tall.max(initial=0), wide.max(initial=0)))
        _weights(objects.runs, objects.boxes, shape, (down, across), box, found)
        pixels, weights, bounds = found
        return cls(pixels[: bounds[-1]].copy(), weights[: bounds[-1]].copy(), bounds)


def measure_granularity(
    objects: Objects, image: Plane, channel: str, spectrum: Spectrum, sampling: Sampling
) -> dict[str, Floats]:
    """Measure the granularity of objects in one channel.

    Parameters
    ----------
    objects : Objects
    image : array of float32, shape (rows, columns)
        From 0 to 1.
    channel : str
    spectrum : Spectrum
        Of this image.
    sampling : Sampling
        Of these objects and the images of the spectrum.

    Returns
    -------
    dict of str to array of float64, shape (objects,)
        ``Granularity_<step>_<channel>``: what a step takes away of the mean intensity of an object,
        in per cent of its mean in the image as it is. The first step takes the background, too.

    Examples
    --------
    >>> objects = Objects.of(np.ones((8, 8), dtype=int))
    >>> image = np.zeros((8, 8), dtype=np.float32)
    >>> image[2:5, 2:5] = 1
    >>> spectrum = Spectrum.of(image, GranularitySettings(1, 1, 3, 2))
    >>> sampling = Sampling.of(objects, (8, 8))
    >>> found = measure_granularity(objects, image, "DNA", spectrum, sampling)
    >>> [float(found[f"Granularity_{step}_DNA"][0]) for step in (1, 2)]
    [0.0, 100.0]
    """
    values = objects.values(image)
    opened = spectrum.opened.reshape(-1, spectrum.opened.shape[2])
    sampled = (sampling.pixels, sampling.weights, sampling.bounds)
    found = np.zeros((len(objects), opened.shape[1] + 1))
    _means(values, objects.bounds, opened, sampled, found)
    means = found.T
    start = np.maximum(means[0], _SMALLEST)
    before = np.vstack([start[None], means[1:-1]])
    shares = (before - means[1:]) * 100 / start
    return {f"Granularity_{n}_{channel}": one for n, one in enumerate(shares, 1)}


@compiled
def _means(
    values: Plane, bounds: Ints, opened: Plane, sampled: tuple[Ints, Floats, Ints], found: Floats
) -> None:
    """Fill in the mean of each object in the image, then in each opened one."""
    pixels, weights, sampled_bounds = sampled
    steps = opened.shape[1]
    for number in range(len(bounds) - 1):
        total = 0.0
        for at in range(bounds[number], bounds[number + 1]):
            total += values[at]
        found[number, 0] = total / (bounds[number + 1] - bounds[number])
        for at in range(sampled_bounds[number], sampled_bounds[number + 1]):
            for step in range(steps):
                found[number, step + 1] += weights[at] * opened[pixels[at], step]


def _without_background(image: Plane, settings: GranularitySettings) -> Plane:
    small = _taken(np.asarray(image, dtype=np.float32), settings.subsample)
    ground = open_by_disk(_taken(small, settings.background_subsample), settings.radius)
    if settings.background_subsample < 1:
        ground = _enlarged(ground, small.shape)
    left: Plane = np.maximum(small - ground, np.float32(0))
    return left


def _taken(image: Plane, part: float) -> Plane:
    """Return an image with a part of its rows and columns."""
    if part == 1:
        return image
    rows, columns = (np.arange(np.ceil(size * part)) / part for size in image.shape)
    return interpolate(image, rows, columns)


def _enlarged(image: Plane, shape: tuple[int, ...]) -> Plane:
    """Return an image enlarged so that its corners lie on those of the larger one."""
    rows, columns = (
        np.arange(large) * ((small - 1) / (large - 1) if large > 1 else 0.0)
        for small, large in zip(image.shape, shape, strict=True)
    )
    return interpolate(image, rows, columns)


@compiled
def _weights(
    runs: Runs,
    boxes: Ints,
    shape: tuple[int, int],
    ratios: tuple[float, float],
    box: Floats,
    found: tuple[Ints, Floats, Ints],
) -> None:
    """Fill in pixels, weights and bounds; `box` has room for the largest object, and is all 0."""
    rows, columns, lengths, bounds = runs
    places, weights, ends = found
    height, width = shape
    end = np.int64(0)
    for number in range(len(boxes)):
        top, left = int(boxes[number, 0] * ratios[0]), int(boxes[number, 1] * ratios[1])
        tall = int((boxes[number, 2] - 1) * ratios[0]) - top + 2
        wide = int((boxes[number, 3] - 1) * ratios[1]) - left + 2
        area = 0.0
        for run in range(bounds[number], bounds[number + 1]):
            area += lengths[run]
            y = rows[run] * ratios[0]
            above = int(y)
            down = y - above
            above -= top
            for column in range(columns[run], columns[run] + lengths[run]):
                x = column * ratios[1]
                before = int(x)
                across = x - before
                before -= left
                box[above, before] += (1 - down) * (1 - across)
                box[above, before + 1] += (1 - down) * across
                box[above + 1, before] += down * (1 - across)
                box[above + 1, before + 1] += down * across
        for y in range(tall):
            for x in range(wide):
                if box[y, x] > 0 and top + y < height and left + x < width:
                    places[end] = (top + y) * width + left + x
                    weights[end] = box[y, x] / area
                    end += 1
                box[y, x] = 0
        ends[number + 1] = end
