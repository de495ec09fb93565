"""Cells before they are drawn: where they are, how large, and in which phase."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cellfolio.simulation.design import PIXEL_SIZE_UM
from cellfolio.simulation.perturbations import Effect

ANGLES = 360
"""An outline is a table of this many radii, the first along the x axis, towards the y axis."""

FIBRE_DIRECTIONS = 5
"""Stress fibres of a cell run in one of this many directions."""

DENSITY_PER_MM2 = 640.0
"""Untreated cells per square millimetre: nearly confluent."""

NUCLEUS_AREA_UM2 = 205.0
"""Median area of an untreated nucleus that has not copied its DNA."""

CELL_RADIUS_UM = 25.0
"""How far a cell spreads where no neighbour stops it."""

Radii = NDArray[np.float32]
"""Outline of shape (`ANGLES`,): distance from the centre, pixel."""

Spot = tuple[float, float, float]
"""Centre y, centre x and radius, pixel."""

_THETA = np.arange(ANGLES) * (2 * np.pi / ANGLES)


@dataclass(frozen=True, slots=True, eq=False)
class Cell:
    """One cell, before its neighbours limit it.

    Parameters
    ----------
    y, x : float
        Centre of the nucleus, pixel.
    nucleus : array of shape (360,), float32
        Outline of the nucleus, pixel.
    reach : array of shape (360,), float32
        Outline of the cell if it were alone, pixel.
    dna_content : float
        1 before the DNA is copied, 2 after; times the ploidy that a treatment causes.
    mitotic : bool
        Whether its chromosomes are condensed.
    fibre_direction : int
        From 0 to `FIBRE_DIRECTIONS` - 1.
    nucleoli : tuple of Spot
        Empty for a mitotic cell.
    golgi : Spot
        The Golgi apparatus, beside the nucleus.
    """

    y: float
    x: float
    nucleus: Radii
    reach: Radii
    dna_content: float
    mitotic: bool
    fibre_direction: int
    nucleoli: tuple[Spot, ...]
    golgi: Spot


def draw_cells(
    rng: np.random.Generator, shape: tuple[int, int], effect: Effect, crowding: float
) -> tuple[Cell, ...]:
    """Draw the cells of one field of view.

    Parameters
    ----------
    rng : numpy.random.Generator
        Stream of chance.
    shape : tuple of int
        Height and width of the canvas, pixel.
    effect : Effect
        What the treatment does.
    crowding : float
        Factor on the density of cells, for what differs between wells without a treatment.

    Returns
    -------
    tuple of Cell
        Their nuclei do not touch.

    Examples
    --------
    >>> cells = draw_cells(np.random.default_rng(0), (320, 320), Effect(), 1.0)
    >>> 10 < len(cells) < 40, cells[0].nucleus.shape
    (True, (360,))
    """
    area_mm2 = shape[0] * shape[1] * (PIXEL_SIZE_UM / 1000) ** 2
    mean = DENSITY_PER_MM2 * area_mm2 * crowding * effect.cell_count
    wanted = max(1, round(mean * float(rng.lognormal(0.0, 0.1))))
    cells: list[Cell] = []
    for _ in range(wanted):
        nucleus, content, mitotic = _draw_nucleus(rng, effect)
        centre = _free_place(rng, shape, float(nucleus.max()), cells)
        if centre is not None:
            cells.append(_draw_cell(rng, centre, nucleus, effect, (content, mitotic)))
    return tuple(cells)


def _draw_nucleus(rng: np.random.Generator, effect: Effect) -> tuple[Radii, float, bool]:
    """Draw outline, DNA content and phase: 3 in 100 divide, a quarter are about to."""
    phase = rng.random()
    mitotic = bool(phase < 0.03)
    content = 2.0 if phase < 0.28 else 1.0 if phase > 0.45 else float(rng.uniform(1.0, 2.0))
    area = NUCLEUS_AREA_UM2 * effect.nucleus_area * content**0.6 * rng.lognormal(0.0, 0.13)
    aspect = float(rng.uniform(1.08, 1.5))
    if mitotic:
        area, aspect = area * 0.42, 2.6
    radius = float(np.sqrt(area / np.pi)) / PIXEL_SIZE_UM
    ploidy = max(1.0, effect.nucleus_area)
    return _outline(rng, radius, aspect, 0.035), content * ploidy, mitotic


def _outline(rng: np.random.Generator, radius: float, aspect: float, roughness: float) -> Radii:
    """Draw an ellipse of random direction with random harmonics on its edge."""
    theta = _THETA - rng.uniform(0.0, np.pi)
    stretch = np.sqrt(aspect)
    ellipse = radius / np.hypot(np.cos(theta) / stretch, np.sin(theta) * stretch)
    order = np.arange(2, 9)
    amplitude = rng.normal(0.0, roughness, order.size) * (2.0 / order) ** 0.8
    phase = rng.uniform(0.0, 2 * np.pi, order.size)
    bumps = amplitude @ np.cos(order[:, None] * theta + phase[:, None])
    result: Radii = (ellipse * np.clip(1.0 + bumps, 0.55, 1.6)).astype(np.float32)
    return result


def _free_place(
    rng: np.random.Generator, shape: tuple[int, int], radius: float, cells: list[Cell]
) -> tuple[float, float] | None:
    """Find a centre whose nucleus touches no other; None after 80 misses."""
    placed = np.array([(cell.y, cell.x, cell.nucleus.max()) for cell in cells]).reshape(-1, 3)
    for y, x in rng.uniform((0.0, 0.0), shape, (80, 2)):
        distance = np.hypot(placed[:, 0] - y, placed[:, 1] - x)
        if np.all(distance > 1.15 * (placed[:, 2] + radius) + 7.0):
            return float(y), float(x)
    return None


def _draw_cell(
    rng: np.random.Generator,
    centre: tuple[float, float],
    nucleus: Radii,
    effect: Effect,
    phase: tuple[float, bool],
) -> Cell:
    content, mitotic = phase
    shrink = effect.nucleus_area**0.35 * effect.actin**0.15
    radius = CELL_RADIUS_UM / PIXEL_SIZE_UM * shrink * float(rng.lognormal(0.0, 0.1))
    reach = _outline(rng, radius, float(rng.uniform(1.0, 1.7)), 0.11)
    for angle in rng.uniform(0.0, 2 * np.pi, rng.integers(1, 4)):
        spike = np.exp(18.0 * (np.cos(_THETA - angle) - 1.0)) * rng.uniform(0.15, 0.6)
        reach = reach * (1.0 + spike).astype(np.float32)
    if mitotic:
        reach = _outline(rng, 0.55 * radius, 1.05, 0.02)
    side = int(rng.integers(ANGLES))
    return Cell(
        centre[0],
        centre[1],
        nucleus,
        np.maximum(reach, nucleus + 3.0),
        content,
        mitotic,
        int(rng.integers(FIBRE_DIRECTIONS)),
        () if mitotic else _draw_nucleoli(rng, centre, nucleus, effect.nucleolus_area),
        _beside(centre, side, float(nucleus[side]) + 4.5, 7.0),
    )


def _draw_nucleoli(
    rng: np.random.Generator, centre: tuple[float, float], nucleus: Radii, factor: float
) -> tuple[Spot, ...]:
    count = int(rng.integers(2, 5))
    share = 0.13 * factor / count
    spots = []
    for angle in rng.integers(ANGLES, size=count):
        edge = float(nucleus[angle])
        radius = edge * float(np.sqrt(share) * rng.lognormal(0.0, 0.2))
        spots.append(_beside(centre, int(angle), edge * float(rng.uniform(0.25, 0.65)), radius))
    return tuple(spots)


def _beside(centre: tuple[float, float], angle: int, distance: float, radius: float) -> Spot:
    theta = float(_THETA[angle])
    return centre[0] + distance * np.sin(theta), centre[1] + distance * np.cos(theta), radius
