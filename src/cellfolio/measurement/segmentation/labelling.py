"""Labels of objects: outlines, holes, and which touch the border."""

from __future__ import annotations

from itertools import product

import numpy as np
import numpy.typing as npt
import scipy.ndimage as ndi

from cellfolio.measurement.compiled import compiled
from cellfolio.measurement.objects import Ints, Labels

Mask = npt.NDArray[np.bool_]


def components_of(mask: Mask) -> Labels:
    """Return parts of a mask that touch, with 8 neighbours, by a number each, from the top.

    Parameters
    ----------
    mask : array of bool, shape (rows, columns)

    Examples
    --------
    >>> components_of(np.array([[True, False, False], [False, True, False]])).max()
    np.int32(1)
    """
    found: Labels = ndi.label(mask, np.ones((3, 3), dtype=bool), output=np.int32)[0]
    return found


def outline_of(labels: Labels) -> Mask:
    """Return where the outlines of objects are, as CellProfiler shrinks them.

    Parameters
    ----------
    labels : array of int32, shape (rows, columns)

    Returns
    -------
    array of bool
        Pixels of objects that have, of 8 neighbours, one outside of the object or of the image.

    Examples
    --------
    >>> int(outline_of(np.ones((4, 5), dtype=np.int32)).sum())
    14
    """
    found: Mask = np.ones(labels.shape, dtype=np.bool_)
    inner, (rows, columns) = labels[1:-1, 1:-1], labels.shape
    if inner.size:
        alike = np.ones(inner.shape, dtype=np.bool_)
        for down, across in product(range(3), repeat=2):
            alike &= labels[down : rows - 2 + down, across : columns - 2 + across] == inner
        np.logical_not(alike, out=found[1:-1, 1:-1])
    found &= labels != 0
    return found


def at_border(labels: Labels) -> Ints:
    """Return the numbers of the objects that touch the border of the image.

    Examples
    --------
    >>> at_border(np.array([[0, 0, 3], [0, 1, 0], [0, 0, 2]], dtype=np.int32)).tolist()
    [2, 3]
    """
    edges = (labels[:1], labels[-1:], labels[:, :1], labels[:, -1:])
    found = np.unique(np.concatenate([edge.ravel() for edge in edges]))
    return found[found > 0].astype(np.int64)


def renumber(labels: Labels, first: Ints) -> Labels:
    """Return labels with new numbers: some objects first, then the others as they follow.

    Parameters
    ----------
    labels : array of int32, shape (rows, columns)
    first : array of int
        The numbers that become 1, 2 and so on.

    Examples
    --------
    >>> renumber(np.array([[0, 1, 2, 3]], dtype=np.int32), np.array([3])).tolist()
    [[0, 2, 3, 1]]
    """
    most = max(int(labels.max(initial=0)), int(first.max(initial=0)))
    order = np.concatenate([first, np.setdiff1d(np.arange(1, most + 1), first)])
    keys = np.zeros(most + 1, dtype=np.int32)
    keys[order] = np.arange(1, most + 1)
    return keys[labels]


def fill_holes(labels: Labels, *, objects: bool, less_than: float = np.inf) -> Labels:
    """Return labels without holes, as CellProfiler fills them.

    Parameters
    ----------
    labels : array of int32, shape (rows, columns)
    objects : bool
        Whether objects that lie wholly within another become part of it, too.
    less_than : float
        In pixels: what is not smaller is no hole.

    Returns
    -------
    array of int32

    Notes
    -----
    Parts of the background, with 4 neighbours, and objects are the knots of a graph. Rule 1: what
    touches the border is no hole. Rule 2: an object beside background that is no hole is none.
    Rule 3: what is beside two objects that are no holes is none. What is left is filled with the
    object around it; what lies in a hole, with what the hole is filled with.

    Examples
    --------
    >>> ring = np.array([[0, 0, 0, 0, 0], [0, 2, 2, 2, 0], [0, 2, 0, 2, 0], [0, 2, 2, 2, 0]])
    >>> ring = np.vstack([ring, np.zeros((1, 5), int)]).astype(np.int32)
    >>> int((fill_holes(ring, objects=False) == 2).sum())
    9
    """
    background = labels == 0
    ground = ndi.label(background, output=np.int32)[0]
    most = int(labels.max(initial=0))
    knots = np.where(background, ground + np.int32(most), labels)
    sides = ((knots[:-1], knots[1:]), (knots[:, :-1], knots[:, 1:]))
    touching = [(one[one != other], other[one != other]) for one, other in sides]
    count = int(knots.max(initial=0)) + 1
    first = np.concatenate([one for pair in touching for one in pair]).astype(np.int64)
    second = np.concatenate([one for pair in touching for one in pair[::-1]]).astype(np.int64)
    links = np.unique(first * count + second)
    starts = np.searchsorted(links, np.arange(count + 1) * count)
    solid = np.zeros(count, dtype=bool)
    solid[at_border(knots)] = True
    if np.isfinite(less_than):
        solid |= np.bincount(knots.ravel(), minlength=count) >= less_than
        solid[0] = False
    around, waiting = np.zeros(count, dtype=np.int64), np.empty(count + 1, dtype=np.int64)
    _fill(starts, links % count, solid, (most, waiting), around)
    filled = around[knots].astype(np.int32)
    return filled if objects else np.where(background, filled, labels).astype(np.int32)


@compiled
def _fill(starts: Ints, links: Ints, solid: Mask, listed: tuple[int, Ints], around: Ints) -> None:
    """Fill in what each knot becomes; knots up to `most` are objects. `solid` are no holes."""
    most, waiting = listed
    count = len(solid)
    held = np.int64(0)
    for knot in range(1, count):
        if solid[knot]:
            waiting[held] = knot
            held += 1
    while held > 0:
        held -= 1
        knot = waiting[held]
        for at in range(starts[knot], starts[knot + 1]):
            near = links[at]
            if solid[near]:
                continue
            if knot <= most:
                if around[near] == 0 or around[near] == knot:
                    around[near] = knot
                    continue
            elif near > most:
                continue
            solid[near] = True
            waiting[held] = near
            held += 1
    for knot in range(1, count):
        if not solid[knot] and around[knot] != 0:
            waiting[held] = knot
            held += 1
    while held > 0:
        held -= 1
        knot = waiting[held]
        for at in range(starts[knot], starts[knot + 1]):
            near = links[at]
            if not solid[near] and around[near] == 0:
                around[near] = around[knot]
                waiting[held] = near
                held += 1
    for knot in range(count):
        if solid[knot]:
            around[knot] = knot if knot <= most else 0
