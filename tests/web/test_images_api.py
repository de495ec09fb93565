"""Images by HTTP: right pixels, bounds, and what may be kept."""

from __future__ import annotations

import struct
import time
import zlib
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import numpy as np
import pandas as pd
import pytest
import tifffile
from numpy.typing import NDArray

import cellfolio
from cellfolio.storage.home import Home
from cellfolio.workflows.publishing import build_package
from cellfolio.workflows.shown_images import opening
from tests.web.conftest import OpenPortal
from tests.web.pictures import CHANNELS, HEIGHT, WIDTH, ramp, square_labels, write_site, write_stack

PLANE_TYPES = {"uint8": "<u1", "uint16": "<u2", "uint32": "<u4", "float32": "<f4"}


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """A folder of a stack, two sites with labels and tables, and odd images."""
    folder = tmp_path / "cells"
    folder.mkdir()
    write_stack(folder / "stack.ome.tiff")
    write_site(folder / "images" / "P1", 2, 3)
    write_site(folder / "images" / "P1", 2, 4)
    labels = folder / "labels" / "P1"
    labels.mkdir(parents=True)
    tifffile.imwrite(labels / "B03_1_nuclei.tiff", square_labels())
    table = pd.DataFrame({"Metadata_ObjectNumber": [1, 300], "AreaShape_Area": [600.0, np.nan]})
    table.to_parquet(labels / "Nuclei.parquet")
    tifffile.imwrite(folder / "real.tif", np.array([[0.5, np.nan], [np.inf, -3]]))
    tifffile.imwrite(folder / "one.tif", np.array([[7]], np.uint16))
    whole = (folder / "stack.ome.tiff").read_bytes()
    (folder / "cut.tiff").write_bytes(whole[: len(whole) // 2])
    return folder


class Asking:
    """A portal that is asked for images of one folder."""

    def __init__(self, base: str, client: httpx.Client) -> None:
        self.base, _, self.name = base.partition("/package/")
        self.client = client

    def get(self, operation: str, key: str = "", **query: Any) -> httpx.Response:
        place = f"{self.name}/{quote(key)}" if key else self.name
        return self.client.get(f"{self.base}/api/{operation}/{place}", params=query)

    def plane(self, key: str = "", **query: Any) -> NDArray[Any]:
        answer = self.get("plane", key, **query)
        assert answer.status_code == 200, answer.text
        shape = int(answer.headers["x-height"]), int(answer.headers["x-width"])
        return np.frombuffer(answer.content, PLANE_TYPES[answer.headers["x-dtype"]]).reshape(shape)


@pytest.fixture
def asking(open_portal: OpenPortal, client: httpx.Client, images: Path) -> Asking:
    return Asking(open_portal(images).url, client)


def test_facts_of_a_stack(asking: Asking) -> None:
    found = asking.get("image", "stack.ome.tiff").json()
    assert found["sizes"] == {"T": 1, "C": 2, "Z": 3, "Y": HEIGHT, "X": WIDTH}
    assert [one["name"] for one in found["channels"]] == list(CHANNELS)
    assert found["pixel_size"] == {"x": 0.5, "y": 0.5, "z": 2.0}
    assert found["dtype"] == "uint16"
    assert "histogram" not in found["channels"][0]


def test_planes_are_the_images_pixels(asking: Asking, images: Path) -> None:
    image = cellfolio.open_image(images / "stack.ome.tiff")
    for c in range(2):
        for z in range(3):
            found = asking.plane("stack.ome.tiff", c=c, z=z)
            np.testing.assert_array_equal(found, image.plane(c=c, z=z))


def test_projection_is_the_maximum_over_depths(asking: Asking) -> None:
    found = asking.plane("stack.ome.tiff", c=1, projection="max")
    np.testing.assert_array_equal(found, ramp(1, 2))


def test_any_file_of_a_site_is_the_site(asking: Asking) -> None:
    key = "images/P1/r02c03f01p01-ch4sk1fk1fl1.tiff"
    found = asking.get("image", key).json()
    assert [one["name"] for one in found["channels"]] == ["Mito", "AGP", "RNA", "ER", "DNA"]
    assert found["site"]["well"] == "B03"
    assert "well=B04" in found["site"]["next"]
    np.testing.assert_array_equal(asking.plane(key, c=4), ramp(5, 2))
    alone = asking.get("image", key, alone="true").json()
    assert alone["sizes"]["C"] == 1
    np.testing.assert_array_equal(asking.plane(key, alone="true"), ramp(4, 2))


def test_well_and_site_name_an_image(asking: Asking) -> None:
    np.testing.assert_array_equal(asking.plane(well="b4", site=1, c=0), ramp(1, 2))
    assert asking.get("plane", well="B05").status_code == 404
    assert asking.get("plane", "images", well="B04", plate="P2").status_code == 404
    several = asking.get("image", "images")
    assert several.status_code == 400
    assert "2 sites" in several.json()["error"]


def test_sites_are_listed(asking: Asking) -> None:
    found = asking.get("sites", limit=1, start=1).json()
    assert found["count"] == 2
    (site,) = found["sites"]
    assert (site["well"], site["site"], len(site["keys"])) == ("B04", 1, 5)


def test_labels_and_objects_are_found(asking: Asking) -> None:
    key = "images/P1/r02c03f01p01-ch1sk1fk1fl1.tiff"
    (labels,) = asking.get("image", key).json()["labels"]
    assert (labels["key"], labels["kind"]) == ("labels/P1/B03_1_nuclei.tiff", "nuclei")
    plane = asking.client.get(asking.base + labels["planes"])
    assert plane.headers["x-dtype"] == "uint16"
    expected = square_labels()
    np.testing.assert_array_equal(
        np.frombuffer(plane.content, "<u2").reshape(expected.shape), expected
    )
    first = asking.client.get(asking.base + labels["objects"] + "&label=1").json()
    assert first["features"]["AreaShape_Area"] == 600
    second = asking.client.get(asking.base + labels["objects"] + "&label=300").json()
    assert second["features"]["AreaShape_Area"] is None
    third = asking.client.get(asking.base + labels["objects"] + "&label=2")
    assert third.status_code == 404


def test_sites_without_labels_have_none(asking: Asking) -> None:
    assert asking.get("image", well="B04").json()["labels"] == []


def test_real_numbers_come_as_they_are(asking: Asking) -> None:
    found = asking.plane("real.tif")
    assert found.dtype == np.float32
    most = np.finfo(np.float32).max
    np.testing.assert_array_equal(found, np.array([[0.5, np.nan], [most, -3]], np.float32))


def test_contrast_and_histogram_are_told_when_asked_for(asking: Asking) -> None:
    (channel,) = asking.get("image", "one.tif", contrast="true").json()["channels"]
    assert channel["contrast"] == [7, 8]
    assert sum(channel["histogram"]["counts"]) == 1
    first = asking.get("image", "stack.ome.tiff", contrast="true", z=1).json()["channels"][0]
    low, high = np.percentile(ramp(0, 1), (5, 99.9))
    assert first["contrast"] == pytest.approx([low, high])
    assert first["histogram"]["low"] == 1100


@pytest.mark.parametrize(
    ("key", "query", "status", "said"),
    [
        ("stack.ome.tiff", {"z": 3}, 400, "Z has 3"),
        ("stack.ome.tiff", {"c": 2}, 400, "C has 2"),
        ("stack.ome.tiff", {"t": 1}, 400, "no axis T"),
        ("stack.ome.tiff", {"level": 9}, 400, "level 9"),
        ("stack.ome.tiff", {"z": -1}, 400, "expected 0"),
        ("stack.ome.tiff", {"projection": "median"}, 400, "projection"),
        ("stack.ome.tiff", {"series": 4}, 422, "no"),
        ("cut.tiff", {}, 422, "cut.tiff"),
        ("nothing.tiff", {}, 404, "nothing.tiff"),
        ("labels/P1/Nuclei.parquet", {}, 422, "no TIFF"),
    ],
)
def test_what_cannot_be_given_is_told(
    asking: Asking, images: Path, key: str, query: dict[str, Any], status: int, said: str
) -> None:
    answer = asking.get("plane", key, **query)
    assert answer.status_code == status, answer.text
    assert said in answer.json()["error"]
    assert str(images) not in answer.text


def test_broken_channel_leaves_the_others(asking: Asking, images: Path) -> None:
    file = images / "images" / "P1" / "r02c04f01p01-ch2sk1fk1fl1.tiff"
    file.write_bytes(file.read_bytes()[:200])
    found = asking.get("image", well="B04").json()
    assert [one["name"] for one in found["channels"]] == ["Mito", "RNA", "ER", "DNA"]
    assert "ch2" in found["notes"][0]


def test_large_planes_are_given_at_a_lower_resolution(
    open_portal: OpenPortal,
    client: httpx.Client,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(opening, "LARGEST", 1_000_000)
    monkeypatch.setattr("cellfolio.workflows.shown_images.planes.LARGEST", 1_000_000)
    pixels = np.arange(1500 * 1600, dtype=np.uint32).reshape(1500, 1600) % 50_000
    tifffile.imwrite(tmp_path / "large.tif", pixels.astype(np.uint16), tile=(256, 256))
    asking = Asking(open_portal(tmp_path).url, client)
    found = asking.get("image", "large.tif").json()
    assert found["level"] == 1
    assert found["notes"] == ["shown at 800 × 750 of 1600 × 1500 pixels"]
    refused = asking.get("plane", "large.tif")
    assert (refused.status_code, refused.json()["hint"]) == (400, "ask for level=1")
    plane = asking.plane("large.tif", level=1)
    means = pixels.reshape(750, 2, 800, 2).mean(axis=(1, 3))
    np.testing.assert_array_equal(plane, np.rint(means))


def _bomb(side: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    rows = zlib.compress(bytes(10_000_000), 9)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    )


def test_bombs_are_refused_before_they_are_decoded(
    open_portal: OpenPortal, client: httpx.Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cellfolio.imaging.reducing.PIECE", 1_000_000)
    (tmp_path / "bomb.png").write_bytes(_bomb(30_000))
    # One strip of 4.5 MB, all zeros, in a file of 5 kB.
    strip = np.zeros((1500, 1500), np.uint16)
    tifffile.imwrite(tmp_path / "strip.tif", strip, compression="zlib", rowsperstrip=1500)
    asking = Asking(open_portal(tmp_path).url, client)
    answer = asking.get("image", "bomb.png")
    assert answer.status_code == 400
    assert "30000 × 30000" in answer.json()["error"]
    for level in (0, 1):
        answer = asking.get("plane", "strip.tif", level=level)
        assert answer.status_code == 400
        assert "4,500,000 bytes" in answer.json()["error"]


def test_picture_is_of_the_size_and_part_asked_for(asking: Asking) -> None:
    imagecodecs = pytest.importorskip("imagecodecs")
    answer = asking.get("picture", "stack.ome.tiff", size=40)
    assert answer.headers["content-type"] == "image/png"
    assert imagecodecs.png_decode(answer.content).shape == (30, 40, 3)
    query = {
        "channel": "DNA",
        "contrast": "DNA:100:5000",
        "x": 70,
        "y": 50,
        "width": 10,
        "height": 10,
    }
    part = imagecodecs.png_decode(asking.get("picture", "stack.ome.tiff", z=0, **query).content)
    expected = (ramp(0)[50:, 70:].astype(float) - 100) / 4900 * 255
    np.testing.assert_allclose(part[..., 0], expected, atol=1)
    assert (part[..., 0] == part[..., 2]).all()
    for wrong in (
        {"size": 9000},
        {"channel": "GFP"},
        {"contrast": "DNA:5"},
        {"x": 900, "width": 2, "height": 2},
    ):
        assert asking.get("picture", "stack.ome.tiff", **wrong).status_code == 400


def test_outlines_are_drawn_over_pictures(asking: Asking) -> None:
    imagecodecs = pytest.importorskip("imagecodecs")
    key = "images/P1/r02c03f01p01-ch1sk1fk1fl1.tiff"
    plain, lined = (
        imagecodecs.png_decode(asking.get("picture", key, **query).content)
        for query in ({}, {"labels": "labels/P1/B03_1_nuclei.tiff"})
    )
    changed = (plain != lined).any(axis=2)
    assert changed[10, 10:40].all()
    assert not changed[0].any()


def test_answers_are_kept_only_where_the_address_names_the_content(
    asking: Asking, images: Path
) -> None:
    first = asking.get("plane", "one.tif")
    assert first.headers["cache-control"] == "private, no-cache"
    again = asking.client.get(first.url, headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    named = asking.client.get(asking.base + asking.get("image", "one.tif").json()["planes"])
    assert "immutable" in named.headers["cache-control"]
    wrong = asking.get("plane", "one.tif", v="0" * 20)
    assert wrong.headers["cache-control"] == "private, no-cache"
    tifffile.imwrite(images / "one.tif", np.array([[9]], np.uint16))
    asking.client.get(asking.base)  # the folder is looked at anew after some seconds
    time.sleep(3.1)
    changed = asking.client.get(first.url, headers={"if-none-match": first.headers["etag"]})
    assert (changed.status_code, changed.content) == (200, b"\x09\0")


def test_revisions_may_be_kept(open_portal: OpenPortal, client: httpx.Client, images: Path) -> None:
    home = Home()
    build_package(images, "lab/cells", home)
    portal = open_portal("lab/cells", home=home)
    base = portal.url.partition("/package/")[0]
    top = client.get(f"{base}/api/entries/lab/cells").json()["top_hash"]
    fixed = client.get(f"{base}/api/plane/lab/cells@{top[:12]}/one.tif")
    assert "immutable" in fixed.headers["cache-control"]
    latest = client.get(f"{base}/api/plane/lab/cells/one.tif")
    assert latest.headers["cache-control"] == "private, no-cache"
    assert latest.content == fixed.content == b"\x07\0"


def test_zarr_folder_is_an_image(
    open_portal: OpenPortal, client: httpx.Client, tmp_path: Path
) -> None:
    zarr = pytest.importorskip("zarr")
    folder = tmp_path / "data"
    group = zarr.open_group(str(folder / "cells.zarr"), mode="w", zarr_format=2)
    levels = [np.arange(2 * 40 * 50, dtype=np.uint16).reshape(2, 40, 50)]
    levels.append(levels[0][:, ::2, ::2])
    for number, data in enumerate(levels):
        group.create_array(str(number), data=data, chunks=(1, 20, 25))
    axes = [
        {"name": "c", "type": "channel"},
        *({"name": n, "type": "space", "unit": "micrometer"} for n in "yx"),
    ]
    datasets = [
        {
            "path": str(n),
            "coordinateTransformations": [{"type": "scale", "scale": [1, 0.3 * 2**n, 0.3 * 2**n]}],
        }
        for n in range(2)
    ]
    group.attrs["multiscales"] = [{"version": "0.4", "axes": axes, "datasets": datasets}]
    asking = Asking(open_portal(folder).url, client)
    found = asking.get("image", "cells.zarr").json()
    assert found["levels"] == [{"height": 40, "width": 50}, {"height": 20, "width": 25}]
    assert found["pixel_size"]["x"] == 0.3
    for number, data in enumerate(levels):
        np.testing.assert_array_equal(asking.plane("cells.zarr", c=1, level=number), data[1])


def test_parameters_are_described(client: httpx.Client, open_portal: OpenPortal) -> None:
    document = client.get(open_portal().url + "api/openapi.json").json()
    names = {
        one["name"] for one in document["paths"]["/api/plane/{reference}"]["get"]["parameters"]
    }
    assert {"c", "z", "t", "series", "level", "projection", "reference"} <= names


def test_real_site_has_its_golden_labels_and_features(
    open_portal: OpenPortal, client: httpx.Client, shared: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "real"
    folder.mkdir()
    (folder / "images").mkdir()
    (folder / "labels").mkdir()
    for file in (shared / "data/cpjump1/example_images/DMSO").glob("*.tiff"):
        (folder / "images" / file.name).symlink_to(file)
    golden = shared / "data/cellprofiler_golden/DMSO_r04c14f05"
    (folder / "labels" / golden.name).mkdir()
    for file in golden.iterdir():
        (folder / "labels" / golden.name / file.name).symlink_to(file)
    asking = Asking(open_portal(folder).url, client)
    found = asking.get("image", well="D14", site=5).json()
    assert [one["kind"] for one in found["labels"]] == ["cells", "cytoplasm", "nuclei"]
    one = "images/r04c14f05p01-ch5sk1fk1fl1.tiff"
    expected = tifffile.imread(folder / one)
    np.testing.assert_array_equal(asking.plane(one, c=4), expected)
    nuclei = tifffile.imread(golden / "Nuclei_labels.tiff")
    told = asking.get(
        "object", one, labels=f"labels/{golden.name}/Nuclei_labels.tiff", label=7
    ).json()
    assert told["features"]["AreaShape_Area"] == (nuclei == 7).sum()
    assert len(told["features"]) > 1000
