"""What all tests share: a home of their own, the shared data, the servers."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from cellfolio.storage.home import Home

SHARED = "CELLFOLIO_SHARED"
pytest_plugins = ["tests.servers.fixtures"]

settings.register_profile(
    "default", deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
settings.load_profile("default")


@pytest.fixture(autouse=True)
def _own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test sees or changes the user's data, caches or credentials."""
    folder = tmp_path_factory.mktemp("home")
    for name in list(os.environ):
        if name.startswith(("AWS_", "XDG_", "QUILT_", "CELLFOLIO_")) and name != SHARED:
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("CELLFOLIO_HOME", str(folder / "cellfolio"))


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A fresh home."""
    return Home(tmp_path / "home")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of shared real data."""
    default = Path(__file__).parent.parent / "shared"
    folder = Path(os.environ.get(SHARED, default))
    if not (folder / "data").is_dir():
        pytest.skip(f"no shared data at {folder}; name it with CELLFOLIO_SHARED")
    return folder
