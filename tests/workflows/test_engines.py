"""What every engine promises: the bytes of one process, and that a death costs one job."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import cellfolio
from cellfolio.errors import (
    DigestMismatch,
    InvalidArgument,
    NotFound,
    ServerUnreachable,
    StoreError,
)
from cellfolio.workflows.benchmarks import read_configuration
from cellfolio.workflows.benchmarks.jobs import evaluate_by
from cellfolio.workflows.cell_profiles import aggregate_named
from cellfolio.workflows.engines.dask import DaskEngine
from cellfolio.workflows.engines.doing import AHEAD, do_all
from cellfolio.workflows.engines.engine import Engine, LocalProcesses, Pool, Workers
from cellfolio.workflows.processes import Failure
from tests.plates import write_plate
from tests.workflows.benchmark_data import groups, write_screen
from tests.workflows.engine_jobs import Job, double, kill_always, kill_once, refuse, slowly
from tests.workflows.test_measuring import FEW, contents, inputs, measure

of_its_own = pytest.mark.parametrize(
    "engine", [LocalProcesses(2), DaskEngine("local", 2)], ids=["processes", "dask"]
)
"""Engines that lose workers; the others share one cluster, as starting one takes seconds."""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaskEngine]:
    """Two workers, whose test does not end them."""
    with scheduler(tmp_path_factory.mktemp("cluster"), 2) as (place, _):
        yield DaskEngine(place, 2)


@pytest.fixture(params=["processes", pytest.param("dask", marks=pytest.mark.slow)])
def engine(request: pytest.FixtureRequest) -> Engine:
    if request.param == "processes":
        return LocalProcesses(2)
    found: Engine = request.getfixturevalue("cluster")
    return found


def jobs(folder: Path, count: int) -> list[Job]:
    return [Job(number, folder) for number in range(count)]


@dataclass(frozen=True)
class Counted(Executor):
    """An executor that counts what is under way."""

    inner: Executor
    most: list[int]
    under_way: set[Future[Any]] = field(default_factory=set)

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future = self.inner.submit(fn, *args, **kwargs)
        self.under_way.add(future)
        self.under_way.difference_update([one for one in self.under_way if one.done()])
        self.most.append(len(self.under_way))
        return future


@dataclass(frozen=True)
class CountedEngine:
    """An engine whose jobs under way are counted."""

    engine: Engine
    most: list[int] = field(default_factory=list)

    @property
    def ended(self) -> Failure:
        return self.engine.ended

    def count(self, jobs: int) -> int:
        return self.engine.count(jobs)

    @contextmanager
    def open(self, jobs: int) -> Iterator[Pool]:
        with self.engine.open(jobs) as pool:
            counted = Counted(pool.executor, self.most)
            yield Pool(counted, pool.size, pool.wrap, pool.died, pool.check)


def test_every_job_is_done_once_by_a_worker_that_is_told(engine: Engine, tmp_path: Path) -> None:
    done = list(do_all(double, jobs(tmp_path, 9), engine))
    assert {one.job.number: one.result for one in done} == {n: 2 * n for n in range(9)}
    assert 1 <= len({one.worker for one in done}) <= 2
    assert all(one.worker for one in done)
    makers = [path.name.split("-") for path in tmp_path.iterdir()]
    assert sorted(int(number) for number, _ in makers) == list(range(9))
    assert str(os.getpid()) not in {pid for _, pid in makers}


def test_few_are_handed_over_at_once(engine: Engine, tmp_path: Path) -> None:
    counted = CountedEngine(engine)
    found = {one.job.number: one.result for one in do_all(slowly, jobs(tmp_path, 20), counted)}
    assert found == {number: 2 * number for number in range(20)}
    assert len(counted.most) == 20
    assert 2 <= max(counted.most) <= 2 * AHEAD


def test_a_worker_does_one_job_at_a_time(engine: Engine, tmp_path: Path) -> None:
    list(do_all(slowly, jobs(tmp_path, 8), engine))
    spans: dict[str, list[tuple[float, float]]] = {}
    for path in tmp_path.glob("*.txt"):
        pid, begun, ended = path.read_text().split()
        spans.setdefault(pid, []).append((float(begun), float(ended)))
    assert sum(map(len, spans.values())) == 8
    for some in spans.values():
        some.sort()
        assert all(ended <= begun for (_, ended), (begun, _) in pairwise(some))


@pytest.mark.slow
@of_its_own
def test_a_job_that_ends_every_worker_is_told_and_the_others_go_on(
    engine: Engine, tmp_path: Path
) -> None:
    found = {one.job.number: one.result for one in do_all(kill_always, jobs(tmp_path, 6), engine)}
    failure = found.pop(3)
    assert isinstance(failure, Failure)
    assert failure == engine.ended
    assert found == {number: 2 * number for number in (0, 1, 2, 4, 5)}


@pytest.mark.slow
@of_its_own
def test_a_worker_that_dies_once_costs_nothing(engine: Engine, tmp_path: Path) -> None:
    found = {one.job.number: one.result for one in do_all(kill_once, jobs(tmp_path, 8), engine)}
    assert (tmp_path / "killed").exists()
    assert found == {number: 2 * number for number in range(8)}


def test_errors_of_jobs_are_those_of_one_process(engine: Engine, tmp_path: Path) -> None:
    with pytest.raises(DigestMismatch) as alone:
        list(do_all(refuse, jobs(tmp_path, 1), 1))
    with pytest.raises(DigestMismatch) as told:
        list(do_all(refuse, jobs(tmp_path, 3), engine))
    assert str(told.value).replace("file 1", "file 0").replace("file 2", "file 0") == str(
        alone.value
    )


# What is made


def test_measured_tables_are_those_of_one_process(engine: Engine, tmp_path: Path) -> None:
    plate = write_plate(tmp_path / "plate")
    measure(plate, tmp_path / "one")
    run = cellfolio.measure_plates(inputs(plate), tmp_path / "many", FEW, workers=engine)
    assert run.made == len(run.makers) == 4
    assert contents(tmp_path / "one") == contents(tmp_path / "many")
    told = pd.read_json(tmp_path / "many/measured.json", typ="series")["not_compared"]["made_by"]
    assert sorted(site for some in told.values() for site in some) == sorted(run.makers)
    assert cellfolio.measure_plates(inputs(plate), tmp_path / "many", FEW, workers=engine).made == 0


def test_paths_may_be_relative(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_plate(tmp_path / "plate")
    monkeypatch.chdir(tmp_path)
    told = cellfolio.MeasureInputs("plate/images", labels="plate/labels")
    assert not cellfolio.measure_plates(told, "out", FEW, workers=engine).failed
    assert len(list((tmp_path / "out/cells").rglob("*.parquet"))) == 4


def write_cells(folder: Path) -> Path:
    """Write CellProfiler's tables of five sites."""
    for number in range(1, 6):
        site = folder / f"P1-A0{number}-1"
        site.mkdir(parents=True)
        (site / "Image.csv").write_text(f"ImageNumber\n{number}\n")
        rows = "".join(f"{number},{cell},{cell * number}\n" for cell in range(1, 4))
        (site / "Cells.csv").write_text(f"ImageNumber,ObjectNumber,AreaShape_Area\n{rows}")
    return folder


def test_cells_are_read_in_the_order_of_one_process(engine: Engine, tmp_path: Path) -> None:
    cells = write_cells(tmp_path / "cells")
    for name, workers in (("one", 1), ("many", engine)):
        cellfolio.single_cells(cells, tmp_path / f"{name}.parquet", workers=workers)
    assert (tmp_path / "one.parquet").read_bytes() == (tmp_path / "many.parquet").read_bytes()
    home = cellfolio.Home(tmp_path / "home")
    one, many = (aggregate_named(str(cells), home, workers=some) for some in (1, engine))
    pd.testing.assert_frame_equal(one.counted, many.counted)


def test_profiles_are_those_of_one_process(
    engine: Engine, small: Callable[..., Any], tmp_path: Path
) -> None:
    recipe = small()
    for name, workers in (("one", 1), ("many", engine)):
        assert not cellfolio.run_recipe(recipe, tmp_path / name, workers=workers).failed
    one, many = (
        {
            path.relative_to(tmp_path / name): path.read_bytes()
            for path in (tmp_path / name).rglob("P*.csv.gz")
        }
        for name in ("one", "many")
    )
    assert one
    assert one == many


@pytest.mark.slow
def test_benchmarks_are_those_of_one_process(engine: Engine, tmp_path: Path) -> None:
    write_screen(tmp_path)
    path = tmp_path / "mine.toml"
    path.write_text(
        'benchmark = "cpjump1-replicating"\ndraws = 50\nretrieval = false\n' + groups("orf")
    )
    found = []
    sides: tuple[tuple[str, Workers], ...] = (("one", 1), ("many", engine))
    for name, workers in sides:
        found.append(evaluate_by(read_configuration(path), tmp_path / name, workers))
    pd.testing.assert_frame_equal(found[0].scores, found[1].scores)
    for name in found[0].files:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "many" / name).read_bytes()
    path.write_text(
        'benchmark = "cpjump1-replicating"\n[[group]]\nname = "x"\nprofiles = ["y.csv"]\n'
    )
    with pytest.raises(NotFound):
        evaluate_by(read_configuration(path), tmp_path / "none", engine)


# Clusters


@contextmanager
def scheduler(folder: Path, workers: int, threads: int = 1) -> Iterator[tuple[str, list[Any]]]:
    """Start a scheduler and workers as others do, each a process of its own."""
    place = folder / "scheduler.json"
    dask = [sys.executable, "-m", "dask"]
    quiet = {
        "stdout": subprocess.DEVNULL,
        "stderr": subprocess.DEVNULL,
        "env": {**os.environ, "HOME": str(folder), "CELLFOLIO_HOME": str(folder / "home")},
    }
    begun = [
        subprocess.Popen(
            [*dask, "scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard",
             "--scheduler-file", str(place)],
            **quiet,  # type: ignore[call-overload]
        )
    ]  # fmt: skip
    try:
        deadline = time.monotonic() + 60
        while not place.exists() and time.monotonic() < deadline:
            time.sleep(0.1)
        for _ in range(workers):
            begun.append(
                subprocess.Popen(
                    [*dask, "worker", "--scheduler-file", str(place), "--nthreads", str(threads),
                     "--no-nanny", "--no-dashboard", "--host", "127.0.0.1",
                     "--local-directory", str(folder)],
                    **quiet,  # type: ignore[call-overload]
                )
            )  # fmt: skip
        yield str(place), begun
    finally:
        for one in begun:
            one.kill()
            one.wait()


@pytest.mark.slow
def test_a_cluster_that_is_there_may_lose_workers(tmp_path: Path) -> None:
    with scheduler(tmp_path, 3, threads=4) as (place, begun):
        (tmp_path / "notes").mkdir()
        timer = threading.Timer(1.5, lambda: begun[1].send_signal(signal.SIGKILL))
        found: dict[int, object] = {}
        for one in do_all(slowly, jobs(tmp_path / "notes", 80), DaskEngine(place, 3)):
            if len(found) == 2:
                timer.start()
            found[one.job.number] = one.result
        timer.join()
        assert begun[1].wait() == -signal.SIGKILL
        assert found == {number: 2 * number for number in range(80)}


@pytest.mark.slow
def test_a_scheduler_that_ends_is_told(tmp_path: Path) -> None:
    with scheduler(tmp_path, 1) as (place, begun):
        with pytest.raises(ServerUnreachable) as told:
            for number, _ in enumerate(do_all(slowly, jobs(tmp_path, 400), DaskEngine(place))):
                if number == 2:
                    begun[0].kill()
        assert "run it again" in told.value.hint


@pytest.mark.slow
def test_workers_of_another_version_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cellfolio.workflows.engines import dask

    monkeypatch.setattr(dask, "libraries", lambda: (("cellfolio", "9.9"), *[("x", "")] * 6))
    with pytest.raises(StoreError, match=r"has cellfolio .*; expected 9\.9"):
        list(do_all(double, jobs(tmp_path, 2), DaskEngine("local", 1)))
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_workers_that_see_other_folders_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cellfolio.workflows.engines import dask

    def elsewhere(do: Callable[..., Any]) -> Callable[..., Any]:
        return dask._Sent(do, "/nowhere/at all", dask.libraries())

    monkeypatch.setattr(dask, "_sent", elsewhere)
    with pytest.raises(StoreError, match="does not see the folder /nowhere/at all"):
        list(do_all(double, jobs(tmp_path, 2), DaskEngine("local", 1)))


def test_what_is_no_cluster_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument, match="'lokal' is no cluster of Dask"):
        DaskEngine("lokal")
    with pytest.raises(InvalidArgument, match="workers should be at least 1"):
        DaskEngine("local", 0)
    with pytest.raises(InvalidArgument, match="slurm should be told how many workers"):
        DaskEngine("slurm")
    with (
        pytest.raises(NotFound, match=r"there is no file .*scheduler\.json"),
        DaskEngine(str(tmp_path / "scheduler.json")).open(1),
    ):
        pass


def test_slurm_is_asked_with_the_users_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    import dask

    from cellfolio.workflows.engines.slurm import slurm_jobs

    own = {
        "jobqueue.slurm.cores": 8,
        "jobqueue.slurm.memory": "32GB",
        "jobqueue.slurm.queue": "short",
        "jobqueue.slurm.walltime": "02:00:00",
        "jobqueue.slurm.job-script-prologue": ["module load cellfolio"],
        "jobqueue.slurm.scheduler-options": {
            "host": "127.0.0.1",
            "dashboard": False,
            "dashboard_address": "127.0.0.1:0",
        },
    }
    monkeypatch.setattr("dask_jobqueue.SLURMCluster.scale", lambda self, n: asked.append(n))
    asked: list[int] = []
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")
    with dask.config.set(own), slurm_jobs(64).cluster as cluster:
        script = cluster.job_script()
    assert asked[0] == 64
    for line in (
        "#SBATCH -p short",
        "#SBATCH --cpus-per-task=8",
        "#SBATCH --mem=30G",
        "#SBATCH -t 02:00:00",
        "module load cellfolio",
    ):
        assert line in script.splitlines()
    assert "--nthreads 1 " in script
    assert "--nworkers 8 " in script


@pytest.mark.parametrize(
    ("own", "message"),
    [
        ({"cores": 8, "memory": None}, "memory of a job is not told"),
        ({"cores": None, "memory": "8GB"}, "cores of a job is not told"),
        (
            {"cores": 16, "memory": "4GB"},
            "has 4GB for 16 workers, 250 MB for each; expected 500 MB at least",
        ),
        ({"cores": 1, "processes": 16, "memory": "4GB"}, "4GB for 16 workers"),
    ],
)
def test_settings_of_slurm_that_cannot_do_are_told(own: dict[str, Any], message: str) -> None:
    import dask

    from cellfolio.workflows.engines.slurm import slurm_jobs

    named = {f"jobqueue.slurm.{name}": value for name, value in own.items()}
    with dask.config.set(named), pytest.raises(InvalidArgument, match=message) as told:
        slurm_jobs(2)
    assert "jobqueue.slurm.memory" in told.value.hint or "jobqueue.slurm.cores" in told.value.hint
