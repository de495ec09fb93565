"""What a portal shows: what it was told to, the local registry, the catalogue; nothing else."""

from __future__ import annotations

import re
import threading
import time
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from cellfolio.errors import InvalidReference, PackageNotFound
from cellfolio.registries.catalogue import load_catalogue
from cellfolio.storage.home import Home
from cellfolio.workflows.loading import openable
from cellfolio.workflows.opening import (
    Opened,
    find_reference,
    is_folder,
    is_path,
    list_packages,
    open_package,
)

FOLDERS = "folder"
"""Namespace of plain folders."""
_KEPT = 16
"""Opened packages that are kept."""
_FRESH = 3.0
"""Seconds for which the latest revision, or a folder, is not looked at again."""


@dataclass(frozen=True, slots=True)
class Shown:
    """Something that can be looked at.

    Attributes
    ----------
    name : str
        ``namespace/name``: how addresses of pages name it.
    word : str
        What opens it: a reference, a name of the catalogue or the path of a folder.
    kind : str
        'package', 'folder' or 'data set'.
    revision : str or None
        The one that was asked for.
    path : str
        Where in it the user wants to begin.
    """

    name: str
    word: str
    kind: str
    revision: str | None = None
    path: str = ""


class Shelf:
    """Finds and opens what a portal shows; safe for several threads.

    Parameters
    ----------
    words : iterable of str
        References, names of data sets, or paths of folders.
    home : Home

    Raises
    ------
    InvalidReference
        If a word is neither a name nor the path of a folder that is there.
    """

    def __init__(self, words: Iterable[str], home: Home) -> None:
        self.home = home
        self.told: tuple[Shown, ...] = _name_apart(_shown_of(word) for word in words)
        self._opened: OrderedDict[tuple[str, str | None], tuple[float, Opened]] = OrderedDict()
        self._lock = threading.Lock()

    def find(self, name: str) -> Shown:
        """Return what an address of a page names.

        Raises
        ------
        PackageNotFound
        """
        for one in self.told:
            if one.name == name:
                return one
        if name in list_packages(None, self.home):
            return Shown(name, name, "package")
        if load_catalogue(self.home).get(name) is not None:
            return Shown(name, name, "data set")
        raise PackageNotFound(
            f"this portal shows no {name!r}",
            hint="its first page lists what there is; name more as `cellfolio serve NAME`",
        )

    def open(self, shown: Shown, revision: str | None = None) -> Opened:
        """Open what is shown; its entries can be loaded.

        Raises
        ------
        PackageNotFound, RevisionNotFound, ManifestMismatch, TransferError
        """
        wanted = (shown.word, revision or shown.revision)
        with self._lock:
            since, kept = self._opened.get(wanted, (0.0, None))
            if kept is not None and (_is_fixed(wanted[1]) or time.monotonic() - since < _FRESH):
                self._opened.move_to_end(wanted)
                return kept
        opened = self._open(*wanted)
        if kept is not None and kept.package.top_hash == opened.package.top_hash:
            opened = kept  # its tree has been made
        with self._lock:
            self._opened[wanted] = (time.monotonic(), opened)
            while len(self._opened) > _KEPT:
                self._opened.popitem(last=False)
        return opened

    def _open(self, word: str, revision: str | None) -> Opened:
        named = word if revision is None or is_path(word) else f"{word}@{revision}"
        opened = open_package(named, self.home)
        return replace(opened, package=openable(opened.package, self.home))


def _is_fixed(revision: str | None) -> bool:
    return revision is not None and re.fullmatch("[0-9a-f]{64}", revision) is not None


def _shown_of(word: str) -> Shown:
    if is_folder(word):
        folder = Path(word).expanduser().resolve()
        return Shown(f"{FOLDERS}/{_slug(folder.name)}", str(folder), "folder")
    if not is_path(word) and Path(word).is_dir() and "/" not in word:
        return _shown_of(f"./{word}")
    found = find_reference(word)
    whole = replace(found, revision=None, path="")
    kind = "package" if found.registry else "data set"
    return Shown(found.name, str(whole), kind, found.revision, found.path)


def _slug(name: str) -> str:
    return re.sub(r"[^\w-]+", "-", name).strip("-") or "root"


def _name_apart(shown: Iterable[Shown]) -> tuple[Shown, ...]:
    """Give a number to those that would have the name of one before."""
    found: dict[str, Shown] = {}
    for one in shown:
        name, number = one.name, 2
        while name in found and found[name].word != one.word:
            name, number = f"{one.name}-{number}", number + 1
        found[name] = replace(one, name=name)
    return tuple(found.values())


def begin_of(shelf: Shelf) -> Shown | None:
    """Return what the portal's address leads to at once: what was named, if it is one thing."""
    return shelf.told[0] if len(shelf.told) == 1 else None


def check_words(shelf: Shelf) -> None:
    """Open everything that was named, so that a wrong name is told before a page is asked for.

    Raises
    ------
    InvalidReference, PackageNotFound, RevisionNotFound
    """
    for shown in shelf.told:
        opened = shelf.open(shown)
        if shown.path and not _has(opened, shown.path):
            raise InvalidReference(f"no {shown.path!r} in {opened.package.title}")


def _has(opened: Opened, path: str) -> bool:
    return path in opened.package
