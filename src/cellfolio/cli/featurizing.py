"""The command that has a network describe cells: featurize."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cellfolio.cli.command import Answer, command, terminal_progress
from cellfolio.cli.failures import DIFFERENT
from cellfolio.cli.text import paint, plural, printable

if TYPE_CHECKING:
    from cellfolio.workflows.featurizing.running import Featurized, FeaturizeOptions

FIELDS = {
    "output": "the folder that was written to",
    "network": "what was used: objects with `name`, `format`, `digest` and `device`",
    "channels": "channels in the order of the features",
    "features": "number of features of each cell",
    "cells": "number of cells in the sites that were done now",
    "done": "sites that were done now: plate, well and site",
    "kept": "sites that were finished before",
    "problems": "sites that failed: objects with `path` and `what`",
}
_PROBLEMS = 10


@command("featurize", fields=FIELDS)
@click.argument("images")
@click.option(
    "-o",
    "--output",
    required=True,
    metavar="FOLDER",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder for a table of each site: PLATE/WELL/SITE.parquet.",
)
@click.option(
    "--labels",
    required=True,
    metavar="FOLDER|PACKAGE",
    help="Images that tell each pixel's object, with the site in their path: r04c14f05.tiff.",
)
@click.option(
    "--objects",
    default="",
    metavar="WORD",
    help="Kind of objects, a word in the names of labels: Nuclei. Needed if there are several.",
)
@click.option(
    "--network",
    default="efficientnet-lite0",
    metavar="NAME|FILE|PACKAGE/PATH",
    help="By default efficientnet-lite0, trained on ImageNet; or a network of yours: ONNX, "
    "TorchScript.",
)
@click.option("--digest", metavar="SHA256:…", help="What the bytes of the network must be.")
@click.option("--name", metavar="WORD", help="How features begin; by default as the network.")
@click.option(
    "--channels",
    default="fluorescence",
    metavar="CHANNELS",
    help="Channels: DNA,ER, 1-5; by default fluorescence.",
)
@click.option(
    "--together", is_flag=True, help="Show all channels as one picture, not each by itself."
)
@click.option("--size", type=int, default=128, help="Rows and columns of a crop; by default 128.")
@click.option(
    "--edge",
    type=click.Choice(["zero", "reflect", "shift", "drop"]),
    default="zero",
    help="Crops over the edge: filled with 0 (the default) or mirrored, moved inwards, left out.",
)
@click.option("--masked", is_flag=True, help="Show the cell's own pixels only.")
@click.option(
    "--scaling",
    type=click.Choice(["percentile", "type"]),
    default="percentile",
    help="What is black and white: percentiles of the site's image (the default), or the range "
    "of its type.",
)
@click.option("--plate", metavar="BARCODE", help="Plate, if folders are not called after it.")
@click.option("--batch", type=int, default=8, help="Cells that are shown at once; by default 8.")
@click.option(
    "--device",
    type=click.Choice(["auto", "cpu", "cuda"]),
    default="auto",
    help="By default a GPU if there is one.",
)
@click.option("--threads", type=int, default=1, help="Of the network, on the CPU; by default 1.")
def featurize_command(images: str, output: Path, labels: str, **how: Any) -> Answer:
    """Describe each cell of images by a network: deep features.

    IMAGES is a folder or package with images of plates, called r01c01f01p01-ch1sk1fk1fl1.tiff.
    A crop around each object is shown to the network. Sites that are finished are not done
    again; if a site fails, the others go on, and the exit code is 1. `aggregate` makes profiles
    of the output, and `normalize --method spherize` makes their features comparable.
    """
    from cellfolio.workflows.featurizing.networks import load_network
    from cellfolio.workflows.featurizing.running import featurize

    network = load_network(
        how["network"],
        digest=how["digest"],
        name=how["name"],
        device=how["device"],
        threads=how["threads"],
    )
    options = _options(how)
    found = featurize(
        images, output, labels, network=network, options=options, progress=terminal_progress()
    )
    return Answer(lambda: _document(found), _lines(found), code=DIFFERENT if found.problems else 0)


def _options(how: dict[str, Any]) -> FeaturizeOptions:
    from cellfolio.measurement.crops import CropSettings
    from cellfolio.measurement.networks import Presentation
    from cellfolio.workflows.featurizing.running import FeaturizeOptions

    crops = CropSettings(
        how["size"], edge=how["edge"], masked=how["masked"], scaling=how["scaling"]
    )
    shown = Presentation("together" if how["together"] else "each", how["batch"])
    return FeaturizeOptions(how["channels"], how["objects"], how["plate"], crops, shown)


def _document(found: Featurized) -> dict[str, Any]:
    network = found.network
    return {
        "output": str(found.folder),
        "network": {
            "name": network.name,
            "format": network.format,
            "digest": str(network.digest),
            "device": network.device,
        },
        "channels": list(found.channels),
        "features": found.features,
        "cells": found.cells,
        "done": list(found.done),
        "kept": list(found.kept),
        "problems": [{"path": one.path, "what": one.what} for one in found.problems],
    }


def _lines(found: Featurized) -> Iterator[str]:
    network = found.network
    yield printable(f"{network.name} ({network.format}, {network.device}): {network.digest}")
    channels = ", ".join(found.channels)
    yield f"{plural(found.features, 'feature')} of each cell: {printable(channels)}"
    parts = f"{plural(len(found.done), 'site')}, {plural(found.cells, 'cell')}"
    yield parts + (f"; {plural(len(found.kept), 'site')} finished before" if found.kept else "")
    for one in found.problems[:_PROBLEMS]:
        yield paint(printable(f"{one.path}: {one.what}"), "yellow")
    if len(found.problems) > _PROBLEMS:
        yield paint(f"… and {len(found.problems) - _PROBLEMS:,} more: see --json", "yellow")
    yield f"→ {printable(found.folder)}"
