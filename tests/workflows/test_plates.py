"""Wells of a plate by barcode: of CPJUMP1 as it is, and of other people's plate maps."""

from __future__ import annotations

import csv
import gzip
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import cellfolio
from cellfolio.errors import (
    BrokenFile,
    InvalidArgument,
    InvalidReference,
    NotFound,
    PackageNotFound,
    UnknownFormat,
)
from cellfolio.formats.images import write_ome_tiff
from cellfolio.registries.plates import ImageName
from cellfolio.storage.home import Home
from cellfolio.workflows.plates import plate_wells

BATCHES = (
    "2020_11_04_CPJUMP1",
    "2020_11_04_CPJUMP1_DL",
    "2020_11_18_CPJUMP1_TimepointDay1",
    "2020_11_19_TimepointDay4",
    "2020_12_02_CPJUMP1_2WeeksTimePoint",
    "2020_12_07_CPJUMP1_4WeeksTimePoint",
    "2020_12_08_CPJUMP1_Bleaching",
)


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file, delimiter="," if path.suffix == ".csv" else "\t"))


def write(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


# CPJUMP1


@pytest.mark.parametrize("batch", BATCHES)
def test_first_plate_of_each_kind_of_each_batch(shared: Path, home: Home, batch: str) -> None:
    """Every fact of the joined table again, from the files read by the csv module."""
    root = shared / "data/cpjump1"
    maps = root / "metadata/platemaps" / batch
    plates = {
        row["Plate_Map_Name"]: row["Assay_Plate_Barcode"]
        for row in reversed(rows_of(maps / "barcode_platemap.csv"))
    }
    for plate_map, barcode in plates.items():
        found = plate_wells(root / "metadata", barcode, batch=batch, home=home)
        layout = rows_of(maps / f"platemap/{plate_map}.txt")
        kind = plate_map.removesuffix("_platemap")
        told = rows_of(root / f"metadata/external_metadata/{kind}_metadata.tsv")
        by_name = {row["broad_sample"]: row for row in told}
        nothing = dict.fromkeys(told[0], "")
        columns = [name for name in told[0] if name != "pubchem_cid"]
        expected = [
            {
                "Well": row["well_position"],
                **{name: by_name.get(row["broad_sample"], nothing)[name] for name in columns},
                "broad_sample": row["broad_sample"],
            }
            for row in layout
        ]
        table = found.table.astype(object).where(found.table.notna(), "")
        assert [
            {name: str(row[f"Metadata_{name}"]) for name in ("Well", *columns)}
            for row in table.to_dict("records")
        ] == expected
        assert set(table["Metadata_Plate"]) == {barcode}
        assert set(table["Metadata_Batch"]) == {batch}
        assert set(table["Metadata_plate_map_name"]) == {plate_map}
        assert found.shape.size == len(layout) == 384
        counts = Counter(row["control_type"] or row["pert_type"] or "none" for row in expected)
        assert found.controls == counts
        assert list(found.report.empty) == [
            row["well_position"] for row in layout if not row["broad_sample"]
        ]
        assert found.report.problems == ()
        assert found.report.empty_told == (kind == "JUMP-Target-1_compound")


def test_known_wells_of_the_example_images(shared: Path, home: Home) -> None:
    table = cellfolio.wells(shared / "data/cpjump1", "BR00116991", home=home)
    table = table.set_index("Metadata_Well")
    names = {"D14": "DMSO", "N09": "AMG900", "D08": "FK-866", "A21": "dexamethasone"}
    assert table["Metadata_pert_iname"].reindex(list(names)).to_dict() == names
    assert table.loc["D14", "Metadata_control_type"] == "negcon"
    assert table.columns[:3].tolist() == [
        "Metadata_Plate", "Metadata_Batch", "Metadata_plate_map_name",
    ]  # fmt: skip


def test_experiment_is_known_of_every_plate(shared: Path, home: Home) -> None:
    root = shared / "data/cpjump1"
    experiment = rows_of(root / "published/map/experiment-metadata.tsv")
    for row in experiment[::30]:
        table = cellfolio.wells(root, row["Assay_Plate_Barcode"], batch=row["Batch"], home=home)
        for name in ("Perturbation", "Cell_type", "Time", "Density", "Anomaly", "Cell_line"):
            assert {str(one) for one in table[f"Metadata_{name}"]} == {row[name]}
        assert len(table) == 384


def test_plate_of_several_batches_needs_one(shared: Path, home: Home) -> None:
    root = shared / "data/cpjump1"
    with pytest.raises(InvalidArgument, match="6 batches have the plate BR00118040") as caught:
        cellfolio.wells(root, "BR00118040", home=home)
    assert "2020_11_19_TimepointDay4" in caught.value.hint
    with pytest.raises(NotFound, match="no batch 'day4'") as missing:
        cellfolio.wells(root, "BR00118040", batch="day4", home=home)
    assert "2020_11_19_TimepointDay4" in missing.value.hint


def test_unknown_barcode_names_the_nearest(shared: Path, home: Home) -> None:
    with pytest.raises(NotFound, match="the plate 'BR00116990'; they have 75 others") as caught:
        cellfolio.wells(shared / "data/cpjump1", "BR00116990", home=home)
    assert caught.value.hint.startswith("did you mean BR0011699")


def test_other_metadata_can_be_named(shared: Path, home: Home) -> None:
    root = shared / "data/cpjump1"
    name = "JUMP-Target-1_compound_metadata_targets.tsv"
    table = cellfolio.wells(root, "BR00116991", perturbations=name, home=home)
    assert "Metadata_target_list" in table
    with pytest.raises(NotFound, match="has no file 'nothing'"):
        cellfolio.wells(root, "BR00116991", perturbations="nothing", home=home)


def test_package_gives_the_same_as_the_folder(shared: Path, home: Home) -> None:
    root = shared / "data/cpjump1/metadata"
    cellfolio.build(root, "lab/maps", home=home)
    folder = cellfolio.wells(root, "BR00116991", home=home)
    for source in ("lab/maps", cellfolio.open("lab/maps", home=home)):
        pd.testing.assert_frame_equal(cellfolio.wells(source, "BR00116991", home=home), folder)
    part = "lab/maps/platemaps/2020_11_04_CPJUMP1"
    alone = cellfolio.wells(part, "BR00116991", home=home)
    assert "Metadata_control_type" not in alone
    assert len(alone) == 384


# Other people's files


def experiment(folder: Path, **files: str) -> Path:
    named = {
        "platemaps/b1/barcode_platemap.csv": "Assay_Plate_Barcode,Plate_Map_Name\n007,map\n",
        "platemaps/b1/platemap/map.csv": "well,drug,dose\na1,x1,0.5\nA-2,x2,1\nr2c1,,\n",
        "external_metadata/drugs.csv": "drug,moa\nx1,kinase\nx2,HDAC\n",
    }
    return write(folder, named | {key.replace("__", "/"): text for key, text in files.items()})


def test_small_experiment(tmp_path: Path, home: Home) -> None:
    found = plate_wells(experiment(tmp_path), "007", home=home)
    assert found.table["Metadata_Well"].tolist() == ["A01", "A02", "B01"]
    assert found.table["Metadata_dose"].tolist()[:2] == [0.5, 1.0]
    assert found.table["Metadata_moa"].tolist()[:2] == ["kinase", "HDAC"]
    assert (found.report.empty, found.report.empty_told) == (("B01",), False)
    assert found.perturbations == "external_metadata/drugs.csv"


def test_nearest_metadata_is_used(tmp_path: Path, home: Home) -> None:
    experiment(tmp_path / "one")
    two = experiment(tmp_path / "two")
    table = two / "external_metadata/drugs.csv"
    table.write_text("drug,moa\nx1,other\nx2,other\nx3,other\n")
    write(two / "platemaps/b1", {"barcode_platemap.csv": "barcode,plate map\nP2,map\n"})
    (two / "platemaps/b1").rename(two / "platemaps/b2")
    found = cellfolio.wells(tmp_path, "P2", home=home)
    assert found["Metadata_moa"].dropna().tolist() == ["other", "other"]
    assert cellfolio.wells(tmp_path, "007", home=home)["Metadata_moa"][0] == "kinase"


def test_what_does_not_join_is_told(tmp_path: Path, home: Home) -> None:
    folder = experiment(tmp_path)
    (folder / "external_metadata/drugs.csv").write_text("drug,moa\nx1,kinase\nx1,HDAC\n")
    with pytest.warns(UserWarning, match="007: 1 perturbation has") as caught:
        table = cellfolio.wells(folder, "007", home=home)
    assert len(caught) == 2
    assert len(table) == 3


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("map.csv", "well;drug\nA1;x\nB2;y\n"),
        ("map.txt", "well\tdrug\nA1\tx\nB2\ty\n"),
        ("map.csv", ",1,2\nA,x,\nB,,y\n"),
        ("map.tsv", "row\tcolumn\tdrug\nA\t1\tx\nB\t2\ty\n"),
    ],
)
def test_plate_map_alone(tmp_path: Path, home: Home, name: str, text: str) -> None:
    write(tmp_path, {name: text})
    table = cellfolio.wells(tmp_path / name, "P1", home=home)
    drugs = dict(zip(table["Metadata_Well"], table.iloc[:, -1], strict=True))
    assert (drugs["A01"], drugs["B02"]) == ("x", "y")
    assert set(table["Metadata_Plate"]) == {"P1"}


def test_plate_map_that_is_a_link_keeps_its_name(tmp_path: Path, home: Home) -> None:
    """As in a folder that is filled with links into a store."""
    write(tmp_path, {"store/0a1b": "well_position,drug\nA01,taxol\n"})
    (tmp_path / "plates").mkdir()
    (tmp_path / "plates/drugs.csv").symlink_to(tmp_path / "store/0a1b")
    found = plate_wells(tmp_path / "plates/drugs.csv", "P7", home=home)
    assert found.plate_map == "drugs"
    assert found.table["Metadata_drug"].tolist() == ["taxol"]


def test_compressed_and_parquet_plate_maps(tmp_path: Path, home: Home) -> None:
    text = "well,drug\nA1,x\n"
    (tmp_path / "map.csv.gz").write_bytes(gzip.compress(text.encode()))
    (tmp_path / "map.txt.gz").write_bytes(gzip.compress(text.replace(",", "\t").encode()))
    pd.DataFrame({"well": ["A1"], "drug": ["x"]}).to_parquet(tmp_path / "map.parquet")
    for name in ("map.csv.gz", "map.txt.gz", "map.parquet"):
        assert cellfolio.wells(tmp_path / name, "P", home=home)["Metadata_drug"].tolist() == ["x"]


@pytest.mark.parametrize(
    ("files", "error", "message"),
    [
        ({"platemaps__b1__platemap__map.csv": "well,drug\nA1,x\nA01,y\n"}, InvalidArgument, "A01"),
        ({"platemaps__b1__platemap__map.csv": "well,drug\nA1,x,y\n"}, BrokenFile, "map.csv"),
        ({"platemaps__b1__platemap__map.csv": ""}, BrokenFile, "map.csv"),
        ({"platemaps__b1__barcode_platemap.csv": "a,b\n1,2\n"}, InvalidArgument, "Plate_Map_Name"),
        (
            {"platemaps__b1__barcode_platemap.csv": "barcode,plate_map\n007,other\n"},
            NotFound,
            "names the plate map 'other', which is not in platemaps/b1/platemap",
        ),
        ({"more__b1__barcode_platemap.csv": "barcode,plate_map\n"}, InvalidArgument, "two batches"),
    ],
)
def test_bad_files_are_named(
    tmp_path: Path, home: Home, files: dict[str, str], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        cellfolio.wells(experiment(tmp_path, **files), "007", home=home)


def test_file_that_is_no_table(tmp_path: Path, home: Home) -> None:
    (tmp_path / "map.json").write_text('{"A1": "x"}')
    with pytest.raises(InvalidArgument, match=r"map\.json is no table"):
        cellfolio.wells(tmp_path / "map.json", "P1", home=home)
    (tmp_path / "map.xlsx").write_bytes(b"PK\x03\x04")
    with pytest.raises(UnknownFormat, match=r"map\.xlsx"):
        cellfolio.wells(tmp_path / "map.xlsx", "P1", home=home)


def test_folder_without_barcodes(tmp_path: Path, home: Home) -> None:
    with pytest.raises(NotFound, match=r"no barcode_platemap\.csv"):
        cellfolio.wells(tmp_path, "P1", home=home)
    with pytest.raises(NotFound, match="no folder or file"):
        cellfolio.wells(tmp_path / "nothing", "P1", home=home)


def test_data_set_of_the_gallery_has_its_metadata_beside_the_images(
    tmp_path: Path, home: Home
) -> None:
    experiment(tmp_path / "gallery/source_4/workspace/metadata")
    address = f"cpg+{(tmp_path / 'gallery/source_4').as_uri()}"
    found = plate_wells(address, "007", home=home)
    assert found.table["Metadata_moa"].tolist()[:2] == ["kinase", "HDAC"]
    again = plate_wells(f"{address}#plate=007&well=A01", "007", home=home)
    assert len(again.table) == 3


def test_path_written_as_a_name_is_told(
    tmp_path: Path, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    experiment(tmp_path / "screens/one")
    monkeypatch.chdir(tmp_path)
    for name in ("screens", "screens/one"):
        with pytest.raises((InvalidReference, PackageNotFound)) as caught:
            cellfolio.wells(name, "007", home=home)
        assert caught.value.hint.endswith(f"./{name}")
    assert len(cellfolio.wells("./screens/one", "007", home=home)) == 3


# Stitching


def plate_of_images(folder: Path) -> tuple[np.ndarray, Path]:
    """Write two wells of 2 × 2 sites cut from one scene; return it and the table of files."""
    scene = np.random.default_rng(3).integers(0, 4000, (2, 16, 16)).astype(np.uint16)
    size, pixel = 8, 6e-7
    rows = []
    for column in (1, 2):
        for site in range(1, 5):
            top, left = divmod(site - 1, 2)
            tile = scene[column - 1, top * 8 : top * 8 + 8, left * 8 : left * 8 + 8]
            name = str(ImageName(1, column, site, 1, 5))
            write_ome_tiff(folder / name, tile, "YX")
            place = (left * size * pixel, -top * size * pixel)
            rows.append(f"{name},BR1,A0{column},{site},{place[0]},{place[1]},{pixel},{pixel}")
    header = "FileName_OrigDNA,Metadata_Plate,Metadata_Well,Metadata_Site,Metadata_PositionX,"
    header += "Metadata_PositionY,Metadata_ImageResolutionX,Metadata_ImageResolutionY"
    table = folder / "load_data.csv"
    table.write_text("\n".join([header, *rows]) + "\n")
    return scene, table


def test_wells_and_plates_are_stitched(tmp_path: Path, home: Home) -> None:
    scene, table = plate_of_images(tmp_path)
    files = cellfolio.image_files(table, home=home)
    well = cellfolio.stitch(files, tmp_path, channel="DNA", wells="A01", home=home)
    np.testing.assert_array_equal(well.read(), scene[0])
    assert (well.pixel_size.x, well.channels, well.name) == (0.6, ("DNA",), "A01")
    plate = cellfolio.stitch(files, tmp_path, channel="DNA", home=home)
    assert plate.shape == (16, 33)  # a pixel between the wells
    np.testing.assert_array_equal(plate.read()[:, 17:], scene[1])
    small = cellfolio.stitch(files, tmp_path, channel="DNA", wells="A02", smaller=8, home=home)
    expected = np.rint(scene[1].reshape(2, 8, 2, 8).mean(axis=(1, 3)))
    np.testing.assert_array_equal(small.read(), expected)
    assert small.pixel_size.y == 4.8
    cellfolio.build(tmp_path, "lab/images", home=home)
    package = cellfolio.open("lab/images", home=home)
    again = cellfolio.image_files(package, "load_data.csv", home=home)
    other = cellfolio.stitch(again, package, channel="DNA", home=home)
    np.testing.assert_array_equal(other.read(), plate.read())
    named = files.assign(PathName=str(tmp_path))
    np.testing.assert_array_equal(
        cellfolio.stitch(named, channel="DNA", home=home).read(), plate.read()
    )


def test_what_cannot_be_stitched_is_named(tmp_path: Path, home: Home) -> None:
    _, table = plate_of_images(tmp_path)
    files = cellfolio.image_files(table, home=home)
    for changed, channel, wells, message in (
        (files, "ER", "A01", "no channel 'ER'; it has DNA"),
        (files, "DNA", "B01", "no images of B01"),
        (pd.concat([files, files]), "DNA", "A01", "several images of a site"),
        (files.assign(Metadata_PositionX=None), "DNA", "A01", "4 sites of A01 have no position"),
    ):
        with pytest.raises(InvalidArgument, match=message):
            cellfolio.stitch(changed, tmp_path, channel=channel, wells=wells, home=home)
    write_ome_tiff(tmp_path / files["FileName"][0], np.zeros((4, 4), np.uint16), "YX")
    with pytest.raises(InvalidArgument, match="sites of A01 differ in shape"):
        cellfolio.stitch(files, tmp_path, channel="DNA", home=home)
    (tmp_path / files["FileName"][0]).unlink()
    with pytest.raises(NotFound):
        cellfolio.stitch(files, tmp_path, channel="DNA", home=home)


def test_real_sites_lie_as_the_microscope_says(shared: Path, home: Home) -> None:
    """An example image stands where its noted position is, in a well of made-up neighbours."""
    folder = shared / "data/cpjump1/example_images/DMSO"
    name = "r04c14f05p01-ch5sk1fk1fl1.tiff"
    files = pd.DataFrame(
        {
            "FileName_OrigDNA": [name], "PathName_OrigDNA": [str(folder)],
            "Metadata_Plate": ["BR00117010"], "Metadata_Well": ["D14"], "Metadata_Site": [5],
            "Metadata_PositionX": [0.0], "Metadata_PositionY": [0.0],
            "Metadata_ImageResolutionX": [5.979760809567617e-07],
            "Metadata_ImageResolutionY": [5.979760809567617e-07],
        }
    )  # fmt: skip
    from cellfolio.metadata.load_data import image_files

    image = cellfolio.stitch(image_files(files), channel="DNA", home=home)
    np.testing.assert_array_equal(image.read(), cellfolio.open_image(folder / name).read())
    assert image.pixel_size.x == pytest.approx(0.5979760809567617)
