"""Write the pictures of the guide, from cells that the simulator makes.

Run it from the checkout after a change of how pictures look::

    python -m docs.make_pictures
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from cellfolio import ViewOptions
from cellfolio.evaluation import PlateDesign, plate_quality
from cellfolio.formats.images import PixelSize, image_of
from cellfolio.formats.images.image import Image
from cellfolio.formats.images.opening import open_image
from cellfolio.imaging.picture import Picture
from cellfolio.imaging.plate_montage import plate_montage
from cellfolio.imaging.quality_figures import draw_replicates
from cellfolio.imaging.saving import save_figure
from cellfolio.imaging.showing import show
from cellfolio.registries.plates import Well
from cellfolio.simulation import CHANNELS, PIXEL_SIZE_UM, ExperimentDesign, simulate_site
from cellfolio.workflows.benchmarks import evaluate, read_configuration
from cellfolio.workflows.embedding import draw_embedding
from tests.docs.cell_line import cell_line
from tests.profiles.plates import CONTROLS, make_plate
from tests.workflows.benchmark_data import groups, write_screen

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
    pictures.update(cell_line_pictures())
    FOLDER.mkdir(exist_ok=True)
    for name, picture in pictures.items():
        path = FOLDER / f"{name}.png"
        picture.save(path)
        assert path.stat().st_size <= LARGEST, f"{path} is too large"
    quality_pictures()
    benchmark_picture()


def benchmark_picture() -> None:
    """Write the bars of ``docs/guide/benchmarks.md``, of simulated plates."""
    with TemporaryDirectory() as scratch:
        folder = Path(scratch)
        write_screen(folder)
        text = f'benchmark = "cpjump1-replicating"\n{groups("compound", "crispr", "orf")}'
        (folder / "pilot.toml").write_text(text, encoding="utf-8")
        evaluate(read_configuration(folder / "pilot.toml"), folder / "result")
        picture = (folder / "result/figures/percent-replicating.png").read_bytes()
    (FOLDER / "benchmark-bars.png").write_bytes(picture)


def quality_pictures() -> None:
    """Write the pictures of a plate of profiles."""
    plate = make_plate()
    found = plate_quality({"profiles": plate}, PlateDesign(("Metadata_drug",), CONTROLS))
    assert found.replicates is not None
    figures = {
        "quality-replicates": draw_replicates(found.replicates),
        "quality-points": draw_embedding(plate, "drug"),
    }
    for name, figure in figures.items():
        save_figure(figure, FOLDER / f"{name}.png", dpi=100)


def cell_line_pictures() -> dict[str, Picture]:
    """Make those of ``docs/tutorials/cell-line.md``, smaller than the page does."""
    with TemporaryDirectory() as scratch:
        images: dict[str, Image] = {}
        for key, data in cell_line(Path(scratch)).items():
            kind, _, rest = key.partition("/")
            if rest.endswith("image.ome.tiff") and kind not in images:
                path = Path(scratch, f"{kind}.ome.tiff")
                path.write_bytes(data)
                images[kind] = open_image(path)
        field = images["fovs"].select(c=[0, 2, 4, 6])
        outlines = [images["cell_segs"], images["nuclei_segs"]]
        composite = ViewOptions(style="composite", channels=("CMDRX", "EGFP", "H3342"), size=220)
        return {
            "cell-line-panels": show([field], ViewOptions(size=154)),
            "cell-line-composite": show([field], composite, segmentations=outlines),
        }


if __name__ == "__main__":
    main()
