"""What the local disk can do: free space, digests, atomic writes, network file systems."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import sys
import uuid
from collections.abc import Container, Iterable, Iterator
from pathlib import Path

from cellfolio.errors import NotEnoughSpace
from cellfolio.package.digests import Digest
from cellfolio.package.sizes import format_size

_RESERVE = 64 * 1024 * 1024
"""Bytes left free on a disk, so that a transfer does not bring other programs down."""
_NETWORK_FILE_SYSTEMS = frozenset(
    ("nfs", "nfs4", "cifs", "smb3", "smbfs", "lustre", "gpfs", "beegfs", "9p", "afs", "ceph")
)
WINDOWS = sys.platform == "win32"
_LONGEST = 255
"""Bytes that a file name has at most, on any disk."""
_UNFINISHED = re.compile(r"\.(?:(.+)\.)?[0-9a-f]{32}(?:\..+)?")
"""Names of files that are being written: a dot, the final name or nothing, and a random number."""


def check_free_space(folder: Path, needed: int, what: str) -> None:
    """Make sure the disk of `folder` has room for `needed` bytes.

    Raises
    ------
    NotEnoughSpace
        With the bytes needed and free.
    """
    free = free_space(folder)
    if needed and needed + _RESERVE > free:
        raise NotEnoughSpace(
            f"{what} needs {format_size(needed)} in {folder}, which has {format_size(free)} free "
            f"({format_size(_RESERVE)} are kept free)",
            needed=needed,
            free=free,
            hint="free space with `cellfolio gc`, or name another disk with CELLFOLIO_HOME",
        )


def free_space(folder: Path) -> int:
    """Return the bytes free on the disk of `folder`, which need not exist yet."""
    existing = next(place for place in (folder, *folder.parents) if place.exists())
    return shutil.disk_usage(existing).free


def same_disk(one: Path, other: Path) -> bool:
    """Whether two folders, or the nearest above them that exist, are on one file system."""
    devices = {
        next(place for place in (path, *path.parents) if place.exists()).stat().st_dev
        for path in (one, other)
    }
    return len(devices) == 1


def is_network_file_system(folder: Path) -> bool:
    """Whether `folder` is on a file system that other machines share (as far as Linux tells)."""
    try:
        mounts = Path("/proc/mounts").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return mount_type(str(folder.resolve()), mounts) in _NETWORK_FILE_SYSTEMS


def mount_type(path: str, mounts: str) -> str:
    r"""Return the file system type of `path` by the text of ``/proc/mounts``.

    Examples
    --------
    >>> mounts = "/dev/sda / ext4 rw 0 0\nserver:/home /home nfs4 rw 0 0"
    >>> mount_type("/home/ada/data", mounts), mount_type("/homes", mounts)
    ('nfs4', 'ext4')
    """
    best, found = -1, ""
    for line in mounts.splitlines():
        _, point, kind, *_ = [*line.split(" "), "", "", ""]
        point = point.replace("\\040", " ")
        inside = path == point or path.startswith(point.rstrip("/") + "/")
        if inside and len(point) > best:
            best, found = len(point), kind.removeprefix("fuse.")
    return found


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file so that its name shows either the old bytes or all of the new ones."""
    with writing(path) as unfinished:
        unfinished.write_bytes(data)


@contextlib.contextmanager
def writing(path: Path, suffix: str = "") -> Iterator[Path]:
    """Give a hidden name to write a file or folder under, which gets its own when it is whole.

    If that fails, nothing of it stays, and a file that was there before is as it was. What a
    killed run leaves is found by `remove_unfinished`.

    Parameters
    ----------
    path : Path
        A file that is there is replaced; a folder must not be there.
    suffix : str
        Of the hidden name, for writers that go by it. By default it has none of its own, so that
        nobody who looks for such files finds it.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with writing(Path(folder, "table.csv")) as unfinished:
    ...         _ = unfinished.write_text("a,b")
    ...         print(Path(folder, "table.csv").exists(), unfinished.name.startswith("."))
    ...     print(os.listdir(folder))
    False True
    ['table.csv']
    """
    unfinished = path.with_name(_hidden_name(path.name, suffix))
    try:
        yield unfinished
        unfinished.replace(path)
    finally:
        with contextlib.suppress(OSError):
            shutil.rmtree(unfinished) if unfinished.is_dir() else unfinished.unlink()


def _hidden_name(name: str, suffix: str) -> str:
    number = uuid.uuid4().hex
    hidden = f".{name}.{number}{suffix}"
    return hidden if len(os.fsencode(hidden)) <= _LONGEST else f".{number}{suffix}"


def remove_unfinished(folder: Path, of: Container[str] | None = None) -> int:
    """Remove what killed runs were writing into a folder; return how many files that was.

    Only for a folder that no other run is writing to.

    Parameters
    ----------
    folder : Path
        Need not exist.
    of : container of str, optional
        Final names of files; by default all that was unfinished is removed.
    """
    removed = 0
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        for path in find_unfinished(folder, os.listdir(folder), of):
            with contextlib.suppress(OSError):
                path.unlink()
                removed += 1
    return removed


def find_unfinished(
    folder: Path, names: Iterable[str], of: Container[str] | None = None
) -> Iterator[Path]:
    """Yield those of a folder's files that are being written, or were by a killed run.

    Parameters
    ----------
    folder : Path
    names : iterable of str
        Of its files.
    of : container of str, optional
        See `remove_unfinished`.
    """
    for name in names:
        found = _UNFINISHED.fullmatch(name)
        if found and (of is None or found[1] in of):
            yield folder / name


def sha256_of(path: Path) -> Digest:
    """Return the SHA-256 of a file."""
    with path.open("rb") as file:
        return Digest("SHA256", hashlib.file_digest(file, "sha256").hexdigest())
