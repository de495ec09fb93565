"""Rosetta profiles by the name of their data set, from a package, a folder or a file."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

import cellfolio
from cellfolio.errors import BrokenFile, EntryNotFound, InvalidArgument, UnknownFormat
from cellfolio.metadata.rosetta.sets import find_set
from cellfolio.workflows.rosetta import RosettaWarning
from tests.metadata.rosetta_files import EXPRESSION, MORPHOLOGY, Made, make, write

LUAD, LINCS = find_set("LUAD"), find_set("LINCS")
EXPECTED = ["TP53_p.R280G", "STK11_p.D194Y.unin.fs", "negcon", "negcon"] * 3


@pytest.fixture
def made(tmp_path: Path) -> Made:
    """The folder ``preprocessed_data`` with morphology of LUAD."""
    return make(tmp_path / "preprocessed_data", LUAD, "morphology")


def keys(table: pd.DataFrame) -> list[str]:
    found: list[str] = table["Metadata_perturbation"].tolist()
    return found


def test_a_folder_is_named_or_one_above_or_the_file(made: Made) -> None:
    for source in (made.folder, made.folder.parent, made.folder.parent.parent, made.path):
        assert keys(cellfolio.rosetta("LUAD", source=source)) == EXPECTED
        assert keys(cellfolio.rosetta("LUAD", source=str(source))) == EXPECTED


def test_a_package_is_a_value_or_a_name(made: Made, home: cellfolio.Home) -> None:
    package = cellfolio.build(made.folder.parent, "lab/rosetta", home=home).package
    assert keys(cellfolio.rosetta("LUAD", source=package, home=home)) == EXPECTED
    assert keys(cellfolio.rosetta("luad", source="lab/rosetta", home=home)) == EXPECTED


def test_by_default_it_is_the_data_set_of_the_catalogue(
    made: Made, home: cellfolio.Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = ["version = 1", "[[data_set]]", f'name = "rosetta/{LUAD.folder}"', 'title = "LUAD"']
    lines += [f'address = "listing+{made.folder.as_uri()}"']
    (tmp_path / "mine.toml").write_text("\n".join(lines), encoding="utf-8")
    monkeypatch.setenv("CELLFOLIO_CATALOGUE", str(tmp_path / "mine.toml"))
    assert keys(cellfolio.rosetta("LUAD", home=home)) == EXPECTED


def test_plain_and_parquet_files_are_the_same(made: Made) -> None:
    expected = cellfolio.rosetta("LUAD", source=made.folder)
    plain = made.path.with_suffix("")
    write(plain, made.rows)
    made.path.unlink()
    pd.testing.assert_frame_equal(cellfolio.rosetta("LUAD", source=made.folder), expected)
    pd.read_csv(plain).to_parquet(plain.with_suffix(".parquet"))
    plain.unlink()
    found = cellfolio.rosetta("LUAD", source=made.folder, features=MORPHOLOGY)
    pd.testing.assert_frame_equal(found, expected)


def test_only_what_is_asked_for_is_read(made: Made) -> None:
    # A feature that is no number is an error only where it is read.
    for row in made.rows:
        row[MORPHOLOGY[1]] = "broken"
    write(made.path, made.rows)
    with pytest.raises(BrokenFile, match="expected numbers in 'Cells_AreaShape_Area'"):
        cellfolio.rosetta("LUAD", source=made.path)
    wanted = [MORPHOLOGY[2], MORPHOLOGY[0]]
    table = cellfolio.rosetta("LUAD", source=made.path, features=wanted)
    assert list(table.columns)[-2:] == wanted
    assert table[wanted[0]].tolist() == [float(row[wanted[0]]) for row in made.rows]
    assert MORPHOLOGY[3] not in table
    nothing = cellfolio.rosetta("LUAD", source=made.path, features=[])
    assert keys(nothing) == EXPECTED
    with pytest.raises(InvalidArgument, match="has no column 'Cells_Are'"):
        cellfolio.rosetta("LUAD", source=made.path, features=["Cells_Are"])
    with pytest.raises(InvalidArgument, match="has no column 'Metadata_Plate'"):
        cellfolio.rosetta("LUAD", source=made.path, features=["Metadata_Plate"])


def test_files_that_are_not_there_are_told_with_those_that_are(
    made: Made, tmp_path: Path, home: cellfolio.Home
) -> None:
    message = r"expected L1000/replicate_level_l1k\.csv\.gz, found nothing in L1000/"
    with pytest.raises(EntryNotFound, match=message):
        cellfolio.rosetta("LUAD", modality="expression", source=made.folder)
    message = r"expected CellPainting/\S*_normalized\.csv\.gz, found CellPainting/\S*_augmented"
    with pytest.raises(EntryNotFound, match=message):
        cellfolio.rosetta("LUAD", variant="normalized", source=made.folder)
    package = cellfolio.build(made.folder, "lab/luad", home=home).package
    with pytest.raises(EntryNotFound, match=message):
        cellfolio.rosetta("LUAD", variant="normalized", source=package, home=home)
    with pytest.raises(EntryNotFound, match="no folder or file"):
        cellfolio.rosetta("LUAD", source=tmp_path / "nowhere")


def test_a_file_of_another_data_set_is_refused(tmp_path: Path) -> None:
    made = make(tmp_path, LINCS, "expression")
    with pytest.raises(
        BrokenFile, match=r"expression profiles of LUAD: expected a column 'allele'"
    ):
        cellfolio.rosetta("LUAD", modality="expression", source=made.path)


def test_header_only_files_are_empty_with_a_warning(tmp_path: Path) -> None:
    made = make(tmp_path, LINCS, "expression")
    header = ",".join(made.rows[0])
    made.path.with_name("level_5_modz.csv").write_text(f"{header}\n", encoding="utf-8")
    with pytest.warns(RosettaWarning, match=r"^L1000/level_5_modz.csv has a header and no rows$"):
        table = cellfolio.rosetta(
            "LINCS", modality="expression", variant="level_5_modz", source=made.folder
        )
    assert table.shape == (0, len(made.rows[0]) + 1)


def test_what_was_left_out_is_a_warning(made: Made) -> None:
    for row in made.rows:
        row[MORPHOLOGY[0]] = "7"
    write(made.path, made.rows)
    with pytest.warns(RosettaWarning, match="1 features left out: Nuclei_AreaShape_Area"):
        table = cellfolio.rosetta("LUAD", source=made.path, level="treatment")
    assert list(table.columns)[-3:] == list(MORPHOLOGY[1:])


def test_genes_are_named_by_a_table_or_its_file(tmp_path: Path) -> None:
    made = make(tmp_path, LUAD, "expression")
    symbols = pd.DataFrame({"probe_id": EXPRESSION, "symbol": ["PSME1", "ATF1", "RHEB", "FOXO3"]})
    symbols.to_csv(tmp_path / "symbols.csv", index=False)
    symbols.to_excel(tmp_path / "symbols.xlsx", index=False)
    for one in (symbols, tmp_path / "symbols.csv", str(tmp_path / "symbols.xlsx")):
        table = cellfolio.rosetta("LUAD", modality="expression", source=made.path, symbols=one)
        assert list(table.columns)[-4:] == symbols["symbol"].tolist()
    (tmp_path / "broken.xlsx").write_bytes(b"PK\x03\x04")
    with pytest.raises(BrokenFile, match=r"broken\.xlsx cannot be read as xlsx"):
        cellfolio.rosetta(
            "LUAD", modality="expression", source=made.path, symbols=tmp_path / "broken.xlsx"
        )


def test_unknown_options_and_formats_are_told(made: Made, tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument, match="rosetta has no option 'standardise'"):
        cellfolio.rosetta("LUAD", source=made.path, standardise=True)
    (tmp_path / "table.bin").write_bytes(b"\x00\x01")
    with pytest.raises(UnknownFormat):
        cellfolio.rosetta("LUAD", source=tmp_path / "table.bin")
    made.path.write_bytes(made.path.read_bytes()[:-20])
    with pytest.raises(BrokenFile, match="the compressed data are cut off"):
        cellfolio.rosetta("LUAD", source=made.folder)


def test_tables_are_written_with_what_was_done(
    made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cellfolio.cli.main import run

    monkeypatch.chdir(tmp_path)
    expected = cellfolio.rosetta("LUAD", level="treatment", source=made.folder)
    expected = expected.astype(object).where(expected.notna(), "")
    for name in ("t.csv", "t.csv.gz", "t.parquet"):
        command = ["rosetta", "LUAD", "--source", str(made.folder), "--level", "treatment"]
        assert run([*command, "-o", name]) == 0
        found = cellfolio.load(name)
        assert found.astype(object).where(found.notna(), "").equals(expected)
        told = json.loads(Path(f"{name}.json").read_text(encoding="utf-8"))
        assert told["file"] == "CellPainting/replicate_level_cp_augmented.csv.gz"
        assert told["cellfolio"]
    assert sorted(path.name for path in tmp_path.glob(".*")) == []
