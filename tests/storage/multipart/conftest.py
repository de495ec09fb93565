"""A file of six parts, and the proxy before the server."""

from __future__ import annotations

from pathlib import Path

import pytest

from cellfolio.storage import remote
from cellfolio.storage.s3 import transport
from tests.servers.faults import FaultProxy
from tests.storage.multipart.seen import (
    write,
)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A folder with one file of six parts."""
    folder = tmp_path / "source"
    folder.mkdir()
    write(folder / "large.bin", b"first")
    return folder


@pytest.fixture
def proxy(
    s3_env: dict[str, str], fault_proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch
) -> FaultProxy:
    """The proxy, which everything goes through; retries do not wait long."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", fault_proxy.endpoint)
    monkeypatch.setattr(transport, "PAUSES", (0.01, 0.02))
    monkeypatch.setattr(remote, "ATTEMPTS", 2)
    return fault_proxy
