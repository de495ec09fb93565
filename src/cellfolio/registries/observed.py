"""Places that keep no revisions of their own: each different sight of one is a revision here.

A bucket's listing, a table of pointers or a selection of images says only what is there now. What
was seen is kept in the home, in Quilt's layout without the data, so that a data set has a log, can
be compared with what it was, and opens offline.
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Sequence
from typing import Any, Protocol

from cellfolio.errors import PackageNotFound, RevisionNotFound, ServerUnreachable
from cellfolio.package.package import Package
from cellfolio.registries.publish import record
from cellfolio.registries.quilt import QuiltRegistry
from cellfolio.registries.registry import OfflineWarning, Revision
from cellfolio.storage.home import Home

_NAME = "seen/package"
"""Name under which the only package of each place is kept."""


class Look(Protocol):
    """Looks at a place now."""

    def __call__(self, *, hasty: bool) -> Package:
        """Return what is there; in haste, give up soon where the place cannot be reached."""


class ObservedRegistry:
    """A registry of one package, made of what a place shows.

    Parameters
    ----------
    uri : str
        What names the place.
    name : str
        What the package is called where nobody gave it another name.
    look : callable
        Returns what is there now, as a package; raises `ServerUnreachable` where it cannot.
    home : Home
    """

    def __init__(self, uri: str, name: str, look: Look, home: Home) -> None:
        self._uri = uri
        self._name = name
        self._look = look
        self._home = home
        folder = home.folder / "observed" / hashlib.sha256(uri.encode()).hexdigest()[:16]
        self._kept = QuiltRegistry(folder.as_uri(), home)

    @property
    def uri(self) -> str:
        """What names the place."""
        return self._uri

    def packages(self) -> list[str]:
        """Return the name of the only package; `open` takes any other for it, too."""
        return [self._name]

    def revisions(self, name: str) -> list[Revision]:
        """Return every sight, the newest first.

        Raises
        ------
        PackageNotFound
            If the place was never looked at.
        """
        if self._latest() is None:
            self.open(name)
        return self._kept.revisions(_NAME)

    def open(self, name: str, revision: str | None = None, *, verify: bool = True) -> Package:
        """Look, or return what was seen before.

        Parameters
        ----------
        name : str
            What to call the package.
        revision : str, optional
            None or ``latest`` to look now; else a top hash, its first digits, or a time.
        verify : bool
            Check what was kept against its top hash.

        Raises
        ------
        PackageNotFound, RevisionNotFound, ServerUnreachable
        """
        if revision is None or revision == "latest":
            return self._see().named(name)
        try:
            return self._kept.open(_NAME, revision, verify=verify).named(name)
        except (PackageNotFound, RevisionNotFound) as error:
            raise RevisionNotFound(
                f"no revision {revision!r} of {name} was seen on this machine: {error.message}",
                hint=f"{self.uri} keeps no revisions itself; what was seen here is in "
                f"`cellfolio log {name}`",
            ) from None

    def seen(self, name: str) -> Package | None:
        """Return what was seen last; the place is not looked at."""
        latest = self._latest()
        return None if latest is None else self._kept.open(_NAME, latest).named(name)

    def headers(self, top_hashes: Sequence[str]) -> list[dict[str, Any] | None]:
        """Return the headers of what was seen."""
        return self._kept.headers(top_hashes)

    def _latest(self) -> str | None:
        return self._kept.read_latest(_NAME)[0]

    def _see(self) -> Package:
        before = self._latest()
        try:
            package = self._look(hasty=before is not None)
        except ServerUnreachable:
            if before is None:
                raise
            warnings.warn(
                OfflineWarning(f"offline: {self.uri} cannot be reached; using what was seen last"),
                stacklevel=4,
            )
            return self._kept.open(_NAME, before)
        if package.top_hash != before and self._home.blobs.writable:
            return record(package, _NAME, self._kept, self._home, force=True)
        return package

    def __repr__(self) -> str:
        return f"ObservedRegistry({self.uri!r})"
