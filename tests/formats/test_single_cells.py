"""Sources of single cells: what each promises, real files, and files that are broken."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cellfolio.errors import BrokenFile, InvalidArgument, UnknownFormat
from cellfolio.formats.single_cells.opening import open_cells
from cellfolio.formats.single_cells.source import CellProblem, CellSource

CELLS = pd.DataFrame(
    {
        "Metadata_Plate": ["P1", "P1", "P1", "P2"],
        "Metadata_Well": ["A01", "A01", "A02", "A01"],
        "Metadata_Site": ["1", "2", "1", "1"],
        "Cells_A": [1.0, 2.0, 3.0, 4.0],
        "Nuclei_B": [np.nan, 5.0, 6.0, 7.0],
    }
)


def write_parquet(folder: Path) -> Path:
    path = folder / "plates"
    path.mkdir()
    CELLS[:3].to_parquet(path / "p1.parquet")
    CELLS[3:].rename(columns=lambda name: name.replace("Metadata", "Image_Metadata")).to_parquet(
        path / "p2.parquet"
    )
    return path


def write_sqlite(folder: Path) -> Path:
    """Write the cells in reverse, with a nucleus without cell, and a cell without nucleus."""
    path = folder / "plate.sqlite"
    with closing(sqlite3.connect(path)) as file, file:
        file.execute(
            "CREATE TABLE Image (TableNumber TEXT, ImageNumber BIGINT, Image_Metadata_Plate TEXT, "
            "Image_Metadata_Well TEXT, Image_Metadata_Site TEXT)"
        )
        keys = "TableNumber TEXT, ImageNumber BIGINT, ObjectNumber BIGINT"
        file.execute(f"CREATE TABLE Cells ({keys}, Cells_A FLOAT)")
        file.execute(
            f"CREATE TABLE Cytoplasm ({keys}, Cytoplasm_Parent_Cells BIGINT, "
            "Cytoplasm_Parent_Nuclei BIGINT)"
        )
        file.execute(f"CREATE TABLE Nuclei ({keys}, Nuclei_B FLOAT)")
        for at, cell in CELLS[::-1].iterrows():
            key = (f"t{at}", 5)
            file.execute("INSERT INTO Image VALUES (?,?,?,?,?)", (*key, *cell.iloc[:3]))
            file.execute("INSERT INTO Cells VALUES (?,?,1,?)", (*key, cell["Cells_A"]))
            file.execute("INSERT INTO Nuclei VALUES (?,?,1,99)", key)
            file.execute("INSERT INTO Nuclei VALUES (?,?,2,?)", (*key, cell["Nuclei_B"]))
            file.execute("INSERT INTO Cytoplasm VALUES (?,?,1,1,2)", key)
            file.execute("INSERT INTO Cytoplasm VALUES (?,?,2,1,7)", key)
            file.execute("INSERT INTO Cytoplasm VALUES (?,?,3,0,2)", key)
    file.close()
    return path


def write_npz(folder: Path) -> Path:
    for at, (plate, well, site) in enumerate(CELLS.iloc[:, :3].itertuples(index=False)):
        tail = f"{well}/{site}.npz" if at % 2 else f"{well}_{site}.npz"
        path = folder / "features" / plate / tail
        path.parent.mkdir(parents=True, exist_ok=True)
        features = np.array([[at, 0.5]], np.float32)
        about: Any = np.array({"Metadata_Plate": "lies"}, dtype=object)
        np.savez_compressed(path, features=features, metadata=about, locations=[[3, at]])
    return folder / "features"


WRITERS = {"parquet": write_parquet, "sqlite": write_sqlite, "npz": write_npz}


def read(source: CellSource, columns: list[str] | None = None) -> pd.DataFrame:
    tables = [batch.table.to_pandas() for batch in source.batches(columns)]
    found: pd.DataFrame = pd.concat(tables, ignore_index=True)
    return found


def problems(source: CellSource) -> list[CellProblem]:
    return [one for batch in source.batches() for one in batch.problems]


@pytest.mark.parametrize("kind", WRITERS)
def test_every_source_keeps_its_promises(tmp_path: Path, kind: str) -> None:
    source = open_cells(WRITERS[kind](tmp_path))
    schemas = [batch.table.schema for batch in source.batches()]
    assert all(schema.equals(schemas[0]) for schema in schemas)
    assert tuple(schemas[0].names) == source.columns
    names = [name for name in source.columns if not name.startswith("Metadata_")]
    assert source.columns[-len(names) :] == tuple(names)
    whole = read(source)
    pd.testing.assert_frame_equal(read(source), whole)
    some = [names[-1], "Metadata_Well"]
    pd.testing.assert_frame_equal(read(source, some), whole[some])
    pd.testing.assert_frame_equal(
        whole.iloc[:, :3].astype(object), CELLS.iloc[:, :3].astype(object)
    )
    with pytest.raises(InvalidArgument, match="no column 'Cells_Z'"):
        list(source.batches(["Cells_Z"]))


@pytest.mark.parametrize("kind", ["parquet", "sqlite"])
def test_features_are_those_of_the_cells(tmp_path: Path, kind: str) -> None:
    found = read(open_cells(WRITERS[kind](tmp_path)), ["Cells_A", "Nuclei_B"])
    pd.testing.assert_frame_equal(found, CELLS[["Cells_A", "Nuclei_B"]])


def test_deepprofiler_never_unpickles(tmp_path: Path) -> None:
    found = read(open_cells(write_npz(tmp_path)))
    assert found["efficientnet_0"].tolist() == [0, 1, 2, 3]
    assert found["Metadata_Plate"].tolist() == ["P1", "P1", "P1", "P2"]
    assert found["Metadata_Location_Center_Y"].tolist() == [0, 1, 2, 3]


def test_objects_keep_their_numbers(tmp_path: Path) -> None:
    found = read(open_cells(write_sqlite(tmp_path)))
    assert found["Metadata_Nuclei_Number_Object_Number"].tolist() == [2] * 4
    assert found["Metadata_Cytoplasm_Parent_Cells"].tolist() == [1] * 4
    assert found["Metadata_TableNumber"].tolist() == ["t0", "t1", "t2", "t3"]


def joined(path: Path, prefix: str, keys: list[str], number: str) -> pd.DataFrame:
    """Join the tables of a database with pandas alone."""
    with closing(sqlite3.connect(f"file:{path}?immutable=1", uri=True)) as file, file:
        tables = {
            name: pd.read_sql_query(f"SELECT * FROM {prefix}{name}", file)
            for name in ("Image", "Cytoplasm", "Cells", "Nuclei")
        }
    file.close()
    found = tables["Cytoplasm"]
    for name in ("Cells", "Nuclei"):
        other = tables[name].rename(columns={number.format(name): "number"})
        left = [*keys, f"Cytoplasm_Parent_{name}"]
        found = found.merge(other, left_on=left, right_on=[*keys, "number"], suffixes=("", "_2"))
    image = tables["Image"][
        [*keys, *(c for c in tables["Image"].columns if "_Metadata_" in str(c))]
    ]
    return found.merge(image, on=keys)


@pytest.mark.parametrize(
    ("name", "prefix", "keys", "number"),
    [
        ("all_cellprofiler", "Per_", ["ImageNumber"], "{}_Number_Object_Number"),
        ("test-SQ00014613", "", ["TableNumber", "ImageNumber"], "ObjectNumber"),
    ],
)
def test_real_databases_give_what_pandas_joins(
    shared: Path, name: str, prefix: str, keys: list[str], number: str
) -> None:
    path = shared / "data/misc/sqlite" / f"{name}.sqlite"
    source = open_cells(path)
    found = read(source)
    expected = joined(path, prefix, keys, number)
    order = ["Image_Metadata_Plate", "Image_Metadata_Well", "ImageNumber", "Cytoplasm_Parent_Cells"]
    expected = expected.sort_values(order).reset_index(drop=True)
    order = [one.replace("Image_", "") for one in order[:2]]
    order += ["Metadata_ImageNumber", "Metadata_Cytoplasm_Parent_Cells"]
    found = found.sort_values(order).reset_index(drop=True)
    assert len(found) == len(expected) > 0
    features = [one for one in source.columns if not one.startswith("Metadata_")]
    assert len(features) > 1_000
    numbers = expected[features].apply(pd.to_numeric, errors="coerce").astype(float)
    pd.testing.assert_frame_equal(found[features], numbers)
    assert found["Metadata_Well"].tolist() == expected["Image_Metadata_Well"].tolist()


def test_nuclei_are_found_through_the_cells(tmp_path: Path) -> None:
    """The cytoplasm names its cell only, and the cell its nucleus."""
    path = write_sqlite(tmp_path)
    with closing(sqlite3.connect(path)) as file, file:
        file.execute("ALTER TABLE Cytoplasm DROP COLUMN Cytoplasm_Parent_Nuclei")
        file.execute("ALTER TABLE Cells ADD COLUMN Cells_Parent_Nuclei BIGINT")
        file.execute("UPDATE Cells SET Cells_Parent_Nuclei = 2 WHERE TableNumber <> 't3'")
        file.execute("DELETE FROM Cytoplasm WHERE ObjectNumber = 2")
    file.close()
    found = read(open_cells(path))
    assert found["Metadata_TableNumber"].tolist() == ["t0", "t1", "t2"]
    assert found["Cells_A"].tolist() == [1, 2, 3]
    np.testing.assert_array_equal(found["Nuclei_B"], [np.nan, 5, 6])
    assert found["Metadata_Cells_Parent_Nuclei"].tolist() == [2] * 3
    assert found["Metadata_Nuclei_Number_Object_Number"].tolist() == [2] * 3


def test_database_without_cells_gives_an_empty_table(tmp_path: Path) -> None:
    path = write_sqlite(tmp_path)
    with closing(sqlite3.connect(path)) as file, file:
        file.execute("DELETE FROM Cytoplasm")
    file.close()
    source = open_cells(path)
    assert read(source).shape == (0, len(source.columns))


def test_table_that_refers_to_itself_is_named(tmp_path: Path) -> None:
    """An interior page without cells, whose last child is the page itself."""
    path = write_sqlite(tmp_path)
    with closing(sqlite3.connect(path)) as file, file:
        ((root,),) = file.execute("SELECT rootpage FROM sqlite_master WHERE name = 'Nuclei'")
    file.close()
    data = bytearray(path.read_bytes())
    start = (root - 1) * 4096
    data[start : start + 12] = bytes([5, 0, 0, 0, 0, 0, 0, 0]) + root.to_bytes(4, "big")
    path.write_bytes(data)
    with pytest.raises(BrokenFile, match=r"plate.sqlite cannot be read as sqlite"):
        read(open_cells(path))


BREAKAGES = {
    "INSERT INTO Cells VALUES ('t0', 5, 1, 8)": "Cells has objects of the same number in 1 images",
    "INSERT INTO Nuclei VALUES ('t9', 5, 1, 8)": "Nuclei has 1 objects without an image",
    "INSERT INTO Image SELECT * FROM Image WHERE TableNumber = 't1'": "Image has several rows of",
    "DROP TABLE Nuclei": "it has no table of Nuclei",
}


@pytest.mark.parametrize("statement", BREAKAGES)
def test_broken_database_is_named_or_left_out(tmp_path: Path, statement: str) -> None:
    path = write_sqlite(tmp_path)
    with closing(sqlite3.connect(path)) as file, file:
        file.execute(statement)
    file.close()
    with pytest.raises(BrokenFile, match=BREAKAGES[statement]):
        read(open_cells(path))
    source = open_cells(path, keep_going=True)
    assert [one.path for one in problems(source)] == ["plate.sqlite"]
    assert BREAKAGES[statement] in problems(source)[0].what
    left = read(source)["Metadata_TableNumber"].unique().tolist()
    lost = {"Cells": ["t0"], "Image": ["t1"]}.get(BREAKAGES[statement].split()[0], [])
    assert left == [one for one in ("t0", "t1", "t2", "t3") if one not in lost]


@pytest.mark.parametrize(
    ("keep", "what"),
    [
        (["Cells", "Nuclei", "Cytoplasm"], "no table Image or Per_Image"),
        (["Image"], "no table of objects"),
        (["Image", "Cells", "Nuclei"], "cannot be linked"),
    ],
)
def test_database_without_what_is_needed(tmp_path: Path, keep: list[str], what: str) -> None:
    path = write_sqlite(tmp_path)
    with closing(sqlite3.connect(path)) as file, file:
        for name in {"Image", "Cells", "Nuclei", "Cytoplasm"}.difference(keep):
            file.execute(f"DROP TABLE {name}")
    file.close()
    with pytest.raises(BrokenFile, match=what):
        open_cells(path, keep_going=True)


@pytest.mark.parametrize("kind", WRITERS)
def test_broken_file_is_named_or_left_out(tmp_path: Path, kind: str) -> None:
    path = WRITERS[kind](tmp_path)
    one = path if path.is_file() else max(path.rglob(f"*.{kind}"))
    one.write_bytes(one.read_bytes()[: one.stat().st_size // 3])
    with pytest.raises(BrokenFile, match=one.name):
        read(open_cells(path))
    if kind != "sqlite":
        source = open_cells(path, keep_going=True)
        assert [problem.path.endswith(one.name) for problem in problems(source)] == [True]
        assert set(read(source)["Metadata_Plate"]) == {"P1"}


def test_parquet_of_other_columns_is_told(tmp_path: Path) -> None:
    path = write_parquet(tmp_path)
    CELLS.drop(columns="Cells_A").to_parquet(path / "p3.parquet")
    with pytest.raises(BrokenFile, match=r"p3.parquet .* lacks 'Cells_A'"):
        open_cells(path)
    assert len(read(open_cells(path, keep_going=True))) == 4


def test_parquet_without_cells_gives_an_empty_table(tmp_path: Path) -> None:
    CELLS[:0].to_parquet(tmp_path / "cells.parquet")
    source = open_cells(tmp_path / "cells.parquet")
    assert read(source).shape == (0, CELLS.shape[1])


def test_integers_and_decimals_of_several_files_are_decimals(tmp_path: Path) -> None:
    path = write_parquet(tmp_path)
    CELLS.assign(Cells_A=[1, 2, 3, 4]).to_parquet(path / "p0.parquet")
    assert read(open_cells(path))["Cells_A"].dtype == np.float64


def test_deepprofiler_files_that_do_not_fit(tmp_path: Path) -> None:
    path = write_npz(tmp_path)
    np.savez(path / "P2/A02_1.npz", features=np.ones((2, 3), np.float32))
    np.savez(path / "P2/A02_2.npz", other=np.ones(3))
    np.savez(path / "P2/A02_3.npz", features=np.array([{}], dtype=object))
    np.savez(path / "P2/some_cells.npz", features=np.ones((2, 2), np.float32))
    np.savez(path / "P2/A02_4.npz", features=np.ones((0, 2), np.float32))
    with pytest.raises(BrokenFile):
        read(open_cells(path))
    source = open_cells(path, keep_going=True)
    told = {Path(one.path).name: one.what for one in problems(source)}
    assert sorted(told) == ["A02_1.npz", "A02_2.npz", "A02_3.npz", "some_cells.npz"]
    assert "3 features" in told["A02_1.npz"]
    assert "no array 'features'" in told["A02_2.npz"]
    assert len(read(source)) == 4


def test_what_holds_no_cells(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("cells")
    for path in (tmp_path, tmp_path / "notes.txt"):
        with pytest.raises(UnknownFormat, match="no single cells are known in it"):
            open_cells(path)
    with pytest.raises(InvalidArgument, match="there is no file or folder"):
        open_cells(tmp_path / "absent.parquet")
