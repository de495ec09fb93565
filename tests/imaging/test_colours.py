"""Colours that people tell apart, with any kind of sight."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from numpy.typing import NDArray

from cellfolio.errors import InvalidArgument
from cellfolio.imaging.colours import NAMED, STAINS, colours_of, label_colours, parse_colour
from cellfolio.imaging.composite import blend

SIGHT = {
    "usual": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
         [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
         [-0.011820, 0.042940, 0.968881]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602],
         [0.004733, 0.691367, 0.303900]]
    ),
}  # fmt: skip
"""Machado, Oliveira and Fernandes 2009, severity 1.0, on linear light."""


def lab(colours: NDArray[np.float64], sight: str = "usual") -> NDArray[np.float64]:
    """CIE L*a*b* (D65) of sRGB colours from 0 to 1."""
    linear = np.where(colours <= 0.04045, colours / 12.92, ((colours + 0.055) / 1.055) ** 2.4)
    linear = np.clip(linear @ SIGHT[sight].T, 0, 1)
    to_xyz = np.array(
        [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    )
    xyz = linear @ to_xyz.T / np.array([0.9505, 1.0, 1.089])
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.stack(
        [116 * f[..., 1] - 16, 500 * (f[..., 0] - f[..., 1]), 200 * (f[..., 1] - f[..., 2])], -1
    )


@pytest.mark.parametrize("sight", SIGHT)
def test_default_colours_of_cell_painting_are_told_apart_by_everybody(sight: str) -> None:
    words = colours_of(["DNA", "ER", "RNA", "AGP", "Mito"])
    shown = lab(np.array([parse_colour(word) for word in words]), sight)
    for (one, a), (other, b) in combinations(zip(words, shown, strict=True), 2):
        assert np.linalg.norm(a - b) > 15, (one, other)


def test_channels_have_the_colours_that_their_names_tell() -> None:
    assert colours_of(["Mito", "AGP", "RNA", "ER", "DNA", "HighZBF", "Brightfield"]) == (
        "magenta", "orange", "yellow", "green", "blue", "grey", "grey",
    )  # fmt: skip
    assert colours_of(["dna", "membrane", "structure"]) == ("blue", "magenta", "green")
    assert colours_of(["Hoechst 33342", "EGFP", "CMDRP", "nucleus_segmentation"]) == (
        "blue", "green", "magenta", "grey",
    )  # fmt: skip
    assert colours_of(["R", "G", "B"]) == ("#ff0000", "#00ff00", "#0000ff")


def test_no_two_channels_have_one_colour_while_there_are_others() -> None:
    names = ["DNA", "nuclei", "ER", "GFP", "unknown", "C:5"]
    assert len(set(colours_of(names))) == len(names)


def test_every_stain_has_a_colour_with_a_name() -> None:
    assert set(STAINS.values()) <= set(NAMED)
    for word in STAINS:
        assert colours_of([word, "x"])[0] == STAINS[word]


def test_labels_have_always_the_same_colour_and_neighbours_another() -> None:
    colours = label_colours(np.arange(500))
    np.testing.assert_array_equal(label_colours([70, 7])[1], colours[7])
    assert colours[0].tolist() == [0, 0, 0]
    shown = lab(colours[1:] / 255)
    for apart in range(1, 12):
        assert np.linalg.norm(shown[apart:] - shown[:-apart], axis=1).min() > 10, apart
    assert colours[1:].max(axis=1).min() > 120  # on a dark image


@pytest.mark.parametrize("text", ["", "blurple", "#12345", "C0", "0.5", "#gggggg", "none"])
def test_what_is_no_colour_is_told(text: str) -> None:
    with pytest.raises(InvalidArgument, match="is no colour"):
        parse_colour(text)


def test_light_is_added_and_ends_at_white() -> None:
    one, other = np.full((1, 2), 0.8, np.float32), np.full((1, 2), 0.6, np.float32)
    found = blend([one, other], [(1, 0, 0.5), (1, 1, 0)])
    assert found[0, 0].tolist() == [255, 153, 102]


def test_channels_of_two_sizes_are_refused() -> None:
    with pytest.raises(InvalidArgument, match="of one size"):
        blend([np.zeros((2, 2), np.float32), np.zeros((2, 3), np.float32)], [(1, 1, 1)] * 2)
    with pytest.raises(InvalidArgument, match="a colour for each"):
        blend([np.zeros((2, 2), np.float32)], [])
