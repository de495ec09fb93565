"""Mirrors: public addresses, read from somewhere else.

``CELLFOLIO_MIRROR`` holds rules, separated by white space. A rule ``FROM=TO`` sends what starts
with FROM to the same path below TO; of several that fit, the longest FROM counts. A rule without
``=`` is a place that holds everything: ``s3://bucket/key`` is read from ``TO/bucket/key``, and
``https://host/path`` from ``TO/host/path``. Nothing is ever written to a mirror.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass

from cellfolio.errors import InvalidArgument
from cellfolio.storage.places import SCHEMES, Place, parse_uri

VARIABLE = "CELLFOLIO_MIRROR"
_RULE = re.compile(r"(?P<source>[a-z0-9]+://[^=]*)=(?P<target>.+)")
_EVERYTHING = re.compile(r"(?:s3|https?|gs|az)://")


@dataclass(frozen=True, slots=True)
class Mirrors:
    """Rules that send addresses elsewhere.

    Attributes
    ----------
    rules : tuple of (str, Place)
        Start of an address, not encoded, and the place that stands for it.
    everything : Place or None
        What holds the other addresses, by bucket or host.

    Examples
    --------
    >>> mirrors = parse_mirrors("s3://gallery=file:///data/gallery")
    >>> mirrors.locate(parse_uri("s3://gallery/a/b.csv")).uri
    'file:///data/gallery/a/b.csv'
    >>> parse_mirrors("s3://lab").locate(parse_uri("https://host/a.csv")).uri
    's3://lab/host/a.csv'
    """

    rules: tuple[tuple[str, Place], ...] = ()
    everything: Place | None = None

    def locate(self, place: Place) -> Place:
        """Return where a place is read from."""
        address = f"{place.root}/{place.path}"
        for source, target in self.rules:
            if address == source or address.startswith(source.rstrip("/") + "/"):
                return _below(target, address[len(source) :].strip("/"), place)
        if self.everything is None or not _EVERYTHING.match(place.root):
            return place
        if f"{address}/".startswith(f"{self.everything.root}/{self.everything.path}".rstrip("/")):
            return place
        return _below(self.everything, address.partition("://")[2].strip("/"), place)


def _below(target: Place, rest: str, place: Place) -> Place:
    path = "/".join(part for part in (target.path.strip("/"), rest) if part)
    # A version names an object of one bucket only.
    kept = place.version if target.root.partition("://")[0] == "s3" == place.root[:2] else None
    return Place(target.root, path, kept)


def parse_mirrors(text: str) -> Mirrors:
    """Read the rules.

    Raises
    ------
    InvalidArgument
        If a rule names no address of a store, or two rules hold everything.
    """
    rules: list[tuple[str, Place]] = []
    everything: Place | None = None
    for word in text.split():
        match = _RULE.fullmatch(word)
        target = word if match is None else match["target"]
        if target.partition("://")[0] not in SCHEMES or (match is None and everything):
            raise InvalidArgument(
                f"{VARIABLE}: {word!r} cannot be used; expected FROM=TO, or one TO for everything",
                hint="for example s3://cellpainting-gallery=file:///data/gallery",
            )
        if match is None:
            everything = parse_uri(target)
        else:
            rules.append((match["source"].rstrip("/"), parse_uri(target)))
    return Mirrors(tuple(sorted(rules, key=lambda rule: -len(rule[0]))), everything)


def mirrors_in_use() -> Mirrors:
    """Return the mirrors of this environment."""
    return parse_mirrors(os.environ.get(VARIABLE, ""))
