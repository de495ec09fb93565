"""Documents, arrays, matrices, databases, volumes and pictures."""

from __future__ import annotations

import gzip
import json
import sqlite3
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellfolio.errors import BrokenFile, InvalidArgument
from cellfolio.formats.counts import read_mtx
from cellfolio.formats.databases import Database
from cellfolio.formats.format import Source
from cellfolio.formats.loading import load
from cellfolio.formats.matrix import AnnotatedMatrix, CountMatrix
from cellfolio.formats.parquet import same_table
from cellfolio.formats.volumes import Volume, read_nifti
from tests.formats.samples import GCT, table, write_gctx, write_nifti, write_sqlite

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(st.lists(json_values, min_size=1, max_size=4))
def test_json_comes_back(tmp_path_factory: pytest.TempPathFactory, values: list[Any]) -> None:
    folder = tmp_path_factory.mktemp("json")
    for ascii_only in (True, False):
        text = [json.dumps(one, ensure_ascii=ascii_only) for one in values]
        # A lone surrogate cannot be written as UTF-8.
        if any(0xD800 <= ord(char) < 0xE000 for one in text for char in one):
            continue
        (folder / "a.json").write_text(text[0], encoding="utf-8")
        (folder / "a.jsonl").write_text("\n\n".join(text) + "\n", encoding="utf-8")
        assert load(folder / "a.json") == values[0]
        assert load(folder / "a.jsonl") == values


@pytest.mark.parametrize(
    ("name", "data", "told"),
    [
        ("a.json", b'{"a": 1,\n "b" 2}', "line 2, column 6: Expecting ':'"),
        ("a.json", b"[" * 100_000, "nested too deep"),
        ("a.json", b'{"a": "\xff"}', r"line 1 is not utf-8 \(byte 0xff\)"),
        ("a.jsonl", b'{"a": 1}\n{"a":\n', "line 2, column 6"),
        ("a.md", b"one\ntwo \xb5m\n", r"line 2 is not utf-8 \(byte 0xb5\)"),
        ("a.txt", b"one\n\0\n", "line 2 has a NUL byte"),
    ],
)
def test_broken_document_is_named(tmp_path: Path, name: str, data: bytes, told: str) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(BrokenFile, match=told):
        load(tmp_path / name)


def test_text_in_another_encoding(tmp_path: Path) -> None:
    path = tmp_path / "README.md"
    path.write_bytes("2 µm".encode("latin-1"))
    assert load(path, encoding="latin-1") == "2 µm"
    path.write_bytes("2 µm".encode("utf-16"))
    assert load(path, encoding="utf-16") == "2 µm"
    with pytest.raises(InvalidArgument, match="no encoding 'latin9000'"):
        load(path, encoding="latin9000")


def test_pickled_data_are_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.array([{"a": 1}], dtype=object))
    np.savez(tmp_path / "a.npz", a=np.array([{"a": 1}], dtype=object))
    for name in ("a.npy", "a.npz"):
        with pytest.raises(BrokenFile, match="pickled data are refused"):
            load(tmp_path / name)


def test_arrays_are_as_numpy_reads_them(tmp_path: Path) -> None:
    array = np.arange(24, dtype=">i2").reshape(2, 3, 4)
    np.save(tmp_path / "a.npy", array)
    lazy = load(tmp_path / "a.npy", lazy=True)
    assert isinstance(lazy, np.memmap)
    assert np.array_equal(lazy, array)
    np.savez(tmp_path / "a.npz", x=array)
    found = load(tmp_path / "a.npz")
    assert isinstance(found, Mapping)
    assert np.array_equal(found["x"], array)
    np.savez_compressed(tmp_path / "bomb.npz", x=np.zeros(1_000_000))
    with pytest.raises(BrokenFile, match=r"8\.0 MB are inside, 1\.0 MB are allowed"):
        load(tmp_path / "bomb.npz", max_bytes=1_000_000)


MTX = "%%MatrixMarket matrix coordinate integer general\n%\n3 2 3\n1 1 5\n3 1 1\n2 2 7\n"


def test_matrix_of_counts_with_its_tables(tmp_path: Path) -> None:
    # As the cardiomyocyte study has them: with headers.
    (tmp_path / "raw_counts.mtx").write_text(MTX)
    (tmp_path / "genes.csv").write_text("gene,length\nTP53,3\nNA,4\nKRAS,5\n")
    (tmp_path / "cells.csv").write_text("cell,day\nc1,0\nc2,90\n")
    found = load(tmp_path / "raw_counts.mtx")
    assert isinstance(found, CountMatrix)
    assert found.counts.toarray().tolist() == [[5, 0], [0, 7], [1, 0]]
    assert found.rows["gene"].tolist() == ["TP53", "NA", "KRAS"]
    assert found.columns["day"].tolist() == [0, 90]
    (tmp_path / "cells.csv").write_text("cell,day\nc1,0\n")
    with pytest.raises(BrokenFile, match="it has 2 columns, but"):
        load(tmp_path / "raw_counts.mtx")


def test_matrix_of_counts_as_10x_writes_it(tmp_path: Path) -> None:
    files = {
        "GSM1_matrix.mtx.gz": MTX,
        "GSM1_features.tsv.gz": "E1\tTP53\tGene\nE2\tKRAS\tGene\nE3\tMYC\tGene\n",
        "GSM1_barcodes.tsv.gz": "AAA-1\nCCC-1\n",
        "barcodes.tsv.gz": "of another sample\n",
    }
    for name, text in files.items():
        (tmp_path / name).write_bytes(gzip.compress(text.encode()))
    found = load(tmp_path / "GSM1_matrix.mtx.gz")
    assert found.rows["field_2"].tolist() == ["TP53", "KRAS", "MYC"]
    assert found.columns["field_1"].tolist() == ["AAA-1", "CCC-1"]
    turned = MTX.replace("3 2 3", "2 3 3").replace("3 1 1", "1 3 1")
    (tmp_path / "GSM1_matrix.mtx.gz").write_bytes(gzip.compress(turned.encode()))
    found = load(tmp_path / "GSM1_matrix.mtx.gz")  # cells × genes
    assert (len(found.rows), len(found.columns)) == (2, 3)
    assert found.columns["field_2"].tolist() == ["TP53", "KRAS", "MYC"]


def test_matrix_of_counts_in_the_store(tmp_path: Path) -> None:
    blob, cells = tmp_path / "0a1b", tmp_path / "2c3d"
    blob.write_text(MTX)
    cells.write_text("cell\nc1\nc2\n")
    found = read_mtx(Source(blob, "counts/raw.mtx"), columns=Source(cells, "counts/cells.csv"))
    assert found.columns["cell"].tolist() == ["c1", "c2"]
    assert found.rows.shape == (3, 0)
    with pytest.raises(InvalidArgument, match="is not there"):
        read_mtx(Source(blob, "counts/raw.mtx"), columns=tmp_path / "none.csv")


@pytest.mark.parametrize(
    "text",
    [
        MTX.replace("3 2 3", "3 2 999999999999"),
        MTX.replace("3 2 3", "99999999999999 2 3"),
        MTX.replace("3 2 3", "1 1 3"),
        MTX.replace("coordinate", "array").replace("3 2 3", "999999 999999"),
        "%%MatrixMarket matrix coordinate integer general\n",
    ],
)
def test_matrix_that_promises_too_much(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.mtx").write_text(text)
    with pytest.raises(BrokenFile):
        load(tmp_path / "a.mtx")


def test_gct_of_both_versions(tmp_path: Path) -> None:
    path = tmp_path / "a.gct"
    path.write_text(GCT)
    found = load(path)
    assert isinstance(found, AnnotatedMatrix)
    assert found.to_frame().loc["g1"].to_dict() == {"s1": 0.1, "s2": -2.0, "s3": 3e-5}
    assert found.rows.to_dict("index") == {"g1": {"symbol": "TP53"}, "g2": {"symbol": "KRAS"}}
    assert found.columns["dose"].tolist() == [1.5, 2.0, 10.0]
    assert found.columns["name"].isna().tolist() == [False, False, True]
    path.write_text("#1.2\n2\t2\nNAME\tDescription\ts1\ts2\ng1\tTP53\t1\t2\ng2\tna\t3\t4\n")
    found = load(path)
    assert found.values.tolist() == [[1, 2], [3, 4]]
    assert found.rows.index.tolist() == ["g1", "g2"]
    assert list(found.columns.index) == ["s1", "s2"]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("2\t3\t1\t2", "3\t3\t1\t2", "expected 3 rows, found 2"),
        ("2\t3\t1\t2", "2\t4\t1\t2", "line 3 has 5 fields, expected 6"),
        ("g2\tKRAS\t1", "g2\tKRAS\tx", "sample 1 has values that are no numbers"),
        ("g2\tKRAS\t1\t2\t3", "g2\tKRAS\t1\t2", "line 7 has 4 fields"),
        ("#1.3", "#1.3 ", ""),
    ],
)
def test_broken_gct_is_named(tmp_path: Path, old: str, new: str, told: str) -> None:
    path = tmp_path / "a.gct"
    path.write_text(GCT.replace(old, new))
    if not told:
        load(path)
        return
    with pytest.raises(BrokenFile, match=told):
        load(path)


def test_gctx_by_rows_and_columns(tmp_path: Path) -> None:
    path = tmp_path / "a.gctx"
    write_gctx(path)
    whole = load(path)
    assert whole.values.shape == (4, 3)
    assert whole.to_frame().loc["g2", "s3"] == 9
    assert whole.rows["pr_is_lm"].tolist() == [1, 1, 0, 0]
    some = load(path, rows=["g4", "g1"], columns=["s3", "s1", "s3"])
    assert some.to_frame().equals(whole.to_frame().loc[["g4", "g1"], ["s3", "s1", "s3"]])
    with pytest.raises(InvalidArgument, match="no identifier 'g9'"):
        load(path, rows=["g9"])


def test_real_h5ad(shared: Path) -> None:
    path = shared / "data/misc/10x_pbmc68k_reduced.h5ad"
    found = load(path)
    assert found.shape == (700, 765)
    lazy = load(path, lazy=True)
    assert lazy.isbacked
    assert np.array_equal(lazy[:5].X, found[:5].X)
    lazy.file.close()


def test_database_is_as_sqlite_reads_it(tmp_path: Path, shared: Path) -> None:
    for path in sorted((shared / "data/misc/sqlite").glob("*.sqlite")):
        database = load(path)
        assert isinstance(database, Database)
        connection = sqlite3.connect(path)
        for name in database.tables:
            judge = pd.read_sql_query(f'SELECT * FROM "{name}"', connection)
            found = load(path, table_name=name)
            assert list(found) == list(judge)
            assert found.equals(judge)
        connection.close()
    path = tmp_path / "a.sqlite"
    write_sqlite(path)
    assert load(path).tables == ("Per Image", "few")
    some = load(path, table_name="Per Image", columns=["count", "well"])
    assert same_table(some, table()[["count", "well"]].astype(some.dtypes.to_dict()))
    for wrong in ({"table_name": "per image"}, {"table_name": "few", "columns": ["x"]}):
        with pytest.raises(InvalidArgument):
            load(path, **wrong)
    assert sorted(one.name for one in tmp_path.iterdir()) == ["a.sqlite"]


def test_database_that_is_being_written_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("CREATE TABLE wells (well)")
    connection.commit()
    with pytest.raises(BrokenFile, match="changes that are not in it yet"):
        load(path)
    connection.close()
    assert load(path).tables == ("wells",)


def test_real_volumes_are_as_nibabel_reads_them(shared: Path, tmp_path: Path) -> None:
    import nibabel

    for path in sorted((shared / "data/misc/nifti").glob("*.nii*")):
        judge: Any = nibabel.load(path)
        (tmp_path / "blob").unlink(missing_ok=True)
        blob = tmp_path / "blob"  # a file of the store has no suffix
        blob.write_bytes(path.read_bytes())
        for source in (Source(path, path.name), Source(blob, path.name)):
            found = load(source)
            assert isinstance(found, Volume)
            whole = np.asarray(judge.dataobj)
            assert found.data.dtype == whole.dtype
            assert np.array_equal(np.asarray(found.data), whole)
            assert np.array_equal(found.slice(1, 3), whole[:, 3])
            assert np.array_equal(found.data[2:4, ..., 1], whole[2:4, ..., 1])
            assert np.allclose(found.affine, judge.affine)
            assert np.allclose(found.spacing, judge.header.get_zooms()[:3])
            assert found.orientation == "".join(nibabel.aff2axcodes(judge.affine))


def test_scaled_volume_and_units(tmp_path: Path) -> None:
    import nibabel

    image = nibabel.Nifti1Image(np.arange(24, dtype=np.float64).reshape(2, 3, 4), np.eye(4) * 10)
    image.header.set_data_dtype(np.uint8)
    image.header.set_xyzt_units("micron")
    nibabel.save(image, tmp_path / "a.nii")
    found = load(tmp_path / "a.nii")
    assert found.data.dtype == np.float64
    assert np.allclose(np.asarray(found.data), np.arange(24).reshape(2, 3, 4), atol=0.1)
    assert np.allclose(found.spacing, 0.01)
    assert np.allclose(np.diag(found.affine)[:3], 0.01)


def test_slice_of_a_volume_that_is_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "a.nii.gz"
    write_nifti(path)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) - 100])
    volume = load(path)
    with pytest.raises(BrokenFile, match=r"a\.nii\.gz cannot be read as nifti"):
        volume.slice(2, 7)


def test_pictures_are_as_they_were_written(tmp_path: Path) -> None:
    import imagecodecs

    pixels = np.random.default_rng(3).integers(0, 65535, (30, 20), dtype=np.uint16)
    (tmp_path / "a.png").write_bytes(imagecodecs.png_encode(pixels))
    image = load(tmp_path / "a.png")
    assert (image.axes, image.name) == ("YX", "a.png")
    assert np.array_equal(image.read(), pixels)
    smooth = np.broadcast_to(np.arange(64, dtype=np.uint8)[:, None, None], (64, 48, 3)).copy()
    (tmp_path / "a.jpg").write_bytes(imagecodecs.jpeg8_encode(smooth, level=95))
    found = load(tmp_path / "a.jpg")
    assert (found.axes, found.channels) == ("CYX", ("R", "G", "B"))
    assert np.abs(np.moveaxis(found.read(), 0, 2).astype(int) - smooth).max() < 5


def test_stacks_open_without_reading_them(tmp_path: Path) -> None:
    from cellfolio.formats.images import write_ome_tiff

    pixels = np.arange(2 * 3 * 8 * 9, dtype=np.uint16).reshape(2, 3, 8, 9)
    write_ome_tiff(tmp_path / "a.ome.tiff", pixels, "CZYX", channels=("DNA", "ER"))
    image = load(tmp_path / "a.ome.tiff")
    assert (image.axes, image.shape, image.channels) == ("CZYX", (2, 3, 8, 9), ("DNA", "ER"))
    assert np.array_equal(image.plane(c="ER", z=2), pixels[1, 2])


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
def test_what_is_no_volume_is_refused_at_once(tmp_path: Path, name: str) -> None:
    """The library would go on, and warn of each part that it cannot understand."""
    data = b"II*\0" + bytes(range(256)) * 20
    path = tmp_path / name
    path.write_bytes(gzip.compress(data) if name.endswith("gz") else data)
    with warnings.catch_warnings(), pytest.raises(BrokenFile, match="not begin as NIfTI does"):
        warnings.simplefilter("error")
        read_nifti(Source(path, name))
