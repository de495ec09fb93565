"""From single cells to a profile of each well, in bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from cellfolio.errors import InvalidArgument
from cellfolio.formats.single_cells.opening import open_cells
from cellfolio.formats.single_cells.source import CellProblem, CellSource
from cellfolio.profiles.aggregating import (
    OBJECT_COUNT,
    WELLS,
    Average,
    check_average,
)
from cellfolio.profiles.features import check_features, split_features
from cellfolio.profiles.rows import check_columns
from cellfolio.workflows.cell_averages import Wanted, average_by_features, average_by_wells
from cellfolio.workflows.engines.engine import Workers
from cellfolio.workflows.getting import fetch_entries
from cellfolio.workflows.opening import is_path, names_package, open_package
from cellfolio.workflows.reading_cells import in_processes

if TYPE_CHECKING:
    import pandas as pd

    from cellfolio.storage.home import Home
    from cellfolio.storage.progress import Progress

MEMORY = 64 << 20
"""Bytes of features of all cells that are worked on at once, at least one feature."""


def aggregate_cells(
    source: CellSource,
    by: str | Sequence[str] = WELLS,
    method: Average = "median",
    *,
    features: Sequence[str] | None = None,
    count_objects: bool = False,
    on_problem: Callable[[CellProblem], None] | None = None,
    memory: int = MEMORY,
) -> pd.DataFrame:
    """Make one profile of all cells that have the same values in some columns.

    The numbers are those of `cellfolio.profiles.aggregate` for a table of all cells, which is
    never made: if the source gives wells in order, and they are asked for, one well after the
    other is read; else a block of features of all cells after the other.

    Parameters
    ----------
    source : CellSource
        Such as `open_cells` returns.
    by : str or sequence of str
        Columns. A missing value is a value of its own, and comes last.
    method : {'median', 'mean'}
        Of the values that are not missing.
    features : sequence of str, optional
        Names of the features; by default those that `split_features` finds.
    count_objects : bool
        Whether the cells are counted in a column `Metadata_Object_Count`.
    on_problem : callable, optional
        Called with each `CellProblem`: what was left out.
    memory : int
        Bytes of features that are worked on at once, at most about.

    Returns
    -------
    pandas.DataFrame
        The columns of `by`, the count, and the features as float64; sorted by the columns of `by`.

    Raises
    ------
    InvalidArgument
        If a column is not there, a feature holds something else than numbers, or there is no cell.
    BrokenFile

    Examples
    --------
    >>> import tempfile, cellfolio
    >>> from pathlib import Path
    >>> import pandas as pd
    >>> cells = pd.DataFrame({"Metadata_Well": ["B1", "A1", "A1"], "Cells_Area": [7, 1, 4]})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     cells.to_parquet(Path(folder, "cells.parquet"))
    ...     source = cellfolio.open_cells(folder)
    ...     cellfolio.aggregate_cells(source, by="Metadata_Well")
      Metadata_Well  Cells_Area
    0            A1         2.5
    1            B1         7.0
    """
    check_average(method)
    names = (by,) if isinstance(by, str) else tuple(by)
    check_columns(source.columns, names)
    if features is None:
        chosen = split_features(source.columns).features
    else:
        chosen = check_features(features, source.columns)
    both = sorted(set(names).intersection(chosen))
    if both:
        raise InvalidArgument(f"cells cannot be grouped by a feature, found {both[0]!r}")
    wanted = Wanted(names, chosen, features is not None, method, on_problem)
    if source.wells_in_order and set(WELLS).issubset(names):
        found = average_by_wells(source, wanted)
    else:
        found = average_by_features(source, wanted, memory)
    return found.frame(count_objects=count_objects)


@dataclass(frozen=True, slots=True)
class CellProfiles:
    """Profiles of single cells, and what became of those.

    Attributes
    ----------
    counted : pandas.DataFrame
        The profiles, with `Metadata_Object_Count`.
    by : tuple of str
    problems : tuple of CellProblem
        What was left out.
    """

    counted: pd.DataFrame
    by: tuple[str, ...]
    problems: tuple[CellProblem, ...]

    @property
    def cells(self) -> int:
        """Number of cells that were averaged."""
        return int(self.counted[OBJECT_COUNT].sum())

    @property
    def features(self) -> int:
        """Number of features."""
        return self.counted.shape[1] - len(self.by) - 1

    def table(self, *, count_objects: bool) -> pd.DataFrame:
        """Return the profiles, with or without the number of cells."""
        return self.counted if count_objects else self.counted.drop(columns=OBJECT_COUNT)


def aggregate_named(
    cells: str,
    home: Home,
    *,
    by: Sequence[str] = WELLS,
    method: Average = "median",
    keep_going: bool = False,
    workers: Workers = 1,
    progress: Progress | None = None,
) -> CellProfiles:
    """Make profiles of single cells by name (see `aggregate_cells`).

    Parameters
    ----------
    cells : str
        Path of a file or folder that `open_cells` opens, or ``PACKAGE/PATH`` of one; its files are
        fetched and checked if they are not here.
    home : Home
    by : sequence of str
    method : {'median', 'mean'}
    keep_going : bool
        See `open_cells`.
    workers : int or Engine, optional
        See `in_processes`.
    progress : callable, optional

    Raises
    ------
    InvalidArgument, NotFound, UnknownFormat, BrokenFile, TransferIncomplete
    """
    problems: list[CellProblem] = []
    with held_cells(cells, home, progress) as path:
        found = aggregate_cells(
            in_processes(open_cells(path, keep_going=keep_going), workers),
            by,
            method,
            count_objects=True,
            on_problem=problems.append,
        )
    return CellProfiles(found, tuple(by), tuple(problems))


@contextmanager
def held_cells(cells: str, home: Home, progress: Progress | None) -> Iterator[Path]:
    """Give the path of a file or folder, or of links with the names that a package has them by."""
    if is_path(cells) or Path(cells).exists() or not names_package(cells):
        yield Path(cells).expanduser()
        return
    opened = open_package(cells, home)
    package = opened.package.subset(opened.path) if opened.path else opened.package
    entries = list(package.walk())
    paths = fetch_entries(entries, home, progress=progress)
    with TemporaryDirectory() as folder:
        for entry, path in zip(entries, paths, strict=True):
            link = Path(folder, entry.logical_key)
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(path)
        yield Path(folder, opened.path or ".")
