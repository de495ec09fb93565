"""What a viewer has to know of an image before it asks for planes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cellfolio.formats.images.image import Image
from cellfolio.imaging.choosing import leave_out
from cellfolio.imaging.colours import RGB, colours_of, is_segmentation, parse_colour
from cellfolio.imaging.contrast import Contrast, Fixed, Percentile
from cellfolio.imaging.histogram import Histogram, find_histogram
from cellfolio.imaging.options import ViewOptions
from cellfolio.imaging.segmentation_overlay import LINES
from cellfolio.workflows.measuring.labels import CELLS, NUCLEI
from cellfolio.workflows.shown_images.desk import ImageDesk
from cellfolio.workflows.shown_images.index import CYTOPLASM, labels_kind
from cellfolio.workflows.shown_images.opening import OpenedImage
from cellfolio.workflows.shown_images.planes import PlaneAsked

MOST_SHOWN = 8
"""Channels that are shown at a time."""
KIND_COLOURS: Mapping[str, str] = {
    CELLS: LINES["Cells"],
    NUCLEI: LINES["Nuclei"],
    CYTOPLASM: "orange",
}


@dataclass(frozen=True, slots=True)
class ChannelFacts:
    """A channel, as it is shown first.

    Attributes
    ----------
    name : str
    colour : str
        As ``#rrggbb``.
    shown : bool
    """

    name: str
    colour: str
    shown: bool


@dataclass(frozen=True, slots=True)
class LabelFacts:
    """A label image that lies over an image.

    Attributes
    ----------
    key : str
        Of its file; empty for a channel of the image itself.
    channel : int
    name, kind, colour : str
    shown : bool
    """

    key: str
    channel: int
    name: str
    kind: str
    colour: str
    shown: bool


def sizes_of(image: Image) -> dict[str, int]:
    """Return the length of each axis; 1 for those that it has not."""
    found = dict(zip(image.axes, image.shape, strict=True))
    return {axis: found.get(axis, 1) for axis in "TCZYX"}


def channel_facts(names: Sequence[str]) -> tuple[ChannelFacts, ...]:
    """Return how channels are shown first: as many as can be, without those that cover others.

    Examples
    --------
    >>> [(one.name, one.colour, one.shown) for one in channel_facts(("DNA", "Brightfield"))]
    [('DNA', '#3d7bff', True), ('Brightfield', '#ffffff', False)]
    """
    hidden = set(leave_out(tuple(names), ViewOptions(style="composite")))
    colours = colours_of(names)
    found: list[ChannelFacts] = []
    for name, colour in zip(names, colours, strict=True):
        room = sum(one.shown for one in found) < MOST_SHOWN
        found.append(ChannelFacts(name, hexadecimal(colour), name not in hidden and room))
    return tuple(found)


def label_facts(opened: OpenedImage, keys: Sequence[str]) -> tuple[LabelFacts, ...]:
    """Return the label images over an image: files, then channels that are segmentations."""
    names = opened.channels
    own = [n for n, name in enumerate(names) if name and is_segmentation(name)]
    if len(own) == len(names):
        own = []
    told = [(key, 0, key.rpartition("/")[2]) for key in keys]
    told += [("", number, names[number]) for number in own]
    kinds = [labels_kind(name) for _, _, name in told]
    both = {CELLS, NUCLEI} <= set(kinds)
    found, spare = [], iter(("yellow", "orange", "green", "red"))
    for (key, channel, name), kind in zip(told, kinds, strict=True):
        colour = KIND_COLOURS.get(kind) or next(spare, "grey")
        shown = bool(key) and not (both and kind == CYTOPLASM)
        found.append(LabelFacts(key, channel, name, kind, hexadecimal(colour), shown))
    return tuple(found)


def hexadecimal(colour: str) -> str:
    """Return a colour as ``#rrggbb``.

    Examples
    --------
    >>> hexadecimal("blue")
    '#3d7bff'
    """
    return "#" + "".join(f"{round(part * 255):02x}" for part in parse_colour(colour))


def first_contrast(names: Sequence[str]) -> Contrast:
    """Return how the contrast of channels is found that are shown as one picture."""
    if tuple(names) == RGB:
        return Fixed(0, 255)
    return Percentile(5, 99.9) if len(names) > 1 else Percentile()


def contrast_document(contrast: Contrast) -> dict[str, Any]:
    """Return a contrast as a viewer reads it."""
    if isinstance(contrast, Percentile):
        return {"percentiles": [contrast.low, contrast.high]}
    assert isinstance(contrast, Fixed)
    return {"limits": [contrast.low, contrast.high]}


def measure_channels(
    desk: ImageDesk, opened: OpenedImage, t: int, z: int
) -> list[tuple[Fixed, Histogram]]:
    """Return suggested contrast and histogram of each channel of one time and depth.

    Of images whose planes are large, those of a lower resolution.
    """
    contrast = first_contrast(opened.channels)
    level = opened.fitting_level
    found = []
    for number in range(len(opened.channels)):
        plane = desk.plane(opened, PlaneAsked(number, z, t, level))
        found.append((contrast.limits(plane), find_histogram(plane)))
    return found
