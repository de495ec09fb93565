"""Bytes of a file of a package: of the store if it is there, else by ranges from its source."""

from __future__ import annotations

from cellfolio.errors import ObjectNotFound
from cellfolio.formats.images.ranged import LocalFile, Ranged, RemoteFile
from cellfolio.package.entry import Entry
from cellfolio.package.plan import want
from cellfolio.storage.home import Home
from cellfolio.storage.places import local_path, parse_uri


def is_held(entry: Entry, home: Home) -> bool:
    """Whether the bytes of a file are in the store."""
    name = want(entry)
    return name in home.blobs.held([name])


def ranged(entry: Entry, home: Home) -> Ranged:
    """Return a file of a package as something whose parts can be read; nothing is read yet.

    Parts that come from the source are not checked against the file's digest, which tells of the
    whole; that size and ETag are those of one object is.

    Raises
    ------
    ObjectNotFound
        If it should be on this machine, and is not.
    """
    name = want(entry)
    found = home.blobs.find([name]).get(name) or local_path(entry.physical_key)
    if found is None:
        place = parse_uri(entry.physical_key)
        return RemoteFile(home.remotes, place, entry.digest, entry.size)
    if not found.is_file():
        raise ObjectNotFound(f"{entry.logical_key} is not where it was: no file {found}")
    return LocalFile(found, entry.logical_key)
