"""Every snippet does what it says: each is run as it is, against a bucket."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from cellfolio.package.entry import Entry
from cellfolio.package.package import Package
from cellfolio.storage.home import Home
from cellfolio.web.places import Place
from cellfolio.web.shelf import Shelf
from cellfolio.web.tabs.code import spot_of
from cellfolio.workflows.publishing import save
from cellfolio.workflows.snippets import Spot, quote_word, snippets_of
from tests.web.published import HOSTILE, NAME, Revisions, build_revisions, publish

Run = Callable[[str, str], Path]
"""Given the name of a snippet and its text, runs it in a folder of its own; returns that."""


@pytest.fixture
def published(
    tmp_path: Path, versioned_bucket: str, s3_env: dict[str, str]
) -> tuple[Revisions, str]:
    author = Home(tmp_path / "author")
    found = publish(build_revisions(tmp_path / "plates", author), versioned_bucket, author)
    return found, f"s3://{versioned_bucket}"


@pytest.fixture
def texts(published: tuple[Revisions, str]) -> Callable[[str], Mapping[str, str]]:
    """Return the snippets for a key of the package in the bucket, by name."""
    shelf = Shelf([f"{published[1]}/{NAME}"], Home())
    (shown,) = shelf.told
    opened = shelf.open(shown, published[0].first.top_hash)

    def of(key: str) -> Mapping[str, str]:
        place = Place(shelf, shown, opened, None, key)
        return {one.name: one.text for one in snippets_of(spot_of(place))}

    return of


@pytest.fixture
def run(tmp_path: Path, s3_env: dict[str, str]) -> Run:
    folder = tmp_path / "run"
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": os.pathsep.join(sys.path),
        "QUILT_DISABLE_USAGE_METRICS": "True",
        "QUILT_MINIMIZE_STDOUT": "true",
        "XDG_DATA_HOME": str(tmp_path / "quilt-data"),
        "XDG_CACHE_HOME": str(tmp_path / "quilt-cache"),
    }

    def call(name: str, text: str) -> Path:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        program = [sys.executable, "-c"] if name in ("python", "quilt3") else ["bash", "-ec"]
        done = subprocess.run(
            [*program, text],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        return folder

    return call


def files_of(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and ".cellfolio" not in path.parts
    }


IMAGES = {f"p1/s{site}.tiff": bytes([site]) * 50_000 for site in range(4)}


@pytest.mark.slow
def test_folder_is_had_by_every_snippet(
    texts: Callable[[str], Mapping[str, str]], run: Run
) -> None:
    found = texts("images")
    assert list(found) == ["python", "shell", "quilt3", "uri", "s3"]
    keys = {f"images/{key}": data for key, data in IMAGES.items()}
    for name in ("python", "shell", "quilt3"):
        got = files_of(run(name, found[name]))
        expected = keys if name != "quilt3" else IMAGES
        assert got == {f"images/{key}": data for key, data in expected.items()}, name
    if shutil.which("aws") is not None:
        assert files_of(run("s3", found["s3"])) == keys


@pytest.mark.parametrize(
    "name", ["gone.csv", *(pytest.param(one, marks=pytest.mark.slow) for one in HOSTILE)]
)
def test_file_of_a_former_revision_is_had_by_every_snippet(
    texts: Callable[[str], Mapping[str, str]], run: Run, name: str
) -> None:
    """The file is not in the latest revision, or its name wants to be something else."""
    found = texts(name)
    data = HOSTILE.get(name, b"gone\n")
    assert files_of(run("shell", found["shell"])) == {f"plates/{name}": data}
    run("python", found["python"].replace(".load()", ""))
    assert files_of(run("quilt3", found["quilt3"])) == {name: data}
    if shutil.which("aws") is not None:
        assert files_of(run("s3", found["s3"])) == {name: data}


@pytest.mark.slow
def test_whole_package_is_had_by_the_command_line(
    texts: Callable[[str], Mapping[str, str]], run: Run, published: tuple[Revisions, str]
) -> None:
    got = files_of(run("shell", texts("")["shell"]))
    assert len(got) == published[0].first.file_count
    assert got["plates/gone.csv"] == b"gone\n"


def test_package_of_this_machine_is_had_here(tmp_path: Path, run: Run, home: Home) -> None:
    found = build_revisions(tmp_path / "plates", Home())
    spot = Spot(NAME, Home().registry_uri, NAME, found.first.top_hash, found.first["gone.csv"])
    snippets = {one.name: one.text for one in snippets_of(spot)}
    assert list(snippets) == ["python", "shell", "quilt3"]
    assert files_of(run("shell", snippets["shell"])) == {"plates/gone.csv": b"gone\n"}
    assert files_of(run("quilt3", snippets["quilt3"])) == {"gone.csv": b"gone\n"}


def test_folder_is_had_by_its_path(tmp_path: Path, run: Run) -> None:
    folder = tmp_path / "it's a folder"
    folder.mkdir()
    (folder / "a.csv").write_text("x\n1\n")
    shelf = Shelf([str(folder)], Home())
    (shown,) = shelf.told
    place = Place(shelf, shown, shelf.open(shown), None, "a.csv")
    snippets = {one.name: one.text for one in snippets_of(spot_of(place))}
    assert list(snippets) == ["python", "shell"]
    run("python", snippets["python"] + "\nassert data['x'].tolist() == [1]")
    assert list(files_of(run("shell", snippets["shell"])).values()) == [b"x\n1\n"]


def test_files_of_several_places_are_copied_one_by_one() -> None:
    entries = [Entry("a/x", "s3://one/1"), Entry("a/y", "s3://two/2?versionId=v")]
    package = save(Package.of(entries), NAME, Home())
    spot = Spot(NAME, "s3://reg", NAME, package.top_hash, package.a)
    (text,) = (one.text for one in snippets_of(spot) if one.name == "s3")
    assert text.splitlines() == [
        "mkdir -p a",
        "aws s3 cp s3://one/1 a/x",
        "aws s3api get-object --bucket two --key=2 --version-id=v a/y",
    ]


@pytest.mark.parametrize("word", [*HOSTILE, "a\nb\tc", "\x07bell", "é\u200b", "😀\u202e'\\"])
def test_shell_reads_one_word(word: str) -> None:
    done = subprocess.run(
        ["bash", "-c", f"printf %s {quote_word(word)}"], capture_output=True, check=True
    )
    assert done.stdout.decode() == word
    assert quote_word(word).isprintable()
