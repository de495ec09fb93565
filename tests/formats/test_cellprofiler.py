"""Single cells in trees of CSV files."""

from __future__ import annotations

import gzip
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cellfolio
from cellfolio.errors import BrokenFile, InvalidArgument
from cellfolio.formats.delimited import exact_decimals
from cellfolio.formats.format import Source
from cellfolio.formats.single_cells.cellprofiler import CellProfilerCells
from cellfolio.formats.single_cells.object_table import open_object_table

IMAGE = "ImageNumber,Metadata_Plate,Metadata_Well,Metadata_Site\n"


def write_site(
    folder: Path, well: str, site: int, *, cells: int = 2, extra: str = "", number: int = 1
) -> Path:
    """Write the tables of a site whose values tell where they are from."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "Image.csv").write_text(f"{IMAGE}{number},P1,{well},{site}\n")
    for name, keys in (("Cells", "Parent_Nuclei"), ("Nuclei", ""), ("Cytoplasm", "Parent_Cells")):
        head = ["ImageNumber", "ObjectNumber", "Area", *filter(None, [keys, extra])]
        rows = [
            [number, at, f"{site}.{at}", *([at] if keys else []), *([7] if extra else [])]
            for at in range(1, cells + 1)
        ]
        lines: list[list[object]] = [list(head), *rows]
        text = "".join(",".join(map(str, line)) + "\r\n" for line in lines)
        (folder / f"{name}.csv").write_bytes(text.encode())
    return folder


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Three sites whose folders are not in their order."""
    write_site(tmp_path / "tree" / "c", "A01", 2)
    write_site(tmp_path / "tree" / "b" / "deep", "A01", 10)
    write_site(tmp_path / "tree" / "a", "B02", 1)
    return tmp_path / "tree"


def read(path: Path, *, keep_going: bool = False) -> tuple[pa.Table, dict[str, str]]:
    source = CellProfilerCells(path, keep_going=keep_going)
    batches = list(source.batches())
    assert {batch.table.schema for batch in batches} == {batches[0].table.schema}
    assert tuple(batches[0].table.column_names) == source.columns
    told = {one.path: one.what for batch in batches for one in batch.problems}
    return pa.concat_tables([batch.table for batch in batches]), told


def test_real_site_has_its_cells_and_numbers(shared: Path) -> None:
    site = shared / "data/cpjump1/single_cells"
    table, told = read(site)
    assert (len(table), told) == (109, {})
    assert table["Metadata_Well"].unique().to_pylist() == ["A01"]
    frames = {
        name: pd.read_csv(next(site.glob(f"*/{name}.csv")), **exact_decimals())
        for name in ("Cells", "Cytoplasm", "Nuclei")
    }
    base = frames["Cytoplasm"]
    for name, key in (("Cells", "Parent_Cells"), ("Nuclei", "Parent_Nuclei")):
        other = frames[name].set_index("ObjectNumber").loc[base[key]]
        check_columns(table, name, other)
    check_columns(table, "Cytoplasm", base)


def check_columns(table: pa.Table, name: str, frame: pd.DataFrame) -> None:
    keys = ("ImageNumber", "ObjectNumber", "Number_Object_Number")
    columns = [
        one for one in map(str, frame.columns) if one not in keys and not one.startswith("Parent_")
    ]
    assert len(columns) > 1900
    ours = table.select([f"{name}_{one}" for one in columns]).to_pandas().to_numpy()
    np.testing.assert_array_equal(ours, frame[columns].to_numpy(dtype=float))


def test_real_cells_become_the_profile_that_pandas_makes(shared: Path) -> None:
    source = cellfolio.open_cells(shared / "data/cpjump1/single_cells")
    found = cellfolio.aggregate_cells(source, count_objects=True)
    keys = ["Metadata_Plate", "Metadata_Well", "Metadata_Object_Count"]
    assert found[keys].to_numpy().tolist() == [["BR00116991", "A01", 109]]
    frame = pd.read_csv(
        next((shared / "data/cpjump1/single_cells").glob("*/Nuclei.csv")),
        **exact_decimals(),
    )
    columns = [one for one in frame.columns[2:] if one != "Number_Object_Number"]
    ours = found[[f"Nuclei_{one}" for one in columns]].to_numpy()[0]
    np.testing.assert_array_equal(ours, frame[columns].median().to_numpy())


def test_other_relations_can_be_asked_for(shared: Path) -> None:
    folder = shared / "data/example_human"
    assert len(read(folder)[0]) == 289
    source = CellProfilerCells(folder, compartments=("PH3", "Nuclei"))
    (batch,) = source.batches(["PH3_Location_Center_X", "Metadata_PH3_Parent_Nuclei"])
    known = pd.read_csv(folder / "PH3.csv").query("Parent_Nuclei > 0")
    assert batch.table["Metadata_PH3_Parent_Nuclei"].to_pylist() == known["Parent_Nuclei"].tolist()


def test_real_malformed_sites_are_told_and_the_rest_is_read(shared: Path) -> None:
    folder = shared / "data/misc/cytominer_database/data_b"
    with pytest.raises(BrokenFile, match=r"E17-4/Cells.csv .*empty"):
        CellProfilerCells(folder)
    table, told = read(folder, keep_going=True)
    assert told == {
        "E17-4/Cells.csv": "it is empty",
        "E17-4/Nuclei.csv": "it is empty",
        "N23-5/Image.csv": "it has no row",
        "J21-2/Cells.csv": "line 2 has 564 values, expected 586",
    }
    wells = table.group_by("Metadata_Well", use_threads=False).aggregate([([], "count_all")])
    assert wells.to_pylist() == [
        {"Metadata_Well": "A01", "count_all": 20},
        {"Metadata_Well": "B01", "count_all": 20},
    ]


def test_real_files_with_two_header_lines(shared: Path) -> None:
    folder = shared / "data/misc/cytominer_database/data_a"
    table, told = read(folder)
    assert told == {}
    known = pd.concat(
        [pd.read_csv(folder / one / "object.csv", header=[0, 1]) for one in ("1", "2")]
    )
    assert len(table) == len(known) == 40
    ours = np.sort(table["Nuclei_AreaShape_Area"].to_numpy())
    np.testing.assert_array_equal(ours, np.sort(known["Nuclei", "AreaShape_Area"].to_numpy()))
    assert set(table["Metadata_Well"].to_pylist()) >= {"A01", "A02", "A10"}


def test_sites_come_by_plate_well_and_site(tree: Path) -> None:
    table, _ = read(tree)
    places = list(
        zip(table["Metadata_Well"].to_pylist(), table["Metadata_Site"].to_pylist(), strict=True)
    )
    assert places == [("A01", 2)] * 2 + [("A01", 10)] * 2 + [("B02", 1)] * 2
    assert table["Cells_Area"].to_pylist() == [2.1, 2.2, 10.1, 10.2, 1.1, 1.2]
    assert CellProfilerCells(tree).wells_in_order


def test_compressed_files_and_prefixes_are_the_same(tree: Path) -> None:
    table, _ = read(tree)
    for path in list(tree.rglob("*.csv")):
        packed = path.with_name(f"MyExpt_{path.name}.gz")
        packed.write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()
    assert read(tree)[0].equals(table)


def test_many_images_of_a_folder(tmp_path: Path) -> None:
    images = "1,P1,A01,1\n2,P1,A01,2\n3,P1,A02,1\n"
    (tmp_path / "Image.csv").write_text(IMAGE + images)
    rows = "1,1,5\n1,2,6\n3,1,7\n"
    (tmp_path / "Cells.csv").write_text(f"ImageNumber,ObjectNumber,Area\n{rows}")
    source = CellProfilerCells(tmp_path)
    assert [len(batch.table) for batch in source.batches()] == [2, 0, 1]
    (tmp_path / "Cells.csv").write_text(f"ImageNumber,ObjectNumber,Area\n{rows}1,3,8\n")
    with pytest.raises(BrokenFile, match="rows of image 1 do not follow each other"):
        list(source.batches())
    (tmp_path / "Cells.csv").write_text("ImageNumber,ObjectNumber,Area\n9,1,1\n")
    with pytest.raises(BrokenFile, match=r"image 9 is not in Image.csv"):
        list(source.batches())


def test_names_of_folders_tell_where_the_table_does_not(tmp_path: Path) -> None:
    for name in ("BR-1-A01-2", "P9/B02/3"):
        write_site(tmp_path / name, "A01", 1)
        (tmp_path / name / "Image.csv").write_text("ImageNumber\n1\n")
    table, _ = read(tmp_path)
    columns = ["Metadata_Plate", "Metadata_Well", "Metadata_Site"]
    assert table.select(columns).to_pandas().drop_duplicates().to_numpy().tolist() == [
        ["BR-1", "A01", 2], ["P9", "B02", 3],
    ]  # fmt: skip


def test_columns_that_differ_are_null_and_told(tree: Path) -> None:
    write_site(tree / "d", "B03", 1, extra="New")
    table, told = read(tree)
    assert table["Nuclei_New"].to_pylist() == [None] * 6 + [7.0] * 2
    assert told["a/Nuclei.csv"] == "it lacks 1 columns that others have: New"
    assert len(told) == 9


def test_words_for_missing_values_are_null(tree: Path) -> None:
    head = "ImageNumber,ObjectNumber,Parent_Nuclei,Area\n"
    (tree / "a/Cells.csv").write_text(f"{head}1,1,1,nan\n1,2,2,\n")
    table, told = read(tree)
    assert told == {}
    assert table["Cells_Area"].to_pylist()[-2:] == [None, None]


def test_objects_without_partner_are_counted(tree: Path) -> None:
    head = "ImageNumber,ObjectNumber,Parent_Nuclei,Area\n"
    (tree / "a/Cells.csv").write_text(f"{head}1,1,0,3\n1,2,2,4\n")
    table, told = read(tree)
    assert table["Cells_Area"].to_pylist()[4:] == [4.0]
    assert told == {"a/Cytoplasm.csv": "1 of 2 objects have no partner in the other tables"}


DAMAGE = {
    "it is empty": ("Cells.csv", ""),
    "there is no such file": ("Nuclei.csv", None),
    "Image.csv cannot be read as csv: there is no": ("Image.csv", None),
    "its header has no": ("Cells.csv", "a,b\n1,2\n"),
    "line 3 has 3 values, expected 4": (
        "Cells.csv", "ImageNumber,ObjectNumber,Parent_Nuclei,Area\n1,1,1,4\n1,2,1\n",
    ),
    "column Area should hold numbers, found 'big'": (
        "Cells.csv", "ImageNumber,ObjectNumber,Parent_Nuclei,Area\n1,1,1,big\n",
    ),
    "has object 1 more than once": (
        "Cells.csv", "ImageNumber,ObjectNumber,Parent_Nuclei,Area\n1,1,1,3\n1,1,2,4\n",
    ),
    "is there twice": ("Cells.csv", "ImageNumber,ObjectNumber,Area,Area\n1,1,1,3\n"),
    "should hold whole numbers": ("Nuclei.csv", "ImageNumber,ObjectNumber,Area\n1,1.5,1\n"),
    "cannot be linked": ("Cytoplasm.csv", "ImageNumber,ObjectNumber,Area\n1,1,1\n"),
    "it has no column ImageNumber": ("Image.csv", "Number\n1\n"),
    "it has no row": ("Image.csv", IMAGE),
    "plate, well and site P1 A01 2 are those of c/Image.csv, too": (
        "Image.csv", f"{IMAGE}1,P1,A01,2\n",
    ),
}  # fmt: skip


@pytest.mark.parametrize("told", DAMAGE)
def test_damage_is_named_or_left_out(tree: Path, told: str) -> None:
    name, text = DAMAGE[told]
    target = tree / "zz"
    write_site(target, "C03", 1)
    (target / name).unlink() if text is None else (target / name).write_text(text)
    with pytest.raises(BrokenFile) as caught:
        list(CellProfilerCells(tree).batches())
    assert told in str(caught.value)
    table, problems = read(tree, keep_going=True)
    assert len(table) == 6
    assert {path.split("/")[0] for path in problems} == {"zz"} or "lacks" in str(problems)


def test_damaged_compression_is_named(tree: Path) -> None:
    packed = gzip.compress((tree / "a/Cells.csv").read_bytes() * 1000)
    (tree / "a/Cells.csv").unlink()
    (tree / "a/Cells.csv.gz").write_bytes(packed[:-20])
    with pytest.raises(BrokenFile, match=r"a/Cells.csv.gz"):
        list(CellProfilerCells(tree).batches())


def test_folder_of_something_else(tmp_path: Path) -> None:
    (tmp_path / "notes.csv").write_text("a,b\n1,2\n")
    with pytest.raises(InvalidArgument, match="no tables of objects"):
        CellProfilerCells(tmp_path)


@settings(max_examples=40)
@given(st.lists(st.floats(width=64), min_size=2, max_size=30))
def test_every_number_is_the_nearest_double(
    tmp_path_factory: pytest.TempPathFactory, values: list[float]
) -> None:
    path = tmp_path_factory.mktemp("numbers") / "Cells.csv"
    names = ",".join(f"x{at}" for at in range(len(values)))
    forms = ",".join(map(repr, values))
    path.write_text(f"ImageNumber,ObjectNumber,{names}\n1,1,{forms}\n")
    table = open_object_table(Source(path, "Cells.csv"))
    assert table is not None
    ((number, lines),) = table.images()
    assert number == 1
    np.testing.assert_array_equal(table.read(lines)[2:, 0], values)
    shutil.rmtree(path.parent)


def test_some_columns_are_those_of_all(tree: Path) -> None:
    source = CellProfilerCells(tree)
    wanted = ["Nuclei_Area", "Metadata_Well", "Cells_Area"]
    some: Iterator[pa.Table] = (batch.table for batch in source.batches(wanted))
    assert pa.concat_tables(some).equals(read(tree)[0].select(wanted))
    with pytest.raises(InvalidArgument, match="no column 'Cells_Aera'"):
        list(source.batches(["Cells_Aera"]))
