"""The files of an experiment and how its two revisions differ."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import tifffile

from cellfolio.errors import CheckoutConflict, InvalidArgument
from cellfolio.simulation import (
    CHANNELS,
    LIBRARY,
    ExperimentDesign,
    plan_revision,
    simulate_site,
    write_experiment,
)
from cellfolio.simulation.writer import experiment_keys

OME = "{http://www.openmicroscopy.org/Schemas/OME/2016-06}"
TINY = ExperimentDesign(
    plate_count=1,
    plate_shape=(1, 3),
    site_count=1,
    image_shape=(64, 64),
    perturbations=LIBRARY[:1],
)


def files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def table(path: Path) -> list[dict[str, str]]:
    delimiter = "\t" if path.suffix == ".tsv" else ","
    with path.open(newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines, delimiter=delimiter))


def test_two_writes_give_the_same_bytes(tmp_path: Path, written: dict[int, Path]) -> None:
    design = ExperimentDesign(
        seed=11,
        plate_count=1,
        plate_shape=(2, 3),
        image_shape=(96, 128),
        perturbations=LIBRARY[2:6],
    )
    steps: list[tuple[int, int]] = []
    result = write_experiment(design, tmp_path, progress=lambda *step: steps.append(step))
    found = files(tmp_path)
    assert found == files(written[1])
    assert result.keys == tuple(sorted(found)) == experiment_keys(plan_revision(design, 1))
    assert result.size == sum(map(len, found.values()))
    assert steps == [(done + 1, len(found)) for done in range(len(found))]


def test_images_are_ome_tiff(written: dict[int, Path], small: ExperimentDesign) -> None:
    plan = plan_revision(small, 1)
    site = next(each for each in plan.sites if each not in plan.blurred)
    with tifffile.TiffFile(written[1] / site.image_key) as tiff:
        assert tiff.is_ome
        assert tiff.series[0].axes == "CYX"
        pixels = tiff.asarray()
        document = ElementTree.fromstring(tiff.ome_metadata or "")
    expected = simulate_site(small, site.plate, site.well, site.number)
    assert np.array_equal(pixels, expected.images)
    described = document.find(f"{OME}Image/{OME}Pixels")
    assert described is not None
    assert [each.get("Name") for each in described.iter(f"{OME}Channel")] == list(CHANNELS)
    for axis in "XY":
        assert float(described.get(f"PhysicalSize{axis}", "")) == 0.598
        assert described.get(f"PhysicalSize{axis}Unit") == "µm"
    image = document.find(f"{OME}Image")
    assert image is not None
    assert image.get("Name") == f"SIM00001/{site.name}"
    assert "AcquisitionDate" not in ElementTree.tostring(document, encoding="unicode")
    for kind, labels in (("nuclei", expected.nuclei), ("cells", expected.cells)):
        stored = tifffile.imread(written[1] / site.labels_key(kind))
        assert stored.dtype == np.uint16
        assert np.array_equal(stored, labels)


def test_tables_join(written: dict[int, Path], small: ExperimentDesign) -> None:
    folder = written[1]
    maps = {
        row["Assay_Plate_Barcode"]: row for row in table(folder / "metadata/barcode_platemap.csv")
    }
    wells = {
        (path.stem, row["well_position"]): row["perturbation"]
        for path in (folder / "metadata/platemap").iterdir()
        for row in table(path)
    }
    known = {
        row["perturbation"]: row
        for row in table(folder / "metadata/external_metadata/perturbations.tsv")
    }
    rows = table(folder / "load_data/SIM00001.csv")
    assert len(rows) == small.size
    layout = {well.well: well for well in small.layout(small.plates[0])}
    for row in rows:
        plate_map = maps[row["Metadata_Plate"]]["Plate_Map_Name"]
        name = wells[plate_map, row["Metadata_Well"]]
        well = layout[row["Metadata_Well"]]
        assert name == well.perturbation.name
        assert known[name]["control_type"] == well.control_type
        for index, channel in enumerate(CHANNELS):
            path = folder / row[f"PathName_Orig{channel}"] / row[f"FileName_Orig{channel}"]
            assert path.is_file()
            assert row[f"Frame_Orig{channel}"] == str(index)
        assert (folder / row["Objects_PathName_Cells"] / row["Objects_FileName_Cells"]).is_file()


def test_objects_table_agrees_with_labels(written: dict[int, Path]) -> None:
    rows = table(written[1] / "objects/SIM00001.csv")
    assert rows
    for row in rows[:5]:
        well, site = row["Metadata_Well"], int(row["Metadata_Site"])
        name = f"r{ord(well[0]) - 64:02d}c{well[1:]}f{site:02d}p01_nuclei.tiff"
        labels = tifffile.imread(written[1] / "segmentation/SIM00001" / name)
        area = np.count_nonzero(labels == int(row["ObjectNumber"]))
        assert area == int(row["Nuclei_AreaShape_Area"])


def test_truth_file_tells_the_truth(written: dict[int, Path]) -> None:
    truth = json.loads((written[1] / "truth.json").read_text(encoding="utf-8"))
    assert truth["version"] == 1
    assert truth["same_target"] == [["simrotenone", "simpiericidin"]]
    assert {"perturbation": "simatrunculin", "quantity": "actin", "factor": 0.25} in truth[
        "expectations"
    ]


def test_readme_tells_what_it_is(written: dict[int, Path]) -> None:
    first, second = (
        (written[number] / "README.md").read_text(encoding="utf-8") for number in (1, 2)
    )
    assert "Simulated data" in first
    assert "CC0 1.0" in first
    assert all(name in first for name in CHANNELS)
    assert "What changed" not in first
    assert "What changed in revision 2" in second


def test_revisions_differ_as_promised(written: dict[int, Path], small: ExperimentDesign) -> None:
    first, second = files(written[1]), files(written[2])
    plan = plan_revision(small, 2)
    assert first.keys() - second.keys() == {"metadata/annotation_notes.txt"}
    added = second.keys() - first.keys()
    assert added == {key for key in second if "SIM00002" in key}
    changed = {key for key in first.keys() & second.keys() if first[key] != second[key]}
    assert changed == {
        "README.md",
        "metadata/barcode_platemap.csv",
        "metadata/external_metadata/perturbations.tsv",
        *(site.image_key for site in plan.blurred),
    }
    assert len(plan.blurred) == 2


def test_revision_two_corrects_one_target(written: dict[int, Path]) -> None:
    targets = {
        number: {
            row["perturbation"]: row["target"]
            for row in table(written[number] / "metadata/external_metadata/perturbations.tsv")
        }
        for number in (1, 2)
    }
    differ = {name for name in targets[1] if targets[1][name] != targets[2][name]}
    assert differ == {"simatrunculin"}
    assert targets[1]["simatrunculin"] == "NDUFS7"
    assert targets[2]["simatrunculin"] == "ACTB"


def test_existing_files_are_kept_unless_forced(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    (tmp_path / "truth.json").write_text("changed")
    with pytest.raises(CheckoutConflict, match=r"1 file in .* truth\.json"):
        write_experiment(TINY, tmp_path)
    assert set(files(tmp_path)) == {"mine.txt", "truth.json"}
    write_experiment(TINY, tmp_path, force=True)
    assert (tmp_path / "metadata/annotation_notes.txt").is_file()
    second = write_experiment(TINY, tmp_path, revision=2, force=True)
    assert set(files(tmp_path)) == {*second.keys, "mine.txt"}
    write_experiment(TINY, tmp_path, force=True)
    assert not any("SIM00002" in key for key in files(tmp_path))


def test_bad_revision_writes_nothing(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument, match="no such revision"):
        write_experiment(TINY, tmp_path / "new", revision=0)
    assert not (tmp_path / "new").exists()


def test_a_failed_write_leaves_no_partial_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: Path, target: Path) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(OSError, match="no space left"):
        write_experiment(TINY, tmp_path)
    assert files(tmp_path) == {}


def test_shuffled_plates_are_tabulated_one_by_one(tmp_path: Path) -> None:
    design = replace(TINY, plate_count=2, shuffle_plates=True)
    write_experiment(design, tmp_path)
    maps = {path.stem: table(path) for path in (tmp_path / "metadata/platemap").iterdir()}
    assert {name: len(rows) for name, rows in maps.items()} == {"SIM-MAP-01": 3, "SIM-MAP-02": 3}
