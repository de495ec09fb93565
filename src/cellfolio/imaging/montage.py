"""Panels side by side, with names."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from cellfolio.errors import InvalidArgument
from cellfolio.imaging.legend import place_legend
from cellfolio.imaging.lettering import drawable, shorten, text_width
from cellfolio.imaging.picture import Picture, PlacedBar, Words
from cellfolio.imaging.scale_bar import ScaleBar

PAPER = 255
"""Brightness of what lies between panels."""
MISSING = 225
"""Brightness of a place without a panel."""
_WIDE = 1.6
"""Width by height that a montage comes near to, as screens are."""
_GAP = 6


@dataclass(frozen=True, slots=True, eq=False)
class Panel:
    """One image of a montage.

    Attributes
    ----------
    pixels : array of shape (Y, X, 3), uint8
    title : str
        Written above it.
    bar : ScaleBar or None
    """

    pixels: NDArray[np.uint8]
    title: str = ""
    bar: ScaleBar | None = None


@dataclass(frozen=True, slots=True)
class _Grid:
    """Where the panels are.

    Attributes
    ----------
    cell : tuple of int
        Height and width.
    left, top : int
        Room for names of rows and of columns.
    legend : int
        Room for the legend, above all.
    title : int
        Room for the title of a panel.
    gap : int
    letters : float
        Their size.
    """

    cell: tuple[int, int]
    left: int
    top: int
    legend: int
    title: int
    gap: int
    letters: float

    def corner(self, row: int, column: int) -> tuple[int, int]:
        """Return the upper left pixel of a cell."""
        height, width = self.cell
        return (
            self.legend + self.top + self.gap + row * (height + self.title + self.gap) + self.title,
            self.left + self.gap + column * (width + self.gap),
        )

    def size(self, rows: int, columns: int) -> tuple[int, int]:
        """Return height and width of everything."""
        top, left = self.corner(rows, columns)
        return top - self.title, left


def montage(
    panels: Sequence[Panel | None],
    columns: int | None = None,
    *,
    row_names: Sequence[str] = (),
    column_names: Sequence[str] = (),
    legend: Sequence[tuple[str, str]] = (),
    gap: int = _GAP,
) -> Picture:
    """Return panels in rows, as a picture; pixels are shown as they are.

    Parameters
    ----------
    panels : sequence of Panel or None
        Row by row; None leaves a place blank.
    columns : int, optional
        By default as many as give it the shape of a screen.
    row_names, column_names : sequence of str
        As many as there are rows and columns, or none.
    legend : sequence of (str, str)
        Names and their colours, to stand above all.
    gap : int
        Pixels between panels.

    Raises
    ------
    InvalidArgument
        If there is no panel, or another number of names.

    Examples
    --------
    >>> grey = np.full((40, 60, 3), 128, np.uint8)
    >>> montage([Panel(grey, "A01"), Panel(grey, "A02")], 2, gap=5)
    Picture(135 × 68 pixels)
    """
    sizes = [panel.pixels.shape[:2] for panel in panels if panel is not None]
    if not sizes:
        raise InvalidArgument("there is no image to show")
    cell = (max(height for height, _ in sizes), max(width for _, width in sizes))
    columns = columns or fitting_columns(len(panels), cell)
    rows = -(-len(panels) // columns)
    for names, count in ((row_names, rows), (column_names, columns)):
        if names and len(names) != count:
            raise InvalidArgument(f"{len(names)} names for {count} rows or columns")
    grid = _plan(cell, panels, row_names, column_names, gap)
    left = grid.left + gap
    patches, height = place_legend(legend, left, columns * (cell[1] + gap), grid.letters)
    grid = replace(grid, legend=height)
    canvas = np.full((*grid.size(rows, columns), 3), PAPER, np.uint8)
    words = [patch.draw(canvas) for patch in patches]
    words += [*_name_rows(grid, row_names), *_name_columns(grid, column_names)]
    bars = []
    for number, panel in enumerate(panels):
        top, left = grid.corner(*divmod(number, columns))
        if panel is None:
            canvas[top : top + cell[0], left : left + cell[1]] = MISSING
            continue
        height, width = panel.pixels.shape[:2]
        top, left = top + (cell[0] - height) // 2, left + (cell[1] - width) // 2
        canvas[top : top + height, left : left + width] = panel.pixels
        if panel.title:
            text = shorten(panel.title, cell[1], grid.letters)
            words.append(Words(text, left + width / 2, top - grid.title / 2, grid.letters))
        if panel.bar is not None:
            bars.append(_place(panel.bar, left + width, top + height, width))
    return Picture(canvas, tuple(words), tuple(bars))


def fitting_columns(count: int, cell: tuple[int, int]) -> int:
    """Return how many columns give a montage the shape of a screen, with few places left blank.

    Examples
    --------
    >>> [fitting_columns(count, (100, 100)) for count in (1, 2, 3, 4, 5, 6, 8, 9, 12)]
    [1, 2, 3, 2, 3, 3, 4, 3, 4]
    """

    def misfit(columns: int) -> float:
        rows = -(-count // columns)
        shape = columns * cell[1] / (rows * cell[0])
        blank = 1 - count / (rows * columns)
        return abs(math.log(shape / _WIDE)) + 2 * blank

    return min(range(1, count + 1), key=misfit)


def _plan(
    cell: tuple[int, int],
    panels: Sequence[Panel | None],
    row_names: Sequence[str],
    column_names: Sequence[str],
    gap: int,
) -> _Grid:
    letters = min(max(cell[1] * 0.055, 11.0), 22.0)
    longest = max((text_width(drawable(name), letters) for name in column_names), default=0)
    # Rule: smaller letters where that lets all names of columns be read; else long ones are cut.
    letters *= min(1.0, max(0.7, (cell[1] + gap) / longest)) if longest else 1.0
    band = round(letters * 1.6)
    widest = max((text_width(drawable(name), letters) for name in row_names), default=0)
    return _Grid(
        cell,
        left=round(widest + letters * 0.8) if row_names else 0,
        top=band if column_names else 0,
        legend=0,
        title=band if any(panel is not None and panel.title for panel in panels) else 0,
        gap=gap,
        letters=letters,
    )


def _name_rows(grid: _Grid, names: Sequence[str]) -> list[Words]:
    return [
        Words(
            drawable(name),
            grid.left,
            grid.corner(number, 0)[0] + grid.cell[0] / 2,
            grid.letters,
            "right",
        )
        for number, name in enumerate(names)
    ]


def _name_columns(grid: _Grid, names: Sequence[str]) -> list[Words]:
    return [
        Words(
            shorten(name, grid.cell[1] + grid.gap, grid.letters),
            grid.corner(0, number)[1] + grid.cell[1] / 2,
            grid.legend + grid.gap + grid.top / 2,
            grid.letters,
        )
        for number, name in enumerate(names)
    ]


def _place(bar: ScaleBar, right: int, bottom: int, width: int) -> PlacedBar:
    """Place a bar in a corner, its label with it."""
    letters = min(max(width * 0.045, 10.0), 20.0)
    margin = max(4.0, width * 0.03)
    overhang = max(0.0, (text_width(bar.label, letters) - bar.pixels) / 2)
    return PlacedBar(bar, right - margin - overhang, bottom - margin, letters)
