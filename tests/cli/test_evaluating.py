"""The commands replicating, matching and map: what they print, write, draw and refuse."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cellfolio.evaluation import (
    MatchedBy,
    PairRule,
    average_precision,
    mean_average_precision,
    percent_matching,
    percent_replicating,
)
from tests.cli.conftest import Cellfolio
from tests.cli.test_commands import check
from tests.evaluation.data import make_wells

DRUG, TREATED = "Metadata_drug", "Metadata_negcon == False"


@pytest.fixture
def plates(tmp_path: Path) -> list[str]:
    """Four plates as files; the last lacks a feature."""
    names = []
    for plate, group in make_wells(effect=2).groupby("Metadata_Plate"):
        lacking = ["Cells_Kind_4"] if plate == "P3" else []
        group.drop(columns=lacking).to_csv(tmp_path / f"{plate}.csv", index=False)
        names.append(f"{plate}.csv")
    return names


def whole() -> pd.DataFrame:
    return make_wells(effect=2).drop(columns="Cells_Kind_4")


def test_replicating(cellfolio: Cellfolio, plates: list[str]) -> None:
    wanted = percent_replicating(whole(), DRUG, only=TREATED)
    ran = cellfolio("replicating", *plates, "-p", DRUG, "--only", TREATED)
    assert (ran.code, ran.err) == (0, "")
    lines = [" ".join(line.split()) for line in ran.out.splitlines()]
    hits = wanted.table["replicating"].sum()
    assert lines[:5] == [
        "P0.csv and 3 more files",
        f"replicating {hits} of 40 perturbations ({wanted.score:.1%})",
        f"pairs {wanted.pair_score:.1%} of the pairs of replicates are beyond chance",
        f"beyond chance above {wanted.limits[1]:.3f} (1,000 correlations by chance)",
        "left out 1 features that some file lacks",
    ]
    ran = cellfolio("replicating", *plates, "-p", DRUG, "--only", TREATED, "--json")
    check(ran, "replicating")
    found = ran.document
    assert found["score"] == pytest.approx(wanted.score)
    assert found["limits"] == [None, pytest.approx(wanted.limits[1])]
    assert [one["name"] for one in found["inputs"]] == plates
    assert all(one["digest"].startswith("SHA256:") for one in found["inputs"])
    assert len(found["rows"]) == 40


def test_result_is_written_with_a_record_and_a_picture_the_same_each_time(
    cellfolio: Cellfolio, plates: list[str], tmp_path: Path
) -> None:
    written = []
    for _ in range(2):
        ran = cellfolio(
            "replicating", *plates, "-p", DRUG, "-p", "Metadata_target", "--null", "pairs",
            "--tail", "both", "-o", "out.csv", "--figure", "out.svg", "--json",
        )  # fmt: skip
        check(ran, "replicating")
        assert (ran.document["rows"], ran.document["output"]) == ([], "out.csv")
        names = ("out.csv", "out.csv.json", "out.svg")
        written.append([(tmp_path / name).read_bytes() for name in names])
    assert written[0] == written[1]
    record = json.loads(written[0][1])
    assert record["parameters"]["cutoff"] == {"percentile": 95.0, "tail": "both"}
    assert record["parameters"]["perturbation"] == [DRUG, "Metadata_target"]
    assert [one["name"] for one in record["inputs"]] == plates
    assert record["found"]["perturbations"] == len(pd.read_csv(tmp_path / "out.csv"))
    assert sorted(path.name for path in tmp_path.glob("out*")) == sorted(names)
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_matching_across_and_within(cellfolio: Cellfolio, plates: list[str]) -> None:
    ran = cellfolio("matching", *plates, "-p", DRUG, "-t", "Metadata_target", "--json")
    check(ran, "matching")
    by = MatchedBy(DRUG, "Metadata_target")
    assert ran.document["score"] == pytest.approx(percent_matching(whole(), None, by).score)
    ran = cellfolio(
        "matching", plates[0], "-a", plates[1], "-a", plates[3], "-p", DRUG,
        "-t", f"{'Metadata_target'},Metadata_target", "--figure", "m.png", "-o", "m.parquet",
    )  # fmt: skip
    assert ran.code == 0, ran.err
    assert " pairs (" in ran.out
    assert Path("m.png").read_bytes()[1:4] == b"PNG"
    table = pd.read_parquet("m.parquet")
    assert list(table.columns) == ["target", "first", "second", "correlation", "matching"]


def test_map(cellfolio: Cellfolio, plates: list[str]) -> None:
    rule = ("--pos-sameby", DRUG, "--neg-sameby", "Metadata_Plate", "--neg-diffby",
            "Metadata_negcon", "--score-only", TREATED, "--draws", 500)  # fmt: skip
    ran = cellfolio("map", *plates, *rule, "--scores", "ap.csv", "--figure", "m.png", "--json")
    check(ran, "map")
    pairs = PairRule(DRUG, [], "Metadata_Plate", "Metadata_negcon")
    scores = average_precision(whole(), pairs)
    wanted = mean_average_precision(scores[~scores["Metadata_negcon"]], DRUG, draws=500)
    found = pd.DataFrame(ran.document["rows"])
    assert found[DRUG].tolist() == wanted.table[DRUG].tolist()
    for column in ("mean_average_precision", "p_value"):
        np.testing.assert_allclose(found[column], wanted.table[column])
    assert (ran.document["groups"], ran.document["retrieved"]) == (40, wanted.retrieved)
    written = pd.read_csv("ap.csv")
    np.testing.assert_allclose(written["average_precision"], scores["average_precision"])
    ran = cellfolio("map", *plates, *rule, "--null", "copairs", "-o", "map.csv")
    assert ran.code == 0, ran.err
    assert "of 40 groups (" in ran.out
    peer = mean_average_precision(
        scores[~scores["Metadata_negcon"]], DRUG, draws=500, null="copairs"
    )
    np.testing.assert_allclose(pd.read_csv("map.csv")["p_value"], peer.table["p_value"])


def test_map_with_labels(cellfolio: Cellfolio, plates: list[str]) -> None:
    ran = cellfolio(
        "map", plates[0], "--pos-sameby", "Metadata_target", "--neg-diffby", "Metadata_target",
        "--labels", "Metadata_target", "--similarity", "abs_cosine", "--draws", 100, "--json",
    )  # fmt: skip
    check(ran, "map")
    labels = {one["Metadata_target"] for one in ran.document["rows"]}
    assert labels == {f"g{at}" for at in range(9)}


def test_features_with_missing_values_are_refused_or_left_out(
    cellfolio: Cellfolio, plates: list[str]
) -> None:
    table = pd.read_csv(plates[1])
    table.loc[3, "Cells_Kind_7"] = np.nan
    table.to_csv(plates[1], index=False)
    ran = cellfolio("replicating", *plates, "-p", DRUG)
    assert ran.code == 2
    assert "such as Cells_Kind_7" in ran.err
    assert "--drop-missing" in ran.err
    ran = cellfolio("replicating", *plates, "-p", DRUG, "--drop-missing", "--json")
    check(ran, "replicating")
    assert (ran.document["incomplete"], ran.document["not_in_all"]) == (1, 1)


def test_a_file_of_a_package_is_read(cellfolio: Cellfolio, plates: list[str]) -> None:
    folder = Path("source")
    folder.mkdir()
    Path(plates[0]).rename(folder / plates[0])
    assert cellfolio("build", folder, "lab/screen").code == 0
    ran = cellfolio("replicating", "lab/screen/P0.csv", plates[1], "-p", DRUG, "--json")
    check(ran, "replicating")
    assert ran.document["inputs"][0]["name"] == "lab/screen/P0.csv"
    assert cellfolio("replicating", "lab/screen", "-p", DRUG).code == 2
    assert cellfolio("replicating", "lab/screen/P9.csv", "-p", DRUG).code == 3


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["replicating", "none.csv", "-p", DRUG], 3, "no file none.csv"),
        (["replicating", "P0.csv", "-p", "dose"], 2, "dose"),
        (["replicating", "P0.csv"], 2, "Missing option"),
        (["replicating", "P0.csv", "-p", DRUG, "--percentile", "120"], 2, "percentile"),
        (["replicating", "P0.csv", "-p", DRUG, "--null", "rosetta", "--seed", "-1"], 2, "seed"),
        (["replicating", "P0.csv", "-p", DRUG, "--only", "@x"], 2, "no '@'"),
        (["replicating", "P0.csv", "-p", DRUG, "-o", "out.txt"], 2, "suffix"),
        (["replicating", "P0.csv", "-p", DRUG, "--figure", "out.gif"], 2, ".png"),
        (["matching", "P0.csv", "-p", DRUG, "-t", "a,b,c"], 2, "two with a comma"),
        (["matching", "P0.csv", "-p", DRUG, "-t", "gene"], 2, "no column 'gene'"),
        (["map", "P0.csv", "--pos-sameby", DRUG], 2, "neg_sameby or neg_diffby"),
        (["map", "P0.csv", "--pos-sameby", "Metadata_Plate", "--neg-diffby", DRUG,
          "--seed", "-1"], 2, "seed"),
        (["map", "P0.csv", "--pos-sameby", "Metadata_Plate", "--neg-diffby", DRUG,
          "--score-only", "Metadata_drug == 'x'"], 2, "no group"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_and_nothing_written(
    cellfolio: Cellfolio, plates: list[str], words: list[str], code: int, message: str
) -> None:
    before = sorted(Path().iterdir())
    ran = cellfolio(*words)
    assert (ran.code, ran.out) == (code, "")
    assert message in ran.err
    assert sorted(path for path in Path().iterdir() if path.name != "home") == before
