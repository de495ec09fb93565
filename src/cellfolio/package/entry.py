"""One file of a package."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cellfolio.errors import InvalidArgument
from cellfolio.package.digests import Digest
from cellfolio.package.opener import Opener

Meta = Mapping[str, Any]
LISTED = "listed"
"""Field of ``user_meta``: see `Entry.listed`."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of a package: its name, where its bytes are, and what they must be.

    Parameters
    ----------
    logical_key : str
        The path a user sees.
    physical_key : str
        URI of the bytes, percent-encoded; ``?versionId=`` names a version of an S3 object.
    size : int or None
        Bytes; None where the source does not tell.
    digest : Digest or None
        None where nothing vouches for the bytes.
    meta : mapping
        JSON object as the manifest has it: ``user_meta``, ``format``, ``target``.
    opener : Opener or None
        What `load` and `open` ask. Entries of packages that were opened by name have one. It is no
        part of the value: entries are equal whatever opens them.

    Examples
    --------
    >>> entry = Entry("a/b.csv", "s3://bucket/a/b.csv", 3, Digest("MD5", "0" * 32))
    >>> entry.name, entry.user_meta
    ('b.csv', {})
    """

    logical_key: str
    physical_key: str
    size: int | None = None
    digest: Digest | None = None
    meta: Meta = field(default_factory=dict)
    opener: Opener | None = field(default=None, compare=False, repr=False)

    @property
    def name(self) -> str:
        """Last component of the logical key."""
        return self.logical_key.rpartition("/")[2]

    @property
    def user_meta(self) -> Meta:
        """The metadata its authors gave it; empty where there is none."""
        found = self.meta.get("user_meta")
        return found if isinstance(found, Mapping) else {}

    @property
    def listed(self) -> str | None:
        """The name its registry lists it under, whatever its version; None if it has none.

        It is ``user_meta["listed"]``, such as ``WMB-10X/gene``.
        """
        found = self.user_meta.get(LISTED)
        return found if isinstance(found, str) else None

    @property
    def declared_format(self) -> str | None:
        """What its authors say that it is, such as ``csv`` or ``json``; None if nothing."""
        told = self.meta.get("format")
        name = told.get("name") if isinstance(told, Mapping) else None
        return name if isinstance(name, str) else None

    def load(self, **options: Any) -> Any:
        """Read the file as what it is: table, image, matrix, array, volume, document.

        Its bytes are fetched into the store and checked first, if they are not there.

        Parameters
        ----------
        **options
            See `cellfolio.load`.

        Raises
        ------
        UnknownFormat, BrokenFile, InvalidArgument, TransferIncomplete
        """
        return self._opened_by().load(self, **options)

    def open(self, **options: Any) -> Any:
        """Open the file lazily, as what it is; what is not asked for is not read.

        An image in a bucket is not even fetched: only the planes that are asked for are. Tables
        tell their columns and read those that you name (`LazyTable`); arrays are mapped; volumes,
        databases and the matrices of AnnData files are read where they are looked at. What can
        only be read whole (documents) is what `load` returns.

        Parameters
        ----------
        **options
            See `cellfolio.load`.

        Raises
        ------
        UnknownFormat, BrokenFile, InvalidArgument, TransferIncomplete
        """
        return self._opened_by().open(self, **options)

    def __call__(self, **options: Any) -> Any:
        """Read the file: `load`, as entries of Quilt packages do when they are called."""
        return self.load(**options)

    def _opened_by(self) -> Opener:
        if self.opener is None:
            raise InvalidArgument(
                f"nothing opens {self.logical_key}: its package was not opened by name",
                hint="open the package with cellfolio.open, or use cellfolio.load(package, key)",
            )
        return self.opener

    def same_bytes(self, other: Entry) -> bool:
        """Whether both manifests promise the same bytes (digest and size; else location)."""
        if self.digest is not None and other.digest is not None:
            if self.digest.algorithm == other.digest.algorithm:
                return self.digest == other.digest and self.size == other.size
            return False
        return self.physical_key == other.physical_key and self.size == other.size

    def __repr__(self) -> str:
        size = "unknown size" if self.size is None else f"{self.size} B"
        return f"Entry({self.logical_key!r}, {size}, {self.digest or 'no digest'})"
