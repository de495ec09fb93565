"""Where the sites of a well are, as the microscope noted it. Pure functions of tables."""

from __future__ import annotations

from collections.abc import Iterable
from math import isnan
from typing import TYPE_CHECKING

from cellfolio.errors import InvalidArgument
from cellfolio.metadata.columns import PLATE, PREFIX, SITE, WELL

if TYPE_CHECKING:
    import pandas as pd


def site_positions(files: pd.DataFrame) -> dict[tuple[str, int], tuple[float, float]]:
    """Return where each site of a plate is in its well, in metres, X to the right and Y upwards.

    Parameters
    ----------
    files : pandas.DataFrame
        A table of image files of one plate (see `cellfolio.metadata.load_data.image_files`).

    Returns
    -------
    dict of (well, site) to (x, y)

    Raises
    ------
    InvalidArgument
        If the table has no positions, or those of several plates.
    """
    plates = files[PLATE].unique()
    if len(plates) > 1:
        raise InvalidArgument(f"the table has {len(plates)} plates; expected one")
    names = [PREFIX + "PositionX", PREFIX + "PositionY"]
    rows = _numeric(files, names)
    return {
        (well, site): (x, y)
        for well, site, x, y in reversed(list(zip(files[WELL], files[SITE], *rows, strict=True)))
        if not (isnan(x) or isnan(y))
    }


def pixel_size_of(files: pd.DataFrame) -> tuple[float, float]:
    """Return the metres of a pixel, X and Y, that a table of image files tells.

    Raises
    ------
    InvalidArgument
        If it tells none, or several.
    """
    names = [PREFIX + "ImageResolutionX", PREFIX + "ImageResolutionY"]
    pairs = set(zip(*_numeric(files, names), strict=True))
    if len(pairs) != 1 or not all(0 < one < 1 for one in next(iter(pairs))):
        raise InvalidArgument(f"the table tells {len(pairs)} sizes of a pixel; expected one")
    return pairs.pop()


def _numeric(files: pd.DataFrame, names: list[str]) -> Iterable[list[float]]:
    import pandas as pd

    missing = [name for name in names if name not in files]
    if missing:
        raise InvalidArgument(
            f"the table of image files has no column {' and '.join(missing)}",
            hint="`load_data.csv` of CPJUMP1 and Index.idx.xml of the Opera Phenix have it",
        )
    return [pd.to_numeric(files[name], errors="coerce").tolist() for name in names]
