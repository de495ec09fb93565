"""What all tests share: a home of their own, the shared data, the servers."""

from __future__ import annotations

import itertools
import os
import sys
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from cellfolio.storage.home import Home

SHARED = "CELLFOLIO_SHARED"
NUMBER = "PYTEST_XDIST_AUTO_NUM_WORKERS"
WAITING = 2
"""Workers beyond the number of cores."""
pytest_plugins = ["tests.demos", "tests.servers.fixtures"]
LONGEST = (
    "tests/gate/",
    "tests/docs/test_pages.py",
    "tests/web/test_everybody.py",
    "tests/storage/test_processes.py",
    "tests/workflows/test_demo.py",
    "tests/workflows/test_engines.py",
    "tests/profiles/test_embedding.py",
    "tests/storage/multipart/",
    "tests/storage/test_faults.py",
    "tests/formats/",
    "tests/compat/",
    "tests/registries/",
    "tests/package/",
    "tests/simulation/",
)
"""What begins first when workers share the tests: a long file at the end is waited for by all."""

# Programs that tests start would otherwise compile all of cellfolio each time, where the
# environment says so: 0.7 s of CPU for each of several hundred.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

settings.register_profile(
    "long",
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    # CI tries the same examples for the same tests, so that it fails for what was changed.
    derandomize="CI" in os.environ,
)
settings.register_profile("short", settings.get_profile("long"), max_examples=40)
settings.load_profile("long")


def pytest_configure(config: pytest.Config) -> None:
    """Where only short tests run, try fewer examples, and run kernels as Python.

    Inputs of kernels are smaller there than compiling.
    """
    if config.option.markexpr == "not slow":
        os.environ["NUMBA_DISABLE_JIT"] = "1"
        settings.load_profile("short")


@pytest.hookimpl(wrapper=True, optionalhook=True)
def pytest_xdist_auto_num_workers() -> Generator[None, int, int]:
    """With `-n auto`, let more workers share the tests than there are cores.

    Tests wait for servers and other processes for half of their time.
    """
    workers = yield
    return workers if NUMBER in os.environ else workers + WAITING


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest first; files stay together, in the order they had."""
    items.sort(key=_rank)


def _rank(item: pytest.Item) -> int:
    found = (number for number, start in enumerate(LONGEST) if item.nodeid.startswith(start))
    return next(found, len(LONGEST))


@pytest.fixture(scope="session")
def _homes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Names of folders; `mktemp` looks at all there are to find the next number."""
    folder = tmp_path_factory.mktemp("homes")
    return (folder / str(number) for number in itertools.count())


@pytest.fixture(autouse=True)
def _own_home(_homes: Iterator[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """No test sees or changes the user's data, caches or credentials."""
    folder = next(_homes)
    folder.mkdir()
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
