"""Putting files of the store into folders, by the cheapest way that a disk can do."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import sys
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path

from cellfolio.errors import InvalidArgument, InvalidKey, StoreError
from cellfolio.package.keys import RECORD_FOLDER, check_writable
from cellfolio.storage.disk import WINDOWS

_FICLONE = 0x40049409
_UNSUPPORTED = frozenset(
    (errno.EOPNOTSUPP, errno.ENOTTY, errno.EXDEV, errno.EINVAL, errno.EPERM, errno.ENOSYS)
)
_LINK_TRIES = 100
METHODS = ("reflink", "link", "copy")


class Placer:
    """Puts files of the store into a checkout, all or nothing, by the cheapest way that works.

    A reflink shares the bytes until either side changes; a hard link shares the file itself, which
    is read-only; a copy costs space and time.

    Parameters
    ----------
    root : Path
        Folder of the checkout.
    how : {'auto', 'reflink', 'link', 'copy'}
        ``auto`` takes the first of the others that the disk can do.
    """

    def __init__(self, root: Path, how: str = "auto") -> None:
        if how not in ("auto", *METHODS):
            raise InvalidArgument(
                f"{how!r} is not a way to place files; expected auto or {METHODS}"
            )
        self._root = root
        self._scratch = root / RECORD_FOLDER / "tmp"
        self._scratch.mkdir(parents=True, exist_ok=True)
        for left in self._scratch.iterdir():  # by a run that was killed: a checkout has one placer
            left.unlink(missing_ok=True)
        self._how = how
        self._methods = list(METHODS) if how == "auto" else [how]
        self._folders = {""}

    def place(self, source: str | Path, key: str, *, replace: bool, only_copy: bool = False) -> str:
        """Put the bytes of `source` at a logical key.

        Parameters
        ----------
        source : str or Path
        key : str
        replace : bool
            Whether a file may be there already.
        only_copy : bool
            Whether `source` could not be fetched again. Then ``auto`` makes no hard link, through
            which somebody could change it.

        Returns
        -------
        str
            Path of the file.

        Raises
        ------
        FileExistsError
            If a file is there and `replace` is false.
        FileNotFoundError
            If `source` is gone.
        InvalidKey
            If the key leads through a link out of the checkout, or cannot be a file name here.
        """
        target = f"{self._root}{os.sep}{check_writable(key, windows=WINDOWS)}"
        self._make_folder(key.rpartition("/")[0], key)
        for method in tuple(self._methods):
            if method == "link" and only_copy and self._how == "auto":
                continue
            if method == "link" and not replace:
                if self._try("link", source, target):
                    return target
                continue
            unfinished = f"{self._scratch}{os.sep}{uuid.uuid4().hex}"
            try:
                if self._try(method, source, unfinished):
                    if replace:
                        os.replace(unfinished, target)
                    else:
                        _rename_to_free(unfinished, target)
                    return target
            finally:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(unfinished)
        raise StoreError(
            f"the disk of {self._root} cannot make a {self._how} of {source}", hint="use copies"
        )

    def finish(self) -> None:
        """Remove what only this run needed."""
        with contextlib.suppress(OSError):
            self._scratch.rmdir()

    def _make_folder(self, parent: str, key: str) -> None:
        """Make the folder of a key, below the root, without following links put there."""
        if parent in self._folders:
            return
        self._make_folder(parent.rpartition("/")[0], key)
        folder = self._root / parent
        with contextlib.suppress(FileExistsError):
            folder.mkdir()
        if folder.is_symlink() or not folder.is_dir():
            raise InvalidKey(
                key,
                f"leads through {folder}, which is a link or a file",
                hint="move it away, or choose another folder",
            )
        self._folders.add(parent)

    def _try(self, method: str, source: str | Path, target: str) -> bool:
        try:
            _COPIERS[method](source, target)
        except (FileNotFoundError, FileExistsError):
            raise
        except OSError as error:
            if method == "copy":
                raise
            if error.errno in _UNSUPPORTED:
                self._methods.remove(method)
            elif error.errno != errno.EMLINK:  # a file can have only so many hard links
                raise
            return False
        return True


def share_file(source: Path, target: str) -> str:
    """Give a file a second name, by the cheapest of `METHODS` that works; return which it was."""
    for method in METHODS[:-1]:
        try:
            _COPIERS[method](source, target)
        except (FileNotFoundError, FileExistsError):
            raise
        except OSError:
            continue
        return method
    _copy(source, target)
    return METHODS[-1]


def _rename_to_free(unfinished: str, target: str) -> None:
    """Rename a file to a name that must be free; a plain rename would replace."""
    try:
        os.link(unfinished, target)
    except FileExistsError:
        raise
    except OSError:  # a disk without hard links
        if os.path.lexists(target):
            raise FileExistsError(errno.EEXIST, "file exists", target) from None
        os.replace(unfinished, target)


def _reflink(source: str | Path, target: str) -> None:
    if not sys.platform.startswith("linux"):
        raise OSError(errno.ENOSYS, "no reflinks on this system")
    import fcntl

    with open(source, "rb") as reading, open(target, "xb") as writing:
        try:
            fcntl.ioctl(writing.fileno(), _FICLONE, reading.fileno())
        except OSError:
            os.unlink(target)
            raise


def _copy(source: str | Path, target: str) -> None:
    with open(source, "rb") as reading, open(target, "xb") as writing:
        shutil.copyfileobj(reading, writing, 1 << 20)


def _link(source: str | Path, target: str) -> None:
    """Make a hard link, also while another process puts the same blob in its own place.

    A link to a file that was replaced under way fails as if the name were gone; the name is there.
    """
    for _ in range(_LINK_TRIES):
        try:
            os.link(source, target)
        except FileNotFoundError:
            os.stat(source)
        else:
            return
    os.link(source, target)


_COPIERS: Mapping[str, Callable[[str | Path, str], None]] = {
    "reflink": _reflink,
    "link": _link,
    "copy": _copy,
}
