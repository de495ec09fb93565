"""A package of several revisions, in a registry of this machine and in a bucket."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path

from cellfolio.package.package import Package
from cellfolio.storage.home import Home
from cellfolio.workflows.publishing import Label, build_package, push_package

NAME = "lab/plates"
HOSTILE = {
    "a <b>bold.csv": b"x\n1\n",
    'it\'s "quoted" & $HOME `id`.csv': b"x\n2\n",
    "x\u202egpj.exe": b"right to left",
    "-rf": b"an option",
    "50% off?#1 +.txt": b"address",
}
"""Files whose names want to be something else."""
SCRIPT = "<script>document.title='gone'</script><img src=x onerror=\"document.title='gone'\">"
README = f"""# Plates

{SCRIPT}

See [the wells](wells.csv), [elsewhere](javascript:alert(1)).
"""


@dataclass(frozen=True, slots=True)
class Revisions:
    """Two revisions of one package."""

    first: Package
    second: Package


def build_revisions(folder: Path, home: Home) -> Revisions:
    """Make two revisions in the home's registry: one file each is added, removed, changed."""
    (folder / "images" / "p1").mkdir(parents=True)
    for site in range(4):
        (folder / "images" / "p1" / f"s{site}.tiff").write_bytes(bytes([site]) * 50_000)
    (folder / "README.md").write_text(README)
    (folder / "wells.csv").write_text("well,count\nA01,3\n")
    (folder / "gone.csv").write_text("gone\n")
    for name, data in HOSTILE.items():
        (folder / name).write_bytes(data)
    meta = {"organism": "human", "cell_line": "U2OS", "note": SCRIPT, "plates": 1}
    first = build_package(folder, NAME, home, Label(f"First plates {SCRIPT}", meta)).package
    (folder / "gone.csv").unlink()
    (folder / "added.csv").write_text("added\n")
    (folder / "wells.csv").write_text("well,count\nA01,3\nA02,4\n")
    meta = {**meta, "plates": 2}
    second = build_package(folder, NAME, home, Label("A second plate", meta)).package
    return Revisions(first, second)


def publish(revisions: Revisions, bucket: str, home: Home) -> Revisions:
    """Publish both revisions in a bucket."""
    pushed = [
        push_package(package, f"s3://{bucket}", home).package
        for package in (revisions.first, revisions.second)
    ]
    return replace(revisions, first=pushed[0], second=pushed[1])


def text_of(html: str) -> str:
    """Return a page without its tags and marks, roughly."""
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())
