"""Intensity: how bright objects are, within and along their edges, and where.

The definitions are those of CellProfiler's module MeasureObjectIntensity (version 4.2).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from cellfolio.measurement.compiled import compiled, compiled_within
from cellfolio.measurement.objects import Floats, Ints, Objects, Plane
from cellfolio.measurement.ordering import sort_each

_WITHIN = ("IntegratedIntensity", "MeanIntensity", "StdIntensity", "MinIntensity", "MaxIntensity")
_QUARTILES = ("LowerQuartileIntensity", "MedianIntensity", "UpperQuartileIntensity", "MADIntensity")


def measure_intensity(objects: Objects, image: Plane, channel: str) -> dict[str, Floats]:
    """Measure intensities of objects in one channel.

    Parameters
    ----------
    objects : Objects
    image : array of float32, shape (rows, columns)
        From 0 to 1.
    channel : str
        Its name; the last word of each feature.

    Returns
    -------
    dict of str to array of float64, shape (objects,)
        ``Intensity_…`` (sum, mean, standard deviation of the population, least and most; of all
        pixels and of those at the edge; quartiles; median absolute deviation; distance from the
        centre of the object to that of its intensity) and ``Location_…`` (row and column of the
        centre of intensity and of the brightest pixel, counted from 0).

    Notes
    -----
    A quantile q of n pixels is at n q of the sorted values, counted from 0, between the two next
    to it; at the last value it stays there. The edge are the pixels with a neighbour, of 4, that
    is not of the object. The brightest pixel is the first one, row by row, that has the value.

    Examples
    --------
    >>> objects = Objects.of(np.array([[1, 1, 1, 0]]))
    >>> image = np.array([[0.25, 0.5, 0.75, 1]], dtype=np.float32)
    >>> found = measure_intensity(objects, image, "DNA")
    >>> float(found["Intensity_MeanIntensity_DNA"][0])
    0.5
    >>> float(found["Location_MaxIntensity_X_DNA"][0])
    2.0
    """
    values = objects.values(image)
    rows, columns = objects.places
    all_of_them, edge = np.zeros((5, len(objects))), np.zeros((5, len(objects)))
    summarize(values, objects.bounds, np.ones(len(values), dtype=np.bool_), all_of_them)
    summarize(values, objects.bounds, objects.edges, edge)
    quartiles = np.zeros((4, len(objects)))
    _find_quartiles(sort_each(values, objects.bounds), objects.bounds, quartiles)
    centers, brightest = np.full((len(objects), 2), np.nan), np.full((len(objects), 2), np.nan)
    _locate(values, (rows, columns), objects.bounds, centers, brightest)
    away = centers - objects.centers
    found = {f"Intensity_{name}_{channel}": all_of_them[n] for n, name in enumerate(_WITHIN)}
    found |= {f"Intensity_{name}Edge_{channel}": edge[n] for n, name in enumerate(_WITHIN)}
    found |= {f"Intensity_{name}_{channel}": quartiles[n] for n, name in enumerate(_QUARTILES)}
    found[f"Intensity_MassDisplacement_{channel}"] = np.hypot(away[:, 0], away[:, 1])
    for name, places in (("CenterMassIntensity", centers), ("MaxIntensity", brightest)):
        found[f"Location_{name}_X_{channel}"] = places[:, 1].copy()
        found[f"Location_{name}_Y_{channel}"] = places[:, 0].copy()
        found[f"Location_{name}_Z_{channel}"] = np.zeros(len(objects))
    return found


@compiled
def summarize(values: Plane, bounds: Ints, taken: npt.NDArray[np.bool_], found: Floats) -> None:
    """Fill in sum, mean, standard deviation, least and most of some pixels of each object."""
    for number in range(len(bounds) - 1):
        total, count = 0.0, 0.0
        least, most = np.inf, -np.inf
        for at in range(bounds[number], bounds[number + 1]):
            if taken[at]:
                value = np.float64(values[at])
                total += value
                count += 1
                least = value if value < least else least
                most = value if value > most else most
        if count == 0:
            continue
        mean, squares = total / count, 0.0
        for at in range(bounds[number], bounds[number + 1]):
            if taken[at]:
                away = values[at] - mean
                squares += away * away
        found[0, number], found[1, number] = total, mean
        found[2, number] = np.sqrt(squares / count)
        found[3, number], found[4, number] = least, most


@compiled_within
def _at(ordered: Plane, place: float) -> float:
    """Return the value at a place between values."""
    low = int(place)
    if low + 1 < len(ordered):
        part = place - low
        return float(ordered[low] * (1 - part) + ordered[low + 1] * part)
    return float(ordered[len(ordered) - 1])


@compiled
def _find_quartiles(ordered: Plane, bounds: Ints, found: Floats) -> None:
    """Fill in quartiles and median absolute deviation, of the sorted values of each object."""
    for number in range(len(bounds) - 1):
        own = ordered[bounds[number] : bounds[number + 1]]
        for quarter in range(3):
            found[quarter, number] = _at(own, len(own) * (quarter + 1) / 4)
        found[3, number] = _median_deviation(own, found[1, number])


@compiled_within
def _median_deviation(ordered: Plane, median: float) -> float:
    """Return the median of distances from the median: they grow to both sides of it."""
    count = len(ordered)
    high = np.int64(0)
    while high < count and ordered[high] < median:
        high += 1
    low = high - 1
    before, last = 0.0, 0.0
    for _ in range((count >> 1) + 2):
        if low < 0 and high == count:
            break
        before = last
        if high == count or (low >= 0 and median - ordered[low] < ordered[high] - median):
            last = median - ordered[low]
            low -= 1
        else:
            last = ordered[high] - median
            high += 1
    if (count >> 1) + 1 < count:
        part = (count & 1) / 2
        return float(before * (1 - part) + last * part)
    return float(last)


@compiled
def _locate(
    values: Plane, places: tuple[Ints, Ints], bounds: Ints, centers: Floats, brightest: Floats
) -> None:
    """Fill in row and column of the centre of intensity, and of the brightest pixel."""
    rows, columns = places
    for number in range(len(bounds) - 1):
        total, across, down = 0.0, 0.0, 0.0
        best = -1
        for at in range(bounds[number], bounds[number + 1]):
            value = np.float64(values[at])
            total += value
            down += value * rows[at]
            across += value * columns[at]
            if best < 0 or value > values[best]:
                best = at
        if total != 0:
            centers[number, 0], centers[number, 1] = down / total, across / total
        if best >= 0:
            brightest[number, 0], brightest[number, 1] = rows[best], columns[best]
