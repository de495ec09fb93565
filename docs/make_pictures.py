"""Write the pictures of ``docs/guide/looking.md``, from cells that the simulator makes.

Run it from the checkout after a change of how pictures look::

    python -m docs.make_pictures
"""

from __future__ import annotations

from pathlib import Path

from cellfolio import ViewOptions
from cellfolio.formats.images import PixelSize, image_of
from cellfolio.imaging.plate_montage import plate_montage
from cellfolio.imaging.showing import show
from cellfolio.registries.plates import Well
from cellfolio.simulation import CHANNELS, PIXEL_SIZE_UM, ExperimentDesign, simulate_site

FOLDER = Path(__file__).parent / "guide" / "pictures"
LARGEST = 100_000
"""Bytes of a picture."""


def main() -> None:
    """Write all pictures."""
    design = ExperimentDesign(seed=7, plate_count=1)
    (plate,) = design.plates
    wells = design.layout(plate)
    size = PixelSize(PIXEL_SIZE_UM, PIXEL_SIZE_UM)
    site = simulate_site(design, plate, wells[1], 1)
    cells = image_of(site.images, "CYX", channels=CHANNELS, pixel_size=size, name="cells.ome.tiff")
    nuclei, bodies = (image_of(labels, "YX") for labels in (site.nuclei, site.cells))
    images = {
        Well(well.row, well.column): image_of(
            simulate_site(design, plate, well, 1).images, "CYX", channels=CHANNELS
        )
        for well in wells[:-2]
    }
    pictures = {
        "panels": show([cells], ViewOptions(size=115)),
        "outlines": show(
            [cells],
            ViewOptions(style="composite", channels=("DNA", "ER"), size=192),
            segmentations=[nuclei, bodies],
        ),
        "plate": plate_montage(images, ViewOptions(channels=("DNA",), size=56)),
    }
    FOLDER.mkdir(exist_ok=True)
    for name, picture in pictures.items():
        path = FOLDER / f"{name}.png"
        picture.save(path)
        assert path.stat().st_size <= LARGEST, f"{path} is too large"


if __name__ == "__main__":
    main()
