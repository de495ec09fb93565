"""Propagation: markers grow into what is near in place and in brightness."""

from __future__ import annotations

import numpy as np

from cellfolio.measurement.compiled import compiled_allocating, compiled_within
from cellfolio.measurement.objects import Floats, Ints, Labels
from cellfolio.measurement.segmentation.labelling import Mask


def propagate(image: Floats, seeds: Labels, mask: Mask, regularization: float) -> Labels:
    """Return seeds, grown over a mask along the shortest ways.

    Parameters
    ----------
    image : array of float64, shape (rows, columns)
    seeds : array of int32
        Where objects begin; those outside of the mask do not count.
    mask : array of bool
        Where they may grow.
    regularization : float
        How much a step in place counts, against a difference in brightness.

    Returns
    -------
    array of int32

    Notes
    -----
    The length of a step is √(D² + s λ²), where D is the sum of differences of the nine pixels
    around both places, s is 1 along rows and columns and 2 across, and λ is `regularization`
    (Jones, Carpenter and Golland 2005). Beyond the image are the values of its border. Of equal
    ways the one of the object with the lower number wins, and then the pixel that comes first.

    Examples
    --------
    >>> seeds = np.array([[1, 0, 0, 0, 2]], dtype=np.int32)
    >>> image = np.array([[0.5, 0.5, 0.5, 0.5, 0.0]])
    >>> propagate(image, seeds, np.ones((1, 5), dtype=bool), 0.05).tolist()
    [[1, 1, 1, 2, 2]]
    """
    found = np.zeros(image.shape, dtype=np.int32)
    _propagate(image, np.where(mask, seeds, 0).astype(np.int32), mask, regularization, found)
    return found


@compiled_allocating
def _propagate(
    image: Floats, seeds: Labels, mask: Mask, regularization: float, found: Labels
) -> None:
    rows, columns = image.shape
    size = rows * columns
    ways = np.where(seeds > 0, 0.0, np.inf)
    # Ways are compared without the last bit, then by number, then by place.
    way_of = np.empty(1)
    bits_of = way_of.view(np.int64)
    keys = np.empty(1024, dtype=np.int64)
    tags = np.empty(1024, dtype=np.int64)
    held = 0
    for place in range(size):
        label = seeds[place // columns, place % columns]
        if label > 0:
            if held == len(keys):
                keys, tags = _doubled(keys), _doubled(tags)
            _rise(keys, tags, held, (0, np.int64(label) * size + place))
            held += 1
    while held > 0:
        label, place = divmod(tags[0], size)
        held -= 1
        _settle(keys, tags, held)
        row, column = divmod(place, columns)
        if found[row, column] != 0:
            continue
        found[row, column] = label
        for y in range(max(row - 1, 0), min(row + 2, rows)):
            for x in range(max(column - 1, 0), min(column + 2, columns)):
                if found[y, x] != 0 or not mask[y, x]:
                    continue
                way = ways[row, column] + _step(image, (row, column), (y, x), regularization)
                if way < ways[y, x]:
                    ways[y, x] = way
                    way_of[0] = way
                    if held == len(keys):
                        keys, tags = _doubled(keys), _doubled(tags)
                    _rise(keys, tags, held, (bits_of[0] >> 1, label * size + y * columns + x))
                    held += 1


@compiled_within
def _step(
    image: Floats, one: tuple[int, int], other: tuple[int, int], regularization: float
) -> float:
    rows, columns = image.shape
    differences = 0.0
    for down in range(-1, 2):
        for across in range(-1, 2):
            y, x = min(max(one[0] + down, 0), rows - 1), min(max(one[1] + across, 0), columns - 1)
            v, u = (
                min(max(other[0] + down, 0), rows - 1),
                min(max(other[1] + across, 0), columns - 1),
            )
            differences += abs(image[y, x] - image[v, u])
    sides = float(abs(one[0] - other[0]) + abs(one[1] - other[1]))
    return float(np.sqrt(differences * differences + sides * regularization * regularization))


@compiled_allocating
def _doubled(values: Ints) -> Ints:
    found = np.empty(2 * len(values), dtype=np.int64)
    found[: len(values)] = values
    return found


@compiled_within
def _rise(keys: Ints, tags: Ints, held: int, item: tuple[int, int]) -> None:
    key, tag = item
    at = held
    while at > 0:
        above = (at - 1) >> 1
        if not (key < keys[above] or (key == keys[above] and tag < tags[above])):
            break
        keys[at], tags[at] = keys[above], tags[above]
        at = above
    keys[at], tags[at] = key, tag


@compiled_within
def _settle(keys: Ints, tags: Ints, held: int) -> None:
    key, tag = keys[held], tags[held]
    at = 0
    while True:
        below = 2 * at + 1
        if below >= held:
            break
        beside = below + 1
        if beside < held and (
            keys[beside] < keys[below]
            or (keys[beside] == keys[below] and tags[beside] < tags[below])
        ):
            below = beside
        if not (keys[below] < key or (keys[below] == key and tags[below] < tag)):
            break
        keys[at], tags[at] = keys[below], tags[below]
        at = below
    keys[at], tags[at] = key, tag
