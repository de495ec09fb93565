"""Files of a package as what loaders read: those that are here, and small ones that are fetched."""

from __future__ import annotations

from cellfolio.errors import InvalidArgument, ObjectNotFound
from cellfolio.formats.format import Source
from cellfolio.package.plan import want
from cellfolio.storage.places import local_path
from cellfolio.web.places import Place
from cellfolio.web.rendering import size_words
from cellfolio.workflows.loading import entry_source

FETCHED = 64_000_000
"""Bytes of a file that is fetched because a page shows it."""


def source_at_hand(place: Place, most: int = FETCHED) -> Source:
    """Return the file that a place names; one that is far and small is fetched and checked.

    Parameters
    ----------
    place : Place
    most : int
        Bytes that are fetched unasked.

    Raises
    ------
    InvalidArgument
        If it is far, and larger.
    ObjectNotFound
        If it should be on this machine, and is not.
    EntryNotFound, TransferIncomplete
    """
    entry, home = place.entry, place.home
    name = want(entry)
    held = home.blobs.find([name]).get(name)
    path = held or local_path(entry.physical_key)
    if path is not None:
        if not path.is_file():
            raise ObjectNotFound(f"{entry.logical_key} is not where it was: no file {path}")
        return Source(path, entry.logical_key, entry.digest, home, entry.declared_format)
    if entry.size is None or not 0 <= entry.size <= most:
        raise InvalidArgument(
            f"{entry.name} is not on this machine: {size_words(entry.size)}",
            hint=f"fetch it first: cellfolio get '{place.shown.word}/{entry.logical_key}'",
        )
    return entry_source(entry, home, place.package)
