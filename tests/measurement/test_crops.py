"""Crops of cells, against `numpy.pad`; and what networks are shown of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from cellfolio.errors import InvalidArgument
from cellfolio.measurement import CropSettings, Presentation, crop_cells, embed_cells
from cellfolio.measurement.networks import IMAGENET_DEVIATION, IMAGENET_MEAN

Array = npt.NDArray[Any]
labelled = st.tuples(st.integers(2, 9), st.integers(2, 9)).flatmap(
    lambda shape: arrays(np.int64, shape, elements=st.sampled_from([0, 0, 2, 3, 7]))
)


def numbered(shape: tuple[int, ...]) -> dict[str, Array]:
    """Two channels in which every pixel has a value of its own."""
    values = np.arange(np.prod(shape), dtype=np.uint8).reshape(shape)
    return {"DNA": values, "ER": 255 - values}


def middle(labels: Array, number: int) -> tuple[int, ...]:
    return tuple(int(np.floor(one.mean() + 0.5)) for one in np.nonzero(labels == number))


def padded_crop(image: Array, center: tuple[int, ...], size: int, mode: Any) -> Array:
    """The crop out of an image that is padded by more than any crop can reach."""
    wide = np.pad(image.astype(np.float64) / 255, 2 * size, mode=mode)
    row, column = (one + 2 * size - size // 2 for one in center)
    return wide[row : row + size, column : column + size]


@given(labelled, st.integers(1, 8), st.sampled_from(["zero", "reflect"]))
@settings(max_examples=40)
def test_crops_are_those_of_a_padded_image(labels: Array, size: int, edge: Any) -> None:
    images = numbered(labels.shape)
    found = crop_cells(labels, images, CropSettings(size, edge, scaling="type"))
    assert found.numbers.tolist() == sorted(set(labels.flat) - {0})
    pixels = found.read()
    assert pixels.dtype == np.float32
    assert pixels.shape == (len(found), 2, size, size)
    mode = "constant" if edge == "zero" else "reflect"
    for at, number in enumerate(found.numbers):
        for channel, image in enumerate(images.values()):
            expected = padded_crop(image, middle(labels, int(number)), size, mode)
            np.testing.assert_allclose(pixels[at, channel], expected, atol=1e-6)


@given(labelled, st.integers(1, 8))
@settings(max_examples=30)
def test_cells_whose_crop_leaves_the_image_are_dropped_or_moved(labels: Array, size: int) -> None:
    images = numbered(labels.shape)
    every = crop_cells(labels, images, CropSettings(size, scaling="type"))
    inside = ((every.corners >= 0) & (every.corners + size <= labels.shape)).all(axis=1)
    dropped = crop_cells(labels, images, CropSettings(size, "drop", scaling="type"))
    assert dropped.numbers.tolist() == every.numbers[inside].tolist()
    np.testing.assert_array_equal(dropped.read(), every.read()[inside])
    if size > min(labels.shape):
        if len(every):
            with pytest.raises(InvalidArgument, match="cannot be moved into an image of"):
                crop_cells(labels, images, CropSettings(size, "shift"))
        return
    shifted = crop_cells(labels, images, CropSettings(size, "shift", scaling="type"))
    assert shifted.numbers.tolist() == every.numbers.tolist()
    np.testing.assert_array_equal(shifted.corners[inside], every.corners[inside])
    for (row, column), pixels in zip(shifted.corners, shifted.read(), strict=True):
        whole = images["DNA"][row : row + size, column : column + size]
        np.testing.assert_allclose(pixels[0], whole / 255, atol=1e-6)


@given(labelled, st.integers(1, 8), st.sampled_from(["zero", "reflect"]))
@settings(max_examples=30)
def test_masked_crops_have_the_cells_own_pixels_only(labels: Array, size: int, edge: Any) -> None:
    images = {"DNA": numbered(labels.shape)["DNA"] // 2 + 100}
    found = crop_cells(labels, images, CropSettings(size, edge, masked=True, scaling="type"))
    for number, pixels in zip(found.numbers, found.read(), strict=True):
        own = np.where(labels == number, images["DNA"], 0)
        expected = padded_crop(own, middle(labels, int(number)), size, "constant")
        np.testing.assert_allclose(pixels[0], expected, atol=1e-6)


def test_crops_are_around_nuclei_and_masked_by_their_cells() -> None:
    cells = np.zeros((9, 9), dtype=int)
    nuclei = np.zeros((9, 9), dtype=int)
    cells[0:4, 0:6], nuclei[1:2, 4:5] = 4, 4
    cells[5:9, :], nuclei[6:9, 0:3] = 2, 2
    image = np.full((9, 9), 255, dtype=np.uint8)
    cut = CropSettings(3, masked=True, scaling="type")
    found = crop_cells(cells, {"DNA": image}, cut, around=nuclei)
    assert found.numbers.tolist() == [2, 4]
    assert found.centers.tolist() == [[7.0, 1.0], [1.0, 4.0]]
    assert found.read()[1, 0].tolist() == [[1, 1, 1]] * 3
    assert crop_cells(cells, {"DNA": image}, cut).centers.tolist() == [[6.5, 4.0], [1.5, 2.5]]


def test_some_crops_are_those_of_all() -> None:
    labels = np.arange(1, 37).reshape(6, 6)
    found = crop_cells(labels, numbered((6, 6)), CropSettings(4, "reflect"))
    np.testing.assert_array_equal(found.read(5, 9), found.read()[5:9])
    assert found.read(40, 50).shape == (0, 2, 4, 4)


def test_percentiles_make_any_brightness_alike() -> None:
    rng = np.random.default_rng(1)
    image = rng.integers(0, 4000, (40, 50)).astype(np.uint16)
    labels = np.zeros((40, 50), dtype=int)
    labels[10:20, 10:20] = 1
    cut = CropSettings(16, percentiles=(1, 99))
    one = crop_cells(labels, {"a": image, "b": image * 7 + 90}, cut).read()
    np.testing.assert_allclose(one[:, 0], one[:, 1], atol=1e-6)
    low, high = np.percentile(image, (1, 99))
    expected = np.clip((image[7:23, 7:23].astype(float) - low) / (high - low), 0, 1)
    np.testing.assert_allclose(one[0, 0], expected, atol=1e-6)
    flat = crop_cells(labels, {"a": np.full((40, 50), 7, np.uint16)}, cut).read()
    assert flat.max() == 0


def test_what_cannot_be_cropped_is_told() -> None:
    labels = np.ones((4, 4), dtype=int)
    image = np.ones((4, 4))
    for images, what in (
        ({}, "at least one channel"),
        ({"DNA": np.full((4, 4), np.nan)}, "channel DNA has missing or infinite values"),
        ({"DNA": np.ones((4, 5))}, r"channels should have the shape of the objects"),
        ({"DNA": np.ones((2, 4, 4))}, "channel DNA should be one plane"),
        ({"DNA": image.astype(str)}, "channel DNA should be one plane of numbers"),
    ):
        with pytest.raises(InvalidArgument, match=what):
            crop_cells(labels, images)
    with pytest.raises(InvalidArgument, match="labels should have the shape"):
        crop_cells(np.ones((3, 4), int), {"DNA": image}, around=labels)
    with pytest.raises(InvalidArgument, match="values from 0 to 1, found 3 to 3"):
        crop_cells(labels, {"DNA": image * 3}, CropSettings(scaling="type"))
    for bad in ({"size": 0}, {"scaling": "log"}, {"percentiles": (9.0, 1.0)}):
        with pytest.raises(InvalidArgument):
            CropSettings(**bad)


# Networks


class Means:
    """Means of each colour, and how many pictures there were at once."""

    name = "means"

    def __init__(self) -> None:
        self.shown: list[tuple[int, ...]] = []

    def embed(self, batch: Array) -> Array:
        self.shown.append(batch.shape)
        assert batch.dtype == np.float32
        return np.asarray(batch.mean(axis=(2, 3)))


@pytest.mark.parametrize("batch", [1, 3, 8])
def test_each_channel_is_shown_as_grey_in_order(batch: int) -> None:
    labels = np.arange(1, 8).reshape(7, 1).repeat(5, axis=1)
    crops = crop_cells(labels, numbered((7, 5)), CropSettings(5, scaling="type"))
    network = Means()
    found = embed_cells(crops, network, Presentation(batch=batch))
    assert found.shape == (7, 2 * 3)
    grey = crops.read().mean(axis=(2, 3))
    expected = (grey[:, :, None] - IMAGENET_MEAN) / np.array(IMAGENET_DEVIATION)
    np.testing.assert_allclose(found, expected.reshape(7, 6), atol=1e-5)
    assert set(network.shown) == {(batch * 2, 3, 5, 5)}
    together = embed_cells(crops, Means(), Presentation("together", batch))
    np.testing.assert_allclose(together, grey, atol=1e-6)


def test_without_cells_features_are_counted_all_the_same() -> None:
    crops = crop_cells(np.zeros((4, 4), int), numbered((4, 4)), CropSettings(2))
    assert embed_cells(crops, Means()).shape == (0, 6)


def test_maps_become_their_means() -> None:
    class Maps:
        name = "maps"

        def embed(self, batch: Array) -> Array:
            return batch

    crops = crop_cells(np.diag([1, 2, 3]), numbered((3, 3)), CropSettings(3, scaling="type"))
    one, other = (embed_cells(crops, network) for network in (Maps(), Means()))
    np.testing.assert_allclose(one, other, atol=1e-6)


@pytest.mark.parametrize(
    ("given", "what"),
    [
        (lambda batch: np.zeros((len(batch), 3, 3)), r"found float64 of shape \(16, 3, 3\)"),
        (lambda batch: np.zeros((3, 3)), "should give decimals of the shape"),
        (lambda batch: np.zeros((len(batch), 3), int), "found int64"),
        (lambda batch: np.full((len(batch), 3), np.nan), "no finite numbers for 3 of 3 cells"),
    ],
)
def test_what_a_network_gives_is_checked(given: Any, what: str) -> None:
    class Odd:
        name = "odd"

        def embed(self, batch: Array) -> Array:
            found: Array = given(batch)
            return found

    crops = crop_cells(np.diag([1, 2, 3]), numbered((3, 3)), CropSettings(2))
    with pytest.raises(InvalidArgument, match=what):
        embed_cells(crops, Odd())


def test_wrong_presentations_are_refused() -> None:
    with pytest.raises(InvalidArgument, match="channels should be one of"):
        Presentation("alone")  # type: ignore[arg-type]
    with pytest.raises(InvalidArgument, match="batch should be from 1"):
        Presentation(batch=0)
