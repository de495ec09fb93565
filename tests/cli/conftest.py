"""A small package in a local registry, and ways to run commands."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cellfolio.cli.main import run

PROGRAM = (sys.executable, "-c", "from cellfolio.cli.main import main; main()")
FILES = {
    "README.md": b"# Plates\n\nTwo plates.\n",
    "images/p1/a.tiff": b"a" * 2000,
    "images/p1/b.tiff": b"b" * 3000,
    "images/p2/c.tiff": b"c" * 10,
    "platemap.csv": b"well,compound\nA01,DMSO\n",
}


@dataclass(frozen=True)
class Ran:
    """What a command line printed, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        found = json.loads(self.out)
        assert isinstance(found, dict)
        return found

    @property
    def error(self) -> dict[str, Any]:
        found = json.loads(self.err)
        assert isinstance(found, dict)
        return found


Cellfolio = Callable[..., Ran]


@pytest.fixture
def cellfolio(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Cellfolio:
    """Run a command line in this process, in a folder of its own."""
    monkeypatch.chdir(tmp_path)

    def call(*args: object) -> Ran:
        capsys.readouterr()
        code = run([str(arg) for arg in args])
        printed = capsys.readouterr()
        return Ran(code, printed.out, printed.err)

    return call


@pytest.fixture
def program(tmp_path: Path) -> Cellfolio:
    """Run a command line as a process of its own."""

    def call(*args: object, **env: str) -> Ran:
        done = subprocess.run(
            [*PROGRAM, *map(str, args)],
            capture_output=True,
            text=True,
            env={**os.environ, **env},
            cwd=tmp_path,
            check=False,
            timeout=60,
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    return call


def write(folder: Path, files: dict[str, bytes]) -> Path:
    """Write files to a folder."""
    for key, content in files.items():
        path = folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A folder of five files."""
    return write(tmp_path / "source", FILES)


@pytest.fixture
def package(cellfolio: Cellfolio, source: Path) -> str:
    """The name of a package of two revisions."""
    ran = cellfolio("build", source, "lab/plates", "-m", "First", "--meta", '{"assay": "CP"}')
    assert ran.code == 0, ran.err
    (source / "images/p2/c.tiff").unlink()
    write(source, {"images/p3/d.tiff": b"d", "images/p3/e.tiff": b"e", "platemap.csv": b"other"})
    assert cellfolio("build", source, "lab/plates", "-m", "Second\nand more").code == 0
    return "lab/plates"
