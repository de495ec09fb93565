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
from cellfolio.measurement.objects import Floats, Ints, Objects, Plane

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
        if self.radius < 1 or self.steps < 1:
            raise InvalidArgument(
                f"radius and steps should be at least 1, found {self.radius} and {self.steps}"
            )


@dataclass(frozen=True)
class Spectrum:
    """What is left of an image without background when ever larger structures are taken away.

    The same for all kinds of objects.

    Attributes
    ----------
    start : float
        Mean of the smaller image without background.
    opened : array of float32, shape (steps, rows, columns)
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
        shape = pixels.shape
        flat = pixels.ravel()
        order = np.argsort(flat, kind="stable")
        parents = _max_tree(flat, order, shape[1])
        opened = _openings(pixels, order, parents, settings.steps)
        return cls(float(pixels.mean(dtype=np.float64)), opened)

    def of_image(self, channel: str) -> dict[str, float]:
        """Return the spectrum of the whole image.

        Returns
        -------
        dict of str to float
            ``Granularity_<step>_<channel>``: per cent of the mean that a step takes away.
        """
        means = np.array([self.start, *(one.mean(dtype=np.float64) for one in self.opened)])
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
        return cls(
            *_weights(
                objects.pixels,
                objects.bounds,
                objects.boxes,
                (objects.shape[1], *shape),
                (down, across),
            )
        )


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
    values = image.ravel()[objects.pixels]
    means = _object_means(values, objects.bounds, spectrum.opened, sampling)
    start = np.maximum(means[0], _SMALLEST)
    before = np.vstack([start[None], means[1:-1]])
    shares = (before - means[1:]) * 100 / start
    return {f"Granularity_{n}_{channel}": one for n, one in enumerate(shares, 1)}


def _object_means(
    values: Plane, bounds: Ints, opened: npt.NDArray[np.float32], sampling: Sampling
) -> Floats:
    """Return the mean of each object in the image, then in each opened one."""
    found = np.zeros((len(opened) + 1, len(bounds) - 1))
    _means(values, bounds, found)
    flat = opened.reshape(len(opened), -1)
    _sampled_means(flat, sampling.pixels, sampling.weights, sampling.bounds, found)
    return found


@compiled
def _means(values: Plane, bounds: Ints, found: Floats) -> None:
    for number in range(len(bounds) - 1):
        total = 0.0
        for at in range(bounds[number], bounds[number + 1]):
            total += values[at]
        found[0, number] = total / (bounds[number + 1] - bounds[number])


@compiled
def _sampled_means(
    opened: npt.NDArray[np.float32], pixels: Ints, weights: Floats, bounds: Ints, found: Floats
) -> None:
    for step in range(len(opened)):
        for number in range(len(bounds) - 1):
            total = 0.0
            for at in range(bounds[number], bounds[number + 1]):
                total += weights[at] * opened[step, pixels[at]]
            found[step + 1, number] = total


def _without_background(image: Plane, settings: GranularitySettings) -> npt.NDArray[np.float32]:
    small = _taken(np.asarray(image, dtype=np.float32), settings.subsample)
    ground = _taken(small, settings.background_subsample)
    ground = _opened_by_disk(ground, settings.radius)
    if settings.background_subsample < 1:
        ground = _enlarged(ground, small.shape)
    left: npt.NDArray[np.float32] = np.maximum(small - ground, np.float32(0))
    return left


def _taken(image: npt.NDArray[np.float32], part: float) -> npt.NDArray[np.float32]:
    """Return an image with a part of its rows and columns, between pixels by straight lines."""
    if part == 1:
        return image
    rows, columns = (np.arange(np.ceil(size * part)) / part for size in image.shape)
    return _interpolated(image, rows, columns)


def _enlarged(image: npt.NDArray[np.float32], shape: tuple[int, ...]) -> npt.NDArray[np.float32]:
    """Return an image enlarged so that its corners lie on those of the larger one."""
    rows, columns = (
        np.arange(large) * ((small - 1) / (large - 1) if large > 1 else 0.0)
        for small, large in zip(image.shape, shape, strict=True)
    )
    return _interpolated(image, rows, columns)


@compiled
def _interpolated(
    image: npt.NDArray[np.float32], rows: Floats, columns: Floats
) -> npt.NDArray[np.float32]:
    height, width = image.shape
    found = np.zeros((len(rows), len(columns)), dtype=np.float32)
    for y in range(len(rows)):
        top = int(rows[y])
        down = rows[y] - top
        if top > height - 1 or (top == height - 1 and down > 0):
            continue
        under = min(top + 1, height - 1)
        for x in range(len(columns)):
            left = int(columns[x])
            across = columns[x] - left
            if left > width - 1 or (left == width - 1 and across > 0):
                continue
            beside = min(left + 1, width - 1)
            above = image[top, left] * (1 - across) + image[top, beside] * across
            below = image[under, left] * (1 - across) + image[under, beside] * across
            found[y, x] = above * (1 - down) + below * down
    return found


def _opened_by_disk(image: npt.NDArray[np.float32], radius: int) -> npt.NDArray[np.float32]:
    """Return the greatest of the least values in a disk; what is beyond the image is left out."""
    spans = np.array(
        [int(np.sqrt(radius**2 - down**2)) for down in range(-radius, radius + 1)], dtype=np.int64
    )
    return -_least_in_disk(-_least_in_disk(image, spans), spans)


@compiled
def _least_in_disk(image: npt.NDArray[np.float32], spans: Ints) -> npt.NDArray[np.float32]:
    """Return the least value in a disk around each pixel, from runs of powers of two along rows."""
    height, width = image.shape
    radius = len(spans) // 2
    found = np.full((height, width), np.float32(np.inf))
    row_least = np.empty(width, dtype=np.float32)
    for y in range(height):
        known = -1
        for reach in range(len(spans)):
            # The row y is in the disks of the pixels that lie `reach - radius` rows from it.
            target = y + reach - radius
            if target < 0 or target >= height:
                continue
            span = spans[reach]
            if span != known:
                _least_along(image[y], span, row_least)
                known = span
            for x in range(width):
                found[target, x] = min(found[target, x], row_least[x])
    return found


@compiled
def _least_along(
    values: npt.NDArray[np.float32], span: int, found: npt.NDArray[np.float32]
) -> None:
    """Fill in the least value at most `span` places away (van Herk 1992 in two halves)."""
    count = len(values)
    window = 2 * span + 1
    forward = np.empty(count + 2 * span, dtype=np.float32)
    backward = np.empty(count + 2 * span, dtype=np.float32)
    total = len(forward)
    for at in range(total):
        value = values[at - span] if span <= at < span + count else np.float32(np.inf)
        forward[at] = value if at % window == 0 else min(value, forward[at - 1])
    for at in range(total - 1, -1, -1):
        value = values[at - span] if span <= at < span + count else np.float32(np.inf)
        ends = at % window == window - 1 or at == total - 1
        backward[at] = value if ends else min(value, backward[at + 1])
    for at in range(count):
        found[at] = min(backward[at], forward[at + window - 1])


@compiled
def _max_tree(values: npt.NDArray[np.float32], order: Ints, width: int) -> Ints:
    """Return the parent of each pixel in the tree of bright components, with 4 neighbours.

    The pixel that stands for a component is the parent of the others of its level, and has as
    parent the one that stands for the next larger component (Najman and Couprie 2006). The root is
    its own parent.
    """
    count = len(values)
    parents = np.full(count, -1, dtype=np.int64)
    roots = np.full(count, -1, dtype=np.int64)
    for rank in range(count - 1, -1, -1):
        pixel = order[rank]
        parents[pixel] = roots[pixel] = pixel
        column = pixel % width
        for side in range(4):
            if side == 0:
                near = pixel - width
            elif side == 1:
                near = pixel + width
            elif side == 2:
                near = pixel - 1 if column > 0 else -1
            else:
                near = pixel + 1 if column < width - 1 else -1
            if near < 0 or near >= count or roots[near] < 0:
                continue
            root = near
            while roots[root] != root:
                roots[root] = roots[roots[root]]
                root = roots[root]
            if root != pixel:
                roots[root] = pixel
                parents[root] = pixel
    for rank in range(count):
        pixel = order[rank]
        parent = parents[pixel]
        if values[parents[parent]] == values[parent]:
            parents[pixel] = parents[parent]
    return parents


@compiled
def _openings(
    pixels: npt.NDArray[np.float32], order: Ints, parents: Ints, steps: int
) -> npt.NDArray[np.float32]:
    """Open by reconstruction with ever larger diamonds.

    A reconstruction gives each pixel the greatest level of the components that it is in, up to the
    greatest value of the marker in each: one pass up the tree and one down.
    """
    height, width = pixels.shape
    values = pixels.ravel()
    found = np.empty((steps, height, width), dtype=np.float32)
    marker = pixels.copy()
    least = np.empty_like(marker)
    for step in range(steps):
        for y in range(height):
            for x in range(width):
                value = marker[y, x]
                if y > 0:
                    value = min(value, marker[y - 1, x])
                if y + 1 < height:
                    value = min(value, marker[y + 1, x])
                if x > 0:
                    value = min(value, marker[y, x - 1])
                if x + 1 < width:
                    value = min(value, marker[y, x + 1])
                least[y, x] = value
        marker, least = least, marker
        reached = marker.ravel().copy()
        for rank in range(len(order) - 1, -1, -1):
            pixel = order[rank]
            parent = parents[pixel]
            reached[parent] = max(reached[parent], reached[pixel])
        opened = found[step].ravel()
        for rank in range(len(order)):
            pixel = order[rank]
            parent = parents[pixel]
            own = min(values[pixel], reached[pixel])
            if parent != pixel:
                own = (
                    opened[parent] if values[parent] == values[pixel] else max(own, opened[parent])
                )
            opened[pixel] = own
    return found


@compiled
def _weights(
    pixels: Ints,
    bounds: Ints,
    boxes: Ints,
    sizes: tuple[int, int, int],
    ratios: tuple[float, float],
) -> tuple[Ints, Floats, Ints]:
    columns, height, width = sizes
    most = 0
    for number in range(len(boxes)):
        tall = int((boxes[number, 2] - boxes[number, 0]) * ratios[0]) + 3
        most += tall * (int((boxes[number, 3] - boxes[number, 1]) * ratios[1]) + 3)
    found = np.empty(most, dtype=np.int64)
    weights = np.empty(most)
    ends = np.zeros(len(boxes) + 1, dtype=np.int64)
    end = 0
    for number in range(len(boxes)):
        top, left = int(boxes[number, 0] * ratios[0]), int(boxes[number, 1] * ratios[1])
        tall = int((boxes[number, 2] - 1) * ratios[0]) - top + 2
        wide = int((boxes[number, 3] - 1) * ratios[1]) - left + 2
        box = np.zeros((tall, wide))
        for at in range(bounds[number], bounds[number + 1]):
            row, column = divmod(pixels[at], columns)
            y, x = row * ratios[0], column * ratios[1]
            above, before = int(y), int(x)
            down, across = y - above, x - before
            box[above - top, before - left] += (1 - down) * (1 - across)
            box[above - top, before - left + 1] += (1 - down) * across
            box[above - top + 1, before - left] += down * (1 - across)
            box[above - top + 1, before - left + 1] += down * across
        area = bounds[number + 1] - bounds[number]
        for y in range(tall):
            for x in range(wide):
                if box[y, x] and top + y < height and left + x < width:
                    found[end] = (top + y) * width + left + x
                    weights[end] = box[y, x] / area
                    end += 1
        ends[number + 1] = end
    return found[:end].copy(), weights[:end].copy(), ends
