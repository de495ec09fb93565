"""Revisions of what a portal shows, and what changed between two of them."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from dataclasses import dataclass

from cellfolio.errors import InvalidArgument
from cellfolio.package.diff import Diff
from cellfolio.package.package import Package
from cellfolio.web.places import Place
from cellfolio.web.shelf import Shelf, Shown
from cellfolio.workflows.opening import LogLine, log_package

REVISIONS = 500
"""Revisions that are listed: the message of each is a request."""
_FRESH = 10.0
"""Seconds for which a registry is not asked again."""
_KEPT = 6
"""Comparisons that are kept."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """What changed between two revisions.

    Attributes
    ----------
    older, newer : Package
    diff : Diff
        Of the folder that was asked about.
    """

    older: Package
    newer: Package
    diff: Diff


class History:
    """Knows revisions, and what they changed; safe for several threads.

    Parameters
    ----------
    shelf : Shelf
    """

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._logs: dict[str, tuple[float, list[LogLine]]] = {}
        self._diffs: OrderedDict[tuple[str, str], Diff] = OrderedDict()
        self._lock = threading.Lock()

    def revisions(self, shown: Shown) -> list[LogLine]:
        """Return the revisions, the newest first; none of a plain folder.

        Raises
        ------
        PackageNotFound, ServerUnreachable
        """
        if shown.kind == "folder":
            return []
        with self._lock:
            since, kept = self._logs.get(shown.word, (float("-inf"), []))
        if time.monotonic() - since < _FRESH:
            return kept
        found = log_package(shown.word, self._shelf.home, limit=REVISIONS)
        with self._lock:
            self._logs[shown.word] = time.monotonic(), found
        return found

    def compare(self, place: Place, older: str) -> Comparison:
        """Return what changed in a place since an older revision, or another one.

        Parameters
        ----------
        place : Place
            A file or folder narrows the comparison down to it.
        older : str
            A revision of the same package.

        Raises
        ------
        InvalidArgument
            If it has no revisions.
        RevisionNotFound
        """
        if place.shown.kind == "folder":
            raise InvalidArgument(
                f"{place.shown.name} is a plain folder, and has no revisions",
                hint="make a package of it: `cellfolio build FOLDER NAMESPACE/NAME`",
            )
        before, after = self._shelf.open(place.shown, older).package, place.package
        names = before.top_hash, after.top_hash
        with self._lock:
            diff = self._diffs.get(names)
        if diff is None:
            diff = before.diff(after)
            with self._lock:
                self._diffs[names] = diff
                while len(self._diffs) > _KEPT:
                    self._diffs.popitem(last=False)
        return Comparison(before, after, _within(diff, place.key) if place.key else diff)


def _within(diff: Diff, key: str) -> Diff:
    """Return the part of a comparison that concerns a file or folder."""

    def has(one: str) -> bool:
        return one == key or one.startswith(f"{key}/")

    return Diff(
        tuple(one for one in diff.added if has(one.logical_key)),
        tuple(one for one in diff.removed if has(one.logical_key)),
        tuple(pair for pair in diff.changed if has(pair[1].logical_key)),
        tuple(pair for pair in diff.meta_changed if has(pair[1].logical_key)),
        tuple(one for one in diff.folder_meta_changed if has(one.removesuffix("/"))),
    )
