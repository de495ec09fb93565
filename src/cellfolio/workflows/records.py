"""The records of a package: plates, wells, fields of view; or rows and their files."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from cellfolio.errors import BrokenFile, EntryNotFound, NotFound
from cellfolio.formats.documents import read_json
from cellfolio.formats.format import Source
from cellfolio.formats.images.channels import read_channel_info
from cellfolio.formats.images.image import Image
from cellfolio.formats.images.opening import open_image
from cellfolio.metadata.documents import Unreadable, build_graph, find_places
from cellfolio.metadata.graph import RecordGraph
from cellfolio.metadata.records import Record
from cellfolio.package.entry import Entry
from cellfolio.package.package import Package
from cellfolio.package.plan import want
from cellfolio.storage.home import Home, ensure_held
from cellfolio.storage.progress import Progress
from cellfolio.workflows.opening import open_package


def records(
    package: Package | str,
    folder: str = "",
    *,
    progress: Progress | None = None,
    home: Home | None = None,
) -> RecordGraph:
    home = home or Home()
    if isinstance(package, str):
        opened = open_package(package, home, progress=progress)
        package, folder = opened.package, folder or opened.path
    base = f"{folder.strip('/')}/" if folder.strip("/") else ""
    places = find_places(package, base)
    documents = read_documents((one for place in places for one in place.documents), home, progress)
    return build_graph(places, documents, title=package.title)


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
