"""Illumination of plates, against scikit-image; without compiling."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from skimage.filters.rank import median
from skimage.transform import resize

from cellfolio.errors import InvalidArgument
from cellfolio.measurement import (
    IlluminationSettings,
    ImageSum,
    correct_illumination,
    find_illumination,
)

Array = npt.NDArray[Any]


def plate(count: int = 5, shape: tuple[int, int] = (48, 64)) -> list[Array]:
    """Images of flat samples under a lamp that is bright in the middle."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[: shape[0], : shape[1]]
    light = 1.6 - ((y - shape[0] / 2) ** 2 + (x - shape[1] / 2) ** 2) / (shape[1] / 1.6) ** 2
    return [(light * rng.normal(6000, 300, shape)).astype(np.uint16) for _ in range(count)]


def sum_of(images: list[Array]) -> ImageSum:
    found = ImageSum()
    for image in images:
        found = found.add(image)
    return found


@pytest.mark.filterwarnings("ignore:Bad rank filter performance:UserWarning")
def test_median_of_the_smaller_mean_is_that_of_scikit_image() -> None:
    images = plate()
    mean = np.mean([image / 65535 for image in images], axis=0).astype(np.float32)
    small = resize(mean, (12, 16), order=1, mode="symmetric", anti_aliasing=True)
    y, x = np.mgrid[-2:3, -2:3]
    smoothed = median((small * 65535).astype(np.uint16), (x**2 + y**2 <= 4).astype(np.uint8))
    least = np.sort(smoothed.ravel())[int(smoothed.size * 0.02)]
    expected = resize(np.maximum(smoothed, least) / least, mean.shape, order=1, mode="symmetric")
    found = find_illumination(sum_of(images), IlluminationSettings(filter_size=4.7))
    assert np.allclose(found, expected, rtol=1e-3)
    assert found.min() == 1


def test_the_light_is_found_and_taken_away() -> None:
    images = plate()
    settings = IlluminationSettings("Gaussian Filter", 6.0, 1.0)
    function = find_illumination(sum_of(images), settings)
    before, after = (
        one.std() / one.mean() for one in (images[0], correct_illumination(images[0], function))
    )
    assert before > 2 * after
    unchanged = find_illumination(
        sum_of(images), IlluminationSettings("No smoothing", 0, 1.0, rescale=False)
    )
    assert np.allclose(unchanged, np.mean([image / 65535 for image in images], axis=0))


def test_order_and_parts_of_a_plate_do_not_matter() -> None:
    images = plate()
    one = sum_of(images)
    other = sum_of(images[3:]).merge(ImageSum()).merge(sum_of(images[:3][::-1]))
    assert one.count == other.count == 5
    assert one.mean.tobytes() == other.mean.tobytes()


def test_a_dark_plate_has_an_even_light() -> None:
    dark = sum_of([np.zeros((20, 20), dtype=np.uint16)])
    assert not find_illumination(dark).any()
    with pytest.raises(InvalidArgument, match="positive everywhere"):
        correct_illumination(np.zeros((20, 20)), find_illumination(dark))


def test_what_does_not_fit_is_told() -> None:
    with pytest.raises(InvalidArgument, match="no images"):
        find_illumination(ImageSum())
    with pytest.raises(InvalidArgument, match="one shape"):
        sum_of(plate(1)).add(np.zeros((3, 3), dtype=np.uint16))
    with pytest.raises(InvalidArgument, match="should have its shape"):
        correct_illumination(np.zeros((3, 3)), np.ones((3, 4)))
    with pytest.raises(InvalidArgument, match="smoothing_method"):
        IlluminationSettings("Median")
    with pytest.raises(InvalidArgument, match="resizing_factor"):
        IlluminationSettings(resizing_factor=4)


def test_brighter_than_white_is_white() -> None:
    found = correct_illumination(np.array([[0.9, 0.9]]), [[0.5, 3.0]])
    assert found.tolist() == [[1.0, pytest.approx(0.3)]]
