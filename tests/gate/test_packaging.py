"""What is shipped: wheel, sdist, conda recipe, citation; all say the same."""

from __future__ import annotations

import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.version import Version

from tests.docs.pages import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
CONDA = {"duckdb": "python-duckdb", "matplotlib": "matplotlib-base"}
"""Libraries that conda-forge calls something else."""
FRAGMENT = re.compile(r"\d{4}\.(feature|fix|speed|docs)\.md")
MADE = {"__pycache__", ".pyc", ".nbi", ".nbc"}
"""Folders and suffixes of what is made here from the sources."""
LARGEST = 2_000_000
"""Bytes that a wheel may have."""


def conda_requirements() -> list[str]:
    """Return what the recipe must ask for, sorted; of several rows for one library, the oldest."""
    asked: dict[str, str] = {}
    for text in PROJECT["dependencies"]:
        one = Requirement(text)
        asked.setdefault(CONDA.get(one.name, one.name), str(one.specifier))
    return [f"{name} {asked[name]}".strip() for name in sorted(asked)]


def test_conda_recipe_asks_for_the_same() -> None:
    recipe = yaml.safe_load((ROOT / "packaging/recipe.yaml").read_text(encoding="utf-8"))
    assert recipe["context"]["version"] == PROJECT["version"]
    assert recipe["requirements"]["run"][1:] == conda_requirements()
    assert recipe["about"]["license"] == PROJECT["license"]


def test_citation_is_of_this_version() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == PROJECT["version"]
    assert citation["license"] == PROJECT["license"]
    assert {"cff-version", "message", "title", "authors"} <= set(citation)


def test_the_program_is_of_this_version() -> None:
    command = [sys.executable, "-m", "cellfolio", "--version"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    hint = "install the checkout again: python -m pip install -e ."
    assert done.stdout.split()[-1] == PROJECT["version"], hint


def test_the_newest_release_is_not_newer_than_this_version() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    released = [Version(found) for found in re.findall(r"^## (\S+) \(", text, re.MULTILINE)]
    assert released == sorted(released, reverse=True)
    assert all(version <= Version(PROJECT["version"]) for version in released)


def test_fragments_become_the_changelog() -> None:
    pytest.importorskip("towncrier")
    command = [sys.executable, "-m", "towncrier", "build", "--draft", "--version", "1.2.3"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert "## 1.2.3 (" in done.stdout
    for path in (ROOT / "changes").glob("*.md"):
        if path.name != "README.md":
            assert FRAGMENT.fullmatch(path.name), f"{path.name}: expected NNNN.kind.md"
            text = path.read_text(encoding="utf-8").strip()
            assert text.replace("](../", "](") in done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build sdist and wheel as `python -m build` does, with the builder that is installed here."""
    pytest.importorskip("hatchling")
    folder = tmp_path_factory.mktemp("built")
    code = "from hatchling import build; build.build_sdist({0!r}); build.build_wheel({0!r})"
    command = [sys.executable, "-c", code.format(str(folder))]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return folder


def test_wheel_has_what_it_needs_and_is_small(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    assert wheel.stat().st_size < LARGEST
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    start = f"cellfolio-{PROJECT['version']}"
    assert f"{start}.data/data/share/man/man1/cellfolio.1" in names
    ours = {
        path.relative_to(ROOT / "src").as_posix()
        for path in (ROOT / "src").rglob("*")
        if path.is_file() and not MADE.intersection((path.suffix, path.parent.name))
    }
    assert {name for name in names if name.startswith("cellfolio/")} == ours
    kinds = {Path(name).suffix for name in ours}
    assert {".py", ".typed", ".html", ".css", ".js", ".toml"} <= kinds
    strange = [
        name
        for name in names
        if not name.startswith(("cellfolio/", f"{start}.dist-info/", f"{start}.data/"))
        or name.endswith((".pyc", ".nbi", ".nbc"))
    ]
    assert not strange


def test_sdist_has_the_tests_and_no_data(built: Path) -> None:
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = [name.partition("/")[2] for name in archive.getnames()]
    assert {"pyproject.toml", "LICENSE", "CITATION.cff", "tests/gate/test_packaging.py"} <= {*names}
    assert not [name for name in names if name.startswith("shared")]
