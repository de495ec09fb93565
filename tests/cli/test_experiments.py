"""The command run: what it prints, writes and refuses."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from tests.cli.conftest import Cellfolio
from tests.plates import image_path, write_plate

CONFIGURATION = """
output = "out"
[images]
from = "plate"
path = "images"
labels = "labels"
[measure]
groups = ["Intensity"]
[profile.quality]
page = false
[package]
name = "lab/pilot"
"""


@pytest.fixture
def plate(tmp_path: Path) -> Path:
    (tmp_path / "pilot.toml").write_text(CONFIGURATION)
    return write_plate(tmp_path / "plate")


def test_an_experiment_is_run_once(cellfolio: Cellfolio, plate: Path) -> None:
    ran = cellfolio("run", "pilot.toml", "-n")
    assert ran.code == 0
    assert ran.out.splitlines()[1].split(maxsplit=4)[:4] == ["measure", "would", "be", "made"]
    ran = cellfolio("run", "pilot.toml", "--workers", "1")
    assert ran.code == 0, ran.err
    lines = ran.out.splitlines()
    assert [line.split()[0] for line in lines[:5]] == [
        "get", "measure", "profile", "report", "package",
    ]  # fmt: skip
    assert ["JUMP,", "2,300", "plates", "7,948,800"] in [line.split()[:4] for line in lines]
    ran = cellfolio("run", "pilot.toml", "--workers", "1", "--price", "0.05", "--json")
    document = ran.document
    assert {one["state"] for one in document["steps"][:3]} == {"up to date"}
    assert document["package"].startswith("lab/pilot@")
    costs = {one["what"]: one for one in document["costs"]}
    assert costs["a plate"]["fleet_money"] == pytest.approx(20)
    assert costs["a plate"]["money"] == pytest.approx(costs["a plate"]["hours"] * 0.05)
    assert Path(document["page"]).is_file()
    assert cellfolio("show", "lab/pilot").code == 0


def test_sites_that_fail_are_told(cellfolio: Cellfolio, plate: Path) -> None:
    image_path(plate, "A01", 2, "RNA").write_bytes(b"")
    ran = cellfolio("run", "pilot.toml", "--workers", "1")
    assert ran.code == 1
    assert "failed: P1 A01 site 2" in ran.out.splitlines()


def test_the_example_is_printed(cellfolio: Cellfolio) -> None:
    ran = cellfolio("run", "--example")
    assert tomllib.loads(ran.out)["images"]["from"] == "cellfolio-demo/cell-painting"
    assert cellfolio("run", "--example", "--json").document["example"] == ran.out


def test_what_is_wrong_is_told(cellfolio: Cellfolio, plate: Path, tmp_path: Path) -> None:
    ran = cellfolio("run")
    assert ran.code == 2
    assert "either EXPERIMENT or --example" in ran.err
    assert cellfolio("run", "none.toml").code == 3
    (tmp_path / "pilot.toml").write_text(CONFIGURATION.replace("groups", "gruops"))
    ran = cellfolio("run", "pilot.toml")
    assert ran.code == 2
    assert "pilot.toml: [measure] has no key 'gruops'" in ran.err
    assert "groups" in ran.err
    assert not (tmp_path / "out").exists()


def test_what_is_no_cluster_is_told(cellfolio: Cellfolio, plate: Path, tmp_path: Path) -> None:
    for command in (
        ("run", "pilot.toml"),
        ("measure", "plate/images", "-o", "out"),
        ("profile", "pilot.toml", "-o", "out"),
        ("get", "lab/screen", "-o", "out"),
        ("push", "lab/screen", "out"),
    ):
        ran = cellfolio(*command, "--dask", "lokal")
        assert ran.code == 2
        assert "'lokal' is no cluster of Dask; expected local, slurm, or an address" in ran.err
    ran = cellfolio("measure", "plate/images", "-o", "out", "--dask", "slurm")
    assert "slurm should be told how many workers" in ran.err
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_a_cluster_of_this_machine_moves_files(
    cellfolio: Cellfolio, plate: Path, tmp_path: Path
) -> None:
    by_dask = ("--dask", "local", "--workers", "2")
    assert cellfolio("build", "plate", "lab/screen").code == 0
    pushed = cellfolio("push", "lab/screen", "registry", *by_dask)
    got = cellfolio("get", f"{tmp_path}/registry/lab/screen", "-o", "got", *by_dask, "--json")
    assert (pushed.code, got.code, pushed.err, got.err) == (0, 0, "", "")
    files = {path.relative_to(plate) for path in plate.rglob("*") if path.is_file()}
    assert got.document["placed"] == len(files) > 4
    for key in files:
        assert (tmp_path / "got" / key).read_bytes() == (plate / key).read_bytes()


@pytest.mark.slow
def test_a_cluster_of_this_machine_runs_it(cellfolio: Cellfolio, plate: Path) -> None:
    ran = cellfolio("run", "pilot.toml", "--dask", "local", "--workers", "2")
    assert ran.code == 0, ran.err
    assert ran.err == ""
    assert (
        cellfolio("run", "pilot.toml", "--workers", "1", "--json").document["steps"][1]["state"]
        == "up to date"
    )
