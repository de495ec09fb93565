"""Reads ``manifest.json`` of a release of the Allen Brain Cell Atlas.

::

    {"version": "20250531", "resource_uri": "s3://allen-brain-cell-atlas/",
     "directory_listing": {<directory>: {"directories": {<kind>: <folder>}}},
     "file_listing": {<directory>: {<kind>: {<name>: {"files": {<file type>: <file>}},
                                             <name>: {<variant>: {"files": {…}}}}}}}

Rule 1: a path of the manifest is a valid logical key, or the release is refused as a whole.
Rule 2: kinds, variants and file types are what the manifest names; none is written down here.
Rule 3: a digest may be missing (early manifests have none) but never wrong: one of an unknown form
is kept, and no bytes will match it.

References
----------
Manifests of releases 20231215, in two forms, and 20250531.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from cellfolio.errors import InvalidKey, InvalidManifest
from cellfolio.package.keys import check_key
from cellfolio.registries.abc.release import AbcFile, AbcFolder, Release

_URI = re.compile(r"[a-z][a-z0-9+.-]*://.+", re.DOTALL)
_DRIVE = re.compile(r"[A-Za-z]:")
_DIGEST = re.compile(r"[0-9A-Za-z_-]+")
"""Of any length, so that a wrong one is told when bytes do not match it."""
_MAX_SIZE = 2**63
_Object = Mapping[str, object]


def parse_release(document: object) -> Release:
    """Read a release manifest.

    Parameters
    ----------
    document : object
        The JSON document.

    Raises
    ------
    InvalidManifest
        Saying what is wrong and where. One path that leads out of the package is enough.

    Examples
    --------
    >>> file = {"version": "20230830", "relative_path": "metadata/WMB-10X/20230830/gene.csv",
    ...         "url": "https://example.org/gene.csv", "size": 2300000, "file_hash": "0" * 32}
    >>> release = parse_release({
    ...     "version": "20231215", "resource_uri": "s3://allen-brain-cell-atlas/",
    ...     "directory_listing": {},
    ...     "file_listing": {"WMB-10X": {"metadata": {"gene": {"files": {"csv": file}}}}}})
    >>> release.directories, release.names("WMB-10X"), release.find("WMB-10X", "gene").version
    (('WMB-10X',), ['gene'], '20230830')
    """
    top = _object(document, "the document")
    version = _text(top, "version", "the document")
    resource_uri = _text(top, "resource_uri", "the document")
    if not _URI.fullmatch(resource_uri):
        raise _wrong("the document", "'resource_uri'", "a URI such as s3://bucket/", resource_uri)
    listing = _object(top.get("directory_listing", {}), "directory_listing")
    folders = [folder for name in listing for folder in _folders(name, listing[name])]
    contents = _object(top.get("file_listing"), "file_listing")
    files = [file for name in contents for file in _directory_files(name, contents[name])]
    _check_paths(files)
    names = {_name(name, "the document") for name in (*listing, *contents)}
    return Release(
        version,
        resource_uri,
        tuple(sorted(names)),
        tuple(sorted(folders, key=lambda folder: (folder.directory, folder.kind))),
        tuple(sorted(files, key=_file_order)),
    )


def _file_order(file: AbcFile) -> tuple[str, ...]:
    return file.directory, file.kind, file.name, file.file_type


def _folders(directory: str, node: object) -> Iterator[AbcFolder]:
    where = f"directory_listing > {directory}"
    kinds = _object(_object(node, where).get("directories"), f"{where} > directories")
    for kind, value in kinds.items():
        inner = f"{where} > {kind}"
        fields = _object(value, inner)
        yield AbcFolder(
            directory,
            _name(kind, inner),
            _text(fields, "version", inner),
            _path(fields, inner),
            _text(fields, "url", inner),
            _text(fields, "view_link", inner) if "view_link" in fields else None,
            _size(fields, "total_size", inner) if "total_size" in fields else None,
        )


def _directory_files(directory: str, node: object) -> Iterator[AbcFile]:
    where = f"file_listing > {directory}"
    for kind, names in _object(node, where).items():
        for stem, value in _object(names, f"{where} > {kind}").items():
            inner = f"{where} > {kind} > {stem}"
            fields = _object(value, inner)
            # A file has ``files``; one with variants has a node with ``files`` for each.
            plain = "files" in fields
            variants = {None: fields} if plain else dict[str | None, object](fields)
            for variant, files in variants.items():
                place = inner if variant is None else f"{inner} > {variant}"
                types = _object(_object(files, place).get("files"), f"{place} > files")
                for file_type, attributes in types.items():
                    yield _file((directory, kind, stem, variant, file_type), attributes, place)


def _file(names: tuple[str, str, str, str | None, str], value: object, where: str) -> AbcFile:
    for name in names:
        if name is not None:
            _name(name, where)
    fields = _object(value, f"{where} > {names[-1]}")
    md5 = _text(fields, "file_hash", where) if fields.get("file_hash") is not None else None
    if md5 is not None and not _DIGEST.fullmatch(md5):
        raise _wrong(where, "'file_hash'", "32 hexadecimal digits", md5)
    return AbcFile(
        *names,
        version=_text(fields, "version", where),
        relative_path=_path(fields, where),
        url=_text(fields, "url", where),
        size=_size(fields, "size", where),
        md5=md5,
    )


def _check_paths(files: Iterable[AbcFile]) -> None:
    """Refuse a path that is promised two contents."""
    seen: dict[str, AbcFile] = {}
    for file in files:
        first = seen.setdefault(file.relative_path, file)
        if (first.size, first.md5) != (file.size, file.md5):
            raise InvalidManifest(
                f"{file.relative_path!r} is listed twice with other bytes: "
                f"{first.size} B, MD5 {first.md5}, and {file.size} B, MD5 {file.md5}"
            )


def _object(value: object, where: str) -> _Object:
    if not isinstance(value, Mapping):
        raise _wrong(where, "it", "a JSON object", value)
    return value


def _text(fields: _Object, name: str, where: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str) or not value:
        raise _wrong(where, repr(name), "text", value)
    return _name(value, where)


def _name(value: str, where: str) -> str:
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise _wrong(where, "a name", "text with a UTF-8 form", value) from None
    return value


def _size(fields: _Object, name: str, where: str) -> int:
    value = fields.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < _MAX_SIZE:
        raise _wrong(where, repr(name), "a number of bytes", value)
    return value


def _path(fields: _Object, where: str) -> str:
    path = _text(fields, "relative_path", where)
    try:
        check_key(path)
        if _DRIVE.match(path):
            raise InvalidKey(path, "begins with a drive of Windows")
    except InvalidKey as error:
        raise InvalidManifest(
            f"the release is refused: {where}: {error}; expected a path inside the bucket",
            hint="the manifest was altered or damaged; nothing of it was used",
        ) from None
    return path


def _wrong(where: str, what: str, expected: str, found: object) -> InvalidManifest:
    if found is None:
        shown = "nothing"
    elif isinstance(found, str | int | float):
        shown = ascii(found)[:80]
    else:
        shown = type(found).__name__
    return InvalidManifest(
        f"not a release manifest: {where}: {what} should be {expected}, found {shown}",
        hint="the manifest is damaged, or of a form that this version does not know",
    )
