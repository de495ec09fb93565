"""Formats by command."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cellfolio.formats.images import open_image, write_ome_tiff
from tests.cli.conftest import Cellfolio
from tests.cli.test_commands import check

TABLE = "Metadata_Well,Cells_Count\nA01,3\nA02,4\n"


def test_files_and_files_of_packages_are_converted(cellfolio: Cellfolio, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "wells.csv").write_text(TABLE)
    pixels = np.arange(60, dtype=np.uint16).reshape(3, 4, 5)
    write_ome_tiff(folder / "a.ome.tiff", pixels, "CYX", channels=("DNA", "ER", "RNA"))
    ran = cellfolio("convert", "data/wells.csv", "-o", "wells.gct", "--json")
    check(ran, "convert")
    assert ran.document == {"sources": ["data/wells.csv"], "output": "wells.gct"}
    assert cellfolio("build", "data", "lab/data").code == 0
    ran = cellfolio("convert", "lab/data/wells.csv", "-o", "wells.parquet")
    assert (ran.code, ran.out, ran.err) == (0, "wrote wells.parquet\n", "")
    assert pd.read_parquet("wells.parquet")["Cells_Count"].tolist() == [3, 4]
    ran = cellfolio("convert", "lab/data/a.ome.tiff", "-o", "a.ome.zarr")
    assert (ran.code, ran.err) == (0, "")
    np.testing.assert_array_equal(open_image("a.ome.zarr").read(), pixels)


def test_modalities_are_named(cellfolio: Cellfolio, tmp_path: Path) -> None:
    mudata = pytest.importorskip("mudata")
    Path("a.csv").write_text(TABLE)
    Path("b.csv").write_text(TABLE.replace("Cells_Count", "Nuclei_Count"))
    named = ("cells=a.csv", "nuclei=b.csv", "--by", "Metadata_Well")
    ran = cellfolio("convert", *named, "-o", "both.h5mu")
    assert (ran.code, ran.err) == (0, "")
    assert list(mudata.read_h5mu("both.h5mu").mod) == ["cells", "nuclei"]


def test_what_cannot_be_is_one_line_and_a_hint(cellfolio: Cellfolio) -> None:
    Path("wells.csv").write_text(TABLE)
    ran = cellfolio("convert", "wells.csv", "-o", "wells.ome.zarr")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith(
        "cellfolio: wells.csv is no image, and cannot become .ome.zarr\nhint: "
    )
    assert cellfolio("convert", "wells.csv").code == 2
