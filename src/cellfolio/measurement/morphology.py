"""Morphology of gray images: openings by a disk, and openings by reconstruction of every size."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from cellfolio.measurement.compiled import compiled
from cellfolio.measurement.objects import Floats, Plane

Ranks = npt.NDArray[np.int32]
Sizes = npt.NDArray[np.uint8]


def interpolate(image: Plane, rows: Floats, columns: Floats) -> Plane:
    """Return an image at places between its pixels, with straight lines between; 0 beyond it.

    Parameters
    ----------
    image : array of float32, shape (rows, columns)
    rows, columns : array of float64
        From 0; all crossings of them are returned.

    Examples
    --------
    >>> image = np.array([[0, 1], [2, 3]], dtype=np.float32)
    >>> interpolate(image, np.array([0.5]), np.array([0, 0.25, 1])).tolist()
    [[1.0, 1.25, 2.0]]
    """
    return _along(_along(image, rows, 0), columns, 1).astype(np.float32)


def _along(image: Plane | Floats, places: Floats, axis: int) -> Plane | Floats:
    last = image.shape[axis] - 1
    below = np.minimum(places.astype(np.int64), last)
    parts = places - below
    found: Plane | Floats = image.take(below, axis)
    if parts.any():
        parts = parts[:, None] if axis == 0 else parts
        found = found * (1 - parts) + image.take(np.minimum(below + 1, last), axis) * parts
    beyond = places > last
    if beyond.any():
        found[beyond if axis == 0 else (slice(None), beyond)] = 0
    return found


def open_by_disk(image: Plane, radius: int) -> Plane:
    """Return the greatest of the least values in a disk; what is beyond the image is left out.

    Examples
    --------
    >>> open_by_disk(np.array([[1, 3, 1, 2, 2, 2, 0]], dtype=np.float32), 1).tolist()
    [[1.0, 1.0, 1.0, 2.0, 2.0, 2.0, 0.0]]
    """
    return -_least_in_disk(-_least_in_disk(image, radius), radius)


def _least_in_disk(image: Plane, radius: int) -> Plane:
    """Return the least value in a disk around each pixel: of each of its rows, two runs of 2ⁿ."""
    height, width = image.shape
    framed = np.pad(image, radius, constant_values=np.inf)
    runs = [framed]
    while 2 ** len(runs) <= 2 * radius + 1:
        step = 2 ** (len(runs) - 1)
        runs.append(np.minimum(runs[-1][:, :-step], runs[-1][:, step:]))
    found = np.full_like(image, np.inf)
    for down in range(2 * radius + 1):
        span = int(np.sqrt(radius**2 - (down - radius) ** 2))
        power = (2 * span + 1).bit_length() - 1
        rows = runs[power][down : down + height]
        for start in (radius - span, radius + span + 1 - 2**power):
            np.minimum(found, rows[:, start : start + width], out=found)
    return found


def open_by_reconstruction(image: Plane, steps: int) -> npt.NDArray[np.float32]:
    """Open an image by reconstruction with diamonds, from the radius 1 on.

    Parameters
    ----------
    image : array of float32, shape (rows, columns)
        Without negative values.
    steps : int
        At most 255.

    Returns
    -------
    array of float32, shape (rows, columns, steps)

    Notes
    -----
    Opened so, a pixel has the highest level at which the bright component that it is in, of 4
    neighbours, holds such a diamond. So each component is asked once for its largest diamond, in
    the tree of components (Najman and Couprie 2006, https://doi.org/10.1109/TIP.2006.877518), for
    all radii together. Pixels are known by their rank in brightness.

    Examples
    --------
    >>> image = np.array([[5, 1, 1, 1], [1, 1, 4, 1], [1, 4, 4, 4], [1, 1, 4, 1]])
    >>> open_by_reconstruction(image.astype(np.float32), 1)[:, :, 0].astype(int).tolist()
    [[1, 1, 1, 1], [1, 1, 4, 1], [1, 4, 4, 4], [1, 1, 4, 1]]
    """
    height, width = image.shape
    order = _order_of(image)
    levels = image.ravel()[order]
    ranks = np.full((height + 2, width + 2), len(order), dtype=np.int32)
    inner = np.empty(len(order), dtype=np.int32)
    inner[order] = np.arange(len(order), dtype=np.int32)
    ranks[1:-1, 1:-1] = inner.reshape(height, width)
    framed = (order // width + 1) * (width + 2) + order % width + 1
    parents, roots = np.empty_like(order), np.empty_like(order)
    _grow_tree(framed, ranks.ravel(), width + 2, parents, roots)
    sizes = np.zeros(len(order), dtype=np.uint8)
    _find_diamonds(ranks.copy(), ranks, steps, sizes)
    found = np.empty((height, width, steps), dtype=np.float32)
    _fill_opened(inner, levels, parents, sizes, found.reshape(-1, steps))
    return found


def _order_of(image: Plane) -> Ranks:
    """Return the flat indices of pixels by brightness: bits of positive floats sort as they do."""
    bits = (image.ravel() + np.float32(0)).view(np.uint32).astype(np.uint64)
    keys = (bits << np.uint64(32)) | np.arange(len(bits), dtype=np.uint64)
    keys.sort()
    return (keys & np.uint64(2**32 - 1)).astype(np.int32)


@compiled
def _grow_tree(order: Ranks, ranks: Ranks, width: int, parents: Ranks, roots: Ranks) -> None:
    """Fill in, by rank, the next darker pixel of a component that a pixel's component is within.

    `ranks` has a frame of pixels that do not exist, and `order` the places in it.
    """
    count = len(order)
    for rank in range(count - 1, -1, -1):
        parents[rank] = roots[rank] = rank
        place = order[rank]
        for near in (place - width, place - 1, place + 1, place + width):
            root = ranks[near]
            if root <= rank or root == count:
                continue
            above = roots[root]
            while above != root:
                roots[root] = roots[above]
                root = roots[root]
                above = roots[root]
            if root != rank:
                roots[root] = parents[root] = rank


@compiled
def _find_diamonds(darkest: Ranks, wider: Ranks, steps: int, found: Sizes) -> None:
    """Fill in, by rank, the radius of the largest diamond that has this pixel as its darkest."""
    height, width = darkest.shape
    for step in range(1, steps + 1):
        for y in range(1, height - 1):
            for x in range(1, width - 1):
                least = darkest[y, x]
                for near in (
                    darkest[y, x - 1], darkest[y, x + 1], darkest[y - 1, x], darkest[y + 1, x],
                ):  # fmt: skip
                    least = near if near < least else least
                wider[y, x] = least
            for x in range(1, width - 1):
                found[wider[y, x]] = step
        darkest, wider = wider, darkest


@compiled
def _fill_opened(ranks: Ranks, levels: Plane, parents: Ranks, sizes: Sizes, found: Plane) -> None:
    """Fill in the levels of each pixel: of the first component on its way down that is wide enough.

    On that way only those count that hold a larger diamond than all before.
    """
    count, steps = found.shape
    for rank in range(count - 1, -1, -1):
        darker, size = parents[rank], sizes[rank]
        sizes[darker] = size if size > sizes[darker] else sizes[darker]
    for rank in range(count):
        if levels[parents[rank]] == levels[rank]:
            sizes[rank] = sizes[parents[rank]]
        if sizes[parents[rank]] == sizes[rank]:
            parents[rank] = parents[parents[rank]]
    for place in range(count):
        rank = ranks[place]
        step = np.int64(0)
        while step < steps:
            end = sizes[rank] if rank else steps
            while step < end:
                found[place, step] = levels[rank]
                step += 1
            rank = parents[rank]
