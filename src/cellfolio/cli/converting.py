"""The command about formats: convert."""

from __future__ import annotations

from pathlib import Path

import click

from cellfolio.cli.command import Answer, command, terminal_progress
from cellfolio.cli.text import printable

FIELDS = {
    "sources": "the files that were read",
    "output": "the file or folder that was written",
}


@command("convert", fields=FIELDS)
@click.argument("sources", nargs=-1, required=True, metavar="IN...")
@click.option(
    "-o",
    "--output",
    metavar="OUT",
    type=click.Path(path_type=Path),
    required=True,
    help="What to write: .ome.tiff, .ome.zarr, .csv, .csv.gz, .tsv, .parquet, .json, .h5ad, .gct, "
    ".h5mu or .spatialdata.zarr.",
)
@click.option(
    "--by", metavar="COLUMN", help="For .h5mu: column by which rows of the files are the same."
)
def convert_command(sources: tuple[str, ...], output: Path, by: str | None) -> Answer:
    """Write a file in another format; the suffix of OUT tells which.

    IN is a file, or PACKAGE/PATH. Images become OME-TIFF and OME-Zarr, all channels of a site one
    image. Tables, AnnData and matrices become each other. Several of them become MuData (.h5mu),
    NAME=FILE naming each. An image, its label images and a table of its objects become SpatialData.
    """
    from cellfolio.workflows.converting import convert

    made = convert(list(sources), output, by=by, progress=terminal_progress())
    document = {"sources": list(sources), "output": str(made)}
    return Answer(lambda: document, [f"wrote {printable(str(made))}"])
