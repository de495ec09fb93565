"""What a page tells of records: those of a kind, page by page; one, with all it is related to."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cellfolio.errors import InvalidArgument
from cellfolio.formats.images.opening import names_image
from cellfolio.metadata.graph import RecordGraph
from cellfolio.metadata.kinds import AICS_KINDS
from cellfolio.metadata.records import Record, Records
from cellfolio.package.entry import Entry

PER_PAGE = 50
MOST_RELATED = 200
"""Related records of a kind that are named."""
MOST_COLUMNS = 8
"""Attributes that a list of records has."""
_CONDITION = re.compile(r"[=<>~]")
_LABELS = re.compile(r"seg|mask|label|contour", re.IGNORECASE)
_TEXT = 200
"""Characters of a value in a list."""


@dataclass(frozen=True, slots=True)
class RecordList:
    """Records of a kind that a page lists.

    Attributes
    ----------
    kind : str
    columns : tuple of str
        Attributes that are shown.
    rows : tuple of (str, tuple)
        Name, and its attributes.
    related : tuple of (str, tuple of int)
        Kind, and how many of it each row is related to.
    found, start : int
        How many records suit the search; number of the first row, from 0.
    """

    kind: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Any, ...]], ...]
    related: tuple[tuple[str, tuple[int, ...]], ...]
    found: int
    start: int


@dataclass(frozen=True, slots=True)
class Relation:
    """Records of a kind that a record is related to.

    Attributes
    ----------
    kind : str
    count : int
    names : tuple of str
        The first of them.
    """

    kind: str
    count: int
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RecordPage:
    """A record, and what a page tells of it.

    Attributes
    ----------
    record : Record
    above : tuple of (str, str)
        The larger things that it is of, from the largest: kinds and names.
    fields : mapping of str to value
        What its document says, lists of links aside.
    files : tuple of Entry
    image : Entry or None
    labels : tuple of Entry
        Segmentations that are linked to the image.
    under : Entry or None
        Image that the record, a segmentation, lies over.
    relations : tuple of Relation
    problems : tuple of str
    before, after : str or None
        Names of the records beside it, of the same kind.
    """

    record: Record
    above: tuple[tuple[str, str], ...]
    fields: Mapping[str, Any]
    files: tuple[Entry, ...]
    image: Entry | None
    labels: tuple[Entry, ...]
    under: Entry | None
    relations: tuple[Relation, ...]
    problems: tuple[str, ...]
    before: str | None
    after: str | None


def split_id(text: str, graph: RecordGraph) -> tuple[str, str]:
    """Return kind and name of a record.

    Raises
    ------
    InvalidArgument
    """
    kind, _, name = text.partition("/")
    if not name:
        raise InvalidArgument(f"{text!r} is no record; expected KIND/NAME", hint=graph.told_kinds)
    return kind, name


def list_records(
    graph: RecordGraph, kind: str = "", search: str = "", start: int = 0
) -> RecordList:
    """Return some records of a kind.

    Parameters
    ----------
    graph : RecordGraph
    kind : str
        By default the rows of a table, else the first kind with records.
    search : str
        Part of a name; or conditions such as ``passage>=36``, with spaces between.
    start : int
        Number of the first, from 0.

    Raises
    ------
    NotFound
        If there is no such kind.
    InvalidArgument
        If the search is no condition.
    """
    records = graph.records(kind or usual_kind(graph))
    if _CONDITION.search(search):
        records = records.where(*search.split())
    elif search:
        records = _named(records, search)
    shown = records[start : start + PER_PAGE]
    return RecordList(
        records.kind, *_table(graph, shown), found=len(records), start=min(start, len(records))
    )


def usual_kind(graph: RecordGraph) -> str:
    """Return the kind that is shown if none is asked for."""
    if graph.through is not None:
        return graph.kinds[graph.through]
    return next((shelf.kind.name for shelf in graph.shelves if shelf.names), graph.kinds[0])


def _named(records: Records, search: str) -> Records:
    words = search.casefold().split()
    kept = [
        at
        for at, name in enumerate(records.names)
        if all(word in name.casefold() for word in words)
    ]
    return Records(records.graph, records.at, records.positions[kept])


def _table(
    graph: RecordGraph, shown: Records
) -> tuple[
    tuple[str, ...],
    tuple[tuple[str, tuple[Any, ...]], ...],
    tuple[tuple[str, tuple[int, ...]], ...],
]:
    shelf = graph.shelves[shown.at]
    hidden = {word for one in AICS_KINDS for word in one.words} if graph.through is None else set()
    infos = [shelf.info(at) for at in shown.positions.tolist()]
    known = [str(one) for one in shelf.attributes if one not in hidden]
    columns = tuple(name for name in known if any(_is_plain(info.get(name)) for info in infos))[
        :MOST_COLUMNS
    ]
    rows = tuple(
        (name, tuple(_short(info.get(column)) for column in columns))
        for name, info in zip(shown.names, infos, strict=True)
    )
    related = []
    for at, kind in enumerate(graph.kinds):
        if at == shown.at:
            continue
        counts = tuple(len(graph.names_related(shown.at, one, at)) for one in shown.positions)
        if any(counts):
            related.append((kind, counts))
    return columns, rows, tuple(related)


def _is_plain(value: Any) -> bool:
    return value is not None and not isinstance(value, list | dict)


def _short(value: Any) -> Any:
    if isinstance(value, str) and len(value) > _TEXT:
        return value[: _TEXT - 1] + "…"
    return value if _is_plain(value) else None


def record_page(graph: RecordGraph, name: str) -> RecordPage:
    """Return what a page tells of a record.

    Parameters
    ----------
    graph : RecordGraph
    name : str
        ``KIND/NAME``.

    Raises
    ------
    InvalidArgument, NotFound
    """
    kind, own = split_id(name, graph)
    records = graph.records(kind)
    record = records[own]
    names = records.names
    at = record.position
    image = record.image_entry
    return RecordPage(
        record,
        tuple(_above(record)),
        _fields(record),
        record.entries,
        image,
        tuple(_labels(record)) if image is not None and not _is_labels(record) else (),
        _under(record) if image is not None and _is_labels(record) else None,
        tuple(_relations(record)),
        tuple(_problems(record)),
        names[at - 1] if at else None,
        names[at + 1] if at + 1 < len(names) else None,
    )


def _above(record: Record) -> Iterator[tuple[str, str]]:
    """Yield what a record is of: the one record of each larger kind."""
    if record.graph.through is not None:
        kinds: Sequence[str] = (record.graph.kinds[record.graph.through],)
    else:
        kinds = record.graph.kinds
    for kind in kinds:
        if kind == record.kind:
            return
        found = record.related(kind)
        if len(found) == 1 and not _LABELS.search(kind):
            yield kind, found.names[0]


def _fields(record: Record) -> dict[str, Any]:
    hidden = (
        {word for one in AICS_KINDS for word in one.words} if record.graph.through is None else ()
    )
    return {str(name): value for name, value in record.info.items() if name not in hidden}


def _labels(record: Record) -> Iterator[Entry]:
    """Yield images of related records that are segmentations, one of each kind."""
    for kind in record.graph.kinds:
        if kind == record.kind or not _LABELS.search(kind):
            continue
        found = record.related(kind)
        entry = found[0].image_entry if len(found) == 1 else None
        if entry is not None and names_image(_with_suffix(entry)):
            yield entry


def _is_labels(record: Record) -> bool:
    return _LABELS.search(record.kind) is not None


def _under(record: Record) -> Entry | None:
    """Return the one image that a segmentation is linked to, and that is none itself."""
    for kind in record.graph.kinds:
        found = [] if _LABELS.search(kind) else record.related(kind)
        images = [one.image_entry for one in found[:2]]
        if len(images) == 1 and images[0] is not None and names_image(_with_suffix(images[0])):
            return images[0]
    return None


def _with_suffix(entry: Entry) -> str:
    """Return the name of an image; Quilt 2 called all of them ``load``."""
    return "image.tiff" if entry.name in ("load", "image") else entry.name


def _relations(record: Record) -> Iterator[Relation]:
    for kind in record.graph.kinds:
        found = record.related(kind)
        if found:
            yield Relation(kind, len(found), tuple(found[:MOST_RELATED].names))


def _problems(record: Record) -> Iterator[str]:
    for one in record.graph.problems:
        if (one.kind, one.name) == (record.kind, record.name):
            yield one.what
    for link in record.graph.dangling:
        if (link.kind, link.name) == (record.kind, record.name):
            yield f"{link.other_kind}/{link.other_name} is not there"


def json_value(value: Any) -> Any:
    """Return a value as JSON has it: what is no number is null, what JSON has not is text."""
    if isinstance(value, Mapping):
        return {str(name): json_value(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [json_value(one) for one in value]
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, str | bool | int) else str(value)
