"""Errors that are of this library's tree and of the built-in type that programs catch.

::

    DataTypeNotInDirectory (EntryNotFound)           in `cellfolio.compat.abc.manifest`
    NotInRelease (EntryNotFound, KeyError)           a directory or file that the release lacks
    UnknownManifest (RevisionNotFound, ValueError)
    NotDownloaded (ObjectNotFound)                   a FileNotFoundError
    DownloadFailed (TransferError, RuntimeError)
    PathInTheWay (StoreError, FileExistsError, RuntimeError)
    LeftBehind (TransferError, RuntimeError)
    NoConnection (StoreError, NotImplementedError)
"""

from __future__ import annotations

from collections.abc import Sequence

from cellfolio.errors import (
    CellfolioError,
    EntryNotFound,
    ObjectNotFound,
    RevisionNotFound,
    StoreError,
    TransferError,
)


class NotInRelease(EntryNotFound, KeyError):
    """The release has no such directory or file, or the name stands for several files."""


class UnknownManifest(RevisionNotFound, ValueError):
    """The atlas has no manifest of that name."""


class NotDownloaded(ObjectNotFound):
    """The cache works without a connection, and does not have the file, or not whole."""


class DownloadFailed(TransferError, RuntimeError):
    """Files could not be downloaded; those that could are in the cache.

    Attributes
    ----------
    failures : tuple of Exception
        One for each file.
    """

    def __init__(self, failures: Sequence[Exception], total: int) -> None:
        shown = "; ".join(str(failure) for failure in failures[:3])
        more = f"; and {len(failures) - 3} more" if len(failures) > 3 else ""
        count = "" if total == 1 else f"{len(failures)} of {total} files: "
        hints = [failure.hint for failure in failures if isinstance(failure, CellfolioError)]
        super().__init__(
            f"could not download {count}{shown}{more}",
            hint=next(filter(None, hints), "call again: finished files and parts are kept"),
        )
        self.failures = tuple(failures)


class PathInTheWay(StoreError, FileExistsError, RuntimeError):
    """Something that is no file, or no folder, stands where one should be."""


class NoConnection(StoreError, NotImplementedError):
    """A cache that works without a connection was told to download."""


class LeftBehind(TransferError, RuntimeError):
    """A process that was forked cannot use the connections of its parent."""
