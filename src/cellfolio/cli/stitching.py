"""The commands about the images of sites: image-files, stitch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from cellfolio.cli.command import Answer, command
from cellfolio.cli.text import plural, printable
from cellfolio.cli.writing import output_file

FIELDS = {
    "table": "the table or index that was read",
    "channel": "the channel that was put together",
    "shape": "height and width of the image in pixels",
    "pixel_size": "edge of a pixel in µm",
    "output": "the file that was written, or null",
}
_SHOWN = 5
_IMAGES = (".ome.tiff", ".ome.tif", ".tiff", ".tif")


LISTED = {
    "table": "the table or index that was read",
    "files": "number of image files",
    "plates": "their names",
    "wells": "number of wells, by plate",
    "sites": "the most sites that a well has",
    "channels": "their names; those of illumination functions, too",
    "contradictions": "rows whose file is called otherwise than the table says, as texts",
    "output": "the file that was written, or null",
}


@command("image-files", fields=LISTED)
@click.argument("table")
@output_file("Write a row for each image file (.csv, .csv.gz, .tsv, .parquet, .json).")
def image_files_command(table: str, output: Path | None) -> Answer:
    """Show the image files that a load_data table or an Index.idx.xml names.

    TABLE is a file, or a file of a package as 'show' names it. With -o, every image file becomes a
    row: plate, well, site, channel, name, folder, and what else is told of it.
    """
    from cellfolio.formats.saving import check_table_name, write_table
    from cellfolio.metadata.load_data import contradictions
    from cellfolio.storage.home import Home
    from cellfolio.workflows.mosaics import image_files_named

    if output is not None:
        check_table_name(output)
    files, _ = image_files_named(table, Home())
    wells = files.groupby("Metadata_Plate", observed=True)["Metadata_Well"].nunique()
    sites = files.groupby(["Metadata_Plate", "Metadata_Well"], observed=True)["Metadata_Site"]
    channels = [str(name) for name in files["Metadata_Channel"].unique()]
    problems = [str(one) for one in contradictions(files)]
    document = {
        "table": table,
        "files": len(files),
        "plates": [str(name) for name in wells.index],
        "wells": {str(name): int(count) for name, count in wells.items()},
        "sites": int(sites.nunique().max()) if len(files) else 0,
        "channels": channels,
        "contradictions": problems,
        "output": None if output is None else str(output),
    }
    lines = [
        f"{plural(len(files), 'image file')} of {plural(len(wells), 'plate')}",
        *(f"  {printable(name)}  {plural(int(count), 'well')}" for name, count in wells.items()),
        f"channels  {', '.join(map(printable, channels))}",
        *(f"contradiction: {printable(one)}" for one in problems[:_SHOWN]),
    ]
    if output is not None:
        write_table(files, output)
        lines.append(f"wrote {printable(output)}")
    return Answer(lambda: document, lines)


@command("stitch", fields=FIELDS)
@click.argument("table")
@click.option("-c", "--channel", required=True, metavar="NAME", help="As the table calls it.")
@click.option(
    "--images",
    metavar="PLACE",
    help="Folder, URI or package with the images, if not where the table says.",
)
@click.option("--well", metavar="WELLS", default="", help="A01, A01,B02, A01-B03; by default all.")
@click.option(
    "--smaller",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="Pixels in a row of a square that becomes one.",
)
@click.option(
    "--overlap",
    type=click.Choice(["last", "mean"]),
    default="last",
    show_default=True,
    help="What is seen where sites overlap.",
)
@output_file("Write a picture (.png, .svg, .pdf) or the pixels (.ome.tiff).")
def stitch_command(table: str, channel: str, output: Path | None, **how: Any) -> Answer:
    """Put the sites of a well or a plate together, where they were taken.

    TABLE is a load_data table or an Index.idx.xml with the positions of sites: a file, or a file of
    a package as 'show' names it.
    """
    from cellfolio.storage.home import Home
    from cellfolio.workflows.mosaics import stitch_named

    _check_output(output)
    image = stitch_named(
        table,
        how["images"],
        channel=channel,
        wells=how["well"],
        smaller=how["smaller"],
        overlap=how["overlap"],
        home=Home(),
    )
    if output is not None:
        _write(image, output)
    height, width = image.shape
    edge = image.pixel_size.x
    document = {
        "table": table,
        "channel": channel,
        "shape": [height, width],
        "pixel_size": edge,
        "output": None if output is None else str(output),
    }
    lines = [f"{image.name}, {channel}: {height} × {width} pixels of {edge:g} µm"]
    if output is not None:
        lines.append(f"wrote {printable(output)}")
    return Answer(lambda: document, lines)


def _check_output(output: Path | None) -> None:
    """Refuse what cannot be written, before anything is read."""
    from cellfolio.errors import InvalidArgument
    from cellfolio.imaging.saving import check_picture_path

    if output is None:
        return
    if not output.name.lower().endswith(_IMAGES):
        check_picture_path(output)
    elif not output.parent.is_dir():
        raise InvalidArgument(f"there is no folder {output.parent}", hint="make it first")


def _write(image: Any, output: Path) -> None:
    from cellfolio.formats.images.writing import write_ome_tiff
    from cellfolio.workflows.viewing import view

    if output.name.lower().endswith(_IMAGES):
        write_ome_tiff(
            output,
            image.read(),
            image.axes,
            channels=image.channels,
            pixel_size=image.pixel_size,
        )
    else:
        view(image).save(output)
