"""Caches of a small atlas, with a proxy before its server."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from cellfolio.storage import clients, remote
from tests.compat.atlas import FIRST, OLD, Atlas
from tests.servers.faults import FaultProxy
from tests.servers.seaweed import SeaweedServer


@pytest.fixture
def empty_atlas(
    bucket: str,
    s3: SeaweedServer,
    s3_env: dict[str, str],
    fault_proxy: FaultProxy,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Atlas]:
    """A bucket without releases; readers reach it through the proxy."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", fault_proxy.endpoint)
    atlas = Atlas(bucket, s3)
    yield atlas
    atlas.client.close()


@pytest.fixture
def atlas(empty_atlas: Atlas) -> Atlas:
    """An atlas of one release."""
    empty_atlas.publish(OLD, FIRST)
    return empty_atlas


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that gives up sooner than users want it to."""
    monkeypatch.setattr(clients, "RETRY_TIMEOUT", timedelta(seconds=1))
    monkeypatch.setattr(remote, "ATTEMPTS", 1)


@pytest.fixture
def read_only_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk that a test may fill, and then mount again for reading only."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=200m", "tmpfs", str(folder)]
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode:
        pytest.skip(f"cannot mount a disk here: {done.stderr.decode().strip()}")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def make_read_only(folder: Path) -> None:
    """Mount a disk again for reading only."""
    subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
