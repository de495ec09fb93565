"""Questions to packages."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import anndata
import numpy as np
import pandas as pd
import pytest

import cellfolio
from cellfolio import Entry, Home, Package
from cellfolio.errors import BrokenFile, EntryNotFound, InvalidArgument, TransferIncomplete
from cellfolio.workflows.querying import get_found
from tests.metadata.study import write_study

WELLS = "well,gene,image\nA01,TTN,images/a.tiff\nA02,MYH6,images/b[1].tiff\nA03,,images/gone.tiff\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a table of each kind."""
    folder = tmp_path / "data"
    (folder / "screen" / "images").mkdir(parents=True)
    (folder / "screen" / "wells.csv").write_text(WELLS)
    for name in ("a", "b[1]", "b1", "c"):
        (folder / "screen" / "images" / f"{name}.tiff").write_bytes(name.encode() * 50)
    frame = pd.DataFrame({"well": ["A01", "A02"], "n": [1, 2]})
    frame.to_parquet(folder / "p.parquet")
    frame.to_csv(folder / "t.tsv.gz", sep="\t", index=False)
    (folder / "j.json").write_text(json.dumps([{"well": "A01", "x": {"y": 1}}, {"n": 3}]))
    (folder / "l.jsonl").write_text('{"well": "A01"}\n{"well": "A02", "n": 5}\n')
    (folder / "one.json").write_text('{"well": "A01"}')
    (folder / "broken.csv").write_text("a,b\n1,2\n1,2,3\n")
    with closing(sqlite3.connect(folder / "d.sqlite")) as database, database:
        frame.to_sql("Layout", database, index=False)
    database.close()
    anndata.AnnData(
        np.ones((2, 3), dtype="float32"),
        obs=pd.DataFrame({"day": pd.Categorical(["D0", "D12"])}, index=["c1", "c2"]),
        var=pd.DataFrame({"gene": ["g1", "g2", "g3"]}, index=["v1", "v2", "v3"]),
    ).write_h5ad(folder / "h.h5ad")
    return folder


@pytest.mark.parametrize(
    ("sql", "rows"),
    [
        ("select n from p where well = 'A02'", [[2]]),
        ("select n from 't.tsv.gz' order by n", [[1], [2]]),
        ("select n, x->>'y' from j order by n", [[3, None], [None, "1"]]),
        ("select sum(n) from l", [[5]]),
        ('select n from "d.sqlite/Layout" where n > 1', [[2]]),
        ("select obs_names from \"h.h5ad/obs\" where day = 'D12'", [["c2"]]),
        ("select count(*) from h_var", [[3]]),
        ("select p.n + l.n from p join l using (well)", [[None], [7]]),
        ("select count(*) from entries where suffix = '.tiff'", [[4]]),
        ("select gene from screen_wells w join p on w.well = p.well where n = 1", [["TTN"]]),
    ],
)
def test_every_kind_of_table_can_be_asked(
    folder: Path, home: Home, sql: str, rows: list[list[object]]
) -> None:
    found = cellfolio.query(str(folder), sql, home=home).table
    told = [[None if pd.isna(cell) else cell for cell in row] for row in _rows(found)]
    assert sorted(map(str, told)) == sorted(map(str, rows))


def _rows(frame: pd.DataFrame) -> list[list[Any]]:
    rows: list[list[Any]] = frame.astype(object).to_numpy().tolist()
    return rows


def test_only_the_tables_that_are_named_are_fetched(folder: Path, home: Home) -> None:
    cellfolio.query(str(folder), "select * from p", home=home)
    here = {table.key for table in cellfolio.tables(str(folder), home=home) if table.here}
    assert here == {"", "p.parquet"}


def test_a_table_that_is_not_what_was_promised_is_not_read(folder: Path, home: Home) -> None:
    package = cellfolio.open(str(folder), home=home)
    (folder / "p.parquet").write_bytes((folder / "p.parquet").read_bytes()[::-1])
    with pytest.raises(TransferIncomplete, match=r"p\.parquet"):
        cellfolio.query(package, "select * from p", home=home)


def test_broken_and_other_files_are_named(folder: Path, home: Home) -> None:
    with pytest.raises(BrokenFile, match=r"broken\.csv cannot be read as csv: line 3"):
        cellfolio.query(str(folder), "select * from broken", home=home)
    with pytest.raises(InvalidArgument, match=r"one\.json is no table.*found dict"):
        cellfolio.query(str(folder), "select * from one", home=home)
    with pytest.raises(InvalidArgument, match="no table 'nothing'"):
        cellfolio.query(str(folder), 'select * from "d.sqlite/nothing"', home=home)


def test_a_query_of_a_table_finds_files_relative_to_it(folder: Path, home: Home) -> None:
    found = cellfolio.query(
        str(folder), "select image from wells where gene is not null", home=home
    )
    keys = ["screen/images/a.tiff", "screen/images/b[1].tiff"]
    assert [entry.logical_key for entry in found.entries] == keys
    assert found.unknown == ()
    assert [entry.logical_key for entry in found.package.walk()] == keys


def test_names_of_missing_files_are_told_not_ignored(folder: Path, home: Home) -> None:
    found = cellfolio.query(str(folder), "select image from wells", home=home)
    with pytest.raises(InvalidArgument, match="1 of 3 values of image name none"):
        _ = found.entries
    found = found.naming("image")
    assert found.unknown == ("images/gone.tiff",)
    assert len(found.entries) == 2


def test_which_column_names_files_is_asked_if_several_do(folder: Path, home: Home) -> None:
    sql = "select logical_key as a, logical_key as b from entries where suffix = '.tiff'"
    found = cellfolio.query(str(folder), sql, home=home)
    with pytest.raises(InvalidArgument, match="several columns name files: a, b"):
        _ = found.entries
    assert len(found.naming("b").entries) == 4
    with pytest.raises(InvalidArgument, match="no column 'c'"):
        _ = found.naming("c").entries
    with pytest.raises(InvalidArgument, match="no column of the result names files"):
        _ = cellfolio.query(str(folder), "select well from wells", home=home).entries


def test_just_the_found_files_are_got_whatever_their_names(
    folder: Path, home: Home, tmp_path: Path
) -> None:
    cellfolio.build(folder, "lab/screen", home=home)
    found = cellfolio.query("lab/screen", "select image from wells where gene = 'MYH6'", home=home)
    got = get_found(found, tmp_path / "out", home)
    files = [path.name for path in (tmp_path / "out").rglob("*.tiff")]
    assert files == ["b[1].tiff"]
    assert got.placed == 1
    damaged = tmp_path / "out" / "screen/images/b[1].tiff"
    assert cellfolio.verify(tmp_path / "out", home=home).right == 1
    assert damaged.read_bytes() == b"b[1]" * 50
    # Another question later adds to the folder, and takes nothing away.
    more = cellfolio.query("lab/screen", where=["name=c.tiff"], home=home)
    get_found(more, tmp_path / "out", home)
    assert sorted(path.name for path in (tmp_path / "out").rglob("*.tiff")) == [
        "b[1].tiff", "c.tiff"
    ]  # fmt: skip


def test_nothing_found_gets_nothing(folder: Path, home: Home, tmp_path: Path) -> None:
    found = cellfolio.query(str(folder), where=["name=none"], home=home)
    assert found.table.empty
    with pytest.raises(EntryNotFound, match="names no file"):
        get_found(found, tmp_path / "out", home)
    assert not (tmp_path / "out").exists()


def test_a_subset_is_a_package_that_copies_nothing_and_tells_its_origin(
    folder: Path, home: Home
) -> None:
    whole = cellfolio.build(folder, "lab/screen", home=home).package
    blobs = sorted(home.blobs.all())
    found = cellfolio.query("lab/screen", where=["name~*.tiff", "size>50"], home=home)
    kept = cellfolio.save(found.package, "lab/images", home=home)
    assert sorted(home.blobs.all()) == blobs
    assert cellfolio.open("lab/images", home=home) == kept
    for entry in kept.walk():
        assert entry == whole.entry(entry.logical_key)
    origin = kept.meta["subset_of"]
    assert origin["package"] == "lab/screen"
    assert origin["registry"] == home.registry_uri
    assert origin["top_hash"] == whole.top_hash
    assert origin["where"] == ["name~*.tiff", "size>50"]
    assert cellfolio.save(found.package, "lab/images", home=home) == kept
    assert len(cellfolio.log("lab/images", home=home)) == 1
    assert cellfolio.verify("lab/images", home=home).right == 2


def test_conditions_reach_the_metadata_of_files_and_folders(home: Home) -> None:
    package = Package.of(
        [
            Entry("a/1.tiff", "s3://b/1", 10, meta={"user_meta": {"gene": "TTN", "size": "big"}}),
            Entry("a/2.tiff", "s3://b/2", 20, meta={"user_meta": {"channels": [{"dye": "DAPI"}]}}),
            Entry("b/3.tiff", "s3://b/3"),
        ],
        folder_meta={"a": {"day": 30, "gene": "MYH6"}, "a/b": {}},
    )

    def keys(*where: str) -> list[str]:
        found = cellfolio.query(package, where=where, home=home)
        return [entry.name for entry in found.entries]

    assert keys("gene=TTN") == ["1.tiff"]
    assert keys("gene=MYH6") == ["2.tiff"]
    assert keys("folder_meta.gene=MYH6") == ["1.tiff", "2.tiff"]
    assert keys("user_meta.size=big") == ["1.tiff"]
    assert keys("channels.dye~dapi", "day>=30") == ["2.tiff"]
    assert keys("gene=") == ["3.tiff"]
    assert keys("size=") == ["3.tiff"]
    with pytest.raises(InvalidArgument, match="has a field 'gen'") as told:
        keys("gen=TTN")
    assert told.value.hint == "did you mean gene?"
    meta = cellfolio.query(package, "select gene, day from entry_meta order by gene", home=home)
    assert meta.table["gene"].tolist()[:2] == ["MYH6", "TTN"]
    assert str(meta.table["day"].dtype) == "Int64"
    found = cellfolio.query(
        package, "select user_meta->>'gene' g from entries where size = 10", home=home
    )
    assert found.table["g"].tolist() == ["TTN"]


def test_conditions_select_rows_of_a_table_and_of_a_result(folder: Path, home: Home) -> None:
    found = cellfolio.query(str(folder), table="wells", where=["gene~m*"], home=home)
    assert found.table["well"].tolist() == ["A02"]
    found = cellfolio.query(
        str(folder), "select well, n * 10 as m from p", where=["m>10"], home=home
    )
    assert found.table.to_numpy().tolist() == [["A02", 20]]
    with pytest.raises(InvalidArgument, match="no column 'genes'") as told:
        cellfolio.query(str(folder), table="wells", where=["genes=x"], home=home)
    assert told.value.hint == "did you mean gene?"


def test_a_path_asks_only_a_part(folder: Path, home: Home) -> None:
    cellfolio.build(folder, "lab/screen", home=home)
    found = cellfolio.query("lab/screen/screen", "select count(*) n from entries", home=home)
    assert found.table["n"].tolist() == [5]
    with pytest.raises(InvalidArgument, match="no table 'p'"):
        cellfolio.query("lab/screen/screen", "select * from p", home=home)


@pytest.mark.parametrize("arguments", [{}, {"sql": "select 1", "table": "p"}])
def test_asking_nothing_or_twice_is_refused(
    folder: Path, home: Home, arguments: dict[str, str]
) -> None:
    with pytest.raises(InvalidArgument):
        cellfolio.query(str(folder), **arguments, home=home)  # type: ignore[arg-type]


def test_the_study_is_recognised_and_its_cells_name_their_images(
    tmp_path: Path, home: Home
) -> None:
    write_study(tmp_path / "study")
    sql = "select rescaled_2D_single_cell_tiff_path as image from cells where mh_score > 3"
    found = cellfolio.query(str(tmp_path / "study"), sql, home=home)
    assert len(found.entries) == 2
    assert found.joined is not None
    assert [one.partition(" ")[0] for one in found.joined.without_cells] == ["13"]
    joined = cellfolio.cardio_cells(cellfolio.open(str(tmp_path / "study"), home=home), home=home)
    pd.testing.assert_frame_equal(joined.table, found.joined.table)


def test_folders_of_either_form_are_found(tmp_path: Path, home: Home) -> None:
    study = write_study(tmp_path / "study")
    (study / "2d_nuclear_masks").rename(study / "segmented_nuc_labels")
    (study / "automated_local_and_global_structure").rename(study / "assay_dev_fish_analysis")
    joined = cellfolio.cardio_cells(cellfolio.open(str(study), home=home), home=home)
    assert not [p for one in joined.reports for p in one.problems if p.kind == "absent"]


def test_other_packages_have_no_cells(folder: Path, home: Home) -> None:
    with pytest.raises(InvalidArgument, match="no cells of the cardiomyocyte study"):
        cellfolio.query(str(folder), "select * from cells", home=home)
    assert "cells" not in [table.name for table in cellfolio.tables(str(folder), home=home)]


def test_real_tables_of_the_study(shared: Path, home: Home) -> None:
    found = cellfolio.query(
        str(shared / "data/aics/cardio"), "select count(distinct fov_id) f from cells", home=home
    )
    assert found.table["f"].tolist() == [478]


def test_real_table_of_the_institute_is_asked(shared: Path, home: Home) -> None:
    place = str(shared / "data/aics/tables")
    path = shared / "data/aics/tables/actk_aics_ic_data.csv"
    found = cellfolio.query(place, "select count(*) n from actk_aics_ic_data", home=home)
    assert found.table["n"].tolist() == [len(pd.read_csv(path))]
