"""The command that has a network describe cells: featurize."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cellfolio.cli.command import Answer, command, terminal_progress
from cellfolio.cli.engines import engine_options
from cellfolio.cli.failures import DIFFERENT
from cellfolio.cli.sites import site_options
from cellfolio.cli.text import paint, plural, printable
from cellfolio.cli.writing import output_folder

if TYPE_CHECKING:
    from cellfolio.workflows.engines.engine import Workers
    from cellfolio.workflows.featurizing.making import FeaturizedSite, FeaturizeOptions
    from cellfolio.workflows.featurizing.running import FeaturizedRun
    from cellfolio.workflows.measuring.running import MeasureInputs
    from cellfolio.workflows.measuring.shards import Shard

FIELDS = {
    "output": "the folder that was written to",
    "network": "what was used: an object with `name`, `format`, `digest` and `device`",
    "channels": "channels in the order of the features",
    "features": "number of features of each cell",
    "sites": "number of sites that were asked for",
    "cells": "number of cells in them",
    "kept": "number of sites that were finished before",
    "failed": "sites that failed: objects with `plate`, `well`, `site` and `reason`",
}
_FAILED = 10


@command("featurize", fields=FIELDS)
@output_folder("Folder for a table of each site: PLATE/A01_1.parquet.")
@site_options(
    channels="Channels: DNA,ER or DNA=5,Actin=2; by default all but those of transmitted light."
)
@click.option(
    "--network",
    default="efficientnet-lite0",
    metavar="NETWORK",
    help="By default efficientnet-lite0, trained on ImageNet; or a FILE or PACKAGE/PATH of yours: "
    "ONNX or TorchScript.",
)
@click.option("--digest", metavar="SHA256:…", help="What the bytes of the network must be.")
@click.option(
    "--name", default="", metavar="WORD", help="How features begin; by default as the network."
)
@click.option(
    "--together", is_flag=True, help="Show all channels as one picture, not each by itself."
)
@click.option("--size", type=int, default=128, help="Rows and columns of a crop; by default 128.")
@click.option(
    "--around",
    type=click.Choice(["nuclei", "cells"]),
    default="nuclei",
    help="What is in the centre of a crop; by default nuclei.",
)
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
@click.option("--batch", type=int, default=8, help="Cells that are shown at once; by default 8.")
@click.option(
    "--device",
    type=click.Choice(["auto", "cpu", "cuda"]),
    default="auto",
    help="By default a GPU if there is one.",
)
@click.option("--threads", type=int, default=1, help="Of the network, on a CPU; by default 1.")
@engine_options("Processes; by default 1.", default=1)
def featurize_command(
    inputs: MeasureInputs, shard: Shard | None, output: Path, workers: Workers, **how: Any
) -> Answer:
    """Describe each cell of images by a network: deep features.

    IMAGES is a folder or a package with images of plates, or a load_data table or Index.idx.xml
    that names them. A crop around each cell is shown to the network. Sites that are finished are
    not done again; a site that fails is told of, the others go on, and the exit code is 1.
    'aggregate' makes profiles of the output, 'normalize --method spherize' compares them.
    """
    from cellfolio.workflows.featurizing.running import featurize_plates

    found = featurize_plates(
        inputs,
        output,
        _options(how),
        shard=shard,
        workers=workers,
        progress=terminal_progress(),
    )
    return Answer(lambda: _document(found), _lines(found), code=DIFFERENT if found.failed else 0)


def _options(how: dict[str, Any]) -> FeaturizeOptions:
    from cellfolio.measurement.crops import CropSettings
    from cellfolio.measurement.networks import Presentation
    from cellfolio.workflows.featurizing.making import FeaturizeOptions
    from cellfolio.workflows.featurizing.networks import NetworkChoice

    network = NetworkChoice(
        how["network"], how["digest"], how["name"], how["device"], how["threads"]
    )
    crops = CropSettings(
        how["size"], edge=how["edge"], masked=how["masked"], scaling=how["scaling"]
    )
    shown = Presentation("together" if how["together"] else "each", how["batch"])
    return FeaturizeOptions(network, how["around"], crops, shown)


def _document(found: FeaturizedRun) -> dict[str, Any]:
    network = found.network
    return {
        "output": str(found.output),
        "network": {
            "name": network.name,
            "format": network.format,
            "digest": str(network.digest),
            "device": network.device,
        },
        "channels": list(found.channels),
        "features": found.features,
        "sites": len(found.sites),
        "cells": found.cells,
        "kept": len(found.kept),
        "failed": [
            {"plate": one.plate, "well": one.well, "site": one.number, "reason": _reason(one)}
            for one in found.failed
        ],
    }


def _lines(found: FeaturizedRun) -> Iterator[str]:
    network = found.network
    yield printable(f"{network.name} ({network.format}, {network.device}), {network.digest}")
    parts = f"{plural(len(found.sites), 'site')}, {plural(found.cells, 'cell')}"
    yield parts + (f"; {plural(len(found.kept), 'site')} finished before" if found.kept else "")
    yield f"{plural(found.features, 'feature')} of each cell: {printable(_order(found))}"
    for one in found.failed[:_FAILED]:
        yield paint(printable(f"{one}: {_reason(one)}"), "yellow")
    if len(found.failed) > _FAILED:
        yield paint(f"… and {len(found.failed) - _FAILED:,} more: see --json", "yellow")
    yield f"→ {printable(found.output)}"


def _order(found: FeaturizedRun) -> str:
    return ", ".join(found.channels)


def _reason(site: FeaturizedSite) -> str:
    return "" if site.failure is None else site.failure.message
