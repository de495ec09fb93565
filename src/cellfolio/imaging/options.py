"""What of images is to be seen, and how."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from cellfolio.errors import InvalidArgument
from cellfolio.imaging.colours import parse_colour
from cellfolio.imaging.contrast import Contrast
from cellfolio.imaging.projection import PROJECTIONS, Projection

Style = Literal["panels", "composite", "plate"]
STYLES: tuple[Style, ...] = ("panels", "composite", "plate")


MAX_SIZE = 8192
"""Largest side of an image on the screen."""


@dataclass(frozen=True, slots=True)
class ViewOptions:
    """What of images is to be seen, and how.

    Parameters
    ----------
    channels : tuple of str or int
        Names or numbers, in this order; by default all. Of a composite of all channels, those in
        transmitted light and segmentations are left out, since they would cover the others.
    z : int, optional
        Which depth, counted from 0. By default all are projected.
    t : int
        Which time, counted from 0.
    project : {'max', 'mean', 'sum'}, optional
        How depths become one plane; by default their maximum.
    style : {'panels', 'composite', 'plate'}, optional
        Channels side by side; channels as one picture in colour; the same with wells where they
        are on their plate. By default panels, but composite for pictures that are in colour.
    contrast : Contrast, optional
        By default ``Percentile()``; ``Percentile(5, 99.9)`` for composites, whose light adds up.
    each : bool, optional
        Find the contrast of each image on its own, or over all images for each channel, so that
        they can be compared. By default they are compared if their channels have names, or they
        are wells of a plate.
    colours : tuple of str
        For each channel shown. By default grey for panels and for one channel alone, and for
        composites by name; see `cellfolio.imaging.colours`.
    outline_colours : tuple of str
        Of segmentations, in their order.
    fill : bool
        Tint each object of a segmentation in a colour of its own, in place of an outline.
    scale_bar : bool, optional
        By default drawn where the pixel size is known.
    pixel_size : float, optional
        In µm, for images that do not tell.
    size : int, optional
        Longest side of an image on the screen, in pixels. Images that are smaller are enlarged in
        whole steps. By default so that all of the picture fits a screen.

    Raises
    ------
    InvalidArgument
        If something is none of these, or depths are both picked and projected.

    Examples
    --------
    >>> ViewOptions(style="composite", colours=("magenta", "#00ff00")).style
    'composite'
    """

    channels: tuple[str | int, ...] = ()
    z: int | None = None
    t: int = 0
    project: Projection | None = None
    style: Style | None = None
    contrast: Contrast | None = None
    each: bool | None = None
    colours: tuple[str, ...] = ()
    outline_colours: tuple[str, ...] = ()
    fill: bool = False
    scale_bar: bool | None = None
    pixel_size: float | None = None
    size: int | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be shown, before anything is read."""
        for name, value, choices in (
            ("style", self.style, STYLES),
            ("project", self.project, PROJECTIONS),
        ):
            if value is not None and value not in choices:
                raise InvalidArgument(f"{name} {value!r}: expected one of {', '.join(choices)}")
        if self.z is not None and self.project is not None:
            raise InvalidArgument("depths are either projected, or one is picked by z; both given")
        for name, number in (("pixel_size", self.pixel_size), ("size", self.size)):
            if number is not None and not 0 < number < math.inf:
                raise InvalidArgument(f"{name} {number}: expected a number above 0")
        if self.size is not None and self.size > MAX_SIZE:
            raise InvalidArgument(f"size {self.size}: expected at most {MAX_SIZE} pixels")
        for colour in (*self.colours, *self.outline_colours):
            parse_colour(colour)
