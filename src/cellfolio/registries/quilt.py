"""Quilt 3 registries: a bucket or a folder whose ``.quilt`` folder names packages.

::

    .quilt/packages/<top hash>                            a manifest
    .quilt/named_packages/<namespace>/<name>/<seconds>    a revision: 64 hexadecimal digits
    .quilt/named_packages/<namespace>/<name>/latest       the newest one

References
----------
Registry layout version 1 of quilt3 8.0.0.
"""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from cellfolio.errors import (
    AccessRefused,
    InvalidReference,
    ObjectNotFound,
    PackageNotFound,
    RevisionNotFound,
    ServerUnreachable,
    TransferError,
)
from cellfolio.package.keys import check_package_name
from cellfolio.package.package import Package
from cellfolio.registries.registry import OfflineWarning, Revision, read_moment
from cellfolio.storage.home import Home
from cellfolio.storage.places import Place, local_path, parse_uri
from cellfolio.storage.remote import with_retries
from cellfolio.storage.workers import at_once

POINTERS = ".quilt/named_packages"
MANIFESTS = ".quilt/packages"
_HASH = re.compile(r"[0-9a-f]{64}")
_HASH_START = re.compile(r"[0-9a-f]{6,64}")
_HEADER_BYTES = 1 << 16
_BLOCK = 1 << 20
_SECONDS_DIGITS = (9, 10)
"""Digits of seconds since 1970, from 1973 to 2286."""


class QuiltRegistry:
    """A Quilt 3 registry on S3, another object store, or a folder.

    Parameters
    ----------
    uri : str
        ``s3://bucket``, or ``file:///folder``.
    home : Home
    """

    def __init__(self, uri: str, home: Home) -> None:
        self.uri = uri if uri.endswith("://") or uri == "file:///" else uri.rstrip("/")
        self._home = home
        self._remotes = home.remotes

    def place(self, path: str) -> Place:
        """Return the place of a path in this registry."""
        folder = local_path(self.uri)
        if folder is not None:
            return parse_uri((folder / path).as_uri())
        return Place(self.uri, path)

    # Looking

    def packages(self) -> list[str]:
        """Return the names of all packages, sorted."""
        namespaces = self._remotes.folders(self.place(POINTERS))

        def names(namespace: str) -> list[str]:
            found = self._remotes.folders(self.place(f"{POINTERS}/{namespace}"))
            return [f"{namespace}/{name}" for name in found]

        return sorted(name for found in at_once(names, namespaces) for name in found)

    def latest(self, name: str) -> str:
        """Return the top hash of the newest revision.

        If the registry cannot be reached, the revision seen last is returned, with an
        `OfflineWarning`.

        Raises
        ------
        PackageNotFound
        """
        check_package_name(name)
        seen = self._note("latest", name)
        try:
            found, _ = self.read_latest(name, hasty=seen is not None)
        except ServerUnreachable:
            if seen is None:
                raise
            message = (
                f"offline: {self.uri} cannot be reached; using the revision of {name} seen last"
            )
            warnings.warn(OfflineWarning(message), stacklevel=2)
            return str(seen)
        except TransferError as error:
            if seen is None or isinstance(error, AccessRefused):
                raise
            found, _ = self.read_latest(name)  # it is there, and busy: have patience
        if found is None:
            raise PackageNotFound(
                f"{self.uri} has no package {name!r}",
                hint=f"`cellfolio list {self.uri}` shows what it has",
            )
        return found

    def read_latest(self, name: str, *, hasty: bool = False) -> tuple[str | None, str | None]:
        """Return the newest top hash and the pointer's ETag; None where there is none.

        Raises
        ------
        ServerUnreachable, TransferError
            In haste, also where patience would have helped.
        """
        place = self.place(f"{POINTERS}/{name}/latest")
        try:
            body, info = self._remotes.read(place, hasty=hasty)
        except ObjectNotFound:
            return None, None
        top_hash = self._pointed(body, place)
        if self._note("latest", name) != top_hash:
            self._set_note("latest", name, top_hash)
        return top_hash, info.e_tag

    def _note(self, kind: str, name: str) -> Any:
        """Return what this home remembers of a package; a store that is read-only has no memory."""
        blobs = self._home.blobs
        return blobs.index.note(kind, f"{self.uri} {name}") if blobs.writable else None

    def _set_note(self, kind: str, name: str, value: Any) -> None:
        if self._home.blobs.writable:
            self._home.blobs.index.set_note(kind, f"{self.uri} {name}", value)

    def _pointed(self, body: bytes, place: Place) -> str:
        top_hash = body.decode("ascii", "replace").strip()
        if not _HASH.fullmatch(top_hash):
            raise RevisionNotFound(
                f"{place.uri} should hold a top hash of 64 hexadecimal digits, "
                f"found {top_hash[:80]!r}",
                hint="the pointer is damaged; name a revision by its top hash",
            )
        return top_hash

    def revisions(self, name: str) -> list[Revision]:
        """Return every revision of a package, the newest first.

        Raises
        ------
        PackageNotFound
        """
        check_package_name(name)
        folder = self.place(f"{POINTERS}/{name}")
        pointers = {
            info.path.rpartition("/")[2]: info.e_tag for info in self._remotes.objects(folder)
        }
        times = [p for p in pointers if p.isdecimal() and len(p) <= _SECONDS_DIGITS[-1]]
        times.sort(key=int, reverse=True)
        if not pointers:
            raise PackageNotFound(
                f"{self.uri} has no package {name!r}",
                hint=f"`cellfolio list {self.uri}` shows what it has",
            )
        # A pointer read before counts while its ETag is the same: quilt3 may write one twice.
        notes = self._note("pointers", name) or {}
        known = {p: note[0] for p, note in notes.items() if note[1] == pointers.get(p)}
        fresh = [pointer for pointer in times if pointer not in known]
        known.update(zip(fresh, at_once(lambda p: self._read_pointer(name, p), fresh), strict=True))
        if fresh:
            noted = {pointer: (known[pointer], pointers[pointer]) for pointer in times}
            self._set_note("pointers", name, noted)
        return [
            Revision(known[pointer], datetime.fromtimestamp(int(pointer), UTC), pointer)
            for pointer in times
        ]

    def _read_pointer(self, name: str, pointer: str) -> str:
        place = self.place(f"{POINTERS}/{name}/{pointer}")
        return self._pointed(self._remotes.read(place)[0], place)

    def resolve(self, name: str, revision: str | None = None) -> str:
        """Return the top hash that a revision's name stands for.

        Parameters
        ----------
        name : str
            ``namespace/name``.
        revision : str, optional
            ``latest`` (the default); a top hash or at least its first six digits; seconds since
            1970; or a date or time in ISO form (UTC unless it says otherwise), which stands for
            the newest revision at that time.

        Raises
        ------
        PackageNotFound, RevisionNotFound
        InvalidReference
            If `revision` has none of these forms.
        """
        check_package_name(name)
        if revision is None or revision == "latest":
            return self.latest(name)
        if _HASH.fullmatch(revision):
            return revision
        moment = _moment(revision)
        if moment is not None:
            return self._at(name, revision, moment)
        if _HASH_START.fullmatch(revision):
            return self._by_start(name, revision)
        raise InvalidReference(
            f"{revision!r} is not a revision; expected 'latest', a top hash or at least its first "
            "6 digits, or a time such as 2026-03-01 or 2026-03-01T12:00"
        )

    def _at(self, name: str, revision: str, moment: datetime) -> str:
        revisions = self.revisions(name)
        for one in revisions:
            if one.time <= moment:
                return one.top_hash
        raise RevisionNotFound(
            f"{name} has no revision as old as {revision}; "
            f"the first is of {revisions[-1].time:%Y-%m-%d %H:%M:%S} UTC",
            hint=f"`cellfolio log {self.uri}/{name}` shows them all",
        )

    def _by_start(self, name: str, start: str) -> str:
        found = {one.top_hash for one in self.revisions(name) if one.top_hash.startswith(start)}
        if not found:
            # A top hash may be named although no pointer of this package names it (any more).
            # A folder is listed in any order.
            in_order = self._remotes.locate(self.place("")).root != "file://"
            listed = self._remotes.objects(
                self.place(MANIFESTS), after=self.place(f"{MANIFESTS}/{start}").path[:-1]
            )
            for info in listed:
                top_hash = info.path.rpartition("/")[2]
                if top_hash.startswith(start):
                    found.add(top_hash)
                elif top_hash > start and in_order:
                    break
        if len(found) != 1:
            several = ", ".join(sorted(found)[:4])
            raise RevisionNotFound(
                f"{len(found) or 'no'} revisions of {name} start with {start}"
                + (f": {several}" if found else ""),
                hint=f"`cellfolio log {self.uri}/{name}` shows them all",
            )
        return found.pop()

    # Opening

    def open(self, name: str, revision: str | None = None, *, verify: bool = True) -> Package:
        """Return a package; its data stays where it is.

        Parameters
        ----------
        name, revision : str
            See `resolve`.
        verify : bool
            Check the manifest against its top hash.

        Raises
        ------
        PackageNotFound, RevisionNotFound
        InvalidManifest, ManifestMismatch
        """
        top_hash = self.resolve(name, revision)
        kept = self._home.manifests.load(self.uri, top_hash, name)
        if kept is not None:
            return kept
        expected = top_hash if verify else None
        try:
            return with_retries(lambda: self._fetch_manifest(name, top_hash, expected))
        except ObjectNotFound:
            raise RevisionNotFound(
                f"the manifest {top_hash} of {name} is not in {self.uri}",
                hint=f"`cellfolio log {self.uri}/{name}` shows other revisions",
            ) from None

    def _fetch_manifest(self, name: str, top_hash: str, expected: str | None) -> Package:
        body = self._remotes.get(self.place(f"{MANIFESTS}/{top_hash}"))
        return self._home.manifests.add(body.blocks(_BLOCK), self.uri, expected, name)

    def seen(self, name: str) -> Package | None:
        """Return the newest revision that was seen on this machine; nobody is asked."""
        top_hash = self._note("latest", check_package_name(name))
        return top_hash and self._home.manifests.load(self.uri, top_hash, name)

    def headers(self, top_hashes: Sequence[str]) -> list[dict[str, Any] | None]:
        """Return the headers of manifests without reading the rest; None where one is missing."""

        def header(top_hash: str) -> dict[str, Any] | None:
            kept = self._home.manifests.load(self.uri, top_hash)
            if kept is not None:
                return kept.header
            place = self.place(f"{MANIFESTS}/{top_hash}")
            try:
                start = bytes(self._remotes.get(place, span=(0, _HEADER_BYTES)).read())
                line = start.split(b"\n", 1)[0]
                return dict(json.loads(line))
            except (ObjectNotFound, AccessRefused, ValueError):
                return None

        return at_once(header, top_hashes)

    def __repr__(self) -> str:
        return f"QuiltRegistry({self.uri!r})"


def _moment(revision: str) -> datetime | None:
    """Read a revision as a time."""
    if revision.isdecimal() and len(revision) in _SECONDS_DIGITS:  # else it begins a top hash
        return datetime.fromtimestamp(int(revision), UTC)
    return read_moment(revision)
