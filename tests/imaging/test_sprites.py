"""Many images in one picture: places, colours, missing pixels."""

from __future__ import annotations

import imagecodecs
import numpy as np
import pytest

from cellfolio.errors import InvalidArgument
from cellfolio.imaging.colours import parse_colour
from cellfolio.imaging.composite import blend
from cellfolio.imaging.contrast import Fixed
from cellfolio.imaging.sprites import Layer, make_layers, paint_grid, to_jpeg


def test_images_are_where_they_should_be_and_gaps_are_black() -> None:
    planes = {"a": np.array([[[10.0]], [[20.0]]], np.float32)}
    layer = Layer("a", "grey", Fixed(0, 20))
    grid = paint_grid(planes, [layer], [(0, 1), (1, 0)], (2, 2), gap=1)
    assert grid.shape == (4, 4, 3)
    assert grid[0, 2].tolist() == [128] * 3
    assert grid[2, 0].tolist() == [255] * 3
    assert grid.sum() == 3 * (128 + 255)


def test_light_is_added_as_in_composites() -> None:
    random = np.random.default_rng(3)
    planes = {name: random.uniform(0, 300, (1, 9, 7)).astype(np.float32) for name in "ab"}
    layers = [Layer("a", "magenta", Fixed(20, 200)), Layer("b", "#00ff00", Fixed(0, 250))]
    ours = paint_grid(planes, layers, [(0, 0)], (1, 1), gap=0)
    light = [one.limits.apply(planes[one.name][0]) for one in layers]
    judge = blend(light, [parse_colour(one.colour) for one in layers])
    assert np.abs(ours.astype(int) - judge.astype(int)).max() <= 1


def test_missing_pixels_are_black_and_sizes_may_differ() -> None:
    planes = {
        "a": np.full((1, 2, 2), np.nan, np.float32),
        "b": np.full((1, 3, 3), 7, np.float32),
    }
    layers = [Layer("a", "red", Fixed(0, 1)), Layer("b", "grey", Fixed(0, 7))]
    assert (paint_grid(planes, layers, [(0, 0)], (1, 1), gap=0) == 255).all()
    assert (paint_grid(planes, layers[:1], [(0, 0)], (1, 1), gap=0) == 0).all()
    with pytest.raises(InvalidArgument, match="no channel"):
        paint_grid(planes, [], [(0, 0)], (1, 1))


def test_contrast_is_shared_or_told() -> None:
    samples = {"DNA": np.arange(1, 1001.0), "ER": np.arange(1, 1001.0)}
    one, two = make_layers(("DNA", "ER"), samples, limits={"ER": Fixed(3, 9)})
    assert one.limits.low == pytest.approx(50.95)
    assert two.limits == Fixed(3, 9)
    (alone,) = make_layers(("DNA",), samples)
    assert alone.colour == "grey"


def test_jpeg_is_what_was_painted() -> None:
    pixels = np.zeros((16, 16, 3), np.uint8)
    pixels[:8] = (250, 20, 20)
    back = imagecodecs.jpeg8_decode(to_jpeg(pixels))
    assert np.abs(back[2, 2].astype(int) - (250, 20, 20)).max() < 12
    assert back[13, 13].max() < 12
