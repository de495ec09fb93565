"""A picture: pixels as they are shown, and what is written on them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from cellfolio.imaging.contrast import Fixed
from cellfolio.imaging.lettering import font_of
from cellfolio.imaging.saving import png_bytes, save_figure
from cellfolio.imaging.scale_bar import ScaleBar

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DPI = 128
"""A power of two, so that a size in pixels is exact in inches too."""
_LEVEL = 2
"""How hard PNG is packed: of microscopy's noise, level 6 makes 3 % less in 3 times the time."""


@dataclass(frozen=True, slots=True)
class Words:
    """Something written on a picture.

    Attributes
    ----------
    text : str
    x, y : float
        Where, in pixels from the left and the top.
    size : float
        Of the letters, in pixels.
    across : {'left', 'center', 'right'}
        Which part of the text is at `x`; its middle is at `y`.
    """

    text: str
    x: float
    y: float
    size: float
    across: Literal["left", "center", "right"] = "center"


@dataclass(frozen=True, slots=True)
class PlacedBar:
    """A scale bar on a picture.

    Attributes
    ----------
    bar : ScaleBar
    right, bottom : float
        Its lower right corner, in pixels.
    size : float
        Of the letters above it, in pixels.
    """

    bar: ScaleBar
    right: float
    bottom: float
    size: float


@dataclass(frozen=True, slots=True)
class ShownChannel:
    """How a channel is shown.

    Attributes
    ----------
    name : str
    colour : str
    limits : tuple of Fixed
        Which values are black and white: one for all images, or one for each.
    """

    name: str
    colour: str
    limits: tuple[Fixed, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A picture of images, to be saved or shown in a notebook.

    Attributes
    ----------
    pixels : array of shape (Y, X, 3), uint8
        Without what is written on them. Each is one pixel of the saved PNG.
    words : tuple of Words
    bars : tuple of PlacedBar
    channels : tuple of ShownChannel
    zoom : float
        How many pixels of the picture one pixel of the image takes along an edge.
    notes : tuple of str
        What a reader should know: wells without an image, channels left out.

    Examples
    --------
    >>> picture = Picture(np.zeros((20, 30, 3), np.uint8))
    >>> picture
    Picture(30 × 20 pixels)
    >>> picture.rgb.shape
    (20, 30, 3)
    """

    pixels: NDArray[np.uint8]
    words: tuple[Words, ...] = ()
    bars: tuple[PlacedBar, ...] = ()
    channels: tuple[ShownChannel, ...] = ()
    zoom: float = 1.0
    notes: tuple[str, ...] = ()

    @property
    def scale_bar(self) -> ScaleBar | None:
        """The first of its scale bars."""
        return self.bars[0].bar if self.bars else None

    @property
    def rgb(self) -> NDArray[np.uint8]:
        """All of it as an array of shape (Y, X, 3), as it is saved."""
        from matplotlib.backends.backend_agg import FigureCanvasAgg

        canvas = FigureCanvasAgg(self.to_figure())
        canvas.draw()  # type: ignore[no-untyped-call]
        drawn = np.asarray(canvas.buffer_rgba())  # type: ignore[no-untyped-call]
        return drawn[..., :3].copy()

    def to_figure(self) -> Figure:
        """Return it as a figure of matplotlib, one pixel of its pixels for each of `pixels`."""
        from matplotlib.figure import Figure

        height, width, _ = self.pixels.shape
        figure = Figure(figsize=(width / DPI, height / DPI), dpi=DPI)
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set_axis_off()
        # "none" draws pixels as they are, in PDF and SVG too.
        axes.imshow(self.pixels, interpolation="none", aspect="auto", extent=(0, width, height, 0))
        axes.set(xlim=(0, width), ylim=(height, 0))
        for words in self.words:
            _write(axes, words)
        for bar in self.bars:
            _draw_bar(axes, bar)
        return figure

    def save(self, path: Path | str) -> None:
        """Save it as PNG, SVG or PDF; see `save_figure`.

        Raises
        ------
        InvalidArgument
            If the path ends in something else, or its folder does not exist.
        """
        save_figure(self.to_figure(), Path(path), dpi=DPI, level=_LEVEL)

    def __repr__(self) -> str:
        height, width, _ = self.pixels.shape
        return f"Picture({width} × {height} pixels)"

    def _repr_png_(self) -> bytes:
        return png_bytes(self.to_figure(), dpi=DPI, level=_LEVEL)


def _points(pixels: float) -> float:
    return pixels * 72 / DPI


def _write(axes: Axes, words: Words) -> None:
    axes.text(
        words.x,
        words.y,
        words.text,
        ha=words.across,
        va="center_baseline",
        fontproperties=font_of(_points(words.size)),
        parse_math=False,
    )


def _draw_bar(axes: Axes, placed: PlacedBar) -> None:
    """Draw a bar in the coordinates of the pixels: as long as it says, at any resolution."""
    from matplotlib.patches import Rectangle
    from matplotlib.patheffects import withStroke

    thickness = max(3.0, placed.size / 4)
    corner = (placed.right - placed.bar.pixels, placed.bottom - thickness)
    edge = withStroke(linewidth=_points(2), foreground="black")
    axes.add_patch(
        Rectangle(corner, placed.bar.pixels, thickness, fc="white", lw=0, path_effects=[edge])
    )
    axes.text(
        placed.right - placed.bar.pixels / 2,
        corner[1] - placed.size * 0.25,
        placed.bar.label,
        color="white",
        ha="center",
        va="bottom",
        fontproperties=font_of(_points(placed.size)),
        parse_math=False,
        path_effects=[edge],
    )
