"""Releases of the Allen Brain Cell Atlas, in their bucket or in a mounted copy, as packages.

::

    releases/<release>/manifest.json             one release
    <kind>/<directory>/<version>/[views/]<file>  its files, which releases share

Rule 1: a release is published once and does not change; its manifest is fetched once and kept
(`cellfolio.registries.abc.kept`).
Rule 2: whoever has seen the releases once does not wait for a silent network: the list is asked
for beside, and what was seen last stands in for an answer that does not come soon.
"""

from __future__ import annotations

import re
import threading
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from cellfolio.errors import (
    AccessRefused,
    InvalidManifest,
    InvalidReference,
    ObjectNotFound,
    PackageNotFound,
    RevisionNotFound,
    ServerUnreachable,
)
from cellfolio.package.package import Package
from cellfolio.registries.abc.kept import KeptReleases, is_release_name, parse_named
from cellfolio.registries.abc.release import Release, to_package
from cellfolio.registries.registry import OfflineWarning, Revision, read_moment
from cellfolio.storage.home import Home
from cellfolio.storage.places import Place, parse_uri
from cellfolio.storage.workers import at_once

SCHEME = "abc+"
"""Stands before the URI of the bucket or folder."""
PATIENCE = 0.7
"""Seconds to wait for the list of releases where an earlier one is remembered."""
_RELEASES = "releases"
_MANIFEST = "manifest.json"
_NO_DATE = datetime(1970, 1, 1, tzinfo=UTC)
_HASH = re.compile(r"[0-9a-f]{64}")
_HASH_START = re.compile(r"[0-9a-f]{6,64}")


class UnreadableReleaseWarning(UserWarning):
    """A release was left out, because its manifest cannot be read."""


@dataclass(frozen=True, slots=True)
class _Listing:
    """Names of releases, sorted, and whether the server gave them just now."""

    versions: tuple[str, ...]
    current: bool


class AbcRegistry:
    """The releases of the Allen Brain Cell Atlas as revisions of one package.

    Parameters
    ----------
    uri : str
        ``abc+s3://bucket``, or ``abc+file:///folder`` for a mounted copy; a path below the bucket
        may follow.
    home : Home

    Raises
    ------
    InvalidReference
        If `uri` has another form.

    Examples
    --------
    >>> AbcRegistry("abc+s3://allen-brain-cell-atlas", Home()).packages()
    ['abc/allen-brain-cell-atlas']
    """

    def __init__(self, uri: str, home: Home) -> None:
        self.uri = uri.rstrip("/")
        self._root = self.uri.removeprefix(SCHEME)
        place = parse_uri(self._root) if uri.startswith(SCHEME) and "://" in self._root else None
        if place is None or not (place.path or place.root.partition("://")[2]):
            raise InvalidReference(
                f"{uri!r} names no releases of the Allen Brain Cell Atlas; "
                "expected abc+s3://BUCKET or abc+file:///FOLDER"
            )
        self._base = place
        self._home = home
        self._remotes = home.remotes
        self._kept = KeptReleases(home, self.uri)
        self._packages: dict[str, Package] = {}
        self._asked: Future[tuple[str, ...]] | None = None

    def _place(self, path: str) -> Place:
        prefix = self._base.path.rstrip("/")
        return Place(self._base.root, f"{prefix}/{path}" if prefix else path)

    # Looking

    def packages(self) -> list[str]:
        """Return the one name that the atlas is shown under; asks nobody."""
        name = self._base.path.rstrip("/").rpartition("/")[2]
        name = name or self._base.root.partition("://")[2]
        return ["abc/" + re.sub(r"[^\w-]", "-", name)]

    def releases(self) -> list[str]:
        """Return the names of all releases, sorted: the newest is the last.

        If the server cannot be reached, these are the ones seen last, with an `OfflineWarning`.

        Raises
        ------
        PackageNotFound
            If there is none.
        ServerUnreachable
            If none was seen before.
        """
        return list(self._list().versions)

    def revisions(self, name: str) -> list[Revision]:
        """Return every release that can be read, the newest first.

        Offline, these are the releases whose manifests are kept. The time of a revision is the
        date in its name, and 1970-01-01 for a name without one.

        Parameters
        ----------
        name : str
            Any name: the registry has one package.

        Raises
        ------
        PackageNotFound, ServerUnreachable
        """
        found = self._open_all()
        return [
            Revision(found[version].top_hash, _date(version) or _NO_DATE, version)
            for version in sorted(found, reverse=True)
        ]

    def seen(self, name: str) -> Package | None:
        """Return the newest release whose manifest is kept; nobody is asked."""
        for version in reversed(self._kept.versions()):
            with suppress(InvalidManifest):
                return self._open(version).named(name) if self._kept.load(version) else None
        return None

    def headers(self, top_hashes: Sequence[str]) -> list[dict[str, Any] | None]:
        """Return the headers of revisions; None where there is no such revision."""
        found = {package.top_hash: package for package in self._open_kept().values()}
        if not found.keys() >= set(top_hashes):
            found = {package.top_hash: package for package in self._open_all().values()} | found
        return [found[one].header if one in found else None for one in top_hashes]

    # Opening

    def open(self, name: str, revision: str | None = None, *, verify: bool = True) -> Package:
        """Return a release as a package; its data stays where it is.

        Parameters
        ----------
        name : str
            Given to the package.
        revision : str, optional
            ``latest`` (the default); the name of a release; a top hash or at least its first six
            digits; or a date such as 2025-05-31, which stands for the newest release at that
            date. A release or full top hash that is kept asks nobody.
        verify : bool
            Without effect: the atlas states no digest of a manifest, and what is kept is checked.

        Raises
        ------
        PackageNotFound, RevisionNotFound
        InvalidManifest
        InvalidReference
            If `revision` has none of these forms.
        ServerUnreachable
        """
        return self._open(self._resolve(revision)).named(name)

    def release(self, version: str | None = None) -> Release:
        """Return what a release lists, to ask it by directory and name.

        Parameters
        ----------
        version : str, optional
            As the revision of `open`.

        Raises
        ------
        PackageNotFound, RevisionNotFound
        InvalidManifest, InvalidReference
        ServerUnreachable
        """
        return self._read(self._resolve(version))

    def _resolve(self, revision: str | None) -> str:
        """Return the name of the release that a revision's name stands for."""
        if revision is None or revision == "latest":
            return self._list().versions[-1]
        if is_release_name(revision) and self._kept.has(revision):
            return revision
        if _HASH.fullmatch(revision):
            kept = self._open_kept()
            for version in kept:
                if kept[version].top_hash == revision:
                    return version
        moment = read_moment(revision)
        if moment is not None:
            return self._find_at(revision, moment)
        versions = self._list().versions
        if revision in versions:
            return revision
        if _HASH_START.fullmatch(revision):
            return self._find_by_start(revision)
        raise InvalidReference(
            f"{revision!r} is not a release of {self.uri}; expected 'latest', one of "
            f"{', '.join(versions)}, a date such as 2025-05-31, a top hash or at least its first "
            "6 digits"
        )

    def _find_at(self, revision: str, moment: datetime) -> str:
        dated = {version: _date(version) for version in self._list().versions}
        before = [version for version, date in dated.items() if date and date <= moment]
        if not before:
            raise RevisionNotFound(
                f"{self.uri} has no release as old as {revision}; it has {', '.join(dated)}"
            )
        return before[-1]

    def _find_by_start(self, start: str) -> str:
        packages = self._open_all()
        found = [version for version in packages if packages[version].top_hash.startswith(start)]
        if len(found) != 1:
            several = ", ".join(f"{packages[one].top_hash} ({one})" for one in found)
            raise RevisionNotFound(
                f"{len(found) or 'no'} releases of {self.uri} are named {start}, or have a top "
                f"hash that starts with it" + (f": {several}" if found else ""),
                hint=f"it has {', '.join(packages)}",
            )
        return found[0]

    def _open(self, version: str) -> Package:
        if version not in self._packages:
            self._packages[version] = to_package(self._read(version), self._root)
        return self._packages[version]

    def _open_kept(self) -> dict[str, Package]:
        """Return the packages that need no network, by release."""
        found = dict(self._packages)
        for version in self._kept.versions():
            # A damaged one is fetched again when it is asked for by name.
            with suppress(InvalidManifest):
                if version not in found and (release := self._kept.load(version)) is not None:
                    found[version] = self._packages[version] = to_package(release, self._root)
        return found

    def _open_all(self) -> dict[str, Package]:
        """Return all packages that can be read, by release; offline, those that are kept."""
        listing = self._list()
        if not listing.current:
            return self._open_kept()
        found: dict[str, Package] = {}
        for version, package in zip(
            listing.versions, at_once(self._try_open, listing.versions), strict=True
        ):
            if isinstance(package, Package):
                found[version] = package
            else:
                message = f"release {version} of {self.uri} is left out: {package}"
                warnings.warn(UnreadableReleaseWarning(message), stacklevel=4)
        return found

    def _try_open(self, version: str) -> Package | Exception:
        try:
            return self._open(version)
        except (InvalidManifest, RevisionNotFound, AccessRefused) as error:
            return error

    # Reading

    def _read(self, version: str) -> Release:
        """Return a release from its kept manifest, or fetch that."""
        damaged = False
        try:
            kept = self._kept.load(version)
        except InvalidManifest:
            kept, damaged = None, True
        if kept is not None:
            return kept
        try:
            data, _ = self._remotes.read(self._place(f"{_RELEASES}/{version}/{_MANIFEST}"))
        except ObjectNotFound:
            raise RevisionNotFound(
                f"release {version} has no {_MANIFEST} in {self.uri}",
                hint=f"`cellfolio log {self.uri}` shows other releases",
            ) from None
        except ServerUnreachable as error:
            if not damaged:
                raise
            raise ServerUnreachable(
                f"the kept manifest of release {version} is damaged, and it cannot be fetched "
                f"again: {error}",
                hint="check the network and run the same command again",
            ) from error
        release = parse_named(data, version)
        self._kept.keep(version, data)
        return release

    def _list(self) -> _Listing:
        """Return the names of the releases; where some are remembered, do not wait long."""
        seen = self._kept.listed()
        if not seen:
            return _Listing(self._ask(), current=True)
        if self._asked is None or self._asked.done():
            self._asked = _start(self._ask)
        try:
            return _Listing(self._asked.result(PATIENCE), current=True)
        except TimeoutError:
            trouble = f"did not answer within {PATIENCE} seconds"
        except ServerUnreachable:
            trouble = "cannot be reached"
        message = f"offline: {self.uri} {trouble}; using the releases seen last"
        warnings.warn(OfflineWarning(message), stacklevel=4)
        return _Listing(tuple(seen), current=False)

    def _ask(self) -> tuple[str, ...]:
        """Ask the server for the names of the releases, and remember them."""
        folder = self._place(_RELEASES)
        depth = folder.path.count("/") + 2
        found = set()
        for info in self._remotes.objects(folder):
            *_, version, name = ("", *info.path.split("/"))
            right = name == _MANIFEST and info.path.count("/") == depth
            if right and is_release_name(version):
                found.add(version)
        if not found:
            raise PackageNotFound(
                f"{self.uri} has no releases; expected {_RELEASES}/<release>/{_MANIFEST} in it",
                hint="check the name of the bucket or folder",
            )
        self._kept.remember(found)
        return tuple(sorted(found))

    def __repr__(self) -> str:
        return f"AbcRegistry({self.uri!r})"


def _start(ask: Callable[[], tuple[str, ...]]) -> Future[tuple[str, ...]]:
    """Call in a thread that does not keep the program from ending."""
    answer: Future[tuple[str, ...]] = Future()

    def run() -> None:
        try:
            answer.set_result(ask())
        except BaseException as error:
            answer.set_exception(error)

    threading.Thread(target=run, daemon=True, name="list of releases").start()
    return answer


def _date(version: str) -> datetime | None:
    """Return the date that a release is named by."""
    if not re.match(r"\d{8}(?!\d)", version):
        return None
    try:
        return datetime.strptime(version[:8], "%Y%m%d").replace(tzinfo=UTC)
    except ValueError:
        return None
