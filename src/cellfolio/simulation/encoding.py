"""Simulated images as TIFF bytes that depend on nothing but their content."""

from __future__ import annotations

import hashlib
import io
from typing import Any
from uuid import UUID

import numpy as np
import tifffile
from numpy.typing import NDArray

from cellfolio.simulation.design import PIXEL_SIZE_UM
from cellfolio.simulation.staining import CHANNELS

FLUORS = (
    "Hoechst 33342",
    "SYTO 14",
    "Concanavalin A/Alexa Fluor 488",
    "Phalloidin/Alexa Fluor 568 + WGA/Alexa Fluor 555",
    "MitoTracker Deep Red",
)
"""Stains, in the order of `CHANNELS`."""

WAVELENGTHS = ((375, 456), (488, 593), (488, 522), (561, 599), (640, 706))
"""Excitation and emission, nanometre, in the order of `CHANNELS`."""

COLORS = (0x0000FFFF, 0xFFFF00FF, 0x00FF00FF, 0xFF8000FF, 0xFF0000FF)
"""Display colours, red, green, blue and alpha, in the order of `CHANNELS`."""

CREATOR = "cellfolio.simulation"


def ome_tiff(images: NDArray[np.uint16], name: str) -> bytes:
    """Encode the image of a site as OME-TIFF.

    Parameters
    ----------
    images : array of shape (C, Y, X), uint16
        Channels in the order of `CHANNELS`.
    name : str
        Name of the image in its metadata.

    Returns
    -------
    bytes
        Uncompressed, so that one channel can be read, or mapped, without the others. The
        UUID that OME wants is made from the pixels: equal images give equal bytes.
    """
    metadata: dict[str, Any] = {
        "axes": "CYX",
        "Name": name,
        "Creator": CREATOR,
        "UUID": _uuid(images),
        "PhysicalSizeX": PIXEL_SIZE_UM,
        "PhysicalSizeXUnit": "µm",
        "PhysicalSizeY": PIXEL_SIZE_UM,
        "PhysicalSizeYUnit": "µm",
        "Channel": {
            "Name": list(CHANNELS),
            "Fluor": list(FLUORS),
            "ExcitationWavelength": [pair[0] for pair in WAVELENGTHS],
            "ExcitationWavelengthUnit": ["nm"] * len(CHANNELS),
            "EmissionWavelength": [pair[1] for pair in WAVELENGTHS],
            "EmissionWavelengthUnit": ["nm"] * len(CHANNELS),
            # OME stores the colour as a signed 32-bit number.
            "Color": [color - 2**32 if color >= 2**31 else color for color in COLORS],
        },
    }
    return _encode(images, metadata, ome=True, rowsperstrip=images.shape[1])


def label_tiff(labels: NDArray[np.uint16]) -> bytes:
    """Encode a label image as TIFF.

    Parameters
    ----------
    labels : array of shape (Y, X), uint16
        0 is background.

    Returns
    -------
    bytes
        Compressed with deflate.
    """
    return _encode(labels, None, compression="zlib", rowsperstrip=labels.shape[0])


def _encode(pixels: NDArray[np.uint16], metadata: dict[str, Any] | None, **options: Any) -> bytes:
    out = io.BytesIO()
    tifffile.imwrite(
        out,
        pixels,
        byteorder="<",
        photometric="minisblack",
        resolution=(1e4 / PIXEL_SIZE_UM, 1e4 / PIXEL_SIZE_UM),
        resolutionunit="CENTIMETER",
        software=CREATOR,
        metadata=metadata,
        **options,
    )
    return out.getvalue()


def _uuid(images: NDArray[np.uint16]) -> str:
    digest = hashlib.sha256(np.ascontiguousarray(images).data).digest()
    return str(UUID(bytes=digest[:16], version=5))
