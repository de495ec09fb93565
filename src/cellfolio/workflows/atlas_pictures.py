"""Pictures of the atlas: cells in their places, slices of its volumes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cellfolio.errors import InvalidArgument
from cellfolio.formats.slices import VolumeSlice, cut
from cellfolio.formats.volumes import Volume
from cellfolio.imaging.scatter import ScatterStyle, draw_classes, draw_values
from cellfolio.imaging.slices import draw_slice
from cellfolio.package.nearest import suggest_or_list
from cellfolio.package.package import Package
from cellfolio.storage.home import Home
from cellfolio.storage.progress import Progress
from cellfolio.workflows.atlas import DATASET, AtlasCells
from cellfolio.workflows.expression import genes
from cellfolio.workflows.loading import load
from cellfolio.workflows.opening import open_named

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_SECTION = "brain_section_label"
_SIDES = ("x", "y")


def draw_cells(
    cells: AtlasCells,
    colour: str = "class",
    *,
    sides: tuple[str, str] = _SIDES,
    dataset: str | Package = DATASET,
    progress: Progress | None = None,
    confirm: Callable[[str], None] | None = None,
    home: Home | None = None,
) -> Figure:
    """Draw cells in their places, coloured by a column or a gene.

    Parameters
    ----------
    cells : AtlasCells
    colour : str
        A column: of names, in the atlas's own colours, or of numbers. Else a gene, whose
        expression (log2) is read.
    sides : tuple of str
        Columns of the places: ``x``, ``y`` are those in a section, or in a map of similarity
        (UMAP) where a directory has no sections; ``z_ccf``, ``y_ccf`` those in the brain.
    dataset : str or Package
        Where the gene is read.
    progress, confirm, home
        See `cellfolio.genes`.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    InvalidArgument, EntryNotFound
        If there is no such column or gene.
    """
    import pandas as pd

    table = cells.table
    for side in sides:
        if side not in table.columns:
            raise InvalidArgument(
                f"the cells have no column {side!r}", hint=suggest_or_list(side, map(str, table))
            )
    style = _style(cells, sides)
    places = [table[side].to_numpy() for side in sides]
    if colour not in table.columns:
        found = genes(
            table, [colour], dataset=dataset, progress=progress, confirm=confirm, home=home
        )
        values = found.to_df().iloc[:, 0].to_numpy()
        return draw_values(places[0], places[1], values, f"{colour} (log2)", style)
    if pd.api.types.is_numeric_dtype(table[colour]):
        return draw_values(places[0], places[1], table[colour].to_numpy(), colour, style)
    return draw_classes(places[0], places[1], table[colour], cells.colours(colour), style)


def sections_of(cells: AtlasCells) -> list[str]:
    """Return the sections that cells lie in; none where their x and y are no places in one."""
    table = cells.table
    if _SECTION not in table.columns or "z" not in table.columns:
        return []  # z tells sections from maps of similarity, which have x and y only
    return sorted(map(str, table[_SECTION].dropna().unique()))


def _style(cells: AtlasCells, sides: tuple[str, str]) -> ScatterStyle:
    sections = sections_of(cells)
    in_space = bool(sections) or any("_" in side for side in sides)
    where = sections[0] if len(sections) == 1 else cells.directory
    unit = " (mm)" if in_space else ""
    return ScatterStyle(
        title=f"{where}: {len(cells.table):,} cells",
        x_label=f"{sides[0]}{unit}",
        y_label=f"{sides[1]}{unit}",
        # In sections and in the Common Coordinate Framework, y grows from top to bottom.
        y_down=in_space and sides[1].startswith("y"),
    )


@dataclass(frozen=True, slots=True)
class SliceChoice:
    """Which slice of a volume.

    Attributes
    ----------
    plane : str
    at : str or None
        Position in mm.
    index : int or None
        Voxel.
    time : int
        See `cellfolio.formats.slices.cut`.
    """

    plane: str = "coronal"
    at: str | None = None
    index: int | None = None
    time: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class ShownSlice:
    """A slice of a volume, and of the labels that lie on it.

    Attributes
    ----------
    volume : Volume
    shown : VolumeSlice
    labels : VolumeSlice or None
    """

    volume: Volume
    shown: VolumeSlice
    labels: VolumeSlice | None

    def draw(self) -> Figure:
        """Draw it; the labels as outlines."""
        return draw_slice(self.shown, None if self.labels is None else self.labels.data)


def read_slice(
    volume: str,
    choice: SliceChoice | None = None,
    *,
    outlines: str | None = None,
    progress: Progress | None = None,
    home: Home | None = None,
) -> ShownSlice:
    """Read a slice of a volume, and the same of the labels that are to be outlined.

    Parameters
    ----------
    volume : str
        Path of a NIfTI file, or PACKAGE/PATH of one, such as
        ``abc/atlas/image_volumes/Allen-CCF-2020/20250331/average_template_25.nii.gz``.
    choice : SliceChoice, optional
        By default the coronal slice in the middle.
    outlines : str, optional
        The volume of the labels, of the same grid.
    progress : callable, optional
    home : Home, optional

    Raises
    ------
    InvalidArgument
        If it is no volume, there is no such slice, or the grids differ.
    EntryNotFound, BrokenFile, TransferIncomplete
    """
    home, choice = home or Home(), choice or SliceChoice()
    opened = _volume(volume, home, progress)
    shown = _cut(opened, choice)
    if outlines is None:
        return ShownSlice(opened, shown, None)
    labels = _volume(outlines, home, progress)
    one, other = (v.data.shape[:3] for v in (opened, labels))
    if one != other or opened.orientation != labels.orientation:
        raise InvalidArgument(
            f"the labels should be of the same grid: expected {one}, {opened.orientation}, "
            f"found {other}, {labels.orientation}"
        )
    return ShownSlice(opened, shown, cut(labels, choice.plane, index=shown.index))


def _cut(volume: Volume, choice: SliceChoice) -> VolumeSlice:
    return cut(volume, choice.plane, at=choice.at, index=choice.index, time=choice.time)


def _volume(text: str, home: Home, progress: Progress | None) -> Volume:
    if Path(text).expanduser().is_file():
        found = load(Path(text).expanduser(), home=home)
    else:
        opened = open_named(text, home)
        if not opened.path:
            raise InvalidArgument(
                f"{text!r} names a package, not a file of it", hint="add the path: PACKAGE/PATH"
            )
        found = load(opened.package, opened.path, progress=progress, home=home)
    if not isinstance(found, Volume):
        raise InvalidArgument(f"{text} is no volume; it is a {type(found).__name__}")
    return found
