"""A bucket's listing with the keys exactly as they are.

The client for everything else, obstore, gives up on a whole listing because of one key such as
``a//b``, and drops the slash at a key's end, by which markers of folders are known. Where that
matters, the bucket is listed by requests of our own.

References
----------
"ListObjectsV2", Amazon S3 API Reference.
"""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.error import HTTPError, URLError
from urllib.parse import unquote_plus
from urllib.request import Request, urlopen

from cellfolio.errors import AccessRefused, ObjectNotFound, ServerUnreachable, TransferError
from cellfolio.storage import clients
from cellfolio.storage.clients import S3Access, s3_access
from cellfolio.storage.remote import ObjectInfo, Place, Remotes, with_retries
from cellfolio.storage.signing import Unsigned, encode_query, sign

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_LARGEST_PAGE = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class _Bucket:
    place: Place
    url: str
    access: S3Access | None
    """None where requests are not signed."""


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
    bucket = _reach(place, remotes)
    return None if bucket is None else _pages(bucket)


def _reach(place: Place, remotes: Remotes) -> _Bucket | None:
    scheme, _, name = place.root.partition("://")
    if scheme != "s3":
        return None
    config = dict(remotes.store(place.root).config)  # type: ignore[union-attr]
    region = str(config.get("region") or "us-east-1")
    access = s3_access(name, region)
    if access is not None:
        return _Bucket(place, access.url, access)
    if not config.get("skip_signature"):
        return None
    endpoint = config.get("endpoint") or f"https://s3.{region}.amazonaws.com"
    return _Bucket(place, f"{str(endpoint).rstrip('/')}/{name}", None)


def _pages(bucket: _Bucket) -> Iterator[ObjectInfo]:
    folder = bucket.place.path.rstrip("/")
    query = {"list-type": "2", "encoding-type": "url", "prefix": folder + "/" if folder else ""}
    token: str | None = ""
    while token is not None:
        asked = {**query, "continuation-token": token} if token else query
        page = with_retries(lambda asked=asked: _page(bucket, asked))  # type: ignore[misc]
        encoded = _text(page, "EncodingType") == "url"
        for item in page.iterfind("{*}Contents"):
            key = _text(item, "Key")
            yield ObjectInfo(
                unquote_plus(key) if encoded else key,
                int(_text(item, "Size")),
                _text(item, "ETag").strip('"') or None,
                None,
                datetime.fromisoformat(_text(item, "LastModified")),
            )
        following = _text(page, "NextContinuationToken")
        more = _text(page, "IsTruncated") == "true" and following not in ("", token)
        token = following if more else None


def _page(bucket: _Bucket, query: dict[str, str]) -> Element:
    from xml.etree import ElementTree

    url = f"{bucket.url}?{encode_query(query)}"
    headers = {}
    if bucket.access is not None:
        url = f"{bucket.url}/?{encode_query(query)}"
        signed = sign(
            Unsigned("GET", url), bucket.access.keys(), bucket.access.region, datetime.now(UTC)
        )
        headers = {name: value for name, value in signed.items() if name != "host"}
    try:
        timeout = clients.IDLE_TIMEOUT.total_seconds()
        with closing(urlopen(Request(url, headers=headers), timeout=timeout)) as answer:
            return ElementTree.fromstring(answer.read(_LARGEST_PAGE))
    except HTTPError as error:
        raise _failure(error, bucket.place) from error
    except (URLError, TimeoutError, ConnectionError) as error:
        raise ServerUnreachable(
            f"{bucket.place.uri} could not be reached: {error}",
            hint="check the network and AWS_ENDPOINT_URL",
        ) from error
    except (http.client.HTTPException, ElementTree.ParseError) as error:
        raise TransferError(f"{bucket.place.uri}: the listing cannot be read: {error}") from error


def _failure(error: HTTPError, place: Place) -> TransferError | ObjectNotFound:
    error.close()
    if error.code == 404:
        return ObjectNotFound(f"{place.uri}: the bucket does not exist", hint="check its name")
    if error.code in (401, 403):
        return AccessRefused(
            f"access to {place.uri} was refused",
            hint="set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE",
        )
    return TransferError(f"{place.uri}: the server answered {error.code} {error.reason}")


def _text(element: Element, name: str) -> str:
    return element.findtext(f"{{*}}{name}") or ""
