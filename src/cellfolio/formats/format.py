"""What a format is, and which one fits a file: by name, confirmed by the first bytes.

There is no registry that changes: `Formats.adding` returns another value. Packages offer formats
by the entry point group ``cellfolio.formats``; those are looked at only when nothing else fits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

from cellfolio.errors import BrokenFile, UnknownFormat
from cellfolio.package.digests import Digest
from cellfolio.storage.home import Home

ENTRY_POINTS = "cellfolio.formats"
"""Entry point group; each names a `Format`."""
FIRST_BYTES = 64 * 1024
"""Bytes of a file that are looked at to decide its format."""
COMPRESSIONS = {
    ".gz": b"\x1f\x8b",
    ".bz2": b"BZh",
    ".xz": b"\xfd7zXZ\x00",
    ".zst": b"\x28\xb5\x2f\xfd",
}
"""Magic bytes by suffix."""


@dataclass(frozen=True, slots=True)
class Source:
    """What a loader is given.

    Attributes
    ----------
    path : Path
        Local file.
    name : str
        Name or logical key, whose suffix decides; blobs of the store have none of their own.
    digest : Digest or None
        If known: what converted files are kept by.
    home : Home or None
        Where converted files are kept; None for nowhere.
    told : str or None
        Format that a manifest tells; it decides where the name does not.
    beside : callable or None
        Called with the name of a file in the same folder; returns its `Source`, or None if there
        is none. By default those beside `path` are found.
    """

    path: Path
    name: str
    digest: Digest | None = None
    home: Home | None = None
    told: str | None = None
    beside: Callable[[str], Source | None] | None = field(default=None, compare=False)

    def find_beside(self, name: str) -> Source | None:
        """Return the file of that name in the same folder, if there is one."""
        if self.beside is not None:
            return self.beside(name)
        path = self.path.with_name(name)
        return Source(path, name) if path.is_file() else None


Loader = Callable[..., Any]
"""Called with a `Source` and options by keyword."""


@dataclass(frozen=True, slots=True)
class Format:
    """A kind of file.

    Attributes
    ----------
    name : str
        As in ``declared="csv"``.
    suffixes : tuple of str
        Lower case, with the first dot, such as ``.csv.gz``. One that ends in ``.gz`` says that
        the format may be compressed.
    magic : tuple of bytes
        A file starts with one of them; empty if there is no such rule. Those of a compressed file
        are inside.
    load : callable
        Called with a `Source` and options by keyword.
    about : str
        What the loader returns, for people.
    lazy : bool
        Whether the loader has an option of that name: to read what is asked for, and no more.

    Examples
    --------
    >>> lif = Format("lif", (".lif",), (), lambda source: source.path.read_bytes())
    >>> lif.compressed
    False
    """

    name: str
    suffixes: tuple[str, ...]
    magic: tuple[bytes, ...]
    load: Loader
    about: str = ""
    lazy: bool = False

    @property
    def compressed(self) -> bool:
        """Whether the bytes may be compressed as a whole."""
        return any(suffix.endswith(".gz") for suffix in self.suffixes)

    def starts(self, first_bytes: bytes) -> bool:
        """Whether a file of this format may start like this."""
        return not self.magic or first_bytes.startswith(self.magic)


@dataclass(frozen=True, slots=True)
class Deferred:
    """A loader whose module is imported when it is first called.

    Attributes
    ----------
    module, name : str

    Examples
    --------
    >>> Deferred("os.path", "basename")("a/b")
    'b'
    """

    module: str
    name: str

    @property
    def function(self) -> Loader:
        """The loader itself."""
        found: Loader = getattr(import_module(self.module), self.name)
        return found

    def __call__(self, *args: Any, **options: Any) -> Any:
        """Call the loader."""
        return self.function(*args, **options)


@dataclass(frozen=True, slots=True)
class Formats:
    """Formats, the preferred ones first.

    Attributes
    ----------
    listed : tuple of Format

    Examples
    --------
    >>> notes = Format("notes", (".note",), (), lambda source: source.path.read_text())
    >>> Formats().adding(notes).find("a/b.NOTE", b"hello").name
    'notes'
    """

    listed: tuple[Format, ...] = ()

    def __iter__(self) -> Iterator[Format]:
        return iter(self.listed)

    def adding(self, *formats: Format) -> Formats:
        """Return these formats with others before them."""
        return Formats((*formats, *self.listed))

    def find(
        self,
        source_name: str,
        first_bytes: bytes,
        declared: str | None = None,
        *,
        told: str | None = None,
    ) -> Format:
        """Return the format of a file.

        The declared one, else the one with the longest suffix that fits the name (of equal ones
        the first), else the one that a manifest tells, else the only one whose magic bytes the
        file starts with; else a name without suffix whose text starts like a JSON object is JSON.

        Parameters
        ----------
        source_name : str
            Path or logical key.
        first_bytes : bytes
            What the file starts with, once decompressed.
        declared : str, optional
            Name of the format, as the user says.
        told : str, optional
            Name of the format, as a manifest says; one that is not known tells nothing.

        Raises
        ------
        UnknownFormat
            If none fits, or none is called as declared.
        BrokenFile
            If the bytes are not those of the format that the name says.
        """
        found = self._find(source_name, first_bytes, declared)
        if found is None:
            plugged = Formats(tuple(_plugged_in()))
            found = plugged._find(source_name, first_bytes, declared)
        if found is None and declared is None:
            fitting = self._by_magic(first_bytes) or plugged._by_magic(first_bytes)
            found = self._find(source_name, first_bytes, told) if told else None
            found = found or (fitting[0] if len(fitting) == 1 else None)
            if found is None and _like_json(source_name, first_bytes):
                found = self._find(source_name, first_bytes, "json")
        if found is None:
            raise _unknown(source_name, first_bytes, declared, self)
        if not first_bytes:
            return found
        # A name given by the user is trusted where the format has no magic bytes.
        other = not declared and not found.magic and self._by_magic(first_bytes)
        if not found.starts(first_bytes) or other:
            raise BrokenFile(
                source_name,
                found.name,
                f"its bytes look like {self.describe(first_bytes)}",
                hint="name the format with declared=, or get the file again",
            )
        return found

    def named(self, source_name: str) -> Format | None:
        """Return the format that a name tells; its bytes are not asked.

        Examples
        --------
        >>> notes = Format("notes", (".note",), (), lambda source: source.path.read_text())
        >>> Formats((notes,)).named("a/b.NOTE").name, Formats((notes,)).named("c")
        ('notes', None)
        """
        return self._find(source_name, b"", None)

    def _find(self, name: str, first_bytes: bytes, declared: str | None) -> Format | None:
        if declared is not None:
            return next((one for one in self.listed if one.name == declared), None)
        lower = name.lower()
        lengths = [
            max((len(suffix) for suffix in one.suffixes if lower.endswith(suffix)), default=0)
            for one in self.listed
        ]
        longest = max(lengths, default=0)
        if not longest:
            return None
        fitting = [
            one for one, length in zip(self.listed, lengths, strict=True) if length == longest
        ]
        return next((one for one in fitting if one.starts(first_bytes)), fitting[0])

    def _by_magic(self, first_bytes: bytes) -> list[Format]:
        return [one for one in self.listed if one.magic and first_bytes.startswith(one.magic)]

    def describe(self, first_bytes: bytes) -> str:
        """Return what bytes look like, for people.

        Examples
        --------
        >>> Formats().describe(b"a,b"), Formats().describe(bytes([0, 1]))
        ('text', 'no known format')
        """
        fitting = [one.name for one in self.listed if one.magic and one.starts(first_bytes)]
        fitting += [
            f"{suffix[1:]} data"
            for suffix, magic in COMPRESSIONS.items()
            if first_bytes.startswith(magic)
        ]
        if fitting:
            return " or ".join(dict.fromkeys(fitting))
        if not first_bytes:
            return "nothing"
        # A character may be cut at the end.
        text = b"\0" not in first_bytes and not first_bytes[:-3].decode(errors="replace").count("�")
        return "text" if text else "no known format"


def _like_json(name: str, first_bytes: bytes) -> bool:
    """Whether a file that no suffix tells of starts like a JSON object: `info/load` of Quilt 2."""
    return "." not in name.rpartition("/")[2] and first_bytes.lstrip().startswith(b"{")


def with_compression(*suffixes: str) -> tuple[str, ...]:
    """Return suffixes, also with those of compressed files behind them.

    Examples
    --------
    >>> with_compression(".csv")
    ('.csv', '.csv.gz', '.csv.bz2', '.csv.xz', '.csv.zst')
    """
    return tuple(one + more for one in suffixes for more in ("", *COMPRESSIONS))


def _plugged_in() -> Iterable[Format]:
    from importlib.metadata import entry_points

    for point in entry_points(group=ENTRY_POINTS):
        found = point.load()
        if isinstance(found, Format):
            yield found


def _unknown(
    name: str, first_bytes: bytes, declared: str | None, formats: Formats
) -> UnknownFormat:
    names = ", ".join(one.name for one in formats)
    if declared is not None:
        return UnknownFormat(
            name, "", f"no format is called {declared!r}", hint=f"known are {names}"
        )
    return UnknownFormat(
        name,
        "",
        f"no format has its suffix, and its bytes look like {formats.describe(first_bytes)}",
        hint=f"name one with declared= ({names}), or read it with a function of yours: loader=",
    )
