"""What is directly in a folder: one page of it, however many files it has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from cellfolio.formats.images.opening import names_image
from cellfolio.package.entry import Entry
from cellfolio.package.folder import Folder
from cellfolio.package.package import Package, is_readme
from cellfolio.workflows.holdings import Holdings

PAGE = 200
"""Files and folders on a page."""


@dataclass(frozen=True, slots=True)
class Line:
    """A file or folder of a page.

    Attributes
    ----------
    name : str
        Without a closing ``/``.
    key : str
        Logical key.
    folder : bool
    files : int
        Files in it; 1 for a file.
    size : int or None
        Bytes; None where nobody knows.
    held : int or None
        Files of it that are here; None while that is added up.
    """

    name: str
    key: str
    folder: bool
    files: int
    size: int | None
    held: int | None

    @property
    def image(self) -> bool:
        """Whether it is shown as an image."""
        return not self.folder and names_image(self.name)


@dataclass(frozen=True, slots=True)
class Listing:
    """A page of a folder.

    Attributes
    ----------
    lines : tuple of Line
        Folders first, each by name.
    words : str
        What all names shown have.
    count, total : int
        Files and folders that have the words, and all.
    page, pages : int
        From 1.
    settled : bool
        Whether sizes and what is here are known.
    """

    lines: tuple[Line, ...]
    words: str
    count: int
    total: int
    page: int
    pages: int
    settled: bool

    @property
    def first(self) -> int:
        """Number of the first line, from 1."""
        return (self.page - 1) * PAGE + 1


def list_folder(
    package: Package, folder: Folder, holdings: Holdings, *, words: str = "", page: int = 1
) -> Listing:
    """Return a page of a folder.

    Parameters
    ----------
    package : Package
    folder : Folder
    holdings : Holdings
    words : str
        Words that names should have, whatever their case.
    page : int
        From 1; one too high gives the last.
    """
    names = _names(package, folder.prefix)
    wanted = words.casefold().split()
    chosen = _matching(names, _folded(package, folder.prefix), wanted) if wanted else names
    pages = max(1, -(-len(chosen) // PAGE))
    page = min(max(page, 1), pages)
    shown = chosen[(page - 1) * PAGE : page * PAGE]
    lines = tuple(_line(package, folder, name, holdings) for name in shown)
    settled = all(one.held is not None for one in lines) or not holdings.fits(package)
    return Listing(lines, words, len(chosen), len(names), page, pages, settled)


def _matching(names: Sequence[str], folded: Sequence[str], words: Sequence[str]) -> Sequence[str]:
    """Return the names in which all words occur."""
    left = list(zip(names, folded, strict=True))
    for word in words:
        left = [pair for pair in left if word in pair[1]]
    return [name for name, _ in left]


@lru_cache(maxsize=16)
def _names(package: Package, prefix: str) -> tuple[str, ...]:
    """Return the names in a folder, folders first: for a large one this takes a while."""
    folder = package[prefix] if prefix else package
    assert isinstance(folder, Folder)
    names = tuple(folder.names)
    folders = tuple(name for name in names if name.endswith("/"))
    if not folders:
        return names
    return folders + tuple(name for name in names if not name.endswith("/"))


@lru_cache(maxsize=4)
def _folded(package: Package, prefix: str) -> tuple[str, ...]:
    """Return the same names without difference of case."""
    return tuple(map(str.casefold, _names(package, prefix)))


@lru_cache(maxsize=64)
def readme_name(package: Package, prefix: str) -> str | None:
    """Return the name of the README in a folder, if there is one."""
    begin = (name for name in _names(package, prefix) if name[0] in "rR")
    return next(filter(is_readme, begin), None)


@lru_cache(maxsize=64)
def has_images(package: Package, prefix: str) -> bool:
    """Whether a file in a folder is shown as an image."""
    return any(map(names_image, _names(package, prefix)))


def _line(package: Package, folder: Folder, name: str, holdings: Holdings) -> Line:
    found = folder[name]
    if isinstance(found, Entry):
        held = int(holdings.is_held(found))
        return Line(name, found.logical_key, False, 1, found.size, held)
    known = holdings.held(package, found)
    size = None if known is None else known.size_total
    return Line(
        name.removesuffix("/"),
        found.key,
        True,
        found.file_count,
        size,
        None if known is None else known.files,
    )
