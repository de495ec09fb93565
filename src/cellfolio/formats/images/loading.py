"""Images among the formats: what `cellfolio.formats.loading.load` calls."""

from __future__ import annotations

from dataclasses import replace

from cellfolio.errors import BrokenFile, FormatError
from cellfolio.formats.format import Source
from cellfolio.formats.images.image import Image
from cellfolio.formats.images.opening import open_image


def read_image(source: Source, *, series: int = 0) -> Image:
    """Open an image file; no pixels are read, except of PNG and JPEG.

    Parameters
    ----------
    source : Source
    series : int
        Which image of an OME-TIFF with several.

    Raises
    ------
    BrokenFile
        If it is cut off, damaged or contradicts itself.
    """
    try:
        image = open_image(source.path, home=source.home, series=series)
    except FormatError as error:
        empty = not source.path.stat().st_size
        reason = "it is empty" if empty else error.reason
        raise BrokenFile(source.name, error.format or "image", reason) from None
    return replace(image, name=source.name.rpartition("/")[2])
