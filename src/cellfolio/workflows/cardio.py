"""The cells of the cardiomyocyte study, out of its package."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cellfolio.errors import InvalidArgument
from cellfolio.metadata.cardio import JoinedCells, join_cells
from cellfolio.metadata.cardio_tables import TABLES
from cellfolio.package.package import Package
from cellfolio.package.patterns import glob_pattern
from cellfolio.storage.home import Home, ensure_held
from cellfolio.storage.progress import Progress
from cellfolio.workflows.loading import load

if TYPE_CHECKING:
    import pandas as pd


def cardio_cells(
    package: Package, *, progress: Progress | None = None, home: Home | None = None
) -> JoinedCells:
    """Join the cells of the cardiomyocyte study.

    Fields, images of cells, scores of structure, features, structure and localisation of probes
    are joined by the keys that the study documents (see `cellfolio.metadata.cardio`). Folders are
    found by the names of both forms of the package, or of its earlier tables; of what is absent,
    the report tells.

    Parameters
    ----------
    package : Package
        ``aics/integrated_transcriptomics_structural_organization_hipsc_cm``, or a part of it.
    progress : callable, optional
    home : Home, optional

    Returns
    -------
    JoinedCells
        With `table`, `without_cells` and `reports`.

    Raises
    ------
    InvalidArgument
        If the package has no tables of cells of the study.
    TransferIncomplete, BrokenFile
    """
    home = home or Home()
    found = find_cardio_tables(package)
    if not found:
        raise InvalidArgument(
            f"{package.title} has no cells of the cardiomyocyte study",
            hint="it would be a package with tables such as "
            + TABLES[1].files[0].removeprefix("**/"),
        )
    ensure_held([package.entry(key) for key in found.values()], home, progress)
    tables: dict[str, pd.DataFrame] = {
        name: load(package, key, home=home) for name, key in found.items()
    }
    return join_cells(tables)


def find_cardio_tables(package: Package) -> dict[str, str]:
    """Return the keys of the study's tables by their names in `TABLES`.

    Nothing is returned if none of them is a table of cells.
    """
    keys = [key for at in range(len(package.rows)) if (key := package.rows.key(at)).endswith("csv")]
    found: dict[str, str] = {}
    for table in TABLES:
        for pattern in map(glob_pattern, table.files):
            fitting = [key for key in keys if pattern.match(key)]
            if fitting:
                found[table.name] = min(fitting, key=lambda key: (key.count("/"), key))
                break
    return found if any(table.of_cells and table.name in found for table in TABLES) else {}
