"""Where this user's data is kept, and everything that works on it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from cellfolio.errors import TransferIncomplete
from cellfolio.package.entry import Entry
from cellfolio.package.plan import plan_fetch, want
from cellfolio.storage.blobs import BlobStore
from cellfolio.storage.disk import check_free_space
from cellfolio.storage.manifests import ManifestCache
from cellfolio.storage.mirrors import mirrors_in_use
from cellfolio.storage.places import local_path
from cellfolio.storage.progress import Meter, Progress
from cellfolio.storage.remote import Remotes
from cellfolio.storage.transfer import Fetcher


class Home:
    """A folder with a blob store, manifests seen before, and the local registry.

    ::

        <home>/store/      see `cellfolio.storage.blobs`
        <home>/registry/   the local registry, in Quilt's layout

    Parameters
    ----------
    folder : Path, optional
        By default ``CELLFOLIO_HOME``, else the user's data folder of the operating system.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = (default_folder() if folder is None else folder).resolve()
        self.blobs = BlobStore(self.folder / "store")
        self.remotes = Remotes(mirrors_in_use().locate)

    @cached_property
    def manifests(self) -> ManifestCache:
        """Manifests seen before."""
        return ManifestCache(self.blobs.folder / "manifests", writable=self.blobs.writable)

    @cached_property
    def fetcher(self) -> Fetcher:
        """What fetches bytes into the store."""
        return Fetcher(self.blobs, self.remotes)

    def only_copy(self, entry: Entry) -> bool:
        """Whether the store is the only place that an entry's bytes are known to be at."""
        path = local_path(entry.physical_key)
        return path is not None and path.is_relative_to(self.blobs.folder)

    @property
    def registry_uri(self) -> str:
        """URI of the local registry."""
        return (self.folder / "registry").as_uri()


def default_folder() -> Path:
    """Return ``CELLFOLIO_HOME``, else the user's data folder."""
    named = os.environ.get("CELLFOLIO_HOME")
    if named:
        return Path(named).expanduser()
    import platformdirs

    return platformdirs.user_data_path("cellfolio", appauthor=False)


@dataclass(frozen=True, slots=True)
class Ensured:
    """Bytes that are in the store now.

    Attributes
    ----------
    paths : mapping of str to Path
        By `cellfolio.package.plan.want`.
    files, size : int
        What had to be fetched, in files and bytes.
    """

    paths: Mapping[str, Path]
    files: int
    size: int


def ensure_held(entries: Iterable[Entry], home: Home, progress: Progress | None) -> Ensured:
    """Get the bytes of entries into the store.

    Raises
    ------
    TransferIncomplete
        If any cannot be fetched; the others are kept.
    NotEnoughSpace
    """
    wanted = list(entries)
    home.blobs.claim(want(entry) for entry in wanted)
    plan = plan_fetch(wanted, home.blobs.held)
    if plan.transfers:
        home.blobs.require_writable()
    check_free_space(home.blobs.folder, plan.bytes_to_fetch, "fetching")
    meter = Meter(progress, "fetch", len(plan.transfers), plan.bytes_to_fetch)
    failures: list[Exception] = []
    paths: dict[str, Path] = {}
    for fetched in home.fetcher.fetch(plan.transfers, meter):
        if fetched.error is not None:
            failures.append(fetched.error)
        else:
            paths[fetched.transfer.name] = home.blobs.path(fetched.blob)
    meter.tell(finished=True)
    if failures:
        raise TransferIncomplete(failures, plan.files)
    paths.update(home.blobs.find(plan.held))
    return Ensured(paths, len(plan.transfers), plan.bytes_to_fetch)
