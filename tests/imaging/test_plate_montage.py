"""A plate: each well where it is, missing ones blank and told."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from cellfolio.errors import InvalidArgument
from cellfolio.formats.images import Image, image_of
from cellfolio.formats.images.building import lazy_image
from cellfolio.formats.images.planes import Box
from cellfolio.imaging.contrast import Fixed
from cellfolio.imaging.options import ViewOptions
from cellfolio.imaging.plate_montage import THREADS, plate_montage
from cellfolio.registries.plates import PLATES, PlateFormat, Well


def flat(value: int, channels: tuple[str, ...] = ("DNA",)) -> Image:
    pixels = np.full((len(channels), 40, 40), value, np.uint16)
    return image_of(pixels, "CYX", channels=channels)


@pytest.mark.parametrize("plate", PLATES.values(), ids=lambda plate: str(plate.size))
def test_every_well_is_where_its_name_says(plate: PlateFormat) -> None:
    wells = {well: flat(10 * well.row + well.column, ("D",)) for well in plate.wells()}
    options = ViewOptions(size=8, contrast=Fixed(0, 400))
    picture = plate_montage(wells, options, plate=plate)
    top = picture.pixels.shape[0] - plate.rows * 10
    left = picture.pixels.shape[1] - plate.columns * 10
    for well in plate.wells():
        at = (top + 10 * (well.row - 1) + 3, left + 10 * (well.column - 1) + 3)
        assert picture.pixels[at][0] == int((10 * well.row + well.column) / 400 * 255 + 0.5)
    names = [words.text for words in picture.words]
    assert len(names) == plate.rows + plate.columns + 1
    assert {"A", "1", str(plate.columns)} <= set(names)
    assert not picture.notes


def test_missing_wells_are_blank_and_told() -> None:
    picture = plate_montage({Well(1, 1): flat(5), Well(2, 2): flat(5)}, ViewOptions(size=8))
    assert (picture.pixels[-5, -5] == 225).all()
    assert picture.notes == ("4 of 6 wells have no image: A02-A03,B01,B03",)


def test_all_wells_have_one_contrast_unless_each_is_asked_for() -> None:
    ramp = np.arange(1600, dtype=np.uint16).reshape(40, 40)
    wells = {Well(1, n): image_of(ramp * n, "YX") for n in (1, 2, 3)}
    (channel,) = plate_montage(wells).channels
    assert len(channel.limits) == 1
    assert channel.limits[0].high == pytest.approx(3 * 1599, rel=0.05)
    (channel,) = plate_montage(wells, ViewOptions(each=True)).channels
    assert [round(one.high / 1599) for one in channel.limits] == [1, 2, 3]


def test_channels_are_blended() -> None:
    wells = {Well(1, 1): flat(5, ("DNA", "ER", "Brightfield"))}
    picture = plate_montage(wells, ViewOptions(size=8, contrast=Fixed(0, 5)))
    assert [one.colour for one in picture.channels] == ["blue", "green"]
    assert "Brightfield" in picture.notes[0]


class SlowPlanes:
    """Planes that count how many are in memory at once."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.now = self.most = 0

    def read(self, numbers: Sequence[int], box: Box) -> NDArray[Any]:
        """See `Planes.read`."""
        with self.lock:
            self.now += 1
            self.most = max(self.most, self.now)
        threading.Event().wait(0.002)
        with self.lock:
            self.now -= 1
        return np.ones((len(numbers), *box.shape), np.uint16)


def test_few_images_are_in_memory_at_once() -> None:
    planes = SlowPlanes()
    image = lazy_image(planes, "YX", (50, 50), np.dtype(np.uint16))
    plate_montage(dict.fromkeys(PlateFormat(8, 12).wells(), image))
    assert 1 < planes.most <= THREADS


def test_what_cannot_be_a_plate_is_told() -> None:
    with pytest.raises(InvalidArgument, match="no image to show"):
        plate_montage({})
    with pytest.raises(InvalidArgument, match="not on the largest plate"):
        plate_montage({Well(33, 1): flat(1)})
    with pytest.raises(InvalidArgument, match="C01 is not on the plate"):
        plate_montage({Well(3, 1): flat(1)}, plate=PLATES[6])
    with pytest.raises(InvalidArgument, match="no scale bar"):
        plate_montage({Well(1, 1): flat(1)}, ViewOptions(scale_bar=True))
    with pytest.raises(InvalidArgument, match="has channels"):
        plate_montage({Well(1, 1): flat(1), Well(1, 2): flat(1, ("DNA", "ER"))})
