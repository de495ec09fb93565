"""An experiment from its images to its package: again, stopped in the middle, gone wrong."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

import cellfolio
from cellfolio.errors import CellfolioError, InvalidArgument, NotFound
from cellfolio.simulation import LIBRARY, ExperimentDesign, write_experiment
from cellfolio.storage.home import Home
from cellfolio.workflows.engines.dask import DaskEngine
from cellfolio.workflows.engines.engine import Workers
from cellfolio.workflows.experiment.configuration import (
    KEYS,
    example,
    parse_experiment,
    read_experiment,
)
from cellfolio.workflows.experiment.cost import FLEET_SECONDS, Price, estimate_costs
from cellfolio.workflows.experiment.running import (
    ExperimentRun,
    plan_experiment,
    run_experiment,
)
from cellfolio.workflows.run_folders import record_of, summarize_run
from tests.plates import image_path, write_plate
from tests.servers.seaweed import SeaweedServer

SMALL = ExperimentDesign(
    seed=3,
    plate_count=2,
    plate_shape=(2, 3),
    site_count=1,
    image_shape=(160, 160),
    perturbations=LIBRARY[2:6],
)
FEW = """
output = "out"
[images]
from = "plate"
path = "images"
labels = "labels"
[measure]
groups = ["Intensity"]
[profile.aggregate]
method = "median"
by = ["Metadata_Plate", "Metadata_Well", "Metadata_Site"]
[profile.quality]
page = false
[profile.output]
formats = ["parquet"]
[[evaluate]]
name = "nearest"
benchmark = "cpjump1-replicating"
perturbation = ["Metadata_Well"]
controls = ""
size = 2
draws = 20
retrieval = false
[[evaluate.group]]
name = "wells"
profiles = ["profiles/*/P?.parquet"]
[package]
name = "lab/pilot"
"""


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Writes a configuration beside a small plate."""
    write_plate(tmp_path / "plate")

    def make(text: str = FEW) -> Path:
        path = tmp_path / "pilot.toml"
        path.write_text(text)
        return path

    return make


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


def states(run: ExperimentRun) -> dict[str, str]:
    return {one.step: one.state for one in run.outcomes}


def plain(text: str = FEW) -> str:
    """Return a configuration without benchmarks."""
    return text[: text.index("[[evaluate]]")] + text[text.index("[package]") :]


# What is done, and what is not done again


def test_images_become_a_package(write: Callable[..., Path], home: Home, tmp_path: Path) -> None:
    experiment = read_experiment(write(plain()))
    plan = plan_experiment(experiment, home=home)
    assert states(plan) == {
        "get": "up to date", "measure": "would be made", "profile": "waits",
        "report": "would be made", "package": "would be made",
    }  # fmt: skip
    assert not (tmp_path / "out").exists()
    run = run_experiment(experiment, workers=1, home=home)
    assert states(run) == {
        "get": "up to date", "measure": "made", "profile": "made", "report": "made",
        "package": "made",
    }  # fmt: skip
    assert not run.failed
    package = cellfolio.open("lab/pilot", home=home)
    keys = {entry.logical_key for entry in package.walk()}
    assert {"report.html", "experiment.json", "profiles/P1/P1.parquet"} <= keys
    assert "measured/cells/P1/A01_1.parquet" in keys
    assert not [key for key in keys if "lock" in key]
    built = run.outcome("package")
    assert built is not None
    assert built.facts["top_hash"] == package.top_hash
    told = json.loads((tmp_path / "out/result/experiment.json").read_text())
    assert told["steps"]["measure"]["sites"] == 4
    assert str(tmp_path) not in json.dumps({**told, "not_compared": None})
    record = record_of(package)
    assert record is not None
    shown = summarize_run(package, told, record.logical_key)
    assert shown.kind == "Experiment from images to profiles"
    assert {one.name: one.told for one in shown.parts}["measure"] == "4 sites, 10 cells"
    assert "report.html" in shown.pages
    page = run.page.read_text()
    assert "vCPU hours" in page
    assert "JUMP, 2,300 plates" in page


def test_images_may_lie_behind_a_link(
    write: Callable[..., Path], home: Home, tmp_path: Path
) -> None:
    path = write(plain())
    (tmp_path / "far/away").mkdir(parents=True)
    (tmp_path / "plate").rename(tmp_path / "far/away/plate")
    (tmp_path / "plate").symlink_to(tmp_path / "far/away/plate")
    run = run_experiment(read_experiment(path), workers=1, home=home)
    assert states(run)["profile"] == "made"


def test_nothing_is_done_twice(write: Callable[..., Path], home: Home, tmp_path: Path) -> None:
    experiment = read_experiment(write(plain()))
    run_experiment(experiment, workers=1, home=home)
    tables = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*.parquet")}
    again = run_experiment(experiment, workers=1, home=home)
    assert set(states(again).values()) == {"up to date"}
    assert set(states(plan_experiment(experiment, home=home)).values()) == {"up to date"}
    assert {path: path.stat().st_mtime_ns for path in tables} == tables
    assert len(cellfolio.log("lab/pilot", home=home)) == 1


def test_what_changed_is_done_again(write: Callable[..., Path], home: Home) -> None:
    run_experiment(read_experiment(write(plain())), workers=1, home=home)
    other = plain().replace('method = "median"', 'method = "mean"')
    run = run_experiment(read_experiment(write(other)), workers=1, home=home)
    assert states(run)["measure"] == "up to date"
    assert states(run)["profile"] == states(run)["package"] == "made"
    assert len(cellfolio.log("lab/pilot", home=home)) == 2


def test_a_package_is_got_first(write: Callable[..., Path], home: Home, tmp_path: Path) -> None:
    cellfolio.build(tmp_path / "plate", "lab/screen", home=home)
    text = plain().replace('from = "plate"', 'from = "lab/screen"')
    experiment = read_experiment(write(text))
    plan = plan_experiment(experiment, home=home)
    assert states(plan)["get"] == "would be made"
    assert states(plan)["measure"] == "waits"
    run = run_experiment(experiment, workers=1, home=home)
    got = run.outcome("get")
    assert got is not None
    assert got.state == "made"
    assert got.facts["top_hash"] == cellfolio.open("lab/screen", home=home).top_hash
    assert (tmp_path / "out/images/labels/P1/A01_1_cells.tiff").is_file()
    again = run_experiment(experiment, workers=1, home=home)
    assert set(states(again).values()) == {"up to date"}


def test_a_package_is_pushed_where_it_is_asked(
    write: Callable[..., Path], home: Home, tmp_path: Path
) -> None:
    (tmp_path / "registry").mkdir()
    where = (tmp_path / "registry").as_uri()
    run = run_experiment(
        read_experiment(write(f'{plain()}push = "{where}"\n')), workers=1, home=home
    )
    built = run.outcome("package")
    assert built is not None
    there = cellfolio.open("lab/pilot", registry=where, home=Home(tmp_path / "other"))
    assert there.top_hash == built.facts["top_hash"]


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, DaskEngine("local", 2)], ids=["alone", "dask"])
def test_object_storage_gives_the_images_and_takes_the_package(
    workers: Workers,
    write: Callable[..., Path],
    home: Home,
    tmp_path: Path,
    s3: SeaweedServer,
    bucket: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in s3.env().items():
        monkeypatch.setenv(name, value)
    where = f"s3://{bucket}"
    text = plain().replace('from = "plate"', f'from = "{where}/lab/screen"')
    path = write(f'{text}push = "{where}"\n')
    cellfolio.push(cellfolio.build(tmp_path / "plate", "lab/screen", home=home).package, where)
    shutil.rmtree(tmp_path / "plate")
    fresh = Home(tmp_path / "fresh")
    built = run_experiment(read_experiment(path), workers=workers, home=fresh).outcome("package")
    assert built is not None
    there = cellfolio.open(f"{where}/lab/pilot", home=Home(tmp_path / "other"))
    assert there.top_hash == built.facts["top_hash"]
    assert cellfolio.load(there, "profiles/P1/P1.parquet").shape[0] == 4


@pytest.mark.slow
def test_benchmarks_are_run_when_their_inputs_change(
    write: Callable[..., Path], home: Home, tmp_path: Path
) -> None:
    run = run_experiment(read_experiment(write()), workers=1, home=home)
    assert states(run)["evaluate"] == "made"
    assert (
        states(run_experiment(read_experiment(write()), workers=1, home=home))["evaluate"]
        == "up to date"
    )
    (tmp_path / "out/result/evaluation/nearest/tables/scores.csv").unlink()
    assert states(plan_experiment(read_experiment(write()), home=home))["evaluate"] == (
        "would be made"
    )
    other = FEW.replace('method = "median"', 'method = "mean"')
    assert (
        states(run_experiment(read_experiment(write(other)), workers=1, home=home))["evaluate"]
        == "made"
    )


# What is stopped, and what goes wrong

KILLED = """
import sys
from pathlib import Path
from cellfolio.storage.home import Home
from cellfolio.workflows.experiment.configuration import read_experiment
from cellfolio.workflows.experiment.running import run_experiment
run_experiment(read_experiment(Path(sys.argv[1])), workers=1, home=Home(Path(sys.argv[2])))
"""


@pytest.mark.slow
@pytest.mark.parametrize("seen", ["records/P1/*.json", "profiles/P1/*.parquet", "report.html"])
def test_a_killed_run_goes_on(
    write: Callable[..., Path], home: Home, tmp_path: Path, seen: str
) -> None:
    path = write(plain())
    running = subprocess.Popen([sys.executable, "-c", KILLED, str(path), str(home.folder)])
    deadline = time.monotonic() + 180
    while running.poll() is None and time.monotonic() < deadline:
        if list((tmp_path / "out/result").rglob(seen)):
            break
        time.sleep(0.001)
    os.kill(running.pid, signal.SIGKILL)
    running.wait()
    run = run_experiment(read_experiment(path), workers=1, home=home)
    assert not run.failed
    whole = plain().replace('output = "out"', 'output = "whole"').replace("lab/pilot", "lab/whole")
    run_experiment(read_experiment(write(whole)), workers=1, home=home)
    for table in (tmp_path / "whole").rglob("*.parquet"):
        same = tmp_path / "out" / table.relative_to(tmp_path / "whole")
        assert same.read_bytes() == table.read_bytes()
    assert {one.logical_key for one in cellfolio.open("lab/pilot", home=home).walk()} == {
        one.logical_key for one in cellfolio.open("lab/whole", home=home).walk()
    }


def test_a_bad_site_is_told_and_the_others_go_on(
    write: Callable[..., Path], home: Home, tmp_path: Path
) -> None:
    image_path(tmp_path / "plate", "A01", 2, "RNA").write_bytes(b"")
    run = run_experiment(read_experiment(write(plain())), workers=1, home=home)
    assert run.failed
    assert states(run)["package"] == "made"
    measured = run.outcome("measure")
    assert measured is not None
    assert measured.facts["failed"] == ["P1 A01 site 2"]
    assert "P1 A01 site 2" in run.page.read_text()


def test_no_package_is_built_of_profiles_that_failed(
    write: Callable[..., Path], home: Home
) -> None:
    more = '[profile.annotate]\nplate_map = "nothing.csv"\n[package]'
    run = run_experiment(
        read_experiment(write(plain().replace("[package]", more))), workers=1, home=home
    )
    assert states(run)["profile"] == "failed"
    assert states(run)["package"] == "waits"
    assert run.failed
    assert run.page.is_file()
    assert cellfolio.list_packages(home=home) == []


def test_images_that_cannot_be_measured_end_the_run(
    write: Callable[..., Path], home: Home, tmp_path: Path
) -> None:
    for path in (tmp_path / "plate/images").rglob("*.tiff"):
        path.write_bytes(b"")
    with pytest.raises(CellfolioError, match="none of 4 sites could be measured"):
        run_experiment(read_experiment(write(plain())), workers=1, home=home)
    told = json.loads((tmp_path / "out/steps.json").read_text())["not_compared"]
    assert "none of 4 sites" in told["measure"]["failed"]


# The configuration


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('output = "out"', "output = 3", "output of the configuration should be a text"),
        ('output = "out"', 'outptu = "out"', "has no key 'outptu'"),
        ('from = "plate"', "", "[images] should tell from where"),
        ('path = "images"', 'path = "../images"', "path of [images] should be below from"),
        ('path = "images"', 'files = ["a"]', "files of [images] are got of a package"),
        ('groups = ["Intensity"]', 'groups = ["Intensty"]', "no features 'Intensty'"),
        ('groups = ["Intensity"]', 'group = "Intensity"', "[measure] has no key 'group'"),
        ('method = "median"', 'method = "modus"', "method of [aggregate]"),
        ("[profile.output]", "[profile.input]", "[profile] has no key 'input'"),
        ('name = "nearest"', "", "[[evaluate]] should have a name"),
        ('name = "nearest"', 'name = "../x"', "[[evaluate]] should have a name"),
        ("size = 2", "sise = 2", "[[evaluate]] nearest: the configuration has no key 'sise'"),
        ('name = "lab/pilot"', "", "[package] should have a name"),
        ('name = "lab/pilot"', 'name = "pilot"', "'pilot' is not a package name"),
        ("[package]", "[cost]\nprice = -1\n[package]", "price of a vCPU"),
        ("[package]", '[cost]\nprice = "1"\n[package]', "price of [cost] should be a number"),
        ("[images]", "[[images]]\nx = 1\n[other]", "images of the configuration should be a table"),
    ],
)
def test_what_is_wrong_is_named(write: Callable[..., Path], old: str, new: str, told: str) -> None:
    path = write(FEW.replace(old, new, 1))
    with pytest.raises(InvalidArgument) as error:
        read_experiment(path)
    assert told in str(error.value)
    assert str(error.value).startswith("pilot.toml: ")


def test_no_configuration_no_folder(write: Callable[..., Path], home: Home, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="there is no configuration"):
        read_experiment(tmp_path / "none.toml")
    path = write(plain().replace('from = "plate"', 'from = "./plaet"'))
    with pytest.raises(NotFound, match=r"there is no folder .*plaet"):
        run_experiment(read_experiment(path), home=home)


def test_the_example_has_every_key(tmp_path: Path) -> None:
    import tomllib

    text = example()
    whole = tomllib.loads(
        text.replace("\n# ", "\n")
        .replace("A benchmark of", "# A")
        .replace("The keys of", "# T")
        .replace("An experiment", "# A")
        .replace("Paths are", "# P")
    )
    for name, keys in KEYS.items():
        part = whole[name] if name else whole
        assert set(part) >= set(keys) - {"images", "meta"}, name
    parse_experiment(tomllib.loads(text), tmp_path / "x.toml")


@pytest.mark.slow
def test_the_example_runs_on_the_simulated_experiment(home: Home, tmp_path: Path) -> None:
    write_experiment(SMALL, tmp_path / "cellfolio-demo/cell-painting")
    path = tmp_path / "mine.toml"
    path.write_text(example())
    run = run_experiment(read_experiment(path), workers=1, home=home)
    assert not run.failed
    assert set(states(run)) == {"get", "measure", "profile", "evaluate", "report", "package"}
    table = pd.read_parquet(
        tmp_path / "pilot/result/profiles/SIM00001/SIM00001_normalized_feature_select_all.parquet"
    )
    assert len(table) == 6
    assert {"Metadata_perturbation", "Metadata_moa", "Metadata_control_type"} <= set(table)


@pytest.mark.slow
def test_real_sites_become_a_package(home: Home, shared: Path, tmp_path: Path) -> None:
    path = tmp_path / "real.toml"
    path.write_text(
        f"""
        [images]
        from = "{shared / "data/cpjump1/example_images"}"
        plate = "BR00117010"
        channels = "Mito=1,AGP=2,RNA=3,ER=4,DNA=5"
        [measure]
        groups = ["AreaShape", "Intensity"]
        [profile.aggregate]
        method = "median"
        [profile.quality]
        page = false
        [package]
        name = "lab/real"
        """
    )
    run = run_experiment(read_experiment(path), workers=1, home=home)
    assert not run.failed
    measured = run.outcome("measure")
    assert measured is not None
    assert measured.facts["sites"] == 4
    assert measured.facts["cells"] > 250
    package = cellfolio.open("lab/real", home=home)
    path = cellfolio.fetch(package, "profiles/BR00117010/BR00117010.csv.gz", home=home)
    wells = pd.read_csv(path, compression="gzip")
    assert sorted(wells["Metadata_Well"]) == ["A21", "D08", "D14", "N09"]


# What it costs


def test_costs_are_those_of_the_published_fleet_at_its_seconds() -> None:
    assert round(FLEET_SECONDS) == 417
    run, plate, experiment, jump = estimate_costs(FLEET_SECONDS, 10, Price(), total=60.0)
    assert run.hours == pytest.approx(60 / 3600)
    assert plate.hours == plate.fleet_hours == pytest.approx(400)
    assert plate.fleet_money == pytest.approx(10)
    assert experiment.sites == 51 * 3456
    assert jump.money == pytest.approx(2300 * 10)


def test_a_price_is_no_debt() -> None:
    with pytest.raises(InvalidArgument, match="price of a vCPU"):
        Price(float("nan"))
