"""A folder of a package, seen as a tree."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from cellfolio.errors import EntryNotFound
from cellfolio.package.entry import Entry
from cellfolio.package.keys import identifier
from cellfolio.package.rows import Rows

if TYPE_CHECKING:
    from cellfolio.package.package import Package

_SHOWN = 40
"""Names that `print` shows of a folder."""


class Folder:
    """A folder of a package: its files and folders by name.

    ``folder["a/b.csv"]`` and ``folder["a"]["b.csv"]`` give a file; ``folder.a`` does so for names
    that are identifiers, with every other character replaced by ``_``; both complete on tab.
    Iteration gives the names of its children, sorted.

    Attributes
    ----------
    prefix : str
        Logical key of the folder with a closing ``/``; empty for the root.
    """

    def __init__(self, package: Package, prefix: str, start: int, stop: int) -> None:
        self._package = package
        self.prefix = prefix
        self._start = start
        self._stop = stop

    @property
    def rows(self) -> Rows:
        """All rows of the package this folder belongs to."""
        return self._package.rows

    @property
    def span(self) -> tuple[int, int]:
        """Index of the first row of this folder, and the one after its last."""
        return self._start, self._stop

    @cached_property
    def _children(self) -> Mapping[str, tuple[int, int] | int]:
        """Name of each child → range of a folder (its name closes with ``/``), index of a file."""
        children: dict[str, tuple[int, int] | int] = {}
        cut = len(self.prefix)
        index = self._start
        while index < self._stop:
            for key in self.rows.keys(index, self._stop):
                name = key[cut:]
                if "/" in name:
                    name = name.partition("/")[0] + "/"
                    found = self.rows.folder(self.prefix + name, index, self._stop)
                    children[name] = found
                    index = found[1]
                    break
                children[name] = index
                index += 1
        return children

    def __getitem__(self, path: str) -> Folder | Entry:
        path = path.removeprefix("/")
        key = self.prefix + path
        if not path.endswith("/"):
            index = self.rows.find(key) if path else None
            if index is not None and self._start <= index < self._stop:
                return self.rows.row(index).entry(self._package.opener)
            key += "/"
        if path in ("", "/"):
            return self
        start, stop = self.rows.folder(key, self._start, self._stop)
        if start == stop:
            raise EntryNotFound(
                f"no {self.prefix + path!r} in {self._package.title}",
                hint=f"names here: {', '.join(list(self)[:8]) or 'none'}",
            )
        return Folder(self._package, key, start, stop)

    def __getattr__(self, name: str) -> Folder | Entry:
        if not _attribute(name):
            raise AttributeError(name)
        matches = [child for child in self if identifier(child) == name]
        if len(matches) != 1:
            found = "no file or folder" if not matches else f"several: {', '.join(matches)}"
            raise AttributeError(f"{self._package.title}: {found} of name {name!r} in {self.key!r}")
        return self[matches[0]]

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *filter(_attribute, map(identifier, self))]

    def _ipython_key_completions_(self) -> list[str]:
        return list(self)

    def __iter__(self) -> Iterator[str]:
        # A folder named like a file beside it keeps its slash: each name opens just one child.
        names = self._children
        return (name if (bare := name.removesuffix("/")) in names else bare for name in names)

    def __len__(self) -> int:
        return len(self._children)

    def __bool__(self) -> bool:
        return True

    def __contains__(self, path: object) -> bool:
        if not isinstance(path, str):
            return False
        try:
            self[path]
        except EntryNotFound:
            return False
        return True

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the children, sorted; those of folders close with ``/``."""
        return tuple(self._children)

    @property
    def key(self) -> str:
        """Logical key of the folder, without the closing ``/``."""
        return self.prefix.removesuffix("/")

    @property
    def folders(self) -> tuple[Folder, ...]:
        """The folders directly in this one, by name."""
        return tuple(
            Folder(self._package, self.prefix + name, *span)
            for name, span in self._children.items()
            if isinstance(span, tuple)
        )

    @property
    def files(self) -> tuple[Entry, ...]:
        """The files directly in this folder, by name."""
        return tuple(
            self.rows.row(index).entry(self._package.opener)
            for index in self._children.values()
            if isinstance(index, int)
        )

    @property
    def file_count(self) -> int:
        """Number of files in this folder and all below."""
        return self._stop - self._start

    @cached_property
    def size(self) -> int:
        """Bytes of all files in this folder and below; files of unknown size count nothing."""
        return sum(size for size in self.rows.sizes(self._start, self._stop) if size > 0)

    @property
    def meta(self) -> Any:
        """Metadata of the folder; an empty dict where there is none."""
        return self._package._meta_of(self.prefix) or {}

    def walk(self) -> Iterator[Entry]:
        """Yield every file in this folder and below, in the order of logical keys."""
        opener = self._package.opener
        return (row.entry(opener) for row in self.rows.between(self._start, self._stop))

    def __repr__(self) -> str:
        return f"Folder({self.key!r}, {self.file_count} files)"

    def __str__(self) -> str:
        names = list(self._children)
        more = [f"… and {len(names) - _SHOWN:,} more"] if len(names) > _SHOWN else []
        return "\n".join([repr(self), *(f"  {name}" for name in names[:_SHOWN]), *more])

    def _repr_html_(self) -> str:
        from cellfolio.package.html import folder_html

        return folder_html(self)


def _attribute(name: str) -> bool:
    """Whether an attribute may be a file or folder: other names with ``_`` are Python's own."""
    return name[:1] != "_" or name[1:2].isdecimal()
