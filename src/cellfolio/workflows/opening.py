"""Finding and opening packages by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from cellfolio.errors import (
    InvalidArgument,
    InvalidReference,
    ObjectNotFound,
    PackageNotFound,
)
from cellfolio.package.entry import Entry
from cellfolio.package.package import Package
from cellfolio.package.parts import spell_out
from cellfolio.package.plan import want
from cellfolio.registries.catalogue import DataSet, load_catalogue
from cellfolio.registries.folder import package_folder
from cellfolio.registries.quilt import POINTERS
from cellfolio.registries.reference import Reference, parse_reference
from cellfolio.registries.registry import Registry, Revision
from cellfolio.storage.home import Home, ensure_held
from cellfolio.storage.places import local_path
from cellfolio.storage.progress import Progress
from cellfolio.workflows.systems import (
    is_address,
    is_selection,
    registry_of,
    split_address,
    uri_of,
)


@dataclass(frozen=True, slots=True)
class Opened:
    """A package that was found by name.

    Attributes
    ----------
    package : Package
    registry : str
        URI of the registry; empty for a plain folder.
    name : str
        ``namespace/name``, or the folder.
    path : str
        What the reference names inside the package; empty for all of it.
    partial : bool
        Whether the package is a selection of something larger that was not listed whole.
    """

    package: Package
    registry: str
    name: str
    path: str = ""
    partial: bool = False


@dataclass(frozen=True, slots=True)
class Named:
    """What a user's word stands for.

    Attributes
    ----------
    registry : Registry
    name : str
        The package's name there.
    revision : str or None
    path : str
    data_set : DataSet or None
        If the word is a name of the catalogue.
    """

    registry: Registry
    name: str
    revision: str | None = None
    path: str = ""
    data_set: DataSet | None = None


@dataclass(frozen=True, slots=True)
class LogLine:
    """One revision of a package, for people.

    Attributes
    ----------
    revision : Revision
    message : str or None
    """

    revision: Revision
    message: str | None


def find_registry(registry: str | None, home: Home) -> Registry:
    """Return the registry of that name.

    Parameters
    ----------
    registry : str or None
        URI of any system (see `cellfolio.workflows.systems`) or folder; None or ``local`` for the
        local registry.
    home : Home
    """
    if registry is None or registry == "local":
        return registry_of(home.registry_uri, home)
    if is_address(registry):
        return registry_of(split_address(registry)[0], home)
    if "://" not in registry:
        return registry_of(Path(registry).expanduser().resolve().as_uri(), home)
    return registry_of(registry, home)


def find_named(
    text: str,
    home: Home,
    *,
    registry: str | None = None,
    select: Mapping[str, str] | None = None,
) -> Named:
    """Return what a user's word stands for.

    A name without a registry is a package of the local registry, if it has one of that name, else
    a data set of the catalogue.

    Parameters
    ----------
    text : str
        A reference, a data set's name, or an address (see `cellfolio.workflows.systems`).
    home : Home
    registry : str, optional
        Where `text` names none.
    select : mapping of str to str, optional
        Of a data set of plates: what to select, by `SELECTORS`.

    Raises
    ------
    InvalidReference, InvalidArgument
    """
    if registry is None and is_address(text):
        uri, revision, name = split_address(text)
        _refuse_selection(text, select)
        return Named(registry_of(uri, home), name, revision)
    reference = find_reference(text, registry)
    data_set = None
    if reference.registry is None and not _is_local(reference.name, home):
        data_set = load_catalogue(home).get(reference.name)
    if data_set is None:
        _refuse_selection(text, select)
        found, name = find_registry(reference.registry, home), reference.name
    else:
        found = registry_of(uri_of(data_set, select or {}), home, data_set=data_set)
        name = data_set.package or data_set.name
    return Named(found, name, reference.revision, reference.path, data_set)


def find_data_set(text: str, home: Home) -> DataSet | None:
    """Return the data set that a user's word is just the name of, without revision or path."""
    if is_path(text) or is_address(text) or "://" in text or text.count("/") != 1 or "@" in text:
        return None
    return None if _is_local(text, home) else load_catalogue(home).get(text)


def _is_local(name: str, home: Home) -> bool:
    return (home.folder / "registry" / POINTERS / name).is_dir()


def _refuse_selection(text: str, select: Mapping[str, str] | None) -> None:
    if select:
        raise InvalidArgument(
            f"{text!r} is no data set of plates of the catalogue; nothing can be selected by "
            f"{', '.join(select)}",
            hint="`cellfolio list` shows the data sets; name files, folders or globs of others",
        )


def find_reference(text: str, registry: str | None = None) -> Reference:
    """Read a reference; a registry in a folder is recognised by its ``.quilt`` folder.

    Raises
    ------
    InvalidReference
    """
    folder, rest = _split_folder_registry(text)
    if folder is None:
        found = parse_reference(text)
    else:
        inside = parse_reference(rest)
        found = Reference(folder.as_uri(), inside.name, inside.revision, inside.path)
    if registry is None:
        return found
    if found.registry is not None:
        raise InvalidReference(f"{text!r} names a registry, and {registry!r} is given beside it")
    return Reference(registry, found.name, found.revision, found.path)


def _split_folder_registry(text: str) -> tuple[Path | None, str]:
    """Split ``/folder/namespace/name`` or its ``file://`` form after the registry's folder."""
    if urlsplit(text).scheme == "file":
        path = local_path(text.partition("@")[0])
        assert path is not None
        suffix = text.partition("@")[1] + text.partition("@")[2]
    elif is_path(text):
        shown, at, revision = text.partition("@")
        path, suffix = Path(shown).expanduser().resolve(), at + revision
    else:
        return None, text
    folder = _registry_above(path)
    if folder is None:
        raise InvalidReference(
            f"no folder above {path} is a registry (has a .quilt folder)",
            hint="name the registry with --registry, or a plain folder that exists",
        )
    return folder, path.relative_to(folder).as_posix() + suffix


def _registry_above(path: Path) -> Path | None:
    return next((folder for folder in path.parents if (folder / ".quilt").is_dir()), None)


def is_path(text: str) -> bool:
    """Whether a user's word is meant as a path: it starts with ``/``, ``.`` or ``~``.

    Examples
    --------
    >>> is_path("./plates"), is_path("aics/cardio")
    (True, False)
    """
    return text.startswith(("/", ".", "~")) or (len(text) > 1 and text[1] == ":")


def is_folder(text: str) -> bool:
    """Whether a user's word is the path of a plain folder.

    The data of a package that was published in a registry of that folder is none: the files there
    are not those of one revision, and of equal ones only one is there.
    """
    if not is_path(text):
        return False
    path = Path(text).expanduser().resolve()
    return path.is_dir() and not _is_published(path)


def _is_published(path: Path) -> bool:
    folder = _registry_above(path)
    name = () if folder is None else path.relative_to(folder).parts[:2]
    return folder is not None and len(name) == 2 and (folder / POINTERS).joinpath(*name).is_dir()


def open_package(
    text: str,
    home: Home,
    *,
    registry: str | None = None,
    select: Mapping[str, str] | None = None,
    verify: bool = True,
    progress: Progress | None = None,
) -> Opened:
    """Open a package by reference, or a plain folder as a package; no data is fetched.

    Parameters
    ----------
    text : str
        ``[REGISTRY/]NAMESPACE/NAME[@REVISION][/PATH]``, the name of a data set of the catalogue,
        an address (see `cellfolio.workflows.systems`), or the path of a folder.
    home : Home
    registry : str, optional
        Where `text` names none; by default the local registry, then the catalogue.
    select : mapping of str to str, optional
        See `find_named`.
    verify : bool
        Check the manifest against its top hash.
    progress : callable, optional
        Told while a plain folder is hashed.

    Raises
    ------
    InvalidReference, PackageNotFound, RevisionNotFound, ManifestMismatch
    """
    if is_folder(text):
        folder = Path(text).expanduser()
        package = package_folder(folder, home, progress=progress)
        return Opened(package.named(""), "", str(folder))
    return open_named(text, home, registry=registry, select=select, verify=verify)


def open_named(
    text: str,
    home: Home,
    *,
    registry: str | None = None,
    select: Mapping[str, str] | None = None,
    verify: bool = True,
) -> Opened:
    """Open a package of a registry by reference (see `open_package`)."""
    named = find_named(text, home, registry=registry, select=select)
    try:
        package = named.registry.open(named.name, named.revision, verify=verify)
    except (PackageNotFound, ObjectNotFound) as error:
        error.hint = _other_name(named, home) or error.hint
        raise
    path = named.path
    if path:
        (path, *others) = spell_out(package, (path,))
        if others:
            several = ", ".join((path, *others)[:6])
            raise InvalidReference(
                f"{named.path!r} stands for several parts of {package.title}: {several}",
                hint="name one of them",
            )
    return Opened(
        package, named.registry.uri, named.name, path, partial=is_selection(named.registry.uri)
    )


def _other_name(named: Named, home: Home) -> str:
    """Return a hint where the catalogue knows better: a like name, or where an address moved."""
    if named.registry.uri == home.registry_uri:
        close = load_catalogue(home).suggest(named.name)
        return f"did you mean {' or '.join(close)}? `cellfolio list` shows all" if close else ""
    moved = load_catalogue(home).find_moved(named.registry.uri)
    if not moved or named.data_set is not None:
        return ""
    return "it moved; the catalogue has it as " + " or ".join(one.name for one in moved)


def names_package(text: str) -> bool:
    """Whether a user's word names a package of a registry, and not just some folder."""
    if is_address(text):
        return True
    try:
        find_reference(text)
    except InvalidReference:
        return False
    return True


def list_packages(registry: str | None, home: Home) -> list[str]:
    """Return the names of a registry's packages, sorted."""
    return find_registry(registry, home).packages()


def log_package(
    text: str, home: Home, *, registry: str | None = None, limit: int | None = None
) -> list[LogLine]:
    """Return the revisions of a package with their messages, the newest first.

    Parameters
    ----------
    text : str
        See `open_package`.
    home : Home
    registry : str, optional
    limit : int, optional
        Revisions at most: reading a message is a request each.
    """
    named = find_named(text, home, registry=registry)
    found = named.registry
    revisions = found.revisions(named.name)[:limit]
    headers = found.headers([revision.top_hash for revision in revisions])
    return [
        LogLine(revision, None if header is None else header.get("message"))
        for revision, header in zip(revisions, headers, strict=True)
    ]


def fetch_entry(entry: Entry, home: Home, *, progress: Progress | None = None) -> Path:
    """Return a file of the store with the bytes of an entry, fetching and checking it if needed.

    Raises
    ------
    TransferIncomplete
        If it cannot be fetched.
    """
    return ensure_held([entry], home, progress).paths[want(entry)]


def seen_package(data_set: DataSet, home: Home) -> Package | None:
    """Return the newest revision of a data set that was seen on this machine; nobody is asked.

    None for one that is never seen whole.
    """
    try:
        uri = uri_of(data_set, {})
    except InvalidArgument:
        return None
    return registry_of(uri, home, data_set=data_set).seen(data_set.package)
