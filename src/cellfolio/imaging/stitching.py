"""Sites put beside each other: a well, or a plate, as one picture.

Rule 1: sites are placed by where the microscope says they are, to the nearest pixel; nothing is
registered, warped or blended by content.
Rule 2: where sites overlap, the later one covers the earlier one, so that every pixel is one that
was measured; or their mean is taken, if asked for.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from cellfolio.errors import InvalidArgument
from cellfolio.registries.plates import Well

Key = TypeVar("Key", bound=Hashable)
MAX_PIXELS = 1 << 30
"""Pixels of a mosaic; a position that is wrong by a metre would make one of a terabyte."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Where tiles lie in a mosaic.

    Attributes
    ----------
    offsets : mapping of key to (int, int)
        Row and column of each tile's first pixel.
    shape : (int, int)
        Rows and columns of the mosaic.
    """

    offsets: Mapping[Any, tuple[int, int]]
    shape: tuple[int, int]


def place_sites(
    positions: Mapping[Key, tuple[float, float]],
    pixel_size: tuple[float, float],
    tile: tuple[int, int],
) -> Layout:
    """Return where sites lie in a mosaic, by their positions.

    Parameters
    ----------
    positions : mapping of key to (float, float)
        X to the right and Y **upwards**, as the Opera Phenix notes them; of the same point in
        every site.
    pixel_size : (float, float)
        Of X and Y, in the unit of `positions`.
    tile : (int, int)
        Rows and columns of each site's image.

    Raises
    ------
    InvalidArgument
        If there are no positions, a pixel size is not above 0, or the mosaic would be larger than
        `MAX_PIXELS`.

    Examples
    --------
    >>> layout = place_sites({1: (0, 0), 2: (2e-4, 0), 3: (0, 2e-4)}, (1e-6, 1e-6), (200, 200))
    >>> layout.offsets, layout.shape
    ({1: (200, 0), 2: (200, 200), 3: (0, 0)}, (400, 400))
    """
    if not positions:
        raise InvalidArgument("no sites to place; expected the position of one or more")
    if not all(size > 0 for size in pixel_size):
        raise InvalidArgument(f"the size of a pixel is {pixel_size}; expected numbers above 0")
    left = min(x for x, _ in positions.values())
    top = max(y for _, y in positions.values())
    offsets = {
        key: (round((top - y) / pixel_size[1]), round((x - left) / pixel_size[0]))
        for key, (x, y) in positions.items()
    }
    rows, columns = (max(one[axis] for one in offsets.values()) + tile[axis] for axis in (0, 1))
    if rows * columns > MAX_PIXELS:
        raise InvalidArgument(
            f"the mosaic would have {columns:,} × {rows:,} pixels; positions and pixel size do not "
            "fit each other, or it has to be made smaller"
        )
    return Layout(offsets, (rows, columns))


def place_wells(wells: Iterable[Well], tile: tuple[int, int], *, gap: int = 0) -> Layout:
    """Return where wells lie in a picture of a plate: in their rows and columns.

    Rows and columns without any of the wells at the edge are left out.

    Parameters
    ----------
    wells : iterable of Well
    tile : (int, int)
        Rows and columns of pixels of the largest well.
    gap : int
        Pixels between wells.

    Raises
    ------
    InvalidArgument

    Examples
    --------
    >>> place_wells([Well(2, 3), Well(3, 4)], (10, 20), gap=2).offsets[Well(3, 4)]
    (12, 22)
    """
    steps = tile[0] + gap, tile[1] + gap
    positions = {
        well: (float(well.column * steps[1]), float(-well.row * steps[0])) for well in wells
    }
    return place_sites(positions, (1.0, 1.0), tile)


def stitch(
    layout: Layout,
    tiles: Iterable[tuple[Key, NDArray[Any]]],
    *,
    overlap: Literal["last", "mean"] = "last",
) -> NDArray[Any]:
    """Put tiles into one picture; what no tile covers is 0.

    Parameters
    ----------
    layout : Layout
    tiles : iterable of (key, array of shape (Y, X))
        Read one at a time; all of one type. Those of the layout that do not come stay 0.
    overlap : {'last', 'mean'}
        What is shown where tiles overlap.

    Returns
    -------
    array of shape `layout.shape`
        Of the tiles' type; a mean of whole numbers is rounded.

    Raises
    ------
    InvalidArgument
        If a tile has no place, does not fit into the mosaic, or is of another type; or if none
        comes.

    Examples
    --------
    >>> layout = Layout({"a": (0, 0), "b": (0, 1)}, (1, 3))
    >>> tiles = [("a", np.array([[2, 4]])), ("b", np.array([[8, 6]]))]
    >>> stitch(layout, tiles), stitch(layout, tiles, overlap="mean")
    (array([[2, 8, 6]]), array([[2, 6, 6]]))
    """
    mosaic: NDArray[Any] | None = None
    counts = np.zeros(layout.shape, np.uint16) if overlap == "mean" else None
    kind = np.dtype(np.uint8)
    for key, tile in tiles:
        if mosaic is None:
            kind = tile.dtype
            mosaic = np.zeros(layout.shape, kind if counts is None else np.float64)
        place = _place(layout, key, tile, kind)
        if counts is None:
            mosaic[place] = tile
        else:
            mosaic[place] += tile
            counts[place] += 1
    if mosaic is None:
        raise InvalidArgument("no tiles to stitch")
    if counts is None:
        return mosaic
    mean = mosaic / np.maximum(counts, 1)
    return (np.rint(mean) if kind.kind in "iu" else mean).astype(kind)


def _place(
    layout: Layout, key: object, tile: NDArray[Any], kind: np.dtype[Any]
) -> tuple[slice, slice]:
    if key not in layout.offsets:
        raise InvalidArgument(f"{key} has no place in the mosaic")
    if tile.ndim != 2 or tile.dtype != kind:
        raise InvalidArgument(
            f"{key} is an array of shape {tile.shape} and type {tile.dtype}; expected two "
            f"dimensions and {kind}, as the first"
        )
    ends = [offset + size for offset, size in zip(layout.offsets[key], tile.shape, strict=True)]
    if any(end > size for end, size in zip(ends, layout.shape, strict=True)):
        raise InvalidArgument(f"{key} of {tile.shape} pixels reaches over the mosaic's edge")
    top, left = layout.offsets[key]
    return slice(top, ends[0]), slice(left, ends[1])


def shrink(plane: NDArray[Any], factor: int) -> NDArray[Any]:
    """Return an image with one pixel for each square of so many: their mean.

    Rows and columns that fill no square are left out.

    Parameters
    ----------
    plane : array of shape (Y, X)
    factor : int
        1 or more; 1 returns the image itself.

    Examples
    --------
    >>> shrink(np.array([[1, 3, 9], [5, 7, 9]]), 2)
    array([[4]])
    """
    if factor == 1:
        return plane
    rows, columns = plane.shape[0] // factor, plane.shape[1] // factor
    if factor < 1 or not rows or not columns:
        raise InvalidArgument(f"{plane.shape} pixels cannot be made {factor} times smaller")
    squares = plane[: rows * factor, : columns * factor].reshape(rows, factor, columns, factor)
    mean: NDArray[np.float64] = squares.mean(axis=(1, 3), dtype=np.float64)
    return (np.rint(mean) if plane.dtype.kind in "iu" else mean).astype(plane.dtype)
