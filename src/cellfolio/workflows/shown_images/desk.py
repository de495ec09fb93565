"""Where viewers get images: what was opened or read a moment ago is at hand."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from numpy.typing import NDArray

from cellfolio.package.package import Package
from cellfolio.storage.home import Home
from cellfolio.workflows.shown_images.finding import Asked, find_files, near_keys
from cellfolio.workflows.shown_images.index import ImageIndex, index_images
from cellfolio.workflows.shown_images.opening import OpenedImage, open_files
from cellfolio.workflows.shown_images.planes import PlaneAsked, PlaneStore, read_plane

T = TypeVar("T")
_IMAGES = 128
"""Opened images that are kept."""
_INDICES = 8
_AHEAD = 4
"""Planes that are read ahead at a time."""


class Kept:
    """The last few values, by key; safe for several threads.

    Parameters
    ----------
    most : int
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._values: OrderedDict[object, Any] = OrderedDict()

    def get(self, key: object, make: Callable[[], T]) -> T:
        """Return what is kept under a key, or make it."""
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
                kept: T = self._values[key]
                return kept
        made = make()
        with self._lock:
            self._values[key] = made
            while len(self._values) > self._most:
                self._values.popitem(last=False)
        return made


class ImageDesk:
    """Finds, opens and reads images of packages; safe for several threads.

    Parameters
    ----------
    home : Home
    """

    def __init__(self, home: Home) -> None:
        self._home = home
        self._images = Kept(_IMAGES)
        self._indices = Kept(_INDICES)
        self._keys = Kept(_INDICES)
        self._planes = PlaneStore()
        self._ahead = ThreadPoolExecutor(_AHEAD, thread_name_prefix="planes")

    def keys(self, package: Package, key: str) -> list[str]:
        """Return keys of files that may belong to an image."""
        near = key.rpartition("/")[0].rpartition("/")[0]
        place = (package.name, package.top_hash, near)
        return self._keys.get(place, lambda: near_keys(package, key))

    def index(self, package: Package, key: str) -> ImageIndex:
        """Return which images belong together, near a key."""
        near = key.rpartition("/")[0].rpartition("/")[0]
        place = (package.name, package.top_hash, near)
        return self._indices.get(place, lambda: index_images(self.keys(package, key)))

    def open(self, package: Package, key: str, asked: Asked) -> OpenedImage:
        """Open the image that is asked for; see `find_files` and `open_files`."""

        def make() -> OpenedImage:
            files = find_files(package, key, asked, self.index(package, key))
            tag = f"{package.top_hash[:12]}-{asked.series}"
            return open_files(files, self._home, tag, series=asked.series)

        return self._images.get((package.name, package.top_hash, key, asked), make)

    def plane(self, opened: OpenedImage, asked: PlaneAsked) -> NDArray[Any]:
        """Return a plane; see `read_plane`."""
        height, width = opened.image.shape[-2:]
        key = (opened.tag, opened.files.key, asked)
        return self._planes.get(key, height * width, lambda: read_plane(opened, asked))

    def read_ahead(self, opened: OpenedImage, wanted: Iterable[PlaneAsked]) -> None:
        """Begin to read planes that will be asked for; what fails is told when they are."""
        for asked in wanted:
            self._ahead.submit(self.plane, opened, asked)
