"""Images to files: OME-TIFF and OME-Zarr, each seen whole or not at all."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from cellfolio.errors import InvalidArgument
from cellfolio.formats.images.building import order_axes
from cellfolio.formats.images.channels import check_names
from cellfolio.formats.images.ome import DTYPES
from cellfolio.formats.images.pixel_size import PixelSize
from cellfolio.storage.disk import writing

_SOFTWARE = "cellfolio"
_COLOURS = ("0000FF", "00FF00", "FF0000", "00FFFF", "FF00FF", "FFFF00")
"""Of channels in other viewers, by their number."""
_CHUNK = 1024
"""Pixels along a side of a chunk of OME-Zarr, at most."""


def write_ome_tiff(
    path: Path,
    array: NDArray[Any],
    axes: str,
    *,
    channels: Sequence[str] = (),
    pixel_size: PixelSize | None = None,
    compression: Literal["zlib", "lzw", "zstd"] | None = "zlib",
) -> None:
    """Write an image as OME-TIFF.

    The same array and names give the same bytes. Axes of length one are not there when it is
    read again.

    Parameters
    ----------
    path : Path
        Replaced if it exists.
    array : array
        8, 16 or 32 bits, or floating point.
    axes : str
        What its axes are: some of T, C and Z in any order, then YX.
    channels : sequence of str
        A name for each channel.
    pixel_size : PixelSize, optional
    compression : {'zlib', 'lzw', 'zstd'} or None
        The last two are smaller or quicker, but not every program reads Zstandard.

    Raises
    ------
    InvalidArgument
        If axes, channels and array do not fit, or OME has no such type of pixels.

    Examples
    --------
    See `cellfolio.formats.images.opening.open_image`.
    """
    import tifffile

    if compression not in (None, "zlib", "lzw", "zstd"):
        raise InvalidArgument(f"compression {compression!r}: expected 'zlib', 'lzw', 'zstd', None")
    ordered, lead = _check(array, axes, channels)
    metadata = _metadata(ordered, lead, tuple(channels), pixel_size or PixelSize())
    with writing(path) as unfinished:
        tifffile.imwrite(
            unfinished,
            ordered,
            ome=True,
            metadata=metadata,
            photometric="minisblack",
            compression=compression,
            predictor=compression is not None and ordered.dtype.kind in "iu",
            software=_SOFTWARE,
        )


def _check(array: NDArray[Any], axes: str, channels: Sequence[str]) -> tuple[NDArray[Any], str]:
    ordered, lead = order_axes(array, axes)
    kinds = [np.dtype(name) for name in DTYPES.values()]
    if array.dtype.newbyteorder("=") not in kinds or not array.size:
        known = ", ".join(map(str, kinds))
        raise InvalidArgument(
            f"an array of shape {array.shape} and type {array.dtype} cannot be written; "
            f"expected some pixels of {known}"
        )
    if channels:
        check_names(channels, ordered.shape[lead.index("C")] if "C" in lead else 1)
    return np.ascontiguousarray(ordered), lead


def _metadata(
    ordered: NDArray[Any], lead: str, channels: tuple[str, ...], size: PixelSize
) -> dict[str, Any]:
    content = hashlib.sha256(repr((ordered.shape, lead, channels, size)).encode())
    content.update(ordered.reshape(-1).view(np.uint8).data)
    metadata: dict[str, Any] = {
        "axes": lead + "YX",
        "Creator": _SOFTWARE,
        "UUID": str(UUID(bytes=content.digest()[:16], version=5)),
    }
    for axis in "xyz":
        length = getattr(size, axis)
        if length is not None:
            metadata[f"PhysicalSize{axis.upper()}"] = length
            metadata[f"PhysicalSize{axis.upper()}Unit"] = "µm"
    if channels:
        metadata["Channel"] = {"Name": list(channels)}
    return metadata


def write_ome_zarr(
    path: Path,
    array: NDArray[Any],
    axes: str,
    *,
    channels: Sequence[str] = (),
    pixel_size: PixelSize | None = None,
    version: Literal["0.4", "0.5"] = "0.5",
) -> None:
    """Write an image as OME-Zarr of one resolution, one chunk for each plane of 1024 × 1024.

    Parameters
    ----------
    path : Path
        A folder that does not exist.
    array : array
    axes : str
        What its axes are: some of T, C and Z in any order, then YX.
    channels : sequence of str
    pixel_size : PixelSize, optional
    version : {'0.4', '0.5'}
        Of the format: 0.4 is Zarr 2, and 0.5 is Zarr 3.

    Raises
    ------
    InvalidArgument
        If axes, channels and array do not fit, or something is at `path`.
    """
    import zarr

    ordered, lead = _check(array, axes, channels)
    if path.exists():
        raise InvalidArgument(f"{path} exists", hint="remove it, or write to another folder")
    form: Literal[2, 3] = 2 if version == "0.4" else 3
    told = _multiscales(ordered, lead, pixel_size or PixelSize(), version)
    if channels:
        told["omero"] = {"channels": _shown_channels(ordered, lead, channels)}
    with writing(path) as unfinished:
        group = zarr.create_group(
            unfinished, zarr_format=form, attributes=told if form == 2 else {"ome": told}
        )
        chunks = (1,) * len(lead) + tuple(min(_CHUNK, side) for side in ordered.shape[-2:])
        encoding = {"name": "v2", "separator": "/"} if form == 2 else None
        level = group.create_array(
            "0",
            shape=ordered.shape,
            dtype=ordered.dtype,
            chunks=chunks,
            chunk_key_encoding=encoding,  # type: ignore[arg-type]
            dimension_names=None if form == 2 else [axis.lower() for axis in lead + "YX"],
        )
        level[...] = ordered


def _shown_channels(
    ordered: NDArray[Any], lead: str, channels: Sequence[str]
) -> list[dict[str, Any]]:
    """Return what the format demands of a channel with a name: a colour and a window, too."""
    whole = np.iinfo(ordered.dtype) if ordered.dtype.kind in "iu" else None
    found = []
    for number, name in enumerate(channels):
        pixels = ordered.take(number, axis=lead.index("C")) if "C" in lead else ordered
        start, end = _range(pixels)
        found.append(
            {
                "label": name,
                "active": True,
                "color": "FFFFFF" if len(channels) == 1 else _COLOURS[number % len(_COLOURS)],
                "window": {
                    "min": start if whole is None else float(whole.min),
                    "max": end if whole is None else float(whole.max),
                    "start": start,
                    "end": end,
                },
            }
        )
    return found


def _range(pixels: NDArray[Any]) -> tuple[float, float]:
    """Return the least and the greatest pixel; JSON has no words for what is not finite."""
    finite = pixels[np.isfinite(pixels)] if pixels.dtype.kind == "f" else pixels
    return (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)


def _multiscales(ordered: NDArray[Any], lead: str, size: PixelSize, version: str) -> dict[str, Any]:
    kinds = {"T": "time", "C": "channel"}
    lengths = {"X": size.x, "Y": size.y, "Z": size.z}
    axes = []
    for axis in lead + "YX":
        one = {"name": axis.lower(), "type": kinds.get(axis, "space")}
        if lengths.get(axis) is not None:
            one["unit"] = "micrometer"
        axes.append(one)
    scale = [lengths.get(axis) or 1.0 for axis in lead + "YX"]
    scales = {
        "axes": axes,
        "datasets": [
            {"path": "0", "coordinateTransformations": [{"type": "scale", "scale": scale}]}
        ],
    }
    if version == "0.4":
        return {"multiscales": [{"version": version, **scales}]}
    return {"version": version, "multiscales": [scales]}
