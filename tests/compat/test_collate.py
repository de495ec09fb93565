"""collate: folders of CSV files become a database that the peer reads, and its profiles."""

from __future__ import annotations

import shutil
import sqlite3
import warnings
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cellfolio.compat.pycytominer.cyto_utils import collate
from cellfolio.errors import BrokenFile, InvalidArgument, ObjectNotFound
from cellfolio.formats.single_cells.opening import open_cells
from tests.formats.test_cellprofiler import write_site

WELLS = ["Metadata_Plate", "Metadata_Well"]
QUIET: dict[str, Any] = {"printtoscreen": False}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Three sites of two wells, with measurements of images."""
    folder = tmp_path / "analysis/b1/P1/analysis"
    for at, (well, site) in enumerate((("A01", 1), ("A01", 2), ("B02", 1)), 1):
        place = write_site(folder / f"{well}-{site}", well, site, cells=at + 1)
        (place / "Image.csv").write_text(
            "ImageNumber,Metadata_Plate,Metadata_Well,Metadata_Site,Count_Cells,Granularity_1_DNA,"
            f"Texture_Contrast\n1,P1,{well},{site},{at + 1},{at}.5,0.{at}\n"
        )
    return tmp_path


def peer_profiles(database: Path, **options: Any) -> pd.DataFrame:
    """Return what the peer makes of a database."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pycytominer.cyto_utils.cells import SingleCells

        cells: Any = SingleCells(f"sqlite:///{database}", aggregation_operation="mean", **options)
        found: pd.DataFrame = cells.aggregate_profiles()
        cells.conn.close()
        cells.engine.dispose()
    return found


@pytest.mark.parametrize("categories", [None, ["Granularity", "Texture", "Count"], ["Count"]])
def test_profiles_are_those_of_the_peer(tree: Path, categories: list[str] | None) -> None:
    options: dict[str, Any] = {"add_image_features": categories is not None}
    options["image_feature_categories"] = categories
    collate("b1", "ingest.ini", "P1", str(tree), **options, **QUIET)
    backend = tree / "backend/b1/P1"
    assert sorted(path.name for path in backend.iterdir()) == ["P1.csv", "P1.sqlite"]
    found = pd.read_csv(backend / "P1.csv")
    expected = peer_profiles(backend / "P1.sqlite", **options)
    # Numbers of parents are no features here.
    expected = expected[[name for name in map(str, expected) if "_Parent_" not in name]]
    assert set(found) == set(expected)
    pd.testing.assert_frame_equal(found[list(expected)], expected, check_dtype=False)
    assert found["Metadata_Object_Count"].tolist() == [5, 4]
    assert found["Metadata_Site_Count"].tolist() == [2, 1]
    if categories is not None:
        assert found["Metadata_Count_Cells"].tolist() == [5, 4]


def test_cells_of_the_database_are_those_of_the_files(tree: Path) -> None:
    collate("b1", "", "P1", str(tree), add_image_features=False, **QUIET)
    of_files = open_cells(tree / "analysis/b1/P1/analysis")
    of_database = open_cells(tree / "backend/b1/P1/P1.sqlite")
    features = [name for name in of_files.columns if name.endswith("_Area")]
    one, other = (
        pd.concat([batch.table.to_pandas() for batch in source.batches([*WELLS, *features])])
        for source in (of_files, of_database)
    )
    assert len(one) == 9
    np.testing.assert_array_equal(one.to_numpy(), other.to_numpy())


def test_real_sites_are_those_of_the_peer(shared: Path, tmp_path: Path) -> None:
    source = shared / "data/misc/cytominer_database/data_b"
    tree = tmp_path / "analysis/b/SQ00015116/analysis"
    for name in ("A01-1", "A01-2", "B01-1"):
        shutil.copytree(source / name, tree / name)
    collate("b", "", "SQ00015116", str(tmp_path), add_image_features=False, **QUIET)
    backend = tmp_path / "backend/b/SQ00015116"
    found = pd.read_csv(backend / "SQ00015116.csv")
    expected = peer_profiles(backend / "SQ00015116.sqlite")
    shown = [name for name in map(str, found) if not name.startswith("Metadata_")]
    assert len(found) == 2
    assert len(shown) > 1000
    assert set(expected.columns.difference(found.columns)) == {
        name for name in map(str, expected) if "_Parent_" in name or name.endswith("_Object_Number")
    }
    linked = found["Metadata_Object_Count"] == expected["Metadata_Object_Count"]
    assert linked.any()
    np.testing.assert_allclose(
        found.loc[linked, shown].to_numpy(float), expected.loc[linked, shown].to_numpy(float),
        rtol=1e-9,
    )  # fmt: skip


def test_file_with_all_compartments_is_told_apart(tree: Path) -> None:
    """As cytominer-database did when `munge` was asked for."""
    folder = tree / "analysis/b1/P1/analysis"
    for site in folder.iterdir():
        cells = len((site / "Cells.csv").read_text().splitlines()) - 1
        for path in site.glob("[CN]*.csv"):
            path.unlink()
        lines = [
            "Image,Cells,Cells,Cytoplasm,Cytoplasm,Cytoplasm,Nuclei,Nuclei",
            "ImageNumber,ObjectNumber,Area,Parent_Cells,Parent_Nuclei,Area,Area,Radius",
            *(f"1,{at},{at}0,{at},{at},{at}1,,{at}3" for at in range(1, cells + 1)),
        ]
        (site / "object.csv").write_text("\n".join(lines) + "\n")
    options: dict[str, Any] = {"add_image_features": False, **QUIET}
    collate("b1", "", "P1", str(tree), munge=True, **options)
    with closing(sqlite3.connect(tree / "backend/b1/P1/P1.sqlite")) as file:
        rows = file.execute("SELECT * FROM Nuclei ORDER BY ObjectNumber DESC").fetchall()
        names = [row[1] for row in file.execute("PRAGMA table_info(Cytoplasm)")]
    assert rows[0][1:] == (1, 4, None, 43.0)
    assert names[1:3] == ["ImageNumber", "ObjectNumber"]
    assert names[3:] == [f"Cytoplasm_{name}" for name in ("Parent_Cells", "Parent_Nuclei", "Area")]
    assert pd.read_csv(tree / "backend/b1/P1/P1.csv")["Metadata_Object_Count"].tolist() == [5, 4]


def test_plate_of_another_column(tree: Path) -> None:
    for path in (tree / "analysis").rglob("Image.csv"):
        path.write_text(path.read_text().replace("Metadata_Plate", "Metadata_Barcode"))
    options: dict[str, Any] = {"add_image_features": False, **QUIET}
    with pytest.raises(InvalidArgument, match="has no column 'Plate'"):
        collate("b1", "", "P1", str(tree), column="Plate", **options)
    assert not (tree / "backend/b1/P1/P1.sqlite").exists()
    collate("b1", "", "P1", str(tree), column="Metadata_Barcode", **options)
    found = pd.read_csv(tree / "backend/b1/P1/P1.csv")
    assert found["Metadata_Plate"].tolist() == ["P1", "P1"]


def test_database_is_kept_unless_told(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ObjectNotFound, match=r"there is no file .*P1\.sqlite"):
        collate("b1", "", "P1", str(tree), aggregate_only=True, **QUIET)
    collate("b1", "", "P1", str(tree), add_image_features=False)
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == [
        "Ingesting",
        "Aggregating",
    ]
    database = tree / "backend/b1/P1/P1.sqlite"
    before = database.read_bytes()
    with pytest.raises(InvalidArgument, match=r"P1\.sqlite is there"):
        collate("b1", "", "P1", str(tree), **QUIET)
    (tree / "backend/b1/P1/P1.csv").unlink()
    collate("b1", "", "P1", str(tree), aggregate_only=True, add_image_features=False, **QUIET)
    assert (tree / "backend/b1/P1/P1.csv").is_file()
    shutil.rmtree(tree / "analysis/b1/P1/analysis/B02-1")
    (tree / "analysis/b1/P1/analysis/A01-1/Cells.csv").write_text("")
    with pytest.raises(BrokenFile, match="it is empty"):
        collate("b1", "", "P1", str(tree), overwrite=True, **QUIET)
    assert database.read_bytes() == before
    assert [path.name for path in database.parent.glob(".*")] == []


def test_what_is_not_done_is_refused(tree: Path) -> None:
    with pytest.raises(InvalidArgument, match="aws_remote is not done"):
        collate("b1", "", "P1", str(tree), aws_remote="s3://bucket/workspace")
    with pytest.raises(ObjectNotFound, match="there is no folder"):
        collate("b1", "", "P9", str(tree))
    with pytest.raises(InvalidArgument, match="begins with 'ImageQuality'"):
        collate("b1", "", "P1", str(tree), **QUIET)
    wide = tree / "analysis/b1/P1/analysis/A01-1/Nuclei.csv"
    names = ",".join(f"F{at}" for at in range(2100))
    wide.write_text(f"ImageNumber,ObjectNumber,{names}\n1,1{',0' * 2100}\n")
    with pytest.raises(InvalidArgument, match="too many columns"):
        collate("b1", "", "P1", str(tree), overwrite=True, **QUIET)
