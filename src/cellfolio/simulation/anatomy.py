"""Maps of a field of view: which pixel belongs to which part of which cell."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cellfolio.simulation.cells import ANGLES, Cell, Radii, Spot
from cellfolio.simulation.textures import Field

Labels = NDArray[np.int32]
"""Image of shape (Y, X): 0 is background, n is object n."""

_STEP = ANGLES / (2 * np.pi)


@dataclass(frozen=True, slots=True, eq=False)
class Anatomy:
    """Maps of shape (Y, X) over one canvas; cell n is ``cells[n - 1]`` of what was drawn.

    Parameters
    ----------
    cells : array, int32
        Labels of the cells; they do not overlap.
    nuclei : array, int32
        Labels of the nuclei; a nucleus lies within the cell of its number.
    depth : array, float32
        0 at the edge of the nucleus and inside it, 1 at the membrane; 1 outside cells.
    rim : array, float32
        Distance along the ray from the nucleus to the membrane, pixel; 0 outside cells.
    nucleoli, golgi : array, float32
        From 0, elsewhere, to 1, in the middle of one.
    """

    cells: Labels
    nuclei: Labels
    depth: Field
    rim: Field
    nucleoli: Field
    golgi: Field


@dataclass(frozen=True, slots=True, eq=False)
class _Window:
    """Part of the canvas around one cell, in polar coordinates about its centre."""

    place: tuple[slice, slice]
    radius: Field
    angle: NDArray[np.int32]


def map_anatomy(cells: tuple[Cell, ...], shape: tuple[int, int]) -> Anatomy:
    """Divide a canvas between cells.

    A pixel goes to the cell it is nearest to, measured in how far each cell reaches in that
    direction, if the cell reaches it at all. What a cell cannot see from its centre is cut
    off, so that every cell is one piece; its nucleus and a margin are always its own.

    Parameters
    ----------
    cells : tuple of Cell
        Their nuclei do not touch.
    shape : tuple of int
        Height and width of the canvas, pixel.

    Returns
    -------
    Anatomy
        Its labels number the cells in their order, from 1.
    """
    windows = tuple(_window(cell, shape) for cell in cells)
    owner = _divide(cells, windows, shape)
    maps = Anatomy(
        np.zeros(shape, np.int32),
        np.zeros(shape, np.int32),
        np.ones(shape, np.float32),
        *(np.zeros(shape, np.float32) for _ in range(3)),
    )
    for number, (cell, window) in enumerate(zip(cells, windows, strict=True), start=1):
        limit = _visible(owner, number, cell)[window.angle]
        own = (window.radius < limit) & (owner[window.place] == number)
        _map_cell(maps, number, cell, window, (limit, own))
    return maps


def _window(cell: Cell, shape: tuple[int, int]) -> _Window:
    half = float(cell.reach.max()) + 2.0
    low = [max(0, int(at - half)) for at in (cell.y, cell.x)]
    high = [min(size, int(at + half) + 2) for at, size in zip((cell.y, cell.x), shape, strict=True)]
    y = np.arange(low[0], high[0], dtype=np.float32)[:, None] - np.float32(cell.y)
    x = np.arange(low[1], high[1], dtype=np.float32)[None, :] - np.float32(cell.x)
    angle = np.rint(np.arctan2(y, x) * np.float32(_STEP)).astype(np.int32) % ANGLES
    return _Window((slice(low[0], high[0]), slice(low[1], high[1])), np.hypot(y, x), angle)


def _divide(
    cells: tuple[Cell, ...], windows: tuple[_Window, ...], shape: tuple[int, int]
) -> Labels:
    owner = np.zeros(shape, np.int32)
    nearest = np.ones(shape, np.float32)
    for number, (cell, window) in enumerate(zip(cells, windows, strict=True), start=1):
        distance = window.radius / cell.reach[window.angle]
        margin = 1.12 * cell.nucleus + 1.5
        distance[window.radius < margin[window.angle]] = -1.0
        closer = distance < nearest[window.place]
        owner[window.place][closer] = number
        nearest[window.place][closer] = distance[closer]
    return owner


def _visible(owner: Labels, number: int, cell: Cell) -> Radii:
    """Return how far the cell's own ground goes from its centre, in each direction."""
    steps = np.arange(0.0, float(cell.reach.max()), 1.0)
    theta = np.arange(ANGLES) / _STEP
    y = np.rint(cell.y + steps[:, None] * np.sin(theta)).astype(np.int32)
    x = np.rint(cell.x + steps[:, None] * np.cos(theta)).astype(np.int32)
    height, width = owner.shape
    on_canvas = (y >= 0) & (y < height) & (x >= 0) & (x < width)
    own = owner[np.clip(y, 0, height - 1), np.clip(x, 0, width - 1)] == number
    # Beyond the canvas a cell goes on as far as it reaches: nobody sees where it ends.
    blocked = ~own & on_canvas
    free = np.where(blocked.any(axis=0), blocked.argmax(axis=0), steps.size).astype(np.float32)
    limit = np.minimum(free, cell.reach)
    around = np.pad(limit, 4, mode="wrap")
    smooth = np.convolve(around, np.full(9, 1 / 9, np.float32), mode="valid")
    edge: Radii = np.maximum(np.minimum(limit, smooth), cell.nucleus + 1.5).astype(np.float32)
    return edge


def _map_cell(
    maps: Anatomy, number: int, cell: Cell, window: _Window, ground: tuple[Field, NDArray[np.bool_]]
) -> None:
    """Write one cell, given its radius at each pixel and its pixels, into unfinished maps."""
    limit, own = ground
    inner = cell.nucleus[window.angle]
    maps.cells[window.place][own] = number
    maps.nuclei[window.place][window.radius < inner] = number
    depth = np.clip((window.radius - inner) / (limit - inner), 0.0, 1.0)
    maps.depth[window.place][own] = depth[own]
    maps.rim[window.place][own] = (limit - window.radius)[own]
    for spot in cell.nucleoli:
        _stamp(maps.nucleoli, spot, sharpness=4)
    _stamp(maps.golgi, cell.golgi, sharpness=2)


def _stamp(canvas: Field, spot: Spot, *, sharpness: int) -> None:
    """Raise the canvas to a soft disc."""
    y, x, radius = spot
    half = 2.2 * radius + 2.0
    low_y, low_x = max(0, int(y - half)), max(0, int(x - half))
    place = (slice(low_y, max(0, int(y + half))), slice(low_x, max(0, int(x + half))))
    part = canvas[place]
    rows = np.arange(low_y, low_y + part.shape[0])[:, None] - y
    columns = np.arange(low_x, low_x + part.shape[1])[None, :] - x
    disc = np.exp(-((np.hypot(rows, columns) / radius) ** sharpness)).astype(np.float32)
    np.maximum(part, disc, out=part)
