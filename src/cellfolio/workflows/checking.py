"""Verifying what is on this machine, and mending what is damaged."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from cellfolio.errors import CellfolioError, TransferIncomplete
from cellfolio.package.entry import Entry
from cellfolio.package.package import Package
from cellfolio.package.plan import entry_blob
from cellfolio.storage.checkout import Checkout, CheckoutStatus, has_blob
from cellfolio.storage.home import Home, ensure_held
from cellfolio.storage.progress import Meter, Progress
from cellfolio.storage.workers import Workers
from cellfolio.workflows.systems import registry_of


@dataclass(frozen=True, slots=True)
class Verified:
    """What verifying found; names are logical keys, or blobs of the store; in order.

    Attributes
    ----------
    right : int
        Number of files whose bytes are what was promised.
    damaged : tuple of str
        Files whose bytes changed without the user's doing, and which were not mended.
    repaired : tuple of str
        Files that were damaged and are right again.
    modified, missing : tuple of str
        Of a checkout: changed by the user, and gone.
    absent : int
        Of a package: files the store does not have.
    """

    right: int
    damaged: tuple[str, ...] = ()
    repaired: tuple[str, ...] = ()
    modified: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    absent: int = 0

    @property
    def sound(self) -> bool:
        """Whether nothing is damaged."""
        return not self.damaged


def verify_package(
    package: Package, home: Home, *, repair: bool = False, progress: Progress | None = None
) -> Verified:
    """Hash every file of a package that the store has.

    Parameters
    ----------
    package : Package
    home : Home
    repair : bool
        Remove damaged files from the store and fetch them again.
    progress : callable, optional
    """
    wanted = {blob: entry for entry in package.walk() if (blob := entry_blob(entry))}
    here = {blob: entry for blob, entry in wanted.items() if home.blobs.path(blob).exists()}
    damaged, gone = _checked(here, home, progress)
    here = {blob: entry for blob, entry in here.items() if blob not in gone}
    repaired = _fetch_again({blob: here[blob] for blob in damaged}, home) if repair else []
    return Verified(
        right=len(here) - len(damaged),
        damaged=tuple(here[blob].logical_key for blob in damaged if blob not in repaired),
        repaired=tuple(here[blob].logical_key for blob in repaired),
        absent=len(wanted) - len(here),
    )


def verify_store(home: Home, *, repair: bool = False, progress: Progress | None = None) -> Verified:
    """Hash every blob of the store.

    With `repair`, damaged blobs that a known manifest can fetch from elsewhere are fetched again.
    The others stay, for whoever wants to save what is left, but are never given out.
    """
    blobs = {blob for blob, _ in home.blobs.all()}
    damaged, gone = _checked(blobs, home, progress)
    repaired: list[str] = []
    if repair and damaged:
        repaired = _fetch_again(_sources(damaged, home), home)
    return Verified(
        right=len(blobs) - len(damaged) - len(gone),
        damaged=tuple(blob for blob in damaged if blob not in repaired),
        repaired=tuple(repaired),
    )


def _checked(
    blobs: Iterable[str], home: Home, progress: Progress | None
) -> tuple[list[str], frozenset[str]]:
    """Hash blobs; return the damaged ones, and those that another process removed meanwhile."""
    listed = sorted(blobs)
    meter = Meter(progress, "verify", len(listed), sum(_size(home.blobs.path(b)) for b in listed))
    workers: Workers[tuple[str, bool]] = Workers()

    def check(blob: str) -> tuple[str, bool]:
        right = home.blobs.check(blob, lambda size: meter.advance(size=size))
        meter.advance(files=1)
        return blob, right

    workers.start(os.cpu_count() or 1, deque(listed), check)
    try:
        answers = dict(workers.results(len(listed), meter.tell))
    finally:
        workers.stop()
    meter.tell(finished=True)
    wrong = [blob for blob in listed if not answers[blob]]
    gone = frozenset(blob for blob in wrong if not home.blobs.path(blob).exists())
    return [blob for blob in wrong if blob not in gone], gone


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _sources(damaged: Iterable[str], home: Home) -> dict[str, Entry]:
    """Find where damaged blobs can be fetched from, in the manifests seen before."""
    wanted = set(damaged)
    found: dict[str, Entry] = {}
    for package in home.manifests.all():
        for entry in package.walk():
            blob = entry_blob(entry)
            if blob in wanted and blob not in found and not home.only_copy(entry):
                found[blob] = entry
    return found


def _fetch_again(entries: Mapping[str, Entry], home: Home) -> list[str]:
    """Remove damaged blobs that can be had elsewhere, and fetch them; return the mended ones."""
    elsewhere = {blob: entry for blob, entry in entries.items() if not home.only_copy(entry)}
    mended = []
    for blob, entry in sorted(elsewhere.items()):
        damaged = home.blobs.set_aside(blob)
        try:
            ensure_held([entry], home, None)
        except TransferIncomplete:
            damaged.replace(home.blobs.path(blob))
        else:
            damaged.unlink()
            mended.append(blob)
    return mended


def verify_checkout(
    folder: Path, home: Home, *, repair: bool = False, progress: Progress | None = None
) -> Verified:
    """Hash every file that was put into a folder.

    A file that looks untouched but has other bytes is damaged; one whose time or size changed is
    the user's. With `repair`, damaged files are replaced; the user's are left alone.

    Raises
    ------
    NotFound
        If the folder is not a checkout.
    """
    checkout = Checkout(folder)
    status = checkout.status()
    source, rows = checkout.record()
    skip = {*status.modified, *status.missing}
    intact = {key: row for key, row in rows.items() if key not in skip}
    meter = Meter(progress, "verify", len(intact), sum(row.size for row in intact.values()))
    damaged = []
    for key, row in intact.items():
        if not has_blob(checkout.folder / key, row.blob):
            damaged.append(key)
        meter.advance(size=row.size, files=1)
        meter.tell()
    meter.tell(finished=True)
    repaired: list[str] = []
    if repair and damaged and source.registry:  # a plain folder cannot be opened by name again
        package = registry_of(source.registry, home).open(source.name, source.top_hash)
        repaired = _place_again(damaged, package, checkout, home)
    return Verified(
        right=len(intact) - len(damaged),
        damaged=tuple(key for key in damaged if key not in repaired),
        repaired=tuple(repaired),
        modified=status.modified,
        missing=status.missing,
    )


def _place_again(
    keys: Iterable[str], package: Package, checkout: Checkout, home: Home
) -> list[str]:
    placed = []
    with checkout.changing() as changes:
        placer = checkout.placer("auto")
        for key in keys:
            try:
                entry = package.entry(key)
                blob = entry_blob(entry)
                if blob is None:
                    continue
                if not home.blobs.check(blob):
                    _fetch_again({blob: entry}, home)
                path = home.blobs.find([blob]).get(blob)
                if path is None:
                    ensure_held([entry], home, None)
                    path = home.blobs.path(blob)
            except CellfolioError:
                continue
            changes.add(key, blob, placer.place(path, key, replace=True))
            placed.append(key)
        placer.finish()
    return placed


def status_of(folder: Path) -> CheckoutStatus:
    """Compare a folder with what was put there (see `cellfolio.storage.checkout`).

    Raises
    ------
    NotFound
        If the folder is not a checkout.
    """
    return Checkout(folder).status()


def is_checkout(folder: Path) -> bool:
    """Whether a folder was filled by getting a package."""
    return Checkout(folder).exists
