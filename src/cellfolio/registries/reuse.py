"""Bytes that a registry has already, so that a push need not send them.

Rule 1: every manifest of the registry may say where bytes are; the package's own come first.
Rule 2: where no version is named, another client may have put other bytes there since. Such a
place is used only if the object has the size and was not written after the manifest.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

from cellfolio.errors import InvalidManifest, NotFound
from cellfolio.package.digests import Digest
from cellfolio.package.package import Package
from cellfolio.registries.quilt import MANIFESTS, QuiltRegistry
from cellfolio.storage.home import Home
from cellfolio.storage.places import Place, parse_uri
from cellfolio.storage.remote import ObjectInfo
from cellfolio.storage.workers import at_once

_MAX_SEARCHED = 512 * 1024 * 1024
"""Bytes of other packages' manifests searched at most."""
_AT_ONCE = 64
"""Manifests that are read at once at most."""
_FEW = 50
"""Objects of one package that are asked for one by one; for more, the package is listed."""
_VERSION = "?versionId="


@dataclass(frozen=True, slots=True)
class Known:
    """Where a manifest says that bytes are.

    Attributes
    ----------
    uri : str
    size : int
        Bytes.
    top_hash : str
        The manifest.
    """

    uri: str
    size: int
    top_hash: str

    @property
    def versioned(self) -> bool:
        """Whether the place names a version, whose bytes nobody can change."""
        return _VERSION in self.uri


def root_uri(registry: QuiltRegistry) -> str:
    """Return what every URI in a registry starts with."""
    return registry.place("").uri.rstrip("/") + "/"


def known_places(
    wanted: set[Digest], name: str, registry: QuiltRegistry, home: Home
) -> dict[Digest, Known]:
    """Find bytes the registry has already, under any key of any package it has a manifest of.

    The package's own revisions come first, the newest before the others; then other packages'
    manifests, the newest first, up to a bound. A manifest is read once and kept.
    """
    root = root_uri(registry)
    found: dict[Digest, Known] = {}
    reused: set[str] = set()
    for top_hash, package in _opened(name, registry, home):
        if len(found) == len(wanted):
            break
        changeable: set[str] = set()
        for row in package.rows:
            uri = row.physical_key.decode()
            if not uri.startswith(root):
                continue
            digest = row.digest
            # A place that a newer manifest gives to other bytes has lost these.
            if digest in wanted and digest not in found and uri not in reused:
                found[digest] = Known(uri, row.size, top_hash)
            if _VERSION not in uri:
                changeable.add(uri)
        reused |= changeable
    return found


def still_there(
    known: Mapping[Digest, Known],
    existing: Mapping[str, ObjectInfo],
    registry: QuiltRegistry,
    home: Home,
) -> dict[Digest, Known]:
    """Leave out places whose bytes may be gone (rule 2).

    Parameters
    ----------
    known : mapping of Digest to Known
    existing : mapping of str to ObjectInfo
        Objects known to be there, by path.
    registry : QuiltRegistry
    home : Home
    """
    doubtful = {digest: one for digest, one in known.items() if not one.versioned}
    manifests = sorted({one.top_hash for one in doubtful.values()})
    heads = at_once(lambda t: home.remotes.head(registry.place(f"{MANIFESTS}/{t}")), manifests)
    written = dict(zip(manifests, heads, strict=True))
    there = _look({parse_uri(one.uri) for one in doubtful.values()}, existing, home)

    def lost(one: Known) -> bool:
        found, manifest = there.get(parse_uri(one.uri)), written[one.top_hash]
        if found is None or manifest is None or found.size != one.size:
            return True
        return found.modified > manifest.modified

    return {digest: one for digest, one in known.items() if digest not in doubtful or not lost(one)}


def _look(
    places: set[Place], existing: Mapping[str, ObjectInfo], home: Home
) -> dict[Place, ObjectInfo | None]:
    """Ask for objects: many of one folder by listing it, few one by one."""
    found: dict[Place, ObjectInfo | None] = {
        place: existing[place.path] for place in places if place.path in existing
    }
    folders = Counter(_folder(place) for place in places if place not in found)
    listed = [folder for folder, count in folders.items() if count > _FEW]
    for folder in listed:
        objects = {info.path: info for info in home.remotes.objects(folder)}
        inside = (place for place in places if _folder(place) == folder)
        found.update((place, objects.get(place.path)) for place in inside)
    rest = [place for place in places if place not in found]
    found.update(zip(rest, at_once(home.remotes.head, rest), strict=True))
    return found


def _folder(place: Place) -> Place:
    """Return the folder of a place with the fewest other packages in it: its parent's parent."""
    return Place(place.root, place.path.rpartition("/")[0].rpartition("/")[0])


def _opened(name: str, registry: QuiltRegistry, home: Home) -> Iterator[tuple[str, Package]]:
    """Yield the manifests to search that can be read: some are read at once, ever more of them."""

    def read(top_hash: str) -> Package | None:
        try:
            return registry.open(name, top_hash)
        except (InvalidManifest, NotFound):
            return None

    left, count = _manifests_to_search(name, registry, home), 1
    while some := list(islice(left, count)):
        for top_hash, package in zip(some, at_once(read, some), strict=True):
            if package is not None:
                yield top_hash, package
        count = min(2 * count, _AT_ONCE)


def _manifests_to_search(name: str, registry: QuiltRegistry, home: Home) -> Iterator[str]:
    try:
        own = [revision.top_hash for revision in registry.revisions(name)]
    except NotFound:
        own = []
    yield from dict.fromkeys(own)
    others = sorted(
        home.remotes.objects(registry.place(MANIFESTS)),
        key=lambda info: info.modified,
        reverse=True,
    )
    room = _MAX_SEARCHED
    for info in others:
        room -= info.size
        if room < 0:
            return
        top_hash = info.path.rpartition("/")[2]
        if top_hash not in own and len(top_hash) == 64:
            yield top_hash
