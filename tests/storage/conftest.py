"""A published package behind a proxy that can break things."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import pytest

from cellfolio.registries.folder import package_folder
from cellfolio.storage.home import Home
from cellfolio.workflows import verbs
from tests.servers.faults import FaultProxy
from tests.servers.seaweed import SeaweedServer

LARGE = 40 * 2**20 + 12_345
"""Bytes of the one file that is fetched in parts."""
PART = 8 * 2**20


@dataclass(frozen=True)
class Published:
    """A package on the server, reached through the proxy.

    Attributes
    ----------
    reference : str
    source : Path
        The folder it was made from.
    proxy : FaultProxy
    bucket : str
    """

    reference: str
    source: Path
    proxy: FaultProxy
    bucket: str


def make_files(folder: Path) -> Path:
    """Write 40 small files, an empty one, one of 3 MiB and one of 40 MiB, all different."""
    for number in range(40):
        _write(folder / f"small/file_{number:02d}.bin", 5_000 + number)
    _write(folder / "empty.txt", 0)
    _write(folder / "middle.bin", 3 * 2**20 + 1)
    _write(folder / "large.bin", LARGE)
    return folder


def _write(path: Path, size: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(hashlib.shake_256(path.name.encode()).digest(size))


@pytest.fixture(scope="session")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of files."""
    return make_files(tmp_path_factory.mktemp("source"))


@pytest.fixture
def published(
    source: Path,
    s3: SeaweedServer,
    s3_env: dict[str, str],
    bucket: str,
    fault_proxy: FaultProxy,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Published:
    """The folder, published; from now on the proxy stands before the server."""
    home = Home(tmp_path / "publisher")
    package = package_folder(source, home).named("lab/plates")
    verbs.push(package, f"s3://{bucket}", home=home)
    monkeypatch.setenv("AWS_ENDPOINT_URL", fault_proxy.endpoint)
    return Published(f"s3://{bucket}/lab/plates", source, fault_proxy, bucket)


def assert_same_files(source: Path, folder: Path) -> None:
    """Every file of `source` is in `folder`, byte for byte, and nothing else is."""
    expected = {p.relative_to(source).as_posix() for p in source.rglob("*") if p.is_file()}
    found = {
        p.relative_to(folder).as_posix()
        for p in folder.rglob("*")
        if p.is_file() and ".cellfolio" not in p.relative_to(folder).parts
    }
    assert found == expected
    for key in expected:
        assert (folder / key).read_bytes() == (source / key).read_bytes(), key


def assert_nothing_wrong_visible(source: Path, folder: Path, home: Home) -> None:
    """Whatever is in the folder or the store under a final name is whole and right."""
    if folder.exists():
        for path in folder.rglob("*"):
            key = path.relative_to(folder)
            if path.is_file() and ".cellfolio" not in key.parts:
                assert path.read_bytes() == (source / key).read_bytes(), key
    right = {hashlib.sha256(p.read_bytes()).digest() for p in source.rglob("*") if p.is_file()}
    for blob, _ in home.blobs.all():
        assert hashlib.sha256(home.blobs.path(blob).read_bytes()).digest() in right, blob
