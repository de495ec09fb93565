"""Size and shape of objects.

The definitions are those of CellProfiler's module MeasureObjectSizeShape (version 4.2).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from cellfolio.measurement.hulls import Hulls
from cellfolio.measurement.objects import Floats, Objects
from cellfolio.measurement.ordering import sort_each
from cellfolio.measurement.outlines import convex_areas, euler_numbers, perimeters
from cellfolio.measurement.zernike import measure_zernikes


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
    around, convex = perimeters(objects), convex_areas(objects)
    boxes = objects.boxes
    box_areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    with np.errstate(divide="ignore", invalid="ignore"):
        round_ones = 4 * np.pi * areas / around**2
        compact = around**2 / (4 * np.pi * areas)
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
        "EulerNumber": euler_numbers(objects),
        "Extent": areas / box_areas,
        "FormFactor": round_ones,
        "MaxFeretDiameter": greatest,
        "MinFeretDiameter": least,
        "Perimeter": around,
        "Solidity": areas / convex,
        **_ellipses(objects),
        **_radii(objects),
        **measure_zernikes(objects, *hulls.circles()),
    }
    return {f"AreaShape_{name}": one.astype(np.float64) for name, one in found.items()}


def _ellipses(objects: Objects) -> dict[str, Floats]:
    yy, xy, xx = _second_moments(objects)
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


def _second_moments(objects: Objects) -> tuple[Floats, Floats, Floats]:
    """Return the central moments of each object by its area, from whole numbers along its runs."""
    if not len(objects):
        return np.zeros(0), np.zeros(0), np.zeros(0)
    rows, columns, lengths, bounds = objects.runs
    corners = np.repeat(objects.boxes[:, :2], np.diff(bounds), axis=0)
    y, x, steps = rows - corners[:, 0], columns - corners[:, 1], lengths - 1
    along = lengths * x + lengths * steps // 2
    squares = lengths * x**2 + x * lengths * steps + lengths * steps * (2 * steps + 1) // 6
    of_runs = np.stack([lengths * y, along, lengths * y**2, along * y, squares])
    sum_y, sum_x, yy, xy, xx = np.add.reduceat(of_runs, bounds[:-1], axis=1).astype(np.float64)
    areas = objects.areas.astype(np.float64)
    return (
        (areas * yy - sum_y * sum_y) / areas**2,
        (areas * xy - sum_y * sum_x) / areas**2,
        (areas * xx - sum_x * sum_x) / areas**2,
    )


def _radii(objects: Objects) -> dict[str, Floats]:
    """Tell distances to the next pixel outside, the frame around the image being outside, too."""
    if not len(objects):
        return {name: np.zeros(0) for name in ("MaximumRadius", "MeanRadius", "MedianRadius")}
    rows, columns = objects.places
    height, width = objects.shape
    to_frame = np.minimum(
        np.minimum(rows, columns), np.minimum(height - 1 - rows, width - 1 - columns)
    )
    distances = np.minimum(objects.depths, to_frame + 1)
    starts = objects.bounds[:-1]
    ordered = sort_each(distances, objects.bounds)
    middles = ordered[starts + objects.areas // 2] + ordered[starts + (objects.areas - 1) // 2]
    return {
        "MaximumRadius": np.maximum.reduceat(distances, starts),
        "MeanRadius": np.add.reduceat(distances, starts) / objects.areas,
        "MedianRadius": middles / 2,
    }
