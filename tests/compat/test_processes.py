"""Many processes on one cache, and processes that are killed."""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from cellfolio.compat.abc import AbcProjectCache
from tests.compat.atlas import OLD, Atlas, Files, data_files, noted, path_of
from tests.compat.test_downloads import downloads
from tests.servers.faults import Delay, FaultProxy, On, Throttle

GET = """
import sys
from cellfolio.compat.abc import AbcProjectCache
cache = AbcProjectCache.from_s3_cache(sys.argv[1], sys.argv[2])
for name in sys.argv[3:]:
    cache.get_metadata_path("A", name)
if len(sys.argv) == 3:
    cache.get_directory_metadata("A")
"""


def content(name: str, size: int) -> bytes:
    return hashlib.shake_256(name.encode()).digest(size)


NAMES = [f"table_{number:02d}" for number in range(40)]
MANY: Files = {
    ("A", "metadata", name): content(name, 3_000 * (number + 1))
    for number, name in enumerate(NAMES)
}


def start(folder: Path, atlas: Atlas, *names: str) -> subprocess.Popen[bytes]:
    # That a busy server answers late, and the releases seen last are used, is no fault of a cache.
    warnings = ["-W", "error", "-W", "ignore:offline"]
    return subprocess.Popen(
        [sys.executable, *warnings, "-c", GET, str(folder), atlas.bucket, *names],
        env=dict(os.environ),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


def finish(processes: list[subprocess.Popen[bytes]]) -> None:
    for process in processes:
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors.decode()[-3000:]


def assert_complete(folder: Path) -> None:
    assert data_files(folder) == {path_of(*key) for key in MANY}
    for key, expected in MANY.items():
        assert (folder / path_of(*key)).read_bytes() == expected
    assert sorted(noted(folder)) == sorted(str(folder / path_of(*key)) for key in MANY)


@pytest.fixture
def many(empty_atlas: Atlas) -> Atlas:
    """An atlas with 40 files."""
    empty_atlas.publish(OLD, MANY)
    return empty_atlas


def test_eight_processes_want_the_same_files(
    many: Atlas, tmp_path: Path, fault_proxy: FaultProxy
) -> None:
    folder = tmp_path / "cache"
    finish([start(folder, many) for _ in range(8)])
    assert_complete(folder)
    assert downloads(fault_proxy) == len(MANY), "each file is downloaded by one process only"


def test_eight_processes_want_files_of_their_own(
    many: Atlas, tmp_path: Path, fault_proxy: FaultProxy
) -> None:
    folder = tmp_path / "cache"
    finish([start(folder, many, *NAMES[first::8]) for first in range(8)])
    assert_complete(folder)
    assert downloads(fault_proxy) == len(MANY)


def test_a_slow_download_does_not_hold_up_other_files(
    many: Atlas, tmp_path: Path, fault_proxy: FaultProxy
) -> None:
    folder = tmp_path / "cache"
    fault_proxy.add(Delay(seconds=20, when=On("GET", f"{NAMES[0]}.csv")))
    slow = start(folder, many, NAMES[0])
    try:
        claims = folder / ".cellfolio/claims"
        end = time.monotonic() + 30
        while not downloads(fault_proxy, NAMES[0]) and time.monotonic() < end:
            time.sleep(0.05)
        assert list(claims.iterdir())
        cache = many.open(folder)
        assert cache.get_file_path("A", NAMES[1]).read_bytes() == MANY["A", "metadata", NAMES[1]]
        assert slow.poll() is None
    finally:
        slow.kill()
        slow.communicate()


def test_peers_file_readers_never_see_half_a_record(many: Atlas, tmp_path: Path) -> None:
    folder = tmp_path / "cache"
    processes = [start(folder, many, *NAMES[first::4]) for first in range(4)]
    seen = 0
    while any(process.poll() is None for process in processes):
        for path in (folder / "_downloaded_data.json", *folder.glob("releases/*/manifest.json")):
            if path.exists():
                json.loads(path.read_bytes())
                seen += 1
        time.sleep(0.005)
    finish(processes)
    assert seen


@pytest.mark.slow
def test_killed_downloads_leave_nothing_wrong_and_go_on(
    many: Atlas, tmp_path: Path, fault_proxy: FaultProxy
) -> None:
    folder = tmp_path / "cache"
    chance = random.Random(20)
    fault_proxy.add(Throttle(rate=40_000, when=On("GET", "metadata/A")))
    killed = 0
    for _ in range(20):
        process = start(folder, many)
        time.sleep(chance.uniform(0.4, 2.4))
        killed += process.poll() is None
        process.send_signal(signal.SIGKILL)
        process.communicate()
        for path in data_files(folder) if folder.exists() else ():
            (expected,) = [data for key, data in MANY.items() if path_of(*key) == path]
            assert (folder / path).read_bytes() == expected
    assert killed > 1
    fault_proxy.clear()
    finish([start(folder, many)])
    assert_complete(folder)


@pytest.mark.slow
def test_killed_download_of_a_large_file_is_taken_up(
    empty_atlas: Atlas, tmp_path: Path, fault_proxy: FaultProxy
) -> None:
    folder, data = tmp_path / "cache", content("large", 40 * 2**20)
    empty_atlas.publish(OLD, {("A", "metadata", "large"): data})
    fault_proxy.add(Throttle(rate=3e6, when=On("GET", "large.csv")))
    process = start(folder, empty_atlas, "large")
    end = time.monotonic() + 30
    while parts_done(folder) < 2 and time.monotonic() < end:
        time.sleep(0.02)
    process.kill()
    process.communicate()
    done = parts_done(folder)
    assert done >= 2
    assert data_files(folder) == set()
    fault_proxy.clear()
    fault_proxy.reset()
    finish([start(folder, empty_atlas, "large")])
    assert (folder / path_of("A", "metadata", "large")).read_bytes() == data
    assert fault_proxy.bytes_sent("large.csv") <= len(data) - done * 2**20


def parts_done(folder: Path) -> int:
    """Count the parts that the journals of unfinished files name."""
    journals = (folder / ".cellfolio/store/parts").glob("*.journal")
    return sum(max(0, len(journal.read_bytes().splitlines()) - 1) for journal in journals)


FORK = """
import os, sys
from cellfolio.compat.abc import AbcProjectCache
from cellfolio.errors import CellfolioError
cache = AbcProjectCache.from_s3_cache(sys.argv[1], sys.argv[2])
cache.get_metadata_path("A", "table_00")
if os.fork() == 0:
    assert cache.get_metadata_path("A", "table_00").is_file()
    try:
        cache.get_metadata_path("A", "table_01")
    except RuntimeError as error:
        assert isinstance(error, CellfolioError)
        os._exit(0 if "before this process was forked" in str(error) else 1)
    os._exit(2)
sys.exit(os.waitstatus_to_exitcode(os.wait()[1]))
"""


def test_forked_process_does_not_hang(many: Atlas, tmp_path: Path) -> None:
    """Clients do not survive a fork; what is here can be used, the rest is an error at once."""
    process = subprocess.Popen(
        [sys.executable, "-c", FORK, str(tmp_path / "cache"), many.bucket],
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        _, errors = process.communicate(timeout=30)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    assert process.returncode == 0, errors.decode()[-2000:]


def test_a_record_that_is_being_made_is_no_obstacle(many: Atlas, tmp_path: Path) -> None:
    cache: AbcProjectCache = many.open(tmp_path / "cache")
    record = tmp_path / "cache/.cellfolio/checkout.sqlite"
    record.parent.mkdir(parents=True, exist_ok=True)
    record.touch()
    assert cache.get_file_path("A", NAMES[0]).is_file()


def test_threads_share_a_cache(many: Atlas, tmp_path: Path, fault_proxy: FaultProxy) -> None:
    cache: AbcProjectCache = many.open(tmp_path / "cache")
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda name: cache.get_file_path("A", name), NAMES * 2))
    assert [path.name for path in found] == [f"{name}.csv" for name in NAMES * 2]
    assert_complete(tmp_path / "cache")
    assert downloads(fault_proxy) == len(MANY)
