"""Data sets as a catalogue describes them, and the form of a catalogue.

Our own catalogue, ``data/catalogue.toml``, says what each field means. A user's has the same form,
in TOML or JSON. Where catalogues are found: `cellfolio.registries.catalogue`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from cellfolio.errors import InvalidArgument, NotFound
from cellfolio.package.keys import check_package_name, portability_problem

VERSION = 1
Content: TypeAlias = bytes
"""Bytes of a file; in `DataSet` the word ``bytes`` has its meaning in a catalogue."""
ReadBeside: TypeAlias = Callable[[str], Content]
"""Reads the file of a plain name that lies beside a catalogue."""
_CLOSE = 0.6
"""How alike a name must be to be suggested, as `difflib` measures it."""
_PLAIN_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,254}")
_ADDRESS = re.compile(r"[a-z][a-z0-9.+-]*://\S*")
_CONTROL = re.compile("[\\x00-\\x1f\\x7f-\\x9f\\u202a-\\u202e\\u2066-\\u2069\\ud800-\\udfff]")
"""What a terminal would obey or cannot show."""
_PREFIX = re.compile(r"^[a-z][a-z0-9]*\+(?=[a-z][a-z0-9]*://)")


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSet:
    """A named thing in the catalogue, and where it is.

    Attributes
    ----------
    name : str
        ``namespace/name``.
    title : str
    address : str
        URI that opens it: ``s3://bucket``, or one with the kind of registry before it, such as
        ``abc+s3://bucket``.
    package : str
        Its name in that registry; most often `name`.
    description, licence, citation, homepage, notes : str
        Empty where nothing is known. The notes say what is uncertain.
    contains, modalities, organisms, cell_lines : tuple of str
    size, files : int or None
        Bytes and number of files, where they are known.
    moved : tuple of str
        Former addresses, without a slash at the end.
    listing, plates : str
        Plain name of a file beside the catalogue: sizes and ETags of its files; its plates.
    bytes : str
        URL of a Git-LFS file, with ``{path}`` or ``{oid}`` in it.
    source : str
        The catalogue it is from.
    """

    name: str
    title: str
    address: str
    package: str
    description: str = ""
    licence: str = ""
    citation: str = ""
    homepage: str = ""
    contains: tuple[str, ...] = ()
    modalities: tuple[str, ...] = ()
    organisms: tuple[str, ...] = ()
    cell_lines: tuple[str, ...] = ()
    size: int | None = None
    files: int | None = None
    moved: tuple[str, ...] = ()
    notes: str = ""
    listing: str = ""
    plates: str = ""
    bytes: str = ""
    source: str = ""
    read_beside: ReadBeside = field(repr=False, compare=False)

    def data_file(self, name: str) -> Content:
        """Return the content of a file that lies beside the catalogue.

        Parameters
        ----------
        name : str
            A plain file name, such as `listing`.

        Raises
        ------
        InvalidArgument
            If it is more than a file name.
        ObjectNotFound, TransferError
            If there is no such file, or it cannot be read.

        Examples
        --------
        >>> from cellfolio.registries.catalogue import builtin_catalogue
        >>> lincs = builtin_catalogue().find("rosetta/LINCS-Pilot1")
        >>> lincs.data_file(lincs.listing).count(b"LINCS-Pilot1/")
        9
        """
        return self.read_beside(_read_plain_name(name))


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Data sets by name.

    Attributes
    ----------
    data_sets : tuple of DataSet
        Sorted by name; each name once.
    """

    data_sets: tuple[DataSet, ...] = ()

    def get(self, name: str) -> DataSet | None:
        """Return the data set of that name, or None."""
        return next((one for one in self.data_sets if one.name == name), None)

    def find(self, name: str) -> DataSet:
        """Return the data set of that name.

        Raises
        ------
        NotFound
            The hint has names that are like it.

        Examples
        --------
        >>> from cellfolio.registries.catalogue import builtin_catalogue
        >>> builtin_catalogue().find("abc/atlas").address
        'abc+s3://allen-brain-cell-atlas'
        """
        found = self.get(name)
        if found is None:
            close = self.suggest(name)
            raise NotFound(
                f"the catalogue has no data set {name!r}",
                hint=f"did you mean {' or '.join(close)}?" if close else "",
            )
        return found

    def search(self, words: str) -> tuple[DataSet, ...]:
        """Return the data sets in which every word occurs.

        Parameters
        ----------
        words : str
            Separated by white space; case does not matter. They are looked for in name, title,
            description, content, modalities, organisms and cell lines. No words find everything.

        Examples
        --------
        >>> from cellfolio.registries.catalogue import builtin_catalogue
        >>> [one.name for one in builtin_catalogue().search("MERFISH mouse")]
        ['abc/atlas']
        """
        wanted = words.casefold().split()
        texts = ((one, _searched(one)) for one in self.data_sets)
        return tuple(one for one, text in texts if all(word in text for word in wanted))

    def suggest(self, name: str) -> tuple[str, ...]:
        """Return up to three names that are like one that was given.

        Examples
        --------
        >>> from cellfolio.registries.catalogue import builtin_catalogue
        >>> builtin_catalogue().suggest("cardio_dif_manuscript")
        ('aics/cardio_diff_manuscript',)
        """
        from difflib import get_close_matches

        wanted = name.casefold().strip()
        names: dict[str, str] = {}
        for one in self.data_sets:
            names.setdefault(one.name.partition("/")[2].casefold(), one.name)
            names[one.name.casefold()] = one.name
        close = [names[match] for match in get_close_matches(wanted, names, 6, _CLOSE)]
        held = [one.name for one in self.data_sets if wanted and wanted in one.name.casefold()]
        return tuple(dict.fromkeys([*close, *held]))[:3]

    def find_moved(self, address: str) -> tuple[DataSet, ...]:
        """Return the data sets that were once at an address, or held it.

        Examples
        --------
        >>> from cellfolio.registries.catalogue import builtin_catalogue
        >>> old = "s3://cell-painting-gallery/jump-pilots/source_4/images"
        >>> [one.name for one in builtin_catalogue().find_moved(old)]
        ['cpjump1/images']
        """
        wanted = _PREFIX.sub("", address).rstrip("/")
        while wanted:  # the longest former address that holds it
            found = tuple(one for one in self.data_sets if wanted in one.moved)
            if found:
                return found
            wanted = wanted.rpartition("/")[0]
        return ()

    def merged(self, other: Catalogue) -> Catalogue:
        """Return the data sets of both; of two with one name, that of `other`."""
        return _sorted({one.name: one for one in (*self.data_sets, *other.data_sets)}.values())


def read_catalogue(text: str, source: str, base: ReadBeside) -> Catalogue:
    """Read a catalogue.

    Parameters
    ----------
    text : str
        TOML, or JSON if it begins with ``{``.
    source : str
        What to call it in errors: a path or URL.
    base : callable
        Reads a file that lies beside it.

    Raises
    ------
    InvalidArgument
        Naming the catalogue, the data set and the field that is wrong.

    Examples
    --------
    >>> text = '''version = 1
    ... [[data_set]]
    ... name = "lab/pilot"
    ... title = "Pilot screen"
    ... address = "s3://screens"
    ... '''
    >>> read_catalogue(text, "lab.toml", lambda name: b"").find("lab/pilot").title
    'Pilot screen'
    """
    document = _parse(text.removeprefix("\ufeff"), source)
    _refuse_unknown(document, ("version", "data_set"), source)
    version = document.get("version")
    if type(version) is not int or version != VERSION:
        raise InvalidArgument(
            f"{source}: expected 'version = {VERSION}', found {_shown(version)}",
            hint="a later version of cellfolio may read it" if isinstance(version, int) else "",
        )
    listed = document.get("data_set", [])
    if not isinstance(listed, list):
        raise InvalidArgument(f"{source}: 'data_set' should be a list, found {_shown(listed)}")
    found: dict[str, DataSet] = {}
    for number, fields in enumerate(listed, 1):
        one = _read_data_set(fields, number, source, base)
        if one.name in found:
            raise InvalidArgument(f"{source}: the data set {one.name!r} is there twice")
        found[one.name] = one
    return _sorted(found.values())


def _parse(text: str, source: str) -> dict[str, Any]:
    import tomllib

    form = "JSON" if text.lstrip().startswith("{") else "TOML"
    try:
        document = json.loads(text) if form == "JSON" else tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidArgument(
            f"the catalogue {source} cannot be read as {form}: {error}",
            hint="a catalogue is a TOML file with 'version = 1' and a [[data_set]] for each",
        ) from None
    return dict(document)


def _read_data_set(fields: object, number: int, source: str, base: ReadBeside) -> DataSet:
    if not isinstance(fields, dict):
        raise InvalidArgument(
            f"{source}, data set {number}: expected a table of fields, found {_shown(fields)}"
        )
    name = fields.get("name")
    where = f"{source}, data set {_shown(name) if isinstance(name, str) else number}"
    _refuse_unknown(fields, _READERS, where)
    missing = [key for key in _REQUIRED if not fields.get(key)]
    if missing:
        raise InvalidArgument(f"{where}: the field {missing[0]!r} is missing or empty")
    values: dict[str, Any] = {}
    for key, value in fields.items():
        try:
            values[key] = _READERS[key](value)
        except InvalidArgument as error:
            raise InvalidArgument(f"{where}, field {key!r}: {error}", hint=error.hint) from None
    values["package"] = values.get("package") or values["name"]
    return DataSet(source=source, read_beside=base, **values)


def _refuse_unknown(fields: Mapping[str, object], known: Iterable[str], where: str) -> None:
    unknown = [key for key in fields if key not in known]
    if not unknown:
        return
    from difflib import get_close_matches

    close = get_close_matches(unknown[0].casefold(), known, 1, _CLOSE)
    hint = f"did you mean {close[0]!r}?" if close else f"fields are {', '.join(known)}"
    raise InvalidArgument(f"{where}: unknown field {_shown(unknown[0])}", hint=hint)


def _read_text(value: object) -> str:
    """Return text on one line: line breaks of a catalogue are for those who read the file."""
    if not isinstance(value, str):
        raise InvalidArgument(f"expected text, found {_shown(value)}")
    text = " ".join(value.split())
    if _CONTROL.search(text):
        raise InvalidArgument(f"expected text without control characters, found {_shown(value)}")
    return text


def _read_texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise InvalidArgument(f"expected a list of text, found {_shown(value)}")
    return tuple(map(_read_text, value))


def _read_count(value: object) -> int:
    if type(value) is not int or value < 0:  # true is an int to Python
        raise InvalidArgument(
            f"expected a whole number that is not negative, found {_shown(value)}"
        )
    return value


def _read_name(value: object) -> str:
    return check_package_name(_read_text(value))


def _read_address(value: object) -> str:
    text = _read_text(value)
    if not _ADDRESS.fullmatch(text):
        raise InvalidArgument(
            f"expected an address such as s3://bucket or abc+s3://bucket, found {_shown(value)}",
            hint="a folder is file:///path, a space is %20",
        )
    return text


def _read_addresses(value: object) -> tuple[str, ...]:
    return tuple(_read_address(one).rstrip("/") for one in _read_texts(value))


def _read_plain_name(value: object) -> str:
    """Return a name that can only be that of a file beside the catalogue, on any system."""
    name = value if isinstance(value, str) else ""
    if not _PLAIN_NAME.fullmatch(name) or portability_problem(name):
        raise InvalidArgument(
            f"expected the plain name of a file beside the catalogue, found {_shown(value)}",
            hint="letters, digits, '_', '-' and '.', with no folder before it",
        )
    return name


_READERS: Mapping[str, Callable[[object], Any]] = {
    "name": _read_name,
    "title": _read_text,
    "description": _read_text,
    "licence": _read_text,
    "citation": _read_text,
    "homepage": _read_text,
    "contains": _read_texts,
    "modalities": _read_texts,
    "organisms": _read_texts,
    "cell_lines": _read_texts,
    "size": _read_count,
    "files": _read_count,
    "address": _read_address,
    "package": _read_name,
    "moved": _read_addresses,
    "notes": _read_text,
    "listing": _read_plain_name,
    "plates": _read_plain_name,
    "bytes": _read_address,
}
_REQUIRED = ("name", "title", "address")


def _searched(one: DataSet) -> str:
    lists = (*one.contains, *one.modalities, *one.organisms, *one.cell_lines)
    texts = (one.name, one.title, one.description, *lists)
    return "\n".join(texts).casefold()


def _sorted(data_sets: Iterable[DataSet]) -> Catalogue:
    return Catalogue(tuple(sorted(data_sets, key=lambda one: one.name)))


def _shown(value: object) -> str:
    shown = repr(value)
    return shown if len(shown) <= 80 else f"{shown[:77]}…"
