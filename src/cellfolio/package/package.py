"""The package: an immutable, versioned list of files."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

from cellfolio.errors import EntryNotFound
from cellfolio.package.diff import Diff, compare
from cellfolio.package.entry import Entry, Meta
from cellfolio.package.folder import Folder
from cellfolio.package.keys import check_key, sort_key
from cellfolio.package.opener import Opener
from cellfolio.package.patterns import glob_pattern, is_glob
from cellfolio.package.row import json_text, write_line
from cellfolio.package.rows import Rows, compute_top_hash, rows_of
from cellfolio.package.sizes import format_size

_README = re.compile(r"readme(?:\.md|\.rst|\.txt)?", re.IGNORECASE)


def is_readme(name: str) -> bool:
    """Whether a file of that name is a README.

    Examples
    --------
    >>> is_readme("README.md"), is_readme("readme"), is_readme("README/")
    (True, True, False)
    """
    return _README.fullmatch(name) is not None


class Package(Folder):
    """An immutable, versioned list of files: what every registry's data sets become.

    A package is a value: nothing here reads a file or asks a server. It is also its own root
    folder (see `Folder`).

    Parameters
    ----------
    rows : Rows
        The entries.
    header : dict
        Header of the manifest: ``version``, ``user_meta``, ``message``, ``workflow``.
    folder_meta : mapping
        Metadata by folder; keys close with ``/``.
    name : str, optional
        ``namespace/name``, to show; not part of the identity.
    top_hash, size : optional
        If they are known already.
    opener : Opener, optional
        What opens its entries; not part of the identity.

    Examples
    --------
    >>> package = Package.of([Entry("a/x.csv", "file:///x", 3), Entry("README.md", "file:///r", 9)])
    >>> list(package), package.a["x.csv"].size, package.file_count
    (['README.md', 'a'], 3, 2)
    """

    def __init__(
        self,
        rows: Rows,
        header: Mapping[str, Any],
        folder_meta: Mapping[str, Any],
        *,
        name: str = "",
        top_hash: str | None = None,
        size: int | None = None,
        opener: Opener | None = None,
    ) -> None:
        super().__init__(self, "", 0, len(rows))
        self.opener = opener
        self._rows = rows
        # Kept as text, so that nobody who holds a part of it can change the package.
        self._header = json_text(dict(header), "the package")
        self._folder_meta = {key: json_text(meta, key) for key, meta in folder_meta.items()}
        self.name = name
        if top_hash is not None:
            self.__dict__["top_hash"] = top_hash
        if size is not None:
            self.__dict__["size"] = size

    @classmethod
    def of(
        cls,
        entries: Iterable[Entry],
        *,
        meta: Meta | None = None,
        message: str | None = None,
        folder_meta: Mapping[str, Any] | None = None,
        name: str = "",
    ) -> Package:
        """Make a package of entries in any order.

        Parameters
        ----------
        entries : iterable of Entry
        meta : mapping, optional
            Metadata of the package (JSON).
        message : str, optional
            What this revision is about.
        folder_meta : mapping, optional
            Metadata by folder.
        name : str, optional

        Raises
        ------
        InvalidKey
            If a logical key is invalid or occurs twice.
        InvalidManifest
            If metadata is not JSON.
        """
        header: dict[str, Any] = {"version": "v0"}
        if meta is not None:
            header["user_meta"] = dict(meta)
        header["message"] = message
        folders = {
            check_key(key.removesuffix("/")) + "/": value
            for key, value in (folder_meta or {}).items()
        }
        return cls(rows_of(list(entries)), header, folders, name=name)

    @property
    def rows(self) -> Rows:
        """The entries, in the order of logical keys."""
        return self._rows

    @property
    def header(self) -> dict[str, Any]:
        """A copy of the manifest's header."""
        header: dict[str, Any] = json.loads(self._header)
        return header

    @property
    def folder_meta(self) -> dict[str, Any]:
        """A copy of the metadata by folder; keys close with ``/``."""
        return {key: json.loads(meta) for key, meta in self._folder_meta.items()}

    def _meta_of(self, prefix: str) -> Any:
        return json.loads(self._folder_meta.get(prefix, "{}"))

    @cached_property
    def top_hash(self) -> str:
        """SHA-256 over header and entries, 64 hexadecimal digits: the name of this revision."""
        return compute_top_hash(self.header, self.rows)

    @property
    def title(self) -> str:
        """Name and short top hash, for messages."""
        return f"{self.name or 'package'}@{self.top_hash[:8]}"

    @property
    def meta(self) -> Any:
        """Metadata of the package; an empty dict where there is none."""
        return self.header.get("user_meta") or {}

    @property
    def message(self) -> str | None:
        """What the author of this revision said about it."""
        message = self.header.get("message")
        return message if isinstance(message, str) else None

    @property
    def workflow(self) -> Mapping[str, Any] | None:
        """The registry's workflow that checked this package, if one did."""
        workflow = self.header.get("workflow")
        return workflow if isinstance(workflow, dict) else None

    @property
    def readme(self) -> Entry | None:
        """The README at the root, if there is one."""
        name = next(filter(is_readme, self.names), None)
        return None if name is None else self.entry(name)

    def entry(self, key: str) -> Entry:
        """Return the file of that logical key.

        Raises
        ------
        EntryNotFound
            If there is none, or it is a folder.
        """
        found = self[key]
        if isinstance(found, Folder):
            raise EntryNotFound(f"{key!r} in {self.title} is a folder; expected a file")
        return found

    def filter(self, keep: Callable[[Entry], bool]) -> Package:
        """Return the package of the entries for which `keep` is true; all metadata stays."""
        rows = self.rows
        return self._with_rows(
            rows.select([i for i, row in enumerate(rows) if keep(row.entry(self.opener))])
        )

    def subset(self, *patterns: str) -> Package:
        """Return the package of the files that any of `patterns` names; all metadata stays.

        Parameters
        ----------
        *patterns : str
            A logical key, a folder (everything below it), or a glob: ``*`` and ``?`` match within
            a component, ``**`` as a component matches any number of components. A path that
            ends with ``/`` names a folder only.

        Raises
        ------
        EntryNotFound
            If a pattern names nothing.

        Examples
        --------
        >>> package = Package.of([Entry(k, "file:///x") for k in ("a/1.tif", "a/b/2.tif", "c.csv")])
        >>> [e.logical_key for e in package.subset("**/*.tif").walk()]
        ['a/1.tif', 'a/b/2.tif']
        """
        chosen: set[int] = set()
        for pattern in patterns:
            chosen |= set(self._matching(pattern))
        return self.select(sorted(chosen))

    def _matching(self, pattern: str) -> Iterable[int]:
        path = pattern.strip("/")
        if path in ("", "."):
            return range(len(self.rows))
        index = self.rows.find(path)
        span = self.rows.folder(path + "/")
        literal = [] if index is None or pattern.endswith("/") else [index]
        found = [*literal, *range(*span)]
        if is_glob(path):
            wanted = glob_pattern(path)
            found += [i for i in range(len(self.rows)) if wanted.match(self.rows.key(i))]
        if not found and is_glob(path):
            raise EntryNotFound(
                f"nothing in {self.title} matches {pattern!r}",
                hint="a pattern names files; close it with /** for all files below folders",
            )
        if not found:
            raise EntryNotFound(
                f"no {path!r} in {self.title}", hint="`cellfolio show` lists what there is"
            )
        return found

    def with_entries(self, entries: Iterable[Entry]) -> Package:
        """Return the package with `entries` added, each replacing one of the same key."""
        merged = {entry.logical_key: entry for entry in self.walk()}
        merged.update((entry.logical_key, entry) for entry in entries)
        return self._with_rows(rows_of(list(merged.values())))

    def with_header(self, **fields: Any) -> Package:
        """Return the package with fields of its header replaced (``message``, ``user_meta``, …)."""
        return self._like(header={**self.header, **fields})

    def named(self, name: str) -> Package:
        """Return the package under another name to show."""
        return self._like(name=name, top_hash=self.top_hash)

    def opened_by(self, opener: Opener) -> Package:
        """Return the package whose entries `opener` opens."""
        return self._like(opener=opener, top_hash=self.__dict__.get("top_hash"))

    def select(self, indices: Sequence[int]) -> Package:
        """Return the package of the entries at `indices`, which ascend; all metadata stays."""
        return self._with_rows(self.rows.select(indices))

    def _with_rows(self, rows: Rows) -> Package:
        return self._like(rows)

    def _like(
        self,
        rows: Rows | None = None,
        *,
        header: Mapping[str, Any] | None = None,
        name: str | None = None,
        top_hash: str | None = None,
        opener: Opener | None = None,
    ) -> Package:
        """Return this package but for what is given."""
        return Package(
            self.rows if rows is None else rows,
            self.header if header is None else header,
            self.folder_meta,
            name=self.name if name is None else name,
            top_hash=top_hash,
            size=self.__dict__.get("size") if rows is None else None,
            opener=opener or self.opener,
        )

    def diff(self, newer: Package) -> Diff:
        """Return what changed from this package to `newer`."""
        return compare(self, newer)

    def manifest(self) -> Iterator[bytes]:
        """Yield the manifest line by line: header, folders' metadata, entries.

        Entries that were read from a manifest in a customary form are written as they were.

        Raises
        ------
        InvalidManifest
            If a row is longer than a manifest allows.
        """
        yield write_line(self.header, "the package")
        for key in sorted(self._folder_meta, key=sort_key):
            yield write_line({"logical_key": key, "meta": self._meta_of(key)}, key)
        for index in range(len(self.rows)):
            yield self.rows.line(index)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Package) and self.top_hash == other.top_hash

    def __hash__(self) -> int:
        return hash(self.top_hash)

    def __repr__(self) -> str:
        return f"Package({self.title}, {self.file_count} files, {format_size(self.size)})"
