"""Recipes: the stages they make, against published files and pycytominer; what is made again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cellfolio.errors import InvalidArgument, NotFound, StoreError
from cellfolio.workflows.profiling.recipe import Recipe
from cellfolio.workflows.profiling.running import plan_recipe, run_recipe
from cellfolio.workflows.profiling.toml_recipe import read_recipe
from cellfolio.workflows.profiling.yaml_recipe import read_profiling_recipe
from tests.profiles.peer import ask, assert_same, matrix
from tests.workflows.recipes import SELECT, bytes_of, cells_of

PEDIATRIC = ("BR00147001", "BR00147002", "BR00148751")
BATCH = "2020_11_04_CPJUMP1"
PLATES = ("BR00116991", "BR00116992")
"""With the plate map of compounds."""
SIX = (
    "",
    "_augmented",
    "_normalized",
    "_normalized_negcon",
    "_normalized_feature_select_plate",
    "_normalized_feature_select_negcon_plate",
)
CPJUMP1 = """
[input]
cells = "cells/{batch}/{plate}.parquet"
[annotate]
plate_map = "metadata/platemaps/{batch}/platemap/{plate_map}.txt"
barcodes = "metadata/platemaps/{batch}/barcode_platemap.csv"
external = "metadata/external_metadata/JUMP-Target-1_compound_metadata.tsv"
external_on = "broad_sample"
[[normalize]]
method = "mad_robustize"
[[normalize]]
name = "negcon"
method = "mad_robustize"
reference = "Metadata_control_type == 'negcon'"
[[feature_select]]
operations = ["frequency_threshold", "correlation_threshold", "drop_missing", "blocklist"]
"""


@pytest.fixture
def project(shared: Path, tmp_path: Path) -> Path:
    """Made-up cells with the real plate map, barcodes and perturbations of CPJUMP1."""
    metadata = shared / "data/cpjump1/metadata"
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "metadata").symlink_to(metadata)
    plate_map = next((metadata / f"platemaps/{BATCH}").rglob("*compound*.txt"))
    wells = pd.read_csv(plate_map, sep="\t")["well_position"].tolist()
    rng = np.random.default_rng(3)
    (folder / "cells" / BATCH).mkdir(parents=True)
    for plate in PLATES:
        cells_of(plate, wells, rng).to_parquet(folder / f"cells/{BATCH}/{plate}.parquet")
    (folder / "recipe.toml").write_text(CPJUMP1)
    return folder


@pytest.mark.parametrize(
    "plate", [PEDIATRIC[0], *(pytest.param(each, marks=pytest.mark.slow) for each in PEDIATRIC[1:])]
)
def test_published_stages(shared: Path, tmp_path: Path, plate: str) -> None:
    source = shared / "data/pediatric_atlas" / plate
    published = pd.read_parquet(source / f"{plate}_bulk_annotated.parquet")
    names = [name for name in published.columns if name.startswith("Metadata_")]
    known = [name for name in names if name != "Metadata_Plate"]
    plate_map = published[known].rename(columns=lambda name: name.removeprefix("Metadata_"))
    plate_map.to_csv(tmp_path / f"{plate}_map.csv", index=False)
    (tmp_path / "recipe.toml").write_text(f"""
    [input]
    profiles = "{source.parent}/{{plate}}/{{plate}}_bulk.parquet"
    plates = ["{plate}"]
    [annotate]
    plate_map = "{{plate}}_map.csv"
    position = "Well"
    [[normalize]]
    [[feature_select]]
    operations = [
        "frequency_threshold", "correlation_threshold", {{ name = "drop_missing", maximum = 0 }},
        "blocklist",
    ]
    [output]
    formats = ["parquet"]
    [quality]
    page = false
    """)
    run = run_recipe(read_recipe(tmp_path / "recipe.toml"), tmp_path / "out", workers=1)
    assert not run.failed
    made = tmp_path / "out" / plate
    normalized = pd.read_parquet(made / f"{plate}_normalized.parquet")
    wanted = pd.read_parquet(source / f"{plate}_bulk_normalized.parquet")
    # Columns without a value are of another kind in text; the numbers are the same to the last bit.
    np.testing.assert_array_equal(matrix(normalized), matrix(wanted))
    selected = pd.read_parquet(made / f"{plate}_normalized_feature_select_plate.parquet")
    final = pd.read_parquet(source / f"{plate}_bulk_feature_selected.parquet")
    # One value under two names, of which one is left: see tests/profiles/test_selecting.py.
    ties = {"Cells_AreaShape_BoundingBoxMaximum_X", "Cytoplasm_AreaShape_BoundingBoxMaximum_X"}
    assert set(matrix_names(selected)) ^ set(matrix_names(final)) in (set(), ties)
    both = [name for name in matrix_names(final) if name in selected.columns]
    np.testing.assert_array_equal(selected[both].to_numpy(), final[both].to_numpy())


def matrix_names(table: pd.DataFrame) -> list[str]:
    return [name for name in table.columns if not name.startswith("Metadata_")]


def replayed(project: Path, plate: str, epsilon: float, *, rounded: bool) -> list[pd.DataFrame]:
    """Make the six tables with pycytominer, as the recipe of CPJUMP1 calls it."""

    def written(table: pd.DataFrame) -> pd.DataFrame:
        if not rounded:
            return table
        path = project / "step.csv"
        table.to_csv(path, index=False, float_format="%.5g")
        return pd.read_csv(path)

    cells = pd.read_parquet(project / f"cells/{BATCH}/{plate}.parquet")
    wells = written(ask("aggregate", cells, strata=["Metadata_Plate", "Metadata_Well"]))
    metadata = project / "metadata"
    plate_map = pd.read_csv(
        next((metadata / f"platemaps/{BATCH}").rglob("*compound*.txt")), sep="\t"
    )
    drugs = pd.read_csv(
        metadata / "external_metadata/JUMP-Target-1_compound_metadata.tsv", sep="\t"
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pycytominer

        annotated = written(
            pycytominer.annotate(
                wells,
                plate_map,
                external_metadata=drugs,
                external_join_on=["Metadata_broad_sample"],
            )
        )
    how = {"method": "mad_robustize", "mad_robustize_epsilon": epsilon}
    whole = written(ask("normalize", annotated, **how))
    negcon = written(
        ask("normalize", annotated, samples="Metadata_control_type == 'negcon'", **how)
    )
    operations = [
        "frequency_threshold",
        "correlation_threshold",
        "drop_na_columns",
        "blocklist",
    ]
    selected = [
        written(ask("feature_select", table, operation=operations, unique_cut=0.01))
        for table in (whole, negcon)
    ]
    return [wells, annotated, whole, negcon, *selected]


@pytest.mark.parametrize("plate", [PLATES[0], pytest.param(PLATES[1], marks=pytest.mark.slow)])
def test_six_files_are_those_of_pycytominer(project: Path, tmp_path: Path, plate: str) -> None:
    (project / "recipe.toml").write_text(f"{CPJUMP1}[quality]\npage = false\n")
    run = run_recipe(read_recipe(project / "recipe.toml"), tmp_path / "out", workers=1)
    assert not run.failed
    assert [part.wells for part in run.parts] == [384, 384]
    for part, name in zip(run.parts, PLATES, strict=True):
        assert {f"{name}{suffix}.csv.gz" for suffix in SIX} <= set(part.made)
    folder = tmp_path / "out" / BATCH / plate
    peers = replayed(project, plate, 1e-18, rounded=False)
    for suffix, peer in zip(SIX, peers, strict=True):
        ours = pd.read_csv(folder / f"{plate}{suffix}.csv.gz")
        scale = np.full(matrix(peer).shape, np.abs(matrix(peers[0])).max())
        table = ours.drop(columns="Metadata_Object_Count")
        assert_same(table, peer, scale)
    assert len(matrix_names(ours)) < 14


@pytest.mark.slow
def test_recipe_of_profiling_recipe_with_five_digits(project: Path, tmp_path: Path) -> None:
    for plate in PLATES:
        folder = project / "profiles" / BATCH / plate
        folder.mkdir(parents=True)
        cells = pd.read_parquet(project / f"cells/{BATCH}/{plate}.parquet")
        wells = ask("aggregate", cells, strata=["Metadata_Plate", "Metadata_Well"])
        wells.to_csv(folder / f"{plate}.csv.gz", index=False, float_format="%.5g")
    (project / "config_files").mkdir()
    config = project / "config_files/config.yml"
    config.write_text(YAML)
    recipe = read_profiling_recipe(config, parity="cpjump1-2021")
    run = run_recipe(recipe, tmp_path / "out", workers=1)
    assert not run.failed
    assert [part.name for part in run.parts] == [f"{BATCH}/{PLATES[0]}", f"batch {BATCH}"]
    peers = replayed(project, PLATES[0], 0, rounded=True)
    for suffix, peer in list(zip(SIX, peers, strict=True))[1:4]:
        ours = pd.read_csv(tmp_path / "out" / BATCH / PLATES[0] / f"{PLATES[0]}{suffix}.csv.gz")
        if suffix == "_augmented":
            assert_same(ours, peer)
            continue
        # Where the sixth digit is a five, the last bit decides; 1 of 100,000 may differ by a digit.
        same = np.isclose(matrix(ours), matrix(peer), rtol=1.1e-4, atol=0, equal_nan=True)
        assert same.all()
        assert (matrix(ours) == matrix(peer))[np.isfinite(matrix(peer))].mean() > 0.9999
    for name in ("_normalized_feature_select_plate", "_normalized_feature_select_negcon_batch"):
        assert (tmp_path / "out" / BATCH / PLATES[0] / f"{PLATES[0]}{name}.csv.gz").is_file()


YAML = f"""---
pipeline: demo
output_dir: profiles
platemap_well_column: Metadata_well_position
compartments: [cells, cytoplasm, nuclei]
aggregate:
  perform: false
annotate:
  perform: true
  well_column: Metadata_Well
  external:
    perform: true
    file: JUMP-Target-1_compound_metadata.tsv
    merge_column: broad_sample
normalize:
  perform: true
  method: mad_robustize
  features: infer
  mad_robustize_fudge_factor: 0
  image_features: false
normalize_negcon:
  perform: true
  method: mad_robustize
  features: infer
  mad_robustize_fudge_factor: 0
  image_features: false
feature_select:
  perform: true
  features: infer
  level: plate
  gct: false
  image_features: false
  operations: [variance_threshold, correlation_threshold, drop_na_columns, blocklist]
feature_select_negcon:
  perform: true
  features: infer
  level: batch
  gct: false
  image_features: false
  operations: [variance_threshold, correlation_threshold, drop_na_columns, blocklist]
options:
  compression: gzip
  float_format: "%.5g"
  samples: all
---
batch: {BATCH}
plates:
  - name: {PLATES[0]}
    process: true
  - name: {PLATES[1]}
    process: false
process: true
"""


def test_only_what_changed_is_made_again(small: Callable[..., Recipe], tmp_path: Path) -> None:
    out = tmp_path / "out"
    more = SELECT.format("batch")
    assert run_recipe(small(more), out, workers=1).made == 9
    assert run_recipe(small(more), out, workers=1).made == 0
    # A file that went, or was changed, is made again, and nothing else: the same as before.
    before = bytes_of(out)
    (out / "P2/P2_augmented.csv.gz").unlink()
    (out / "P1/P1_normalized.csv.gz").write_bytes(b"mine")
    run = run_recipe(small(more), out, workers=1)
    assert [part.made for part in run.parts] == [
        ("P1_normalized.csv.gz",),
        ("P2_augmented.csv.gz",),
        (),
        (),
    ]
    assert bytes_of(out) == before
    # Another method: what is before it stays.
    planned = plan_recipe(small(more, "robustize"), out)
    assert planned.parts[0].made == ("P1_normalized.csv.gz",)
    assert planned.parts[0].reasons == ("method changed in the recipe",)
    assert len(planned.parts[3].made) == 3
    assert bytes_of(out) == before
    # Another input: its plate, and what it is pooled with.
    path = small(more).root / "P3.csv"
    path.write_text(path.read_text().replace("1.0", "1.5"))
    run = run_recipe(small(more), out, workers=1)
    assert [len(part.made) for part in run.parts] == [0, 0, 2, 3]
    assert run.parts[2].reasons[0] == "the input changed"
    # Another number format is another file of the same table.
    run = run_recipe(small(more, output='number_format = "%.5g"'), out, workers=1)
    assert set(run.parts[0].reasons) == {"the number format changed"}


@pytest.mark.parametrize(
    "formats",
    [["csv.gz", "parquet"], pytest.param(["csv", "parquet", "h5ad"], marks=pytest.mark.slow)],
)
def test_any_number_of_workers_gives_the_same_bytes(
    small: Callable[..., Recipe], tmp_path: Path, formats: list[str]
) -> None:
    consensus = """
    [[consensus]]
    by = ["Metadata_drug"]
    of = ["normalized_feature_select_all"]
    method = "modz"
    level = "all"
    """
    recipe = small(SELECT.format("all") + consensus, output=f"formats = {json.dumps(formats)}")
    assert not run_recipe(recipe, tmp_path / "one", workers=1).failed
    assert not run_recipe(recipe, tmp_path / "two", workers=2).failed
    one = bytes_of(tmp_path / "one")
    assert one == bytes_of(tmp_path / "two")
    assert len(one) == len(formats) * (3 * 3 + 1) + 3 + 2
    consensus_table = pd.read_parquet(
        tmp_path / "one/normalized_feature_select_all_consensus.parquet"
    )
    assert consensus_table["Metadata_drug"].tolist() == ["DMSO", "a", "b", "c"]


def test_killed_run_leaves_no_half_file_and_goes_on(
    small: Callable[..., Recipe], tmp_path: Path
) -> None:
    recipe = small(SELECT.format("plate"))
    assert run_recipe(recipe, tmp_path / "whole", workers=1).made == 9
    whole = bytes_of(tmp_path / "whole")
    out = tmp_path / "killed"
    seen: set[int] = set()
    for wait in (0, 5):
        done = subprocess.Popen(
            [sys.executable, "-m", "cellfolio", "profile", str(recipe.root / "recipe.toml"),
             "-o", str(out), "--workers", "1"],
            stdout=subprocess.DEVNULL,
        )  # fmt: skip
        while len(list(out.rglob("*.csv.gz"))) <= wait and done.poll() is None:
            time.sleep(0.001)
        os.kill(done.pid, signal.SIGKILL) if done.poll() is None else None
        done.wait()
        found = {
            path.relative_to(out).as_posix(): path.read_bytes()
            for path in out.rglob("*.csv.gz")
            if not path.name.startswith(".")
        }
        assert all(whole[name] == data for name, data in found.items())
        seen.add(len(found))
    assert len(seen) > 1
    assert not run_recipe(recipe, out, workers=1).failed
    assert bytes_of(out) == whole
    assert not [one for one in out.rglob(".*") if one.name != ".running.lock"]


def test_what_a_killed_run_was_writing_goes_with_the_next(
    small: Callable[..., Recipe], tmp_path: Path
) -> None:
    """Also where nothing else is to be done, and in what plates are taken together for."""
    recipe, out = small(SELECT.format("batch")), tmp_path / "out"
    run_recipe(recipe, out, workers=1)
    whole = bytes_of(out)
    (plate,) = {path.parent for path in out.rglob("P1*.csv.gz")}
    (plate / "quality" / "P1").mkdir(parents=True)
    for path in (out / "run.json", plate / "P1.csv.gz", plate / "quality/P1/wells.png"):
        path.with_name(f".{path.name}.{'0' * 32}").touch()
    (plate / f".{'0' * 32}.csv.gz").touch()
    assert run_recipe(recipe, out, workers=1).made == 0
    assert bytes_of(out) == whole
    assert {path.name for path in out.rglob(".*")} == {".running.lock"}


def test_a_plate_that_fails_is_told_and_the_others_go_on(
    small: Callable[..., Recipe], tmp_path: Path
) -> None:
    recipe = small(SELECT.format("batch"))
    (recipe.root / "P2.csv").write_text("Metadata_Well,Cells_A\nZ99,1\n")
    run = run_recipe(recipe, tmp_path / "out", workers=1)
    assert [part.name for part in run.failed] == ["P2", "all plates"]
    told = [part.failure for part in run.failed]
    assert told[0] is not None
    assert "no well of the profiles is in the plate map" in told[0].message
    assert told[1] is not None
    assert told[1].message == "1 of its 3 plates failed, such as P2"
    assert (tmp_path / "out/P3/P3_normalized.csv.gz").is_file()


def test_other_barcodes_and_missing_files_are_named(project: Path, tmp_path: Path) -> None:
    path = project / f"cells/{BATCH}/BR99999999.parquet"
    path.write_bytes((project / f"cells/{BATCH}/{PLATES[0]}.parquet").read_bytes())
    recipe = read_recipe(project / "recipe.toml")
    run = run_recipe(recipe, tmp_path / "out", plates=["BR99999999"], workers=1)
    assert run.failed[0].failure is not None
    assert "no table of barcodes has the plate 'BR99999999'" in run.failed[0].failure.message
    text = CPJUMP1.replace("/platemap/", "/nowhere/")
    (project / "recipe.toml").write_text(text)
    run = run_recipe(
        read_recipe(project / "recipe.toml"), tmp_path / "out", plates=[PLATES[0]], workers=1
    )
    assert run.failed[0].failure is not None
    assert "the plate map is not there" in run.failed[0].failure.message
    (project / "recipe.toml").write_text(CPJUMP1.replace("'negcon'", "'none'"))
    run = run_recipe(
        read_recipe(project / "recipe.toml"), tmp_path / "out", plates=[PLATES[0]], workers=1
    )
    assert run.failed[0].failure is not None
    assert "no row belongs to the reference" in run.failed[0].failure.message


@pytest.mark.slow
def test_cells_are_read_once(project: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run_recipe(read_recipe(project / "recipe.toml"), out, plates=[PLATES[0]], workers=1)
    before = bytes_of(out)
    (project / "recipe.toml").write_text(CPJUMP1.replace('"blocklist"', '"drop_outliers"'))
    run = run_recipe(read_recipe(project / "recipe.toml"), out, plates=[PLATES[0]], workers=1)
    assert len(run.parts[0].made) == 3  # both selections, and the page
    (project / "recipe.toml").write_text(CPJUMP1)
    run_recipe(read_recipe(project / "recipe.toml"), out, plates=[PLATES[0]], workers=1)
    assert bytes_of(out) == before


def test_input_is_never_written_over(project: Path) -> None:
    (project / f"cells/{BATCH}").rename(project / "old")
    path = project / f"cells/{BATCH}/{PLATES[0]}/{PLATES[0]}.parquet"
    path.parent.mkdir(parents=True)
    (project / f"old/{PLATES[0]}.parquet").rename(path)
    before = path.read_bytes()
    text = CPJUMP1.replace("{plate}.parquet", "{plate}/{plate}.parquet")
    (project / "recipe.toml").write_text(text)
    run = run_recipe(read_recipe(project / "recipe.toml"), project / "cells", workers=1)
    assert run.failed[0].failure is not None
    assert "would take the place of the input" in run.failed[0].failure.message
    assert path.read_bytes() == before


def test_two_runs_do_not_meet(small: Callable[..., Recipe], tmp_path: Path) -> None:
    from filelock import FileLock

    (tmp_path / "out").mkdir()
    with (
        FileLock(tmp_path / "out/.running.lock"),
        pytest.raises(StoreError, match="another run is at work"),
    ):
        run_recipe(small(), tmp_path / "out", workers=1)


BAD = {
    "[input]\nprofile = 'x'": "has no key 'profile'",
    "[input]": "either single cells or profiles",
    "[input]\nprofiles = '{plate}.csv'": "has no step",
    "[input]\nprofiles = 'a.csv'\n[[normalize]]": "should have {plate}",
    "[input]\nprofiles = '{plate}.csv'\n[[normalize]]\nmethod = 'mad'": "should be one of",
    "[input]\nprofiles = '{plate}.csv'\n[[normalize]]\nkind = 'ZCA'": "has no knob 'kind'",
    "[input]\nprofiles = '{plate}.csv'\n[[normalize]]\n[[normalize]]": "would write 'normalized'",
    "[input]\nprofiles = '{plate}.csv'\n[aggregate]": "needs single cells",
    "[input]\nprofiles = '{plate}.csv'\n[annotate]": "should name the plate_map",
    "[input]\nprofiles = 1\n[annotate]": "should be a text",
    "[input]\nprofiles = '{plate}.csv'\n[[feature_select]]\noperations = ['noise_removal']": (
        "needs 'by'"
    ),
    "[input]\nprofiles = '{plate}.csv'\n[[feature_select]]\noperations = ['variance']": (
        "should be one of"
    ),
    "[input]\nprofiles = '{plate}.csv'\n[[normalize]]\n[output]\nnumber_format = '%s'": (
        "should be such as"
    ),
    "parity = 'cpjump1'\n[input]\nprofiles = '{plate}.csv'\n[[normalize]]": "parity should be",
    "= nonsense": "cannot be read",
}


@pytest.mark.parametrize("text", BAD)
def test_bad_recipe_says_what_is_wrong(tmp_path: Path, text: str) -> None:
    path = tmp_path / "recipe.toml"
    path.write_text(text)
    (tmp_path / "a.csv").write_text("x\n1\n")
    with pytest.raises(InvalidArgument) as caught:
        plan_recipe(read_recipe(path), tmp_path / "out")
    assert BAD[text] in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("gct: false", "gcd: false", "has no key 'gcd'"),
        ("variance_threshold", "noise_removal", "should be one of"),
        ("features: infer", "features: infer\n  subgroups: true", "subgroups"),
        ("perform: false", "perform: true\n  fields: [1, 2]", "some fields only"),
        ("process: true", "process: false", "names no plate"),
    ],
)
def test_profiling_recipe_that_cannot_be_done(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    path = tmp_path / "config.yml"
    path.write_text(YAML.replace(old, new))
    with pytest.raises(InvalidArgument, match=message):
        read_profiling_recipe(path)


@pytest.mark.parametrize(
    ("name", "read"), [("config.yml", read_profiling_recipe), ("recipe.toml", read_recipe)]
)
def test_recipe_nested_too_deeply_is_refused(
    tmp_path: Path, name: str, read: Callable[[Path], Recipe]
) -> None:
    path = tmp_path / name
    path.write_text("a = " * name.endswith(".toml") + "[" * 2_000)
    with pytest.raises(InvalidArgument, match="cannot be read"):
        read(path)


def test_unknown_plate_is_refused(small: Callable[..., Recipe], tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="the recipe has no plate 'P9'"):
        run_recipe(small(), tmp_path / "out", plates=["P9"])


def test_command_tells_of_plates_and_failures(
    small: Callable[..., Recipe], tmp_path: Path, capsys: Any
) -> None:
    from cellfolio.cli.main import run

    recipe = small(SELECT.format("plate"))
    arguments = ["profile", str(recipe.root / "recipe.toml"), "-o", str(tmp_path / "out")]
    assert run([*arguments, "--dry-run"]) == 0
    assert "P1  3 files  it was not made yet" in capsys.readouterr().out
    assert run([*arguments, "--plate", "P1", "--workers", "1"]) == 0
    assert "3 files made in" in capsys.readouterr().out
    (recipe.root / "P2.csv").unlink()
    assert run([*arguments, "--workers", "1", "--json"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert document["failed"] == ["P2"]
    assert document["made"] == 3
    assert run(["profile", "-o", str(tmp_path / "out")]) == 2
