"""Checkouts: folders filled from a package, and the record of what was put there.

The record lies in the folder itself (``.cellfolio/checkout.sqlite``), so that it moves with it.
For every file we put there it has the size, modification time and inode that the file had, so
that an unchanged file is recognised without reading it.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from filelock import FileLock

from cellfolio.errors import NotFound, StoreError
from cellfolio.package.digests import hash_blocks
from cellfolio.package.keys import RECORD_FOLDER, sort_key
from cellfolio.package.plan import CheckoutPlan, FileState, blob_digest, plan_checkout
from cellfolio.storage.blobs import read_blocks
from cellfolio.storage.placing import Placer

_SCHEMA = """
create table if not exists about (name text primary key, value text not null) without rowid;
create table if not exists file (
    key text primary key, blob text not null, size integer not null,
    mtime_ns integer not null, inode integer not null
) without rowid;
"""
_LOCK_TIMEOUT = 600.0
_BATCH = 2000


class FileRow(NamedTuple):
    """A file we put into a checkout, as it was then."""

    key: str
    blob: str
    size: int
    mtime_ns: int
    inode: int


@dataclass(frozen=True, slots=True)
class Source:
    """What a checkout was filled from.

    Attributes
    ----------
    registry, name, top_hash : str
    patterns : tuple of str
        Parts asked for, ascending; empty for the whole package.
    complete : bool
        Whether the last run finished.
    """

    registry: str
    name: str
    top_hash: str
    patterns: tuple[str, ...] = ()
    complete: bool = False


@dataclass(frozen=True, slots=True)
class CheckoutStatus:
    """How a checkout differs from what was put there; logical keys in order.

    Attributes
    ----------
    source : Source
    unchanged : int
        Number of files.
    modified, missing, extra : tuple of str
        Changed by the user, gone, and not from the package.
    """

    source: Source
    unchanged: int = 0
    modified: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()

    @property
    def clean(self) -> bool:
        """Whether every file is as it was put there and none is missing."""
        return not (self.modified or self.missing)


class Checkout:
    """A folder filled from a package.

    Parameters
    ----------
    folder : Path
        Need not exist yet.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = Path(folder).resolve()
        self._root = f"{self.folder}{os.sep}"
        self._real_folders: dict[str, bool] = {"": True}
        self._record_path = self.folder / RECORD_FOLDER / "checkout.sqlite"

    @property
    def exists(self) -> bool:
        """Whether the folder has a record."""
        return self._record_path.is_file()

    @contextlib.contextmanager
    def changing(self, *, dry_run: bool = False) -> Iterator[Changes]:
        """Hold the checkout for changing; other processes wait.

        With `dry_run`, nothing is made or held: changes go to a copy of the record in memory.

        Raises
        ------
        StoreError
            If the record cannot be opened.
        """
        if dry_run:
            with self._database(":memory:") as connection:
                if self.exists:
                    with self._database(self._record_path.as_uri()) as record:
                        record.backup(connection)
                connection.executescript(_SCHEMA)
                yield Changes(connection)
            return
        self._record_path.parent.mkdir(parents=True, exist_ok=True)
        with (
            FileLock(self.folder / RECORD_FOLDER / "lock", timeout=_LOCK_TIMEOUT),
            self._database(self._record_path.as_uri() + "?mode=rwc") as connection,
        ):
            connection.executescript(_SCHEMA)
            changes = Changes(connection)
            try:
                yield changes
            finally:
                changes.flush()

    @contextlib.contextmanager
    def _database(self, uri: str) -> Iterator[sqlite3.Connection]:
        try:
            with contextlib.closing(sqlite3.connect(uri, uri=True, timeout=60)) as connection:
                yield connection
        except sqlite3.Error as error:
            raise StoreError(
                f"the record {self._record_path} cannot be used: {error}",
                hint="if it is damaged, remove it and get the package again: "
                "files that are right are recognised, not fetched",
            ) from error

    def record(self) -> tuple[Source, dict[str, FileRow]]:
        """Return what the folder was filled from, and every file put there.

        Raises
        ------
        NotFound
            If the folder is not a checkout.
        """
        if self.exists:
            with self._database(self._record_path.as_uri()) as connection:
                if _is_begun(connection):
                    return _read_source(connection), _read_files(connection)
        raise NotFound(
            f"{self.folder} was not filled from a package",
            hint="`cellfolio get PACKAGE -o FOLDER` fills a folder",
        )

    def status(self) -> CheckoutStatus:
        """Compare the folder with its record; only files whose status changed are read."""
        source, files = self.record()
        modified, missing = [], []
        here = dict(_files_below(self.folder))
        for key, row in files.items():
            found = here.pop(key, None)
            if found is None:
                missing.append(key)
            elif not same_status(row, found) and not has_blob(self.folder / key, row.blob):
                modified.append(key)
        return CheckoutStatus(
            source,
            unchanged=len(files) - len(modified) - len(missing),
            modified=tuple(modified),
            missing=tuple(missing),
            extra=tuple(sorted(here, key=sort_key)),
        )

    def plan(
        self,
        changes: Changes,
        wanted: Mapping[str, str],
        *,
        asked: Callable[[str], bool],
        force: bool,
    ) -> CheckoutPlan:
        """Decide what happens to each file (see `cellfolio.package.plan.plan_checkout`).

        Parameters
        ----------
        changes : Changes
            From `changing`.
        wanted : mapping of str to str
            Logical key → blob.
        asked : callable
            Whether a logical key belongs to the part that was asked for.
        force : bool
            Overwrite the user's changes.
        """
        rows = changes.files()
        recorded = {key: row.blob for key, row in rows.items() if asked(key)}

        def state(key: str) -> FileState:
            return self._state(key, wanted.get(key), rows.get(key))

        return plan_checkout(wanted, recorded, state, force=force)

    def _state(self, key: str, wanted: str | None, row: FileRow | None) -> FileState:
        if not self.holds(key):
            return FileState.FOREIGN
        try:
            status = os.lstat(f"{self._root}{key}")
        except (FileNotFoundError, NotADirectoryError):
            return FileState.ABSENT
        if row is not None and same_status(row, status):
            return FileState.UNCHANGED
        path = self.folder / key
        if row is not None and has_blob(path, row.blob):
            return FileState.WANTED if row.blob == wanted else FileState.UNCHANGED
        if wanted is not None and has_blob(path, wanted):
            return FileState.WANTED
        return FileState.FOREIGN if row is None else FileState.CHANGED

    def holds(self, key: str) -> bool:
        """Whether the place of a key is really in this folder: no link leads out on the way."""
        parent = key.rpartition("/")[0]
        known = self._real_folders.get(parent)
        if known is None:
            path = self.folder / parent
            known = self.holds(parent) and not path.is_symlink()
            self._real_folders[parent] = known
        return known

    def untouched(self, changes: Changes) -> int | None:
        """Return how many files were put here if each looks as it did then, else None."""
        root, lstat, count, folder = self._root, os.lstat, 0, None
        try:
            for key, size, mtime_ns, inode in changes.states():
                status = lstat(root + key)
                if (
                    status.st_mtime_ns != mtime_ns
                    or status.st_size != size
                    or status.st_ino != inode
                ):
                    return None
                if folder != (folder := key.rpartition("/")[0]) and not self.holds(key):
                    return None
                count += 1
        except OSError:
            return None
        return count

    def remove(self, keys: Iterable[str], changes: Changes) -> None:
        """Remove files that were put here, and folders that this leaves empty."""
        for key in keys:
            path = self.folder / key
            changes.forget(key)
            if not self.holds(key):
                continue
            with contextlib.suppress(FileNotFoundError, NotADirectoryError):
                path.unlink()
            for parent in path.parents:
                if parent == self.folder:
                    break
                try:
                    parent.rmdir()
                except OSError:
                    break

    def placer(self, how: str) -> Placer:
        """Return what puts files here (see `Placer`)."""
        return Placer(self.folder, how)


class Changes:
    """The record of a checkout, open for changing; written in batches."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._added: list[FileRow] = []

    def source(self) -> Source:
        """Return what the folder was filled from the last time."""
        return _read_source(self._connection)

    def files(self) -> dict[str, FileRow]:
        """Return every file put there."""
        self.flush()
        return _read_files(self._connection)

    def states(self) -> Iterator[tuple[str, int, int, int]]:
        """Yield key, size, modification time and inode of every file put there, by key."""
        self.flush()
        yield from self._connection.execute(
            "select key, size, mtime_ns, inode from file order by key"
        )

    def add(self, key: str, blob: str, path: str | Path) -> None:
        """Note a file that was just put there."""
        status = os.lstat(path)
        self._added.append(FileRow(key, blob, status.st_size, status.st_mtime_ns, status.st_ino))
        if len(self._added) >= _BATCH:
            self.flush()

    def forget(self, key: str) -> None:
        """Note that a file was removed."""
        self._connection.execute("delete from file where key = ?", (key,))

    def set_source(self, source: Source) -> None:
        """Note what the folder is filled from."""
        values = {
            "registry": source.registry,
            "name": source.name,
            "top_hash": source.top_hash,
            "patterns": list(source.patterns),
            "complete": source.complete,
            "version": 1,
        }
        self._connection.executemany(
            "insert or replace into about values (?,?)",
            [(name, json.dumps(value)) for name, value in values.items()],
        )
        self.flush()

    def flush(self) -> None:
        """Write what was noted."""
        self._connection.executemany("insert or replace into file values (?,?,?,?,?)", self._added)
        self._added.clear()
        self._connection.commit()


def _is_begun(connection: sqlite3.Connection) -> bool:
    """Whether a record has its tables: a run that was killed before has put nothing there yet."""
    found = connection.execute("select count(*) from sqlite_master where name in ('about', 'file')")
    return int(found.fetchone()[0]) == 2


def _read_source(connection: sqlite3.Connection) -> Source:
    about: dict[str, Any] = {
        name: json.loads(value)
        for name, value in connection.execute("select name, value from about")
    }
    return Source(
        about.get("registry", ""),
        about.get("name", ""),
        about.get("top_hash", ""),
        tuple(about.get("patterns", ())),
        about.get("complete", False),
    )


def _read_files(connection: sqlite3.Connection) -> dict[str, FileRow]:
    rows = connection.execute("select key, blob, size, mtime_ns, inode from file")
    return {row[0]: FileRow._make(row) for row in rows}


def same_status(row: FileRow, status: os.stat_result) -> bool:
    """Whether a file looks as it did when it was put there."""
    return (row.size, row.mtime_ns, row.inode) == (
        status.st_size,
        status.st_mtime_ns,
        status.st_ino,
    )


def has_blob(path: Path, blob: str) -> bool:
    """Whether a file has the bytes that a blob's name stands for; reads it."""
    digest = blob_digest(blob)
    if digest is None or path.is_symlink() or not path.is_file():
        return False
    found, _ = hash_blocks(digest, path.stat().st_size, lambda: read_blocks(path))
    return found == digest


def _files_below(folder: Path, prefix: str = "") -> Iterator[tuple[str, os.stat_result]]:
    """Yield (logical key, status) of every file below a folder, but for the record."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                if prefix or entry.name != RECORD_FOLDER:
                    yield from _files_below(Path(entry.path), f"{prefix}{entry.name}/")
            else:
                yield prefix + entry.name, entry.stat(follow_symlinks=False)
