"""Records of real packages: built, opened, fetched; their images; tables that name files."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import cellfolio
from cellfolio.errors import BrokenFile, EntryNotFound, InvalidArgument, NotFound
from cellfolio.package.package import Package
from cellfolio.storage.home import Home
from tests.workflows.aics import LINE, documents, schema, write, write_tree


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "aics_23"


def build(folder: Path, home: Home) -> Package:
    return cellfolio.build(folder, "aics/aics_23", home=home).package


def test_walk_of_the_seed(folder: Path, home: Home) -> None:
    graph = cellfolio.records(build(write_tree(folder, documents()), home), home=home)
    line = graph.lines.line_AICS_23
    assert line["line"] == "AICS-23"
    assert line.plates.names == ["plate_3500001327", "plate_3500001328"]
    well = graph.plates.plate_3500001327.wells[0]
    fov = well.fovs[0]
    assert fov.cell_seg.nuclei_seg.structure_seg.fov == fov
    assert fov.plate.name == "plate_3500001327"
    assert (graph.problems, graph.dangling) == ((), ())
    # As many links as pairs of records that one field joins, each told by both.
    links = graph.links()
    told = {
        frozenset([(kind, name), (other, other_name)])
        for (kind, name), info in documents().items()
        for other in graph
        for other_name in info.get(other, ())
    }
    assert len(links) == len(told)
    assert set(links["told_by"]) == {"both"}


@pytest.mark.parametrize("end", ["info/load", "info/load.json", "info.json", "info"])
def test_documents_may_be_where_exports_put_them(folder: Path, home: Home, end: str) -> None:
    package = build(write_tree(folder, documents(), end), home)
    graph = cellfolio.records(package, home=home)
    assert len(graph.fovs) == 4
    assert graph.fovs[0]["clone"] == "20"
    assert graph.fovs[0].image_entry is not None


def test_folder_and_part_of_a_package(folder: Path, home: Home) -> None:
    write_tree(folder / "release/aics_23", documents())
    package = build(folder, home)
    assert len(cellfolio.records(package, "release/aics_23", home=home).wells) == 4
    assert len(cellfolio.records("aics/aics_23/release/aics_23", home=home).wells) == 4
    assert len(cellfolio.records(str(folder / "release/aics_23"), home=home).wells) == 4
    with pytest.raises(NotFound, match="has no records: no info documents in lines, plates"):
        cellfolio.records(package, home=home)


def test_documents_come_from_a_bucket_without_the_images(
    folder: Path, home: Home, bucket: str, s3_env: dict[str, str], tmp_path: Path
) -> None:
    cellfolio.push(build(write_tree(folder, documents()), home), f"s3://{bucket}", home=home)
    other = Home(tmp_path / "other")
    package = cellfolio.open(f"s3://{bucket}/aics/aics_23", home=other)
    graph = cellfolio.records(package, home=other)
    assert len(graph.nuclei_segs) == 4
    held = {path.name for path in other.blobs.folder.rglob("*") if path.is_file()}
    images = [record.image_entry for record in graph.fovs]
    assert not any(entry.digest.value in held for entry in images if entry and entry.digest)
    image = cellfolio.record_image(graph.fovs[0], home=other)
    assert image.select(z=0, c="EGFP").read()[0, 0] == 2 * 20


# Images


def test_image_has_the_channels_of_its_own_document(folder: Path, home: Home) -> None:
    graph = cellfolio.records(build(write_tree(folder, documents()), home), home=home)
    image = cellfolio.record_image(graph.fovs[0], home=home)
    assert image.channels == ("DNA", "EGFP", "Membrane")
    every = cellfolio.record_image(graph.fovs[0], unused=True, home=home)
    assert every.channels == ("DNA", "DNA_2", "EGFP", "Membrane", "Membrane_2")
    pixels = np.arange(2 * 5 * 4 * 5).reshape(2, 5, 4, 5)
    assert np.array_equal(image.select(c="Membrane").read(), pixels[:, 3])
    assert graph.fovs[0].entries[-1].load() == graph.fovs[0].info
    segmentation = cellfolio.record_image(graph.fovs[0].cell_seg, home=home)
    assert segmentation.shape == (2, 4, 5)


def test_image_that_is_not_there_or_does_not_fit(folder: Path, home: Home) -> None:
    found = documents()
    name = next(name for kind, name in found if kind == "fovs")
    found["fovs", name]["channels"].pop()
    graph = cellfolio.records(build(write_tree(folder, found), home), home=home)
    with pytest.raises(NotFound, match=f"lines/{LINE} has no image") as seen:
        cellfolio.record_image(graph.lines[0], home=home)
    assert seen.value.hint == f"its files: lines/{LINE}/info/load"
    with pytest.raises(InvalidArgument, match="has 4 channels; the image has 5"):
        cellfolio.record_image(graph.fovs[name], home=home)


def test_real_segmentations_and_field(shared: Path, folder: Path, home: Home) -> None:
    images = shared / "data/aics/images"
    found = documents(1, 1)
    (_, fov) = next(key for key in found if key[0] == "fovs")
    for kind, part in (("cell_segs", "cell"), ("nuclei_segs", "nucleus")):
        (_, name) = next(key for key in found if key[0] == kind)
        target = folder / kind / name / "image/load"
        target.parent.mkdir(parents=True)
        target.write_bytes(
            (images / f"TOMM20_pipeline_example_{part}_segmentation.tiff").read_bytes()
        )
    target = folder / "fovs" / fov / "image/load"
    target.parent.mkdir(parents=True)
    target.write_bytes((images / "single_cell.ome.tiff").read_bytes())
    dyes = [("DNA", True), ("Membrane", True), ("TOMM20", True)] + [(f"x{n}", False) for n in "345"]
    found["fovs", fov]["channels"] = [{"dye_name": name, "use": use} for name, use in dyes]
    for (kind, name), info in found.items():
        write(folder / kind / name / "info/load", json.dumps(info))
    record = cellfolio.records(build(folder, home), home=home).fovs[0]
    assert cellfolio.record_image(record, home=home).channels == ("DNA", "Membrane", "TOMM20")
    assert cellfolio.record_image(record.cell_seg, home=home).shape == (65, 624, 924)


# The published example


def test_published_example(shared: Path, folder: Path, home: Home) -> None:
    published = json.loads((shared / "data/aics/aics_23_example.json").read_text())
    for key, info in published["info_examples"].items():
        write(folder / key / "info/load", json.dumps(info))
    graph = cellfolio.records(build(folder, home), home=home)
    fov = graph["fovs"]["fov_00dde0c979ef45949337220524ccfec5"]
    # The line's document, as published, does not list the field; the field lists the line.
    assert fov.line.fovs.names == [fov.name]
    assert graph.links()["told_by"].tolist() == ["second"]
    assert {(one.other_kind, one.other_name) for one in graph.dangling if one.kind == "fovs"} == {
        (kind, name)
        for kind in published["link_keys"]
        for name in published["info_examples"][f"fovs/{fov.name}"].get(kind, ())
        if kind != "lines"
    }
    assert len([one for one in graph.dangling if one.kind == "lines"]) == 11
    table = graph.fovs.table()
    assert table.loc[fov.name, "passage"] == 36
    assert table.loc[fov.name, "concentration"] == 3000.0
    assert table.loc[fov.name, "image_ids"] == [87262]
    assert fov["channels"].startswith("7 dicts")
    assert graph.fovs.where("seed_date=10/16/2017", "cell_viability>98").names == [fov.name]


# Bad input


def test_documents_that_are_none_do_not_stop_the_rest(folder: Path, home: Home) -> None:
    write_tree(folder, documents())
    bad = sorted((folder / "fovs").iterdir())
    texts = ["{ not json", "[1, 2]", "", "\ufeff{}"]
    for place, text in zip(bad, texts, strict=True):
        write(place / "info/load", text)
    graph = cellfolio.records(build(folder, home), home=home)
    told = {one.name: one.what for one in graph.problems}
    assert set(told) == {place.name for place in bad[:3]}
    assert "line 1, column 3" in told[bad[0].name]
    assert "it is no object but a list" in told[bad[1].name]
    assert graph.fovs[bad[0].name].well in graph.wells


def test_schema_describes_and_checks(folder: Path, home: Home) -> None:
    write_tree(folder, documents())
    with pytest.raises(EntryNotFound, match=r"has no SCHEMA document: no SCHEMA or SCHEMA\.json"):
        cellfolio.schema(build(folder, home), home=home)
    write(folder / "SCHEMA", json.dumps(schema()))
    package = build(folder, home)
    found = cellfolio.schema(package, home=home)
    assert found.missing == ()
    assert found.check(cellfolio.records(package, home=home)).clean
    assert "| `passage` | the passage | integer or null |" in found.markdown()
    for text in ("{", "[]", '{"a": 1}'):
        write(folder / "SCHEMA", text)
        with pytest.raises(BrokenFile, match="SCHEMA cannot be read as"):
            cellfolio.schema(build(folder, home), home=home)


# Tables that name files


def distribute(example: Path, folder: Path) -> pd.DataFrame:
    """Lay a table and its files out as quilt3distribute does; return the table."""
    table = pd.read_csv(example)
    for column in table.columns[2:]:
        for row, path in enumerate(table[column]):
            key = f"{column}/{row:08x}_{Path(path).name}"
            write(folder / key, path)
            table.loc[row, column] = key
    table.to_csv(folder / "metadata.csv", index=False)
    return table


def test_rows_and_files(shared: Path, folder: Path, home: Home) -> None:
    table = distribute(shared / "data/aics/tables/quilt3distribute_example.csv", folder)
    package = build(folder, home)
    graph = cellfolio.records(package, home=home)
    assert graph.kinds == ("rows", "3dReadPath", "2dReadPath", "MetadataReadPath")
    pd.testing.assert_frame_equal(graph.rows.table().reset_index(drop=True), table)
    file = graph["2dReadPath"][4]
    assert file.row["CellId"] == 5
    (entry,) = file.related("3dReadPath")[0].entries
    assert cellfolio.fetch(package, entry.logical_key, home=home).read_text().endswith("3d/5.tiff")
    assert (graph.problems, graph.dangling) == ((), ())


def test_published_metadata_of_a_file(shared: Path, home: Home) -> None:
    published = json.loads(
        (shared / "data/aics/tables/quilt3distribute_entry_meta_example.json").read_text()
    )
    key, meta = published["logical_key"], published["user_meta"]
    entries = [
        cellfolio.Entry(one, "file:///x", 1, meta={"user_meta": meta})
        for one in meta["associates"].values()
    ]
    graph = cellfolio.records(Package.of(entries), home=home)
    (kind, name) = key.split("/")
    assert graph[kind][name].row.info == {
        **meta["associates"],
        "CellId": 1,
        "Structure": "Lamin B1",
    }
    assert graph[kind][name].related("3dReadPath").names == ["5e6f7a8b_img_001_3d.ome.tiff"]


def test_package_of_packages_names_its_folders(shared: Path, folder: Path, home: Home) -> None:
    example = shared / "data/aics/tables/quilt3distribute_example.csv"
    distribute(example, folder / "fields")
    distribute(example, folder / "masks")
    package = build(folder, home)
    with pytest.raises(NotFound) as seen:
        cellfolio.records(package, home=home)
    assert seen.value.hint == "name one of its folders: fields, masks"
    assert len(cellfolio.records(package, "masks", home=home).rows) == 9


def test_table_of_a_package_that_is_broken(folder: Path, home: Home) -> None:
    write(folder / "metadata.csv", "a,b\n1\n")
    with pytest.raises(BrokenFile, match=r"metadata\.csv cannot be read as csv: line 2"):
        cellfolio.records(build(folder, home), home=home)
    write(folder / "metadata.csv", "a,b\n1,2\n")
    with pytest.raises(NotFound, match=r"no metadata\.csv that names files"):
        cellfolio.records(build(folder, home), home=home)


def test_many_records(folder: Path, home: Home) -> None:
    found = documents(plates=5, wells=16)
    for (kind, name), info in found.items():
        write(folder / kind / name / "info/load", json.dumps(info))
    graph = cellfolio.records(build(folder, home), home=home)
    assert len(graph.fovs) == 80
    assert len(graph.links()) == 5 + (5 + 5 + 10) * 80
    by_name = sorted((name, info) for (kind, name), info in found.items() if kind == "fovs")
    assert [record.info for record in graph.fovs] == [info for _, info in by_name]
