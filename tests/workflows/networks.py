"""Small networks in ONNX, and small plates to show to them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tifffile
from onnx import TensorProto, helper, numpy_helper

Array = npt.NDArray[Any]
WELLS = ((1, 1), (2, 3))
SHAPE = (48, 64)
CHANNELS = {"DNA": 5, "ER": 4, "HighZBF": 6}


def convolution(
    batch: int | str = "n", colours: int = 3, *, side: int | str = "side", elsewhere: str = ""
) -> bytes:
    """Three filters of 3 × 3 pixels, and the mean of each map; weights may be in another file."""
    weights = filters(colours)
    tensor = numpy_helper.from_array(weights, "weights")
    if elsewhere:
        tensor.ClearField("raw_data")
        tensor.data_location = TensorProto.EXTERNAL
        told = {"location": elsewhere, "offset": "0", "length": str(weights.nbytes)}
        for key, value in told.items():
            entry = tensor.external_data.add()
            entry.key, entry.value = key, value
    shape = [batch, colours, side, side]
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["image", "weights"], ["maps"]),
            helper.make_node("GlobalAveragePool", ["maps"], ["means"]),
            helper.make_node("Flatten", ["means"], ["features"]),
        ],
        "means",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, [batch, 3])],
        [tensor],
    )
    opset = [helper.make_opsetid("", 17)]
    made = helper.make_model(graph, opset_imports=opset, ir_version=8)
    return bytes(made.SerializeToString())


def filters(colours: int = 3) -> npt.NDArray[np.float32]:
    """The weights of `convolution`."""
    rng = np.random.default_rng(0)
    return rng.normal(size=(3, colours, 3, 3)).astype(np.float32)


def convolved(pictures: Array) -> Array:
    """What `convolution` gives for pictures of shape (pictures, colours, rows, columns)."""
    windows = np.lib.stride_tricks.sliding_window_view(pictures, (3, 3), axis=(2, 3))
    maps = np.einsum("pcyxab,fcab->pfyx", windows, filters(pictures.shape[1]).astype(float))
    return np.asarray(maps.mean(axis=(2, 3)))


def site_images(seed: int) -> tuple[dict[str, Array], Array, Array]:
    """Channels, nuclei and cells of a site: four cells, one of them at the border."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    nuclei, cells = np.zeros(SHAPE, np.uint16), np.zeros(SHAPE, np.uint16)
    for number, (row, column) in enumerate(((10, 12), (30, 20), (20, 45), (44, 58)), 1):
        away = np.hypot(y - row, x - column)
        cells[away < 8], nuclei[away < 4] = number, number
    images = {
        name: (rng.integers(90, 200, SHAPE) + 900 * (nuclei > 0) + 300 * (cells > 0)).astype("u2")
        for name in CHANNELS
    }
    return images, nuclei, cells


def write_plate(folder: Path, plate: str = "P1") -> Path:
    """Write images as the Opera Phenix names them, and labels, of two wells."""
    for seed, (row, column) in enumerate(WELLS):
        images, nuclei, cells = site_images(seed)
        name = f"r{row:02}c{column:02}f01p01"
        place = folder / "images" / f"{plate}__2020-11-05T19_51_35-Measurement1" / "Images"
        place.mkdir(parents=True, exist_ok=True)
        for channel, image in images.items():
            path = place / f"{name}-ch{CHANNELS[channel]}sk1fk1fl1.tiff"
            tifffile.imwrite(path, image)
        there = folder / "labels"
        there.mkdir(exist_ok=True)
        tifffile.imwrite(there / f"{name}_nuclei.tiff", nuclei)
        tifffile.imwrite(there / f"{name}_cells.tiff", cells)
    return folder
