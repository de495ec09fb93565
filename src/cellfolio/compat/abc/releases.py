"""The manifests of releases: those in a cache folder, and those in a bucket.

Rule 1: a manifest is fetched once, put into the cache whole or not at all, and fetched again if it
cannot be read.
Rule 2: whoever opened the cache before is not held up by a network that does not answer
(`cellfolio.registries.abc.registry`); whoever has nothing to fall back on hears of it soon.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from cellfolio.compat.abc.bookkeeping import write
from cellfolio.compat.abc.failures import UnknownManifest
from cellfolio.compat.abc.manifest import Manifest
from cellfolio.errors import InvalidManifest, ObjectNotFound, ServerUnreachable
from cellfolio.registries.abc.kept import KeptReleases, is_release_name, parse_named
from cellfolio.registries.abc.registry import SCHEME, AbcRegistry
from cellfolio.storage.home import Home
from cellfolio.storage.places import Place
from cellfolio.storage.remote import with_retries

PREFIX = "releases/"
_SUFFIX = "/manifest.json"

Fetch = Callable[[str], bytes]
"""Returns the bytes of a manifest by its name."""


def manifest_name(version: str) -> str:
    """Return the name of a release's manifest.

    Examples
    --------
    >>> manifest_name("20250531")
    'releases/20250531/manifest.json'
    """
    return f"{PREFIX}{version}{_SUFFIX}"


def release_name(name: str) -> str:
    """Return the release that a manifest is of."""
    return name.removeprefix(PREFIX).removesuffix(_SUFFIX)


def downloaded_manifests(folder: Path) -> list[str]:
    """Return the names of the manifests that a cache has, sorted."""
    found = (path.parent.name for path in (folder / PREFIX).glob("*/manifest.json"))
    return sorted(manifest_name(version) for version in found if is_release_name(version))


def read_manifest(folder: Path, name: str, fetch: Fetch | None = None) -> Manifest:
    """Return a manifest that a cache has, or fetch it.

    Parameters
    ----------
    folder : Path
        Of the cache.
    name : str
        ``releases/20250531/manifest.json``.
    fetch : callable, optional
        None for a cache without a connection.

    Raises
    ------
    UnknownManifest
        If the cache does not have it and there is no connection.
    InvalidManifest
        If it is damaged or hostile, and so is what the server sends.
    ServerUnreachable
    StoreReadOnly
        If it was fetched and cannot be kept.
    """
    path = folder / name
    trouble: Exception | None = None
    try:
        data = path.read_bytes()
        return Manifest.of(folder, parse_named(data, release_name(name)), data)
    except FileNotFoundError:
        if fetch is None:
            raise UnknownManifest(f"{name} is not on this system") from None
    except InvalidManifest as error:
        if fetch is None:
            raise
        trouble = error
    try:
        data = fetch(name)
    except ServerUnreachable as error:
        if trouble is None:
            raise
        raise ServerUnreachable(
            f"{path} is damaged, and it cannot be fetched again: {error}",
            hint="check the network, or load another manifest",
        ) from error
    manifest = Manifest.of(folder, parse_named(data, release_name(name)), data)
    write(path, data)
    return manifest


class BucketReleases:
    """The manifests of a bucket.

    Parameters
    ----------
    bucket : str
    folder : Path
        Of the cache.
    home : Home
        Of the cache; it remembers the names seen last.
    """

    def __init__(self, bucket: str, folder: Path, home: Home) -> None:
        self._root = f"s3://{bucket}"
        self._folder = folder
        self._home = home

    def names(self) -> list[str]:
        """Return the names of all manifests, sorted.

        Where the server cannot be reached, these are the ones seen last, with an
        `OfflineWarning`.

        Raises
        ------
        ServerUnreachable
            If none was seen before.
        PackageNotFound
            If the bucket has none.
        """
        uri = SCHEME + self._root
        kept = KeptReleases(self._home, uri)
        if not kept.listed():
            here = [release_name(name) for name in downloaded_manifests(self._folder)]
            if here:
                kept.remember(here)
            else:
                with_retries(self._knock)
        return [manifest_name(version) for version in AbcRegistry(uri, self._home).releases()]

    def _knock(self) -> None:
        """Find out soon whether anybody is there; the list itself is asked for patiently."""
        next(self._home.remotes.objects(Place(self._root, PREFIX[:-1]), hasty=True), None)

    def fetch(self, name: str) -> bytes:
        """Return the bytes of a manifest.

        Raises
        ------
        UnknownManifest, ServerUnreachable
        """
        place = Place(self._root, name)
        try:
            return with_retries(lambda: self._home.remotes.read(place, hasty=True))[0]
        except ObjectNotFound as error:
            raise UnknownManifest(f"{place.uri} does not exist", hint=error.hint) from None
