"""What the pages take for granted: a reader's folder, and a laboratory's buckets."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

import cellfolio
from cellfolio import Home, Label
from cellfolio.package.package import Package
from cellfolio.registries.quilt import POINTERS
from cellfolio.storage.places import Place
from tests.docs import atlas, cardio, cell_line
from tests.servers import open_data
from tests.servers.seaweed import SeaweedServer

SCREENS = "screens"
"""The bucket that the guides read from."""
OPEN = "open-data"
"""The bucket with small copies of the public systems."""
RESULTS = ("results", "results-versioned", "stacks")
"""Buckets that the guides write to."""
FIRST = {
    "README.md": b"# Pilot screen\n\nTwo plates of U2OS cells. The images are made up.\n",
    "images/P1/A01.tiff": b"P1 A01\n" * 600,
    "images/P1/A02.tiff": b"P1 A02\n" * 600,
    "images/P2/A01.tiff": b"P2 A01\n" * 600,
    "metadata/platemap.csv": b"well,compound\nA01,DMSO\nA02,taxol\n",
    "notes.txt": b"P2 A02 was out of focus; to be imaged again.\n",
}
SECOND = {
    **{key: content for key, content in FIRST.items() if key != "notes.txt"},
    "images/P2/A02.tiff": b"P2 A02\n" * 600,
    "metadata/platemap.csv": b"well,compound\nA01,DMSO\nA02,paclitaxel\n",
}
REVISIONS = (
    (FIRST, "Two plates", datetime(2025, 3, 3, 9, tzinfo=UTC)),
    (
        SECOND,
        "P2 A02 imaged again; taxol is called paclitaxel",
        datetime(2025, 4, 7, 9, tzinfo=UTC),
    ),
)
META = {"assay": "Cell Painting", "cell_line": "U2OS"}


@dataclass(frozen=True)
class Reader:
    """Somebody who reads a page and types what it says.

    Attributes
    ----------
    folder : Path
        Where they work.
    environment : mapping of str to str
    aliases : mapping of str to str
        What their folders are called in the documentation.
    """

    folder: Path
    environment: Mapping[str, str]
    aliases: Mapping[str, str]


@pytest.fixture(scope="session")
def atlas_copy(s3: SeaweedServer, shared: Path) -> Iterator[Mapping[str, str]]:
    """A small copy of the Allen Brain Cell Atlas; the variables that lead to it."""
    atlas.publish_atlas(s3, shared)
    yield atlas.VARIABLES
    s3.delete_bucket(atlas.BUCKET)


@pytest.fixture(scope="session")
def cell_line_copy(
    s3: SeaweedServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Mapping[str, str]]:
    """A small cell line of the Allen Institute; the variables that lead to it."""
    s3.create_bucket(cell_line.BUCKET)
    cell_line.publish_cell_line(s3.client(), tmp_path_factory.mktemp("cell-line"))
    yield {**s3.env(), **cell_line.VARIABLES}
    s3.delete_bucket(cell_line.BUCKET)


@pytest.fixture(scope="session")
def cardio_copy(
    s3: SeaweedServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Mapping[str, str]]:
    """A small cardiomyocyte study; the variables that lead to it."""
    s3.create_bucket(cardio.BUCKET)
    cardio.publish_cardio(s3.client(), tmp_path_factory.mktemp("cardio"))
    yield {**s3.env(), **cardio.VARIABLES}
    s3.delete_bucket(cardio.BUCKET)


_COPIES = {
    "abc-atlas.md": "atlas_copy",
    "brain-atlas.md": "atlas_copy",
    "cardiomyocytes.md": "cardio_copy",
    "cell-line.md": "cell_line_copy",
}
"""What leads the readers of a page to copies of public data."""


@pytest.fixture
def page_variables(request: pytest.FixtureRequest) -> Mapping[str, str]:
    """What only the page of this test takes for granted."""
    page = getattr(request.node, "callspec", None) and request.node.callspec.params.get("page")
    if isinstance(page, Path) and page.name in _COPIES:
        found: Mapping[str, str] = request.getfixturevalue(_COPIES[page.name])
        return found
    return {}


@pytest.fixture
def new_reader(
    tmp_path: Path, page_variables: Mapping[str, str]
) -> Callable[[Mapping[str, str]], Reader]:
    """Make a reader, with some variables of the environment."""

    def make(variables: Mapping[str, str]) -> Reader:
        user = tmp_path / "ada"
        folder = user / "screens"
        folder.mkdir(parents=True)
        programs = Path(sys.executable).parent
        environment = {
            "PATH": f"{programs}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
            "HOME": str(user),
            "CELLFOLIO_HOME": str(user / ".local/share/cellfolio"),
            "LANG": "C.UTF-8",
            "PYTHONUTF8": "1",
            "COLUMNS": "80",
            "NO_PROXY": "127.0.0.1",
            "QUILT_DISABLE_USAGE_METRICS": "True",
            "QUILT_MINIMIZE_STDOUT": "true",
            **variables,
            **page_variables,
        }
        return Reader(folder, environment, {str(user): "/home/ada"})

    return make


@pytest.fixture(scope="session")
def laboratory(
    s3: SeaweedServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Mapping[str, str]]:
    """Buckets, one with a package of two revisions; the variables that lead to them."""
    variables = s3.env()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in variables.items():
            patch.setenv(name, value)
        s3.create_bucket(SCREENS)
        for name in RESULTS:
            s3.create_bucket(name, versioned=name.endswith("versioned"))
        _publish(tmp_path_factory.mktemp("laboratory"))
        s3.create_bucket(OPEN)
        variables |= open_data.publish(s3, OPEN)
    yield variables
    for name in (SCREENS, OPEN, *RESULTS):
        s3.delete_bucket(name)


def _publish(folder: Path) -> None:
    """Publish both revisions, each at its time."""
    home = Home(folder / "home")
    pointers = f"{POINTERS}/lab/pilot"
    for files, message, time in REVISIONS:
        shutil.rmtree(folder / "files", ignore_errors=True)
        package = build(folder / "files", files, home, Label(message, META))
        cellfolio.push(package, f"s3://{SCREENS}", home=home)
        for info in home.remotes.objects(Place(f"s3://{SCREENS}", pointers)):
            pointer = info.path.rpartition("/")[2]
            if pointer.isdecimal() and pointer not in {
                str(int(t.timestamp())) for _, _, t in REVISIONS
            }:
                home.remotes.delete(Place(f"s3://{SCREENS}", info.path))
        place = Place(f"s3://{SCREENS}", f"{pointers}/{int(time.timestamp())}")
        home.remotes.put(place, package.top_hash.encode())


def build(folder: Path, files: Mapping[str, bytes], home: Home, label: Label) -> Package:
    """Write files to a folder, and build a package of them."""
    write(folder, files)
    return cellfolio.build(folder, "lab/pilot", label, home=home).package


def write(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write files to a folder."""
    for key, content in files.items():
        path = folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
