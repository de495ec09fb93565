"""Which images belong together, and planes that several ask for at once."""

from __future__ import annotations

import threading
import time
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from cellfolio.errors import BrokenFile, InvalidArgument
from cellfolio.registries.plates import Well
from cellfolio.workflows.shown_images.facts import channel_facts, label_facts
from cellfolio.workflows.shown_images.index import index_images
from cellfolio.workflows.shown_images.objects import ObjectAsked, find_table
from cellfolio.workflows.shown_images.planes import PlaneStore, to_labels

STACKS = [
    f"{folder}/{plate}/r01c0{column}f01p01{ending}"
    for plate in ("SIM1", "SIM2")
    for column in (1, 2)
    for folder, ending in (
        ("images", ".ome.tiff"),
        ("segmentation", "_nuclei.tiff"),
        ("segmentation", "_cells.tiff"),
    )
]


def test_labels_are_those_of_the_same_plate() -> None:
    index = index_images(STACKS)
    assert len(index.sites) == 4
    assert index.find_labels("images/SIM2/r01c02f01p01.ome.tiff") == {
        "cells": "segmentation/SIM2/r01c02f01p01_cells.tiff",
        "nuclei": "segmentation/SIM2/r01c02f01p01_nuclei.tiff",
    }


@pytest.mark.parametrize(
    ("image", "labels"),
    [
        ("a/img2d.tif", "a/mask2d.tif"),
        ("a/cell_7.tif", "a/cell_7_labels.tif"),
        ("a/images/7.png", "a/masks/7.png"),
        ("a/x.ome.tiff", "a/x_seg.tiff"),
    ],
)
def test_labels_are_known_by_their_names(image: str, labels: str) -> None:
    others = ["a/mask3d.tif", "b/img2d.tif", "b/masks/7.png", "a/y_seg.tiff"]
    index = index_images([image, labels, *others])
    assert labels in index.find_labels(image).values()
    assert set(index.find_labels(image).values()) == {labels}


def test_label_images_have_no_labels() -> None:
    index = index_images(STACKS)
    assert index.find_labels("segmentation/SIM1/r01c01f01p01_cells.tiff") == {}


def test_sites_are_found_by_well_and_plate() -> None:
    index = index_images(STACKS)
    assert len(index.find_site("", Well(1, 2), None)) == 2
    (site,) = index.find_site("", Well(1, 2), 1, "SIM2")
    assert site[0] == "images/SIM2"
    assert index.find_site("images/SIM1", Well(1, 2), 1) == [("images/SIM1", Well(1, 2), 1)]
    assert index.find_site("", Well(1, 3), None) == []


def test_measured_tables_are_those_of_the_plate() -> None:
    keys = [f"measured/cells/{plate}/A02_1.parquet" for plate in ("SIM1", "SIM2")]
    labels = "segmentation/SIM2/r01c02f01p01_cells.tiff"
    assert find_table(keys, ObjectAsked(labels, 1, ("images/SIM2", Well(1, 2), 1))) == keys[1]
    assert find_table(keys, ObjectAsked("x_cells.tiff", 1)) is None


def test_only_eight_channels_are_shown_at_first() -> None:
    facts = channel_facts([f"c{number}" for number in range(12)])
    assert sum(one.shown for one in facts) == 8


def test_labels_must_be_whole_and_not_negative() -> None:
    assert to_labels(np.array([[70_000.0, 0]])).dtype == np.uint32
    assert to_labels(np.array([[3, 0]])).dtype == np.uint8
    with pytest.raises(InvalidArgument, match="-1"):
        to_labels(np.array([[-1, 0]]))
    with pytest.raises(InvalidArgument, match="whole"):
        to_labels(np.array([[0.5, 0]]))


def test_planes_are_made_once_for_all_who_ask() -> None:
    store = PlaneStore()
    made: list[int] = []

    def make() -> NDArray[Any]:
        made.append(1)
        time.sleep(0.05)
        return np.ones((2, 2))

    found: list[NDArray[Any]] = []
    threads = [
        threading.Thread(target=lambda: found.append(store.get("a", 4, make))) for _ in range(8)
    ]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert (len(made), len(found)) == (1, 8)
    with pytest.raises(ValueError, match="read-only"):
        found[0][0, 0] = 2


def test_planes_that_failed_are_made_anew_and_memory_is_bounded() -> None:
    store = PlaneStore(most=1000)

    def fail() -> NDArray[Any]:
        raise BrokenFile("a.tif", "TIFF", "cut off")

    for _ in range(2):
        with pytest.raises(BrokenFile):
            store.get("a", 4, fail)
    made: list[int] = []

    def make(number: int) -> NDArray[Any]:
        made.append(number)
        return np.zeros(200, np.uint8)

    for number in (0, 1, 2, 3, 4, 5, 0):
        store.get(number, 200, lambda number=number: make(number))  # type: ignore[misc]
    assert made == [0, 1, 2, 3, 4, 5, 0], "the oldest is forgotten"
    store.get(5, 200, lambda: make(99))
    assert 99 not in made


def test_segmentations_among_channels_lie_over_the_others() -> None:
    from cellfolio.formats.images import image_of
    from cellfolio.workflows.shown_images.finding import ImageFiles
    from cellfolio.workflows.shown_images.opening import Level, OpenedImage

    names = ("nucleus_segmentation", "dna")
    image = image_of(np.zeros((2, 3, 4), np.uint8), "CYX", channels=names)
    opened = OpenedImage(ImageFiles("a", "a"), (Level(image, 1, (3, 4)),), names, "tag")
    (found,) = label_facts(opened, ())
    assert (found.channel, found.kind, found.shown) == (0, "nuclei", False)
