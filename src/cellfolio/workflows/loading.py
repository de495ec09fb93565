"""Opening files as what they are, of a package or on this disk."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cellfolio.errors import InvalidArgument, ObjectNotFound
from cellfolio.formats.format import Source
from cellfolio.formats.loading import load as load_source
from cellfolio.formats.loading import load_lazily
from cellfolio.package.digests import Digest
from cellfolio.package.entry import Entry
from cellfolio.package.package import Package
from cellfolio.storage.disk import sha256_of
from cellfolio.storage.home import Home
from cellfolio.storage.progress import Progress
from cellfolio.workflows.opening import fetch_entry, is_path, names_package, open_package

if TYPE_CHECKING:
    from cellfolio.formats.images.image import Image


def load(
    what: Package | Path | str,
    key: str | None = None,
    *,
    progress: Progress | None = None,
    home: Home | None = None,
    **options: Any,
) -> Any:
    r"""Open a file as what it is: table, image, matrix, array, volume, document.

    Parameters
    ----------
    what : Package or path
        A package, whose file is fetched and checked if it is not here; or a file.
    key : str, optional
        Logical key of a file of the package.
    progress : callable, optional
    home : Home, optional
    **options
        ``declared``, ``formats``, ``loader`` (see `cellfolio.formats.loading.load`), and those of
        the format, such as ``columns`` of a table.

    Raises
    ------
    UnknownFormat, BrokenFile, InvalidArgument
    EntryNotFound, TransferIncomplete

    Examples
    --------
    >>> import tempfile, cellfolio
    >>> from pathlib import Path
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "wells.csv")
    ...     _ = path.write_text("well,count\nA01,3\n")
    ...     cellfolio.load(path)["count"].tolist()
    [3]
    """
    home = home or Home()
    if isinstance(what, Package):
        entry = _entry(what, key)
        return load_source(entry_source(entry, home, what, progress=progress), **options)
    if key is not None:
        raise InvalidArgument(f"a file has no parts, and {key!r} is given beside {what}")
    return load_source(what, home=home, **options)


def open_image(
    what: Package | Path | str, key: str | None = None, *, home: Home | None = None
) -> Image:
    """Open an image without reading its pixels, wherever it is.

    Of an image in a bucket that is not here, only the planes that are asked for are fetched.

    Parameters
    ----------
    what : Package or path
    key : str, optional
        Logical key of a file of the package.
    home : Home, optional

    Raises
    ------
    UnknownFormat, BrokenFile, EntryNotFound
    """
    from cellfolio.formats.images.opening import open_image as open_lazily

    home = home or Home()
    if isinstance(what, Package):
        return open_lazily(_entry(what, key), home=home)
    return open_lazily(what, home=home)


def entry_source(
    entry: Entry, home: Home, package: Package | None, *, progress: Progress | None = None
) -> Source:
    """Return what a loader is given for an entry, fetched and checked if needed.

    Parameters
    ----------
    entry : Entry
    home : Home
    package : Package or None
        Where the files beside it are, should its format want them.
    progress : callable, optional

    Raises
    ------
    TransferIncomplete
        If it cannot be fetched.
    """

    def beside(name: str) -> Source | None:
        if package is None:
            raise InvalidArgument(
                f"which files lie beside {entry.logical_key} is not known in this process",
                hint="use cellfolio.load(package, key)",
            )
        key = entry.logical_key.removesuffix(entry.name) + name
        if key not in package:
            return None
        found = package[key]
        return entry_source(found, home, package) if isinstance(found, Entry) else None

    path = fetch_entry(entry, home, progress=progress)
    told = entry.declared_format
    return Source(path, entry.logical_key, entry.digest, home, told, beside)


def named_source(word: Path | str, home: Home, *, progress: Progress | None = None) -> Source:
    """Return the file that a user's word stands for, fetched and checked if needed.

    Parameters
    ----------
    word : path or str
        A file of this disk, or ``PACKAGE/PATH``.
    home : Home
    progress : callable, optional

    Raises
    ------
    ObjectNotFound
        If there is no such file.
    InvalidArgument
        If it is a package, or a folder.
    EntryNotFound, TransferIncomplete
    """
    name, path = str(word), Path(word).expanduser()
    if isinstance(word, Path) or is_path(name) or path.exists() or not names_package(name):
        if path.is_dir():
            raise InvalidArgument(f"{name} is a folder", hint="name one of its files")
        if not path.is_file():
            raise ObjectNotFound(f"{name} is not there: no file {path}")
        return Source(path, path.name, home=home)
    opened = open_package(name, home)
    if not opened.path:
        raise InvalidArgument(
            f"{opened.package.title} has many files; name one", hint=f"such as {name}/PATH"
        )
    entry = opened.package.entry(opened.path)
    return entry_source(entry, home, opened.package, progress=progress)


def source_digest(source: Source) -> Digest:
    """Return the digest that is known of a file, or its SHA-256."""
    return source.digest or sha256_of(source.path)


@dataclass(frozen=True, slots=True)
class HomeOpener:
    """Opens entries of a package, with the store of a home.

    Attributes
    ----------
    home : Home
    package : Package or None
        Where formats of several files find the others.
    """

    home: Home
    package: Package | None

    def load(self, entry: Entry, **options: Any) -> Any:
        """Read an entry (see `cellfolio.Entry.load`)."""
        return load_source(entry_source(entry, self.home, self.package), **options)

    def open(self, entry: Entry, **options: Any) -> Any:
        """Open an entry lazily (see `cellfolio.Entry.open`)."""
        from cellfolio.formats.images.opening import names_image, open_image

        if names_image(entry.logical_key):
            return open_image(entry, home=self.home, **options)
        return load_lazily(entry_source(entry, self.home, self.package), **options)

    def __reduce__(self) -> tuple[Any, ...]:
        """Go to other processes as the home's folder: a home has connections."""
        return _reopen, (self.home.folder,)


def _reopen(folder: Path) -> HomeOpener:
    return HomeOpener(Home(folder), None)


def openable(package: Package, home: Home) -> Package:
    """Return the package whose entries open with the store of a home."""
    return package.opened_by(HomeOpener(home, package))


def _entry(package: Package, key: str | None) -> Entry:
    if key is None:
        raise InvalidArgument(
            f"{package.title} has many files; name one", hint="its logical key, as `show` has it"
        )
    return package.entry(key)
