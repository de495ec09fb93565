"""Points and crops that were opened, and are kept for the next question about them."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any, TypeVar, get_args

from cellfolio.errors import InvalidArgument, NotFound
from cellfolio.formats.format import Source
from cellfolio.web.at_hand import source_at_hand
from cellfolio.web.background import Background
from cellfolio.web.places import Place
from cellfolio.workflows.points.crops import CropImages, image_folders
from cellfolio.workflows.points.embedding import Way
from cellfolio.workflows.points.joining import JoinedPoints
from cellfolio.workflows.points.opening import open_points
from cellfolio.workflows.points.points import Points
from cellfolio.workflows.points.tables import TablePoints

T = TypeVar("T")
_TABLES = 4
"""Tables that are kept."""
_IMAGES = 3
"""Packages whose sites are kept."""


@dataclass(frozen=True, slots=True)
class Opened:
    """Points, and the file that they are of."""

    points: Points
    source: Source


class Kept:
    """What was made last, by what it was made of."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._held: OrderedDict[Hashable, Any] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """Return what is kept of a key, or make it."""
        with self._lock:
            if key in self._held:
                self._held.move_to_end(key)
                found: T = self._held[key]
                return found
        made = make()
        with self._lock:
            self._held[key] = made
            while len(self._held) > self._count:
                self._held.popitem(last=False)
        return made

    def forget(self, key: Hashable) -> None:
        """Drop what is kept of a key."""
        with self._lock:
            self._held.pop(key, None)


@dataclass
class PointShelf:
    """Points by file, images by package, and embeddings that are being computed."""

    _background: dict[str, Background] = field(
        default_factory=lambda: {way: Background() for way in get_args(Way)}
    )
    _points: Kept = field(default_factory=lambda: Kept(_TABLES))
    _images: Kept = field(default_factory=lambda: Kept(_IMAGES))

    def background(self, way: Way) -> Background:
        """Return what computes embeddings of a kind: fast ones do not wait for slow ones."""
        return self._background[way]

    def open(self, place: Place, beside: str | None = None) -> Opened:
        """Return the points of a file, with the columns of a second table of the same package.

        Raises
        ------
        InvalidArgument
            If it is no table and no matrix.
        EntryNotFound, ObjectNotFound, TransferIncomplete
        """
        found = self._open(place)
        if not beside:
            return found
        other = self._open(place.at(beside))
        if not isinstance(other.points, TablePoints):
            raise InvalidArgument(f"{beside} is no table", hint="choose a CSV or Parquet file")
        key = ("joined", identity_of(found.source), identity_of(other.source))
        columns = other.points
        joined = self._points.get(key, lambda: JoinedPoints(found.points, columns))
        return Opened(joined, found.source)

    def _open(self, place: Place) -> Opened:
        source = source_at_hand(place)
        return self._points.get(identity_of(source), lambda: Opened(open_points(source), source))

    def images(self, place: Place, near: str) -> CropImages:
        """Return the images of plates of a folder, or of those that lie nearest to a file.

        Raises
        ------
        NotFound
            If there are none.
        """
        package = place.package
        folder = place.key
        if not folder:
            folders = image_folders(package, near)
            if not folders:
                raise NotFound(f"{place.shown.name} has no images of plates")
            folder = folders[0]
        key = (package.top_hash, folder)
        return self._images.get(key, lambda: CropImages.of(package, folder, place.home))


def identity_of(source: Source) -> Hashable:
    """Return what tells a file from others, and from what it was before."""
    status = source.path.stat()
    digest = None if source.digest is None else (source.digest.algorithm, source.digest.value)
    return str(source.path), source.name, digest, status.st_size, status.st_mtime_ns
