"""Several people with one store: a folder of their group, as on a cluster."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

GROUP = 64_207
ADA, BOB = 64_201, 64_202
PERSON = """
import os, sys, warnings
from pathlib import Path
import cellfolio
from cellfolio.storage.home import Home

reference, out, home, user, group, warm = sys.argv[1:]
# Modules and connections are loaded while the interpreter's own files can be read.
cellfolio.get(reference, Path(warm, "out"), home=Home(Path(warm, "home")))
cellfolio.verify(home=Home(Path(warm, "home")))
os.umask(0o002)
os.setgroups([int(group)]); os.setgid(int(group)); os.setuid(int(user))
home = Home(Path(home))
got = cellfolio.get(reference, out, options=cellfolio.GetOptions(how="copy"), home=home)
assert cellfolio.verify(home=home).sound
print(got.fetched)
"""


@pytest.fixture
def shelf() -> Iterator[Path]:
    """A folder of a group, whose files belong to the group."""
    if os.geteuid() != 0:
        pytest.skip("needs root, to be two other people")
    folder = Path(tempfile.mkdtemp(prefix="cellfolio-shared-"))
    os.chown(folder, 0, GROUP)
    folder.chmod(0o2775)
    yield folder
    shutil.rmtree(folder)


def publish(folder: Path, name: str, sizes: dict[str, int]) -> str:
    """Build a package in a registry that everybody can read; return its reference."""
    import cellfolio
    from cellfolio.storage.home import Home

    source = folder / "source" / name
    source.mkdir(parents=True)
    for key, size in sizes.items():
        (source / key).write_bytes(hashlib.shake_256(key.encode()).digest(size))
    home = Home(folder / "publisher")
    package = cellfolio.build(source, f"lab/{name}", home=home).package
    cellfolio.push(package, str(folder / "registry"), home=home)
    return f"{folder}/registry/lab/{name}"


def run_as(user: int, reference: str, shelf: Path, number: int, warm: Path) -> int:
    arguments = [reference, shelf / f"out-{number}", shelf / "home", user, GROUP, warm]
    done = subprocess.run(
        [sys.executable, "-c", PERSON, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        cwd=shelf,
    )
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


@pytest.mark.slow
def test_two_people_fill_one_store(shelf: Path, tmp_path: Path) -> None:
    both = {"both.bin": 5000, "large.bin": 40 * 2**20}
    one = publish(shelf, "one", {**both, "a.bin": 100})
    other = publish(shelf, "other", {**both, "b.bin": 200})
    assert run_as(ADA, one, shelf, 1, tmp_path / "1") == 3
    assert run_as(BOB, other, shelf, 2, tmp_path / "2") == 1
    assert run_as(ADA, other, shelf, 3, tmp_path / "3") == 0
    owners = {path.stat().st_uid for path in (shelf / "home/store/blobs").rglob("*/*/*")}
    assert owners == {ADA, BOB}
