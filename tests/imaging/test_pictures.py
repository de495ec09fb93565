"""Pictures show each pixel as it is, with names and scale bars where they belong."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cellfolio.errors import InvalidArgument
from cellfolio.formats.images import Image, PixelSize, image_of
from cellfolio.imaging.contrast import Fixed
from cellfolio.imaging.legend import place_legend
from cellfolio.imaging.lettering import drawable, shorten, text_width
from cellfolio.imaging.montage import Panel, fitting_columns, montage
from cellfolio.imaging.options import ViewOptions
from cellfolio.imaging.picture import Picture, PlacedBar
from cellfolio.imaging.scale_bar import ScaleBar, fit_scale_bar
from cellfolio.imaging.showing import show


def noise(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3)).astype(np.uint8)


def cells(**facts: Any) -> Image:
    pixels = np.zeros((2, 3, 60, 80), np.uint16)
    pixels[0, :, 10:30, 10:30] = 800
    pixels[1, 1, 20:50, 20:70] = 300
    known: dict[str, Any] = {
        "channels": ("DNA", "ER"),
        "pixel_size": PixelSize(0.5, 0.5),
        "name": "a",
    } | facts
    return image_of(pixels, "CZYX", **known)


@settings(max_examples=15)
@given(st.integers(1, 40), st.integers(1, 40))
def test_pixels_are_shown_one_to_one(height: int, width: int) -> None:
    pixels = noise(height, width)
    np.testing.assert_array_equal(Picture(pixels).rgb, pixels)


def test_a_large_picture_is_shown_one_to_one_in_its_file(tmp_path: Path) -> None:
    pixels = noise(613, 1117)
    picture = Picture(pixels)
    picture.save(tmp_path / "x.png")
    found = imagecodecs.imread(tmp_path / "x.png")
    np.testing.assert_array_equal(found[..., :3], pixels)
    np.testing.assert_array_equal(imagecodecs.png_decode(picture._repr_png_())[..., :3], pixels)


def test_panels_are_where_they_belong() -> None:
    panels = [Panel(np.full((4, 6, 3), value, np.uint8)) for value in (10, 20, 30)]
    picture = montage([*panels, None], 2, gap=1)
    assert picture.pixels.shape == (11, 15, 3)
    found = picture.pixels[..., 0]
    assert found[1:5, 1:7].tolist() == [[10] * 6] * 4
    assert (found[1:5, 8:14] == 20).all()
    assert (found[6:10, 1:7] == 30).all()
    assert (found[6:10, 8:14] == 225).all()
    assert (found[5] == 255).all()


def test_a_smaller_panel_is_in_the_middle_of_its_place() -> None:
    picture = montage(
        [Panel(np.zeros((9, 9, 3), np.uint8)), Panel(np.zeros((3, 3, 3), np.uint8))], 2, gap=0
    )
    assert np.argwhere(picture.pixels[:, 9:, 0] == 0).min(axis=0).tolist() == [3, 3]


@given(st.integers(1, 200), st.integers(1, 300), st.integers(1, 300))
def test_columns_leave_no_row_empty(count: int, height: int, width: int) -> None:
    columns = fitting_columns(count, (height, width))
    assert 1 <= columns <= count


def test_no_picture_of_nothing() -> None:
    with pytest.raises(InvalidArgument, match="no image to show"):
        montage([None, None])
    with pytest.raises(InvalidArgument, match="no image to show"):
        show([])


# Scale bars


@given(st.floats(1e-4, 1e4), st.integers(20, 4000))
def test_a_bar_has_a_round_length_and_fits(pixel: float, width: int) -> None:
    bar = fit_scale_bar(pixel, width)
    assert f"{bar.micrometres:e}"[0] in "125"
    assert bar.pixels * pixel == pytest.approx(bar.micrometres)
    assert width * 0.25 / 2.5 < bar.pixels <= width * 0.25 * 1.001
    assert bar.label.split()[1] in ("nm", "µm", "mm")


@pytest.mark.parametrize(
    ("length", "label"), [(0.05, "50 nm"), (1, "1 µm"), (200, "200 µm"), (5000, "5 mm")]
)
def test_labels_of_bars(length: float, label: str) -> None:
    assert ScaleBar(length, 10).label == label


def test_a_bar_is_as_long_as_it_says_in_the_saved_picture() -> None:
    picture = Picture(
        np.zeros((100, 200, 3), np.uint8), bars=(PlacedBar(ScaleBar(20, 64), 190, 90, 10),)
    )
    row = picture.rgb[88, :, 0]
    assert np.flatnonzero(row > 127).tolist() == list(range(126, 190))


def test_the_bar_of_an_image_measures_it() -> None:
    picture = show([cells()], ViewOptions(size=320, channels=("DNA",)))
    bar = picture.scale_bar
    assert bar is not None
    assert picture.zoom == 4
    assert bar == ScaleBar(10.0, 80.0)  # 10 µm are 20 pixels of 0.5 µm, each 4 wide


def test_no_bar_where_the_pixel_size_is_not_known() -> None:
    unknown = cells(pixel_size=PixelSize())
    assert show([unknown]).scale_bar is None
    with pytest.raises(InvalidArgument, match="size of a pixel is not known") as caught:
        show([unknown], ViewOptions(scale_bar=True))
    assert "--pixel-size" in caught.value.hint
    assert show([unknown], ViewOptions(pixel_size=0.5)).scale_bar is not None
    assert show([cells()], ViewOptions(scale_bar=False)).scale_bar is None


def test_no_bar_where_pixel_sizes_differ() -> None:
    other = cells(pixel_size=PixelSize(1, 1))
    assert show([cells(), other]).scale_bar is None
    with pytest.raises(InvalidArgument, match="pixel sizes differ"):
        show([cells(), other], ViewOptions(scale_bar=True))


# Letters


def test_titles_are_cut_to_fit() -> None:
    text = shorten("nucleus segmentation of everything", 100, 12)
    assert text.endswith("…")
    assert text_width(text, 12) <= 100


def test_strange_letters_and_mathematics_are_drawn_as_text() -> None:
    names = ("$x_1$ 細胞", "a\nb\x1b[2J")
    assert drawable(names[1]) == "a b□[2J"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        picture = show([cells(channels=names)])
        assert picture._repr_png_()
    assert picture.words[0].text.startswith("$x_1$")


# What is shown


def test_channels_are_panels_with_their_names() -> None:
    picture = show([cells()], ViewOptions(size=80))
    assert [words.text for words in picture.words] == ["DNA", "ER"]
    assert [one.colour for one in picture.channels] == ["grey", "grey"]


def test_a_composite_adds_the_channels_in_their_colours() -> None:
    options = ViewOptions(
        style="composite", colours=("#ff0000", "#00ff00"), contrast=Fixed(0, 400), size=80,
        scale_bar=False,
    )  # fmt: skip
    picture = show([cells()], options)
    top, left = (side - shown for side, shown in zip(picture.pixels.shape, (66, 86), strict=False))
    inner = picture.pixels[top:, left:]
    assert inner[15, 15].tolist() == [255, 0, 0]
    assert inner[25, 25].tolist() == [255, 191, 0]
    assert inner[45, 60].tolist() == [0, 191, 0]


def test_a_composite_tells_which_colour_is_which_channel() -> None:
    options = ViewOptions(style="composite", colours=("#ff0000", "yellow"), scale_bar=False)
    picture = show([cells()], options)
    assert [words.text for words in picture.words] == ["DNA", "ER", "a"]
    for words, colour in zip(picture.words, ((255, 0, 0), (255, 232, 61)), strict=False):
        before = picture.pixels[round(words.y), round(words.x - words.size * 0.8)]
        assert tuple(before) == colour


@settings(max_examples=25)
@given(st.lists(st.tuples(st.text(max_size=30), st.just("red")), max_size=9), st.integers(60, 900))
def test_a_legend_stays_within_its_picture(entries: list[tuple[str, str]], width: int) -> None:
    patches, height = place_legend(entries, 5, width, 14)
    for patch in patches:
        end = patch.left + patch.side + 14 * 0.4 + text_width(patch.name, patch.letters)
        assert end <= 5 + width + 1
        assert patch.top + patch.side <= height
    places = [(patch.left, patch.top) for patch in patches]
    assert len(set(places)) == len(places)


def test_depth_is_picked_or_projected() -> None:
    options = {"contrast": Fixed(0, 300), "channels": ("ER",), "size": 80, "scale_bar": False}
    projected = show([cells()], ViewOptions(**options)).pixels  # type: ignore[arg-type]
    middle = show([cells()], ViewOptions(z=1, **options)).pixels  # type: ignore[arg-type]
    first = show([cells()], ViewOptions(z=0, **options)).pixels  # type: ignore[arg-type]
    np.testing.assert_array_equal(projected, middle)
    assert (first != middle).any()
    with pytest.raises(InvalidArgument, match="both given"):
        ViewOptions(z=1, project="max")


def test_images_are_rows_with_one_contrast_or_each_its_own() -> None:
    bright = image_of(
        np.asarray(cells()) * 4, "CZYX", channels=("DNA", "ER"), name="b", pixel_size=PixelSize(0.5)
    )
    picture = show([cells(), bright])
    assert [words.text for words in picture.words] == ["a", "b", "DNA", "ER"]
    assert [one.limits for one in picture.channels] == [(Fixed(800, 3200),), (Fixed(300, 1200),)]
    each = show([cells(), bright], ViewOptions(each=True))
    highs = [[limits.high for limits in one.limits] for one in each.channels]
    assert highs == [[800, 3200], [300, 1200]]


def test_a_composite_leaves_out_what_would_cover_the_others() -> None:
    image = image_of(
        np.ones((3, 9, 9)), "CYX", channels=("DNA", "Brightfield", "nucleus_segmentation")
    )
    picture = show([image], ViewOptions(style="composite"))
    assert [one.name for one in picture.channels] == ["DNA"]
    assert "Brightfield, nucleus_segmentation" in picture.notes[0]
    asked = show([image], ViewOptions(style="composite", channels=("DNA", "brightfield")))
    assert [one.name for one in asked.channels] == ["DNA", "Brightfield"]
    assert not asked.notes


def test_a_picture_in_colour_is_shown_as_it_is() -> None:
    pixels = noise(200, 300)
    image = image_of(np.moveaxis(pixels, -1, 0), "CYX", channels=("R", "G", "B"))
    picture = show([image], ViewOptions(size=300))
    np.testing.assert_array_equal(picture.pixels[-206:-6, 6:-6], pixels)


def test_lines_of_a_segmentation_stay_visible_however_small_it_is_shown() -> None:
    labels = np.zeros((1000, 1000), np.uint16)
    labels[100:900, 100:900] = 5
    image = image_of(np.zeros((1000, 1000), np.uint8), "YX")
    options = ViewOptions(size=50, outline_colours=("#ffff00",))
    picture = show([image], options, segmentations=[image_of(labels, "YX")])
    yellow = (picture.pixels == (255, 255, 0)).all(axis=-1)
    assert yellow.sum() == 4 * 40 - 4


def test_a_stack_of_labels_is_projected_or_picked_like_the_image() -> None:
    labels = np.zeros((3, 60, 80), np.uint8)
    labels[2, 20:30, 20:30] = 1
    segmentation = image_of(labels, "ZYX", name="seg")
    plain = show([cells()], ViewOptions(z=0)).pixels
    first = show([cells()], ViewOptions(z=0), segmentations=[segmentation]).pixels
    np.testing.assert_array_equal(first, plain)
    assert (show([cells()], segmentations=[segmentation]).pixels != show([cells()]).pixels).any()


@pytest.mark.parametrize(
    ("segmentation", "reason"),
    [
        (image_of(np.zeros((60, 81), int), "YX", name="seg"), "seg is of 81 × 60 pixels"),
        (image_of(np.zeros((2, 60, 80), int), "CYX"), "is no segmentation"),
        (image_of(np.full((60, 80), 0.3), "YX"), "expected whole numbers"),
    ],
)
def test_segmentations_that_do_not_fit_are_told(segmentation: Image, reason: str) -> None:
    with pytest.raises(InvalidArgument, match=reason):
        show([cells()], segmentations=[segmentation])


def test_images_that_do_not_fit_each_other_are_told() -> None:
    with pytest.raises(InvalidArgument, match="and b has DNA, RNA"):
        show([cells(), cells(channels=("DNA", "RNA"), name="b")])
    with pytest.raises(InvalidArgument, match="no channel is called 'RNA'"):
        show([cells()], ViewOptions(channels=("RNA",)))
    with pytest.raises(InvalidArgument, match="1 colours for 2 channels"):
        show([cells()], ViewOptions(colours=("red",)))
    with pytest.raises(InvalidArgument, match="2 images to show"):
        show([cells(), cells()], segmentations=[image_of(np.zeros((60, 80), int), "YX")])
    with pytest.raises(InvalidArgument, match="no number 7 along Z"):
        show([cells()], ViewOptions(z=7))
    with pytest.raises(InvalidArgument, match="no pixels to show"):
        show([cells().select(y=0)])


@pytest.mark.parametrize(
    "options",
    [{"style": "mosaic"}, {"project": "median"}, {"size": 0}, {"size": 10**6},
     {"pixel_size": -1.0}, {"pixel_size": float("nan")}, {"colours": ("blurple",)}],
)  # fmt: skip
def test_options_that_cannot_be_are_refused_at_once(options: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgument):
        ViewOptions(**options)


def test_the_same_picture_is_the_same_bytes() -> None:
    assert show([cells()])._repr_png_() == show([cells()])._repr_png_()
