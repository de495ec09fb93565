"""The library's verbs: what `cellfolio.open`, `cellfolio.get` and the others are.

Each takes names as a user writes them, and a home of one's own if the usual one will not do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from os import PathLike
from pathlib import Path

from cellfolio.errors import InvalidArgument
from cellfolio.package.diff import Diff
from cellfolio.package.package import Package
from cellfolio.registries.catalogue import Catalogue, load_catalogue
from cellfolio.registries.publish import Pushed
from cellfolio.registries.reference import parse_reference
from cellfolio.storage.checkout import CheckoutStatus
from cellfolio.storage.home import Home
from cellfolio.storage.progress import Progress
from cellfolio.workflows import checking, getting, opening, publishing, space
from cellfolio.workflows.checking import Verified
from cellfolio.workflows.engines.engine import Workers
from cellfolio.workflows.getting import GetOptions, Got
from cellfolio.workflows.loading import openable
from cellfolio.workflows.opening import LogLine
from cellfolio.workflows.publishing import Label
from cellfolio.workflows.space import Collected, Space

Where = str | PathLike[str]


def open(  # noqa: A001 - the verb's name; used as `cellfolio.open`
    name: str,
    *,
    registry: str | None = None,
    select: Mapping[str, str] | None = None,
    verify: bool = True,
    home: Home | None = None,
) -> Package:
    """Open a package by name; its data stays where it is.

    Parameters
    ----------
    name : str
        The name of a data set (see `catalogue`);
        ``[REGISTRY/]NAMESPACE/NAME[@REVISION]``, for instance
        ``s3://allencell/aics/hipsc_single_cell_image_dataset`` or ``aics/demo@2026-03-01``; an
        address such as ``abc+s3://bucket``; or the path of a folder (starting with ``/``, ``.``
        or ``~``). A revision is ``latest``, a top hash or at least its first six digits, a time,
        or the name of a release.
    registry : str, optional
        Registry, if the name does not tell it; by default the local one, then the catalogue.
    select : mapping of str to str, optional
        Of a data set of plates, the images: words for ``plate``, ``batch``, ``well``, ``site``
        and ``channel``.
    verify : bool
        Check the manifest against its top hash.
    home : Home, optional

    Returns
    -------
    Package

    Raises
    ------
    InvalidReference, PackageNotFound, RevisionNotFound
    ManifestMismatch
        If the manifest was altered.
    """
    home = home or Home()
    opened = opening.open_package(name, home, registry=registry, select=select, verify=verify)
    package = opened.package.subset(opened.path) if opened.path else opened.package
    return openable(package, home)


def get(
    name: str,
    folder: Where | None = None,
    *patterns: str,
    registry: str | None = None,
    options: GetOptions | None = None,
    progress: Progress | None = None,
    home: Home | None = None,
) -> Got:
    """Get a package, or a part of it, into a folder: verified, resumable, nothing twice.

    Parameters
    ----------
    name : str
        See `open`; a path after it names a file or folder to get.
    folder : path, optional
        By default a folder of the package's name in the working directory.
    *patterns : str
        Files, folders and globs to get; by default all.
    registry : str, optional
    options : GetOptions, optional
        How files are placed, who fetches them, and whether the user's changes may be overwritten.
    progress : callable, optional
    home : Home, optional

    Returns
    -------
    Got

    Raises
    ------
    CheckoutConflict, TransferIncomplete, NotEnoughSpace
        And what `open` raises.
    """
    home = home or Home()
    options = options or GetOptions()
    options = replace(options, patterns=(*options.patterns, *patterns))
    opened = opening.open_package(
        name,
        home,
        registry=registry,
        select=options.select,
        verify=options.verify,
        progress=progress,
    )
    target = Path(opened.name).name if folder is None else folder
    got = getting.get_package(opened, Path(target), home, options, progress=progress)
    return replace(got, package=openable(got.package, home))


def fetch(
    package: Package, key: str, *, progress: Progress | None = None, home: Home | None = None
) -> Path:
    """Return a local, checked, read-only file with the bytes of one entry.

    Parameters
    ----------
    package : Package
    key : str
        Logical key.
    progress : callable, optional
    home : Home, optional
    """
    return opening.fetch_entry(package.entry(key), home or Home(), progress=progress)


def build(
    folder: Where,
    name: str,
    label: Label | None = None,
    *,
    progress: Progress | None = None,
    home: Home | None = None,
) -> Pushed:
    """Make a revision of a package from a folder, in the local registry.

    Parameters
    ----------
    folder : path
    name : str
        ``namespace/name``.
    label : Label, optional
        Message, metadata, workflow.
    progress : callable, optional
    home : Home, optional
    """
    home = home or Home()
    built = publishing.build_package(Path(folder), name, home, label, progress=progress)
    return replace(built, package=openable(built.package, home))


def push(
    package: Package | str,
    destination: str,
    label: Label | None = None,
    *,
    force: bool = False,
    workers: Workers = 1,
    progress: Progress | None = None,
    home: Home | None = None,
) -> Pushed:
    """Publish a package; only what the registry lacks is sent.

    Parameters
    ----------
    package : Package or str
        A package, or the name of one (see `open`).
    destination : str
        ``REGISTRY`` to keep the package's name, or ``REGISTRY/NAMESPACE/NAME``.
    label : Label, optional
        Message, metadata and workflow to publish with, where they should differ.
    force : bool
        Publish over a revision that somebody else published meanwhile.
    workers : int or Engine
        Who sends the files; by default this process.
    progress : callable, optional
    home : Home, optional

    Raises
    ------
    PushConflict, WorkflowViolation, DigestMismatch
    """
    home = home or Home()
    if isinstance(package, str):
        package = open(package, home=home)
    registry, name = _destination(destination, package)
    pushed = publishing.push_package(
        package.named(name),
        registry,
        home,
        label,
        force=force,
        workers=workers,
        progress=progress,
    )
    return replace(pushed, package=openable(pushed.package, home))


def _destination(destination: str, package: Package) -> tuple[str, str]:
    """Split a destination into registry and package name."""
    scheme, separator, rest = destination.partition("://")
    if separator and scheme != "file" and "/" in rest.strip("/"):
        reference = parse_reference(destination)
        return reference.registry or destination, reference.name
    if not package.name:
        raise InvalidArgument(
            "the package has no name",
            hint="name it: package.named('namespace/name') (--as NAMESPACE/NAME)",
        )
    return destination, package.name


def catalogue(*, home: Home | None = None) -> Catalogue:
    """Return the data sets that are known by name, those of your own catalogues among them.

    Nothing is asked of the network, but for a catalogue of yours that is at an address.

    Parameters
    ----------
    home : Home, optional

    Examples
    --------
    >>> import cellfolio
    >>> [one.name for one in cellfolio.catalogue().search("allen brain")]
    ['abc/atlas']
    """
    return load_catalogue(home or Home())


def list_packages(registry: str | None = None, *, home: Home | None = None) -> list[str]:
    """Return the names of a registry's packages, sorted.

    Parameters
    ----------
    registry : str, optional
        ``s3://bucket``, a folder, or an address of another system; by default the local registry.
    home : Home, optional

    Raises
    ------
    ServerUnreachable, AccessRefused, ObjectNotFound
    """
    return opening.list_packages(registry, home or Home())


def log(name: str, *, registry: str | None = None, home: Home | None = None) -> list[LogLine]:
    """Return the revisions of a package with their messages, the newest first.

    Parameters
    ----------
    name : str
        See `open`; a revision or path in it does not count.
    registry : str, optional
    home : Home, optional

    Returns
    -------
    list of LogLine
        Each with `revision` (`top_hash`, `time` in UTC, `pointer`) and `message`.

    Raises
    ------
    InvalidReference, PackageNotFound, ServerUnreachable
    """
    return opening.log_package(name, home or Home(), registry=registry)


def diff(older: Package | str, newer: Package | str, *, home: Home | None = None) -> Diff:
    """Return what changed from one package to another.

    Parameters
    ----------
    older, newer : Package or str
        Packages, or names of them (see `open`). A plain folder has no metadata: where one is
        named, only the files are compared.
    home : Home, optional
    """
    home = home or Home()
    one = open(older, home=home) if isinstance(older, str) else older
    other = open(newer, home=home) if isinstance(newer, str) else newer
    found = one.diff(other)
    if any(isinstance(name, str) and opening.is_folder(name) for name in (older, newer)):
        return replace(found, meta_changed=(), folder_meta_changed=())
    return found


def status(folder: Where) -> CheckoutStatus:
    """Compare a folder with what `get` put there; only files that look changed are read.

    Parameters
    ----------
    folder : path

    Returns
    -------
    CheckoutStatus
        With `unchanged` (a number) and the logical keys of `modified`, `missing` and `extra` files.

    Raises
    ------
    NotFound
        If the folder was not filled by `get`.
    """
    return checking.status_of(Path(folder))


def verify(
    what: Where | None = None,
    *,
    repair: bool = False,
    progress: Progress | None = None,
    home: Home | None = None,
) -> Verified:
    """Hash what is on this machine and compare it with what was promised.

    Parameters
    ----------
    what : str or path, optional
        A folder filled by `get`; the name of a package, for its files in the store; by default
        the whole store.
    repair : bool
        Fetch damaged files again where that is possible.
    progress : callable, optional
    home : Home, optional
    """
    home = home or Home()
    if what is None:
        return checking.verify_store(home, repair=repair, progress=progress)
    folder = Path(what).expanduser()
    if checking.is_checkout(folder) or not (isinstance(what, str) and opening.names_package(what)):
        return checking.verify_checkout(folder, home, repair=repair, progress=progress)
    package = opening.open_named(what, home).package
    return checking.verify_package(package, home, repair=repair, progress=progress)


def du(*, home: Home | None = None) -> Space:
    """Return the room that store, packages and checkouts take.

    Parameters
    ----------
    home : Home, optional

    Returns
    -------
    Space
        Bytes in all, of each package of the local registry, and what is not stored twice.
    """
    return space.measure_space(home or Home())


def gc(*, dry_run: bool = False, grace: float = space.GRACE, home: Home | None = None) -> Collected:
    """Remove bytes that no local package and no checkout needs.

    Parameters
    ----------
    dry_run : bool
        Only say what would be removed.
    grace : float
        Seconds that new bytes are kept in any case.
    home : Home, optional
    """
    return space.collect(home or Home(), dry_run=dry_run, grace=grace)
