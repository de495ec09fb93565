"""What of images is to be seen: which planes and channels, in which style, contrast and colours."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from cellfolio.errors import InvalidArgument
from cellfolio.formats.images.image import Image
from cellfolio.formats.images.pixel_size import PixelSize
from cellfolio.imaging.colours import RGB, colours_of, is_segmentation, is_transmitted
from cellfolio.imaging.contrast import Contrast, Fixed, Percentile
from cellfolio.imaging.options import Style, ViewOptions


@dataclass(frozen=True, slots=True)
class Chosen:
    """What of several images is shown.

    Attributes
    ----------
    images : tuple of Image
        Of the same channels.
    channels : tuple of str
    notes : tuple of str
        What was left out.
    """

    images: tuple[Image, ...]
    channels: tuple[str, ...]
    notes: tuple[str, ...] = ()


def choose(images: Sequence[Image], options: ViewOptions) -> Chosen:
    """Return what of images is to be seen: the same channels of each.

    Raises
    ------
    InvalidArgument
        If there are no images, their channels differ, or there are no such planes.
    """
    if not images:
        raise InvalidArgument("there is no image to show")
    found = [choose_planes(image, options) for image in images]
    names = channel_names(found[0])
    for image in found:
        if channel_names(image) != names:
            raise InvalidArgument(
                f"{found[0].name} has channels {', '.join(names)}, and {image.name} has "
                f"{', '.join(channel_names(image))}",
                hint="choose channels that all of them have",
            )
    without = leave_out(names, options)
    if not without:
        return Chosen(tuple(found), names)
    kept = [number for number, name in enumerate(names) if name not in without]
    note = f"left out of the composite, unless asked for: {', '.join(without)}"
    left = tuple(names[number] for number in kept)
    return Chosen(tuple(image.select(c=kept) for image in found), left, (note,))


def like_image(labels: Image, options: ViewOptions) -> Image:
    """Return what of a segmentation is to be seen: the same depth and time as of the image."""
    picked = ViewOptions(
        z=options.z if "Z" in labels.lead else None, t=options.t if "T" in labels.lead else 0
    )
    return choose_planes(labels, picked)


def choose_planes(image: Image, options: ViewOptions) -> Image:
    """Return what of an image is to be seen, with depths where they are to be projected.

    Nothing is read.

    Raises
    ------
    InvalidArgument
        If there is no such channel, depth or time.

    Examples
    --------
    >>> import numpy as np
    >>> from cellfolio.formats.images import image_of
    >>> image = image_of(np.zeros((2, 3, 4, 5)), "CZYX", channels=("DNA", "ER"))
    >>> choose_planes(image, ViewOptions(channels=("er", 0), z=1)).channels
    ('ER', 'DNA')
    """
    asked: list[str | int] | None = [_channel(image, word) for word in options.channels]
    if not asked:
        asked = None
    elif "C" not in image.lead:
        image.select(c=asked[0])
        asked = None
    t = options.t if "T" in image.lead or options.t else None
    found = image.select(t=t, c=asked, z=options.z)  # type: ignore[arg-type]
    if options.pixel_size is not None:
        found = replace(found, pixel_size=PixelSize(options.pixel_size, options.pixel_size))
    return found


def _channel(image: Image, word: str | int) -> str | int:
    """Return a channel's exact name or number; a name may differ in case."""
    if isinstance(word, int) or word in image.channels:
        return word
    alike = [name for name in image.channels if name.casefold() == word.casefold()]
    if len(alike) == 1:
        return alike[0]
    return int(word) if word.isascii() and word.isdecimal() else word


def channel_names(image: Image) -> tuple[str, ...]:
    """Return names of all channels, with numbers where the image has none.

    The one channel of an image without names has no name: there is nothing to tell it from.
    """
    count = image.numbers.shape[image.lead.index("C")] if "C" in image.lead else 1
    if image.channels:
        return image.channels
    return tuple(f"channel {number}" for number in range(count)) if count > 1 else ("",)


def are_named(names: tuple[str, ...]) -> bool:
    """Whether channels have names, and not just numbers that programs gave them.

    Examples
    --------
    >>> are_named(("DNA",)), are_named(("C:0", "C:1")), are_named(("",))
    (True, False, False)
    """
    return not all(_NUMBERED.fullmatch(name) for name in names)


_NUMBERED = re.compile(r"(?:c|ch|channel)?[:_ ]*(?:\d+[:_])?\d*", re.IGNORECASE)


def style_of(names: tuple[str, ...], options: ViewOptions) -> Style:
    """Return the style that is asked for, or that suits the channels."""
    return options.style or ("composite" if names == RGB else "panels")


def contrast_of(names: tuple[str, ...], options: ViewOptions) -> Contrast:
    """Return the contrast that is asked for, or that suits the channels.

    The light of a composite's channels is added, so that each gives less of it.
    """
    if options.contrast is not None:
        return options.contrast
    if names == RGB:
        return Fixed(0, 255)
    adds = style_of(names, options) != "panels" and len(names) > 1
    return Percentile(5, 99.9) if adds else Percentile()


def leave_out(names: tuple[str, ...], options: ViewOptions) -> tuple[str, ...]:
    """Return the channels that a composite is better without, if none were asked for.

    Examples
    --------
    >>> leave_out(("DNA", "ER", "Brightfield"), ViewOptions(style="composite"))
    ('Brightfield',)
    """
    covering = tuple(name for name in names if is_transmitted(name) or is_segmentation(name))
    if options.channels or style_of(names, options) == "panels" or len(covering) == len(names):
        return ()
    return covering


def channel_colours(names: tuple[str, ...], options: ViewOptions) -> tuple[str, ...]:
    """Return a colour for each channel.

    Raises
    ------
    InvalidArgument
        If there are not as many colours as channels.
    """
    if options.colours:
        if len(options.colours) != len(names):
            raise InvalidArgument(
                f"{len(options.colours)} colours for {len(names)} channels: {', '.join(names)}"
            )
        return options.colours
    if style_of(names, options) == "panels" or len(names) == 1:
        return ("grey",) * len(names)
    return colours_of(names)
