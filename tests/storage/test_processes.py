"""Many processes on one store, and processes that are killed."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from cellfolio.registries.folder import package_folder
from cellfolio.storage.home import Home
from cellfolio.workflows import verbs
from tests.servers.faults import FaultProxy, On, Throttle
from tests.storage.conftest import (
    LARGE,
    PART,
    Published,
    assert_nothing_wrong_visible,
    assert_same_files,
    make_files,
)

GET = "import sys, cellfolio; cellfolio.get(sys.argv[1], sys.argv[2])"
PUSH = """
import sys, cellfolio
from pathlib import Path
from cellfolio.registries.folder import package_folder
package = package_folder(Path(sys.argv[1]), cellfolio.Home()).named("lab/plates")
cellfolio.push(package, sys.argv[2])
"""


def start(script: str, *arguments: object, home: Path) -> subprocess.Popen[bytes]:
    """Start a Python process with a home."""
    environment: Mapping[str, str] = {**os.environ, "CELLFOLIO_HOME": str(home)}
    return subprocess.Popen(
        [sys.executable, "-c", script, *map(str, arguments)],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


def finish(process: subprocess.Popen[bytes]) -> None:
    """Wait for a process; it must succeed."""
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors.decode()[-3000:]


def kill_at_random(process: subprocess.Popen[bytes], seconds: float, chance: random.Random) -> bool:
    """Kill a process after up to `seconds`; return whether it was still running."""
    time.sleep(chance.uniform(0.15, seconds))
    running = process.poll() is None
    process.send_signal(signal.SIGKILL)
    process.communicate()
    return running


def parts_done(home: Path) -> int:
    """Count the parts that the journals of unfinished files name."""
    journals = (home / "store" / "parts").glob("*.journal")
    return sum(max(0, len(journal.read_bytes().splitlines()) - 1) for journal in journals)


@pytest.mark.parametrize(
    "kills", [5, pytest.param(30, marks=pytest.mark.slow)], ids=["some", "many"]
)
def test_killed_get_leaves_nothing_wrong_and_goes_on(
    published: Published, tmp_path: Path, kills: int
) -> None:
    chance = random.Random(kills)
    published.proxy.add(Throttle(rate=2.5e6, when=On("GET", "large.bin")))
    home, out = tmp_path / "home", tmp_path / "out"
    killed = 0
    for _ in range(kills):
        process = start(GET, published.reference, out, home=home)
        killed += kill_at_random(process, 2.0 if kills < 20 else 1.2, chance)
        assert_nothing_wrong_visible(published.source, out, Home(home))
    assert killed > 0
    done = parts_done(home)
    finished = (out / "large.bin").exists() or Home(home).blobs.held(_large_blob(published))
    published.proxy.clear()
    published.proxy.reset()
    finish(start(GET, published.reference, out, home=home))
    asked = published.proxy.count("GET", "large.bin")
    assert asked == (0 if finished else -(-LARGE // PART) - done)
    assert_same_files(published.source, out)
    assert verbs.verify(home=Home(home)).right == 43


def _large_blob(published: Published) -> list[str]:
    from cellfolio.package.plan import want

    return [want(verbs.open(published.reference).entry("large.bin"))]


@pytest.mark.parametrize(
    "kills", [4, pytest.param(30, marks=pytest.mark.slow)], ids=["some", "many"]
)
def test_killed_push_leaves_no_broken_revision_and_goes_on(
    source: Path,
    s3_env: dict[str, str],
    bucket: str,
    fault_proxy: FaultProxy,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    kills: int,
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", fault_proxy.endpoint)
    fault_proxy.add(Throttle(rate=8e6, when=On("PUT", "large.bin")))
    chance = random.Random(kills)
    home = tmp_path / "home"
    for _ in range(kills):
        kill_at_random(start(PUSH, source, f"s3://{bucket}", home=home), 2.5, chance)
        _assert_no_broken_revision(bucket, tmp_path, source)
    fault_proxy.clear()
    finish(start(PUSH, source, f"s3://{bucket}", home=home))
    verbs.get(f"s3://{bucket}/lab/plates", tmp_path / "out", home=Home(tmp_path / "reader"))
    assert_same_files(source, tmp_path / "out")


def _assert_no_broken_revision(bucket: str, tmp_path: Path, source: Path) -> None:
    """Every revision that the registry shows can be got whole."""
    home = Home(tmp_path / "looker")
    names = verbs.list_packages(f"s3://{bucket}", home=home)
    for name in names:
        lines = verbs.log(f"s3://{bucket}/{name}", home=home)
        for line in lines:
            verbs.get(
                f"s3://{bucket}/{name}@{line.revision.top_hash}", tmp_path / "look", home=home
            )
            assert_same_files(source, tmp_path / "look")


def test_push_goes_on_after_a_kill_without_sending_again(
    source: Path,
    s3_env: dict[str, str],
    bucket: str,
    fault_proxy: FaultProxy,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", fault_proxy.endpoint)
    fault_proxy.add(Throttle(rate=1e6, when=On("PUT", "large.bin")))
    home = tmp_path / "home"
    process = start(PUSH, source, f"s3://{bucket}", home=home)
    deadline = time.monotonic() + 60
    while _stored(fault_proxy, "/small/") < 40 and time.monotonic() < deadline:
        time.sleep(0.05)
    process.kill()
    process.communicate()
    fault_proxy.clear()
    fault_proxy.reset()
    finish(start(PUSH, source, f"s3://{bucket}", home=home))
    assert fault_proxy.count("PUT", "/small/") == 0
    assert fault_proxy.count(None, "large.bin") > 0


def _stored(proxy: FaultProxy, contains: str) -> int:
    done = [r for r in proxy.requests if r.method == "PUT" and r.status == 200]
    return sum(1 for request in done if contains in request.path)


@pytest.mark.slow
def test_eight_processes_get_overlapping_packages_into_one_store(
    s3_env: dict[str, str], bucket: str, tmp_path: Path
) -> None:
    publisher = Home(tmp_path / "publisher")
    sources = []
    for number in range(4):
        folder = make_files(tmp_path / f"source{number}")
        (folder / f"own_{number}.txt").write_text(f"only in {number}")
        package = package_folder(folder, publisher).named(f"lab/plates_{number}")
        verbs.push(package, f"s3://{bucket}", home=publisher)
        sources.append(folder)
    home = tmp_path / "home"
    processes = [
        start(GET, f"s3://{bucket}/lab/plates_{n % 4}", tmp_path / f"out{n}", home=home)
        for n in range(8)
    ]
    for process in processes:
        finish(process)
    for number in range(8):
        assert_same_files(sources[number % 4], tmp_path / f"out{number}")
    assert len(list(Home(home).blobs.all())) == 43 + 4
    assert verbs.verify(home=Home(home)).sound


def test_eight_processes_get_into_one_folder(published: Published, tmp_path: Path) -> None:
    home, out = tmp_path / "home", tmp_path / "out"
    processes = [start(GET, published.reference, out, home=home) for _ in range(8)]
    for process in processes:
        finish(process)
    assert_same_files(published.source, out)
    assert verbs.status(out).clean


def test_interrupt_stops_at_once_and_the_next_run_goes_on(
    published: Published, tmp_path: Path
) -> None:
    published.proxy.add(Throttle(rate=2e5, when=On("GET", "large.bin")))
    home, out = tmp_path / "home", tmp_path / "out"
    process = start(GET, published.reference, out, home=home)
    deadline = time.monotonic() + 30
    while published.proxy.count("GET", "large.bin") < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    started = time.monotonic()
    process.communicate(timeout=60)
    assert time.monotonic() - started < 20
    assert process.returncode != 0
    assert_nothing_wrong_visible(published.source, out, Home(home))
    published.proxy.clear()
    finish(start(GET, published.reference, out, home=home))
    assert_same_files(published.source, out)


def test_journal_is_json_lines(published: Published, tmp_path: Path) -> None:
    """What `parts_done` relies on."""
    published.proxy.add(Throttle(rate=3e6, when=On("GET", "large.bin")))
    home = tmp_path / "home"
    process = start(GET, published.reference, tmp_path / "out", home=home)
    deadline = time.monotonic() + 60
    while parts_done(home) == 0 and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    process.kill()
    process.communicate()
    (journal,) = (home / "store" / "parts").glob("*.journal")
    header = json.loads(journal.read_bytes().splitlines()[0])
    assert header["size"] == LARGE
