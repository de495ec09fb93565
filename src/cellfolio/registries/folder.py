"""A plain folder as a package: its files, hashed, where they are."""

from __future__ import annotations

import os
import re
import time
from collections import deque
from collections.abc import Iterator, Mapping
from fnmatch import translate
from pathlib import Path
from typing import Any, NamedTuple

from cellfolio.errors import DigestMismatch, InvalidArgument
from cellfolio.package.digests import DEFAULT_ALGORITHM, Digest, Hasher, scheme
from cellfolio.package.entry import Entry
from cellfolio.package.keys import RECORD_FOLDER, check_key
from cellfolio.package.package import Package
from cellfolio.storage.blobs import read_blocks
from cellfolio.storage.home import Home
from cellfolio.storage.progress import Meter, Progress
from cellfolio.storage.workers import Workers

IGNORE_FILE = ".quiltignore"
_ABOVE = "/\0above" * 8
"""Stands for the folders above, which rules such as ``*/build`` count but may not name."""
_SETTLED = 2.0
"""Seconds a file must lie unchanged before its hash is remembered: two writes within the clock's
grain would look the same."""


class _Found(NamedTuple):
    key: str
    path: Path
    status: os.stat_result


def package_folder(
    folder: Path,
    home: Home,
    *,
    meta: Mapping[str, Any] | None = None,
    message: str | None = None,
    progress: Progress | None = None,
) -> Package:
    """Return a folder as a package.

    Hidden files belong to it; links to files count as the file, links to folders are left out.
    Files that a rule in ``.quiltignore`` matches are left out (see `ignore_pattern`). A file that
    was hashed before and did not change is not read again.

    Parameters
    ----------
    folder : Path
    home : Home
    meta : mapping, optional
        Metadata of the package.
    message : str, optional
    progress : callable, optional

    Raises
    ------
    InvalidArgument
        If `folder` is not a folder.
    DigestMismatch
        If a file changes while it is read.
    """
    if not folder.is_dir():
        raise InvalidArgument(f"{folder} is not a folder")
    found = list(_files(folder.resolve()))
    digests = _digests(found, home, progress)
    entries = [
        Entry(one.key, one.path.as_uri(), one.status.st_size, digests[one.key]) for one in found
    ]
    return Package.of(entries, meta=meta, message=message)


def _files(folder: Path) -> Iterator[_Found]:
    try:
        rules = (folder / IGNORE_FILE).read_text(encoding="utf-8").split("\n")
    except FileNotFoundError:
        rules = []
    patterns = [ignore_pattern(rule) for rule in rules if rule.strip()]

    def ignored(name: str) -> bool:
        return any(pattern.match(_ABOVE + name) for pattern in patterns)

    def walk(place: Path, prefix: str) -> Iterator[_Found]:
        with os.scandir(place) as entries:
            for entry in entries:
                key = prefix + entry.name
                if entry.is_dir(follow_symlinks=False):
                    own = not prefix and entry.name == RECORD_FOLDER
                    if not own and not ignored(f"/{key}") and not ignored(f"/{key}/"):
                        yield from walk(Path(entry.path), key + "/")
                elif entry.is_file() and not ignored(f"/{key}"):
                    yield _Found(check_key(key), Path(entry.path).resolve(), entry.stat())

    return walk(folder, "")


def ignore_pattern(rule: str) -> re.Pattern[str]:
    """Return a rule of ``.quiltignore`` as a regular expression over ``/`` + path.

    A rule is a shell pattern that may match from any folder on; ``*`` also matches ``/``. A rule
    that closes with ``/`` matches folders only. (These are quilt3's rules, not git's: no ``!``, no
    comments, no anchoring.)

    Examples
    --------
    >>> bool(ignore_pattern("*.tmp").match("/a/b.tmp")), bool(ignore_pattern("x/").match("/x"))
    (True, False)
    """
    return re.compile(translate("*/" + rule))


def _digests(found: list[_Found], home: Home, progress: Progress | None) -> dict[str, Digest]:
    known = _known_digests(found, home)
    unknown = [one for one in found if one.key not in known]
    meter = Meter(progress, "hash", len(unknown), sum(one.status.st_size for one in unknown))

    def hashed(one: _Found) -> tuple[_Found, Digest]:
        digest = hash_file(one.path, one.status, meter)
        meter.advance(files=1)
        return one, digest

    workers: Workers[tuple[_Found, Digest]] = Workers()
    workers.start(min(8, (os.cpu_count() or 1) * 2), deque(unknown), hashed)
    try:
        for one, digest in workers.results(len(unknown), meter.tell):
            known[one.key] = digest
            meter.tell()
    finally:
        workers.stop()
    meter.tell(finished=True)
    _remember(unknown, known, home)
    return known


def _known_digests(found: list[_Found], home: Home) -> dict[str, Digest]:
    if not home.blobs.writable:
        return {}
    rows = home.blobs.index.hashed(str(one.path) for one in found)
    known = {}
    for one in found:
        row = rows.get(str(one.path))
        if row is not None and row[:3] == _identity(one.status) and row[3] == DEFAULT_ALGORITHM:
            known[one.key] = Digest(row[3], row[4])
    return known


def _remember(hashed: list[_Found], digests: Mapping[str, Digest], home: Home) -> None:
    if not home.blobs.writable:
        return
    settled = time.time() - _SETTLED
    home.blobs.index.add_hashed(
        (str(one.path), *_identity(one.status), digests[one.key].algorithm, digests[one.key].value)
        for one in hashed
        if one.status.st_mtime < settled
    )


def _identity(status: os.stat_result) -> tuple[int, int, int]:
    return status.st_size, status.st_mtime_ns, status.st_ino


def hash_file(path: Path, status: os.stat_result, meter: Meter | None = None) -> Digest:
    """Return the digest of a file that must stay as `status` says while it is read.

    Raises
    ------
    DigestMismatch
        If it changed.
    """
    hasher = Hasher(scheme(DEFAULT_ALGORITHM, status.st_size))
    for block in read_blocks(path):
        hasher.update(block)
        if meter is not None:
            meter.advance(size=len(block))
    after = path.stat()
    if _identity(after) != _identity(status):
        raise DigestMismatch(
            str(path),
            f"{status.st_size} bytes while it is read",
            f"{after.st_size} bytes, changed meanwhile",
            hint="wait until the program that writes it has finished",
        )
    return hasher.digest()
