"""Image files of a plate, listed and put together by command."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cellfolio.formats.images import open_image
from tests.cli.conftest import Cellfolio
from tests.cli.test_commands import check
from tests.workflows.test_plates import plate_of_images


def test_a_well_is_stitched_from_a_folder_or_a_package(
    cellfolio: Cellfolio, tmp_path: Path
) -> None:
    (tmp_path / "plate").mkdir()
    scene, _ = plate_of_images(tmp_path / "plate")
    asked = ("--channel", "DNA", "--well", "A01")
    ran = cellfolio(
        "stitch", "plate/load_data.csv", *asked, "--images", "plate", "-o", "a.ome.tiff", "--json"
    )
    check(ran, "stitch")
    assert ran.document["shape"] == [16, 16]
    image = open_image(tmp_path / "a.ome.tiff")
    assert np.array_equal(image.read(), scene[0])
    assert (image.channels, image.pixel_size.x) == (("DNA",), 0.6)
    assert cellfolio("build", "plate", "lab/plate").code == 0
    ran = cellfolio("stitch", "lab/plate/load_data.csv", *asked, "-o", "a.png")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == "A01, DNA: 16 × 16 pixels of 0.6 µm\nwrote a.png\n"
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    ran = cellfolio(
        "stitch", "plate/load_data.csv", *asked, "--images", "lab/plate", "--smaller", "8"
    )
    assert ran.out == "A01, DNA: 2 × 2 pixels of 4.8 µm\n"


def test_image_files_are_told_and_written(cellfolio: Cellfolio, tmp_path: Path) -> None:
    (tmp_path / "plate").mkdir()
    plate_of_images(tmp_path / "plate")
    ran = cellfolio("image-files", "plate/load_data.csv", "-o", "files.csv", "--json")
    check(ran, "image-files")
    rows = pd.read_csv(tmp_path / "files.csv")
    assert ran.document["files"] == len(rows) > 0
    assert sum(ran.document["wells"].values()) == rows["Metadata_Well"].nunique()
    assert ran.document["channels"] == ["DNA"]
    assert set(rows["FileName"]) <= {path.name for path in (tmp_path / "plate").rglob("*.tif*")}
    assert cellfolio("build", "plate", "lab/plate").code == 0
    ran = cellfolio("image-files", "lab/plate/load_data.csv")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith(f"{len(rows)} image files of 1 plate\n")
    ran = cellfolio("image-files", "plate/load_data.csv", "-o", "files.xlsx")
    assert (ran.code, ran.out) == (2, "")
    assert "its suffix should be one of" in ran.err


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("plate/load_data.csv", "-c", "RNA"), 2, "the table has no channel 'RNA'; it has DNA"),
        (("plate/load_data.csv", "-c", "DNA", "--well", "P24"), 2, "no images of P24"),
        (("plate/load_data.csv", "-c", "DNA", "-o", "a.jpg"), 2, ".png, .svg or .pdf"),
        (("plate/load_data.csv", "-c", "DNA", "-o", "no/a.tif"), 2, "there is no folder no"),
        (("lab/none/load_data.csv", "-c", "DNA"), 3, "lab/none"),
    ],
)
def test_what_cannot_be_stitched_is_told(
    cellfolio: Cellfolio, tmp_path: Path, words: tuple[str, ...], code: int, message: str
) -> None:
    (tmp_path / "plate").mkdir()
    plate_of_images(tmp_path / "plate")
    ran = cellfolio("stitch", *words)
    assert (ran.code, ran.out) == (code, "")
    assert message in ran.err
