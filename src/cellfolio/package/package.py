"""The package: an immutable, versioned list of files, seen as a tree."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from cellfolio.errors import EntryNotFound, InvalidKey
from cellfolio.package.digests import Digest
from cellfolio.package.entry import Entry, Meta
from cellfolio.package.keys import check_key, sort_key
from cellfolio.package.rows import (
    Rows,
    canonical_json,
    compute_top_hash,
    json_text,
    rows_of,
    write_line,
)

_README = re.compile(r"readme(?:\.md|\.rst|\.txt)?", re.IGNORECASE)
_NOT_IDENTIFIER = re.compile(r"\W")


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

    @cached_property
    def _children(self) -> Mapping[str, tuple[int, int] | int]:
        """Name of each child → range of a folder (its name closes with ``/``), index of a file."""
        children: dict[str, tuple[int, int] | int] = {}
        cut = len(self.prefix)
        index = self._start
        while index < self._stop:
            name, slash, _ = self.rows.key(index)[cut:].partition("/")
            if slash:
                found = self.rows.folder(self.prefix + name + "/", index, self._stop)
                children[name + "/"] = found
                index = found[1]
            else:
                children[name] = index
                index += 1
        return children

    def __getitem__(self, path: str) -> Folder | Entry:
        path = path.removeprefix("/")
        key = self.prefix + path
        if not path.endswith("/"):
            index = self.rows.find(key) if path else None
            if index is not None and self._start <= index < self._stop:
                return self.rows.row(index).entry()
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
        matches = [child for child in self if _identifier(child) == name]
        if len(matches) != 1:
            found = "no file or folder" if not matches else f"several: {', '.join(matches)}"
            raise AttributeError(f"{self._package.title}: {found} of name {name!r} in {self.key!r}")
        return self[matches[0]]

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *filter(_attribute, map(_identifier, self))]

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
            self.rows.row(index).entry()
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
        return sum(max(row.size, 0) for row in self.rows.between(self._start, self._stop))

    @property
    def meta(self) -> Any:
        """Metadata of the folder; an empty dict where there is none."""
        return self._package._meta_of(self.prefix) or {}

    def walk(self) -> Iterator[Entry]:
        """Yield every file in this folder and below, in the order of logical keys."""
        return (row.entry() for row in self.rows.between(self._start, self._stop))

    def __repr__(self) -> str:
        return f"Folder({self.key!r}, {self.file_count} files)"

    def _repr_html_(self) -> str:
        from cellfolio.package.html import folder_html

        return folder_html(self)


def _identifier(name: str) -> str:
    plain = _NOT_IDENTIFIER.sub("_", name)
    return f"_{plain}" if plain[:1].isdecimal() else plain


def _attribute(name: str) -> bool:
    """Whether an attribute may be a file or folder: other names with ``_`` are Python's own."""
    return name[:1] != "_" or name[1:2].isdecimal()


@dataclass(frozen=True, slots=True)
class Diff:
    """What changed from one package to another; tuples are in the order of logical keys.

    Attributes
    ----------
    added, removed : tuple of Entry
    changed : tuple of (Entry, Entry)
        Before and after, where the bytes differ.
    meta_changed : tuple of (Entry, Entry)
        Before and after, where only metadata differs.
    folder_meta_changed : tuple of str
        Folders whose metadata differs; the empty string stands for the package.
    """

    added: tuple[Entry, ...] = ()
    removed: tuple[Entry, ...] = ()
    changed: tuple[tuple[Entry, Entry], ...] = ()
    meta_changed: tuple[tuple[Entry, Entry], ...] = ()
    folder_meta_changed: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return any(
            (self.added, self.removed, self.changed, self.meta_changed, self.folder_meta_changed)
        )


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
    ) -> None:
        super().__init__(self, "", 0, len(rows))
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
        return next((file for file in self.files if _README.fullmatch(file.name)), None)

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
            rows.select([index for index, row in enumerate(rows) if keep(row.entry())])
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
        return self._with_rows(self.rows.select(sorted(chosen)))

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
            raise EntryNotFound(f"nothing in {self.title} matches {pattern!r}")
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
        return Package(self.rows, {**self.header, **fields}, self.folder_meta, name=self.name)

    def named(self, name: str) -> Package:
        """Return the package under another name to show."""
        return Package(self.rows, self.header, self.folder_meta, name=name, top_hash=self.top_hash)

    def _with_rows(self, rows: Rows) -> Package:
        return Package(rows, self.header, self.folder_meta, name=self.name)

    def diff(self, newer: Package) -> Diff:
        """Return what changed from this package to `newer`."""
        before = {row.key: row for row in self.rows}
        added, changed, meta_changed = [], [], []
        for row in newer.rows:
            old = before.pop(row.key, None)
            if old is None:
                added.append(row.entry())
            elif old != row:
                one, other = old.entry(), row.entry()
                if not one.same_bytes(other):
                    changed.append((one, other))
                elif not _same_json(one.meta, other.meta):
                    meta_changed.append((one, other))
        folders = {*self._folder_meta, *newer._folder_meta}
        folder_changes = [
            key for key in folders if not _same_json(self._meta_of(key), newer._meta_of(key))
        ]
        if not _same_json(self.meta, newer.meta):
            folder_changes.append("")
        return Diff(
            tuple(added),
            tuple(row.entry() for row in before.values()),
            tuple(changed),
            tuple(meta_changed),
            tuple(sorted(folder_changes, key=sort_key)),
        )

    def by_digest(self) -> dict[Digest, Entry]:
        """Return one entry for each digest."""
        found: dict[Digest, Entry] = {}
        for row in self.rows:
            digest = row.digest
            if digest is not None and digest not in found:
                found[digest] = row.entry()
        return found

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


def _same_json(one: Any, other: Any) -> bool:
    """Whether two values are written alike: not so 1, 1.0 and true, which Python calls equal."""
    return canonical_json(one) == canonical_json(other)


def key_matcher(patterns: Iterable[str]) -> Callable[[str], bool]:
    """Return whether a logical key is named by any of `patterns` (see `Package.subset`).

    No patterns name everything.

    Examples
    --------
    >>> asked = key_matcher(["fovs", "*.csv"])
    >>> asked("fovs/a/b.tiff"), asked("plates/a.csv"), asked("a.csv")
    (True, False, True)
    """
    patterns = list(patterns)
    paths = [pattern.strip("/") for pattern in patterns]
    if not paths or any(path in ("", ".") for path in paths):
        return lambda key: True
    folders = tuple(path + "/" for path in paths)
    exact = frozenset(pattern.lstrip("/") for pattern in patterns)
    globs = [glob_pattern(path) for path in paths if is_glob(path)]

    def asked(key: str) -> bool:
        named = key in exact or key.startswith(folders)
        return named or any(pattern.match(key) for pattern in globs)

    return asked


def is_glob(path: str) -> bool:
    """Whether a path holds wildcards."""
    return any(character in path for character in "*?[")


_GLOB_TOKEN = re.compile(
    r"(?P<folders>(?:(?<![^/])\*\*/)+)|(?P<below>(?<![^/])\*\*\Z)|(?P<star>\*+)|(?P<one>\?)"
    r"|\[(?P<set>!?[^\]/]+)\]|.",
    re.DOTALL,
)
_GLOB_REGEX = {"folders": "(?:[^/]+/)*", "below": ".*", "star": "[^/]*", "one": "[^/]"}
_SPECIAL_IN_SET = re.compile(r"[\\\[^&~|]")


def glob_pattern(pattern: str) -> re.Pattern[str]:
    """Return a glob over logical keys as a regular expression.

    ``*`` and ``?`` match within a component, ``**`` between slashes any number of whole
    components (elsewhere it is ``*``), ``[a-c]`` and ``[!a-c]`` one character but ``/``.

    Raises
    ------
    InvalidKey
        If a character range is not usable.

    Examples
    --------
    >>> bool(glob_pattern("fovs/*.tiff").fullmatch("fovs/a/b.tiff"))
    False
    >>> bool(glob_pattern("**/b.tiff").fullmatch("b.tiff"))
    True
    """
    parts = []
    for token in _GLOB_TOKEN.finditer(pattern):
        kind = token.lastgroup or ""
        if kind == "set" and token["set"] != "!":
            inside = _SPECIAL_IN_SET.sub(r"\\\g<0>", token["set"])
            negated = inside.startswith("!")
            parts.append(f"(?!/)[^{inside[1:]}]" if negated else f"(?!/)[{inside}]")
        else:
            parts.append(_GLOB_REGEX.get(kind) or re.escape(token[0]))
    try:
        return re.compile("".join(parts) + r"\Z", re.DOTALL)
    except re.error as error:
        raise InvalidKey(pattern, f"is not a usable pattern: {error}") from None


def format_size(size: float) -> str:
    """Return a number of bytes for people, in powers of 1000.

    Examples
    --------
    >>> format_size(0), format_size(1500), format_size(124_165_540_260)
    ('0 B', '1.5 kB', '124.2 GB')
    """
    for unit in ("B", "kB", "MB", "GB"):
        if abs(size) < 999.5:
            return f"{size:.0f} B" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"
