"""Convex hulls of objects, and what is measured on them: calipers and the least circle around."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cellfolio.measurement.compiled import compiled, compiled_within
from cellfolio.measurement.objects import Floats, Ints, Objects, Runs


@dataclass(frozen=True)
class Hulls:
    """The convex hulls of the middles of pixels.

    Attributes
    ----------
    corners : array of int64, shape (all corners, 2)
        Row and column, object by object: from the uppermost pixel of the leftmost column along the
        top to the right and back along the bottom. None lies on the line between its neighbours.
    bounds : array of int64, shape (objects + 1,)
        Where the corners of each object begin, and their number.

    Examples
    --------
    >>> Hulls.of(Objects.of(np.ones((2, 3), dtype=int))).corners.tolist()
    [[0, 0], [0, 2], [1, 2], [1, 0]]
    """

    corners: Ints
    bounds: Ints

    @classmethod
    def of(cls, objects: Objects) -> Hulls:
        """Return the hulls of objects."""
        widths = objects.boxes[:, 3] - objects.boxes[:, 1]
        corners = np.empty((2 * int(widths.sum()) + 2, 2), dtype=np.int64)
        bounds = np.zeros(len(objects) + 1, dtype=np.int64)
        sides = np.empty((2, int(widths.max(initial=0))), dtype=np.int64)
        _find_hulls(objects.runs, objects.boxes, sides, corners, bounds)
        return cls(corners[: bounds[-1]].copy(), bounds)

    def feret(self) -> tuple[Floats, Floats]:
        """Return the least and greatest distance of two parallel lines that an object lies between.

        Returns
        -------
        least, greatest : array of float64, shape (objects,)
            In pixels, from middle to middle of pixels; 0 for a single pixel.
        """
        least, greatest = np.zeros(len(self.bounds) - 1), np.zeros(len(self.bounds) - 1)
        _find_calipers(self.corners, self.bounds, least, greatest)
        return least, greatest

    def circles(self) -> tuple[Floats, Floats]:
        """Return the least circles around the middles of pixels.

        Returns
        -------
        centers : array of float64, shape (objects, 2)
            Row and column.
        radii : array of float64, shape (objects,)

        References
        ----------
        Chrystal 1885, On the problem to construct the minimum circle enclosing n given points in
        a plane.
        """
        centers, radii = np.full((len(self.bounds) - 1, 2), np.nan), np.zeros(len(self.bounds) - 1)
        _find_circles(self.corners, self.bounds, centers, radii)
        return centers, radii


@compiled_within
def _turn(corners: Ints, one: int, two: int, row: int, column: int) -> int:
    """Tell on which side of the line through two corners a point lies: 0 on it."""
    across = (corners[two, 1] - corners[one, 1]) * (row - corners[one, 0])
    return across - (corners[two, 0] - corners[one, 0]) * (column - corners[one, 1])  # type: ignore[no-any-return]


@compiled
def _find_hulls(runs: Runs, boxes: Ints, sides: Ints, corners: Ints, ends: Ints) -> None:
    rows, columns, lengths, bounds = runs
    top, bottom = sides[0], sides[1]
    for number in range(len(boxes)):
        left, width = boxes[number, 1], boxes[number, 3] - boxes[number, 1]
        for x in range(width):
            bottom[x] = -1
        for run in range(bounds[number], bounds[number + 1]):
            first = columns[run] - left
            for x in range(first, first + lengths[run]):
                if bottom[x] < 0:
                    top[x] = rows[run]
                bottom[x] = rows[run]
        start = end = ends[number]
        for at in range(2 * width):
            if at == width:  # the way back begins at the last corner of the top
                start = end - 1
            x = at if at < width else 2 * width - 1 - at
            row = top[x] if at < width else bottom[x]
            if bottom[x] < 0 or (at == width and row == corners[start, 0]):
                continue
            while end - start > 1 and _turn(corners, end - 2, end - 1, row, left + x) <= 0:
                end -= 1
            corners[end, 0], corners[end, 1] = row, left + x
            end += 1
        first, last = ends[number], end - 1
        if last > first and corners[last, 0] == corners[first, 0]:
            end -= corners[last, 1] == corners[first, 1]
        ends[number + 1] = end


@compiled
def _find_calipers(corners: Ints, bounds: Ints, least: Floats, greatest: Floats) -> None:
    for number in range(len(bounds) - 1):
        start, end = bounds[number], bounds[number + 1]
        longest, narrowest = 0.0, np.inf
        for one in range(start, end):
            # One of the two closest lines holds a side of the hull.
            two = one + 1 if one + 1 < end else start
            farthest = 0.0
            for other in range(start, end):
                square = _square(corners, one, other)
                longest = square if square > longest else longest
                away = abs(float(_turn(corners, one, two, corners[other, 0], corners[other, 1])))
                farthest = away if away > farthest else farthest
            width = farthest / np.sqrt(_square(corners, one, two))
            narrowest = width if width < narrowest else narrowest
        greatest[number] = np.sqrt(longest)
        least[number] = narrowest if end - start > 2 else 0.0


@compiled_within
def _square(corners: Ints, one: int, two: int) -> float:
    down, across = corners[one, 0] - corners[two, 0], corners[one, 1] - corners[two, 1]
    return float(down * down + across * across)


@compiled
def _find_circles(corners: Ints, bounds: Ints, centers: Floats, radii: Floats) -> None:
    """Fill in the least circles around the corners of hulls.

    A side is turned over the hull until the corner that sees it under the least angle sees it
    under a right one or wider, or makes a triangle with it that has no wider one.
    """
    right = np.pi / 2
    for number in range(len(bounds) - 1):
        start, end = bounds[number], bounds[number + 1]
        first, second = start, start + (start + 1 < end)
        while end > start:
            sight, at_first, at_second, seen_from = np.inf, 0.0, 0.0, start
            for other in range(start, end):
                if (other - first) * (other - second) == 0:
                    continue
                one_angle = _angle(corners, first, second, other)
                other_angle = _angle(corners, second, first, other)
                rest = np.pi - other_angle - one_angle
                if rest < sight:
                    sight, at_first, at_second, seen_from = rest, one_angle, other_angle, other
            if sight < right and (at_first > right or at_second > right):
                if at_first > right:
                    first = seen_from
                else:
                    second = seen_from
                continue
            if sight < right:
                radii[number] = _around(corners, first, second, seen_from, centers[number])
            else:
                radii[number] = np.sqrt(_square(corners, first, second)) / 2
                centers[number, 0] = (corners[first, 0] + corners[second, 0]) / 2
                centers[number, 1] = (corners[first, 1] + corners[second, 1]) / 2
            break


@compiled_within
def _angle(corners: Ints, corner: int, one: int, other: int) -> float:
    """Return the angle at a corner between the ways to two others."""
    y1 = float(corners[one, 0] - corners[corner, 0])
    x1 = float(corners[one, 1] - corners[corner, 1])
    y2 = float(corners[other, 0] - corners[corner, 0])
    x2 = float(corners[other, 1] - corners[corner, 1])
    cosine = (y1 * y2 + x1 * x2) / np.sqrt((y1 * y1 + x1 * x1) * (y2 * y2 + x2 * x2))
    return float(abs(np.arccos(cosine)))


@compiled_within
def _around(corners: Ints, first: int, second: int, third: int, center: Floats) -> float:
    """Find the middle of the circle through three corners; return its radius."""
    a0, a1 = float(corners[first, 0]), float(corners[first, 1])
    b0, b1 = float(corners[second, 0]), float(corners[second, 1])
    c0, c1 = float(corners[third, 0]), float(corners[third, 1])
    twice = 2 * (a1 * (b0 - c0) + b1 * (c0 - a0) + c1 * (a0 - b0))
    aa, bb, cc = a0 * a0 + a1 * a1, b0 * b0 + b1 * b1, c0 * c0 + c1 * c1
    center[1] = (aa * (b0 - c0) + bb * (c0 - a0) + cc * (a0 - b0)) / twice
    center[0] = (aa * (c1 - b1) + bb * (a1 - c1) + cc * (b1 - a1)) / twice
    down, across = a0 - center[0], a1 - center[1]
    return float(np.sqrt(down * down + across * across))
