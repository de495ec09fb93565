"""The command that loads Rosetta profiles."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from cellfolio.cli.command import AnswerCommand
from cellfolio.cli.main import cli
from cellfolio.metadata.rosetta.sets import find_set
from tests.cli.conftest import Cellfolio
from tests.metadata.rosetta_files import MORPHOLOGY, Made, make, write


@pytest.fixture
def made(tmp_path: Path) -> Made:
    made = make(tmp_path / "data", find_set("LINCS"), "morphology")
    made.rows[0][MORPHOLOGY[1]] = "inf"
    for row in made.rows:
        row[MORPHOLOGY[3]] = "7"
    write(made.path, made.rows)
    return made


def test_it_tells_what_was_loaded(cellfolio: Cellfolio, made: Made) -> None:
    ran = cellfolio("rosetta", "LINCS", "--source", made.folder)
    assert ran.code == 0, ran.err
    title, *lines = ran.out.splitlines()
    assert title == "LINCS, morphology, augmented"
    assert lines == [
        "  file           CellPainting/replicate_level_cp_augmented.csv.gz",
        "  wells          12 (published: 52,223)",
        "  plates         3",
        "  perturbations  2 (published: 9,394)",
        "  controls       6 wells",
        "  features       2",
        "  missing        0 of 24 values (0.00%); 1 of the file were infinite",
        "  left out       Cells_AreaShape_Area: 8.3% missing, more than 5%",
        "                 Cells_Texture_Contrast_ER_10_0: standard deviation 0, below 0.0001",
        "  note: CellPainting/replicate_level_cp_augmented.csv.gz: 2 features left out: "
        "Cells_AreaShape_Area, Cells_Texture_Contrast_ER_10_0",
        "",
        "Metadata_perturbation  Metadata_group  Metadata_mechanism",
        "BRD-A62035778_10       BRD-A62035778   cdk inhibitor brd-a6",
        "BRD-A62035778_0.37     BRD-A62035778   cdk inhibitor brd-a6",
        "negcon                 negcon",
        "negcon                 negcon",
        "BRD-A62035778_10       BRD-A62035778   cdk inhibitor brd-a6",
        "… 7 more rows",
    ]


def test_document(cellfolio: Cellfolio, made: Made) -> None:
    words = ("--level", "treatment", "--standardize", "--fill", "plate_median", "--json")
    ran = cellfolio("rosetta", "LINCS", "--source", made.folder, *words)
    command = cli.get_command(click.Context(cli), "rosetta")
    assert isinstance(command, AnswerCommand)
    assert set(ran.document) == set(command.fields)
    assert ran.document["keys"] == ["BRD-A62035778_0.37", "BRD-A62035778_10", "negcon"]
    assert ran.document["infinite"] == 1
    assert ran.document["shape"][0] == 3
    assert {one["feature"] for one in ran.document["dropped"]} == {MORPHOLOGY[1], MORPHOLOGY[3]}


def test_some_features_to_a_file(cellfolio: Cellfolio, made: Made, tmp_path: Path) -> None:
    feature = ("--feature", MORPHOLOGY[0])
    ran = cellfolio("rosetta", "LINCS", "--source", made.folder, *feature, "-o", "t.csv")
    assert ran.out.splitlines()[-1] == "→ t.csv: 12 rows, 11 columns"
    header = (tmp_path / "t.csv").read_text(encoding="utf-8").splitlines()[0]
    assert header.endswith(f",Metadata_pert_id_dose,{MORPHOLOGY[0]}")


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("CPJUMP",), 2, "expected one of the Rosetta data sets CDRP, "),
        (("LINCS", "--variant", "best"), 2, "expected one of the variants augmented, "),
        (("LINCS", "-o", "t.txt"), 2, "expected a name with one of .csv.gz, .csv, .parquet"),
        (("LINCS", "-o", "no/t.csv"), 2, "there is no folder no to write t.csv to"),
        (("LINCS", "--modality", "expression"), 3, "expected L1000/replicate_level_l1k.csv.gz"),
        (("LUAD",), 3, "data/LINCS-Pilot1 has no morphology profiles of LUAD"),
        (("LINCS", "--symbols", "no.csv"), 3, "no.csv is not there"),
    ],
)
def test_what_cannot_be_is_one_line(
    cellfolio: Cellfolio, made: Made, words: tuple[str, ...], code: int, message: str
) -> None:
    name, *rest = words
    source = made.folder if name != "LUAD" else made.folder / "CellPainting"
    ran = cellfolio("rosetta", name, "--source", source, *rest)
    assert ran.code == code, ran.err
    assert message.replace("data/LINCS-Pilot1", str(source)) in ran.err.splitlines()[0]
    assert "Traceback" not in ran.err
