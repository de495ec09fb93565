"""The pixels of a site: every byte is checked before it is used, and its digest is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import numpy.typing as npt

from cellfolio.errors import BrokenFile, DigestMismatch, InvalidArgument, ObjectNotFound
from cellfolio.formats.images import Image, open_image
from cellfolio.formats.images.opening import ImageSource
from cellfolio.package.digests import hash_blocks
from cellfolio.package.entry import Entry
from cellfolio.package.nearest import suggest_or_list
from cellfolio.package.plan import entry_blob
from cellfolio.storage.blobs import read_blocks
from cellfolio.storage.home import Home
from cellfolio.storage.places import local_path, parse_uri
from cellfolio.workflows.measuring.sites import NUMBERED, ImagePart
from cellfolio.workflows.profiling.inputs import Digests

Pixels = npt.NDArray[np.generic]


@dataclass
class Reader:
    """Reads images of sites.

    Attributes
    ----------
    home : Home
    digests : Digests
        Of files on this machine.
    made_of : dict of str to str
        Digest of each file that was read, by its key; or else its place and size.
    """

    home: Home
    digests: Digests
    made_of: dict[str, str] = field(default_factory=dict)

    def read(self, part: ImagePart) -> Pixels:
        """Read the plane of a channel.

        Raises
        ------
        BrokenFile, UnknownFormat, DigestMismatch, ObjectNotFound, TransferError
        InvalidArgument
            If it is no plane, or has no such channel.
        """
        with self._held(part) as source:
            image = _of_channel(open_image(source, home=self.home), part)
            if image.axes != "YX":
                raise InvalidArgument(
                    f"{part.key} has the axes {image.axes}; expected one plane",
                    hint="project it first, or name one channel",
                )
            return image.read()

    def read_function(self, part: ImagePart) -> npt.NDArray[np.float64]:
        """Read an illumination function of NumPy.

        Raises
        ------
        BrokenFile, DigestMismatch, ObjectNotFound, TransferError
        """
        with self._held(part) as source:
            try:
                found = np.load(source, allow_pickle=False)
            except (ValueError, EOFError) as error:
                raise BrokenFile(part.key, "npy", str(error)) from None
        return np.asarray(found, dtype=np.float64)

    @contextmanager
    def _held(self, part: ImagePart) -> Iterator[Path | str]:
        """Hold a file here while it is read, and note what it was."""
        source = part.source
        here = here_of(source, self.home)
        if here is None and not _is_folder(source):
            with TemporaryDirectory(prefix="cellfolio-") as folder:
                path = Path(folder, _name(source))
                path.write_bytes(self._fetched(part))
                yield path
            return
        if isinstance(source, Entry) and here is not None:
            self._check_here(source, here)
        self.made_of[part.key] = identity(source, self.home, self.digests)
        yield here if here is not None else str(source)

    def _check_here(self, entry: Entry, here: Path) -> None:
        """Check the bytes of an entry that is a file of this machine; the store has checked its."""
        if here.is_relative_to(self.home.blobs.folder) or entry.digest is None:
            return
        _check(entry, here.stat().st_size, lambda: read_blocks(here))

    def _fetched(self, part: ImagePart) -> bytes:
        source = part.source
        uri = source.physical_key if isinstance(source, Entry) else str(source)
        data, _ = self.home.remotes.read(parse_uri(uri))
        if isinstance(source, Entry):
            _check(source, len(data), lambda: iter([data]))
        self.made_of[part.key] = identity(source, self.home, self.digests)
        return data


def _check(entry: Entry, size: int, read: Callable[[], Iterator[bytes]]) -> None:
    if entry.size is not None and size != entry.size:
        raise DigestMismatch(entry.logical_key, f"{entry.size} bytes", f"{size} bytes")
    if entry.digest is not None and entry.digest.checkable:
        found, _ = hash_blocks(entry.digest, size, read)
        if found != entry.digest:
            raise DigestMismatch(entry.logical_key, str(entry.digest), str(found))


def here_of(source: ImageSource, home: Home) -> Path | None:
    """Return the file on this machine that has the bytes of a source; None if there is none.

    Raises
    ------
    ObjectNotFound
        If it should be on this machine and is not.
    """
    if isinstance(source, Path):
        path: Path | None = source
    elif isinstance(source, Entry):
        blob = entry_blob(source)
        held = {} if blob is None else home.blobs.find([blob])
        path = held[blob] if blob in held else local_path(source.physical_key)
    else:
        path = local_path(source) if "://" in source else Path(source)
    if path is not None and not path.exists():
        raise ObjectNotFound(f"{path} does not exist")
    return path


def identity(source: ImageSource, home: Home, digests: Digests) -> str:
    """Return what tells whether a file is still the same: its digest, or its place and size."""
    if isinstance(source, Entry) and source.digest is not None:
        return str(source.digest)
    here = here_of(source, home)
    if here is not None:
        return f"SHA256:{digests.of(here)}"
    if isinstance(source, Entry):
        return f"{source.physical_key} of {source.size} bytes"
    return str(source)


def _of_channel(image: Image, part: ImagePart) -> Image:
    if not part.channel:
        return image
    numbered = NUMBERED.fullmatch(part.channel)
    if part.channel in image.channels:
        return image.select(c=part.channel)
    if numbered is not None and not image.channels and "C" in image.axes:
        return image.select(c=int(numbered[2]) - 1)
    raise InvalidArgument(
        f"{part.key} has no channel {part.channel!r}",
        hint=suggest_or_list(part.channel, image.channels),
    )


def _is_folder(source: ImageSource) -> bool:
    """Whether a remote place is an OME-Zarr, which is read by its parts."""
    return not isinstance(source, Entry) and str(source).rstrip("/").endswith(".zarr")


def _name(source: ImageSource) -> str:
    text = source.logical_key if isinstance(source, Entry) else str(source)
    return text.rstrip("/").rpartition("/")[2].partition("?")[0] or "image"
