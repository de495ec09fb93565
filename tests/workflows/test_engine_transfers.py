"""Getting and publishing by several workers: as by one, whoever dies or fails meanwhile."""

from __future__ import annotations

import multiprocessing
from dataclasses import replace
from pathlib import Path

import pytest

from cellfolio.errors import DigestMismatch, PackageNotFound, TransferIncomplete
from cellfolio.package.package import Package
from cellfolio.registries.folder import package_folder
from cellfolio.storage.home import Home
from cellfolio.storage.progress import ProgressEvent
from cellfolio.workflows import verbs
from cellfolio.workflows.engines import transfers
from cellfolio.workflows.engines.dask import DaskEngine
from cellfolio.workflows.engines.engine import Engine, LocalProcesses
from cellfolio.workflows.getting import GetOptions
from tests.registries.samples import LARGE, ODD, noise, read_files, write_files
from tests.servers.faults import Before, FaultProxy, On
from tests.servers.seaweed import SeaweedServer

NAME = "lab/screen"
FILES = {
    **{f"images/{number:03d}.tiff": noise(number, 900 + number) for number in range(300)},
    **{f"odd/{key}": data for key, data in ODD.items()},
    **LARGE,
}
"""More than one job has room for."""


@pytest.fixture(
    params=[LocalProcesses(2), pytest.param(DaskEngine("local", 2), marks=pytest.mark.slow)]
)
def engine(request: pytest.FixtureRequest) -> Engine:
    found: Engine = request.param
    return found


@pytest.fixture
def home(tmp_path: Path, s3_env: dict[str, str]) -> Home:
    return Home(tmp_path / "home")


@pytest.fixture
def package(tmp_path: Path, home: Home) -> Package:
    """Files of a folder that are not published."""
    return package_folder(write_files(tmp_path / "files", FILES), home).named(NAME)


@pytest.fixture
def where(package: Package, bucket: str, tmp_path: Path) -> str:
    """The files, published by one process of somebody else."""
    verbs.push(package, f"s3://{bucket}", home=Home(tmp_path / "publisher"))
    return f"s3://{bucket}/{NAME}"


def test_files_are_cut_into_jobs() -> None:
    parts = transfers._parts(range(600), lambda size: size)
    assert [len(part) for part in parts] == [256, 256, 88]
    assert [one for part in parts for one in part] == list(range(600))
    assert transfers._parts([], lambda size: size) == []
    huge = 10 * transfers._BYTES
    assert transfers._parts([huge, 1, huge], lambda size: size) == [(huge,), (1, huge)]


def test_getting_by_workers_is_getting(
    engine: Engine, where: str, home: Home, tmp_path: Path
) -> None:
    told: list[ProgressEvent] = []
    options = GetOptions(workers=engine)
    got = verbs.get(where, tmp_path / "got", options=options, home=home, progress=told.append)
    alone = verbs.get(where, tmp_path / "alone", home=Home(tmp_path / "elsewhere"))
    assert read_files(tmp_path / "got") == read_files(tmp_path / "alone") == FILES
    counted = [replace(one, folder=tmp_path, free=0, package=got.package) for one in (got, alone)]
    assert counted[0] == counted[1]
    fetched = [one for one in told if one.task == "fetch"][-1]
    assert (fetched.files_done, fetched.bytes_done) == (got.fetched, got.bytes_fetched)
    assert fetched.finished
    assert len([one for one in told if one.task == "fetch"]) >= 2
    assert verbs.get(where, tmp_path / "again", home=home).fetched == 0
    assert verbs.verify(home=home).sound


def test_a_file_that_cannot_be_fetched_is_told_and_the_others_are_there(
    engine: Engine, where: str, home: Home, tmp_path: Path, s3: SeaweedServer
) -> None:
    bucket = where.split("/")[2]
    s3.client().put_object(Bucket=bucket, Key=f"{NAME}/images/007.tiff", Body=noise(8, 907))
    s3.client().delete_object(Bucket=bucket, Key=f"{NAME}/images/290.tiff")
    with pytest.raises(TransferIncomplete) as told:
        verbs.get(where, tmp_path / "got", options=GetOptions(workers=engine), home=home)
    assert {type(one).__name__ for one in told.value.failures} == {
        "DigestMismatch",
        "ObjectNotFound",
    }
    expected = {
        key: data for key, data in FILES.items() if key[-8:] not in ("007.tiff", "290.tiff")
    }
    assert read_files(tmp_path / "got") == expected


def test_publishing_by_workers_is_publishing(
    engine: Engine, package: Package, bucket: str, home: Home, tmp_path: Path
) -> None:
    there = f"s3://{bucket}"
    pushed = verbs.push(package, there, workers=engine, home=home)
    assert pushed.files_sent == len(set(FILES.values()))
    assert pushed.bytes_sent == sum(map(len, set(FILES.values())))
    again = verbs.push(package.named("lab/other"), there, workers=engine, home=home)
    assert again.files_sent == 0
    verbs.get(f"{there}/{NAME}", tmp_path / "got", home=Home(tmp_path / "reader"))
    assert read_files(tmp_path / "got") == FILES


@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_a_worker_that_dies_costs_nothing(
    method: str,
    engine: Engine,
    package: Package,
    bucket: str,
    home: Home,
    tmp_path: Path,
    fault_proxy: FaultProxy,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", fault_proxy.endpoint)
    killed: list[int] = []

    def kill() -> None:
        child = multiprocessing.active_children()[0]
        child.kill()
        killed.append(child.pid or 0)

    fault_proxy.add(Before(number=40, when=On(method, "images/"), action=kill))
    verbs.push(package, f"s3://{bucket}", workers=engine, home=home)
    reader = Home(tmp_path / "reader")
    options = GetOptions(workers=engine)
    verbs.get(f"s3://{bucket}/{NAME}", tmp_path / "got", options=options, home=reader)
    assert read_files(tmp_path / "got") == FILES
    assert len(killed) == 1


def test_a_file_that_changed_is_not_published_by_any_worker(
    engine: Engine, package: Package, bucket: str, home: Home, tmp_path: Path
) -> None:
    (tmp_path / "files/images/200.tiff").write_bytes(noise(1, 1100))
    with pytest.raises(DigestMismatch, match=r"200\.tiff"):
        verbs.push(package, f"s3://{bucket}", workers=engine, home=home)
    with pytest.raises(PackageNotFound):
        verbs.open(f"s3://{bucket}/{NAME}", home=home)
