"""Size and shape of objects.

The definitions are those of CellProfiler's module MeasureObjectSizeShape (version 4.2).
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from cellfolio.measurement.compiled import compiled
from cellfolio.measurement.distances import distance_to_edge
from cellfolio.measurement.hulls import Hulls
from cellfolio.measurement.objects import Floats, Ints, Labels, Objects
from cellfolio.measurement.ordering import sort_in_place

_DEGREE = 9
"""Of the highest Zernike polynomials."""
ZERNIKES = tuple((n, m) for n in range(_DEGREE + 1) for m in range(n % 2, n + 1, 2))
"""Degree and order of each Zernike polynomial."""


def measure_size_shape(objects: Objects) -> dict[str, Floats]:
    """Measure the size and shape of objects.

    Parameters
    ----------
    objects : Objects

    Returns
    -------
    dict of str to array of float64, shape (objects,)
        ``AreaShape_…``, in pixels; orientations in degrees, counted from the vertical.

    Notes
    -----
    - *Perimeter*: the length of the line through the pixels of the edge, where a step along a side
      counts 1, a diagonal one √2, and a turn the mean of both (Benkrid and Crookes 2000).
    - *Axes, eccentricity, orientation*: of the ellipse with the same second moments.
    - *ConvexArea*: pixels whose middle is in the hull of the middles of all sides of pixels.
    - *Radii*: distances to the next pixel outside; what lies beyond the image is outside.
    - *EulerNumber*: pieces minus holes, with 8 neighbours.
    - *Zernike*: |Σ V*| / (π r²) over the pixels, V the polynomial of degree n and order m on the
      least circle around the object, with the radius r (Boland et al. 1998).

    Examples
    --------
    >>> found = measure_size_shape(Objects.of(np.ones((3, 5), dtype=int)))
    >>> [float(found[f"AreaShape_{name}"][0]) for name in ("Area", "Perimeter", "Extent")]
    [15.0, 12.0, 1.0]
    """
    areas = objects.areas.astype(np.float64)
    hulls = Hulls.of(objects)
    least, greatest = hulls.feret()
    perimeters, holes = _outlines(objects.labels, objects.boxes)
    convex = _convex_areas(objects.pixels, objects.bounds, objects.boxes, objects.shape[1])
    boxes = objects.boxes
    box_areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    with np.errstate(divide="ignore", invalid="ignore"):
        round_ones = 4 * np.pi * areas / perimeters**2
        compact = perimeters**2 / (4 * np.pi * areas)
    found: dict[str, npt.NDArray[Any]] = {
        "Area": areas,
        "BoundingBoxArea": box_areas,
        "BoundingBoxMaximum_X": boxes[:, 3],
        "BoundingBoxMaximum_Y": boxes[:, 2],
        "BoundingBoxMinimum_X": boxes[:, 1],
        "BoundingBoxMinimum_Y": boxes[:, 0],
        "Center_X": objects.centers[:, 1],
        "Center_Y": objects.centers[:, 0],
        "Compactness": compact,
        "ConvexArea": convex,
        "EquivalentDiameter": np.sqrt(4 * areas / np.pi),
        "EulerNumber": holes,
        "Extent": areas / box_areas,
        "FormFactor": round_ones,
        "MaxFeretDiameter": greatest,
        "MinFeretDiameter": least,
        "Perimeter": perimeters,
        "Solidity": areas / convex,
        **_ellipses(objects),
        **_radii(objects),
        **_zernikes(objects, hulls),
    }
    return {f"AreaShape_{name}": one.astype(np.float64) for name, one in found.items()}


def _ellipses(objects: Objects) -> dict[str, Floats]:
    rows, columns = objects.places
    yy, xy, xx = _second_moments(rows, columns, objects.bounds, objects.centers)
    middle, half = (yy + xx) / 2, np.sqrt(4 * xy**2 + (yy - xx) ** 2) / 2
    long, short = np.maximum(middle + half, 0), np.maximum(middle - half, 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        eccentricity = np.where(long == 0, 0, np.sqrt(1 - short / long))
    turned = 0.5 * np.arctan2(2 * xy, yy - xx)
    diagonal = np.where(-xy < 0, -np.pi / 4, np.pi / 4)
    return {
        "Eccentricity": eccentricity,
        "MajorAxisLength": 4 * np.sqrt(long),
        "MinorAxisLength": 4 * np.sqrt(short),
        "Orientation": np.degrees(np.where(xx == yy, diagonal, turned)),
    }


def _radii(objects: Objects) -> dict[str, Floats]:
    framed = Objects.of(np.pad(objects.labels, 1))
    distances = distance_to_edge(framed)
    starts = framed.bounds[:-1]
    if not len(objects):
        return {name: np.zeros(0) for name in ("MaximumRadius", "MeanRadius", "MedianRadius")}
    return {
        "MaximumRadius": np.maximum.reduceat(distances, starts),
        "MeanRadius": np.add.reduceat(distances, starts) / objects.areas,
        "MedianRadius": _medians(distances, framed.bounds),
    }


@compiled
def _medians(values: Floats, bounds: Ints) -> Floats:
    found = np.zeros(len(bounds) - 1)
    for number in range(len(bounds) - 1):
        ordered = values[bounds[number] : bounds[number + 1]].copy()
        sort_in_place(ordered)
        middle = len(ordered) // 2
        found[number] = (ordered[middle] + ordered[(len(ordered) - 1) // 2]) / 2
    return found


@compiled
def _second_moments(
    rows: Ints, columns: Ints, bounds: Ints, centers: Floats
) -> tuple[Floats, Floats, Floats]:
    count = len(bounds) - 1
    yy, xy, xx = np.zeros(count), np.zeros(count), np.zeros(count)
    for number in range(count):
        for at in range(bounds[number], bounds[number + 1]):
            down, across = rows[at] - centers[number, 0], columns[at] - centers[number, 1]
            yy[number] += down * down
            xy[number] += down * across
            xx[number] += across * across
        area = bounds[number + 1] - bounds[number]
        yy[number] /= area
        xy[number] /= area
        xx[number] /= area
    return yy, xy, xx


@compiled
def _outlines(labels: Labels, boxes: Ints) -> tuple[Floats, Floats]:
    """Return the perimeter and the Euler number of each object."""
    diagonal = np.sqrt(2.0)
    weights = np.zeros(50)
    for kind in (5, 7, 15, 17, 25, 27):
        weights[kind] = 1.0
    weights[21] = weights[33] = diagonal
    weights[13] = weights[23] = (1 + diagonal) / 2
    perimeters, eulers = np.zeros(len(boxes)), np.zeros(len(boxes))
    for number in range(len(boxes)):
        height, width = boxes[number, 2] - boxes[number, 0], boxes[number, 3] - boxes[number, 1]
        own = np.zeros((height + 4, width + 4), dtype=np.int64)
        for y in range(height):
            for x in range(width):
                own[y + 2, x + 2] = labels[boxes[number, 0] + y, boxes[number, 1] + x] == number + 1
        edge = np.zeros((height + 4, width + 4), dtype=np.int64)
        for y in range(2, height + 2):
            for x in range(2, width + 2):
                if own[y, x]:
                    around = own[y - 1, x] + own[y + 1, x] + own[y, x - 1] + own[y, x + 1]
                    edge[y, x] = around < 4
        total, euler = 0.0, 0
        for y in range(1, height + 3):
            for x in range(1, width + 3):
                if edge[y, x]:
                    sides = edge[y - 1, x] + edge[y + 1, x] + edge[y, x - 1] + edge[y, x + 1]
                    ends = (
                        edge[y - 1, x - 1] + edge[y - 1, x + 1]
                        + edge[y + 1, x - 1] + edge[y + 1, x + 1]
                    )  # fmt: skip
                    total += weights[1 + 2 * sides + 10 * ends]
                square = own[y, x] + own[y, x + 1] + own[y + 1, x] + own[y + 1, x + 1]
                if square == 1:
                    euler += 1
                elif square == 3:
                    euler -= 1
                elif square == 2 and own[y, x] == own[y + 1, x + 1]:
                    euler -= 2
        perimeters[number], eulers[number] = total, euler / 4
    return perimeters, eulers


@compiled
def _convex_areas(pixels: Ints, bounds: Ints, boxes: Ints, columns: int) -> Floats:
    """Count the pixels whose middles lie in the hull of the middles of all sides of pixels.

    In half pixels, all of it is whole numbers: no point on the hull is missed by rounding.
    """
    found = np.zeros(len(boxes))
    for number in range(len(boxes)):
        top, left = boxes[number, 0], boxes[number, 1]
        height, width = boxes[number, 2] - top, boxes[number, 3] - left
        first, last = np.full(height, width), np.full(height, -1)
        for at in range(bounds[number], bounds[number + 1]):
            row, column = divmod(pixels[at], columns)
            first[row - top] = min(first[row - top], column - left)
            last[row - top] = max(last[row - top], column - left)
        # The leftmost and rightmost half pixel of each half row.
        low, high = np.full(2 * height + 1, 4 * width), np.full(2 * height + 1, -1)
        for row in range(height):
            if last[row] < 0:
                continue
            low[2 * row + 1] = min(low[2 * row + 1], 2 * first[row])
            high[2 * row + 1] = max(high[2 * row + 1], 2 * last[row] + 2)
            for beside in (2 * row, 2 * row + 2):
                low[beside] = min(low[beside], 2 * first[row] + 1)
                high[beside] = max(high[beside], 2 * last[row] + 1)
        found[number] = _filled(low, high)
    return found


@compiled
def _filled(low: Ints, high: Ints) -> int:
    """Count the middles of pixels between the two sides of a hull."""
    count = len(low)
    chain_low, chain_high = np.empty(count, dtype=np.int64), np.empty(count, dtype=np.int64)
    lows = highs = 0
    for row in range(count):
        if high[row] < 0:
            continue
        while lows > 1 and _left_of(chain_low[lows - 2], chain_low[lows - 1], row, low) <= 0:
            lows -= 1
        chain_low[lows] = row
        lows += 1
        while highs > 1 and _left_of(chain_high[highs - 2], chain_high[highs - 1], row, high) >= 0:
            highs -= 1
        chain_high[highs] = row
        highs += 1
    total = 0
    at_low = at_high = 0
    for row in range(1, count, 2):
        while chain_low[at_low + 1] < row:
            at_low += 1
        while chain_high[at_high + 1] < row:
            at_high += 1
        one, other = chain_low[at_low], chain_low[at_low + 1]
        # Middles of pixels have odd places: from the first at or behind the left side …
        steps = (low[other] - low[one]) * (row - one)
        begin = low[one] + -((-steps) // (other - one))
        begin += 1 - begin % 2
        one, other = chain_high[at_high], chain_high[at_high + 1]
        # … to the last at or before the right one.
        steps = (high[other] - high[one]) * (row - one)
        end = high[one] + steps // (other - one)
        end -= 1 - end % 2
        total += max(0, (end - begin) // 2 + 1)
    return total


@compiled
def _left_of(one: int, two: int, three: int, places: Ints) -> int:
    """Tell on which side of the line from the first to the third row's place the second's is."""
    across = (places[three] - places[one]) * (two - one)
    return int(across - (places[two] - places[one]) * (three - one))


@cache
def _polynomials() -> npt.NDArray[np.float64]:
    """Return coefficients of the radial polynomials by powers of r², the highest first."""
    found = np.zeros((len(ZERNIKES), _DEGREE // 2 + 1))
    for row, (n, m) in enumerate(ZERNIKES):
        for k in range((n - m) // 2 + 1):
            found[row, k] = (
                (-1) ** k
                * math.factorial(n - k)
                / (
                    math.factorial(k)
                    * math.factorial((n + m) // 2 - k)
                    * math.factorial((n - m) // 2 - k)
                )
            )
    return found


def _zernikes(objects: Objects, hulls: Hulls) -> dict[str, Floats]:
    centers, radii = hulls.circles()
    rows, columns = objects.places
    kinds = np.array(ZERNIKES, dtype=np.int64)
    found = _zernike_sums(rows, columns, objects.bounds, (centers, radii), (_polynomials(), kinds))
    return {f"Zernike_{n}_{m}": found[row] for row, (n, m) in enumerate(ZERNIKES)}


@compiled
def _zernike_sums(
    rows: Ints,
    columns: Ints,
    bounds: Ints,
    circles: tuple[Floats, Floats],
    polynomials: tuple[Floats, Ints],
) -> Floats:
    centers, radii = circles
    factors, kinds = polynomials
    found = np.full((len(kinds), len(bounds) - 1), np.nan)
    powers = np.empty(kinds[:, 1].max() + 1, dtype=np.complex128)
    for number in range(len(bounds) - 1):
        radius = radii[number]
        if radius == 0:
            continue
        sums = np.zeros(len(kinds), dtype=np.complex128)
        for at in range(bounds[number], bounds[number + 1]):
            y = (rows[at] - centers[number, 0]) / radius
            x = (columns[at] - centers[number, 1]) / radius
            square = x * x + y * y
            if square > 1:
                continue
            powers[0] = 1
            for m in range(1, len(powers)):
                powers[m] = powers[m - 1] * complex(y, x)
            for row in range(len(kinds)):
                n, m = kinds[row]
                value = 0.0
                for k in range((n - m) // 2 + 1):
                    value = value * square + factors[row, k]
                sums[row] += value * powers[m]
        found[:, number] = np.abs(sums) / (np.pi * radius * radius)
    return found
