"""The images of one site, one file for each channel, as one image."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellfolio.errors import InvalidArgument
from cellfolio.formats.images.building import lazy_image, without_single_axes
from cellfolio.formats.images.image import Image
from cellfolio.formats.images.opening import ImageSource, open_image
from cellfolio.formats.images.pieces import largest_piece
from cellfolio.formats.images.planes import Box
from cellfolio.package.entry import Entry
from cellfolio.registries.plates import ImageName, parse_image_name
from cellfolio.registries.selection import CPJUMP1_CHANNELS, Channel
from cellfolio.storage.home import Home
from cellfolio.storage.workers import at_once


class StackedPlanes:
    """Planes that are images of their own, in order.

    Parameters
    ----------
    images : sequence of Image
        All of one shape, with the axes Y and X.
    """

    def __init__(self, images: Sequence[Image]) -> None:
        self._images = tuple(images)

    @property
    def piece_bytes(self) -> int:
        """Decoded bytes of the largest piece of any plane."""
        return max(largest_piece(image.planes) for image in self._images)

    def read(self, numbers: Sequence[int], box: Box) -> NDArray[Any]:
        """See `Planes.read`."""

        def read_one(number: int) -> NDArray[Any]:
            image = self._images[number]
            return image.select(y=slice(box.top, box.bottom), x=slice(box.left, box.right)).read()

        return np.stack(at_once(read_one, numbers))


def open_site(
    sources: Iterable[ImageSource],
    *,
    home: Home | None = None,
    channels: Sequence[Channel] = CPJUMP1_CHANNELS,
) -> Image:
    """Open the images of a site, as the Opera Phenix names them, as one image.

    Parameters
    ----------
    sources : iterable of str, Path or Entry
        Such as ``r01c01f01p01-ch1sk1fk1fl1.tiff``, in any order: one file for each channel,
        plane and time point.
    home : Home, optional
        By default the user's.
    channels : sequence of Channel
        What the numbers of channels stand for.

    Returns
    -------
    Image
        Channels in the order of `channels`; T and Z only where there are several.

    Raises
    ------
    InvalidArgument
        If a name is no plate image, they are of several sites, or one is missing or twice there.
    BrokenFile
        If a file is damaged, or not as large as the others.

    Examples
    --------
    ::

        site = open_site(Path("images").glob("r14c09f05p01-*.tiff"))
        site.select(c="DNA").read()
    """
    named = _by_name(sources)
    first = next(iter(named))
    sites = {(name.row, name.column, name.site) for name in named}
    if len(sites) != 1:
        raise InvalidArgument(f"the images are of {len(sites)} sites; expected one")
    known = {one.number: one for one in channels}
    strange = sorted({name.channel for name in named} - known.keys())
    if strange:
        raise InvalidArgument(f"channels {strange} are none of {sorted(known)}")
    times = sorted({name.sk for name in named})
    depths = sorted({name.plane for name in named})
    used = [one for one in channels if one.number in {name.channel for name in named}]
    at = {(name.sk, name.channel, name.plane): source for name, source in named.items()}
    wanted = [(t, c.number, z) for t in times for c in used for z in depths]
    missing = [one for one in wanted if one not in at]
    if missing or len(at) != len(named):
        raise InvalidArgument(
            f"{len(named)} images; expected one for each of {len(times)} times, {len(used)} "
            f"channels and {len(depths)} planes; missing (time, channel, plane): {missing[:5]}"
        )
    keep = home or Home()
    images = at_once(lambda one: open_image(at[one], home=keep), wanted)
    return _stack(images, (len(times), len(used), len(depths)), used, first)


def _by_name(sources: Iterable[ImageSource]) -> dict[ImageName, ImageSource]:
    named: dict[ImageName, ImageSource] = {}
    for source in sources:
        text = source.logical_key if isinstance(source, Entry) else str(source)
        name = parse_image_name(text.replace("\\", "/").rpartition("/")[2])
        if name in named:
            raise InvalidArgument(f"{name} is there twice")
        named[name] = source
    if not named:
        raise InvalidArgument("no images; expected those of a site")
    return named


def _stack(
    images: Sequence[Image], lead: tuple[int, int, int], used: Sequence[Channel], name: ImageName
) -> Image:
    shapes = {(image.axes, image.shape, str(image.dtype)) for image in images}
    if len(shapes) != 1 or images[0].axes != "YX":
        raise InvalidArgument(f"the images differ, or are no planes: {sorted(shapes)[:3]}")
    stacked = lazy_image(
        StackedPlanes(images),
        "TCZYX",
        (*lead, *images[0].shape),
        images[0].dtype,
        channels=tuple(one.name for one in used),
        pixel_size=images[0].pixel_size,
        name=f"r{name.row:02}c{name.column:02}f{name.site:02}",
    )
    return without_single_axes(stacked)
