"""What OME-XML says of an image: sizes, channels, pixel size, and which page is which plane.

Rule: every plane must be told exactly one page.

References
----------
OME model, schema 2016-06, and "OME-TIFF specification" (docs.openmicroscopy.org): the ``IFD``,
``FirstZ``, ``FirstC``, ``FirstT`` and ``PlaneCount`` of ``TiffData`` and their defaults.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cellfolio.formats.images.malformed import Malformed
from cellfolio.formats.images.pixel_size import PixelSize, micrometres
from cellfolio.formats.xml import local_name, parse_xml

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

MAX_PLANES = 10_000_000
DTYPES = {
    "int8": "i1", "int16": "i2", "int32": "i4", "uint8": "u1", "uint16": "u2", "uint32": "u4",
    "float": "f4", "double": "f8",
}  # fmt: skip
"""OME's names of pixel types."""
_ORDERS = frozenset("XY" + "".join(order) for order in itertools.permutations("ZCT"))


@dataclass(frozen=True, slots=True)
class OmeImage:
    """One image of a file.

    Attributes
    ----------
    name : str
    sizes : tuple of int
        T, C, Z, Y and X. A colour image of one channel with three samples has C = 3.
    dtype : str
    channels : tuple of str
        As many as C.
    pixel_size : PixelSize
    pages : array of shape (T, C, Z), int64
        Number of the page, counted from 0.
    samples : array of shape (T, C, Z), int64
        Number of the sample of that page.
    """

    name: str
    sizes: tuple[int, int, int, int, int]
    dtype: str
    channels: tuple[str, ...]
    pixel_size: PixelSize
    pages: NDArray[np.int64]
    samples: NDArray[np.int64]


def is_ome(text: str) -> bool:
    """Whether a description is OME-XML."""
    begins = text.lstrip("\ufeff \t\r\n").startswith("<")
    return begins and re.search(r"<(?:\w+:)?OME\b", text) is not None


def parse_ome(text: str, pages: int) -> list[OmeImage]:
    """Read the OME-XML of a file of so many pages.

    Raises
    ------
    Malformed
        If it cannot be understood, or does not fit the number of pages.
    """
    root = _parse(text)
    uuid = root.get("UUID")
    if _child(root, "BinaryOnly") is not None:
        raise Malformed("its OME-XML is in another file of the set, which is not supported")
    images = [_read_image(image, pages, uuid) for image in root if local_name(image) == "Image"]
    if not images:
        raise Malformed("its OME-XML has no image")
    return images


def _parse(text: str) -> Element:
    root = parse_xml(text, "its OME-XML")
    if local_name(root) != "OME":
        raise Malformed(f"its OME-XML begins with {local_name(root)!r}; expected 'OME'")
    return root


def _read_image(image: Element, pages: int, uuid: str | None) -> OmeImage:
    pixels = _child(image, "Pixels")
    if pixels is None:
        raise Malformed("an image in its OME-XML has no Pixels")
    t, c, z, y, x = (_number(pixels, f"Size{axis}") for axis in "TCZYX")
    kind = pixels.get("Type") or pixels.get("PixelType") or ""
    order = pixels.get("DimensionOrder", "")
    if kind not in DTYPES or order not in _ORDERS:
        raise Malformed(f"its OME-XML has pixels of type {kind!r} in the order {order!r}")
    if not all((t, c, z, y, x)) or t * c * z > MAX_PLANES:
        raise Malformed(f"its OME-XML has T, C, Z, Y, X = {t}, {c}, {z}, {y}, {x}")
    names, per_page = _read_channels(pixels, c)
    found = _page_numbers(pixels, order, (t, c // per_page, z), pages, uuid)
    samples = np.broadcast_to((np.arange(c) % per_page)[None, :, None], (t, c, z))
    size = PixelSize(*(_length(pixels, axis) for axis in "XYZ"))
    return OmeImage(
        image.get("Name", ""),
        (t, c, z, y, x),
        DTYPES[kind],
        names,
        size,
        np.repeat(found, per_page, axis=1),
        samples.astype(np.int64),
    )


def _read_channels(pixels: Element, count: int) -> tuple[tuple[str, ...], int]:
    """Return a name for each sample of each channel, and how many samples a page has."""
    channels = [one for one in pixels if local_name(one) == "Channel"]
    per_page = {_number(one, "SamplesPerPixel", 1) for one in channels} or {1}
    if len(per_page) > 1:
        raise Malformed("its channels have different numbers of samples, which is not supported")
    (each,) = per_page
    if not each or count % each or (channels and len(channels) * each != count):
        raise Malformed(f"its OME-XML has SizeC {count}, and {len(channels)} channels of {each}")
    names = [one.get("Name") or one.get("ID") or f"Channel:0:{n}" for n, one in enumerate(channels)]
    names = names or [f"Channel:0:{number}" for number in range(count // each)]
    if each == 1:
        return tuple(names), 1
    letters = "RGBA" if each <= 4 else [str(number) for number in range(each)]
    several = len(names) > 1
    return tuple(
        f"{name} {letter}" if several else letter for name in names for letter in letters[:each]
    ), each


def _page_numbers(
    pixels: Element, order: str, sizes: tuple[int, int, int], pages: int, uuid: str | None
) -> NDArray[np.int64]:
    """Return the page of each plane, as an array of shape (T, C, Z)."""
    if np.prod(sizes) > pages:
        t, c, z = sizes
        raise Malformed(
            f"its OME-XML tells of {t * c * z} planes (T {t}, C {c}, Z {z}), and it has "
            f"{pages} pages"
        )
    found = np.full(sizes, -1, np.int64)
    extents = dict(zip("TCZ", sizes, strict=True))
    budget = 2 * found.size
    for first, start, count in _tiff_data(pixels, sizes, pages, uuid):
        budget -= count
        if budget < 0:
            raise Malformed("its OME-XML gives pages to planes over and over")
        for step in range(count):
            at = _step(first, step, order, extents)
            if at is None:
                raise Malformed("its OME-XML gives more pages than it has planes")
            if found[at] not in (-1, start + step):
                raise Malformed(f"its OME-XML gives two pages to the plane T, C, Z = {at}")
            found[at] = start + step
    if found.min() < 0 or found.max() >= pages:
        raise Malformed(
            f"its OME-XML gives pages {found.min()} to {found.max()} to planes (-1 is none), and "
            f"it has {pages} pages"
        )
    return found


def _step(
    first: tuple[int, int, int], step: int, order: str, extents: dict[str, int]
) -> tuple[int, int, int] | None:
    """Return the plane that is `step` after the first, or None after the last of all."""
    at = dict(zip("TCZ", first, strict=True))
    for axis in order[2:]:
        step, at[axis] = divmod(at[axis] + step, extents[axis])
    return None if step else (at["T"], at["C"], at["Z"])


def _tiff_data(
    pixels: Element, sizes: tuple[int, int, int], pages: int, uuid: str | None
) -> Iterator[tuple[tuple[int, int, int], int, int]]:
    """Yield the first plane (T, C, Z), the first page and the number of pages of each element."""
    elements = [one for one in pixels if local_name(one) == "TiffData"]
    _check_one_file(elements, uuid)
    planes = min(int(np.prod(sizes)), pages)
    if not elements:
        yield (0, 0, 0), 0, planes
    for one in elements:
        first = (_number(one, "FirstT", 0), _number(one, "FirstC", 0), _number(one, "FirstZ", 0))
        start = _number(one, "IFD", 0)
        count = _number(one, "PlaneCount", planes if one.get("IFD") is None else 1)
        if count > pages or any(at >= size for at, size in zip(first, sizes, strict=True)):
            raise Malformed(f"its OME-XML gives {count} pages from plane T, C, Z = {first} on")
        yield first, start, count


def _check_one_file(elements: list[Element], uuid: str | None) -> None:
    """Refuse an image whose planes are in several files."""
    ids = [one for element in elements if (one := _child(element, "UUID")) is not None]
    names = {one.get("FileName") for one in ids}
    others = {(one.text or "").strip() for one in ids} - {uuid}
    if len(names) > 1 or (uuid is not None and others):
        listed = ", ".join(sorted(str(name) for name in names)[:3])
        raise Malformed(f"its planes are in several files ({listed} …), which is not supported")


def _length(pixels: Element, axis: str) -> float | None:
    return micrometres(pixels.get(f"PhysicalSize{axis}"), pixels.get(f"PhysicalSize{axis}Unit"))


def _number(element: Element, name: str, default: int | None = None) -> int:
    text = element.get(name)
    if text is None and default is not None:
        return default
    if text is None or not re.fullmatch(r"[0-9]{1,15}", text.strip()):
        raise Malformed(f"its OME-XML has {name} {text!r}; expected a whole number")
    return int(text)


def _child(element: Element, name: str) -> Element | None:
    return next((one for one in element if local_name(one) == name), None)
