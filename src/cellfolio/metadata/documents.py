"""The graph of the records that have info documents, as in ``aics/aics_23``.

Records are folders ``<kind>/<name>/`` with an info document, and often an image. The document is
``info/load`` where the tree was made by Quilt 2, which gave every file that end; exported trees
have ``info.json``, ``info/load.json`` or ``info``. It lists the names of related records, of each
kind under the kind's name.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from cellfolio.metadata.graph import Link, Problem, RecordGraph
from cellfolio.metadata.kinds import AICS_KINDS, Kind
from cellfolio.metadata.links import Links
from cellfolio.metadata.shelves import DocumentShelf
from cellfolio.package.entry import Entry
from cellfolio.package.keys import sort_key
from cellfolio.package.package import Package

INFO_KEYS = ("info/load", "info/load.json", "info.json", "info")
"""Where the document of a record may be, the preferred one first."""
_ONE_OF = {
    "wells": ("plates",),
    "fovs": ("plates", "wells"),
    **dict.fromkeys(("cell_segs", "nuclei_segs", "structure_segs"), ("plates", "wells", "fovs")),
}
"""Kind → kinds of which a record can only have one: a well is of one plate."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Stands for a document that cannot be read.

    Attributes
    ----------
    reason : str
    """

    reason: str


@dataclass(frozen=True, slots=True)
class Place:
    """A folder that is a record.

    Attributes
    ----------
    kind, name : str
    entries : tuple of Entry
        Its files.
    documents : tuple of Entry
        Its info documents, the preferred one first.
    """

    kind: str
    name: str
    entries: tuple[Entry, ...]
    documents: tuple[Entry, ...]


def find_places(package: Package, base: str = "") -> tuple[Place, ...]:
    """Return the folders of a package that are records.

    Parameters
    ----------
    package : Package
    base : str
        Folder that has the folders of the kinds; with a closing ``/``, or empty.

    Examples
    --------
    >>> keys = ("fovs/b/info/load", "fovs/a/info.json", "fovs/a/image.tiff", "README")
    >>> found = find_places(Package.of([Entry(key, "file:///x") for key in keys]))
    >>> [(place.name, len(place.entries), len(place.documents)) for place in found]
    [('a', 2, 1), ('b', 1, 1)]
    """
    return tuple(place for kind in AICS_KINDS for place in _places_of(package, base, kind))


def _places_of(package: Package, base: str, kind: Kind) -> Iterator[Place]:
    found: dict[str, dict[str, Entry]] = {}
    for word in kind.words:
        prefix = f"{base}{word}/"
        for row in package.rows.between(*package.rows.folder(prefix)):
            name, slash, rest = row.key.decode()[len(prefix) :].partition("/")
            if slash:
                found.setdefault(name, {})[rest] = row.entry(package.opener)
    for name, files in found.items():
        documents = tuple(files[key] for key in INFO_KEYS if key in files)
        yield Place(kind.name, name, tuple(files.values()), documents)


def build_graph(
    places: Iterable[Place], documents: Mapping[str, Any], *, title: str = ""
) -> RecordGraph:
    """Return the graph of records.

    Nothing that is wrong with a document stops it; it is told in `RecordGraph.problems`.

    Parameters
    ----------
    places : iterable of Place
        In any order.
    documents : mapping
        Logical key → JSON value of the info document, or `Unreadable`.
    title : str
        What they are the records of.
    """
    listed = sorted(places, key=lambda place: sort_key(place.name))
    problems: list[Problem] = []
    chosen = [_document(place, documents, problems) for place in listed]
    shelves = [_shelf(kind, listed, chosen) for kind in AICS_KINDS]
    told = [
        link
        for place, document in zip(listed, chosen, strict=True)
        for link in _links(place, document, problems)
    ]
    names = ((shelf.kind.name, name) for shelf in shelves for name in shelf.names)
    numbers = {record: number for number, record in enumerate(names)}
    pairs = [
        (numbers[link.kind, link.name], numbers[link.other_kind, link.other_name])
        for link in told
        if (link.other_kind, link.other_name) in numbers
    ]
    tellers, others = np.array(pairs, np.int64).reshape(-1, 2).T
    graph = RecordGraph(
        shelves,
        Links(len(numbers), tellers, others),
        dangling=(link for link in told if (link.other_kind, link.other_name) not in numbers),
        title=title,
    )
    return graph.with_problems([*problems, *_several(graph)])


def _shelf(kind: Kind, places: list[Place], documents: list[Mapping[str, Any]]) -> DocumentShelf:
    mine = [
        (place, document)
        for place, document in zip(places, documents, strict=True)
        if place.kind == kind.name
    ]
    return DocumentShelf(
        kind,
        tuple(place.name for place, _ in mine),
        tuple(document for _, document in mine),
        tuple(place.entries for place, _ in mine),
        frozenset(word for one in AICS_KINDS for word in one.words),
    )


def _document(
    place: Place, documents: Mapping[str, Any], problems: list[Problem]
) -> Mapping[str, Any]:
    """Return the document of a record: the first that can be read."""
    good: list[tuple[str, Mapping[str, Any]]] = []
    for entry in place.documents:
        found = documents.get(entry.logical_key, Unreadable("it was not read"))
        if isinstance(found, Mapping):
            good.append((entry.logical_key, found))
            continue
        kind = type(found).__name__
        reason = found.reason if isinstance(found, Unreadable) else f"it is no object but a {kind}"
        what = f"{entry.logical_key}: {reason}"
        problems.append(Problem(place.kind, place.name, "unreadable", what))
    if not place.documents:
        what = f"no {place.kind}/{place.name}/{INFO_KEYS[0]}, and none of its other names"
        problems.append(Problem(place.kind, place.name, "no info", what))
    for key, other in good[1:]:
        if other != good[0][1]:
            differing = sorted(
                name for name in {*other, *good[0][1]} if other.get(name) != good[0][1].get(name)
            )
            what = f"{key} differs from {good[0][0]}, which is used, in {', '.join(differing)}"
            problems.append(Problem(place.kind, place.name, "contradiction", what))
    return good[0][1] if good else {}


def _links(place: Place, document: Mapping[str, Any], problems: list[Problem]) -> Iterator[Link]:
    for kind in AICS_KINDS:
        for word in kind.words:
            names = document.get(word)
            if names is None:
                continue
            if not isinstance(names, list):
                what = f"{word} is {names!r:.60}; expected a list of names"
                problems.append(Problem(place.kind, place.name, "bad link", what))
                names = [names] if isinstance(names, str) else []
            for name in names:
                if isinstance(name, str):
                    yield Link(place.kind, place.name, kind.name, name)
                else:
                    what = f"{word} has {name!r:.60}; expected a name"
                    problems.append(Problem(place.kind, place.name, "bad link", what))


def _several(graph: RecordGraph) -> Iterator[Problem]:
    """Yield a problem for each record that is related to two where there can be one."""
    for kind, others in _ONE_OF.items():
        for record in graph.records(kind):
            for other in others:
                names = record.related(other).names
                if len(names) > 1:
                    what = f"it is of {len(names)} {other}: {', '.join(names[:3])}"
                    what += " …" * (len(names) > 3)
                    yield Problem(kind, record.name, "contradiction", what)
