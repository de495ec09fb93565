"""The command for volumes: slice."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cellfolio.cli.command import Answer, command, terminal_progress
from cellfolio.cli.text import plural, printable
from cellfolio.cli.writing import PICTURES, check_out, out_option

if TYPE_CHECKING:
    from cellfolio.workflows.atlas_pictures import ShownSlice


@command(
    "slice",
    fields={
        "shape": "voxels along the axes of the file",
        "spacing": "their size in mm, along the first three axes",
        "orientation": "where the axes lead to, such as RAS; ? where the file does not tell",
        "notes": "what the file does not tell, and what is taken instead",
        "plane": "of the slice",
        "index": "voxel along the axis that it is cut across",
        "position": "the same in mm, with the direction",
        "minimum": "smallest value in it",
        "maximum": "largest value in it",
        "labels": "number of structures outlined, or null",
        "out": "file written, or null",
    },
)
@click.argument("volume")
@click.option(
    "--axis", "plane", default="coronal", metavar="PLANE",
    help="coronal, sagittal, horizontal, or an axis of the file: x, y, z.",
)  # fmt: skip
@click.option(
    "--at", metavar="MM", help="Position in mm, as NIfTI counts; or with a direction: 5.4P."
)
@click.option("--index", type=int, metavar="NUMBER", help="Voxel instead of a position.")
@click.option("--time", type=int, default=0, metavar="NUMBER", help="Place on the fourth axis.")
@click.option("--outlines", metavar="LABELS", help="Volume of labels of the same grid.")
@out_option
def slice_command(
    volume: str, plane: str, outlines: str | None, out: Path | None, **choice: Any
) -> Answer:
    """Show a slice of an image volume (NIfTI); with -o, draw it.

    VOLUME and LABELS are files, or PACKAGE/PATH. By default, the slice in the middle is taken.
    """
    from cellfolio.workflows.atlas_pictures import SliceChoice, read_slice

    check_out(out, PICTURES)
    found = read_slice(
        volume, SliceChoice(plane, **choice), outlines=outlines, progress=terminal_progress()
    )
    for note in found.volume.notes:
        warnings.warn(note, stacklevel=2)
    if out is not None:
        from cellfolio.imaging.saving import save_figure

        save_figure(found.draw(), out)
    document = _slice_document(found, out)
    return Answer(lambda: document, _slice_lines(document))


def _slice_document(found: ShownSlice, out: Path | None) -> dict[str, Any]:
    import numpy as np

    data = found.shown.data
    return {
        "shape": list(found.volume.data.shape),
        "spacing": list(found.volume.spacing),
        "orientation": found.volume.orientation,
        "notes": list(found.volume.notes),
        "plane": found.shown.plane,
        "index": found.shown.index,
        "position": found.shown.position,
        "minimum": data.min().item(),
        "maximum": data.max().item(),
        "labels": None
        if found.labels is None
        else int(np.count_nonzero(np.unique(found.labels.data))),
        "out": None if out is None else str(out),
    }


def _slice_lines(document: dict[str, Any]) -> Iterator[str]:
    shape = " × ".join(map(str, document["shape"]))
    spacing = " × ".join(f"{one:.4g}" for one in document["spacing"])
    yield f"volume  {shape}, {spacing} mm, {document['orientation']}"
    yield f"slice   {document['plane']} {document['index']}, at {document['position']}"
    yield f"values  {document['minimum']:.6g} to {document['maximum']:.6g}"
    if document["labels"] is not None:
        yield f"labels  {plural(document['labels'], 'structure')}"
    if document["out"] is not None:
        yield f"written to {printable(document['out'])}"
