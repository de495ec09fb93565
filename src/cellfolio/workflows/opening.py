"""Finding and opening packages by name."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from cellfolio.errors import InvalidReference
from cellfolio.package.entry import Entry
from cellfolio.package.package import Package
from cellfolio.package.plan import want
from cellfolio.registries.folder import package_folder
from cellfolio.registries.quilt import QuiltRegistry, Revision
from cellfolio.registries.reference import Reference, parse_reference
from cellfolio.storage.home import Home, ensure_held
from cellfolio.storage.progress import Progress
from cellfolio.storage.remote import local_path


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
    """

    package: Package
    registry: str
    name: str
    path: str = ""


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


def find_registry(registry: str | None, home: Home) -> QuiltRegistry:
    """Return the registry of that name.

    Parameters
    ----------
    registry : str or None
        URI or folder; None or ``local`` for the local registry.
    home : Home
    """
    if registry is None or registry == "local":
        return QuiltRegistry(home.registry_uri, home)
    if "://" not in registry:
        return QuiltRegistry(Path(registry).expanduser().resolve().as_uri(), home)
    return QuiltRegistry(registry, home)


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
    for folder in path.parents:
        if (folder / ".quilt").is_dir():
            return folder, path.relative_to(folder).as_posix() + suffix
    raise InvalidReference(
        f"no folder above {path} is a registry (has a .quilt folder)",
        hint="name the registry with --registry, or a plain folder that exists",
    )


def is_path(text: str) -> bool:
    """Whether a user's word is meant as a path: it starts with ``/``, ``.`` or ``~``.

    Examples
    --------
    >>> is_path("./plates"), is_path("aics/cardio")
    (True, False)
    """
    return text.startswith(("/", ".", "~")) or (len(text) > 1 and text[1] == ":")


def is_folder(text: str) -> bool:
    """Whether a user's word is the path of a plain folder."""
    return is_path(text) and Path(text).expanduser().is_dir()


def open_package(
    text: str,
    home: Home,
    *,
    registry: str | None = None,
    verify: bool = True,
    progress: Progress | None = None,
) -> Opened:
    """Open a package by reference, or a plain folder as a package; no data is fetched.

    Parameters
    ----------
    text : str
        ``[REGISTRY/]NAMESPACE/NAME[@REVISION][/PATH]``, or the path of a folder.
    home : Home
    registry : str, optional
        Where `text` names none; the local registry by default.
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
    return open_named(text, home, registry=registry, verify=verify)


def open_named(
    text: str, home: Home, *, registry: str | None = None, verify: bool = True
) -> Opened:
    """Open a package of a registry by reference (see `open_package`)."""
    reference = find_reference(text, registry)
    found = find_registry(reference.registry, home)
    package = found.open(reference.name, reference.revision, verify=verify)
    return Opened(package, found.uri, reference.name, reference.path)


def names_package(text: str) -> bool:
    """Whether a user's word names a package of a registry, and not just some folder."""
    try:
        find_reference(text)
    except InvalidReference:
        return False
    return True


def list_packages(registry: str | None, home: Home) -> list[str]:
    """Return the names of a registry's packages, sorted."""
    return find_registry(registry, home).packages()


def log_package(text: str, home: Home, *, registry: str | None = None) -> list[LogLine]:
    """Return the revisions of a package with their messages, the newest first."""
    reference = find_reference(text, registry)
    found = find_registry(reference.registry, home)
    revisions = found.revisions(reference.name)
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
