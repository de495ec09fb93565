"""Single cells of many files become one table."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from cellfolio.errors import InvalidArgument
from cellfolio.formats.single_cells.cellprofiler import CellProfilerCells
from cellfolio.formats.single_cells.opening import open_cells
from cellfolio.formats.single_cells.source import CellBatch, CellProblem, CellSource
from cellfolio.profiles.linking import METADATA
from cellfolio.storage.disk import sha256_of, writing
from cellfolio.storage.home import Home
from cellfolio.storage.progress import Meter, Progress
from cellfolio.workflows.cell_profiles import held_cells
from cellfolio.workflows.engines.engine import Workers
from cellfolio.workflows.reading_cells import in_processes

if TYPE_CHECKING:
    import pyarrow as pa

KEY = b"cellfolio"
"""Of the file's metadata: version of the code, and digests of the inputs."""
_VALUES = 8 << 20
"""Values of a group of rows, at most about; a site at least. Readers want few large groups."""
_READ = (".csv", ".csv.gz", ".parquet", ".sqlite", ".sqlite3", ".db", ".npz")


@dataclass(frozen=True, slots=True)
class WrittenCells:
    """Single cells that were written.

    Attributes
    ----------
    path : Path
    sites : int
        Parts that were read with a cell in them, such as images.
    cells : int
    columns, features : int
        Number of columns, and of those that hold measurements.
    inputs : int
        Number of files.
    problems : tuple of CellProblem
        What was left out, or is missing.
    """

    path: Path
    sites: int
    cells: int
    columns: int
    features: int
    inputs: int
    problems: tuple[CellProblem, ...]


def single_cells(
    cells: Path | str,
    output: Path | str,
    *,
    keep_going: bool = False,
    workers: Workers = 1,
    progress: Progress | None = None,
    home: Home | None = None,
) -> WrittenCells:
    r"""Join single cells of many files into one Parquet file.

    A part is read at a time, such as the tables of a site, so memory stays bounded. The same files
    give the same bytes.

    Parameters
    ----------
    cells : path or str
        What `open_cells` opens, such as a folder of CellProfiler's tables; or ``PACKAGE/PATH``.
    output : path
        ``.parquet``; a file that is there is replaced once the new one is whole.
    keep_going : bool
        Whether parts that are broken are left out, and told of, instead of raised.
    workers : int or Engine, optional
        Processes that read folders of CellProfiler's tables, or a cluster; None for one process
        for each core. The file is the same. In a script, more than one need
        ``if __name__ == "__main__":`` around the call.
    progress : callable, optional
    home : Home, optional

    Raises
    ------
    InvalidArgument, NotFound, UnknownFormat, BrokenFile, TransferIncomplete

    Examples
    --------
    >>> import tempfile, cellfolio
    >>> from pathlib import Path
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     site = Path(folder, "P1-A01-1")
    ...     site.mkdir()
    ...     _ = Path(site, "Image.csv").write_text("ImageNumber\n1\n")
    ...     table = "ImageNumber,ObjectNumber,AreaShape_Area\n1,1,80\n1,2,95\n"
    ...     _ = Path(site, "Cells.csv").write_text(table)
    ...     cellfolio.single_cells(folder, Path(folder, "cells.parquet")).cells
    2
    """
    output = _check_output(Path(output))
    home = home or Home()
    with held_cells(str(cells), home, progress) as path:
        source = open_cells(path, keep_going=keep_going)
        with writing(output, ".parquet") as unfinished:
            batches = in_processes(source, workers).batches()
            found = _write(source, batches, path, unfinished, progress)
    return WrittenCells(output, *found)


def _check_output(path: Path) -> Path:
    if path.suffix.lower() != ".parquet":
        raise InvalidArgument(f"single cells are written as .parquet, found {path.name!r}")
    if not path.parent.is_dir():
        raise InvalidArgument(f"there is no folder {path.parent} to write {path.name} to")
    return path


def _write(
    source: CellSource,
    batches: Iterator[CellBatch],
    path: Path,
    output: Path,
    progress: Progress | None,
) -> tuple[int, int, int, int, int, tuple[CellProblem, ...]]:
    """Write cells; return what `WrittenCells` tells."""
    import pyarrow.parquet as pq

    problems: list[CellProblem] = []
    total = len(source) if isinstance(source, CellProfilerCells) else 0
    meter = Meter(progress, "read", total, 0)
    sites = cells = 0
    with contextlib.ExitStack() as stack:
        writer = None
        for group, parts in _groups(batches, len(source.columns), problems, meter):
            if writer is None:
                writer = stack.enter_context(
                    pq.ParquetWriter(output, group.schema, **_rules(group))
                )
            writer.write_table(group, row_group_size=max(1, len(group)))
            sites, cells = sites + parts, cells + len(group)
        if writer is None or not cells:
            told = f": {problems[0].path}: {problems[0].what}" if problems else ""
            raise InvalidArgument(f"there are no cells in {path}{told}")
        inputs = _digests(source, path)
        writer.add_key_value_metadata({KEY: _record(inputs)})
    meter.tell(finished=True)
    columns = source.columns
    features = [name for name in columns if not name.startswith((METADATA, "Image_"))]
    return sites, cells, len(columns), len(features), len(inputs), tuple(problems)


def _groups(
    batches: Iterator[CellBatch], width: int, problems: list[CellProblem], meter: Meter
) -> Iterator[tuple[pa.Table, int]]:
    """Yield whole batches that are together a group of rows, and how many they are."""
    import pyarrow as pa

    most = max(1, _VALUES // max(1, width))
    pending: list[pa.Table] = []
    rows = 0
    for batch in batches:
        problems += batch.problems
        meter.advance(files=1)
        meter.tell()
        if not len(batch.table):
            continue
        pending.append(batch.table)
        rows += len(batch.table)
        if rows >= most:
            yield pa.concat_tables(pending), len(pending)
            pending, rows = [], 0
    if pending:
        yield pa.concat_tables(pending), len(pending)


def _rules(table: pa.Table) -> dict[str, object]:
    """Return how a table is written: texts repeat, measurements do not."""
    import pyarrow as pa

    numbers = {pa.float64(), pa.float32()}
    others = [field.name for field in table.schema if field.type not in numbers]
    return {"use_dictionary": others, "compression": "snappy", "write_statistics": others}


def _record(inputs: dict[str, str]) -> bytes:
    return json.dumps({"version": version("cellfolio"), "inputs": inputs}).encode()


def _digests(source: CellSource, path: Path) -> dict[str, str]:
    """Return the digests of the files that were read, by their names below the source."""
    if isinstance(source, CellProfilerCells):
        files: Iterable[tuple[str, Path]] = ((one.name, one.path) for one in source.files)
    elif path.is_file():
        files = [(path.name, path)]
    else:
        below = sorted(one for one in path.rglob("*") if one.name.lower().endswith(_READ))
        files = [(one.relative_to(path).as_posix(), one) for one in below]
    return {name: str(sha256_of(one)) for name, one in files}
