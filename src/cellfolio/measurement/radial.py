"""Radial distribution: how intensity is spread from the middle of objects to their edges.

The definitions are those of CellProfiler's module MeasureObjectIntensityDistribution (version 4.2),
with each object as its own centre and scaled bins.
"""

from __future__ import annotations

from dataclasses import dataclass

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
    """

    count: int
    rings: Small
    sectors: Small

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
        return cls(count, rings, _sectors(objects, middles))


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
    values = objects.values(image)
    measured = np.zeros((3, rings.count, len(objects)))
    sums = np.zeros((rings.count, 2 * _SECTORS + 1), dtype=np.float32)
    _over_rings(values, objects.bounds, rings.rings, rings.sectors, sums, measured)
    return {
        f"RadialDistribution_{name}_{channel}_{ring + 1}of{rings.count}": measured[row, ring]
        for row, name in enumerate(("FracAtD", "MeanFrac", "RadialCV"))
        for ring in range(rings.count)
    }


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
    of_object = np.repeat(middles, objects.areas)
    middle_row, middle_column = np.divmod(of_object, objects.shape[1])
    down, across = rows - middle_row, columns - middle_column
    steep = np.abs(down) > np.abs(across)
    found: Small = ((down > 0) + 2 * (across > 0) + 4 * steep).astype(np.int8)
    return found


@compiled
def _over_rings(
    values: Plane, bounds: Ints, rings: Small, sectors: Small, sums: Plane, found: Floats
) -> None:
    """Fill in shares, those by area, and variations; `sums` has room for rings and sectors."""
    count = len(sums)
    for number in range(len(bounds) - 1):
        for ring in range(count):
            for column in range(2 * _SECTORS + 1):
                sums[ring, column] = 0
        for at in range(bounds[number], bounds[number + 1]):
            ring, sector = rings[at], sectors[at]
            if ring >= 0:
                sums[ring, sector] += values[at]
                sums[ring, 2 * _SECTORS] += values[at]
                sums[ring, _SECTORS + sector] += 1
        total, area = sums[0, 2 * _SECTORS], 0.0
        for ring in range(count):
            total += sums[ring, 2 * _SECTORS] if ring else np.float32(0)
            for sector in range(_SECTORS):
                area += sums[ring, _SECTORS + sector]
        for ring in range(count):
            share = np.float64(sums[ring, 2 * _SECTORS] / total)
            own, used, mean, squares = 0.0, 0, 0.0, 0.0
            for sector in range(_SECTORS):
                pixels = np.float64(sums[ring, _SECTORS + sector])
                if pixels > 0:
                    own += pixels
                    used += 1
                    mean += sums[ring, sector] / pixels
            mean = mean / used if used else 0.0
            for sector in range(_SECTORS):
                pixels = np.float64(sums[ring, _SECTORS + sector])
                if pixels > 0:
                    away = sums[ring, sector] / pixels - mean
                    squares += away * away
            found[0, ring, number] = share
            found[1, ring, number] = share / (own / area + _SMALLEST)
            found[2, ring, number] = np.sqrt(squares / used) / mean if used else 0.0
