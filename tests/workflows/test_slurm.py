"""Jobs of a real SLURM: the array of the guide, workers of Dask, and what is told when they end."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from cellfolio.errors import InvalidArgument, NotFound, ServerUnreachable
from cellfolio.workflows.engines.dask import DaskEngine
from cellfolio.workflows.engines.doing import do_all
from cellfolio.workflows.measuring.running import measure_plates
from tests.plates import write_plate
from tests.servers.slurm import QUEUE, missing, slurm
from tests.workflows.engine_jobs import Job, double, slowly
from tests.workflows.test_measuring import FEW, contents, inputs, measure

pytestmark = pytest.mark.slow
GUIDE = Path(__file__).parents[2] / "docs/guide/cluster.md"
TWO = DaskEngine("slurm", 2)


@pytest.fixture(scope="module")
def configuration() -> Iterator[Path]:
    if reason := missing():
        pytest.skip(f"{reason}; apt-get install slurmctld slurmd slurm-client munge")
    with slurm() as found:
        yield found


@pytest.fixture(autouse=True)
def submitting(
    configuration: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """Have what this process submits go to that SLURM; no job may outlive its test."""
    here = Path(__file__).parents[2]
    monkeypatch.setenv("SLURM_CONF", str(configuration))
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", f"{here / 'src'}:{here}")
    monkeypatch.chdir(tmp_path)  # jobs write what they say where they are submitted
    yield
    deadline = time.monotonic() + 30
    while (left := in_queue()) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert not left


def run(command: str) -> str:
    return subprocess.run(command.split(), capture_output=True, text=True, check=True).stdout


def in_queue() -> list[str]:
    return run("squeue --noheader --format=%A").split()


def settings(**own: Any) -> AbstractContextManager[Any]:
    """Configure jobs as a user does, and keep to loopback."""
    import dask

    usual = {
        "cores": 1,
        "memory": "2GB",
        "queue": QUEUE,
        "walltime": "00:30:00",
        "interface": "lo",
        "scheduler-options": {"host": "127.0.0.1", "dashboard_address": "127.0.0.1:0"},
    }
    named = {f"jobqueue.slurm.{name}": value for name, value in {**usual, **own}.items()}
    found: AbstractContextManager[Any] = dask.config.set(named)
    return found


def jobs(folder: Path, count: int) -> list[Job]:
    return [Job(number, folder) for number in range(count)]


def test_the_array_of_the_guide_makes_the_bytes_of_one_process(tmp_path: Path) -> None:
    write_plate(tmp_path / "plate")
    script = re.search(r"```text\n(#!/bin/bash\n.*?)```", GUIDE.read_text(), re.DOTALL)
    assert script
    what = "plate/images --labels plate/labels --groups Intensity"
    own = {"64": "3", "/data/plates": what}
    text = script[1].replace("/data/measured", "measured")
    for there, here in own.items():
        assert there in text
        text = text.replace(there, here)
    (tmp_path / "array.sh").write_text(text)
    run("sbatch --wait array.sh")
    said = "".join(path.read_text() for path in tmp_path.glob("slurm-*.out"))
    for number in (1, 2, 3):
        assert f"shard {number}/3 is done" in said
    after = run(f"cellfolio measure {what} -o measured --workers 1")
    assert "0 sites measured, 4 up to date" in after
    run(f"cellfolio measure {what} -o alone --workers 1")
    assert contents(tmp_path / "measured") == contents(tmp_path / "alone")


def test_jobs_are_workers_and_the_bytes_are_those_of_one_process(tmp_path: Path) -> None:
    plate = write_plate(tmp_path / "plate")
    alone = measure(plate, tmp_path / "alone")
    with settings():
        made = measure_plates(inputs(plate), tmp_path / "slurm", FEW, workers=TWO)
    assert made.made == alone.made == 4
    assert contents(tmp_path / "slurm") == contents(tmp_path / "alone")
    makers = json.loads((tmp_path / "slurm/measured.json").read_text())["not_compared"]["made_by"]
    assert {name.rpartition("-")[0] for name in makers} == {"SLURMCluster"}


def test_each_core_of_a_job_is_a_worker(tmp_path: Path) -> None:
    with settings(cores=2):
        done = list(do_all(slowly, jobs(tmp_path, 40), TWO))
    assert {one.job.number: one.result for one in done} == {n: 2 * n for n in range(40)}
    assert len({path.read_text().split()[0] for path in tmp_path.glob("[0-9]*.txt")}) == 2
    assert len(list(tmp_path.glob("slurm-*.out"))) == 1


def test_what_a_cancelled_job_had_is_done_by_another(tmp_path: Path) -> None:
    found: dict[int, object] = {}
    with settings():
        for number, one in enumerate(do_all(slowly, jobs(tmp_path, 120), TWO)):
            found[one.job.number] = one.result
            if number == 5:
                run(f"scancel {in_queue()[0]}")
    assert found == {number: 2 * number for number in range(120)}


def test_more_jobs_than_the_queue_has_room_for_are_no_harm(tmp_path: Path) -> None:
    with settings(cores=5, memory="5GB"):  # of 8 cores: the second waits to the end
        done = list(do_all(double, jobs(tmp_path, 30), DaskEngine("slurm", 10)))
    assert {one.job.number: one.result for one in done} == {n: 2 * n for n in range(30)}


def test_jobs_that_slurm_refuses_are_told(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with settings(queue="nosuch"), pytest.raises(InvalidArgument) as told:
        list(do_all(double, jobs(tmp_path, 4), TWO))
    assert "SLURM refused every job: sbatch: error: invalid partition specified: nosuch" in str(
        told.value
    )
    assert "jobqueue.slurm" in told.value.hint
    assert "Traceback" not in capfd.readouterr().err


@pytest.mark.parametrize("how", ["at once", "later"])
def test_jobs_that_have_all_ended_are_told(tmp_path: Path, how: str) -> None:
    own = {"job-script-prologue": ["exit 3"] if how == "at once" else []}
    with settings(**own), pytest.raises(ServerUnreachable) as told:
        for number, _ in enumerate(do_all(slowly, jobs(tmp_path, 400), TWO)):
            if number == 5:
                run(f"scancel {' '.join(in_queue())}")
    assert re.search(r"jobs of SLURM have all ended: \d+, \d+", str(told.value))
    assert "run it again" in told.value.hint


def test_where_no_job_can_be_submitted_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with settings(), monkeypatch.context() as patch, pytest.raises(NotFound) as told:
        patch.setenv("PATH", str(tmp_path))
        list(do_all(double, jobs(tmp_path, 4), TWO))
    assert "there is no command sbatch here" in str(told.value)
