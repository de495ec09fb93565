"""Thumbnails of sites: each plane read once, averaged, and kept under the digests of its files.

::

    <home>/derived/thumbnails/<aa>/<digest>.npz

Rule 1: what is kept are averaged pixels in the image's units, not a picture: contrast and colours
are chosen later, and cost no reading.
Rule 2: what cannot be kept, or is damaged, is made again.
"""

from __future__ import annotations

import contextlib
import io
import threading
import zipfile
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellfolio.errors import CellfolioError
from cellfolio.formats.images.opening import ImageSource, open_image
from cellfolio.imaging.reducing import reduce_plane
from cellfolio.imaging.shown import channel_count, plane_shape
from cellfolio.package.entry import Entry
from cellfolio.storage.disk import write_atomically
from cellfolio.storage.home import Home
from cellfolio.storage.places import local_path
from cellfolio.workflows.measuring.sites import SiteImages
from cellfolio.workflows.plate_views.making import Made, Making

_VERSION = "thumbnails 2"
MOST_KEPT = 1 << 30
"""Bytes of thumbnails in a home, at most about."""
_LOOKED_AT = 16
"""Of so many thumbnails that are kept, one makes us look whether there are too many."""
_IN_MEMORY = 24
"""Sets of thumbnails that stay in memory."""


@dataclass(frozen=True, slots=True, eq=False)
class Thumbnails:
    """A channel of several sites, made small.

    Attributes
    ----------
    planes : array of shape (sites, Y, X), float32
        NaN where there is no pixel: sites that could not be read, and beyond the edge of sites
        that are smaller than others.
    failures : tuple of (int, str)
        Sites that could not be read, by position, and why.
    waiting : tuple of int
        Sites that are not made yet, by position.
    """

    planes: NDArray[np.float32]
    failures: tuple[tuple[int, str], ...] = ()
    waiting: tuple[int, ...] = ()


def identity_of(source: ImageSource) -> str:
    """Return what tells a file from all others: its digest, or where it is and when it changed."""
    if isinstance(source, Entry):
        if source.digest is not None:
            return f"{source.digest.algorithm}:{source.digest.value}"
        place, size = source.physical_key, source.size
    else:
        place, size = str(source), None
    path = local_path(place) if "://" in place else Path(place)
    if path is not None and path.is_file():
        status = path.stat()
        return f"{path} {status.st_size} {status.st_mtime_ns}"
    return f"{place} {size}"


def name_of(sites: Sequence[SiteImages], channel: str, side: int) -> str:
    """Return what thumbnails are kept under."""
    seen = sha256(f"{_VERSION}\0{channel}\0{side}".encode())
    for site in sites:
        part = dict(site.parts).get(channel)
        told = "" if part is None else f"{identity_of(part.source)}\0{part.channel}"
        seen.update(f"\0{site}\0{told}".encode("utf-8", "surrogatepass"))
    return seen.hexdigest()


@dataclass(frozen=True)
class ThumbnailStore:
    """Makes thumbnails, and keeps them in a home.

    Attributes
    ----------
    home : Home
    """

    home: Home
    _kept: OrderedDict[str, Thumbnails] = field(default_factory=OrderedDict, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)
    _making: dict[str, Making] = field(default_factory=dict, repr=False)

    @property
    def folder(self) -> Path:
        """Where they are kept."""
        return self.home.folder / "derived" / "thumbnails"

    def get(
        self,
        sites: Sequence[SiteImages],
        channels: Sequence[str],
        side: int,
        *,
        seconds: float | None = None,
    ) -> dict[str, Thumbnails]:
        """Return thumbnails of sites, by channel.

        Parameters
        ----------
        sites : sequence of SiteImages
        channels : sequence of str
        side : int
            Longest side, in pixels.
        seconds : float, optional
            For which is waited; then what there is so far is returned, and the others are made
            meanwhile. By default until all are made.

        Raises
        ------
        CellfolioError
            If no site can be read.
        """
        names = {channel: name_of(sites, channel, side) for channel in channels}
        found = self._find_all(names)
        missing = [channel for channel in channels if channel not in found]
        if missing:
            found |= self._make(sites, {one: names[one] for one in missing}, side, seconds)
        return found

    def _make(
        self,
        sites: Sequence[SiteImages],
        names: Mapping[str, str],
        side: int,
        seconds: float | None,
    ) -> dict[str, Thumbnails]:
        known = "\0".join(names.values())
        channels = tuple(names)

        def read(at: int) -> Made:
            try:
                return _shrink_site(sites[at], channels, side, self.home)
            except CellfolioError as error:
                return error

        def finished(made: Sequence[Made]) -> None:
            for channel, name in names.items():
                self._keep(name, _gathered(made, channel))

        with self._lock:
            making = self._making.get(known)
            if making is None or making.left:
                making = Making(len(sites), read, finished).start()
                self._making[known] = making
        done = making.wait(seconds)
        if done or making.left:
            with self._lock:
                self._making.pop(known, None)
        failures = [one for one in making.made if isinstance(one, CellfolioError)]
        if failures and len(failures) == len(sites):
            raise failures[0]
        return {channel: _gathered(list(making.made), channel) for channel in channels}

    def _find_all(self, names: Mapping[str, str]) -> dict[str, Thumbnails]:
        tried = {channel: self._find(name) for channel, name in names.items()}
        return {channel: one for channel, one in tried.items() if one is not None}

    def _find(self, name: str) -> Thumbnails | None:
        with self._lock:
            if name in self._kept:
                self._kept.move_to_end(name)
                return self._kept[name]
        try:
            found = _from_bytes(self._path(name).read_bytes())
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            return None
        self._remember(name, found)
        return found

    def _remember(self, name: str, one: Thumbnails) -> None:
        with self._lock:
            self._kept[name] = one
            while len(self._kept) > _IN_MEMORY:
                self._kept.popitem(last=False)

    def _path(self, name: str) -> Path:
        return self.folder / name[:2] / f"{name}.npz"

    def _keep(self, name: str, one: Thumbnails) -> None:
        if one.failures or one.waiting:  # the next time they may be there
            return
        self._remember(name, one)
        with contextlib.suppress(OSError):
            path = self._path(name)
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(path, _to_bytes(one))
            if int(name[:2], 16) % _LOOKED_AT == 0:
                drop_oldest(self.folder, MOST_KEPT)


def drop_oldest(folder: Path, most: int) -> None:
    """Remove the files that were made first until the others take no more than so many bytes."""
    files = [(path.stat(), path) for path in folder.glob("*/*.npz")]
    left = sum(status.st_size for status, _ in files)
    for status, path in sorted(files, key=lambda pair: pair[0].st_mtime_ns):
        if left <= most:
            return
        with contextlib.suppress(OSError):
            path.unlink()
        left -= status.st_size


def _to_bytes(one: Thumbnails) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, planes=one.planes)
    return buffer.getvalue()


def _from_bytes(data: bytes) -> Thumbnails:
    with np.load(io.BytesIO(data), allow_pickle=False) as found:
        return Thumbnails(found["planes"])


def _shrink_site(
    site: SiteImages, channels: Sequence[str], side: int, home: Home
) -> dict[str, NDArray[Any]]:
    """Return the channels of a site, each file opened once; depths by maximum."""
    parts = dict(site.parts)
    by_file: dict[str, list[str]] = {}
    for channel in channels:
        if channel in parts:
            by_file.setdefault(parts[channel].key, []).append(channel)
    found: dict[str, NDArray[Any]] = {}
    for names in by_file.values():
        image = open_image(parts[names[0]].source, home=home)
        if "T" in image.lead:
            image = image.select(t=0)
        factor = max(1, -(-max(plane_shape(image)) // side))
        for name in names:
            plane = image
            if "C" in image.lead:
                inner = parts[name].channel
                several = channel_count(image) > 1
                plane = image.select(c=_number(inner, image.channels) if several else 0)
            found[name] = reduce_plane(plane, factor)
    return found


def _number(channel: str, names: Sequence[str]) -> int:
    """Return where a channel is; `find_sites` counts those without a name from 1, as ``c1``."""
    if channel in names:
        return list(names).index(channel)
    digits = channel.lstrip("c")
    return int(digits) - 1 if digits.isdecimal() else 0


def _gathered(made: Sequence[Made], channel: str) -> Thumbnails:
    shown = {
        at: one[channel] for at, one in enumerate(made) if isinstance(one, dict) and channel in one
    }
    shapes = [one.shape for one in shown.values()] or [(1, 1)]
    height, width = (max(shape[axis] for shape in shapes) for axis in (0, 1))
    planes = np.full((len(made), height, width), np.nan, np.float32)
    for at, one in shown.items():
        planes[at, : one.shape[0], : one.shape[1]] = one
    failures = tuple(
        (at, one.message) for at, one in enumerate(made) if isinstance(one, CellfolioError)
    )
    return Thumbnails(planes, failures, tuple(at for at, one in enumerate(made) if one is None))
