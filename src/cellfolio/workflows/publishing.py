"""Building packages from folders, and pushing them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cellfolio.errors import InvalidArgument
from cellfolio.package.entry import Entry
from cellfolio.package.keys import check_package_name
from cellfolio.package.package import Package
from cellfolio.registries.folder import package_folder
from cellfolio.registries.publish import Pushed, keep, push
from cellfolio.registries.quilt import QuiltRegistry
from cellfolio.registries.rules import DEFAULT
from cellfolio.storage.home import Home
from cellfolio.storage.progress import Progress
from cellfolio.workflows.engines.engine import Workers
from cellfolio.workflows.engines.transfers import send_by
from cellfolio.workflows.loading import openable
from cellfolio.workflows.opening import find_registry


@dataclass(frozen=True, slots=True)
class Label:
    """What an author says about a revision.

    Attributes
    ----------
    message : str or None
    meta : mapping or None
        Metadata of the package (JSON).
    workflow : str or None
        The registry's workflow to check with; by default the one it prescribes.
    """

    message: str | None = None
    meta: Mapping[str, Any] | None = None
    workflow: str | None = DEFAULT


def build_package(
    folder: Path,
    name: str,
    home: Home,
    label: Label | None = None,
    *,
    keep: Callable[[Entry], bool] | None = None,
    progress: Progress | None = None,
) -> Pushed:
    """Make a revision of a package from a folder, in the local registry.

    The bytes are taken into the store, so that the folder may change or go afterwards.

    Parameters
    ----------
    folder : Path
    name : str
        ``namespace/name``.
    home : Home
    label : Label, optional
    keep : callable, optional
        Tells of each file whether it belongs into the package; by default all do.
    progress : callable, optional

    Raises
    ------
    InvalidReference, InvalidArgument
        For a bad name, or a folder that is none.
    DigestMismatch
        If a file changes while it is read.
    NotEnoughSpace, StoreReadOnly
    """
    check_package_name(name)
    label = label or Label()
    package = package_folder(
        folder, home, meta=label.meta, message=label.message, progress=progress
    )
    if keep is not None:
        package = package.filter(keep)
    registry = QuiltRegistry(home.registry_uri, home)
    return push(
        package.named(name),
        registry,
        home,
        workflow=label.workflow,
        force=True,
        progress=progress,
    )


def save(
    package: Package, name: str, home: Home | None = None, label: Label | None = None
) -> Package:
    """Keep a package under a name in the local registry; no byte of its files is copied.

    Its files stay where they are, in a bucket or in a folder, and are checked when they are got.

    Parameters
    ----------
    package : Package
        For instance a part of another, or what a query found.
    name : str
        ``namespace/name``; a package of that name gets another revision.
    home : Home, optional
    label : Label, optional
        Replaces message and metadata where given.

    Returns
    -------
    Package
        As it is kept.

    Raises
    ------
    InvalidReference, StoreReadOnly
    """
    home = home or Home()
    registry = QuiltRegistry(home.registry_uri, home)
    kept = keep(_labelled(package, label or Label()), name, registry, home)
    return openable(kept, home)


def _labelled(package: Package, label: Label) -> Package:
    if label.message is not None:
        package = package.with_header(message=label.message)
    if label.meta is not None:
        package = package.with_header(user_meta=dict(label.meta))
    return package


def push_package(
    package: Package,
    registry: str,
    home: Home,
    label: Label | None = None,
    *,
    force: bool = False,
    workers: Workers = 1,
    progress: Progress | None = None,
) -> Pushed:
    """Publish a package in a registry (see `cellfolio.registries.publish.push`).

    Parameters
    ----------
    package : Package
        For instance from `cellfolio.open`; its name is that in the registry.
    registry : str
        URI or folder.
    home : Home
    label : Label, optional
        Replaces message and metadata where given.
    force : bool
        Publish over a revision that this home does not know.
    workers : int or Engine
        Who sends the files; by default this process.
    progress : callable, optional
    """
    label = label or Label()
    return push(
        _labelled(package, label),
        _publishable(registry, home),
        home,
        workflow=label.workflow,
        force=force,
        progress=progress,
        sending=lambda plan, home, meter: send_by(plan, home, workers, meter),
    )


def _publishable(registry: str, home: Home) -> QuiltRegistry:
    found = find_registry(registry, home)
    if not isinstance(found, QuiltRegistry):
        raise InvalidArgument(
            f"nothing can be published in {found.uri}; expected a Quilt registry",
            hint="name a bucket (s3://…) or a folder",
        )
    return found
