"""The records of places that were asked for, found once."""

from __future__ import annotations

import threading
import weakref
from collections import OrderedDict

from cellfolio.errors import NotFound
from cellfolio.metadata.graph import RecordGraph
from cellfolio.package.entry import Entry
from cellfolio.web.places import Place
from cellfolio.web.shelf import Shelf
from cellfolio.workflows.records import find_records, no_records

_MOST = 4
"""Graphs that stay in memory, tens of megabytes each of large packages."""


class RecordShelf:
    """Graphs of records that were built; safe for several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._graphs: OrderedDict[tuple[str, str, str], RecordGraph] = OrderedDict()
        self._building: dict[tuple[str, str, str], threading.Lock] = {}

    def find(self, place: Place) -> RecordGraph:
        """Return the records of a package, or of a folder of it.

        Raises
        ------
        NotFound
            If it has none.
        TransferIncomplete, BrokenFile
        """
        known = (place.shown.name, place.package.top_hash, place.key)
        with self._lock:
            lock = self._building.setdefault(known, threading.Lock())
        with lock:  # of several that ask at once, one builds
            found = self._graphs.get(known)
            if found is None:
                found = _build(place)
            with self._lock:
                self._building.pop(known, None)
                self._graphs[known] = found
                self._graphs.move_to_end(known)
                while len(self._graphs) > _MOST:
                    self._graphs.popitem(last=False)
        return found


def _build(place: Place) -> RecordGraph:
    if isinstance(place.found, Entry):
        raise NotFound(
            f"{place.key} is a file; records are of a package or folder",
            hint="name the folder that it is in",
        )
    found = find_records(place.package, place.key, place.home, None)
    if found is None:
        raise no_records(place.package, place.key)
    return found


_SHELVES: weakref.WeakKeyDictionary[Shelf, RecordShelf] = weakref.WeakKeyDictionary()
_LOCK = threading.Lock()


def records_of(place: Place) -> RecordGraph:
    """Return the records of a place.

    Raises
    ------
    NotFound
        If it has none.
    TransferIncomplete, BrokenFile
    """
    with _LOCK:
        shelf = _SHELVES.setdefault(place.shelf, RecordShelf())
    return shelf.find(place)
