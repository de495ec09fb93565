"""Images for tests of viewers, with pixels that tell where they are."""

from __future__ import annotations

import base64
from pathlib import Path

import imagecodecs
import numpy as np
import tifffile
from numpy.typing import NDArray

from cellfolio.formats.images.pixel_size import PixelSize
from cellfolio.formats.images.writing import write_ome_tiff
from cellfolio.registries.plates import ImageName

HEIGHT, WIDTH = 60, 80
CHANNELS = ("DNA", "ER")


def ramp(
    channel: int, z: int = 0, *, height: int = HEIGHT, width: int = WIDTH
) -> NDArray[np.uint16]:
    """Return a plane no two pixels of which are alike, and no other plane is."""
    rows, columns = np.mgrid[:height, :width]
    found: NDArray[np.uint16] = (
        100 + 10_000 * channel + 1_000 * z + rows * width + columns
    ).astype(np.uint16)
    return found


def write_stack(path: Path, depths: int = 3) -> NDArray[np.uint16]:
    """Write an OME-TIFF of two channels and some depths, with a pixel size."""
    pixels = np.stack([[ramp(c, z) for z in range(depths)] for c in range(len(CHANNELS))])
    write_ome_tiff(path, pixels, "CZYX", channels=CHANNELS, pixel_size=PixelSize(0.5, 0.5, 2.0))
    return pixels


def write_site(folder: Path, row: int, column: int, site: int = 1, channels: int = 5) -> None:
    """Write the images of a site, one file for each channel."""
    folder.mkdir(parents=True, exist_ok=True)
    for channel in range(1, channels + 1):
        name = str(ImageName(row, column, site, 1, channel))
        tifffile.imwrite(folder / name, ramp(channel, row), compression="zlib")


def square_labels() -> NDArray[np.uint16]:
    """Return two objects: 1 at the upper left, and 300 that the right edge cuts."""
    labels = np.zeros((HEIGHT, WIDTH), np.uint16)
    labels[10:30, 10:40] = 1
    labels[35:50, 60:] = 300
    return labels


def pixels_of(address: str) -> NDArray[np.int64]:
    """Return the pixels of a canvas, told as a PNG in an address: a row of RGBA for each."""
    pixels = imagecodecs.png_decode(base64.b64decode(address.partition(",")[2])).astype(np.int64)
    if pixels.shape[2] == 3:  # nothing shines through
        pixels = np.dstack([pixels, np.full(pixels.shape[:2], 255)])
    return pixels.reshape(-1, 4)
