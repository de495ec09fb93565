"""A whole plate in one picture: each well's image where the well is."""

from __future__ import annotations

import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from cellfolio.errors import InvalidArgument
from cellfolio.formats.images.image import Image
from cellfolio.imaging.choosing import choose
from cellfolio.imaging.contrast import SAMPLE
from cellfolio.imaging.montage import Panel, montage
from cellfolio.imaging.options import ViewOptions
from cellfolio.imaging.painting import legend_of, paint, shown_channels
from cellfolio.imaging.picture import Picture
from cellfolio.imaging.scaling import fit_zoom
from cellfolio.imaging.showing import SCREEN
from cellfolio.imaging.shown import ShownImage, largest_shape, shrink
from cellfolio.registries.plates import PlateFormat, Well, name_wells, row_letters, smallest_plate

THREADS = max(4, os.cpu_count() or 1)
"""Images that are read at once; each is in memory until it was made small."""
_GAP = 2


def plate_montage(
    wells: Mapping[Well, Image],
    options: ViewOptions | None = None,
    *,
    plate: PlateFormat | None = None,
) -> Picture:
    """Return a picture of a plate, wells where they are, all with one contrast.

    Images are read several at once, and each is averaged to its thumbnail before the next: memory
    holds thumbnails and a few images, however large the plate is.

    Parameters
    ----------
    wells : mapping of Well to Image
        One image for each well, with the same channels; channels are blended. Wells that are not
        there are left blank, and told in `Picture.notes`.
    options : ViewOptions, optional
        ``size`` is that of a thumbnail. There is no scale bar: what is round would be longer or
        shorter than a thumbnail can show.
    plate : PlateFormat, optional
        By default the smallest that has all wells.

    Raises
    ------
    InvalidArgument
        If a well is not on the plate, there is none, the images have different channels, or a
        scale bar is asked for.
    BrokenFile, TransferError
        See `Image.read`.

    Examples
    --------
    >>> import numpy as np
    >>> from cellfolio.formats.images import image_of
    >>> image = image_of(np.eye(64), "YX")
    >>> plate_montage({Well(1, 1): image, Well(2, 3): image}, ViewOptions(size=32)).notes
    ('4 of 6 wells have no image: A02-A03,B01-B02',)
    """
    options = options or ViewOptions()
    options = replace(options, style="plate", each=bool(options.each))
    if options.scale_bar:
        raise InvalidArgument("no scale bar can be drawn on a plate; its images are too small")
    plate = plate or smallest_plate(wells)
    lost = sorted(well for well in wells if well.row > plate.rows or well.column > plate.columns)
    if lost:
        raise InvalidArgument(f"{name_wells(lost)} is not on the plate: {plate}")
    chosen = choose(list(wells.values()), options)
    zoom = fit_zoom(largest_shape(chosen.images), options.size or max(24, SCREEN // plate.columns))
    count = max(1000, SAMPLE // len(wells))

    def read(image: Image) -> ShownImage:
        return shrink(image, zoom, options.project or "max", samples=count)

    with ThreadPoolExecutor(THREADS) as pool:
        shown = list(pool.map(read, chosen.images))
    channels = shown_channels(shown, chosen.channels, options)
    painted = dict(
        zip(wells, (one for (one,) in paint(shown, channels, composite=True)), strict=True)
    )
    picture = montage(
        [Panel(painted[well]) if well in painted else None for well in plate.wells()],
        plate.columns,
        row_names=[row_letters(row) for row in range(1, plate.rows + 1)],
        column_names=[str(column) for column in range(1, plate.columns + 1)],
        legend=legend_of(channels),
        gap=_GAP,
    )
    missing = [well for well in plate.wells() if well not in wells]
    notes = chosen.notes
    if missing:
        are = f"{len(missing)} of {plate.size} wells have no image: {name_wells(missing)}"
        notes = (*notes, are)
    return replace(picture, channels=channels, zoom=zoom, notes=notes)
