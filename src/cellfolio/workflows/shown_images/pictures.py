"""Pictures of images for pages: of a bounded size, with the contrast of the whole image."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from numpy.typing import NDArray

from cellfolio.errors import InvalidArgument
from cellfolio.imaging.contrast import Fixed
from cellfolio.imaging.reducing import reduce_plane
from cellfolio.imaging.thumbnails import compose, encode_png
from cellfolio.package.package import Package
from cellfolio.workflows.shown_images.desk import ImageDesk
from cellfolio.workflows.shown_images.facts import (
    MOST_SHOWN,
    channel_facts,
    first_contrast,
    label_facts,
)
from cellfolio.workflows.shown_images.finding import Asked
from cellfolio.workflows.shown_images.opening import OpenedImage
from cellfolio.workflows.shown_images.planes import PlaneAsked, to_labels, to_light

_PART = 16 * 1024 * 1024
"""Pixels of a part of an image that is read for a picture."""


@dataclass(frozen=True, slots=True)
class PictureAsked:
    """Which picture.

    Attributes
    ----------
    size : int
        Pixels of the longer side, at most.
    channels : tuple of str
        Names or numbers; empty for those that suit.
    limits : mapping of str to Fixed
        Contrast by the channel's name or number; of others it is found.
    at : PlaneAsked
        Depth and time.
    crop : tuple of int
        Left, top, width and height of a part; widths of 0 for all of it.
    labels : tuple of str
        Keys of label images whose outlines are drawn.
    """

    size: int = 512
    channels: tuple[str, ...] = ()
    limits: Mapping[str, Fixed] | None = None
    at: PlaneAsked = field(default_factory=PlaneAsked)
    crop: tuple[int, int, int, int] = (0, 0, 0, 0)
    labels: tuple[str, ...] = ()


def read_limits(texts: Iterable[str]) -> dict[str, Fixed]:
    """Read contrasts such as ``DNA:100:4000``.

    Raises
    ------
    InvalidArgument

    Examples
    --------
    >>> read_limits(["DNA:100:4000"])
    {'DNA': Fixed(low=100.0, high=4000.0)}
    """
    found = {}
    for text in texts:
        name, _, limits = text.partition(":")
        low, _, high = limits.partition(":")
        try:
            found[name] = Fixed(float(low), float(high))
        except ValueError:
            raise InvalidArgument(
                f"contrast {text!r}: expected CHANNEL:LOW:HIGH, as DNA:100:4000"
            ) from None
    return found


def draw_picture(
    desk: ImageDesk, package: Package, opened: OpenedImage, asked: PictureAsked
) -> bytes:
    """Return a picture of an image as PNG.

    Raises
    ------
    InvalidArgument
        If there is no such channel, plane or part.
    BrokenFile, TransferError
        See `Image.read`.
    """
    numbers = _channels(opened, asked.channels)
    facts = channel_facts(opened.channels)
    planes, limits = [], []
    for number in numbers:
        at = replace(asked.at, c=number)
        planes.append(_part(desk, opened, at, asked))
        given = asked.limits or {}
        own = given.get(opened.channels[number]) or given.get(str(number))
        limits.append(own or _limits(desk, opened, at))
    one = len(numbers) == 1
    colours = ["white" if one else facts[number].colour for number in numbers]
    layers = []
    for labels in label_facts(opened, asked.labels):
        if labels.key:
            over = desk.open(package, labels.key, Asked(alone=True))
            at = replace(asked.at, c=0, labels=True)
            layers.append((_part(desk, over, at, asked), labels.colour))
    return encode_png(compose(planes, limits, colours, asked.size, segmentations=layers))


def _channels(opened: OpenedImage, asked: tuple[str, ...]) -> list[int]:
    names = opened.channels
    if not asked:
        return [number for number, one in enumerate(channel_facts(names)) if one.shown]
    folded = [name.casefold() for name in names]
    found = []
    for word in asked[:MOST_SHOWN]:
        if word.casefold() in folded:
            found.append(folded.index(word.casefold()))
        elif word.isascii() and word.isdecimal() and int(word) < len(names):
            found.append(int(word))
        else:
            raise InvalidArgument(
                f"no channel is called {word!r}", hint=f"channels: {', '.join(names)}"
            )
    return found


def _limits(desk: ImageDesk, opened: OpenedImage, at: PlaneAsked) -> Fixed:
    plane = desk.plane(opened, replace(at, level=opened.fitting_level))
    return first_contrast(opened.channels).limits(plane)


def _part(
    desk: ImageDesk, opened: OpenedImage, at: PlaneAsked, asked: PictureAsked
) -> NDArray[Any]:
    """Return a plane, or the part of it that is asked for, about as large as it is shown."""
    left, top, width, height = asked.crop
    if not (width and height):
        return desk.plane(opened, replace(at, level=opened.fitting_level))
    image = opened.image
    if width * height > _PART or left >= image.shape[-1] or top >= image.shape[-2]:
        raise InvalidArgument(f"there is no part of {width} × {height} pixels at {left}, {top}")
    project = at.project
    z = None if project is not None else at.z if "Z" in image.lead or not at.labels else 0
    chosen = image.select(
        t=at.t, c=at.c, z=z, y=slice(top, top + height), x=slice(left, left + width)
    )
    found = reduce_plane(chosen, 1, project or "max", labels=at.labels)
    return to_labels(found) if at.labels else to_light(found)
