"""quilt3 beside us, buckets of both kinds, and people with homes of their own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.registries.peer import Peer
from tests.registries.samples import Publisher
from tests.servers.seaweed import SeaweedServer


@pytest.fixture(scope="session")
def quilt3(s3: SeaweedServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Peer]:
    """The real quilt3, which talks to the S3 server."""
    with Peer(tmp_path_factory.mktemp("quilt3"), s3.env()) as peer:
        yield peer


@pytest.fixture(params=["plain", "versioned"])
def registry(request: pytest.FixtureRequest, s3_env: dict[str, str]) -> str:
    """A fresh registry: a bucket without versions, then one with."""
    name = "bucket" if request.param == "plain" else "versioned_bucket"
    return f"s3://{request.getfixturevalue(name)}"


@pytest.fixture
def plain(bucket: str, s3_env: dict[str, str]) -> str:
    """A fresh registry in a bucket without versions."""
    return f"s3://{bucket}"


@pytest.fixture
def ada(tmp_path: Path) -> Publisher:
    """Somebody who uses cellfolio."""
    return Publisher(tmp_path / "ada")


@pytest.fixture
def bob(tmp_path: Path) -> Publisher:
    """Somebody else who uses cellfolio."""
    return Publisher(tmp_path / "bob")
