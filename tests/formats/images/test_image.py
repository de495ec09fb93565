"""The value: names, numbers and slices along axes pick what numpy picks, and nothing else."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import dask.array
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from cellfolio.errors import CellfolioError, InvalidArgument
from cellfolio.formats.images import Image, PixelSize, image_of
from cellfolio.formats.images.building import lazy_image
from cellfolio.formats.images.planes import Box

NAMES = ("DNA", "ER", "AGP", "Mito")


class Counted:
    """Planes that remember which of them were read."""

    def __init__(self, array: NDArray[Any]) -> None:
        self.array = array
        self.read_numbers: list[int] = []

    def read(self, numbers: Sequence[int], box: Box) -> NDArray[Any]:
        self.read_numbers += numbers
        found: NDArray[Any] = self.array[list(numbers), box.top : box.bottom, box.left : box.right]
        return found


def _pixels(*shape: int) -> NDArray[np.int64]:
    return np.arange(int(np.prod(shape))).reshape(shape)


@pytest.fixture
def image() -> Image:
    """Two times, four channels, three depths."""
    return image_of(
        _pixels(2, 4, 3, 6, 5), "TCZYX", channels=NAMES, pixel_size=PixelSize(0.5, 0.25, 2.0)
    )


picks = st.one_of(
    st.none(),
    st.just("number"),
    st.just("slice"),
    st.just("list"),
)


@given(data=st.data(), shape=st.tuples(*[st.integers(1, 4)] * 5))
def test_picks_are_those_of_numpy(data: st.DataObject, shape: tuple[int, ...]) -> None:
    pixels = _pixels(*shape)
    image = image_of(pixels, "TCZYX")
    expected: NDArray[Any] = pixels
    asked: dict[str, Any] = {}
    for axis, size in reversed(list(enumerate(shape))):
        one: Any
        match data.draw(picks):
            case None:
                continue
            case "number":
                one = data.draw(st.integers(-size, size - 1))
            case "slice":
                one = data.draw(st.slices(size))
            case _:
                one = data.draw(st.lists(st.integers(-size, size - 1), min_size=0, max_size=5))
        asked["tczyx"[axis]] = one
        expected = expected[(slice(None),) * axis + (one,)]
    found = image.select(**asked)
    assert found.shape == expected.shape
    np.testing.assert_array_equal(found.read(), expected)
    single = {axis for axis, one in asked.items() if isinstance(one, int)}
    assert found.axes == "".join(axis for axis in "TCZYX" if axis.lower() not in single)


@given(data=st.data())
def test_picks_of_picks(data: st.DataObject) -> None:
    pixels = _pixels(5, 7, 6)
    image = image_of(pixels, "ZYX")
    for _ in range(3):
        key = tuple(data.draw(st.slices(size)) for size in pixels.shape)
        image, pixels = image[key], pixels[key]
    np.testing.assert_array_equal(image.read(), pixels)


def test_only_planes_asked_for_are_read() -> None:
    planes = Counted(_pixels(12, 6, 5))
    image = lazy_image(planes, "CZYX", (4, 3, 6, 5), np.dtype(np.int64), channels=NAMES)
    part = image.select(c="AGP", z=slice(1, 3))
    repr(part), part._repr_html_(), part.shape, part.to_dask()
    assert planes.read_numbers == []
    np.testing.assert_array_equal(part.read(), _pixels(4, 3, 6, 5)[2, 1:3])
    assert planes.read_numbers == [7, 8]
    planes.read_numbers.clear()
    part.to_dask()[1].compute()
    assert planes.read_numbers == [8]


def test_channels_have_names(image: Image) -> None:
    pixels = image.read()
    np.testing.assert_array_equal(image.select(c="ER").read(), pixels[:, 1])
    np.testing.assert_array_equal(image["ER"].read(), pixels[:, 1])
    np.testing.assert_array_equal(image[1, "Mito", 2].read(), pixels[1, 3, 2])
    np.testing.assert_array_equal(image.plane(t=1, c="Mito", z=2), pixels[1, 3, 2])
    np.testing.assert_array_equal(image[..., 0].read(), pixels[..., 0])
    both = image.select(c=["AGP", "DNA"])
    assert both.channels == ("AGP", "DNA")
    np.testing.assert_array_equal(both.read(), pixels[:, [2, 0]])
    assert image["ER"].channels == ("ER",)
    assert image["ER"].select(c="ER", t=0).shape == (3, 6, 5)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"c": "RNA"}, "no channel is called 'RNA'"),
        ({"z": 3}, "no number 3 along Z: Z has 3"),
        ({"z": "DNA"}, "nothing along Z has a name"),
        ({"t": 1.5}, "1.5 picks nothing along T"),
        ({"y": slice("a")}, "picks nothing along Y"),
    ],
)
def test_what_is_not_there_cannot_be_picked(
    image: Image, asked: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidArgument, match=message):
        image.select(**asked)


def test_axes_that_are_not_there(image: Image) -> None:
    plane = image[0, 0, 0]
    assert plane.select(t=0, c="DNA", z=-1).shape == (6, 5)
    with pytest.raises(InvalidArgument, match="the image has no axis T"):
        plane.select(t=1)
    with pytest.raises(InvalidArgument, match="3 indices for the 2 axes YX"):
        plane[0, 0, 0]


def test_the_same_name_twice_needs_a_number() -> None:
    image = image_of(_pixels(2, 3, 3), "CYX", channels=("a", "a"))
    with pytest.raises(InvalidArgument, match="2 channels are called 'a'"):
        image["a"]
    with pytest.raises(InvalidArgument, match="expected 2 different names"):
        image.renaming(["a", "a"])
    assert image.renaming(["a", "b"])["b"].channels == ("b",)


def test_pixel_sizes_follow_what_is_picked(image: Image) -> None:
    assert image[..., :, ::2, :].pixel_size == PixelSize(0.5, 0.5, 2.0)
    assert image[..., 1:4].pixel_size == image.pixel_size
    assert image.select(z=slice(None, None, 2), x=[0, 2, 4]).pixel_size == PixelSize(1.0, 0.25, 4.0)
    assert image.select(x=[0, 1, 4]).pixel_size == PixelSize(None, 0.25, 2.0)
    assert image.select(x=[0, 2, 4]).select(x=slice(0, 2)).pixel_size.x == 1.0


INFO = {
    "channels": [
        {"dye_name": "CMDRP", "use": True},
        {"dye_name": "EGFP", "use": True},
        {"dye_name": "Hoechst 33342", "use": True},
        {"dye_name": "EGFP_2", "use": False},
    ]
}


def test_unused_channels_are_dropped(image: Image) -> None:
    used = image.drop_unused(INFO)
    assert used.channels == ("CMDRP", "EGFP", "Hoechst 33342")
    np.testing.assert_array_equal(used.read(), image.read()[:, :3])


@pytest.mark.parametrize(
    "info",
    [{}, {"channels": []}, {"channels": [1, 2, 3, 4]}, {"channels": INFO["channels"][:3]},
     {"channels": [{"dye_name": "x", "use": "yes"}] * 4}],
)  # fmt: skip
def test_info_documents_that_do_not_fit(image: Image, info: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgument, match="info document"):
        image.drop_unused(info)


def test_channel_defs(image: Image) -> None:
    assert image.with_channel_defs({"bf": 0, "nuc": 3}).channels == ("bf", "ER", "AGP", "nuc")
    for wrong in ({"bf": 4}, {"a": 1, "b": 1}):
        with pytest.raises(InvalidArgument, match="numbers of 4 channels"):
            image.with_channel_defs(wrong)


def test_arrays_of_others(image: Image) -> None:
    pixels = image.read()
    np.testing.assert_array_equal(np.asarray(image), pixels)
    assert np.asarray(image, np.float32).dtype == np.float32
    lazy = image.to_dask()
    assert isinstance(lazy, dask.array.Array)
    assert lazy.chunksize == (1, 1, 1, 6, 5)
    np.testing.assert_array_equal(lazy[1, 2].max(axis=0).compute(), pixels[1, 2].max(axis=0))
    named = image.to_xarray()
    np.testing.assert_array_equal(named.sel(C="AGP").values, pixels[:, 2])
    assert named["X"].values.tolist() == [0, 0.5, 1, 1.5, 2]
    assert named["X"].attrs["units"] == "µm"


def test_what_is_not_installed_is_named(image: Image, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "dask.array", None)
    with pytest.raises(CellfolioError, match="needs dask") as caught:
        image.to_dask()
    assert "cellfolio[lazy]" in caught.value.hint
    np.testing.assert_array_equal(image.to_xarray().values, image.read())


def test_names_are_shown_as_they_are() -> None:
    image = image_of(_pixels(1, 3, 3), "CYX", channels=("<script>",), name="a&b")
    assert "&lt;script&gt;" in image._repr_html_()
    assert "a&amp;b" in image._repr_html_()


@pytest.mark.parametrize("axes", ["XY", "CCYX", "QYX", "YX"])
def test_axes_that_do_not_fit(axes: str) -> None:
    with pytest.raises(InvalidArgument, match="axes"):
        image_of(_pixels(2, 3, 3), axes)
