"""Declumping: objects that touch are told from each other by their shape or by their brightness."""

from __future__ import annotations

import numpy as np
import scipy.ndimage as ndi

from cellfolio.measurement.compiled import compiled
from cellfolio.measurement.objects import Floats, Ints, Labels, Objects, Plane
from cellfolio.measurement.segmentation.labelling import Mask, components_of, fill_holes
from cellfolio.measurement.segmentation.propagation import propagate
from cellfolio.measurement.segmentation.settings import NucleusSettings
from cellfolio.measurement.segmentation.watershed import flood

_UNEVEN = 0.001
"""So much at most is added to distances, so that no two maxima are equal."""
_AROUND = ((0, -1), (-1, -1), (-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1))
"""Steps to the 8 neighbours, from the left by the top."""


def divide(image: Plane, parts: Labels, settings: NucleusSettings) -> Labels:
    """Divide parts of the foreground into objects.

    Parameters
    ----------
    image : array of float32, shape (rows, columns)
        From 0 to 1.
    parts : array of int32
        Numbers of parts that do not touch.
    settings : NucleusSettings

    Returns
    -------
    array of int32

    Notes
    -----
    Each maximum of the distance to the background, or of the smoothed image, is an object, if no
    pixel of the same part within the least distance of maxima is greater. Objects grow from their
    maxima, from high to low, by distance or by brightness.
    """
    if "None" in (settings.declumping, settings.dividing_lines):
        return parts
    heights = _distances(parts, settings)
    if np.isinf(heights).any():
        # One part fills the image: it has no shape.
        if settings.declumping == "Shape":
            return parts
        heights[:] = 0
    if settings.declumping == "Shape":
        # CellProfiler's numbers by chance, which are the same for each image.
        chance = np.random.RandomState(0)
        heights += chance.uniform(0, _UNEVEN, heights.shape)
        hills = heights
    else:
        hills = _smoothed(image, settings).astype(np.float64)
    markers = components_of(find_maxima(hills, parts, settings))
    if settings.dividing_lines == "Propagate":
        return propagate(np.zeros(parts.shape), markers, parts > 0, 1.0)
    if settings.dividing_lines == "Intensity":
        return flood(np.float32(1) - image, markers, parts > 0)
    levels = -heights
    levels -= levels.min(initial=0)
    return flood(levels, markers, parts > 0)


def _distances(parts: Labels, settings: NucleusSettings) -> Floats:
    """Return how far pixels of parts are from the background; holes count as parts of shapes."""
    if settings.declumping == "Shape" and settings.fill_holes == "Never":
        parts = fill_holes(parts, objects=True)
    objects = Objects.of(parts)
    found = np.zeros(parts.size)
    found[objects.pixels] = objects.depths
    return found.reshape(parts.shape)


def _smoothed(image: Plane, settings: NucleusSettings) -> Plane:
    """Return an image smoothed by a Gaussian that ends half of the filter's size away."""
    size = settings.smoothing_filter_size
    if size is None:
        size = 2.35 * settings.min_diameter / 3.5
    if size == 0:
        return image
    sigma = size / 2.35
    reach = max(int(size / 2), 1)
    weights = np.exp(-0.5 * np.arange(-reach, reach + 1) ** 2 / sigma**2)
    weights /= np.sqrt(2 * np.pi) * sigma
    found, inside = image, np.ones(image.shape)
    for axis in (0, 1):
        found = ndi.convolve1d(found, weights, axis=axis, mode="constant")
        inside = ndi.convolve1d(inside, weights, axis=axis, mode="constant")
    smoothed: Plane = (found / inside).astype(np.float32)
    return smoothed


def find_maxima(hills: Floats, parts: Labels, settings: NucleusSettings) -> Mask:
    """Return one pixel for each maximum."""
    distance, share = settings.minimum_distance, 1.0
    if settings.lower_resolution_maxima and settings.min_diameter > 10:
        share = 10 / settings.min_diameter
        distance = 7.0 if distance is None else distance * share + 0.5
    elif distance is None:
        distance = settings.min_diameter / 1.5
    offsets = _disk(max(1.0, distance - 0.5))
    if share == 1:
        return shrink(_maxima(hills, parts, offsets))
    places = np.mgrid[tuple(slice(0, size * share) for size in parts.shape)] / share
    small = ndi.map_coordinates(hills, places).astype(np.float64)
    small_parts = ndi.map_coordinates(parts, places, order=0)
    found = _maxima(small, small_parts, offsets)
    enlarged = np.mgrid[tuple(slice(0, size) for size in parts.shape)]
    enlarged = enlarged / (parts.shape[0] / found.shape[0])
    return shrink(ndi.map_coordinates(found.astype(np.float64), enlarged) > 0.5)


def _disk(radius: float) -> Ints:
    """Return the steps from the middle of a disk to its other pixels, near ones first."""
    reach = int(radius)
    down, across = np.mgrid[-reach : reach + 1, -reach : reach + 1].reshape(2, -1)
    squares = down**2 + across**2
    order = np.argsort(squares, kind="stable")
    order = order[(squares[order] > 0) & (squares[order] <= radius**2)]
    return np.stack([down[order], across[order]], axis=1).astype(np.int64)


def _maxima(hills: Floats, parts: Labels, offsets: Ints) -> Mask:
    reach = int(np.abs(offsets).max(initial=0))
    framed = np.pad(parts, reach)
    steps = offsets[:, 0] * framed.shape[1] + offsets[:, 1]
    places = np.flatnonzero(framed)
    found: Mask = np.zeros(framed.shape, dtype=np.bool_)
    _find_maxima(np.pad(hills, reach).ravel(), framed.ravel(), places, steps, found.ravel())
    return found[reach : found.shape[0] - reach, reach : found.shape[1] - reach]


@compiled
def _find_maxima(hills: Floats, parts: Labels, places: Ints, steps: Ints, found: Mask) -> None:
    for place in places:
        highest = hills[place] > 0
        for step in steps:
            near = place + step
            if parts[near] == parts[place] and hills[near] > hills[place]:
                highest = False
                break
        found[place] = highest


def shrink(mask: Mask) -> Mask:
    """Return a mask with each part shrunk to a point, and parts with holes to a ring."""
    found = np.zeros((mask.shape[0] + 2, mask.shape[1] + 2), dtype=bool)
    found[1:-1, 1:-1] = mask
    places = np.argwhere(found)
    while len(places):
        count = len(places)
        for side in range(4):
            places = _peeled(found, places, side)
        if len(places) == count:
            break
    return found[1:-1, 1:-1]


def _peeled(found: Mask, places: Ints, side: int) -> Ints:
    """Take pixels of one side from a mask; return places of those that are left.

    A pixel goes if all its neighbours hang together without it, and if it has one towards the side
    and none opposite, or one at the corner after that and none at the three places opposite.
    """
    y, x = places.T
    around = np.stack([found[y + down, x + across] for down, across in _AROUND])
    begins = around & ~np.roll(around, 1, axis=0)
    first = np.roll(around, -2 * side, axis=0)
    goes = (begins.sum(axis=0) == 1) & ~first[4]
    goes &= first[0] | (first[1] & ~first[5] & ~first[6])
    found[y[goes], x[goes]] = False
    left: Ints = places[~goes]
    return left
