"""Which pages of a TIFF file are which planes of an image, whoever wrote it.

Rule 1: OME-XML, where there is some, has to agree with the pages in number, size and type.
Rule 2: without, what ImageJ and tifffile write is used; else the pages are a stack in Z.
Rule 3: axes of length one are left out, and those that remain are in the order T, C, Z, Y, X.
Axes without a meaning take the free names, the last first: Z, then C, then T.

References
----------
ImageJ: ``channels``, ``slices``, ``frames``, ``images``, ``spacing`` and ``unit`` in the
description of its TIFF files (ij.io.TiffEncoder and FileInfo). tifffile: the JSON object with
``shape`` and ``axes`` in the description of the files that it calls "shaped".
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod

import numpy as np
from numpy.typing import NDArray

from cellfolio.formats.images.malformed import Malformed
from cellfolio.formats.images.ome import MAX_PLANES, OmeImage, is_ome, parse_ome
from cellfolio.formats.images.pages import PageIndex, PageLayout
from cellfolio.formats.images.pixel_size import PixelSize, micrometres

_UNKNOWN = "QIR"
"""What tifffile calls axes that it knows nothing of."""


@dataclass(frozen=True, slots=True)
class Series:
    """One image of a TIFF file.

    Attributes
    ----------
    index : PageIndex
        Maybe with pages added that the file does not list.
    name : str
    sizes : tuple of int
        T, C, Z, Y and X.
    channels : tuple of str
        As many as C, or none.
    pixel_size : PixelSize
    pages, samples : array of shape (T, C, Z), int64
        Where each plane is.
    """

    index: PageIndex
    name: str
    sizes: tuple[int, int, int, int, int]
    channels: tuple[str, ...]
    pixel_size: PixelSize
    pages: NDArray[np.int64]
    samples: NDArray[np.int64]

    @property
    def dtype(self) -> np.dtype[np.generic]:
        """Of the pixels, in the byte order of this machine."""
        return np.dtype(self.index.layout(int(self.pages[0, 0, 0])).dtype).newbyteorder("=")


def find_series(index: PageIndex, number: int) -> Series:
    """Return an image of a file, counted from 0.

    Raises
    ------
    Malformed
        If it cannot be understood, or contradicts the pages, or there is no such image.
    """
    if is_ome(index.description):
        images = parse_ome(index.description, len(index))
        if number >= len(images):
            raise Malformed(f"it has {len(images)} images, so none of number {number}")
        _check_all_told(index, images)
        return _ome_series(index, images[number])
    if number:
        raise Malformed(f"only OME-TIFF has several images, so it has none of number {number}")
    pages = _full_pages(index)
    if len(pages) > 1 and not all(index.layout(0).looks_like(index.layout(one)) for one in pages):
        shapes = sorted({str(index.layout(one).shape) for one in pages})[:3]
        raise Malformed(f"its pages differ in shape or type: {', '.join(shapes)}; expected one")
    settings = _imagej_settings(index.description)
    if settings is not None:
        return _imagej_series(index, pages, settings)
    return _shaped_series(index, pages)


def _full_pages(index: PageIndex) -> list[int]:
    """Return the pages that are no smaller versions of others."""
    full = [page for page in range(len(index)) if not index.layout(page).reduced]
    return full or list(range(len(index)))


# OME-TIFF


def _check_all_told(index: PageIndex, images: Sequence[OmeImage]) -> None:
    """Refuse OME-XML that is silent about pages."""
    told = set(np.concatenate([image.pages.ravel() for image in images]).tolist())
    silent = [page for page in _full_pages(index) if page not in told]
    if silent:
        raise Malformed(
            f"its OME-XML tells of {len(told)} pages, and it has {len(told) + len(silent)}"
        )


def _ome_series(index: PageIndex, image: OmeImage) -> Series:
    y, x = image.sizes[-2:]
    samples = int(image.samples.max()) + 1
    for kind in set(index.kinds[image.pages.ravel()].tolist()):
        layout = index.layouts[kind]
        if layout.shape != (samples, y, x):
            raise Malformed(
                f"its OME-XML tells of planes of {y} × {x} pixels and {samples} samples, and a "
                f"page has {layout.height} × {layout.width} and {layout.samples}"
            )
        if np.dtype(layout.dtype).newbyteorder("=") != np.dtype(image.dtype):
            raise Malformed(
                f"its OME-XML tells of {np.dtype(image.dtype)} pixels, and a page has "
                f"{np.dtype(layout.dtype).newbyteorder('=')}"
            )
    return Series(
        index,
        image.name,
        image.sizes,
        image.channels,
        image.pixel_size,
        image.pages,
        image.samples,
    )


# Other files


def _imagej_settings(description: str) -> Mapping[str, str] | None:
    if not description.startswith("ImageJ="):
        return None
    pairs = (line.partition("=") for line in description.splitlines())
    return {key.strip(): value.strip() for key, _, value in pairs}


def _imagej_series(index: PageIndex, pages: list[int], settings: Mapping[str, str]) -> Series:
    count, channels, slices, frames = (
        _count(settings, key) for key in ("images", "channels", "slices", "frames")
    )
    if count > len(pages) and len(index) == 1:
        index = index.repeated(count)
        pages = list(range(count))
    if channels * slices * frames != len(pages):
        if channels * slices * frames > 1:
            raise Malformed(
                f"ImageJ's description tells of {channels} channels, {slices} slices and "
                f"{frames} frames, and it has {len(pages)} pages"
            )
        slices = len(pages)
    unit = settings.get("unit", "")
    size = PixelSize(z=micrometres(settings.get("spacing"), _unescape(unit)))
    order = np.array(pages, np.int64).reshape(frames, slices, channels).transpose(0, 2, 1)
    return _with_samples(index, order, size)


def _unescape(unit: str) -> str:
    return re.sub(r"\\u00b5", "µ", unit, flags=re.IGNORECASE)


def _count(settings: Mapping[str, str], key: str) -> int:
    text = settings.get(key, "1")
    if not re.fullmatch(r"[0-9]{1,8}", text) or not 0 < int(text) <= MAX_PLANES:
        raise Malformed(f"ImageJ's description has {key}={text!r}; expected a whole number")
    return int(text)


def _shaped_series(index: PageIndex, pages: list[int]) -> Series:
    shape, axes = _told_shape(index.description)
    layout = index.layout(pages[0])
    inner = _inner_axes(layout)
    lead, lead_axes = shape[: -len(inner)], axes[: -len(inner)]
    if shape[-len(inner) :] != inner or prod(lead) < len(pages):
        lead, lead_axes = (len(pages),), "I"  # the description is of something else
    if prod(lead) > len(pages):
        if prod(lead) > MAX_PLANES or len(index) != 1:
            raise Malformed(f"its description tells of {prod(lead)} pages; it has {len(pages)}")
        index = index.repeated(prod(lead))
        pages = list(range(prod(lead)))
    names, sizes = _name_axes(lead_axes, lead)
    order = np.array(pages, np.int64).reshape(sizes)
    order = order.transpose(sorted(range(len(names)), key=lambda at: "TCZ".index(names[at])))
    full = tuple(order.shape["".join(sorted(names, key="TCZ".index)).index(axis)]
                 if axis in names else 1 for axis in "TCZ")  # fmt: skip
    return _with_samples(index, order.reshape(full), PixelSize())


def _inner_axes(layout: PageLayout) -> tuple[int, ...]:
    """Return the shape of a page as tifffile tells it."""
    if layout.samples == 1:
        return layout.height, layout.width
    if layout.separate:
        return layout.shape
    return layout.height, layout.width, layout.samples


def _told_shape(description: str) -> tuple[tuple[int, ...], str]:
    """Return the shape and axes that tifffile wrote; nothing where it did not."""
    if not description.startswith('{"shape"'):
        return (), ""
    try:
        told = json.loads(description)
        shape = tuple(int(size) for size in told["shape"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return (), ""
    axes = told.get("axes")
    known = isinstance(axes, str) and len(axes) == len(shape)
    return (shape, axes if known else "Q" * len(shape)) if min(shape, default=0) > 0 else ((), "")


def _name_axes(axes: str, sizes: tuple[int, ...]) -> tuple[str, tuple[int, ...]]:
    """Return the axes that are longer than one, each called T, C or Z, and their sizes."""
    kept = [(axis, size) for axis, size in zip(axes, sizes, strict=True) if size > 1]
    free = [axis for axis in "TCZ" if axis not in axes]
    names = ""
    for axis, _ in reversed(kept):
        if axis in "TCZ" and axis not in names:
            names = axis + names
        elif axis in _UNKNOWN and free:
            names = free.pop() + names
        else:
            raise Malformed(f"its axes are {axes!r} of sizes {sizes}; expected T, C and Z, Y, X")
    return names, tuple(size for _, size in kept)


def _with_samples(index: PageIndex, order: NDArray[np.int64], size: PixelSize) -> Series:
    """Return the series of pages in the order T, C, Z, whose samples become channels."""
    layout = index.layout(int(order.flat[0]))
    count = layout.samples
    t, c, z = order.shape
    if count > 1 and c > 1:
        raise Malformed(f"it has {c} channels of {count} samples each, which is not supported")
    pages = np.repeat(order, count, axis=1)
    samples = np.broadcast_to(np.arange(c * count)[None, :, None] % count, pages.shape)
    colour = layout.photometric in (2, 6) and count in (3, 4)
    return Series(
        index,
        "",
        (t, c * count, z, layout.height, layout.width),
        tuple("RGBA"[:count]) if colour else (),
        size,
        pages,
        samples.astype(np.int64),
    )
