"""Looking at images, wherever they are: from names to a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from cellfolio.errors import InvalidArgument
from cellfolio.formats.images.image import Image
from cellfolio.imaging.options import ViewOptions
from cellfolio.imaging.picture import Picture
from cellfolio.imaging.plate_montage import plate_montage
from cellfolio.imaging.showing import show
from cellfolio.package.entry import Entry
from cellfolio.registries.plates import Well
from cellfolio.storage.home import Home
from cellfolio.workflows.finding_images import (
    FoundImage,
    Viewable,
    find_images,
    find_sources,
    tell_apart,
)
from cellfolio.workflows.loading import load
from cellfolio.workflows.opening import fetch_entry


def view(
    what: Viewable | Sequence[Viewable],
    options: ViewOptions | None = None,
    *,
    overlays: Sequence[Viewable] = (),
    info: Mapping[str, Any] | Path | str | None = None,
    home: Home | None = None,
) -> Picture:
    r"""Make a picture of images: channels side by side, in colour, of one image or of many.

    Only the planes that are shown are read, also from a bucket. A notebook shows the picture;
    `Picture.save` writes it as PNG, SVG or PDF.

    Parameters
    ----------
    what : str, Path, Entry, Image, or a sequence of them
        A text is a path, a URI, or ``[REGISTRY/]NAMESPACE/NAME[@REVISION]/PATH`` of a package.
        Files of an Opera Phenix, or a folder of them, are put together by site.
    options : ViewOptions, optional
    overlays : sequence of str, Path, Entry or Image
        Segmentations to draw over the one image: label images or masks, flat or stacks; or names
        of its own channels.
    info : mapping, Path or str, optional
        The info document of the Allen Institute for the image, or its file: it names the
        channels, and those whose ``use`` is false are left out.
    home : Home, optional

    Returns
    -------
    Picture

    Raises
    ------
    InvalidArgument
        If there is no such channel or plane, sizes or channels do not fit, or a scale bar is asked
        for and the pixel size is not known.
    UnknownFormat, BrokenFile
    ObjectNotFound, EntryNotFound, PackageNotFound, TransferError

    Examples
    --------
    >>> import tempfile, tifffile, numpy
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "cells.tif")
    ...     tifffile.imwrite(path, numpy.eye(300, dtype=numpy.uint8))
    ...     picture = view(path, ViewOptions(size=300))
    ...     picture.save(Path(folder, "cells.png"))
    >>> picture.zoom
    1.0
    """
    home = home or Home()
    words = [what] if isinstance(what, (str, Path, Entry, Image)) else list(what)
    found = find_images(words, home)
    if info is not None:
        found = name_channels(found, read_info(info, home))
    return view_found(found, options or ViewOptions(), find_overlays(overlays, found, home))


def view_found(
    found: Sequence[FoundImage], options: ViewOptions, overlays: Sequence[Image] = ()
) -> Picture:
    """Make a picture of images that were opened; see `view`."""
    if options.style != "plate":
        return show(list(tell_apart(found)), options, segmentations=overlays)
    if overlays:
        raise InvalidArgument("segmentations are drawn over one image, not over a plate")
    wells: dict[Well, Image] = {}
    for one in sorted(found, key=lambda one: one.site.site if one.site else 0):
        if one.site is None:
            raise InvalidArgument(
                f"the name of {one.image.name} does not tell its well; expected one such as "
                "r01c01f01p01-ch1sk1fk1fl1.tiff"
            )
        wells.setdefault(one.site.well, one.image)
    picture = plate_montage(wells, options)
    if len(found) == len(wells):
        return picture
    note = f"{len(found)} sites of {len(wells)} wells; the first of each well is shown"
    return replace(picture, notes=(*picture.notes, note))


def name_channels(found: Sequence[FoundImage], info: Mapping[str, Any]) -> list[FoundImage]:
    """Return images with the channels that an info document marks as used."""
    return [replace(one, image=one.image.drop_unused(info)) for one in found]


def read_info(info: Mapping[str, Any] | Path | str, home: Home) -> Mapping[str, Any]:
    """Return an info document, from its file if need be.

    Raises
    ------
    InvalidArgument
        If it is no JSON object.
    """
    if isinstance(info, Mapping):
        return info
    (source,) = find_sources(info, home)
    if isinstance(source, Entry):
        source = fetch_entry(source, home)
    found = load(source, home=home, declared="json") if not isinstance(source, Image) else None
    if not isinstance(found, Mapping):
        raise InvalidArgument(f"{info} is no info document; expected a JSON object")
    return found


def find_overlays(
    overlays: Sequence[Viewable], found: Sequence[FoundImage], home: Home
) -> list[Image]:
    """Return segmentations: channels of the one image by their names, and other images."""
    own = found[0].image if len(found) == 1 else None
    segmentations = []
    for word in overlays:
        if own is not None and isinstance(word, str) and word in own.channels:
            segmentations.append(own.select(c=word))
        else:
            segmentations += [one.image for one in find_images([word], home)]
    return segmentations
