"""The commands annotate, normalize, select-features and consensus."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from cellfolio.cli.profiles import _METHODS
from cellfolio.profiles import (
    Modz,
    RobustMad,
    annotate,
    consensus,
    feature_select,
    normalize,
    split_features,
)
from cellfolio.workflows.profile_steps import find_operations
from cellfolio.workflows.profiling.toml_recipe import METHODS
from tests.cli.conftest import Cellfolio
from tests.cli.test_commands import check
from tests.profiles.plates import CONTROLS, make_plate

USUAL = ["frequency_threshold", "correlation_threshold", "drop_missing", "blocklist"]


@pytest.fixture
def plate(tmp_path: Path) -> pd.DataFrame:
    table = make_plate(features=10)
    table["Cells_AreaShape_Twin"] = table[split_features(list(table.columns)).features[0]] * 2
    table.to_parquet(tmp_path / "profiles.parquet")
    return table


@pytest.fixture
def bare(plate: pd.DataFrame, tmp_path: Path) -> pd.DataFrame:
    """Profiles, and apart from them what was in their wells, but for one."""
    told = ["Metadata_Well", "Metadata_drug"]
    layout = plate[told].set_axis(["well_position", "drug"], axis=1)
    layout.drop(index=3).to_csv(tmp_path / "map1.txt", sep="\t", index=False)
    (tmp_path / "drugs.csv").write_text("drug,control_type\nDMSO,negcon\n")
    table = plate.drop(columns="Metadata_drug")
    table.to_csv(tmp_path / "bare.csv.gz", index=False)
    return table


def test_annotate(
    cellfolio: Cellfolio, plate: pd.DataFrame, bare: pd.DataFrame, tmp_path: Path
) -> None:
    side = ("--plate-map", "map1.txt", "--external", "drugs.csv", "--on", "drug")
    ran = cellfolio("annotate", "bare.csv.gz", *side, "-o", "known.parquet", "--json")
    check(ran, "annotate")
    well = plate["Metadata_Well"][3]
    others = int((plate["Metadata_drug"].drop(index=3) != "DMSO").sum())
    assert ran.document["left_out"] == [f"P1 {well}"]
    assert (ran.document["given"], ran.document["profiles"]) == (96, 95)
    assert ran.document["without_external"] == others
    found = pd.read_parquet(tmp_path / "known.parquet")
    wanted = annotate(
        bare,
        pd.read_csv(tmp_path / "map1.txt", sep="\t"),
        external=pd.read_csv(tmp_path / "drugs.csv"),
        external_on="drug",
    )
    assert list(found.columns) == list(wanted.columns)
    assert found["Metadata_drug"].tolist() == plate["Metadata_drug"].drop(index=3).tolist()
    lines = cellfolio("annotate", "bare.csv.gz", *side, "-o", "known.csv").out.splitlines()
    assert lines[0] == "95 profiles, 11 features"
    assert lines[1].split()[:4] == ["left", "out", "1", "well"]


def test_annotate_by_barcodes(cellfolio: Cellfolio, bare: pd.DataFrame, tmp_path: Path) -> None:
    second = bare.assign(Metadata_Plate="P2")
    pd.concat([bare, second]).to_parquet(tmp_path / "both.parquet")
    layout = pd.read_csv(tmp_path / "map1.txt", sep="\t")
    layout.assign(drug="water").to_csv(tmp_path / "map2.csv", index=False)
    maps = ("--plate-map", "map1.txt", "--plate-map", "map2.csv")
    refused = cellfolio("annotate", "both.parquet", *maps, "-o", "known.csv")
    assert (refused.code, "which plate has which of 2" in refused.err) == (2, True)
    pd.DataFrame({"Assay_Plate_Barcode": ["P1", "P2"], "Plate_Map_Name": ["map1", "map2"]}).to_csv(
        tmp_path / "barcodes.csv", index=False
    )
    ran = cellfolio("annotate", "both.parquet", *maps, "--barcodes", "barcodes.csv", "-o", "k.csv")
    assert ran.code == 0
    found = pd.read_csv(tmp_path / "k.csv")
    assert len(found) == 190
    assert set(found.loc[found["Metadata_Plate"] == "P2", "Metadata_drug"]) == {"water"}


def test_normalize(cellfolio: Cellfolio, plate: pd.DataFrame, tmp_path: Path) -> None:
    how = ("--method", "mad_robustize", "--epsilon", "0", "--reference", CONTROLS)
    by = ("--by", "Metadata_Plate")
    ran = cellfolio("normalize", "profiles.parquet", *how, *by, "-o", "n.parquet", "--json")
    check(ran, "normalize")
    assert ran.document["method"] == "RobustMad(epsilon=0.0)"
    assert (ran.document["features"], ran.document["missing"]) == (11, 0)
    wanted = normalize(plate, RobustMad(0), reference=CONTROLS, by="Metadata_Plate")
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "n.parquet"), wanted)
    lines = cellfolio("normalize", "profiles.parquet", "-o", "n.csv").out.splitlines()
    assert [" ".join(line.split()) for line in lines] == [
        "96 profiles, 11 features",
        "method Standardize()",
        "→ n.csv",
    ]


@pytest.mark.parametrize("method", ["robustize", "spherize", "inverse_normal"])
def test_every_way_to_normalize(cellfolio: Cellfolio, plate: pd.DataFrame, method: str) -> None:
    kind = ("--kind", "ZCA") if method == "spherize" else ()
    ran = cellfolio("normalize", "profiles.parquet", "--method", method, *kind, "-o", "n.h5ad")
    assert (ran.code, ran.err) == (0, "")


def test_methods_are_those_of_recipes() -> None:
    assert tuple(METHODS) == _METHODS


def test_images_are_features_if_asked_for(
    cellfolio: Cellfolio, plate: pd.DataFrame, tmp_path: Path
) -> None:
    plate.assign(Image_Quality=range(96)).to_parquet(tmp_path / "images.parquet")
    for more, features in (((), 11), (("--image-features",), 12)):
        ran = cellfolio("normalize", "images.parquet", *more, "-o", "n.parquet", "--json")
        assert ran.document["features"] == features


def test_select_features(cellfolio: Cellfolio, plate: pd.DataFrame, tmp_path: Path) -> None:
    ran = cellfolio("select-features", "profiles.parquet", "-o", "s.parquet", "--json")
    check(ran, "select-features")
    wanted = feature_select(plate, find_operations(USUAL, ()))
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "s.parquet"), wanted.profiles)
    assert [one["feature"] for one in ran.document["dropped"]] == ["Cells_AreaShape_Twin"]
    assert (ran.document["given"], ran.document["features"]) == (11, 10)
    told = cellfolio(
        "select-features",
        "profiles.parquet",
        *("--operation", "correlation_threshold=0.99", "--operation", "noise_removal=9"),
        *("--replicates", "Metadata_drug", "-o", "s.csv"),
    ).out.splitlines()
    assert "  CorrelationThreshold  dropped 1" in told
    then = cellfolio(
        "select-features", "profiles.parquet", "--parity", "cpjump1-2021", "-o", "s.csv", "--json"
    )
    assert then.document["dropped"][0]["operation"].startswith("CorrelationThreshold")


def test_consensus(cellfolio: Cellfolio, plate: pd.DataFrame, tmp_path: Path) -> None:
    how = ("--by", "Metadata_drug", "--method", "modz")
    ran = cellfolio("consensus", "profiles.parquet", *how, "-o", "c.parquet", "--json")
    check(ran, "consensus")
    wanted = consensus(plate, "Metadata_drug", Modz())
    pd.testing.assert_frame_equal(
        pd.read_parquet(tmp_path / "c.parquet"), wanted, check_dtype=False
    )
    assert (ran.document["given"], ran.document["profiles"]) == (96, len(wanted))
    assert cellfolio("consensus", "profiles.parquet", *how, "-o", "c.csv").code == 0


def test_profiles_of_a_package(cellfolio: Cellfolio, plate: pd.DataFrame, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    plate.to_csv(tmp_path / "folder/profiles.csv.gz", index=False)
    assert cellfolio("build", "folder", "lab/wells", "-m", "First").code == 0
    ran = cellfolio("normalize", "lab/wells/profiles.csv.gz", "-o", "n.csv", "--json")
    assert (ran.code, ran.document["profiles"]) == (0, 96)
    refused = cellfolio("normalize", "lab/wells", "-o", "n.csv")
    assert (refused.code, "name one" in refused.err) == (2, True)
    assert cellfolio("normalize", "lab/wells/absent.csv", "-o", "n.csv").code == 3


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("normalize", "absent.csv", "-o", "x.csv"), 3, "absent.csv is not there"),
        (("normalize", "broken.parquet", "-o", "x.csv"), 5, "broken.parquet"),
        (("normalize", "profiles.parquet", "-o", "x.docx"), 2, "suffix"),
        (("normalize", "profiles.parquet", "-o", "no/x.csv"), 2, "no folder"),
        (("normalize", "profiles.parquet"), 2, "-o"),
        (("normalize", "profiles.parquet", "-o", "x.csv", "--kind", "ZCA"), 2, "no knob 'kind'"),
        (("normalize", "profiles.parquet", "-o", "x.csv", "--by", "Plate"), 2, "'Plate'"),
        (("normalize", "profiles.parquet", "-o", "x.csv", "--reference", "a =="), 2, "query"),
        (
            (
                *("normalize", "profiles.parquet", "-o", "x.csv"),
                *("--reference", "Metadata_drug == 'none'"),
            ),
            2,
            "belongs to the reference",
        ),
        (
            ("select-features", "profiles.parquet", "-o", "x.csv", "--operation", "magic"),
            2,
            "magic",
        ),
        (
            ("select-features", "profiles.parquet", "-o", "x.csv", "--operation", "drop_missing=x"),
            2,
            "should be a number",
        ),
        (
            ("select-features", "profiles.parquet", "-o", "x.csv", "--operation", "noise_removal"),
            2,
            "--replicates",
        ),
        (
            ("select-features", "profiles.parquet", "-o", "x.csv", "--operation", "blocklist=1"),
            2,
            "no limit",
        ),
        (("consensus", "profiles.parquet", "-o", "x.csv", "--by", "drug"), 2, "'drug'"),
        (("consensus", "notes.txt", "-o", "x.csv", "--by", "drug"), 2, "notes.txt"),
        (("annotate", "profiles.parquet", "-o", "x.csv"), 2, "--plate-map"),
        (
            ("annotate", "profiles.parquet", "--plate-map", "absent.txt", "-o", "x.csv"),
            3,
            "absent.txt",
        ),
        (
            ("annotate", "profiles.parquet", "--plate-map", "profiles.parquet", "-o", "x.csv"),
            2,
            "well_position",
        ),
    ],
    ids=str,
)
def test_bad_input_is_told_and_nothing_is_written(
    cellfolio: Cellfolio,
    plate: pd.DataFrame,
    tmp_path: Path,
    arguments: tuple[str, ...],
    code: int,
    told: str,
) -> None:
    (tmp_path / "broken.parquet").write_bytes((tmp_path / "profiles.parquet").read_bytes()[:900])
    (tmp_path / "notes.txt").write_text("no table\n")
    ran = cellfolio(*arguments)
    assert ran.code == code, ran.err
    assert told in ran.err
    assert "bug" not in ran.err
    assert not list(tmp_path.glob("x.*")) + list(tmp_path.glob(".*.csv"))


def test_real_plate(cellfolio: Cellfolio, shared: Path, tmp_path: Path) -> None:
    start = shared / "data/pediatric_atlas/BR00147002/BR00147002"
    assert cellfolio("normalize", f"{start}_bulk_annotated.parquet", "-o", "n.parquet").code == 0
    operations = ("frequency_threshold", "correlation_threshold=0.9", "blocklist", "drop_missing=0")
    options = [word for one in operations for word in ("--operation", one)]
    assert cellfolio("select-features", "n.parquet", *options, "-o", "s.parquet").code == 0
    published = pd.read_parquet(f"{start}_bulk_feature_selected.parquet")
    assert list(pd.read_parquet(tmp_path / "s.parquet").columns) == list(published.columns)
