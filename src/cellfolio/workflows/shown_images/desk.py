"""Where viewers get images: what was opened or read a moment ago is at hand."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from numpy.typing import NDArray

from cellfolio.formats.images.planes import ArrayPlanes
from cellfolio.package.package import Package
from cellfolio.storage.home import Home
from cellfolio.workflows.shown_images.finding import (
    Asked,
    find_files,
    folder_of,
    keys_below,
    may_be_labels,
)
from cellfolio.workflows.shown_images.index import ImageIndex, index_images
from cellfolio.workflows.shown_images.opening import OpenedImage, open_files
from cellfolio.workflows.shown_images.planes import PlaneAsked, PlaneStore, read_plane

T = TypeVar("T")
_IMAGES = 128
"""Opened images that are kept."""
_HEAVY = 2
"""Of those that are in memory as a whole, such as large pictures."""
_LIGHT = 16 * 1024 * 1024
"""Bytes in memory from which on an opened image is heavy."""
_INDICES = 64
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

    def peek(self, key: object) -> Any:
        """Return what is kept under a key, or None."""
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
            return self._values.get(key)

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
        self._heavy = Kept(_HEAVY)
        self._indices = Kept(_INDICES)
        self._keys = Kept(_INDICES)
        self._planes = PlaneStore()
        self._ahead = ThreadPoolExecutor(_AHEAD, thread_name_prefix="planes")

    def keys(self, package: Package) -> list[str]:
        """Return the keys of all files of a package."""
        place = (package.name, package.top_hash)
        return self._keys.get(place, lambda: keys_below(package))

    def index(self, package: Package, folder: str) -> ImageIndex:
        """Return which images of a folder and below belong together."""
        place = (package.name, package.top_hash, folder)
        return self._indices.get(place, lambda: index_images(keys_below(package, folder)))

    def find_labels(self, package: Package, key: str) -> dict[str, str]:
        """Return the key of the label image of each kind that belongs to an image."""
        keys = may_be_labels(self.keys(package), key)
        return index_images(keys).find_labels(key)

    def open(self, package: Package, key: str, asked: Asked) -> OpenedImage:
        """Open the image that is asked for; see `find_files` and `open_files`."""

        def make() -> OpenedImage:
            files = find_files(package, key, asked, self.index(package, folder_of(package, key)))
            tag = f"{package.top_hash[:12]}-{asked.series}"
            return open_files(files, self._home, tag, series=asked.series)

        place = (package.name, package.top_hash, key, asked)
        kept: OpenedImage | None = self._images.peek(place) or self._heavy.peek(place)
        if kept is not None:
            return kept
        opened = make()
        in_memory = isinstance(opened.image.planes, ArrayPlanes)
        heavy = in_memory and opened.image.nbytes > _LIGHT
        return (self._heavy if heavy else self._images).get(place, lambda: opened)

    def plane(self, opened: OpenedImage, asked: PlaneAsked) -> NDArray[Any]:
        """Return a plane; see `read_plane`."""
        height, width = opened.image.shape[-2:]
        key = (opened.tag, opened.files.key, asked)
        return self._planes.get(key, height * width, lambda: read_plane(opened, asked))

    def read_ahead(self, opened: OpenedImage, wanted: Iterable[PlaneAsked]) -> None:
        """Begin to read planes that will be asked for; what fails is told when they are."""
        for asked in wanted:
            self._ahead.submit(self.plane, opened, asked)
