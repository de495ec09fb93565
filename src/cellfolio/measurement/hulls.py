"""Convex hulls of objects, and what is measured on them: calipers and the least circle around."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cellfolio.measurement.compiled import compiled
from cellfolio.measurement.objects import Floats, Ints, Objects


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
        corners, bounds = _hulls(objects.pixels, objects.bounds, objects.boxes, objects.shape[1])
        return cls(corners, bounds)

    def feret(self) -> tuple[Floats, Floats]:
        """Return the least and greatest distance of two parallel lines that an object lies between.

        Returns
        -------
        least, greatest : array of float64, shape (objects,)
            In pixels, from middle to middle of pixels; 0 for a single pixel.
        """
        return _calipers(self.corners, self.bounds)

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
        return _circles(self.corners, self.bounds)


@compiled
def _turn(first: Ints, second: Ints, third: Ints) -> int:
    """Tell on which side of a line a point lies: positive, 0 on it, negative."""
    one = (second[1] - first[1]) * (third[0] - first[0])
    return int(one - (second[0] - first[0]) * (third[1] - first[1]))


@compiled
def _hulls(pixels: Ints, bounds: Ints, boxes: Ints, columns: int) -> tuple[Ints, Ints]:
    count = len(bounds) - 1
    most = 2
    for number in range(count):
        most += 2 * (boxes[number, 3] - boxes[number, 1])
    corners = np.empty((most, 2), dtype=np.int64)
    ends = np.zeros(count + 1, dtype=np.int64)
    point = np.empty(2, dtype=np.int64)
    for number in range(count):
        left, width = boxes[number, 1], boxes[number, 3] - boxes[number, 1]
        top = np.full(width, boxes[number, 2])
        bottom = np.full(width, -1)
        for at in range(bounds[number], bounds[number + 1]):
            row, column = divmod(pixels[at], columns)
            top[column - left] = min(top[column - left], row)
            bottom[column - left] = max(bottom[column - left], row)
        start = end = ends[number]
        for x in range(width):
            if bottom[x] < 0:
                continue
            point[0], point[1] = top[x], left + x
            while end - start > 1 and _turn(corners[end - 2], corners[end - 1], point) <= 0:
                end -= 1
            corners[end] = point
            end += 1
        turned = end  # the way back begins behind the last corner of the top
        for x in range(width - 1, -1, -1):
            if bottom[x] < 0:
                continue
            point[0], point[1] = bottom[x], left + x
            if corners[end - 1, 0] == point[0] and corners[end - 1, 1] == point[1]:
                continue
            while end > turned and _turn(corners[end - 2], corners[end - 1], point) <= 0:
                end -= 1
            corners[end] = point
            end += 1
        last = end - 1
        if last > start and corners[last, 0] == corners[start, 0]:
            end -= int(corners[last, 1] == corners[start, 1])
        ends[number + 1] = end
    return corners[: ends[count]].copy(), ends


@compiled
def _calipers(corners: Ints, bounds: Ints) -> tuple[Floats, Floats]:
    least, greatest = np.zeros(len(bounds) - 1), np.zeros(len(bounds) - 1)
    for number in range(len(bounds) - 1):
        hull = corners[bounds[number] : bounds[number + 1]]
        count = len(hull)
        longest = 0
        for one in range(count):
            for other in range(one):
                down, across = hull[one, 0] - hull[other, 0], hull[one, 1] - hull[other, 1]
                longest = max(longest, down * down + across * across)
        greatest[number] = np.sqrt(np.float64(longest))
        if count < 3:
            continue
        # One of the two closest lines holds a side of the hull.
        narrowest = np.inf
        for one in range(count):
            first, second = hull[one], hull[(one + 1) % count]
            farthest = 0
            for other in range(count):
                farthest = max(farthest, abs(_turn(first, second, hull[other])))
            down, across = second[0] - first[0], second[1] - first[1]
            narrowest = min(narrowest, farthest / np.sqrt(np.float64(down**2 + across**2)))
        least[number] = narrowest
    return least, greatest


@compiled
def _angle(corner: Ints, one: Ints, other: Ints) -> float:
    """Return the angle at a corner between the ways to two points."""
    y1, x1 = float(one[0] - corner[0]), float(one[1] - corner[1])
    y2, x2 = float(other[0] - corner[0]), float(other[1] - corner[1])
    cosine = (y1 * y2 + x1 * x2) / np.sqrt((y1 * y1 + x1 * x1) * (y2 * y2 + x2 * x2))
    return float(abs(np.arccos(cosine)))


@compiled
def _circles(corners: Ints, bounds: Ints) -> tuple[Floats, Floats]:
    centers = np.full((len(bounds) - 1, 2), np.nan)
    radii = np.zeros(len(bounds) - 1)
    for number in range(len(bounds) - 1):
        hull = corners[bounds[number] : bounds[number + 1]]
        if not len(hull):
            continue
        center, radius = _circle(hull)
        centers[number] = center
        radii[number] = radius
    return centers, radii


@compiled
def _circle(hull: Ints) -> tuple[Floats, float]:
    """Return the least circle around the corners of a hull.

    A side is turned over the hull until the corner that sees it under the least angle sees it
    under a right one or wider, or makes a triangle with it that has no wider one.
    """
    if len(hull) == 1:
        return hull[0].astype(np.float64), 0.0
    first, second = 0, 1
    right = np.pi / 2
    while True:
        sight, at_first, at_second, seen_from = np.inf, 0.0, 0.0, -1
        for other in range(len(hull)):
            if other in (first, second):
                continue
            one_angle = _angle(hull[first], hull[second], hull[other])
            other_angle = _angle(hull[second], hull[first], hull[other])
            rest = np.pi - other_angle - one_angle
            if rest < sight:
                sight, at_first, at_second, seen_from = rest, one_angle, other_angle, other
        if seen_from < 0 or sight >= right:
            apart = (hull[first] - hull[second]).astype(np.float64)
            middle = (hull[first].astype(np.float64) + hull[second].astype(np.float64)) / 2
            return middle, float(np.sqrt(apart[0] ** 2 + apart[1] ** 2) / 2)
        if at_first <= right and at_second <= right:
            return _around(hull[first], hull[second], hull[seen_from])
        if at_first > right:
            first = seen_from
        else:
            second = seen_from


@compiled
def _around(first: Ints, second: Ints, third: Ints) -> tuple[Floats, float]:
    """Return the circle through three points."""
    a, b, c = first.astype(np.float64), second.astype(np.float64), third.astype(np.float64)
    twice = 2 * (a[1] * (b[0] - c[0]) + b[1] * (c[0] - a[0]) + c[1] * (a[0] - b[0]))
    aa, bb, cc = a[0] ** 2 + a[1] ** 2, b[0] ** 2 + b[1] ** 2, c[0] ** 2 + c[1] ** 2
    center = np.empty(2)
    center[1] = (aa * (b[0] - c[0]) + bb * (c[0] - a[0]) + cc * (a[0] - b[0])) / twice
    center[0] = (aa * (c[1] - b[1]) + bb * (a[1] - c[1]) + cc * (b[1] - a[1])) / twice
    return center, float(np.sqrt((a[0] - center[0]) ** 2 + (a[1] - center[1]) ** 2))
