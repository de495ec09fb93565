"""PNG and JPEG: decoded as others do; cut off ones are refused."""

from __future__ import annotations

from pathlib import Path

import imagecodecs
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cellfolio.errors import FormatError
from cellfolio.formats.images import open_image


@pytest.mark.parametrize(
    ("shape", "dtype", "channels"),
    [
        ((20, 31), "u1", ()),
        ((20, 31), "u2", ()),
        ((20, 31, 3), "u1", ("R", "G", "B")),
        ((20, 31, 4), "u1", ("R", "G", "B", "A")),
    ],
)
def test_png(tmp_path: Path, shape: tuple[int, ...], dtype: str, channels: tuple[str]) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, shape).astype(dtype)
    path = tmp_path / "a.png"
    path.write_bytes(imagecodecs.png_encode(pixels))
    image = open_image(path)
    assert image.channels == channels
    expected = np.moveaxis(pixels, 2, 0) if pixels.ndim == 3 else pixels
    np.testing.assert_array_equal(image.read(), expected)


@pytest.mark.parametrize("shape", [(20, 31), (20, 31, 3)])
def test_jpeg(tmp_path: Path, shape: tuple[int, ...]) -> None:
    pixels = np.broadcast_to(np.arange(20).reshape(20, *[1] * (len(shape) - 1)) * 12, shape)
    path = tmp_path / "a.jpg"
    path.write_bytes(imagecodecs.jpeg8_encode(pixels.astype(np.uint8), level=95))
    image = open_image(path)
    expected = np.moveaxis(pixels, 2, 0) if pixels.ndim == 3 else pixels
    assert image.shape == expected.shape
    assert np.abs(image.read().astype(int) - expected).max() < 12


@settings(max_examples=100, suppress_health_check=list(HealthCheck))
@given(part=st.floats(0, 0.999), codec=st.sampled_from(("png", "jpeg8")))
def test_cut_off_files_are_refused(tmp_path: Path, part: float, codec: str) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (40, 50)).astype(np.uint8)
    data = getattr(imagecodecs, f"{codec}_encode")(pixels)
    path = tmp_path / f"a.{codec}"
    path.write_bytes(data[: int(part * len(data))])
    with pytest.raises(FormatError):
        open_image(path)


def test_sizes_that_lie(tmp_path: Path) -> None:
    data = bytearray(imagecodecs.png_encode(np.zeros((4, 5), np.uint8)))
    data[16:24] = (2**20).to_bytes(4, "big") * 2
    path = tmp_path / "a.png"
    path.write_bytes(data)
    with pytest.raises(FormatError, match="cannot stand for 1048576 × 1048576 pixels"):
        open_image(path)
