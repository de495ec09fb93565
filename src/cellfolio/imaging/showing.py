"""Pictures of images: channels side by side, or as one in colour; one image or several."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from cellfolio.errors import InvalidArgument
from cellfolio.formats.images.image import Image
from cellfolio.imaging.choosing import Chosen, choose, like_image, style_of
from cellfolio.imaging.contrast import SAMPLE
from cellfolio.imaging.montage import Panel, fitting_columns, montage
from cellfolio.imaging.options import ViewOptions
from cellfolio.imaging.painting import draw_segmentations, legend_of, paint, shown_channels
from cellfolio.imaging.picture import Picture
from cellfolio.imaging.scale_bar import ScaleBar, fit_scale_bar
from cellfolio.imaging.scaling import fit_zoom
from cellfolio.imaging.shown import largest_shape, plane_shape, shrink, shrink_labels

SCREEN = 1600
"""Pixels that a picture is wide and high at most, unless its images are asked for in a size."""
_ENLARGED = 800
"""Pixels that a small image is enlarged to at most, unasked."""
_SMALLEST = 160
"""Pixels that an image is made smaller to at most, unasked, however many there are."""


@dataclass(frozen=True, slots=True)
class _Layout:
    """How images are laid out.

    Attributes
    ----------
    columns : int
    zoom : float
    bar : ScaleBar or None
    """

    columns: int
    zoom: float
    bar: ScaleBar | None


def show(
    images: Sequence[Image],
    options: ViewOptions | None = None,
    *,
    segmentations: Sequence[Image] = (),
) -> Picture:
    """Return a picture of images: each channel, or all channels in colour, of each image.

    Planes are read one at a time, and kept as small as they are shown.

    Parameters
    ----------
    images : sequence of Image
        With the same channels. Of several, those with a name are called by it.
    options : ViewOptions, optional
    segmentations : sequence of Image
        Label images or masks of the one image that is shown, drawn over it.

    Returns
    -------
    Picture

    Raises
    ------
    InvalidArgument
        If images have different channels, a segmentation is of another size or there are several
        images for it, or a scale bar is asked for and the pixel size is not known.
    BrokenFile, TransferError
        See `Image.read`.

    Examples
    --------
    >>> from cellfolio.formats.images import image_of
    >>> cells = image_of(np.eye(50).reshape(1, 50, 50), "CYX", channels=("DNA",))
    >>> show([cells], ViewOptions(size=100)).zoom
    2.0
    """
    options = options or ViewOptions()
    chosen = choose(images, options)
    if segmentations and len(images) != 1:
        raise InvalidArgument(f"segmentations of one image, and {len(images)} images to show")
    composite = style_of(chosen.channels, options) != "panels"
    layout = _plan(chosen, options, 1 if composite else len(chosen.channels))
    zoom, shape = layout.zoom, plane_shape(chosen.images[0])
    layers = [shrink_labels(like_image(one, options), zoom, shape) for one in segmentations]
    how = options.project or "max"
    shown = [
        shrink(image, zoom, how, samples=max(1000, SAMPLE // len(images)))
        for image in chosen.images
    ]
    channels = shown_channels(shown, chosen.channels, options)
    rows = [
        [draw_segmentations(pixels, layers, options) for pixels in panels]
        for panels in paint(shown, channels, composite=composite)
    ]
    legend = legend_of(channels) if composite else []
    picture = _arrange(chosen, rows, layout, legend)
    return replace(picture, channels=channels, zoom=zoom, notes=chosen.notes)


def _plan(chosen: Chosen, options: ViewOptions, channels: int) -> _Layout:
    """Decide how many columns there are, and how large images are on the screen."""
    count, shape = len(chosen.images), largest_shape(chosen.images)
    table = min(count, channels) > 1
    columns = channels if table else fitting_columns(count * channels, shape)
    rows = -(-count * channels // columns)
    room = max(SCREEN // max(columns, rows), _SMALLEST)
    unasked = room if max(shape) > _ENLARGED else min(room, _ENLARGED)
    zoom = fit_zoom(shape, options.size or unasked)
    return _Layout(columns, zoom, _scale_bar(chosen.images, options, zoom, shape))


def _scale_bar(
    images: Sequence[Image], options: ViewOptions, zoom: float, shape: tuple[int, int]
) -> ScaleBar | None:
    if options.scale_bar is False:
        return None
    known = {image.pixel_size.x for image in images}
    if len(known) == 1 and (pixel := known.pop()) is not None:
        return fit_scale_bar(pixel / zoom, shape[1] * zoom)
    if options.scale_bar:
        raise InvalidArgument(
            "no scale bar can be drawn: "
            + ("the pixel sizes differ" if known else "the size of a pixel is not known"),
            hint="give the size of a pixel in µm: pixel_size=0.6 (--pixel-size)",
        )
    return None


def _arrange(
    chosen: Chosen,
    rows: Sequence[Sequence[NDArray[np.uint8]]],
    layout: _Layout,
    legend: Sequence[tuple[str, str]],
) -> Picture:
    """Lay panels out: a row for each image where there are several channels of several."""
    several, channels = len(rows) > 1, len(rows[0])
    table = several and channels > 1
    names = [image.name for image in chosen.images]
    by_channel = not several and not legend and channels == len(chosen.channels)
    titles = chosen.channels if by_channel and any(chosen.channels) else names
    flat = [pixels for row in rows for pixels in row]
    panels = [
        Panel(
            pixels, "" if table else titles[number], layout.bar if number == len(flat) - 1 else None
        )
        for number, pixels in enumerate(flat)
    ]
    return montage(
        panels,
        layout.columns,
        row_names=names if table else (),
        column_names=chosen.channels if table else (),
        legend=legend,
    )
