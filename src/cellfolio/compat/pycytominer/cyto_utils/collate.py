"""collate: CSV files of a plate become a database, and that a profile of each well."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from cellfolio.compat.pycytominer.aggregate import aggregate
from cellfolio.compat.pycytominer.cyto_utils.output import output
from cellfolio.errors import InvalidArgument, ObjectNotFound
from cellfolio.formats.loading import load
from cellfolio.formats.single_cells.database_writing import IMAGES, write_database
from cellfolio.formats.single_cells.opening import open_cells
from cellfolio.workflows.cell_profiles import aggregate_cells

_STRATA = ["Metadata_Plate", "Metadata_Well"]
_SITE = "Metadata_Site"
_COUNT = "Count"


def collate(
    batch: str,
    config: str,
    plate: str,
    base_directory: str = "../..",
    column: str | None = None,
    munge: bool = False,
    csv_dir: str = "analysis",
    aws_remote: str | None = None,
    aggregate_only: bool = False,
    tmp_dir: str | None = None,
    overwrite: bool = False,
    add_image_features: bool = True,
    image_feature_categories: list[str] | None = [
        "Granularity",
        "Texture",
        "ImageQuality",
        "Threshold",
    ],
    printtoscreen: bool = True,
) -> None:
    """Make ``backend/BATCH/PLATE/PLATE.sqlite`` and ``.csv`` of ``analysis/BATCH/PLATE/CSV_DIR``.

    Of no use here, and not looked at: `config` and `tmp_dir`, which are for cytominer-database, and
    `munge`, as files that hold all compartments tell so themselves.

    Raises
    ------
    InvalidArgument
        If `aws_remote` is given, or the database is there and may not be replaced.
    ObjectNotFound
        If there are no CSV files, or with `aggregate_only` no database.
    BrokenFile
    """
    if aws_remote is not None:
        raise InvalidArgument(
            "aws_remote is not done: nothing is copied from or to a bucket",
            hint="cellfolio get fetches files, and cellfolio push stores them",
        )
    base = Path(base_directory)
    tree, backend = base / "analysis" / batch / plate / csv_dir, base / "backend" / batch / plate
    database, profiles = backend / f"{plate}.sqlite", backend / f"{plate}.csv"
    if not aggregate_only:
        if not tree.is_dir():
            raise ObjectNotFound(f"there is no folder {tree}")
        if database.exists() and not overwrite:
            raise InvalidArgument(
                f"{database} is there",
                hint="overwrite=True replaces it, aggregate_only=True uses it",
            )
        _tell(f"Ingesting {tree}", shown=printtoscreen)
        backend.mkdir(parents=True, exist_ok=True)
        write_database(tree, database, plate_column=column)
    if not database.is_file():
        raise ObjectNotFound(f"there is no file {database}")
    _tell(f"Aggregating {database}", shown=printtoscreen)
    cells = aggregate_cells(open_cells(database), _STRATA, "mean", count_objects=True)
    images = _of_images(database, image_feature_categories if add_image_features else None)
    both = images.merge(cells, on=_STRATA, how="right")
    first = [name for name in both.columns if name.startswith("Metadata_")]
    output(both[[*first, *both.columns.difference(first, sort=False)]], str(profiles),
           compression_options=None)  # fmt: skip


def _tell(text: str, *, shown: bool) -> None:
    if shown:
        print(text)


def _of_images(database: Path, categories: list[str] | None) -> pd.DataFrame:
    """Return the number of sites of each well, and what is measured of its images."""
    table: pd.DataFrame = load(database).read(IMAGES)
    counted = table.groupby(_STRATA, dropna=False)[_SITE].count()
    found: Any = counted.rename("Metadata_Site_Count").reset_index()
    if categories is None:
        return found  # type: ignore[no-any-return]
    absent = [one for one in categories if not table.columns.str.startswith(one).any()]
    if absent:
        raise InvalidArgument(f"no feature of the images begins with {absent[0]!r}")
    named = {
        name: f"Metadata_{name}" if name.startswith(f"{_COUNT}_") else f"Image_{name}"
        for name in table.columns
        if name.startswith(tuple(categories))
    }
    counts = [name for name in named if name.startswith(f"{_COUNT}_")]
    rest = [name for name in named if name not in counts]
    if counts:
        sums = table.groupby(_STRATA, dropna=False)[counts].sum().reset_index()
        found = found.merge(sums.rename(columns=named), on=_STRATA, how="left")
    if rest:
        means = aggregate(table[[*_STRATA, *rest]], _STRATA, rest, operation="mean")
        found = found.merge(means.rename(columns=named), on=_STRATA, how="left")
    return found  # type: ignore[no-any-return]
