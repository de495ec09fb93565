"""How large parts of a package are, and how much of them a store has: fast, for any folder.

Adding up a folder means reading all rows below it, which takes seconds where there are hundreds of
thousands. An `Extent` has read them once.
"""

from __future__ import annotations

from array import array
from collections.abc import Container, Iterable
from dataclasses import dataclass
from itertools import accumulate

from cellfolio.package.package import Package
from cellfolio.package.plan import blob_id
from cellfolio.package.row import Row

_NOBODY = 0
"""Mark of a file that nothing vouches for: no store has it by name."""
_HERE = 1
"""Mark of a file that is on this disk by its physical key."""


@dataclass(frozen=True, slots=True)
class Held:
    """How much of some files is on this machine.

    Attributes
    ----------
    files, size : int
        Those that are here, in files and bytes.
    files_total, size_total : int
        All of them; files of unknown size count nothing.
    """

    files: int
    size: int
    files_total: int
    size_total: int

    @property
    def whole(self) -> bool:
        """Whether all is here."""
        return self.files == self.files_total


def mark_of(blob: str) -> int:
    """Return what an extent knows a blob of a store by."""
    return hash(blob) | 2  # never one of the marks with a meaning of their own


class Extent:
    """Sizes and marks of all files of a package, in the order of logical keys.

    Parameters
    ----------
    rows : iterable of Row
    """

    def __init__(self, rows: Iterable[Row]) -> None:
        self._sizes = array("q", [0])
        self._marks = array("q")
        sizes = array("q")
        for row in rows:
            sizes.append(max(row.size, 0))
            self._marks.append(_mark(row))
        self._sizes = array("q", accumulate(sizes, initial=0))

    def __len__(self) -> int:
        return len(self._marks)

    def size(self, start: int, stop: int) -> int:
        """Return the bytes of the files from index `start` to before `stop`."""
        return self._sizes[stop] - self._sizes[start]

    def held(self, start: int, stop: int, marks: Container[int]) -> Held:
        """Return how much of these files is here.

        Parameters
        ----------
        start, stop : int
        marks : container of int
            `mark_of` every blob that the store has.
        """
        files = size = 0
        for index in range(start, stop):
            mark = self._marks[index]
            if mark == _HERE or (mark != _NOBODY and mark in marks):
                files += 1
                size += self._sizes[index + 1] - self._sizes[index]
        return Held(files, size, stop - start, self.size(start, stop))


def _mark(row: Row) -> int:
    if row.physical_key.startswith(b"file:"):
        return _HERE
    digest = row.digest
    if digest is None or not digest.checkable:
        return _NOBODY
    size = None if row.size < 0 else row.size
    return mark_of(blob_id(digest, size, row.physical_key.decode()))


def extent_of(package: Package) -> Extent:
    """Return the extent of a package.

    Examples
    --------
    >>> from cellfolio.package.entry import Entry
    >>> package = Package.of([Entry("a/x", "file:///x", 3), Entry("a/y", "s3://b/y", 4)])
    >>> extent_of(package).held(0, 2, frozenset())
    Held(files=1, size=3, files_total=2, size_total=7)
    """
    return Extent(package.rows)
