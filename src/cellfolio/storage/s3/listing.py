"""A bucket's listing with the keys exactly as they are.

The client for everything else, obstore, gives up on a whole listing because of one key such as
``a//b``, and drops the slash at a key's end, by which markers of folders are known. Where that
matters, the bucket is listed by requests of our own.

References
----------
"ListObjectsV2", Amazon S3 API Reference.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import unquote_plus

from cellfolio.storage.places import Place
from cellfolio.storage.remote import ObjectInfo, Remotes
from cellfolio.storage.s3.answers import read_text
from cellfolio.storage.s3.transport import Request, S3Bucket, open_bucket

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element


def list_exactly(place: Place, remotes: Remotes) -> Iterator[ObjectInfo] | None:
    """Return every object below a folder of a bucket, or None where only the client can list it.

    Parameters
    ----------
    place : Place
        In S3, and no mirror of another place.
    remotes : Remotes
        Tells how the bucket is reached.

    Raises
    ------
    ObjectNotFound
        If there is no such bucket.
    AccessRefused, ServerUnreachable, TransferError
    """
    bucket = open_bucket(place.root, remotes, unsigned=remotes.unsigned(place.root))
    return None if bucket is None else _pages(bucket, place)


def _pages(bucket: S3Bucket, place: Place) -> Iterator[ObjectInfo]:
    folder = place.path.rstrip("/")
    query = {"list-type": "2", "encoding-type": "url", "prefix": folder + "/" if folder else ""}
    whole = replace(place, path="")
    token: str | None = ""
    while token is not None:
        asked = {**query, "continuation-token": token} if token else query
        page = bucket.ask(Request("GET", whole, asked)).xml
        encoded = read_text(page, "EncodingType") == "url"
        for item in page.iterfind("{*}Contents"):
            yield _read_item(item, encoded=encoded)
        following = read_text(page, "NextContinuationToken")
        more = read_text(page, "IsTruncated") == "true" and following not in ("", token)
        token = following if more else None


def _read_item(item: Element, *, encoded: bool) -> ObjectInfo:
    key = read_text(item, "Key")
    return ObjectInfo(
        unquote_plus(key) if encoded else key,
        int(read_text(item, "Size")),
        read_text(item, "ETag").strip('"') or None,
        None,
        datetime.fromisoformat(read_text(item, "LastModified")),
    )
