"""The commands records and schema."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pandas as pd
import pytest

from tests.cli.conftest import Cellfolio
from tests.cli.test_commands import check
from tests.workflows.aics import documents, schema, write, write_tree

WELL = "plate_3500001327_well_A1"
FOV = sorted(name for kind, name in documents() if kind == "fovs")[0]


@pytest.fixture
def aics(cellfolio: Cellfolio, tmp_path: Path) -> str:
    folder = write_tree(tmp_path / "aics_23", documents())
    write(folder / "SCHEMA", json.dumps(schema()))
    assert cellfolio("build", folder, "aics/aics_23").code == 0
    return "aics/aics_23"


@pytest.fixture
def damaged(cellfolio: Cellfolio, aics: str) -> str:
    found = documents()
    found["wells", WELL]["fovs"] = ["fov_gone"]
    found["wells", WELL]["dose"] = 1
    write_tree(Path("aics_23"), found)
    write(Path("aics_23/fovs", FOV, "info/load"), "{ no")
    assert cellfolio("build", "aics_23", aics).code == 0
    return aics


@pytest.fixture
def distributed(cellfolio: Cellfolio, tmp_path: Path) -> str:
    rows = [{"CellId": n, "3d": f"3d/{n}_a.tiff", "2d": f"2d/{n}_b.tiff"} for n in (1, 2, 3)]
    for row in rows:
        write(tmp_path / "files" / str(row["3d"]), "3")
        write(tmp_path / "files" / str(row["2d"]), "2")
    pd.DataFrame(rows).to_csv(tmp_path / "files/metadata.csv", index=False)
    assert cellfolio("build", tmp_path / "files", "lab/cells").code == 0
    return "lab/cells"


def test_overview(cellfolio: Cellfolio, aics: str) -> None:
    title, *lines = cellfolio("records", aics).out.splitlines()
    assert title.startswith("aics/aics_23 @ ")
    assert lines[0] == "  lines            1  line_AICS_23"
    assert lines[1] == "  plates           2  plate_3500001327, …"
    assert lines[-1] == "  links           82"
    ran = cellfolio("records", aics, "--json")
    check(ran, "records")
    found = ran.document
    assert found["kinds"]["nuclei_segs"] == 4
    assert (found["links"], found["kind"], found["records"]) == (82, None, [])
    assert (found["dangling"], found["problems"]) == ([], [])


def test_kind(cellfolio: Cellfolio, aics: str) -> None:
    _, header, first, *_ = cellfolio("records", f"{aics}/fovs").out.splitlines()
    assert header.split()[:3] == ["name", "passage", "plate_barcode"]
    assert first.split()[0] == FOV
    assert cellfolio("records", f"{aics}/cell_segmentations").out.count("cell_plate_") == 4
    ran = cellfolio("records", f"{aics}/fovs", "-w", "passage>30", "-w", "plates~*27", "--json")
    check(ran, "records")
    (one,) = ran.document["records"]
    assert one["related"]["wells"] == ["plate_3500001327_well_B1"]
    assert one["info"]["channels"][0] == {"dye_name": "DNA", "use": True}
    assert "no fovs like that" in cellfolio("records", f"{aics}/fovs", "-w", "clone=x").out


def test_one_record(cellfolio: Cellfolio, aics: str) -> None:
    ran = cellfolio("records", f"{aics}/fovs/{FOV}")
    lines = ran.out.splitlines()
    assert lines[0] == f"fovs/{FOV}"
    assert "  channels       DNA, DNA_2 (not used), EGFP, Membrane, Membrane_2 (not used)" in lines
    assert f"  wells           {WELL}" in lines
    assert any(line.startswith(f"  fovs/{FOV}/image/load") for line in lines)
    # The name alone will do, and so will a folder on this machine.
    assert cellfolio("records", f"{aics}/{FOV}").out == ran.out
    assert cellfolio("records", f"./aics_23/fovs/{FOV}").out == ran.out


def test_related(cellfolio: Cellfolio, aics: str) -> None:
    plate = f"{aics}/plates/plate_3500001327"
    ran = cellfolio("records", plate, "--related", "cell_segs", "--json")
    assert [one["name"] for one in ran.document["records"]] == [
        f"cell_{WELL}_100X_20171024_0",
        "cell_plate_3500001327_well_B1_100X_20171024_0",
    ]
    ran = cellfolio("records", f"{aics}/plates", "--related", "line", "--json")
    assert [one["name"] for one in ran.document["records"]] == ["line_AICS_23"]


def test_dangling(cellfolio: Cellfolio, aics: str, damaged: str) -> None:
    assert "  dangling" in cellfolio("records", damaged).out
    lines = cellfolio("records", damaged, "--dangling").out.splitlines()
    assert lines[1].split() == [
        f"wells/{WELL}", "dangling", "fovs/fov_gone", "is", "not", "there"
    ]  # fmt: skip
    assert lines[2].split()[:2] == [f"fovs/{FOV}", "unreadable"]
    assert "nothing is wrong" in cellfolio("records", f"{damaged}/plates", "--dangling").out
    assert FOV not in cellfolio("records", f"{damaged}/wells", "--dangling").out
    ran = cellfolio("records", damaged, "--json")
    assert [one["other_name"] for one in ran.document["dangling"]] == ["fov_gone"]
    assert [one["about"] for one in ran.document["problems"]] == ["unreadable"]
    assert cellfolio("records", damaged, "--dangling", "-o", "wrong.csv").code == 0
    assert len(pd.read_csv("wrong.csv")) == 2


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".parquet", ".json"])
def test_output(cellfolio: Cellfolio, aics: str, suffix: str) -> None:
    path = Path(f"fovs{suffix}")
    ran = cellfolio("records", f"{aics}/fovs", "-o", path)
    assert ran.out == f"4 rows, 11 columns → {path}\n"
    if suffix == ".json":
        first = json.loads(path.read_text())[0]
        assert first["channels"][2]["dye_name"] == "EGFP"
    else:
        table = (
            pd.read_parquet(path)
            if suffix == ".parquet"
            else pd.read_csv(path, sep="\t" if suffix == ".tsv" else ",")
        )
        first = dict(table.iloc[0].items())
        assert json.loads(str(first["channels"]))[2]["dye_name"] == "EGFP"
        assert json.loads(str(first["wells"])) == [WELL]
    assert first["name"] == FOV


def test_output_of_all_kinds_is_the_links(cellfolio: Cellfolio, aics: str) -> None:
    ran = cellfolio("records", aics, "-o", "links.csv", "--json")
    check(ran, "records")
    assert ran.document["output"] == "links.csv"
    with Path("links.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 82
    assert rows[0] == {
        "kind": "lines", "name": "line_AICS_23", "other_kind": "plates",
        "other_name": "plate_3500001327", "told_by": "both",
    }  # fmt: skip


def test_rows_and_files(cellfolio: Cellfolio, distributed: str) -> None:
    lines = cellfolio("records", distributed).out.splitlines()
    assert [line.split()[:2] for line in lines[1:]] == [
        ["rows", "3"], ["3d", "3"], ["2d", "3"], ["links", "6"]
    ]  # fmt: skip
    ran = cellfolio("records", distributed, "-w", "CellId>1", "--related", "2d", "--json")
    assert [one["files"] for one in ran.document["records"]] == [["2d/2_b.tiff"], ["2d/3_b.tiff"]]
    lines = cellfolio("records", f"{distributed}/rows/2").out.splitlines()
    assert lines[0] == "rows/2"
    assert "  CellId  3" in lines
    ran = cellfolio("records", f"{distributed}/2d/3_b.tiff", "--json")
    assert ran.document["records"][0]["related"] == {"rows": ["2"], "3d": ["3_a.tiff"], "2d": []}
    assert cellfolio("records", f"{distributed}/rows", "-o", "rows.csv").code == 0
    assert Path("rows.csv").read_bytes() == Path("files/metadata.csv").read_bytes()


def test_folder_on_this_machine(cellfolio: Cellfolio, aics: str, distributed: str) -> None:
    for path, rows in (("aics_23/fovs", 4), ("files/rows", 3), ("files/2d/3_b.tiff", 1)):
        assert len(cellfolio("records", f"./{path}", "--json").document["records"]) == rows
    assert cellfolio("records", "./aics_23").out.splitlines()[-1] == "  links           82"


def test_columns_may_be_called_like_ours(cellfolio: Cellfolio) -> None:
    write(Path("files/3d/a.tiff"), "3")
    write(Path("files/metadata.csv"), "row,name,3d\nA,x,3d/a.tiff\n")
    cellfolio("build", "files", "lab/cells")
    lines = cellfolio("records", "lab/cells/rows").out.splitlines()
    assert [line.split() for line in lines[1:3]] == [
        ["row_", "row", "name", "3d"], ["0", "A", "x", "3d/a.tiff"]
    ]  # fmt: skip


CANNOT = [
    (["aics/aics_23/genes"], 3, "has no kind of records 'genes'"),
    (["aics/aics_23/fovs/fov_x"], 3, "has no record fovs/fov_x"),
    (["aics/aics_23/fovs", "--related", "genes"], 3, "has no kind of records 'genes'"),
    (["aics/aics_23/fovs", "-w", "dose=1"], 2, "no record of fovs has an attribute 'dose'"),
    (["aics/aics_23/fovs", "-w", "dose"], 2, "is no condition"),
    (["aics/aics_23", "-w", "clone=1"], 2, "none is named"),
    (["aics/aics_23/fovs", "-o", "x.xlsx"], 2, "its suffix should be one of"),
    (["aics/aics_23/fovs", "-o", "no/x.csv"], 7, "non-existent directory"),
    (["aics/nothing"], 3, "aics/nothing"),
    (["lab/plain"], 3, "has no records: no info documents in lines"),
    (["./nowhere/fovs"], 2, "no folder above"),
    (["./plain"], 3, "has no records"),
]


def test_what_cannot_be_shown_is_told(cellfolio: Cellfolio, aics: str) -> None:
    write(Path("plain/README.md"), "nothing")
    cellfolio("build", "plain", "lab/plain")
    for args, code, message in CANNOT:
        ran = cellfolio("records", *args)
        assert (args, ran.code, ran.out) == (args, code, "")
        assert message in ran.err


# SCHEMA


def test_schema(cellfolio: Cellfolio, aics: str) -> None:
    lines = cellfolio("schema", aics).out.splitlines()
    assert "lines  unique_line_info" in lines
    assert "  line_id         integer  27" in [
        line.partition("  the")[0].rstrip() for line in lines
    ]
    assert "the cell_segs" in "\n".join(lines)
    ran = cellfolio("schema", aics, "-o", "SCHEMA.md")
    assert ran.out.splitlines()[1] == "→ SCHEMA.md"
    assert Path("SCHEMA.md").read_text().startswith("# SCHEMA of aics/aics\\_23\n\n## lines\n")
    ran = cellfolio("schema", aics, "--json")
    check(ran, "schema")
    (line, *_) = ran.document["kinds"]
    assert (line["key"], line["kind"]) == ("unique_line_info", "lines")
    segs = next(one for one in line["attributes"] if one["in_documents"] == "cell_segs")
    assert segs["name"] == "cell_segmentations"


def test_schema_check(cellfolio: Cellfolio, aics: str) -> None:
    ran = cellfolio("schema", aics, "--check")
    assert (ran.code, ran.out.splitlines()[1]) == (0, "23 documents as SCHEMA says")
    check(cellfolio("schema", aics, "--check", "--json"), "schema")


def test_schema_check_finds(cellfolio: Cellfolio, damaged: str) -> None:
    ran = cellfolio("schema", damaged, "--check")
    assert ran.code == 1
    assert ran.out.splitlines()[1] == "22 documents compared; 2 findings:"
    assert "no document" in ran.out
    ran = cellfolio("schema", damaged, "--check", "--json", "-o", "found.csv")
    check(ran, "schema", 1)
    assert [one["about"] for one in ran.document["findings"]] == ["unknown", "no document"]
    assert pd.read_csv("found.csv")["examples"].tolist() == [WELL, FOV]


@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        (None, 3, "has no SCHEMA document"),
        ("{ no", 5, "SCHEMA cannot be read as json: line 1"),
        ("[]", 5, "SCHEMA cannot be read as SCHEMA: expected an object, found list []"),
    ],
)
def test_schema_that_is_none(
    cellfolio: Cellfolio, aics: str, text: str | None, code: int, message: str
) -> None:
    path = Path("aics_23/SCHEMA")
    path.unlink()
    if text is not None:
        path.write_text(text)
    cellfolio("build", "aics_23", aics)
    for args in ((), ("--check",), ("--json",)):
        ran = cellfolio("schema", aics, *args)
        assert (ran.code, ran.out) == (code, "")
        assert message in ran.err
