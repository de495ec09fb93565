"""Opening images: TIFF, OME-TIFF, OME-Zarr, PNG and JPEG, here or in a remote store."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from cellfolio.errors import InvalidArgument, ObjectNotFound, UnknownFormat
from cellfolio.formats.images.building import lazy_image, without_single_axes
from cellfolio.formats.images.ifd import is_tiff, read_page_index
from cellfolio.formats.images.image import Image
from cellfolio.formats.images.malformed import naming
from cellfolio.formats.images.page_cache import KeptIndex
from cellfolio.formats.images.pages import PageIndex
from cellfolio.formats.images.ranged import HEAD, LocalFile, Ranged, RemoteFile
from cellfolio.formats.images.raster import is_raster, read_raster
from cellfolio.formats.images.series import find_series
from cellfolio.formats.images.tiff import TiffPlanes
from cellfolio.package.entry import Entry
from cellfolio.package.plan import entry_blob
from cellfolio.storage.home import Home
from cellfolio.storage.places import local_path, parse_uri

ImageSource = str | Path | Entry
"""A path, a URI, or a file of a package."""


@dataclass(frozen=True, slots=True)
class _Found:
    """Where an image is.

    Attributes
    ----------
    source : Ranged
    uri : str
        Of a place, or a path.
    name : str
        Last component of what the user calls it.
    kept : KeptIndex or None
        Where its list of pages is kept; None if nothing tells when it would be another.
    size : int or None
    """

    source: Ranged
    uri: str | Path
    name: str
    kept: KeptIndex | None
    size: int | None


_SUFFIXES = (".tif", ".tiff", ".png", ".jpg", ".jpeg", ".zarr")


def names_image(name: str) -> bool:
    """Whether a file of that name should be an image.

    Examples
    --------
    >>> names_image("fovs/1/image.ome.tiff"), names_image("README.md")
    (True, False)
    """
    return name.lower().endswith(_SUFFIXES)


def open_image(
    source: ImageSource, *, home: Home | None = None, series: int = 0, level: int = 0
) -> Image:
    """Open an image; no pixels are read, except of PNG and JPEG.

    What is in the home's store is read from there. Of other remote files, only the list of pages
    is fetched; if the entry has a digest, the list is kept, and the next time nothing is.

    Parameters
    ----------
    source : str, Path or Entry
        A path or URI of a file, or of an OME-Zarr folder whose name ends in ``.zarr``; or a file
        of a package.
    home : Home, optional
        By default the user's.
    series : int
        Which image of an OME-TIFF with several.
    level : int
        Which resolution of an OME-Zarr; 0 is the highest.

    Raises
    ------
    UnknownFormat
        If it is no image that can be opened.
    BrokenFile
        If it is cut off, damaged, or contradicts itself.
    ObjectNotFound, AccessRefused, ServerUnreachable, TransferError
        If it cannot be reached.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from cellfolio.formats.images.writing import write_ome_tiff
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "cells.ome.tiff")
    ...     write_ome_tiff(path, np.ones((2, 3, 4), "u2"), "CYX", channels=("DNA", "ER"))
    ...     image = open_image(path)
    ...     image.select(c="ER").read().sum()
    np.uint64(12)
    """
    home = home or Home()
    found = _find(source, home)
    if found.name.endswith(".zarr") or (isinstance(found.uri, Path) and found.uri.is_dir()):
        from cellfolio.formats.images.ome_zarr import open_ome_zarr

        return open_ome_zarr(found.uri, home.remotes, level=level)
    if level:
        raise InvalidArgument(f"{found.source.name} has one resolution, so no level {level}")
    index = None if found.kept is None else found.kept.load(found.size)
    if index is None:
        with naming(found.source.name, ""):
            head = found.source.read_first(HEAD)
        if is_raster(head):
            return _open_raster(found)
        index = _read_index(found, head)
    if found.kept is not None and isinstance(found.source, RemoteFile):
        found.source.expect(index.e_tag, found.kept.forget)
    with naming(found.source.name, "TIFF"):
        image = _tiff_image(found.source, index, series)
    return image if image.name else replace(image, name=found.name)


def _find(source: ImageSource, home: Home) -> _Found:
    if not isinstance(source, Entry):
        uri, size, digest, blob = str(source), None, None, None
    else:
        uri, size, digest, blob = source.physical_key, source.size, source.digest, None
        blob = entry_blob(source)
        held = home.blobs.find([blob]) if blob is not None else {}
        if blob in held:
            kept = KeptIndex(home, blob)
            local = LocalFile(held[blob], source.logical_key)
            return _Found(local, held[blob], source.name, kept, size)
    path = source if isinstance(source, Path) else local_path(uri) if "://" in uri else Path(uri)
    if path is not None:
        if not path.exists():
            raise ObjectNotFound(f"{path} does not exist")
        name = source.logical_key if isinstance(source, Entry) else ""
        return _Found(LocalFile(path, name), path, path.name, None, None)
    place = parse_uri(uri.rstrip("/"))
    remote = RemoteFile(home.remotes, place, digest, size)
    there = None if blob is None else KeptIndex(home, blob, place.uri)
    return _Found(remote, uri.rstrip("/"), place.path.rpartition("/")[2], there, size)


def _read_index(found: _Found, head: memoryview) -> PageIndex:
    if not is_tiff(head):
        shown = bytes(head[:8])
        raise UnknownFormat(
            found.source.name,
            "",
            f"it begins with {shown!r}, which is no TIFF, PNG or JPEG",
            hint="images of other formats need a reader of their own; OME-Zarr ends in .zarr",
        )
    with naming(found.source.name, "TIFF"):
        index = read_page_index(found.source, head)
    index = replace(index, e_tag=found.source.e_tag)
    if found.kept is not None:
        found.kept.keep(index)
    return index


def _tiff_image(source: Ranged, index: PageIndex, number: int) -> Image:
    series = find_series(index, number)
    image = lazy_image(
        TiffPlanes(source, series),
        "TCZYX",
        series.sizes,
        series.dtype,
        channels=series.channels,
        pixel_size=series.pixel_size,
        name=series.name,
    )
    return without_single_axes(image)


def _open_raster(found: _Found) -> Image:
    form = "PNG or JPEG"
    with naming(found.source.name, form):
        (data,) = found.source.read([(0, found.source.size)])
        return read_raster(data, found.name)
