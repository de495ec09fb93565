"""Write the pictures of the tour, the tutorials and the README's first screen.

The pages themselves make most of them: their blocks run as a reader types them, and what they
wrote is kept, smaller. Run it from the checkout after a change of how pictures look::

    python -m docs.make_tutorial_pictures
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image, ImageOps

import cellfolio
from cellfolio.formats.images import image_of
from tests.brain import MERFISH, brain_files
from tests.docs.cardio import CHANNELS, field
from tests.docs.conftest import Reader
from tests.docs.pages import ROOT
from tests.docs.test_pages import AFTER, run_page
from tests.workflows.test_atlas import put

FOLDER = ROOT / "docs/tutorials/pictures"
FIRST = ROOT / "docs/pictures/first.jpg"
LARGEST = 150_000
"""Bytes of a picture."""
OF_THE_DEMO = {
    "composite.png": "site.jpg",
    "wells.png": "wells.png",
    "two-wells.png": "two-wells.jpg",
    "points.png": "points.png",
    "replicating.png": "replicating.png",
}
OF_ROSETTA = {
    "replicates-result/figures/correlations.png": "rosetta-replicates.png",
    "confusion.png": "rosetta-mechanisms.png",
}
OF_THE_ATLAS = ("atlas-classes.png", "atlas-slice.png")
WIDEST = 760
"""Pixels of a picture; pages are not wider."""


def main() -> None:
    """Write all pictures."""
    FOLDER.mkdir(exist_ok=True)
    FIRST.parent.mkdir(exist_ok=True)
    with TemporaryDirectory() as scratch:
        demo = run(Path(scratch) / "demo", "README.md", *AFTER["README.md"])
        keep(demo, OF_THE_DEMO)
        compose(demo)
        keep(run(Path(scratch) / "rosetta", "docs/tutorials/rosetta.md"), OF_ROSETTA)
        keep(draw_atlas(Path(scratch)), {name: name for name in OF_THE_ATLAS})
        options = cellfolio.ViewOptions(style="composite", channels=("561", "638", "nuc"))
        image = image_of(field(0), "CYX", channels=CHANNELS)
        cellfolio.view(image, options).save(Path(scratch) / "field.png")
        keep(Path(scratch), {"field.png": "cardio-field.jpg"})


def run(folder: Path, *pages: str) -> Path:
    """Run pages one after the other; return the folder where they wrote."""
    folder.mkdir()
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
        "HOME": str(folder),
        "CELLFOLIO_HOME": str(folder / "home"),
        "COLUMNS": "80",
    }
    reader = Reader(folder, environment, {str(folder): "/home/ada/screens"})
    for page in pages:
        failures = run_page(ROOT / page, reader)
        assert not failures, "\n\n".join([page, *failures])
    return folder


def keep(folder: Path, names: Mapping[str, str]) -> None:
    """Save pictures of a folder among those of the tutorials, not wider than a page."""
    for name, kept in names.items():
        with Image.open(folder / name) as opened:
            picture = opened.convert("RGB")
        picture.thumbnail((WIDEST, WIDEST))
        if kept.endswith(".png"):
            picture = picture.quantize(128)
        save(picture, FOLDER / kept)


def save(picture: Image.Image, path: Path) -> None:
    """Save a picture, and tell."""
    picture.save(path, optimize=True, quality=80)
    size = path.stat().st_size
    assert size <= LARGEST, f"{path} is too large: {size:,} bytes"
    print(f"wrote {path}, {size:,} bytes")


def draw_atlas(folder: Path) -> Path:
    """Draw cells and a slice of the made-up brain; return where."""
    address = put(folder / "atlas", brain_files())
    volume = next((folder / "atlas").rglob("average_template_25.nii.gz"))
    labels = volume.with_name("annotation_25.nii.gz")
    section = "brain_section_label=C57BL6J-638850.30"
    drawings = (
        ["cells", address, "--directory", MERFISH, "--only", section, "-o", "atlas-classes.png"],
        ["slice", volume, "--at", "5.4P", "--outlines", labels, "-o", "atlas-slice.png"],
    )
    for words in drawings:
        command = [sys.executable, "-m", "cellfolio", *map(str, words)]
        home = {**os.environ, "CELLFOLIO_HOME": str(folder / "home")}
        subprocess.run(command, cwd=folder, env=home, check=True)
    return folder


def compose(demo: Path) -> None:
    """Put cells, replicates against chance, wells as points and the portal into one picture."""
    sheet = Image.new("RGB", (1200, 600), "white")
    for name, left, top, width, height in (
        (demo / "cellfolio-demo/cells.png", 0, 0, 550, 600),
        (demo / "replicating.png", 566, 0, 310, 184),
        (demo / "points.png", 890, 4, 310, 180),
        (ROOT / "docs/guide/pictures/portal/plate.jpg", 574, 190, 620, 410),
    ):
        with Image.open(name) as opened:
            sheet.paste(ImageOps.contain(opened.convert("RGB"), (width, height)), (left, top))
    save(sheet, FIRST)


if __name__ == "__main__":
    main()
