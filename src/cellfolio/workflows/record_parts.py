"""Which records a user's words name: ``PACKAGE[/KIND[/NAME]]``, conditions, a related kind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from cellfolio.errors import InvalidArgument
from cellfolio.formats.saving import check_table_name, write_table
from cellfolio.metadata.distributed import TABLE
from cellfolio.metadata.graph import RecordGraph
from cellfolio.metadata.json_columns import flattened, free_name
from cellfolio.metadata.kinds import AICS_KINDS
from cellfolio.metadata.records import Record, Records
from cellfolio.storage.home import Home
from cellfolio.storage.progress import Progress
from cellfolio.workflows.opening import Opened, is_path, open_package
from cellfolio.workflows.records import find_records, no_records

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of the records.

    Attributes
    ----------
    conditions : sequence of str
        See `Records.where`.
    related : str
        Kind of which the related ones are wanted instead; empty for none.
    """

    conditions: Sequence[str] = ()
    related: str = ""


@dataclass(frozen=True, slots=True)
class RecordPart:
    """Records that were asked for.

    Attributes
    ----------
    opened : Opened
        Their package.
    graph : RecordGraph
    records : Records or None
        None if no kind was named.
    record : Record or None
        If just one was named.
    """

    opened: Opened
    graph: RecordGraph
    records: Records | None = None
    record: Record | None = None

    def table(self) -> pd.DataFrame:
        """Return the records as a table with their names; of all kinds, the links.

        Lists and objects stay what they are.
        """
        if self.records is None:
            return self.graph.links()
        table = self.records.table()
        if self.records.at == self.graph.through:
            return table.reset_index(drop=True)
        return table.rename_axis(free_name("name", table.columns)).reset_index()

    def report(self) -> pd.DataFrame:
        """Return what is wrong with them as a table (see `RecordGraph.report`)."""
        report = self.graph.report()
        if self.records is None:
            return report
        mine = (report["kind"] == self.records.kind) & report["name"].isin(self.records.names)
        return report[mine].reset_index(drop=True)


def write_records(part: RecordPart, path: Path, *, report: bool = False) -> pd.DataFrame:
    """Write the records to a file as a table, or what is wrong with them; return the table.

    Parameters
    ----------
    part : RecordPart
    path : Path
        ``.csv``, ``.tsv``, ``.parquet`` or ``.json``. Lists and objects become JSON text in all
        but the last.
    report : bool
        Write `RecordPart.report` instead.

    Raises
    ------
    InvalidArgument
    """
    check_table_name(path)
    table = part.report() if report else part.table()
    write_table(table if path.suffix.lower() == ".json" else flattened(table), path)
    return table


def open_records(
    text: str,
    asked: Asked,
    home: Home,
    *,
    registry: str | None = None,
    progress: Progress | None = None,
) -> RecordPart:
    """Return the records that a user's words name.

    Parameters
    ----------
    text : str
        ``PACKAGE[/FOLDER][/KIND[/NAME]]``, or a folder on this machine and the same after it.
    asked : Asked
    home : Home
    registry : str, optional
    progress : callable, optional

    Raises
    ------
    NotFound
        If there are no records, or none of that kind and name.
    InvalidArgument
        If a condition cannot be understood, or no kind is named that it could be about.
    """
    opened = _open(text, home, registry, progress)
    parts = opened.path.strip("/").split("/") if opened.path.strip("/") else []
    for cut in range(len(parts) + 1):
        graph = find_records(opened.package, "/".join(parts[:cut]), home, progress)
        if graph is not None:
            return _part(opened, graph, parts[cut:], asked)
    raise no_records(opened.package, opened.path)


def _open(text: str, home: Home, registry: str | None, progress: Progress | None) -> Opened:
    if is_path(text):
        folder = Path(text).expanduser().absolute()
        # PACKAGE/KIND/NAME, each of which may be a folder on this disk, or none.
        for root in (folder, *folder.parents)[:3]:
            if _has_records(root):
                opened = open_package(str(root), home, registry=registry, progress=progress)
                return replace(opened, path="/".join(folder.relative_to(root).parts))
    return open_package(text, home, registry=registry, progress=progress)


def _has_records(folder: Path) -> bool:
    """Whether a folder looks like a package with records; a folder of a kind does not."""
    words = (TABLE, *(word for kind in AICS_KINDS for word in kind.words))
    return any((folder / word).exists() for word in words)


def _part(opened: Opened, graph: RecordGraph, path: list[str], asked: Asked) -> RecordPart:
    selecting = bool(asked.conditions or asked.related)
    if not path and not selecting:
        return RecordPart(opened, graph)
    if not path and graph.through is None:
        raise InvalidArgument(
            "conditions and related kinds are about the records of a kind, and none is named",
            hint=f"name one after the package, such as {graph.title.partition('@')[0]}/fovs",
        )
    # Of a table, conditions are about its rows.
    records = graph.records(path[0] if path else graph.kinds[graph.through or 0])
    record = None
    if path[1:]:
        record = records["/".join(path[1:])]
        records = Records(graph, record.at, records.positions[record.position :][:1])
    records = records.where(*asked.conditions)
    if asked.related:
        return RecordPart(opened, graph, records.related(asked.related))
    return RecordPart(opened, graph, records, record if len(records) else None)
