"""Benchmarks: what they find on known truth, what they write, and what survives a kill."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Mapping
from html.parser import HTMLParser
from pathlib import Path
from random import Random
from typing import Any

import pandas as pd
import pytest
from matplotlib.figure import Figure

from cellfolio.errors import (
    CellfolioError,
    EntryNotFound,
    InvalidArgument,
    ObjectNotFound,
    StoreError,
)
from cellfolio.evaluation import SampledGroups, percent_replicating
from cellfolio.formats.delimited import exact_decimals
from cellfolio.storage.disk import sha256_of
from cellfolio.workflows.benchmarks import (
    BENCHMARKS,
    Configuration,
    Evaluation,
    evaluate,
    example,
    find_benchmark,
    parse_configuration,
    read_configuration,
    running,
)
from cellfolio.workflows.benchmarks.benchmark import Benchmark, Findings, Place
from cellfolio.workflows.benchmarks.published import published, published_tables, published_values
from cellfolio.workflows.pages import Fact, PagePicture, Section
from tests.workflows.benchmark_data import groups, write_modalities, write_screen

REPLICATING = 'benchmark = "cpjump1-replicating"\ndraws = 200\nretrieval_draws = 500\n'
EVIL = "<script>alert(1)</script>{{7*7}}$x^"


@pytest.fixture
def screen(tmp_path: Path) -> Path:
    write_screen(tmp_path)
    return tmp_path


def run(folder: Path, text: str, output: str = "result") -> Evaluation:
    path = folder / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return evaluate(read_configuration(path), folder / output)


def count(document: Mapping[str, Any], place: Place) -> Findings:
    """Count the rows of a file: a benchmark that takes no time."""
    plates = place.read(["orf0.csv"])
    names = ("scores", "more") if document["more"] else ("scores",)
    figure = Figure(figsize=(1, 1))
    sections = (Section("Rows", "", (PagePicture.of("rows", figure, "rows", ""),)),)
    table = pd.DataFrame({"rows": [len(plates.table)]})
    tables = dict.fromkeys(names, table)
    return Findings(dict(document), plates.inputs, tables, (Fact("rows", "12"),), sections)


COUNTING = Benchmark("counting", "Rows", "How many rows.", {"": {"more": "true or false"}}, count)


def run_counting(folder: Path, output: str = "result", *, more: bool = False) -> Evaluation:
    return evaluate(Configuration(COUNTING, {"more": more}, folder, ""), folder / output)


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


# Configurations


@pytest.mark.parametrize("name", BENCHMARKS)
def test_examples_are_configurations_with_every_key(name: str) -> None:
    text = example(name)
    document = tomllib.loads(text)
    assert parse_configuration(document, Path()).benchmark.name == name
    keys = find_benchmark(name).keys
    plain = "\n".join(line.removeprefix("# ") for line in text.splitlines() if " = " in line)
    told = {line.partition(" = ")[0] for line in plain.splitlines()}
    group = set(keys.get("group", {})) if "group" in keys else set()
    assert set(keys[""]) - {"group"} <= told | group
    defaults = [line[2:] for line in text.splitlines() if line.startswith("# ") and " = " in line]
    for line in defaults:
        if not line.startswith(("`", "morphology", "expression =")):
            key = tomllib.loads(line)
            assert set(key) <= set(keys[""]), line


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("benchmark = 3", "should name its benchmark", "cpjump1-replicating"),
        ("x =", "cannot be read", ""),
        ('benchmark = "cpjump1-replicatin"', "no benchmark", "mean cpjump1-replicating"),
        (REPLICATING + "draw = 5", "has no key 'draw'", "mean draws"),
        (REPLICATING + 'seed = "x"', "seed of the configuration should be a whole number", ""),
        (REPLICATING, r"has no \[\[group\]\]", "a group is"),
        (REPLICATING + "[[group]]\ncel = 'x'", "has no key 'cel'", "mean cell"),
        (REPLICATING + "[[group]]\nname = 'x'", "'x' has no files", "plates ="),
        (REPLICATING + "[[group]]\ncell = ''", "should have a modality", ""),
        (REPLICATING + groups("compound", "compound"), "two groups are called", "name ="),
        (REPLICATING + 'percentile = 20\n' + groups("orf"), "percentile should be", ""),
        (REPLICATING + 'perturbation = ["drug"]\n' + groups("orf"), "no column 'drug'",
         "name that"),
        (REPLICATING + 'controls = "x == 1"\n' + groups("orf"), "names no column", "controls ="),
        ('benchmark = "cpjump1-matching"\ntarget = "moa"\n' + groups("orf", "compound"),
         "orf A549 short: there is no column 'moa'", "target ="),
        ('benchmark = "bbbc021-mechanism"', "should have the key 'profiles'", ""),
        ('benchmark = "rosetta-expression"', "should name its data_set", "morphology ="),
        ('benchmark = "rosetta-expression"\ndata_set = "LUADD"', "of the Rosetta data sets", ""),
        ('benchmark = "rosetta-expression"\npredict = ["moa"]\ndata_set = "LUAD"',
         "predict should be some of", ""),
        ('benchmark = "rosetta-expression"\nkeep = "some"\ndata_set = "LUAD"\nsource = "."',
         "has no morphology profiles|keep should be", ""),
    ],
)  # fmt: skip
def test_a_bad_configuration_is_one_clear_error(
    screen: Path, text: str, message: str, hint: str
) -> None:
    before = contents(screen)
    with pytest.raises(CellfolioError, match=message) as raised:
        run(screen, text)
    assert hint in (raised.value.hint or "")
    after = contents(screen)
    after.pop("mine.toml")
    assert after == before


def test_files_that_are_not_there_are_named(screen: Path) -> None:
    text = REPLICATING + '[[group]]\nname = "x"\nprofiles = ["none/*.csv"]'
    with pytest.raises(EntryNotFound, match="none/"):
        run(screen, text)
    with pytest.raises(ObjectNotFound, match=r"none\.csv"):
        run(screen, text.replace("none/*.csv", "none.csv"))


# Findings


def test_replicating_finds_what_acts(screen: Path) -> None:
    found = run(screen, REPLICATING + groups("compound", "orf"))
    scores: Any = found.scores.set_index("group")
    assert scores.index.tolist() == ["compound A549 short", "orf A549 short"]
    tables = screen / "result/tables"
    perturbations = pd.read_parquet(tables / "perturbations.parquet")
    acts = perturbations["Metadata_broad_sample"].str[-2:].astype(int)
    compounds = perturbations["group"] == "compound A549 short"
    assert perturbations.loc[compounds & (acts < 12), "replicating"].all()
    assert perturbations.loc[compounds & (acts >= 12), "replicating"].mean() < 0.2
    # The numbers are those of the function, with one stream from group to group.
    stream = Random(9000)
    for modality in ("compound", "orf"):
        wells = pd.concat(
            [pd.read_csv(screen / f"{modality}{at}.csv") for at in range(4)], ignore_index=True
        )
        treated = wells[wells["Metadata_broad_sample"].notna()]
        wanted = percent_replicating(
            treated, "Metadata_broad_sample", SampledGroups(4, 200, stream)
        )
        row = scores.loc[f"{modality} A549 short"]
        assert row["percent_replicating"] == wanted.score
        assert row["limit_high"] == pytest.approx(wanted.limits[1], abs=1e-12)
        assert (row["wells"], row["controls"]) == (len(treated), 32)
        assert row["percent_replicating_low"] <= wanted.score <= row["percent_replicating_high"]
    assert scores.loc["compound A549 short", "fraction_retrieved"] == pytest.approx(0.5, abs=0.1)
    page = (screen / "result/report.html").read_text(encoding="utf-8")
    assert "84.0%" in page  # published, A
    assert "76.5%" in page  # published, G


def test_matching_finds_what_shares_a_target(screen: Path) -> None:
    text = 'benchmark = "cpjump1-matching"\ndraws = 200\n' + groups("compound", "crispr", "orf")
    found = run(screen, text)
    scores: Any = found.scores.set_index(["first", "second"])["percent_matching"]
    assert len(scores) == 4
    for key in (("compound A549 short", "crispr A549 short"), ("compound A549 short", "")):
        assert scores[key] == pytest.approx(0.5, abs=0.17)
    assert found.notes == (
        "no two perturbations share a target within orf A549 short: not compared",
    )
    pairs = pd.read_parquet(screen / "result/tables/pairs.parquet")
    acts = pairs["target"].str[-2:].astype(int) < 6
    assert pairs.loc[acts, "matching"].mean() > 0.9
    assert pairs.loc[~acts, "matching"].mean() < 0.25


def test_expression_is_predicted_where_it_follows(tmp_path: Path) -> None:
    write_modalities(tmp_path)
    text = (
        'benchmark = "rosetta-expression"\nmorphology = ["cells.csv"]\n'
        'expression = ["genes.csv"]\nmodel = "ridge"\ngroup = "Metadata_group"\n'
    )
    found = run(tmp_path, text)
    tables = tmp_path / "result/tables"
    assert found.scores["direction"].tolist() == [
        "expression from morphology", "morphology from expression",
    ]  # fmt: skip
    targets: Any = pd.read_csv(tables / "targets.csv").set_index("target")
    assert targets.loc["0_at", "predictable"]
    assert targets.loc["0_at", "score"] > 0.9
    looked = pd.read_csv(tables / "associations.csv")
    best = looked[(looked["target"] == "0_at") & (looked["rank"] == 1)]
    assert best["feature"].tolist() == ["Cells_0"]
    lost = pd.read_csv(tables / "not_paired.csv")
    assert lost.to_numpy().tolist() == [["second", "not in the first", 1]]
    folds = pd.read_csv(tables / "folds.csv")
    assert len(folds) == 60
    assert folds["fold"].nunique() == 5


@pytest.mark.slow
def test_mechanisms_are_told_from_both(tmp_path: Path) -> None:
    write_modalities(tmp_path)
    text = (
        'benchmark = "rosetta-mechanism"\nmorphology = ["cells.csv"]\n'
        'expression = ["genes.csv"]\nfolds = 3\n'
    )
    found = run(tmp_path, text)
    scores: Any = found.scores.set_index("approach")["macro_f1"]
    assert scores.index.tolist() == ["morphology", "expression", "early", "late", "joint"]
    assert scores["early"] > 0.85
    labels = pd.read_csv(tmp_path / "result/tables/labels.csv")
    assert labels.groupby("approach")["rows"].sum().eq(60).all()


def test_replicates_of_own_tables(tmp_path: Path, screen: Path) -> None:
    text = (
        'benchmark = "rosetta-replicates"\nmorphology = ["compound*.csv"]\n'
        'by = "Metadata_broad_sample"\nplate = "Metadata_Plate"\n'
    )
    found = run(screen, text)
    row: Any = found.scores.iloc[0]
    assert (row["modality"], row["perturbations"]) == ("morphology", 24)
    assert 12 <= row["passing"] <= 17
    assert [name for name, _ in found.inputs] == [f"compound{at}.csv" for at in range(4)]


# Files


@pytest.fixture(scope="module")
def replicating(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A screen and the result of one benchmark; tests only read them."""
    folder = tmp_path_factory.mktemp("replicating")
    write_screen(folder)
    run(folder, REPLICATING + groups("orf"))
    return folder


def test_twice_gives_the_same_files_byte_for_byte(replicating: Path, screen: Path) -> None:
    shutil.copytree(replicating / "result", screen / "other")
    before = (screen / "other/tables/scores.parquet").stat().st_mtime_ns
    again = run(screen, REPLICATING + groups("orf"), "other")  # an earlier result is replaced
    assert (screen / "other/tables/scores.parquet").stat().st_mtime_ns > before
    one, two = contents(replicating / "result"), contents(screen / "other")
    records = [json.loads(made.pop("record.json")) for made in (one, two)]
    assert one == two
    assert set(one) == set(again.files)
    for record in records:
        record.pop("not_compared")
    assert records[0] == records[1]


def test_the_record_tells_inputs_parameters_and_files(replicating: Path) -> None:
    screen = replicating
    record = json.loads((screen / "result/record.json").read_text(encoding="utf-8"))
    assert record["benchmark"] == "cpjump1-replicating"
    assert [one["name"] for one in record["inputs"]] == [f"orf{at}.csv" for at in range(4)]
    for one in record["inputs"]:
        assert one["digest"] == str(sha256_of(screen / one["name"]))
    assert (record["parameters"]["seed"], record["parameters"]["draws"]) == (9000, 200)
    for name, digest in record["files"].items():
        assert sha256_of(screen / "result" / name).value == digest
    suffixes = {Path(name).suffix for name in record["files"]}
    assert suffixes == {".parquet", ".csv", ".png", ".svg", ".html"}
    assert {"numpy", "pandas"} <= set(record["libraries"])
    assert set(record["not_compared"]) == {"started", "finished"}
    table = pd.read_csv(screen / "result/tables/perturbations.csv", **exact_decimals())
    exact = pd.read_parquet(screen / "result/tables/perturbations.parquet")
    pd.testing.assert_frame_equal(table, exact, check_dtype=False, check_exact=True)


class Page(HTMLParser):
    """Tags and addresses of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.addresses: list[str] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href")]

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_needs_no_other_file_and_shows_hostile_names(screen: Path) -> None:
    text = groups("orf").replace('modality = "orf"', f"modality = '{EVIL}'\nname = '{EVIL}'")
    run(screen, REPLICATING + text)
    page = Page((screen / "result/report.html").read_text(encoding="utf-8"))
    assert "script" not in page.tags
    assert "link" not in page.tags
    assert EVIL in page.text
    assert all(one.startswith(("data:image/png;base64,", "#")) for one in page.addresses)


def test_what_is_not_ours_is_left_alone(screen: Path) -> None:
    (screen / "taken").mkdir()
    (screen / "taken/mine.txt").write_text("mine")
    with pytest.raises(InvalidArgument, match="holds no result"):
        run_counting(screen, "taken")
    with pytest.raises(InvalidArgument, match="is no folder"):
        run_counting(screen, "orf0.csv")
    run_counting(screen, more=True)
    (screen / "result/notes.txt").write_text("mine")
    page = screen / "result/report.html"
    page.write_text("changed")
    before = contents(screen / "result")
    with pytest.raises(InvalidArgument, match=r"report.html was changed"):
        run_counting(screen)
    assert contents(screen / "result") == before
    page.unlink()
    run_counting(screen)
    assert (screen / "result/notes.txt").read_text() == "mine"
    assert not (screen / "result/tables/more.csv").exists()
    (screen / "result/tables/more.csv").write_text("mine")
    with pytest.raises(InvalidArgument, match="is in the way"):
        run_counting(screen, more=True)
    assert (screen / "result/tables/more.csv").read_text() == "mine"
    assert (screen / "result/record.json").exists()


def test_two_runs_do_not_meet(screen: Path) -> None:
    from filelock import FileLock

    (screen / "result").mkdir()
    with (
        FileLock(screen / "result/.running.lock"),
        pytest.raises(StoreError, match="another run is at work"),
    ):
        run_counting(screen)


class Killed(BaseException):
    """Stands for a kill at a moment of our choice."""


@pytest.mark.parametrize("again", [False, True])
def test_a_killed_run_never_looks_finished_and_goes_on(
    screen: Path, monkeypatch: pytest.MonkeyPatch, again: bool
) -> None:
    run_counting(screen, "whole")
    wanted = contents(screen / "whole")
    wanted.pop("record.json")
    replace = Path.replace
    for moment in range(len(wanted) + 1):
        folder = screen / f"killed{moment}"
        if again:
            run_counting(screen, folder.name, more=True)
        left = [moment]

        def dying(self: Path, target: Any, folder: Path = folder, left: list[int] = left) -> Any:
            if Path(target).parent in (folder, folder / "tables", folder / "figures"):
                if left[0] == 0:
                    raise Killed
                left[0] -= 1
            return replace(self, target)

        with monkeypatch.context() as patched, pytest.raises(Killed):
            patched.setattr(Path, "replace", dying)
            run_counting(screen, folder.name)
        assert not (folder / "record.json").exists()
        run_counting(screen, folder.name)
        made = contents(folder)
        assert json.loads(made.pop("record.json"))["form"] == running.FORM
        assert {name: made.get(name) for name in wanted} == wanted
        assert set(made) - set(wanted) <= {"tables/more.csv", "tables/more.parquet"}


@pytest.mark.slow
def test_a_really_killed_process_leaves_no_record(screen: Path) -> None:
    (screen / "mine.toml").write_text(REPLICATING + groups("orf"))
    code = "from cellfolio.cli.main import main; main()"
    command = [sys.executable, "-c", code, "evaluate", "mine.toml", "-o", "out"]
    process = subprocess.Popen(command, cwd=screen, env=dict(os.environ))
    deadline = time.monotonic() + 60
    while not (screen / "out/.unfinished/tables").exists() and time.monotonic() < deadline:
        time.sleep(0.001)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (screen / "out/record.json").exists()
    done = subprocess.run(command, cwd=screen, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert (screen / "out/record.json").exists()
    assert not [path for path in (screen / "out").iterdir() if path.name.startswith(".")]


def test_a_tampered_record_removes_nothing_elsewhere(screen: Path) -> None:
    run_counting(screen)
    path = screen / "result/record.json"
    record = json.loads(path.read_text(encoding="utf-8"))
    record["files"]["tables/../../orf0.csv"] = sha256_of(screen / "orf0.csv").value
    path.write_text(json.dumps(record))
    with pytest.raises(InvalidArgument, match="holds no result"):
        run_counting(screen)
    assert (screen / "orf0.csv").exists()


# Published values


def test_published_values_name_their_table_and_source() -> None:
    values, tables = published_values(), published_tables()
    assert set(values["table"]) == set(tables["table"])
    assert not tables["source"].eq("").any()
    assert not values.duplicated(["table", "score", "first", "second"]).any()
    assert len(published("cpjump1-A", "percent_matching")) == 16
