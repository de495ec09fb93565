"""Lazy images: named axes, named channels, and only the planes that are asked for."""

from cellfolio.formats.images.building import image_of
from cellfolio.formats.images.image import Image
from cellfolio.formats.images.opening import open_image
from cellfolio.formats.images.pixel_size import PixelSize
from cellfolio.formats.images.site import open_site
from cellfolio.formats.images.writing import write_ome_tiff, write_ome_zarr

__all__ = [
    "Image",
    "PixelSize",
    "image_of",
    "open_image",
    "open_site",
    "write_ome_tiff",
    "write_ome_zarr",
]
