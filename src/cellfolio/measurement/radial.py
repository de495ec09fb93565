"""Radial distribution: how intensity is spread from the middle of objects to their edges.

The definitions are those of CellProfiler's module MeasureObjectIntensityDistribution (version 4.2),
with each object as its own centre and scaled bins.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from operator import add

import numpy as np
import numpy.typing as npt

from cellfolio.measurement.compiled import compiled
from cellfolio.measurement.distances import distance_from
from cellfolio.measurement.objects import Floats, Ints, Objects, Plane
from cellfolio.measurement.ordering import last_greatest

Small = npt.NDArray[np.int8]

_SECTORS = 8
_SMALLEST = float(np.finfo(np.float64).eps)
_AWAY_FROM_0 = 0.001
"""Added to the distance from middle to edge, in pixels."""


@dataclass(frozen=True)
class Rings:
    """In which ring and sector of its object each pixel lies; the same for all channels.

    Attributes
    ----------
    count : int
        Rings of each object.
    rings : array of int8
        Of each of `Objects.pixels`: 0 in the middle; -1 where no way leads from the middle.
    sectors : array of int8
        From 0 to 7.
    areas : array of float64, shape (objects, rings, 8)
        Pixels in each ring and sector.
    """

    count: int
    rings: Small
    sectors: Small
    areas: Floats

    @classmethod
    def of(cls, objects: Objects, count: int = 4) -> Rings:
        """Divide objects into rings.

        The middle is the pixel that is farthest from the edge. A pixel at the distances m from the
        middle, on the shortest way within the object, and e from the edge is in the ring
        count · m / (m + e + 0.001), rounded down.

        Parameters
        ----------
        objects : Objects
        count : int
            Rings of each.

        Examples
        --------
        >>> Rings.of(Objects.of(np.array([[0, 1, 1, 1, 1, 1, 0]])), 2).rings.tolist()
        [1, 0, 0, 0, 1]
        """
        to_edge = objects.depths
        middles = _middles(objects, to_edge)
        from_middle = distance_from(objects, middles)
        near = np.isfinite(from_middle)
        share = np.zeros(len(near))
        np.divide(from_middle, from_middle + to_edge + _AWAY_FROM_0, out=share, where=near)
        rings = np.where(near, np.minimum(share * count, count - 1), -1).astype(np.int8)
        sectors = _sectors(objects, middles)
        places = np.repeat(np.arange(len(objects)) * (count * _SECTORS), objects.areas)
        places += rings * np.int64(_SECTORS) + sectors
        areas = np.bincount(places[near], minlength=len(objects) * count * _SECTORS)
        shape = (len(objects), count, _SECTORS)
        return cls(count, rings, sectors, areas.reshape(shape).astype(np.float64))


def measure_radial_distribution(
    objects: Objects, image: Plane, channel: str, rings: Rings
) -> dict[str, Floats]:
    """Measure how the intensity of one channel is spread over the rings of objects.

    Parameters
    ----------
    objects : Objects
    image : array of float32, shape (rows, columns)
        From 0 to 1.
    channel : str
    rings : Rings
        Of these objects.

    Returns
    -------
    dict of str to array of float64, shape (objects,)
        For ring n of m, ``RadialDistribution_FracAtD_<channel>_<n>of<m>`` (its share of the
        intensity), ``…MeanFrac…`` (that, divided by its share of the pixels) and ``…RadialCV…``
        (the standard deviation of the mean intensities of its 8 sectors, divided by their mean).

    Notes
    -----
    Intensities are summed in single precision, row by row, as CellProfiler does. A share of an
    object without any intensity is missing.

    Examples
    --------
    >>> objects = Objects.of(np.array([[0, 1, 1, 1, 1, 1, 0]]))
    >>> image = np.array([[0, 1, 1, 2, 1, 1, 0]], dtype=np.float32)
    >>> found = measure_radial_distribution(objects, image, "ER", Rings.of(objects, 2))
    >>> found["RadialDistribution_FracAtD_ER_2of2"].round(3).tolist()
    [0.333]
    """
    sums = np.zeros((len(objects), rings.count, _SECTORS + 1), dtype=np.float32)
    _sum_up(objects.values(image), objects.bounds, rings.rings, rings.sectors, sums)
    whole, parts = sums[:, :, _SECTORS], sums[:, :, :_SECTORS]
    with np.errstate(divide="ignore", invalid="ignore"):
        # One after the other: a sum by another way would be rounded in another way.
        shares = (whole / reduce(add, whole.T)[:, None]).astype(np.float64)
        area = rings.areas.sum(axis=2)
        measured = {
            "FracAtD": shares,
            "MeanFrac": shares / (area / area.sum(axis=1, keepdims=True) + _SMALLEST),
            "RadialCV": _variation(parts, rings.areas),
        }
    return {
        f"RadialDistribution_{name}_{channel}_{ring + 1}of{rings.count}": values[:, ring]
        for name, values in measured.items()
        for ring in range(rings.count)
    }


def _variation(parts: Plane, areas: Floats) -> Floats:
    """Return the standard deviation of mean intensities of sectors, divided by their mean."""
    there = areas > 0
    used = there.sum(axis=2)
    means = np.divide(parts, areas, out=np.zeros(areas.shape), where=there)
    mean = reduce(add, np.moveaxis(means, 2, 0)) / used
    squares = np.where(there, (means - mean[:, :, None]) ** 2, 0)
    found: Floats = np.sqrt(reduce(add, np.moveaxis(squares, 2, 0)) / used) / mean
    return np.where(used > 0, found, 0)


def _middles(objects: Objects, to_edge: Floats) -> Ints:
    """Return the pixel of each object that is farthest from the edge (see `ordering`)."""
    if not len(objects):
        return np.zeros(0, dtype=np.int64)
    plane = np.zeros(objects.labels.size)
    plane[objects.pixels] = to_edge
    greatest = np.maximum.reduceat(to_edge, objects.bounds[:-1])
    return last_greatest(plane, objects.labels.ravel(), greatest)


def _sectors(objects: Objects, middles: Ints) -> Small:
    rows, columns = objects.places
    middle_rows, middle_columns = np.divmod(middles, objects.shape[1])
    down = rows - np.repeat(middle_rows, objects.areas)
    across = columns - np.repeat(middle_columns, objects.areas)
    found: Small = (down > 0).astype(np.int8)
    found += (across > 0) * np.int8(2)
    found += (np.abs(down) > np.abs(across)) * np.int8(4)
    return found


@compiled
def _sum_up(values: Plane, bounds: Ints, rings: Small, sectors: Small, found: Plane) -> None:
    """Add up the intensity of each ring of each object, by sector and, behind them, as a whole."""
    for number in range(len(bounds) - 1):
        for at in range(bounds[number], bounds[number + 1]):
            ring = rings[at]
            if ring >= 0:
                found[number, ring, sectors[at]] += values[at]
                found[number, ring, _SECTORS] += values[at]
