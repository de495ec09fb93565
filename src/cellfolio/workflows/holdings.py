"""How much of packages is on this machine: told from what the store knows, hashing nothing."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator
from typing import TypeAlias

from cellfolio.errors import StoreError
from cellfolio.package.entry import Entry
from cellfolio.package.extent import Extent, Held, mark_of
from cellfolio.package.folder import Folder
from cellfolio.package.package import Package
from cellfolio.package.plan import want
from cellfolio.package.row import Row
from cellfolio.storage.home import Home
from cellfolio.storage.places import local_path
from cellfolio.workflows.preparing import Prepared

_FRESH = 3.0
"""Seconds for which what the store has is not asked again."""
_SMALL = 1_000
"""Files of a package that are added up while a request waits."""
_WAITED = 2.0
"""Seconds for which it does."""
_SUMS = 20_000
"""Folders whose sums are kept."""
Sums: TypeAlias = dict[tuple[str, int, int], Held]
"""What is here of folders, by top hash and rows."""
_ROWS, _REST = 256, 0.0005
"""Rows that are added up before requests get their turn, and seconds for that."""


class Holdings:
    """Tells what is here; safe for several threads.

    It trusts the store's index, and that files which a manifest names by path are there: what was
    changed or removed behind the store's back is found when it is used, or by `cellfolio verify`.

    Parameters
    ----------
    home : Home
    """

    def __init__(self, home: Home) -> None:
        self._home = home
        self._extents: Prepared[Extent] = Prepared(_extent_of)
        self._marks: frozenset[int] = frozenset()
        self._sums: Sums = {}
        self._since = float("-inf")
        self._lock = threading.Lock()

    def fits(self, package: Package) -> bool:
        """Whether a package is small enough to be added up."""
        return self._extents.fits(package)

    def begin(self, package: Package) -> None:
        """Begin to add up a package, behind what is asked meanwhile."""
        self._extents.get(package)

    def held(self, package: Package, folder: Folder) -> Held | None:
        """Return how much of a folder of a package is here; None until it is added up.

        A small package is added up at once, a large one is by `begin`.
        """
        if package.file_count <= _SMALL:
            extent = self._extents.get(package, seconds=_WAITED)
        else:
            extent = self._extents.ready(package)
        if extent is None:
            return None
        marks, known = self._what_is_held()
        name = package.top_hash, *folder.span
        found = known.get(name)
        if found is None:
            found = extent.held(*folder.span, marks)
            if len(known) < _SUMS:
                known[name] = found
        return found

    def is_held(self, entry: Entry) -> bool:
        """Whether a file is here."""
        path = local_path(entry.physical_key)
        if path is not None and path.is_file():
            return True
        return mark_of(want(entry)) in self._what_is_held()[0]

    def forget(self) -> None:
        """Ask the store again next time: something was added."""
        with self._lock:
            self._since = float("-inf")

    def _what_is_held(self) -> tuple[frozenset[int], Sums]:
        """Return the marks of all blobs, and the sums that were made with them."""
        with self._lock:
            if time.monotonic() - self._since > _FRESH:
                marks = frozenset(map(mark_of, _blobs(self._home)))
                if marks != self._marks:
                    self._marks, self._sums = marks, {}
                self._since = time.monotonic()
            return self._marks, self._sums


def _extent_of(package: Package) -> Extent:
    return Extent(_resting(package.rows))


def _resting(rows: Iterable[Row]) -> Iterator[Row]:
    """Yield rows, with rests: a thread that never waits would keep requests waiting."""
    for number, row in enumerate(rows):
        if number % _ROWS == 0:
            time.sleep(_REST)
        yield row


def _blobs(home: Home) -> Iterable[str]:
    """Return the names of all blobs of the store, those they have besides among them."""
    if not home.blobs.writable:
        return [name for name, _ in home.blobs.all()]
    try:
        known = home.blobs.index.blobs()
        aliases = home.blobs.index.aliases()
    except StoreError:
        return ()
    return [*known, *(name for name, blob in aliases.items() if blob in known)]
