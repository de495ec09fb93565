"""Images as arrays of dask and xarray, where those are installed."""

from __future__ import annotations

import uuid
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from cellfolio.errors import LibraryMissing
from cellfolio.extras import importing

if TYPE_CHECKING:
    import dask.array
    import xarray

    from cellfolio.formats.images.image import Image


def dask_array(image: Image) -> dask.array.Array:
    """Return an image as a dask array; see `Image.to_dask`."""
    array = _import("dask.array")
    chunks = tuple(1 if axis in "TCZ" else size for axis, size in _sizes(image))
    # Hashing the pixels for a name would read them all.
    return array.from_array(image, chunks=chunks, name=f"image-{uuid.uuid4().hex}")  # type: ignore[no-any-return]


def data_array(image: Image) -> xarray.DataArray:
    """Return an image as an xarray; see `Image.to_xarray`."""
    xarray = _import("xarray")
    try:
        data: Any = dask_array(image)
    except LibraryMissing:
        data = image.read()
    coords: dict[str, Any] = {}
    if "C" in image.axes and image.channels:
        coords["C"] = list(image.channels)
    lengths = {"X": image.pixel_size.x, "Y": image.pixel_size.y, "Z": image.pixel_size.z}
    for axis, size in _sizes(image):
        step = lengths.get(axis)
        if step is not None:
            coords[axis] = (axis, np.arange(size) * step, {"units": "µm"})
    return xarray.DataArray(data, dims=tuple(image.axes), coords=coords, name=image.name or None)  # type: ignore[no-any-return]


def _sizes(image: Image) -> list[tuple[str, int]]:
    return list(zip(image.axes, image.shape, strict=True))


def _import(name: str) -> Any:
    with importing(name.partition(".")[0], extra="lazy", what="this"):
        return import_module(name)
