"""Listings of buckets as packages: what lies below a prefix, with the ETags as digests.

A listing is looked at now (`list_objects`), or was saved when the data set was published
(`read_saved_listing`). An object whose ETag does not vouch for its bytes is an entry of known size
without a digest.
"""

from __future__ import annotations

import json
import re
import reprlib
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from cellfolio.errors import InvalidManifest, ObjectNotFound, PackageNotFound, TransferError
from cellfolio.package.entry import Entry
from cellfolio.package.etags import etag_digest
from cellfolio.package.package import Package
from cellfolio.package.row import MAX_SIZE
from cellfolio.registries.left_out import is_key, warn_left_out
from cellfolio.storage.places import Place, parse_uri
from cellfolio.storage.remote import ObjectInfo, Remotes
from cellfolio.storage.s3.listing import list_exactly

_SIZE = re.compile(r"[0-9]{1,19}")
_HEADER = ("key", "size", "etag")


class TruncatedListingWarning(UserWarning):
    """A saved listing says itself that it is not complete."""


def list_objects(address: str, remotes: Remotes, *, hasty: bool = False) -> Package:
    """Return every object below a prefix as a package.

    Logical keys start below the prefix. Objects that only mark a folder (no bytes, and a key that
    closes with ``/``) are left out; keys that cannot be logical keys too, with a warning. The
    ETags of S3 are digests where they can be (see `etag_digest`); other stores' ETags are none.

    Parameters
    ----------
    address : str
        ``s3://bucket/prefix``, ``file:///folder``, ``memory://…``; the prefix is a folder.
    remotes : Remotes
    hasty : bool
        Give up soon where the store does not answer.

    Raises
    ------
    PackageNotFound
        If nothing is there.
    InvalidReference
        If the address is not one of a store.
    AccessRefused, ServerUnreachable, TransferError

    Warns
    -----
    LeftOutWarning

    Examples
    --------
    >>> remotes = Remotes()
    >>> remotes.put(parse_uri("memory:///plates/a.csv"), b"well") and None
    >>> list_objects("memory:///plates", remotes).entry("a.csv").size
    4
    """
    place = parse_uri(address)
    place = Place(place.root, place.path.rstrip("/"))
    in_s3 = place.root.startswith("s3://")
    try:
        listed = [
            _Listed(one.path, one.size, one.e_tag if in_s3 else None)
            for one in _objects(place, remotes, hasty=hasty)
        ]
    except ObjectNotFound as error:
        raise PackageNotFound(error.message, hint=error.hint) from error
    entries = _entries(listed, place.path, place)
    if not entries:
        raise PackageNotFound(
            f"there are no objects below {place.uri}", hint="check the bucket and the prefix"
        )
    return _package(entries, place)


def _objects(place: Place, remotes: Remotes, *, hasty: bool) -> list[ObjectInfo]:
    found: list[ObjectInfo] = []
    trouble: TransferError | None = None
    try:
        found = list(remotes.objects(place, hasty=hasty))
        if all(one.size for one in found):
            return found
    except TransferError as error:
        if "invalid path" not in error.message:
            raise
        trouble = error
    # Keys as they are: without them, a folder's marker looks like an empty file.
    there = remotes.locate(place)
    exact = list_exactly(there, remotes)
    if exact is not None:
        start = len(there.path.rstrip("/"))
        return [
            ObjectInfo(place.path + one.path[start:], one.size, one.e_tag, None, one.modified)
            for one in exact
        ]
    if trouble is not None:
        raise trouble
    return found


# Saved listings


def read_saved_listing(text: bytes, address: str, *, saved_prefix: str = "") -> Package:
    r"""Return a saved listing, or one folder of it, as a package.

    Read is what ``aws s3api list-objects``, ``list-objects-v2`` and ``list-object-versions``
    print (the latest version of each object counts), and a table of ours: lines of key, size and
    ETag, separated by tabs; lines that start with ``#`` are comments; an ETag may be empty.

    Parameters
    ----------
    text : bytes
        UTF-8.
    address : str
        Where the objects of that folder are now.
    saved_prefix : str, optional
        Folder of the listing, as its keys have it; logical keys start below it. By default all.

    Raises
    ------
    InvalidManifest
        Naming the line or element that is wrong.
    PackageNotFound
        If the listing has nothing below `saved_prefix`.
    InvalidReference
        If the address is not one of a store.

    Warns
    -----
    TruncatedListingWarning, LeftOutWarning

    Examples
    --------
    >>> text = b"lincs/a.csv\t3\t5967bd8a92d2c57242436330950f1cd2\nluad/b.csv\t5\t\n"
    >>> package = read_saved_listing(text, "s3://gallery/new/lincs", saved_prefix="lincs")
    >>> package.entry("a.csv").physical_key, package.file_count
    ('s3://gallery/new/lincs/a.csv', 1)
    """
    try:
        decoded = text.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidManifest(f"a listing has to be UTF-8: {error}") from None
    place = parse_uri(address)
    place = Place(place.root, place.path.rstrip("/"))
    is_json = decoded.lstrip()[:1] in ("{", "[")
    listed = list(_from_json(decoded, place.root) if is_json else _from_table(decoded))
    prefix = saved_prefix.rstrip("/")
    entries = _entries(listed, prefix, place)
    if not entries:
        folders = sorted({one.key.rpartition("/")[0] for one in listed})
        raise PackageNotFound(
            f"the listing has no objects below {saved_prefix!r}",
            hint=f"it has folders such as {', '.join(folders[:3])}" if folders else "it is empty",
        )
    return _package(entries, place)


def _from_table(text: str) -> Iterator[_Listed]:
    for number, line in enumerate(text.split("\n"), 1):
        fields = line.rstrip("\r").split("\t")
        if line.startswith("#") or not line.strip():
            continue
        if number == 1 and tuple(name.lower() for name in fields) == _HEADER:
            continue
        if len(fields) != len(_HEADER):
            raise InvalidManifest(
                f"expected key, size and ETag separated by tabs, found {len(fields)} fields",
                line=number,
            )
        key, size, e_tag = fields
        if not _SIZE.fullmatch(size) or int(size) > MAX_SIZE:
            raise InvalidManifest(
                f"{key!r}: expected a size in bytes, found {size[:80]!r}", line=number
            )
        yield _Listed(key, int(size), e_tag, where=f"line {number}")


def _from_json(text: str, root: str) -> Iterator[_Listed]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidManifest(f"the listing is not JSON: {error}") from None
    if isinstance(document, list):
        document = {"Contents": document}
    if document.get("IsTruncated") is True or document.get("NextToken"):
        message = "the listing is truncated: objects are missing in it"
        warnings.warn(TruncatedListingWarning(message), stacklevel=4)
    same_bucket = document.get("Name", root[5:]) == root[5:]
    for field in ("Contents", "Versions"):
        items = document.get(field) or []
        if not isinstance(items, list):
            raise InvalidManifest(f"expected {field} to be a list, found {reprlib.repr(items)}")
        for number, item in enumerate(items):
            listed = _json_object(item, f"{field}[{number}]", same_bucket=same_bucket)
            if listed is not None:
                yield listed


def _json_object(item: Any, where: str, *, same_bucket: bool) -> _Listed | None:
    fields = item if isinstance(item, dict) else {}
    key, size, e_tag = fields.get("Key"), fields.get("Size"), fields.get("ETag")
    if not isinstance(key, str) or not key:
        raise InvalidManifest(f"{where}: expected an object with a Key, found {reprlib.repr(item)}")
    if not isinstance(size, int) or isinstance(size, bool) or not 0 <= size <= MAX_SIZE:
        raise InvalidManifest(
            f"{where}: expected the Size of {key!r} in bytes, found {reprlib.repr(size)}"
        )
    if not isinstance(e_tag, str | None):
        raise InvalidManifest(
            f"{where}: expected the ETag of {key!r} as text, found {reprlib.repr(e_tag)}"
        )
    if fields.get("IsLatest") is False:
        return None
    version = fields.get("VersionId")
    usable = same_bucket and isinstance(version, str) and version != "null"
    return _Listed(key, size, e_tag, version if usable else None, where)


# What both become


@dataclass(frozen=True, slots=True)
class _Listed:
    """An object as a listing has it."""

    key: str
    size: int
    e_tag: str | None
    version: str | None = None
    where: str = "the listing"


def _entries(listed: Iterable[_Listed], prefix: str, place: Place) -> list[Entry]:
    """Return entries of the objects below a prefix, which lie below a place now."""
    folder = prefix + "/" if prefix else ""
    start = place.path + "/" if place.path else ""
    found: dict[str, Entry] = {}
    left_out = []
    for one in listed:
        marks_folder = one.size == 0 and one.key.endswith("/")
        if marks_folder or not one.key.startswith(folder):
            continue
        key = one.key[len(folder) :]
        if not is_key(key):
            left_out.append(key)
            continue
        if key in found:
            raise InvalidManifest(f"{one.where}: the key {one.key!r} occurs twice")
        path = start + key
        # A version names an object where it was listed, not one that has moved.
        version = one.version if path == one.key else None
        digest = etag_digest(one.e_tag, one.size)
        found[key] = Entry(key, Place(place.root, path, version).uri, one.size, digest)
    warn_left_out(left_out, place.uri)
    return list(found.values())


def _package(entries: list[Entry], place: Place) -> Package:
    count = "1 object" if len(entries) == 1 else f"{len(entries)} objects"
    return Package.of(entries, meta={"address": place.uri}, message=f"{count} below {place.uri}")
