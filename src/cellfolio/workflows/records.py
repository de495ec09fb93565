"""The records of a package: plates, wells, fields of view; or rows and their files."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from cellfolio.errors import BrokenFile, EntryNotFound, NotFound
from cellfolio.formats.documents import read_json
from cellfolio.formats.format import Source
from cellfolio.formats.images.channels import read_channel_info
from cellfolio.formats.images.image import Image
from cellfolio.formats.images.opening import open_image
from cellfolio.formats.saving import write_table
from cellfolio.metadata.distributed import TABLE, build_file_graph
from cellfolio.metadata.documents import Unreadable, build_graph, find_places
from cellfolio.metadata.graph import RecordGraph
from cellfolio.metadata.kinds import AICS_KINDS
from cellfolio.metadata.records import Record
from cellfolio.metadata.schema import Schema, parse_schema
from cellfolio.metadata.schema_check import SchemaReport
from cellfolio.metadata.tabled import FileList
from cellfolio.package.entry import Entry
from cellfolio.package.package import Package
from cellfolio.package.plan import want
from cellfolio.storage.home import Home, ensure_held
from cellfolio.storage.progress import Progress
from cellfolio.workflows.loading import load
from cellfolio.workflows.opening import Opened, fetch_entry, open_package

SCHEMA_KEYS = ("SCHEMA", "SCHEMA.json", "SCHEMA/load", "SCHEMA/load.json")
"""Where the document may be, the preferred one first."""


def records(
    package: Package | str,
    folder: str = "",
    *,
    progress: Progress | None = None,
    home: Home | None = None,
) -> RecordGraph:
    """Return the records of a package, and what is related to what.

    Of packages of two shapes: those with info documents of lines, plates, wells, fields of view
    and segmentations, such as ``aics/aics_23``; and those with a table ``metadata.csv`` whose rows
    name files, as quilt3distribute makes them. Only documents and table are fetched, all at once.

    Parameters
    ----------
    package : Package or str
        Or the name of one (see `open`); a path after the name is a folder.
    folder : str
        Folder of the package that has such a shape, if not the package itself.
    progress : callable, optional
    home : Home, optional

    Returns
    -------
    RecordGraph

    Raises
    ------
    NotFound
        If it has neither shape.
    TransferIncomplete
        If some documents cannot be fetched.
    BrokenFile
        If the table cannot be read.
    """
    home = home or Home()
    package, folder = _opened(package, folder, home, progress)
    found = find_records(package, folder, home, progress)
    if found is None:
        raise no_records(package, folder)
    return found


def find_records(
    package: Package, folder: str, home: Home, progress: Progress | None
) -> RecordGraph | None:
    """Return the records that a folder of a package has; None if it has none."""
    base = _base(folder)
    title = f"{package.title}/{base}".rstrip("/")
    places = find_places(package, base)
    if any(place.documents for place in places):
        entries = (one for place in places for one in place.documents)
        return build_graph(places, read_documents(entries, home, progress), title=title)
    table = None
    if package.rows.find(base + TABLE) is not None:
        table = load(package, base + TABLE, progress=progress, home=home)
    return build_file_graph(FileList(package, base), table, title=title)


def no_records(package: Package, folder: str = "") -> NotFound:
    """Return the error for a package, or a folder of it, that has no records."""
    kinds = ", ".join(kind.name for kind in AICS_KINDS)
    where = f"{folder!r} in {package.title}" if folder else package.title
    below = [key for key in package if f"{key}/{TABLE}" in package] if not folder else []
    return NotFound(
        f"{where} has no records: no info documents in {kinds}, and no {TABLE} that names files",
        hint=f"name one of its folders: {', '.join(below[:6])}"
        if below
        else "`cellfolio show` lists what there is",
    )


def _base(folder: str) -> str:
    return f"{folder.strip('/')}/" if folder.strip("/") else ""


def schema(
    package: Package | str,
    folder: str = "",
    *,
    progress: Progress | None = None,
    home: Home | None = None,
) -> Schema:
    """Read the SCHEMA document of a package, which describes its info documents.

    Parameters
    ----------
    package : Package or str
        Or the name of one (see `open`); a path after the name is a folder.
    folder : str
        Folder of the package that has it, if not the package itself.
    progress : callable, optional
    home : Home, optional

    Returns
    -------
    Schema
        ``schema.markdown()`` is a page to read; ``schema.check(records(package))`` is a report.

    Raises
    ------
    EntryNotFound
        If there is none.
    BrokenFile
        If it is malformed.
    """
    home = home or Home()
    package, folder = _opened(package, folder, home, progress)
    return _read_schema(package, folder, home, progress)


def _read_schema(package: Package, folder: str, home: Home, progress: Progress | None) -> Schema:
    found = next(
        (key for name in SCHEMA_KEYS if package.rows.find(key := _base(folder) + name) is not None),
        None,
    )
    if found is None:
        raise EntryNotFound(
            f"{package.title} has no SCHEMA document: no {' or '.join(SCHEMA_KEYS)}",
            hint="packages such as aics/aics_23 have one",
        )
    entry = package.entry(found)
    path = fetch_entry(entry, home, progress=progress)
    return parse_schema(read_json(Source(path, found)), found)


def open_schema(
    text: str,
    home: Home,
    *,
    registry: str | None = None,
    check: bool = False,
    progress: Progress | None = None,
) -> tuple[Opened, Schema, SchemaReport | None]:
    """Open a package; return its SCHEMA, and how its info documents compare, if that is asked.

    Raises
    ------
    EntryNotFound, BrokenFile
        See `schema`.
    NotFound
        If there is nothing to compare.
    """
    opened = open_package(text, home, registry=registry, progress=progress)
    found = _read_schema(opened.package, opened.path, home, progress)
    if not check:
        return opened, found, None
    graph = records(opened.package, opened.path, progress=progress, home=home)
    return opened, found, found.check(graph)


def write_schema(schema: Schema, report: SchemaReport | None, path: Path, title: str) -> None:
    """Write SCHEMA as a page of Markdown; of a report, its findings as a table.

    Raises
    ------
    InvalidArgument
        If the suffix is not that of a table.
    """
    if report is None:
        path.write_text(schema.markdown(f"SCHEMA of {title}"), encoding="utf-8")
    else:
        table = report.table().assign(examples=[", ".join(one.examples) for one in report.findings])
        write_table(table, path)


def _opened(
    package: Package | str, folder: str, home: Home, progress: Progress | None
) -> tuple[Package, str]:
    if isinstance(package, Package):
        return package, folder
    opened = open_package(package, home, progress=progress)
    return opened.package, "/".join(filter(None, (opened.path, folder)))


def read_documents(
    entries: Iterable[Entry], home: Home, progress: Progress | None
) -> dict[str, Any]:
    """Return JSON documents by logical key, fetched together; `Unreadable` for broken ones."""
    listed = list(entries)
    paths = ensure_held(listed, home, progress).paths
    found: dict[str, Any] = {}
    for entry in listed:
        try:
            found[entry.logical_key] = read_json(Source(paths[want(entry)], entry.logical_key))
        except BrokenFile as error:
            found[entry.logical_key] = Unreadable(error.reason)
    return found


def record_image(record: Record, *, unused: bool = False, home: Home | None = None) -> Image:
    """Open the image of a record, with the names of channels of its own info document.

    Parameters
    ----------
    record : Record
        With an image: a field of view, a segmentation, a file or row of a table.
    unused : bool
        Keep the channels that the document marks as not to be used.
    home : Home, optional

    Raises
    ------
    NotFound
        If it has no image.
    InvalidArgument
        If the document does not tell of as many channels as the image has.
    UnknownFormat, BrokenFile
    """
    entry = record.image_entry
    if entry is None:
        raise NotFound(f"{record.kind}/{record.name} has no image", hint=_files_hint(record))
    image = open_image(entry, home=home)
    info = record.info
    if not isinstance(info.get("channels"), list):
        return image
    if not unused:
        return image.drop_unused(info)
    count = image.shape[image.axes.index("C")] if "C" in image.axes else 1
    return image.renaming([one.name for one in read_channel_info(info, count)])


def _files_hint(record: Record) -> str:
    names = ", ".join(one.logical_key for one in record.entries)
    return f"its files: {names}" if names else "it has no files"
