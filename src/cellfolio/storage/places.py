"""Where objects are: a URI, percent-encoded, with an optional ``?versionId=`` for S3."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, quote, unquote, urlsplit
from urllib.request import url2pathname

from cellfolio.errors import InvalidReference

SCHEMES = ("s3", "file", "http", "https", "gs", "az", "memory")


@dataclass(frozen=True, slots=True)
class Place:
    """Where an object is.

    Attributes
    ----------
    root : str
        URI of the bucket, host or folder.
    path : str
        Key below it, not encoded.
    version : str or None
        Version of an S3 object.
    """

    root: str
    path: str
    version: str | None = None

    @property
    def uri(self) -> str:
        """The place as a URI, percent-encoded as Quilt does."""
        version = "" if self.version is None else f"?versionId={quote(self.version, safe='')}"
        return f"{self.root}/{quote(self.path)}{version}"


def parse_uri(uri: str) -> Place:
    """Read a URI.

    Raises
    ------
    InvalidReference
        If the scheme is not one of `SCHEMES`.

    Examples
    --------
    >>> parse_uri("s3://bucket/a%20b.csv?versionId=x.1")
    Place(root='s3://bucket', path='a b.csv', version='x.1')
    """
    if uri.startswith("s3://"):
        bucket, _, rest = uri[5:].partition("/")
        key, _, query = rest.partition("?")
        version = parse_qs(query).get("versionId", [None])[0] if query else None
        return Place(f"s3://{bucket}", unquote(key), version)
    parts = urlsplit(uri)
    if parts.scheme not in SCHEMES or not uri.startswith(parts.scheme):  # in lower case, too
        raise InvalidReference(
            f"{uri!r} is not the address of a store; expected {', '.join(SCHEMES)} and '://'"
        )
    path = unquote(parts.path).removeprefix("/")
    if parts.scheme == "file":
        return Place("file://", path)
    query = f"?{parts.query}" if parts.query else ""
    return Place(f"{parts.scheme}://{parts.netloc}", path + query)


def local_path(uri: str) -> Path | None:
    """Return the path of a ``file://`` URI, else None."""
    if not uri.startswith("file:"):
        return None
    return Path(url2pathname(urlsplit(uri).path))
