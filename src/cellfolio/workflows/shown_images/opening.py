"""An image with its resolutions: those that it has, and fractions of the smallest of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from threading import BoundedSemaphore

from cellfolio.errors import BrokenFile, InvalidArgument
from cellfolio.formats.images.image import Image
from cellfolio.formats.images.opening import open_image
from cellfolio.formats.images.ranged import HEAD, LocalFile, Ranged, RemoteFile
from cellfolio.formats.images.raster import raster_size
from cellfolio.formats.images.site import open_site
from cellfolio.imaging.choosing import channel_names
from cellfolio.imaging.reducing import reduced_shape
from cellfolio.imaging.scaling import sides
from cellfolio.imaging.shown import plane_shape
from cellfolio.package.entry import Entry
from cellfolio.package.plan import entry_blob
from cellfolio.registries.plates import match_image_name
from cellfolio.registries.selection import CPJUMP1_CHANNELS, Channel
from cellfolio.storage.home import Home
from cellfolio.storage.places import local_path, parse_uri
from cellfolio.workflows.shown_images.finding import ImageFiles

LARGEST = 64 * 1024 * 1024
"""Pixels of a plane that is given at once."""
RASTER = 64 * 1024 * 1024
"""Pixels of a PNG or JPEG that is decoded; all of it is in memory."""
_DECODING = BoundedSemaphore(2)
"""Pictures that are decoded at a time, so that memory stays bounded."""
_SMALLEST = 512
"""Pixels of the longer side from which on there is no smaller resolution."""
_VERSION = b"1"
"""Raised when the same file gives other pixels than before."""


@dataclass(frozen=True, slots=True, eq=False)
class Level:
    """A resolution.

    Attributes
    ----------
    image : Image
    factor : int
        How many of its pixels become one along each axis.
    shape : tuple of int
        Height and width then.
    """

    image: Image
    factor: int
    shape: tuple[int, int]


@dataclass(frozen=True, slots=True, eq=False)
class OpenedImage:
    """An image, ready for its planes to be read.

    Attributes
    ----------
    files : ImageFiles
    levels : tuple of Level
        The finest first.
    channels : tuple of str
    tag : str
        Another for every other content.
    notes : tuple of str
        What a reader should know.
    """

    files: ImageFiles
    levels: tuple[Level, ...]
    channels: tuple[str, ...]
    tag: str
    notes: tuple[str, ...] = ()

    @property
    def image(self) -> Image:
        """The finest resolution."""
        return self.levels[0].image

    @property
    def fitting_level(self) -> int:
        """The finest level whose planes are given."""
        fits = (
            number
            for number, level in enumerate(self.levels)
            if level.shape[0] * level.shape[1] <= LARGEST
        )
        return next(fits, len(self.levels) - 1)


def open_files(files: ImageFiles, home: Home, tag: str, *, series: int = 0) -> OpenedImage:
    """Open an image; no pixels are read, except of PNG and JPEG.

    Parameters
    ----------
    files : ImageFiles
    home : Home
    tag : str
        What names the content of an OME-Zarr; files tell their own.
    series : int
        Which image of an OME-TIFF with several.

    Raises
    ------
    InvalidArgument
        If it is a line or a point, or a picture that takes too much memory.
    UnknownFormat, BrokenFile, TransferError
        See `open_image`.
    """
    notes: tuple[str, ...] = ()
    if files.store:
        natives = _open_store(files.store, home)
    elif len(files.entries) > 1 or match_image_name(files.entries[0].name):
        natives, notes = _open_channels(files, home)
    else:
        entry = files.entries[0]
        natives = [_open_file(entry, home, series)]
    natives = [replace(one, name=files.name) for one in natives]
    levels = tuple(_levels_of(natives))
    content = tag_of(files.entries, series) if files.entries else tag
    return OpenedImage(files, levels, channel_names(natives[0]), content, notes)


def tag_of(entries: Sequence[Entry], series: int = 0) -> str:
    """Return what names the content of files: by their digests, or by where they are."""
    told = sha256(_VERSION + str(series).encode())
    for entry in entries:
        content = str(entry.digest) if entry.digest else f"{entry.physical_key} {entry.size}"
        told.update(f"{entry.logical_key}\0{content}\0".encode())
    return told.hexdigest()[:20]


def _open_store(store: str, home: Home) -> list[Image]:
    from cellfolio.formats.images.ome_zarr import count_levels, open_ome_zarr

    where = local_path(store) or store
    return [
        open_ome_zarr(where, home.remotes, level=level)
        for level in range(count_levels(where, home.remotes))
    ]


def _open_channels(files: ImageFiles, home: Home) -> tuple[list[Image], tuple[str, ...]]:
    """Open the files of a site; where one is broken, the others are shown."""
    names = [match_image_name(entry.name) for entry in files.entries]
    numbers = {one.channel for one in names if one is not None}
    known = {one.number for one in CPJUMP1_CHANNELS}
    more = [Channel(n, f"channel {n}", None, "fluorescence") for n in sorted(numbers - known)]
    channels = (*CPJUMP1_CHANNELS, *more)
    try:
        return [open_site(files.entries, home=home, channels=channels)], ()
    except BrokenFile as error:
        good, notes = _whole_files(files.entries, home)
        if not good:
            raise error from None
    return [open_site(good, home=home, channels=channels)], notes


def _whole_files(entries: Sequence[Entry], home: Home) -> tuple[list[Entry], tuple[str, ...]]:
    """Return the files that open, and what is to be told of the others."""
    good, notes = [], []
    for entry in entries:
        try:
            open_image(entry, home=home)
        except BrokenFile as error:
            notes.append(f"left out: {error.message}")
        else:
            good.append(entry)
    return good, tuple(notes)


def _open_file(entry: Entry, home: Home, series: int) -> Image:
    if not entry.name.lower().endswith((".png", ".jpg", ".jpeg")):
        return open_image(entry, home=home, series=series)
    _check_raster(entry, home)
    with _DECODING:
        return _without_alpha(open_image(entry, home=home, series=series))


def _without_alpha(image: Image) -> Image:
    """Leave out how opaque the pixels of a picture are."""
    light = {("R", "G", "B", "A"): ["R", "G", "B"], ("L", "A"): ["L"]}.get(image.channels)
    return image.select(c=light) if light else image


def _check_raster(entry: Entry, home: Home) -> None:
    size = raster_size(_source(entry, home).read_first(HEAD))
    if size is not None and size[0] * size[1] > RASTER:
        raise InvalidArgument(
            f"{entry.name} has {sides(size)} pixels; a PNG or JPEG with at most {RASTER:,} is "
            "decoded",
            hint="save it as a TIFF with tiles, or as OME-Zarr",
        )


def _source(entry: Entry, home: Home) -> Ranged:
    blob = entry_blob(entry)
    held = home.blobs.find([blob]).get(blob) if blob is not None else None
    path: Path | None = held or local_path(entry.physical_key)
    if path is not None:
        return LocalFile(path, entry.logical_key)
    return RemoteFile(home.remotes, parse_uri(entry.physical_key), entry.digest, entry.size)


def _levels_of(natives: Sequence[Image]) -> list[Level]:
    levels = [Level(image, 1, plane_shape(image)) for image in natives]
    last, factor = levels[-1], 2
    while max(last.shape) > _SMALLEST * factor:
        levels.append(Level(last.image, factor, reduced_shape(last.shape, factor)))
        factor *= 2
    return levels
