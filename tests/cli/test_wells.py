"""The command wells: what it prints, writes, draws and refuses."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from tests.cli.conftest import Cellfolio
from tests.cli.test_commands import check

FILES = {
    "platemaps/day1/barcode_platemap.csv": "Assay_Plate_Barcode,Plate_Map_Name\nBR1,map\nBR2,map\n",
    "platemaps/day2/barcode_platemap.csv": "Assay_Plate_Barcode,Plate_Map_Name\nBR2,map\n",
    "external_metadata/map_metadata.csv": "drug,control_type,pert_type\n,negcon,control\n"
    "x1,,trt\nx2,poscon,control\n",
    "experiment.csv": "Batch,Plate,Cell_type\nday1,BR1,U2OS\n",
}
MAP = "well,drug,dose\nA1,,0\nA2,x1,0.5\nB1,x2,1\nB2,x3,1\n"


@pytest.fixture
def screen(tmp_path: Path) -> str:
    files = FILES | {f"platemaps/day{one}/platemap/map.csv": MAP for one in (1, 2)}
    for name, text in files.items():
        path = tmp_path / "screen" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return "./screen"


def test_wells_are_told(cellfolio: Cellfolio, screen: str) -> None:
    ran = cellfolio("wells", screen, "BR1")
    assert ran.code == 0
    lines = [" ".join(line.split()) for line in ran.out.splitlines()]
    assert lines[:6] == [
        "BR1 · day1",
        "plate map map, 4 wells",
        "perturbations external_metadata/map_metadata.csv, by drug",
        "plate Cell_type U2OS",
        "control type negcon 1, none 1, poscon 1, trt 1",
        "no perturbation 1 well, told by the metadata",
    ]
    assert lines[7:9] == ["Well drug dose control_type pert_type", "A01 0 negcon control"]
    assert ran.err == "note: BR1: 1 perturbation has no metadata: x3\n"


def test_document_has_every_well(cellfolio: Cellfolio, screen: str) -> None:
    (Path("screen") / "external_metadata/map_metadata.csv").write_text(
        "drug,control_type\nx1,\nx2,poscon\nx3,\n"
    )
    ran = cellfolio("wells", screen, "BR2", "--batch", "day2", "--json")
    check(ran, "wells")
    found = ran.document
    assert (found["plate"], found["batch"], found["size"], found["key"]) == (
        "BR2",
        "day2",
        6,
        "drug",
    )
    assert found["controls"] == {"none": 3, "poscon": 1}
    assert found["without_perturbation"] == ["A01"]
    assert found["wells"][0] == {
        "Metadata_Plate": "BR2", "Metadata_Well": "A01", "Metadata_Batch": "day2",
        "Metadata_plate_map_name": "map", "Metadata_drug": None, "Metadata_dose": 0.0,
        "Metadata_control_type": None,
    }  # fmt: skip
    narrow = cellfolio("wells", screen, "BR2", "--batch", "day2", "-c", "drug", "--json").document
    assert set(narrow["wells"][0]) == {"Metadata_Plate", "Metadata_Well", "Metadata_drug"}


def test_column_is_laid_out_as_the_plate(cellfolio: Cellfolio, screen: str) -> None:
    lines = cellfolio("wells", screen, "BR1", "--column", "dose").out.splitlines()
    assert lines[-4:] == ["dose", "    1    2    3", "A   0    0.5", "B   1    1"]


@pytest.mark.parametrize("suffix", ["csv", "tsv", "parquet", "json"])
def test_table_is_written(cellfolio: Cellfolio, screen: str, suffix: str) -> None:
    import pandas as pd

    path = Path(f"wells.{suffix}")
    ran = cellfolio("wells", screen, "BR1", "-o", path)
    assert (ran.code, ran.out) == (0, f"wrote {path}\n")
    if suffix == "parquet":
        wells = pd.read_parquet(path)["Metadata_Well"].tolist()
    elif suffix == "json":
        wells = [row["Metadata_Well"] for row in json.loads(path.read_text())]
    else:
        delimiter = "," if suffix == "csv" else "\t"
        with path.open(newline="") as file:
            wells = [row["Metadata_Well"] for row in csv.DictReader(file, delimiter=delimiter)]
    assert wells == ["A01", "A02", "B01", "B02"]


@pytest.mark.parametrize(
    ("suffix", "start"), [("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF")]
)
def test_column_is_drawn(cellfolio: Cellfolio, screen: str, suffix: str, start: bytes) -> None:
    ran = cellfolio("wells", screen, "BR1", "-c", "control_type", "-o", f"plate.{suffix}", "--json")
    assert ran.code == 0
    assert ran.document["output"] == f"plate.{suffix}"
    assert ran.document["wells"] == []
    assert Path(f"plate.{suffix}").read_bytes().startswith(start)


@pytest.mark.parametrize(
    ("words", "code", "message", "hint"),
    [
        (["BR2"], 2, "2 batches have the plate BR2", "name one of them as the batch: day1, day2"),
        (
            ["BR3"],
            3,
            "no table of barcodes has the plate 'BR3'; they have 2 others",
            "they have BR1, BR2",
        ),
        (["BR1", "--batch", "day3"], 3, "there is no batch 'day3'", "are day1, day2"),
        (["BR1", "-c", "dos"], 2, "the wells have no column 'dos'", "did you mean dose?"),
        (["BR1", "-o", "plate.png"], 2, "none is named", "--column"),
        (["BR1", "-c", "dose", "-o", "plate.xlsx"], 2, "cannot be written to 'plate.xlsx'", ".png"),
        (["BR1", "-o", "no/plate.csv"], 2, "there is no folder no", "make it first"),
        (["BR1", "--well-column", "wall"], 2, "no column 'wall'", "did you mean well?"),
        (["BR1", "--perturbations", "none.csv"], 3, "has no file 'none.csv'", ""),
    ],
)
def test_what_cannot_be_done_is_told(
    cellfolio: Cellfolio, screen: str, words: list[str], code: int, message: str, hint: str
) -> None:
    ran = cellfolio("wells", screen, *words)
    assert (ran.code, ran.out) == (code, "")
    assert message in ran.err
    assert hint in ran.err
    assert "Traceback" not in ran.err


def test_names_of_strangers_do_not_move_the_cursor(cellfolio: Cellfolio, tmp_path: Path) -> None:
    (tmp_path / "map.csv").write_text("well,drug\nA1,\x1b[2Jbad\n")
    for words in ([], ["-c", "drug"]):
        ran = cellfolio("wells", "./map.csv", "P\x1b[1m", *words)
        assert ran.code == 0
        assert "\x1b" not in ran.out


def test_large_plate_has_signs(cellfolio: Cellfolio, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    rows = [f"r{row}c{column},{'DMSO' if column > 24 else 'tetrandrine'}"
            for row in range(1, 33) for column in range(1, 49)]  # fmt: skip
    Path("map.csv").write_text("\n".join(["well,drug", *rows]) + "\n")
    lines = cellfolio("wells", "./map.csv", "P1", "-c", "drug").out.splitlines()
    assert "AF  " + "2" * 24 + "1" * 24 in lines
    assert all(len(line) <= 80 for line in lines)
    assert [line.split() for line in lines[-2:]] == [
        ["1", "DMSO", "768"],
        ["2", "tetrandrine", "768"],
    ]
    monkeypatch.setenv("COLUMNS", "40")
    assert "… 1,528 more wells" in cellfolio("wells", "./map.csv", "P1", "-c", "drug").out
