"""Manifests of releases of the Allen Brain Cell Atlas that a home keeps.

::

    <home>/releases/<hash of the URI>/listing           names of the releases seen last
    <home>/releases/<hash of the URI>/<release>.json    a release's manifest, as it came
    <home>/releases/<hash of the URI>/<release>.sha256  SHA-256 of that file

Rule 1: a kept manifest is used only while it has its digest.
Rule 2: what cannot be kept is not kept, and nothing fails for that.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from cellfolio.errors import InvalidManifest
from cellfolio.registries.abc.manifest import parse_release
from cellfolio.registries.abc.release import Release
from cellfolio.storage.disk import write_atomically
from cellfolio.storage.home import Home

_LISTING_VERSION = 1
# The name of a release also names a file of ours: no separator, no leading dot.
_VERSION = re.compile(r"\w[\w.-]{0,99}", re.ASCII)


def is_release_name(name: str) -> bool:
    """Whether a release may have this name: a date as a rule, without ``/`` in any case.

    Examples
    --------
    >>> is_release_name("20250531"), is_release_name("../20250531")
    (True, False)
    """
    return _VERSION.fullmatch(name) is not None


class KeptReleases:
    """What a home keeps of one registry; a home that cannot be written only gives.

    Parameters
    ----------
    home : Home
    uri : str
        URI of the registry.
    """

    def __init__(self, home: Home, uri: str) -> None:
        self._home = home
        self._folder = home.folder / "releases" / hashlib.sha256(uri.encode()).hexdigest()[:16]

    def _path(self, version: str) -> Path:
        return self._folder / f"{version}.json"

    def _digest_path(self, version: str) -> Path:
        return self._folder / f"{version}.sha256"

    def has(self, version: str) -> bool:
        """Whether a manifest is kept, sound or not."""
        return self._path(version).is_file()

    def versions(self) -> list[str]:
        """Return the releases whose manifests are kept, sorted."""
        names = (path.stem for path in self._folder.glob("*.json"))
        return sorted(name for name in names if is_release_name(name))

    def load(self, version: str) -> Release | None:
        """Return a kept release, or None; raise `InvalidManifest` if it is damaged."""
        try:
            data = self._path(version).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise InvalidManifest(f"{self._path(version)} cannot be read: {error}") from None
        try:
            expected = self._digest_path(version).read_text(encoding="ascii")
        except (OSError, ValueError):
            expected = ""
        if hashlib.sha256(data).hexdigest() != expected:
            raise InvalidManifest(f"{self._path(version)} is damaged")
        return parse_named(data, version)

    def keep(self, version: str, data: bytes) -> None:
        """Keep a manifest, if that is possible."""
        digest = hashlib.sha256(data).hexdigest()
        self._write(self._digest_path(version), digest.encode())
        self._write(self._path(version), data)

    def listed(self) -> list[str]:
        """Return the releases seen last, sorted; else those whose manifests are kept."""
        try:
            listing = json.loads((self._folder / "listing").read_bytes())
            if listing["version"] == _LISTING_VERSION:
                names = [name for name in listing["releases"] if is_release_name(name)]
                return sorted(names)
        except (OSError, ValueError, TypeError, KeyError):
            pass  # never seen, or damaged: what is kept tells enough
        return self.versions()

    def remember(self, versions: Iterable[str]) -> None:
        """Remember the names of the releases, if that is possible."""
        listing = {"version": _LISTING_VERSION, "releases": sorted(versions)}
        data = json.dumps(listing).encode()
        path = self._folder / "listing"
        with suppress(OSError):
            if path.read_bytes() == data:
                return
        self._write(path, data)

    def _write(self, path: Path, data: bytes) -> None:
        # A memory that cannot be written costs time later, and must not fail what is asked now.
        if self._home.blobs.writable:
            with suppress(OSError):
                path.parent.mkdir(parents=True, exist_ok=True)
                write_atomically(path, data)


def parse_named(data: bytes, version: str) -> Release:
    """Read the manifest of the release of that name.

    Raises
    ------
    InvalidManifest
        If it is damaged, hostile, or of another release.
    """
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise InvalidManifest(
            f"the manifest of release {version} should be JSON: {error}",
            hint="it is damaged; ask its owner, or open another release",
        ) from None
    release = parse_release(document)
    if release.version != version:
        raise InvalidManifest(
            f"the manifest of release {version} says that it is of release {release.version!r}",
            hint="it was put into the wrong folder; ask its owner, or open another release",
        )
    return release
