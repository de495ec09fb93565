"""Benchmarks on real data: known answers, and published tables beside those they were read from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cellfolio.formats.loading import load
from cellfolio.workflows.benchmarks import Evaluation, evaluate, parse_configuration
from cellfolio.workflows.benchmarks.published import published

_TIMES = {"24": "short", "48": "long"}


def run(folder: Path, root: Path, document: dict[str, Any]) -> Evaluation:
    return evaluate(parse_configuration(document, root), folder / "result")


def test_nearest_mechanisms_of_bbbc021(shared: Path, tmp_path: Path) -> None:
    """NSC at least 0.82 without tuning; published for means: 0.83."""
    document = {
        "benchmark": "bbbc021-mechanism",
        "profiles": ["ljosa_jbiomolscreen_2013_per_well_mean.csv.gz"],
        "images": "BBBC021_v1_image.csv.gz",
        "mechanisms": "BBBC021_v1_moa.csv",
    }
    found = run(tmp_path, shared / "data/bbbc021", document)
    scores: Any = found.scores.set_index("rule")
    assert scores.loc["nsc", ["treatments", "right"]].tolist() == [103, 85]
    assert scores.loc["nscb", ["possible", "right"]].tolist() == [92, 67]
    assert scores.loc["nsc", "accuracy"] >= 0.82
    assert published("bbbc021", "nsc")["means", ""] == 0.83
    near = pd.read_csv(tmp_path / "result/tables/neighbours_nsc.csv")
    assert (near["label"] == near["predicted"]).sum() == 85
    compounds = [near[name].str.rsplit(" ", n=2).str[0] for name in ("row", "neighbour")]
    assert (compounds[0] != compounds[1]).all()


@pytest.fixture(scope="module")
def ta_orf(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The real expression of TA-ORF in the shape of the Rosetta file, controls left out."""
    folder = shared / "data/ta_orf_l1000"
    wells = load(folder / "TA-ORF_L1000_cdesc.csv")
    values = load(folder / "TA-ORF_L1000_ZSPCQNORM_1092x978.csv.gz")
    plates = ("TA.OE005_U2OS_72H_X1_B15", "TA.OE005_U2OS_72H_X2.A2_B18")
    wells = wells[wells["det_plate"].isin(plates) & (wells["pert_id"] != "CMAP-000")]
    root = tmp_path_factory.mktemp("rosetta")
    path = root / "TA-ORF-BBBC037-Rohban/L1000"
    path.mkdir(parents=True)
    table = wells.merge(values, left_on="id", right_on="cid", validate="1:1")
    table.to_csv(path / "replicate_level_l1k.csv", index=False)
    return root


def test_replicates_of_ta_orf_are_as_published(ta_orf: Path, shared: Path, tmp_path: Path) -> None:
    document = {
        "benchmark": "rosetta-replicates", "data_set": "TA-ORF", "source": ".",
        "modalities": ["expression"],
    }  # fmt: skip
    found = run(tmp_path, ta_orf, document)
    (digest,) = [digest for _, digest in found.inputs]
    assert digest.startswith("SHA256:")
    table = pd.read_parquet(tmp_path / "result/tables/perturbations.parquet").set_index(
        "Metadata_perturbation"
    )
    ours = table["correlation"]
    path = shared / "data/rosetta_published/taorf_l1000_replicate_correlation.csv"
    theirs = pd.read_csv(path, index_col="pert_id")["RepCor"].reindex(ours.index)
    assert (len(ours), ours.notna().sum()) == (327, 304)
    np.testing.assert_allclose(ours, theirs, atol=1e-7)
    limit = published("rosetta-replicates", "limit")["TA-ORF", "expression"]
    passing = published("rosetta-replicates", "passing")["TA-ORF", "expression"]
    assert (ours > limit).sum() == passing == 78
    scores: Any = found.scores.iloc[0]
    assert scores["limit"] == pytest.approx(0.1524, abs=5e-5)  # all pairs, whatever the seed


@pytest.mark.slow
def test_cdrp_runs_in_both_directions_and_is_weak(shared: Path, tmp_path: Path) -> None:
    """All genes, all features: the honest result is a median below zero."""
    document = {
        "benchmark": "rosetta-expression",
        "morphology": ["cell_painting.csv.gz"],
        "expression": ["l1000.csv.gz"],
        "by": "pert_id",
        "model": "ridge",
        "folds": 6,
    }
    found = run(tmp_path, shared / "data/cdrp_162", document)
    scores: Any = found.scores.set_index("direction")
    assert scores["targets"].tolist() == [978, 812]
    assert scores["rows"].tolist() == [162, 162]
    assert (scores["median"] < 0).all()
    assert (scores["predictable"] < 0.03 * scores["targets"]).all()
    page = (tmp_path / "result/report.html").read_text(encoding="utf-8")
    assert "A median below zero says that most targets are predicted worse" in page


# Published values are those of the files that they were read from


def groups_of(table: pd.DataFrame) -> list[tuple[str, str]]:
    names = table["Description"].str.split("_").str[0].str.lower()
    return [
        (f"{name} {cell} {time}", "")
        for name, cell, time in zip(names, table["Cell"], table["time"], strict=True)
    ]


def test_percent_replicating_is_that_of_the_published_files(shared: Path) -> None:
    folder = shared / "data/cpjump1/published"
    first = pd.read_csv(folder / "experiment/data.csv")
    for features, table in (("CellProfiler", "cpjump1-A"),
                            ("DeepProfiler", "cpjump1-A-DeepProfiler")):  # fmt: skip
        some = first[first["feature_set"] == features]
        values = published(table, "percent_replicating")
        assert dict(zip(groups_of(some), some["Percent_Replicating"] / 100, strict=True)) == (
            pytest.approx(values)
        )
    batch = pd.read_csv(folder / "percent_replicating/cellprofiler_percent_replicating.csv")
    assert dict(zip(groups_of(batch), batch["Percent_Replicating"] / 100, strict=True)) == (
        pytest.approx(published("cpjump1-C", "percent_replicating"))
    )


def test_first_precision_is_that_of_the_published_file(shared: Path) -> None:
    path = "data/cpjump1/published/percent_replicating/cellprofiler_precision_scores.csv"
    table = pd.read_csv(shared / path)
    # Shuffled names are random draws, which differ between commits.
    for kind, score, near in (
        ("CP_Real", "corrected_map", 1e-9),
        ("CP_Permuted", "corrected_map_shuffled", 0.005),
    ):
        some = table[table["feature_set_replicates"] == kind]
        assert dict(zip(groups_of(some), some["mAP"], strict=True)) == (
            pytest.approx(published("cpjump1-D", score), abs=near)
        )


def test_second_precision_is_that_of_the_published_file(shared: Path) -> None:
    """Of another commit: the last digit differs here and there."""
    folder = shared / "data/cpjump1/published/map"
    for file, table, score in (
        ("cellprofiler_replicability_map.csv", "cpjump1-E", "corrected_map_negcon"),
        ("cellprofiler_matching_map.csv", "cpjump1-E-matching", "corrected_map_negcon_within"),
    ):
        theirs = pd.read_csv(folder / file)
        keys = [
            (f"{row.Modality} {row.Cell} {row.time}", "") for row in theirs.itertuples(index=False)
        ]
        assert dict(zip(keys, theirs["mAP"], strict=True)) == (
            pytest.approx(published(table, score), abs=0.0031)
        )


def test_predictable_genes_are_those_of_the_corrected_table(shared: Path) -> None:
    table = pd.read_csv(shared / "data/rosetta_published/supplementary_D.csv", index_col=0) / 100
    for name in ("LUAD", "LINCS", "TA-ORF", "CDRP-bio"):
        for model, theirs in (("lasso", "Lasso"), ("network", "MLP")):
            scores = table[f"{name.replace('TA-ORF', 'TAORF')}-{theirs}"].dropna()
            key = name, "expression from morphology"
            told = {
                score: published("rosetta-expression", f"{score} {model}")[key]
                for score in ("median", "threshold", "predictable", "targets")
            }
            assert len(scores) == told["targets"]
            assert scores.median() == pytest.approx(told["median"], abs=6e-4)
            predictable = (scores > told["threshold"] + 0.2).sum()
            assert predictable == pytest.approx(told["predictable"], abs=1)


def test_replicate_correlations_are_those_of_the_spreadsheet(shared: Path) -> None:
    file = shared / "data/rosetta_published/RepCorrDF.xlsx"
    sheets = pd.read_excel(file, sheet_name=["cp-luad", "l1k-luad", "l1k-taorf"])
    keys = {
        "cp-luad": ("LUAD", "morphology"),
        "l1k-luad": ("LUAD", "expression"),
        "l1k-taorf": ("TA-ORF", "expression"),
    }
    for sheet, key in keys.items():
        correlation, limit = sheets[sheet].iloc[:, 1], sheets[sheet].iloc[0, 2]
        told = {
            score: published("rosetta-replicates", score)[key]
            for score in ("perturbations", "limit", "mean_correlation", "median_correlation",
                          "passing")
        }  # fmt: skip
        assert len(correlation) == told["perturbations"]
        assert limit == pytest.approx(told["limit"], abs=6e-5)
        assert correlation.mean() == pytest.approx(told["mean_correlation"], abs=6e-4)
        assert correlation.median() == pytest.approx(told["median_correlation"], abs=6e-4)
        assert (correlation > limit).sum() == told["passing"]
