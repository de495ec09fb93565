"""The files of a folder or a package, by key; nothing is fetched."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from cellfolio.errors import EntryNotFound, NotFound
from cellfolio.formats.images.opening import ImageSource
from cellfolio.package.entry import Entry
from cellfolio.package.package import Package
from cellfolio.storage.home import Home
from cellfolio.workflows.finding_images import zarr_place
from cellfolio.workflows.opening import is_path, open_package

_ZARR = ".zarr"
_MEASUREMENT = "__"
"""What an Opera Phenix writes between the barcode of a plate and the time, in names of folders."""
_IMAGES = frozenset(("images", "image", "segmentation", "labels", "masks"))


@dataclass(frozen=True)
class Places:
    """Files by key; an OME-Zarr is one file.

    Attributes
    ----------
    title : str
        What the user calls the folder or package.
    keys : tuple of str
        Paths with ``/`` between folders, sorted.
    locate : callable
        Returns where the file of a key is.
    above : tuple of str
        Names of the folders above the keys, the outermost first.
    file : str
        The key that the user named, if it was a file.
    package : Package or None
    """

    title: str
    keys: tuple[str, ...]
    locate: Callable[[str], ImageSource]
    above: tuple[str, ...] = ()
    file: str = ""
    package: Package | None = None

    @cached_property
    def _by_name(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for key in self.keys:
            found.setdefault(key.rpartition("/")[2], []).append(key)
        return found

    def find(self, name: str, folder: str | None = None) -> str:
        """Return the key of a file by its name, and the folder that a table tells.

        Raises
        ------
        EntryNotFound
            If there is none, or several and the folder does not tell which.
        """
        called = self._by_name.get(name, [])
        if len(called) > 1 and folder:
            parts = folder.replace("\\", "/").strip("/").split("/")
            for start in range(len(parts)):
                ending = "/".join((*parts[start:], name))
                near = [key for key in called if f"/{key}".endswith(f"/{ending}")]
                if len(near) == 1:
                    return near[0]
        if len(called) != 1:
            raise EntryNotFound(
                f"{self.title} has {len(called) or 'no'} files {name}; expected one"
            )
        return called[0]

    def folders(self, key: str) -> tuple[str, ...]:
        """Return the names of the folders that a file is in, the outermost first."""
        return (*self.above, *key.split("/")[:-1])

    def plate(self, key: str) -> str:
        """Return the plate that a file is of, by the folders that it is in.

        Folders as an Opera Phenix has them tell it with what is before ``__``, and the folder
        below is called ``Images``.
        """
        named = [one for one in self.folders(key) if one.casefold() not in _IMAGES]
        return named[-1].partition(_MEASUREMENT)[0] if named else ""


def find_places(
    what: Package | Path | str, home: Home, select: Mapping[str, str] | None = None
) -> Places:
    """Return the files of a folder or package; of a file, those beside it, too.

    Parameters
    ----------
    what : Package, Path or str
        A package, a folder, a file, or ``PACKAGE[/PATH]``.
    home : Home
    select : mapping of str to str, optional
        Of a data set of plates: which images, see `cellfolio.workflows.opening.open_package`.

    Raises
    ------
    NotFound, InvalidReference, InvalidArgument
    """
    if isinstance(what, Package):
        return _of_package(what, what.name)
    local = Path(what).expanduser()
    if isinstance(what, Path) or is_path(what) or local.exists():
        if not local.exists():
            raise NotFound(f"there is no folder or file {local}")
        return _of_file(local, str(what)) if local.is_file() else _of_folder(local, str(what))
    return places_of_name(str(what), home, select)


def places_of_name(name: str, home: Home, select: Mapping[str, str] | None = None) -> Places:
    """Return the files of a package, or of a part of it; see `find_places`."""
    opened = open_package(name, home, select=select)
    part = opened.package[opened.path] if opened.path else None
    if isinstance(part, Entry):
        return replace(_of_package(opened.package, name), file=part.logical_key)
    package = opened.package.subset(opened.path) if opened.path else opened.package
    return _of_package(package, name)


def _of_file(path: Path, title: str) -> Places:
    # Only the folder is resolved: a file may be a link to a blob, which has another name.
    folder = path.parent.resolve()
    keys = tuple(sorted(one.name for one in folder.iterdir() if one.is_file()))
    return Places(title, keys, lambda key: folder / key, folder.parts[1:], path.name)


def _of_folder(path: Path, title: str) -> Places:
    folder = path.resolve()
    return Places(title, tuple(sorted(_walk(folder))), lambda key: folder / key, folder.parts[1:])


def _walk(folder: Path) -> Iterator[str]:
    for place, folders, names in os.walk(folder):
        stores = [name for name in folders if name.endswith(_ZARR)]
        folders[:] = [name for name in folders if not name.startswith(".") and name not in stores]
        for name in (*names, *stores):
            if not name.startswith("."):
                yield Path(place, name).relative_to(folder).as_posix()


def _of_package(package: Package, title: str) -> Places:
    keys: dict[str, None] = {}
    for entry in package.walk():
        store, zarr, _ = entry.logical_key.partition(f"{_ZARR}/")
        keys[store + _ZARR if zarr else entry.logical_key] = None

    def locate(key: str) -> ImageSource:
        found = package[key]
        # Entries go to other processes, which open them with a home of their own.
        return replace(found, opener=None) if isinstance(found, Entry) else zarr_place(found)

    above = (package.name.rpartition("/")[2],) if package.name else ()
    return Places(title, tuple(sorted(keys)), locate, above, package=package)
