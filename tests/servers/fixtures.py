"""Fixtures of the S3 server and the fault proxy; a conftest registers this module."""

import uuid
from collections.abc import Iterator

import pytest

from tests.servers.faults import FaultProxy
from tests.servers.seaweed import SeaweedServer


@pytest.fixture(scope="session")
def s3() -> Iterator[SeaweedServer]:
    """An S3 server; under xdist each worker has its own."""
    with SeaweedServer() as server:
        yield server


@pytest.fixture
def bucket(s3: SeaweedServer) -> Iterator[str]:
    """Name of a fresh bucket without versions."""
    yield from _bucket(s3, versioned=False)


@pytest.fixture
def versioned_bucket(s3: SeaweedServer) -> Iterator[str]:
    """Name of a fresh bucket that keeps versions."""
    yield from _bucket(s3, versioned=True)


@pytest.fixture
def fault_proxy(s3: SeaweedServer) -> Iterator[FaultProxy]:
    """A proxy in front of the S3 server; nothing goes wrong until a test says so."""
    with FaultProxy(s3.endpoint) as proxy:
        yield proxy


@pytest.fixture
def s3_env(s3: SeaweedServer, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """AWS clients of this process, and of those it starts, talk to the S3 server."""
    variables = s3.env()
    for stale in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT"):
        monkeypatch.delenv(stale, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return variables


def _bucket(server: SeaweedServer, *, versioned: bool) -> Iterator[str]:
    name = f"bucket-{uuid.uuid4().hex[:12]}"
    server.create_bucket(name, versioned=versioned)
    yield name
    server.delete_bucket(name)
