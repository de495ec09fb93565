"""The command query."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

from tests.cli.conftest import PROGRAM, Cellfolio, write
from tests.metadata.study import write_study

FILES = {
    "wells.csv": b"well,gene,image\nA01,TTN,images/a.tiff\nA02,MYH6,images/b.tiff\n"
    b"A03,MYH7,images/none.tiff\n",
    "images/a.tiff": b"a" * 2000,
    "images/b.tiff": b"b" * 3000,
    "images/c.tiff": b"c" * 10,
}


@pytest.fixture
def screen(cellfolio: Cellfolio, tmp_path: Path) -> str:
    ran = cellfolio("build", write(tmp_path / "source", FILES), "lab/screen")
    assert ran.code == 0, ran.err
    return "lab/screen"


def test_from_question_to_files_to_package(cellfolio: Cellfolio, screen: str) -> None:
    sql = "select well, image from wells where gene in ('TTN', 'MYH6')"
    ran = cellfolio("query", screen, sql)
    assert ran.code == 0, ran.err
    assert ran.out.splitlines() == [
        "well  image",
        "A01   images/a.tiff",
        "A02   images/b.tiff",
        "2 rows",
    ]
    ran = cellfolio("query", screen, sql, "--get", "out", "--subset", "lab/two", "-m", "Two")
    assert ran.code == 0, ran.err
    assert sorted(path.name for path in Path("out").rglob("*.tiff")) == ["a.tiff", "b.tiff"]
    shown = cellfolio("show", "lab/two", "--json").document
    assert shown["files"] == 2
    assert shown["message"] == "Two"
    assert shown["meta"]["subset_of"]["sql"] == sql
    assert cellfolio("get", "lab/two").code == 0
    assert cellfolio("verify", "two").code == 0


def test_get_without_a_folder_fills_one_of_the_package_name(
    cellfolio: Cellfolio, screen: str
) -> None:
    assert cellfolio("query", screen, "-w", "size>1kB", "--get").code == 0
    assert sorted(path.name for path in Path("screen").rglob("*.tiff")) == ["a.tiff", "b.tiff"]


def test_files_that_are_not_there_are_told_and_the_others_are_got(
    cellfolio: Cellfolio, screen: str
) -> None:
    sql = "select image from wells"
    ran = cellfolio("query", screen, sql, "--get", "out")
    assert ran.code == 2
    assert "1 of 3 values of image name none" in ran.err
    ran = cellfolio("query", screen, sql, "--files", "image", "--get", "out")
    assert ran.code == 3
    assert "no file of the package for 1 value of 'image': 'images/none.tiff'" in ran.err
    assert len(list(Path("out").rglob("*.tiff"))) == 2
    ran = cellfolio("query", screen, sql, "--files", "image", "--json")
    assert ran.document["files"]["unknown"] == ["images/none.tiff"]


def test_json_holds_all_rows_with_their_types(cellfolio: Cellfolio, screen: str) -> None:
    sql = "select 1 as n, 0.1 as x, null as e, date '2020-02-01' as d, [1, 2] as l, 'é' as t"
    document = cellfolio("query", screen, sql, "--json").document
    assert document["records"] == [
        {"n": 1, "x": 0.1, "e": None, "d": "2020-02-01T00:00:00", "l": [1, 2], "t": "é"}
    ]
    assert document["rows"] == 1
    assert document["columns"][0] == {"name": "n", "type": "int32"}
    assert document["tables"] is None


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".parquet", ".json"])
def test_results_are_written(cellfolio: Cellfolio, screen: str, suffix: str) -> None:
    sql = "select well, 0.1 + row_number() over () as x from wells order by well"
    ran = cellfolio("query", screen, sql, "-o", f"out{suffix}")
    assert ran.code == 0, ran.err
    assert ran.out == f"3 rows, 2 columns → out{suffix}\n"
    read = {
        ".csv": pd.read_csv,
        ".tsv": lambda path: pd.read_csv(path, sep="\t"),
        ".parquet": pd.read_parquet,
        ".json": lambda path: pd.DataFrame(json.loads(Path(path).read_text())),
    }[suffix]
    frame = read(f"out{suffix}")  # type: ignore[operator]
    assert frame["x"].tolist() == [1.1, 2.1, 3.1]
    assert sorted(path.name for path in Path().glob(".*")) == []


def test_a_wrong_suffix_is_refused_before_anything_is_done(
    cellfolio: Cellfolio, screen: str
) -> None:
    ran = cellfolio("query", screen, "select 1", "-o", "out.xlsx", "--subset", "lab/x")
    assert ran.code == 2
    assert ".csv, .tsv, .parquet, .json" in ran.err
    assert "lab/x" not in cellfolio("list", "local").out


def test_a_large_result_is_cut_and_says_so(
    cellfolio: Cellfolio, screen: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    wide = ", ".join(f"range as column_{at}" for at in range(30))
    ran = cellfolio("query", screen, f"select {wide} from range(12345)", "--rows", "3")
    lines = ran.out.splitlines()
    assert len(lines) == 5
    assert max(map(len, lines[:4])) <= 60
    assert lines[-1].startswith("3 of 12,345 rows; 6 of 30 columns, not column_6")
    long = "x" * 5000
    assert len(cellfolio("query", screen, f"select '{long}' as t").out.splitlines()[1]) < 60


def test_no_rows_and_nothing_shown(cellfolio: Cellfolio, screen: str) -> None:
    assert cellfolio("query", screen, "select * from wells where false").out.splitlines() == [
        "well  gene  image", "0 rows"
    ]  # fmt: skip
    assert cellfolio("query", screen, "select 1 as n", "--rows", "0").out == "1 row\n"


def test_text_of_strangers_cannot_move_the_cursor(cellfolio: Cellfolio, screen: str) -> None:
    ran = cellfolio("query", screen, "select chr(27) || '[2J' as t")
    assert "\x1b" not in ran.out


def test_tables_are_listed(cellfolio: Cellfolio, screen: str) -> None:
    ran = cellfolio("query", screen, "--tables")
    assert ran.code == 0, ran.err
    assert [line.split()[0] for line in ran.out.splitlines()] == [
        "table", "entries", "entry_meta", "wells"
    ]  # fmt: skip
    listed = cellfolio("query", screen, "--tables", "--json").document["tables"]
    assert listed[-1]["key"] == "wells.csv"
    assert listed[-1]["size"] == len(FILES["wells.csv"])


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["select * from read_csv('/etc/passwd')"], 2, "reads nothing but the tables"),
        (["copy wells to 'x.csv'"], 2, "found COPY"),
        (["selec 1"], 2, "syntax error"),
        (["select * from well"], 2, "did you mean wells"),
        (["-w", "gen=1"], 2, "has a field 'gen'"),
        (["-w", "gen"], 2, "'gen' is no condition"),
        ([], 2, "nothing is asked"),
        (["-w", "name=none", "--get", "out"], 3, "names no file"),
        (["-w", "name=a.tiff", "--subset", "x"], 2, "not a package name"),
        (["select count(*) from range(10000000000) a, range(99)", "--timeout", "0.1"], 2,
         "ended after 0.1 s"),
        (["select 1", "--timeout", "0"], 2, "timeout"),
    ],
)  # fmt: skip
def test_bad_questions_are_told_in_a_line(
    cellfolio: Cellfolio, screen: str, arguments: list[str], code: int, told: str
) -> None:
    ran = cellfolio("query", screen, *arguments)
    assert ran.code == code, ran.err
    assert told in ran.err
    assert len(ran.err.splitlines()) <= 2


def test_the_study_reports_what_did_not_join(cellfolio: Cellfolio, tmp_path: Path) -> None:
    write_study(tmp_path / "study")
    ran = cellfolio("query", tmp_path / "study", "select count(*) n from cells", "--report")
    assert ran.code == 0, ran.err
    assert "6 cells of 4 fields" in ran.out
    assert "actn2_segmentation: 2 fields have no row here" in ran.out
    assert "1 field without any cell" in ran.out
    report = cellfolio(
        "query", tmp_path / "study", "select count(*) n from cells", "--report", "--json"
    ).document["report"]
    assert report["cells"] == 6
    assert len(report["without_cells"]) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_a_statement_can_be_interrupted(screen: str, tmp_path: Path) -> None:
    sql = "select count(*) from range(10000000000) a, range(1000)"
    # Whoever runs the tests in the background made SIGINT ignored, which children inherit.
    start = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
    child = subprocess.Popen(
        [*PROGRAM[:2], start + PROGRAM[2], "query", screen, sql],
        stderr=subprocess.PIPE,
        cwd=tmp_path,
    )
    time.sleep(3)
    child.send_signal(signal.SIGINT)
    _, told = child.communicate(timeout=30)
    assert child.returncode == 130
    assert told.decode().splitlines()[-1].startswith("cellfolio: interrupted")
