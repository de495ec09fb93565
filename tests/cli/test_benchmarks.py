"""The command evaluate: what it prints, lists and refuses."""

from __future__ import annotations

import tomllib
from pathlib import Path

from tests.cli.conftest import Cellfolio
from tests.cli.test_commands import check
from tests.workflows.benchmark_data import groups, write_screen

TEXT = 'benchmark = "cpjump1-replicating"\ndraws = 100\nretrieval = false\n' + groups("orf")


def test_evaluate(cellfolio: Cellfolio, tmp_path: Path) -> None:
    write_screen(tmp_path)
    Path("mine.toml").write_text(TEXT)
    ran = cellfolio("evaluate", "mine.toml")
    assert (ran.code, ran.err) == (0, "")
    lines = [" ".join(line.split()) for line in ran.out.splitlines()]
    assert lines[0] == "cpjump1-replicating"
    assert "groups 1" in lines
    assert "wells 48" in lines
    assert "→ mine-result/report.html" in lines
    assert any(line.startswith("orf A549 short 12 0.5") for line in lines)
    ran = cellfolio("evaluate", "mine.toml", "-o", "out", "--json")
    check(ran, "evaluate")
    assert ran.document["folder"] == "out"
    assert {"report.html", "record.json", "tables/scores.csv"} <= set(ran.document["files"])
    assert all(Path("out", name).is_file() for name in ran.document["files"])
    assert ran.document["scores"][0]["perturbations"] == 12
    assert [one["name"] for one in ran.document["inputs"]] == [f"orf{at}.csv" for at in range(4)]


def test_a_file_of_a_package_is_an_input(cellfolio: Cellfolio, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    write_screen(source)
    assert cellfolio("build", source, "lab/screen").code == 0
    top_hash = cellfolio("log", "lab/screen", "--json").document["revisions"][0]["top_hash"]
    text = TEXT.replace('"{plate}.csv"', f'"lab/screen@{top_hash}/{{plate}}.csv"')
    Path("mine.toml").write_text(text)
    ran = cellfolio("evaluate", "mine.toml", "--json")
    check(ran, "evaluate")
    assert ran.document["inputs"][0]["name"] == f"lab/screen@{top_hash}/orf0.csv"
    assert ran.document["inputs"][0]["digest"].startswith("sha2-256-chunked:")


def test_benchmarks_are_listed_and_have_examples(cellfolio: Cellfolio) -> None:
    ran = cellfolio("evaluate", "--list", "--json")
    check(ran, "evaluate")
    names = [one["name"] for one in ran.document["benchmarks"]]
    assert len(names) == 6
    listed = cellfolio("evaluate", "--list").out
    for name in names:
        assert name in listed
        text = cellfolio("evaluate", "--example", name).out
        assert tomllib.loads(text)["benchmark"] == name
    ran = cellfolio("evaluate", "--example", "bbbc021-mechanism", "--json")
    check(ran, "evaluate")
    assert tomllib.loads(ran.document["example"])["images"] == "BBBC021_v1_image.csv"


def test_bad_use_is_one_error(cellfolio: Cellfolio) -> None:
    for words, code, message in (
        ((), 2, "expected one of CONFIG, --list and --example NAME"),
        (("x.toml", "--list"), 2, "expected one of CONFIG"),
        (("none.toml",), 3, "there is no configuration none.toml"),
        (("--example", "bbbc21-mechanism"), 2, "did you mean bbbc021-mechanism"),
    ):
        ran = cellfolio("evaluate", *words)
        assert (ran.code, ran.out) == (code, "")
        assert message in ran.err
        assert "Traceback" not in ran.err
