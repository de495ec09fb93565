"""One file of a package."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cellfolio.package.digests import Digest

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
