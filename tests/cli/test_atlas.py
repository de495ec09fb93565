"""Commands for the atlas and for volumes."""

from __future__ import annotations

from pathlib import Path

import anndata
import pandas as pd
import pytest

from cellfolio.cli.failures import USAGE
from tests.brain import MERFISH, brain_files
from tests.cli.conftest import Cellfolio
from tests.cli.test_commands import check
from tests.workflows.test_atlas import put

SECTION = "brain_section_label=C57BL6J-638850.30"
VOLUMES = "image_volumes/Allen-CCF-2020/20230830"


@pytest.fixture
def atlas(tmp_path: Path) -> str:
    return put(tmp_path / "atlas", brain_files())


def test_cells(cellfolio: Cellfolio, atlas: str, tmp_path: Path) -> None:
    ran = cellfolio("cells", atlas, "--directory", MERFISH)
    assert ran.code == 0, ran.err
    assert ran.out.splitlines()[:3] == [
        f"{MERFISH}: 2,400 cells",
        "by class",
        "  01 IT-ET Glut    978",
    ]
    assert "2 cells of the directory: no ccf coordinates" in ran.out
    ran = cellfolio(
        "cells", atlas, "--directory", MERFISH, "--where", SECTION, "-o", "a.csv", "--json"
    )
    check(ran, "cells")
    table = pd.read_csv(tmp_path / "a.csv", dtype={"cell_label": str})
    assert len(table) == ran.document["cells"] == 890
    for name, colour in (("a.parquet", "class"), ("b.svg", "x_ccf")):
        ran = cellfolio(
            "cells", atlas, "--directory", MERFISH, "--where", SECTION,
            "--colour", colour, "-o", name,
        )  # fmt: skip
        assert (ran.code, ran.err) == (0, "")
        assert (tmp_path / name).stat().st_size > 1000
    ran = cellfolio("cells", atlas, "--directory", MERFISH, "-o", "c.png")
    assert f"3 sections are drawn over each other; choose one with --where {SECTION}" in ran.err


def test_genes(cellfolio: Cellfolio, atlas: str, tmp_path: Path) -> None:
    asked = ("genes", atlas, "--gene", "Mog", "--gene", "Snap25")
    ran = cellfolio(*asked, "--directory", MERFISH, "--where", "class=31 OPC-Oligo")
    assert ran.code == 0, ran.err
    assert ran.out.splitlines()[0] == "544 cells, 2 genes, log2"
    assert cellfolio("cells", atlas, "--directory", MERFISH, "-o", "a.csv").code == 0
    ran = cellfolio(*asked, "--cells", "a.csv", "--raw", "-o", "a.h5ad", "--where", SECTION)
    assert ran.code == 0, ran.err
    found = anndata.read_h5ad(tmp_path / "a.h5ad")
    assert found.shape == (890, 2)
    assert found.uns["cellfolio"]["matrix"] == "raw"
    ran = cellfolio(*asked, "--cells", "a.csv", "-o", "b.csv", "--where", "z=6", "--json")
    assert ran.code == 0, ran.err
    assert set(ran.document) >= {"genes", "files", "digests"}
    assert list(pd.read_csv(tmp_path / "b.csv")) == ["cell_label", "Mog", "Snap25"]


def test_slice(cellfolio: Cellfolio, atlas: str, tmp_path: Path) -> None:
    folder = tmp_path / "atlas" / VOLUMES
    template, labels = (folder / f"{one}_25.nii.gz" for one in ("average_template", "annotation"))
    ran = cellfolio("slice", template, "--at", "5.4P", "--outlines", labels, "-o", "a.png")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.splitlines() == [
        "volume  66 × 40 × 57, 0.2 × 0.2 × 0.2 mm, PIR",
        "slice   coronal 27, at 5.4 mm P",
        "values  0 to 191",
        "labels  3 structures",
        "written to a.png",
    ]
    check(cellfolio("slice", template, "--axis", "sagittal", "--json"), "slice")


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (["cells", "{atlas}"], "name a directory of the atlas with --directory"),
        (["cells", "{atlas}", "--directory", MERFISH, "--where", "class"], "COLUMN=VALUE"),
        (["cells", "{atlas}", "--directory", MERFISH, "-o", "a.tiff"], "expected one of .csv"),
        (["cells", "{atlas}", "--directory", MERFISH, "-o", "no/a.csv"], "no folder no"),
        (["cells", "{atlas}", "--directory", MERFISH, "--sides", "x", "-o", "a.png"], "two col"),
        (["genes", "{atlas}", "--gene", "Mog"], "name a directory"),
        (["slice", "{volume}", "--axis", "oblique"], "no plane 'oblique'"),
        (["slice", "{volume}", "--at", "99"], "outside of the volume"),
        (["slice", "{volume}", "--at", "1", "--index", "1"], "not both"),
        (["slice", "{table}"], "is no volume; it is a DataFrame"),
    ],
)
def test_what_cannot_be_done_is_said(
    cellfolio: Cellfolio, atlas: str, tmp_path: Path, args: list[str], told: str
) -> None:
    (tmp_path / "a.csv").write_text("a,b\n1,2\n")
    volume = tmp_path / "atlas" / VOLUMES / "annotation_25.nii.gz"
    named = {"atlas": atlas, "volume": str(volume), "table": str(tmp_path / "a.csv")}
    ran = cellfolio(*(one.format(**named) for one in args))
    assert ran.code == USAGE, ran.err
    assert told in ran.err
