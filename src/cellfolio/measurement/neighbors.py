"""Neighbours: how many objects are near another, and how near.

The definitions are those of CellProfiler's module MeasureObjectNeighbors (version 4.2), with
neighbours within a distance.
"""

from __future__ import annotations

import numpy as np

from cellfolio.errors import InvalidArgument
from cellfolio.measurement.compiled import compiled
from cellfolio.measurement.objects import Floats, Ints, Labels, Objects


def measure_neighbors(
    objects: Objects, distance: int, around: Objects | None = None
) -> dict[str, Floats]:
    """Measure the neighbours of objects.

    Parameters
    ----------
    objects : Objects
    distance : int
        In pixels, at which another object is a neighbour.
    around : Objects, optional
        All objects of this kind, with the same labels, and those that were discarded; by default
        `objects`.

    Returns
    -------
    dict of str to array of float64, shape (objects,)
        ``Neighbors_NumberOfNeighbors_<distance>``; ``…PercentTouching…``, of the outline;
        ``…FirstClosestObjectNumber…``, ``…FirstClosestDistance…`` and the same of the second, by
        the distance of centres; ``…AngleBetweenNeighbors…`` in degrees, at the centre between
        those of the two closest. Numbers are labels of the closest of `objects`, also where one
        that was discarded is closer; 0 where there is none.

    Raises
    ------
    InvalidArgument
        If the distance is less than 1, or `around` has not the objects.

    Notes
    -----
    A pixel of the outline, which has 8 neighbours, touches if a pixel of another object is within
    the distance plus a half.

    Examples
    --------
    >>> found = measure_neighbors(Objects.of(np.array([[1, 1, 0, 2]])), 2)
    >>> found["Neighbors_NumberOfNeighbors_2"].tolist()
    [1.0, 1.0]
    """
    if distance < 1:
        raise InvalidArgument(f"distance should be at least 1 pixel, found {distance!r}")
    around = objects if around is None else around
    if around.shape != objects.shape or not np.isin(objects.numbers, around.numbers).all():
        raise InvalidArgument("the objects around should be in the same plane, and have them all")
    places = np.searchsorted(around.numbers, objects.numbers)
    near, touching = _touching(objects, around, places, distance)
    closest = _closest(objects, around, places)
    found = {"NumberOfNeighbors": near, "PercentTouching": touching, **closest}
    return {f"Neighbors_{name}_{distance}": one for name, one in found.items()}


def _closest(objects: Objects, around: Objects, places: Ints) -> dict[str, Floats]:
    count = len(objects)
    found = {
        f"{which}Closest{what}": np.zeros(count)
        for which in ("First", "Second")
        for what in ("ObjectNumber", "Distance")
    }
    found["AngleBetweenNeighbors"] = np.zeros(count)
    if len(around) < 2 or not count:
        return found
    own = around.centers[places]
    away = around.centers[None, :, :] - own[:, None, :]
    distances = np.sqrt((away**2).sum(axis=2))
    distances[np.arange(count), places] = -1  # itself comes first
    order = np.argsort(distances, axis=1, kind="stable")
    rows = np.arange(count)
    nearest = np.argsort(distances[:, places], axis=1, kind="stable")
    for rank, which in ((1, "First"), (2, "Second")):
        if len(around) > rank:
            found[f"{which}ClosestDistance"] = distances[rows, order[:, rank]]
        if count > rank:
            numbers = objects.numbers[nearest[:, rank]].astype(np.float64)
            found[f"{which}ClosestObjectNumber"] = numbers
    if len(around) > 2:
        first, second = away[rows, order[:, 1]], away[rows, order[:, 2]]
        with np.errstate(divide="ignore", invalid="ignore"):
            cosine = (first * second).sum(axis=1) / np.sqrt(
                (first**2).sum(axis=1) * (second**2).sum(axis=1)
            )
        found["AngleBetweenNeighbors"] = np.degrees(np.arccos(np.clip(cosine, -1, 1)))
    return found


def _touching(objects: Objects, around: Objects, places: Ints, distance: int) -> Floats:
    """Return how many neighbours objects have, and the per cent of outlines that touch them."""
    framed = np.pad(around.labels, distance)
    width = framed.shape[1]
    pixels = around.pixels + distance * (width + 1) + around.places[0] * 2 * distance
    down, across = np.mgrid[-distance : distance + 1, -distance : distance + 1].reshape(2, -1)
    squares = down**2 + across**2
    # With the half: (distance + 1/2)² lies between these whole numbers.
    order = np.argsort(squares, kind="stable")[: (squares <= distance * (distance + 1)).sum()]
    steps = (down * width + across)[order]
    near = int((squares <= distance**2).sum())
    counted = np.zeros((3, len(around) + 1))
    beside = np.array([-width - 1, -width, 1 - width, -1, 1, width - 1, width, width + 1])
    _near(framed.ravel(), (pixels, around.bounds, places), (steps, near), beside, counted)
    return counted[:2, : len(objects)]


@compiled
def _near(
    labels: Labels,
    listed: tuple[Ints, Ints, Ints],
    reached: tuple[Ints, int],
    around: Ints,
    found: Floats,
) -> None:
    """Count neighbours of some objects, and the per cent of their outlines that touch others.

    The first steps lead to neighbours, the others only touch. The last row of `found` tells for
    each label which object has it as a neighbour already.
    """
    pixels, bounds, places = listed
    steps, near = reached
    for number in range(len(places)):
        own = places[number] + 1
        outline, touched, neighbors = 0.0, 0.0, 0.0
        for at in range(bounds[own - 1], bounds[own]):
            place, inner = pixels[at], True
            for step in around:
                inner = inner and labels[place + step] == own
            if inner:
                continue
            outline += 1
            touches = 0.0
            for step in range(len(steps)):
                other = labels[place + steps[step]]
                if other > 0 and other != own:
                    touches = 1.0
                    if step < near and found[2, other] != number + 1:
                        found[2, other] = number + 1
                        neighbors += 1
            touched += touches
        found[0, number] = neighbors
        found[1, number] = 100.0 * touched / outline if outline > 0 else 0.0
