"""Entries open as what they are, wherever their package came from."""

from __future__ import annotations

import json
import pickle
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import cellfolio
from cellfolio import Home, Package
from cellfolio.errors import BrokenFile, InvalidArgument, UnknownFormat
from cellfolio.formats.images import Image, write_ome_tiff
from cellfolio.formats.lazy_table import LazyTable
from cellfolio.package.entry import Entry
from cellfolio.package.plan import want
from tests.servers.faults import FaultProxy

PIXELS = np.arange(2 * 3 * 40 * 50, dtype=np.uint16).reshape(2, 3, 40, 50)
INFO = {"line": "AICS-23", "plates": ["plate_1"]}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder in the shape of a Quilt 2 package, with tables and arrays beside."""
    root = tmp_path / "files"
    for name in ("lines/line_AICS_23/info", "fovs/fov_1/image", "tables"):
        (root / name).mkdir(parents=True)
    (root / "lines/line_AICS_23/info/load").write_text(json.dumps(INFO))
    write_ome_tiff(root / "fovs/fov_1/image/load.ome.tiff", PIXELS, "CZYX", channels=("DNA", "ER"))
    wells = pd.DataFrame({"well": ["A01", "A02"], "count": [3, 4], "area": [0.5, 1.5]})
    wells.to_csv(root / "tables/wells.csv", index=False)
    wells.to_parquet(root / "tables/wells.parquet")
    np.save(root / "tables/array.npy", np.arange(6))
    with closing(sqlite3.connect(root / "tables/plate.sqlite")) as database:
        database.execute("CREATE TABLE Image (well TEXT)")
        database.commit()
    (root / "README.md").write_text("# A line\n")
    (root / "SCHEMA").write_text('{"unique_line_info": {}}')
    return root


@pytest.fixture
def package(folder: Path, home: Home) -> Package:
    cellfolio.build(folder, "aics/aics_23", home=home)
    return cellfolio.open("aics/aics_23", home=home)


def entry(package: Package, key: str) -> Entry:
    return package.entry(key)


def test_entries_load_as_what_they_are(package: Package) -> None:
    assert package.lines.line_AICS_23.info.load() == INFO  # type: ignore[union-attr, operator]
    assert entry(package, "SCHEMA").load() == {"unique_line_info": {}}
    assert entry(package, "README.md").load() == "# A line\n"
    table = entry(package, "tables/wells.csv").load(columns=["area"])
    assert table.to_dict("list") == {"area": [0.5, 1.5]}
    assert entry(package, "tables/array.npy").load().tolist() == list(range(6))
    image = entry(package, "fovs/fov_1/image/load.ome.tiff").load()
    assert isinstance(image, Image)
    assert np.array_equal(image.read(), PIXELS)


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_tables_open_lazily(package: Package, suffix: str) -> None:
    table = entry(package, f"tables/wells.{suffix}").open()
    assert isinstance(table, LazyTable)
    assert list(table) == ["well", "count", "area"]
    assert table["count"].tolist() == [3, 4]
    assert table[["area", "well"]].columns.tolist() == ["area", "well"]
    assert table.read().equals(entry(package, f"tables/wells.{suffix}").load())
    with pytest.raises(InvalidArgument, match="has no column 'wells'") as seen:
        table["wells"]
    assert seen.value.hint == "did you mean well?"


def test_others_open_lazily(package: Package) -> None:
    assert isinstance(entry(package, "tables/array.npy").open(), np.memmap)
    assert entry(package, "tables/plate.sqlite").open().tables == ("Image",)
    assert entry(package, "README.md").open() == "# A line\n"


def test_a_far_image_opens_without_being_fetched(
    folder: Path,
    home: Home,
    bucket: str,
    fault_proxy: FaultProxy,
    s3_env: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    built = cellfolio.build(folder, "aics/aics_23", home=home).package
    cellfolio.push(built, f"s3://{bucket}", home=home)
    monkeypatch.setenv("AWS_ENDPOINT_URL", fault_proxy.endpoint)
    elsewhere = Home(tmp_path / "elsewhere")
    far = cellfolio.open(f"s3://{bucket}/aics/aics_23", home=elsewhere)
    found = entry(far, "fovs/fov_1/image/load.ome.tiff")
    assert np.array_equal(found.open().plane(c="ER", z=2), PIXELS[1, 2])
    assert not elsewhere.blobs.held([want(found)])
    assert np.array_equal(found.load().plane(c="ER", z=2), PIXELS[1, 2])
    assert elsewhere.blobs.held([want(found)])


def test_parts_of_a_package_open_too(package: Package) -> None:
    ways: list[Callable[[Package], Package]] = [
        lambda one: one.subset("tables"),
        lambda one: one.filter(lambda entry: entry.name == "wells.csv"),
        lambda one: one.named("other/name"),
        lambda one: one.with_header(message="another"),
        lambda one: one.with_entries([Entry("x.csv", "file:///nowhere", 1)]),
    ]
    for way in ways:
        found = way(package)
        assert len(entry(found, "tables/wells.csv").load()) == 2
    (only,) = package.subset("tables/wells.csv").walk()
    assert len(only.load()) == 2


def test_packages_that_verbs_return_open(package: Package, home: Home, tmp_path: Path) -> None:
    found = cellfolio.query("aics/aics_23", where=["name=wells.csv"], home=home)
    returned = [
        found.package,
        cellfolio.save(found.package, "lab/wells", home),
        cellfolio.get("lab/wells", tmp_path / "got", home=home).package,
        cellfolio.push(package, str(tmp_path / "registry"), home=home).package,
    ]
    for one in returned:
        assert len(entry(one, "tables/wells.csv").load()) == 2
    assert [len(one.load()) for one in found.entries] == [2]


def test_who_opens_an_entry_is_no_part_of_it(package: Package) -> None:
    opened = entry(package, "tables/wells.csv")
    plain = next(iter(Package.of([Entry(opened.logical_key, opened.physical_key)]).walk()))
    assert opened == Entry(opened.logical_key, opened.physical_key, opened.size, opened.digest)
    assert "opener" not in repr(opened)
    with pytest.raises(InvalidArgument, match="its package was not opened by name") as seen:
        plain.load()
    assert "cellfolio.open" in seen.value.hint


def test_entries_open_in_other_processes(package: Package) -> None:
    sent = pickle.loads(pickle.dumps(entry(package, "tables/wells.csv")))
    assert sent == entry(package, "tables/wells.csv")
    assert sent.load().equals(entry(package, "tables/wells.csv").load())


def test_a_matrix_finds_its_tables_in_the_package(folder: Path, home: Home) -> None:
    (folder / "rna").mkdir()
    matrix = "%%MatrixMarket matrix coordinate integer general\n2 3 1\n2 3 7\n"
    (folder / "rna/raw_counts.mtx").write_text(matrix)
    (folder / "rna/genes.csv").write_text("gene\nTP53\nKRAS\n")
    (folder / "rna/cells.csv").write_text("cell,day\nc1,0\nc2,0\nc3,90\n")
    package = cellfolio.build(folder, "lab/rna", home=home).package
    for counts in (
        entry(package, "rna/raw_counts.mtx").load(),
        entry(package.subset("rna/raw_counts.mtx"), "rna/raw_counts.mtx").load(),
        cellfolio.load(package, "rna/raw_counts.mtx", home=home),
    ):
        assert counts.counts.toarray().tolist() == [[0, 0, 0], [0, 0, 7]]
        assert counts.rows["gene"].tolist() == ["TP53", "KRAS"]
        assert counts.columns["day"].tolist() == [0, 0, 90]
    sent = pickle.loads(pickle.dumps(entry(package, "rna/raw_counts.mtx")))
    with pytest.raises(InvalidArgument, match="not known in this process"):
        sent.load()


def test_a_manifest_may_tell_the_format(folder: Path, home: Home) -> None:
    (folder / "tables/plain").write_text("a,b\n1,2\n")
    cellfolio.build(folder, "lab/told", home=home)
    package = cellfolio.open("lab/told", home=home)
    plain = entry(package, "tables/plain")
    with pytest.raises(UnknownFormat):
        plain.load()
    told = package.with_entries(
        [Entry(plain.logical_key, plain.physical_key, plain.size, plain.digest,
               {"format": {"name": "csv"}})]
    )  # fmt: skip
    assert entry(told, "tables/plain").load().to_dict("list") == {"a": [1], "b": [2]}
    assert cellfolio.load(told, "tables/plain", home=home).shape == (1, 2)


def test_broken_files_are_refused(folder: Path, home: Home) -> None:
    (folder / "tables/wells.csv").write_text("a,b\n1\n")
    cellfolio.build(folder, "lab/broken", home=home)
    broken = entry(cellfolio.open("lab/broken", home=home), "tables/wells.csv")
    with pytest.raises(BrokenFile, match=r"tables/wells\.csv"):
        broken.load()
    lazy = broken.open()
    with pytest.raises(BrokenFile, match=r"tables/wells\.csv"):
        lazy.read()


def test_print_shows_what_is_in_a_folder(package: Package) -> None:
    assert str(package).splitlines()[1:] == [
        "  README.md", "  SCHEMA", "  fovs/", "  lines/", "  tables/",
    ]  # fmt: skip
    assert str(package.fovs) == "Folder('fovs', 1 files)\n  fov_1/"
    many = Package.of([Entry(f"{n:03}.csv", "file:///x") for n in range(50)])
    assert str(many).splitlines()[-1] == "… and 10 more"
