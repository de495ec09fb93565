"""What the store knows of its blobs, files and checkouts: a small SQLite database.

The database is a cache of what lies on the disk: a blob file is the truth, and a blob that the
database does not know is hashed before it is used. So a database that is lost or damaged is
removed and fills itself again.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import threading
import time
import weakref
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from cellfolio.errors import StoreError
from cellfolio.storage.disk import is_network_file_system

_CREATING = threading.Lock()
_TIMEOUT = 60.0
"""Seconds to wait for another process's write."""
_SCHEMA = """
create table if not exists blob (
    id text primary key, size integer not null, mtime_ns integer not null, checked real not null
) without rowid;
create table if not exists alias (id text primary key, blob text not null) without rowid;
create table if not exists hashed (
    path text primary key, size integer not null, mtime_ns integer not null,
    inode integer not null, algorithm text not null, value text not null
) without rowid;
create table if not exists checkout (path text primary key, seen real not null) without rowid;
create table if not exists used (id text primary key, time real not null) without rowid;
create table if not exists note (
    kind text not null, name text not null, value text not null, primary key (kind, name)
) without rowid;
"""
_CLAIMED = "select id from used union select blob from alias where id in (select id from used)"
_MANY = 500
"""Values per query: below SQLite's limit of variables."""


class BlobRow(NamedTuple):
    """What is known of a blob: bytes, and its file's modification time when it was checked."""

    id: str
    size: int
    mtime_ns: int
    checked: float


class Index:
    """The database of a store.

    Safe for many threads and processes. Every method that changes something commits it.

    Parameters
    ----------
    path : Path
        The database file; made if absent.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.RLock()
        try:
            self._connection = self._open()
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):
                raise StoreError(
                    f"the store's index {path} cannot be opened: {error}",
                    hint="check that the folder can be written and that its disk is not full",
                ) from error
            self._discard()
            self._connection = self._open()
        # Stores are dropped, not closed, and a connection that nobody closed is warned of.
        weakref.finalize(self, self._connection.close).atexit = False

    def _open(self) -> sqlite3.Connection:
        _create(self._path)
        connection = sqlite3.connect(self._path, timeout=_TIMEOUT, check_same_thread=False)
        # WAL needs memory that all processes share, which a network file system does not give.
        journal = "delete" if is_network_file_system(self._path.parent) else "wal"
        try:
            _retry_locked(lambda: connection.execute(f"pragma journal_mode={journal}"))
            connection.execute("pragma synchronous=normal")
            _retry_locked(lambda: connection.executescript(_SCHEMA))
        except BaseException:
            connection.close()
            raise
        return connection

    def _discard(self) -> None:
        for suffix in ("", "-wal", "-shm"):
            with contextlib.suppress(FileNotFoundError):
                self._path.with_name(self._path.name + suffix).unlink()

    def close(self) -> None:
        """Close the connection."""
        with self._lock:
            self._connection.close()

    @contextlib.contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            connection = self._connection
            try:
                connection.execute("begin immediate")
                yield connection
                connection.commit()
            except BaseException as error:
                connection.rollback()
                if isinstance(error, sqlite3.Error):
                    raise StoreError(
                        f"the store's index {self._path} cannot be written: {error}",
                        hint="check the disk's free space and permissions, then run again",
                    ) from error
                raise

    def _in(self, query: str, values: Iterable[str]) -> Iterator[tuple[Any, ...]]:
        listed = list(values)
        for start in range(0, len(listed), _MANY):
            some = listed[start : start + _MANY]
            marks = ",".join("?" * len(some))
            with self._lock:
                yield from self._connection.execute(query.format(marks), some).fetchall()

    # Blobs

    def blobs(self, ids: Iterable[str] | None = None) -> dict[str, BlobRow]:
        """Return what is known of these blobs, or of all."""
        query = "select id, size, mtime_ns, checked from blob"
        if ids is None:
            with self._lock:
                found = self._connection.execute(query).fetchall()
        else:
            found = list(self._in(query + " where id in ({})", ids))
        return {row[0]: BlobRow(*row) for row in found}

    def aliases(self, ids: Iterable[str] | None = None) -> dict[str, str]:
        """Return the blob that each of these names, or any, stands for, where it is another's."""
        query = "select id, blob from alias"
        if ids is None:
            with self._lock:
                return dict(self._connection.execute(query).fetchall())
        return dict(self._in(query + " where id in ({})", ids))

    def add_blobs(self, rows: Iterable[BlobRow], aliases: Iterable[tuple[str, str]] = ()) -> None:
        """Note blobs that were just checked, and other names for them."""
        with self._writing() as connection:
            connection.executemany("insert or replace into blob values (?,?,?,?)", rows)
            connection.executemany("insert or replace into alias values (?,?)", aliases)

    def forget_blobs(self, ids: Iterable[str]) -> None:
        """Forget blobs and the names for them."""
        with self._writing() as connection:
            _forget(connection, ids)

    def claim(self, ids: Iterable[str]) -> None:
        """Note that blobs, by any of their names, are about to be used, there or not."""
        now = time.time()
        with self._writing() as connection:
            connection.executemany(
                "insert or replace into used values (?,?)", ((one, now) for one in ids)
            )

    @contextlib.contextmanager
    def removing(self, ids: Iterable[str], limit: float) -> Iterator[list[str]]:
        """Give out those of `ids` that nobody claimed since `limit`, and forget them at the end.

        Nobody can claim one meanwhile: who claims a blob and then finds it there, keeps it.
        """
        with self._writing() as connection:
            connection.execute("delete from used where time < ?", (limit,))
            claimed = {one for (one,) in connection.execute(_CLAIMED)}
            free = [one for one in ids if one not in claimed]
            yield free
            _forget(connection, free)

    # Files of the user, hashed once while unchanged

    def hashed(self, paths: Iterable[str]) -> dict[str, tuple[int, int, int, str, str]]:
        """Return (size, mtime_ns, inode, algorithm, value) for files hashed before."""
        query = "select path, size, mtime_ns, inode, algorithm, value from hashed"
        return {row[0]: row[1:] for row in self._in(query + " where path in ({})", paths)}

    def add_hashed(self, rows: Iterable[tuple[str, int, int, int, str, str]]) -> None:
        """Note files that were just hashed."""
        with self._writing() as connection:
            connection.executemany("insert or replace into hashed values (?,?,?,?,?,?)", rows)

    # Checkouts and small notes

    def add_checkout(self, path: str) -> None:
        """Note a folder that was filled from the store."""
        with self._writing() as connection:
            connection.execute("insert or replace into checkout values (?,?)", (path, time.time()))

    def checkouts(self) -> list[str]:
        """Return the folders filled from the store, oldest first."""
        with self._lock:
            rows = self._connection.execute("select path from checkout order by seen").fetchall()
        return [path for (path,) in rows]

    def set_note(self, kind: str, name: str, value: Any) -> None:
        """Keep a small JSON value."""
        with self._writing() as connection:
            connection.execute(
                "insert or replace into note values (?,?,?)", (kind, name, json.dumps(value))
            )

    def note(self, kind: str, name: str) -> Any:
        """Return a value kept by `set_note`, or None."""
        with self._lock:
            row = self._connection.execute(
                "select value from note where kind = ? and name = ?", (kind, name)
            ).fetchone()
        return None if row is None else json.loads(row[0])


def _create(path: Path) -> None:
    """Make the file; SQLite would give others no right to write, whatever the user's umask says.

    One that is there is not opened: closing it again would end the locks of all connections that
    this process has to it (so POSIX has it), and others would take the database for unused.
    """
    with _CREATING, contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666))


def _forget(connection: sqlite3.Connection, ids: Iterable[str]) -> None:
    listed = [(one,) for one in ids]
    connection.executemany("delete from blob where id = ?", listed)
    connection.executemany("delete from alias where blob = ?", listed)


def _retry_locked(call: Any) -> None:
    """Switching the journal mode fails at once, not after the timeout, if another process does."""
    deadline = time.monotonic() + _TIMEOUT
    while True:
        try:
            call()
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return
