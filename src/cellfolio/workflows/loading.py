"""Opening files as what they are, of a package or on this disk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cellfolio.errors import InvalidArgument
from cellfolio.formats.images.image import Image
from cellfolio.formats.images.opening import open_image as open_lazily
from cellfolio.formats.loading import load as load_source
from cellfolio.package.entry import Entry
from cellfolio.package.package import Package
from cellfolio.storage.home import Home
from cellfolio.storage.progress import Progress
from cellfolio.workflows.opening import entry_source


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
        return load_source(entry_source(entry, home, progress=progress), **options)
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
    home = home or Home()
    if isinstance(what, Package):
        return open_lazily(_entry(what, key), home=home)
    return open_lazily(what, home=home)


def _entry(package: Package, key: str | None) -> Entry:
    if key is None:
        raise InvalidArgument(
            f"{package.title} has many files; name one", hint="its logical key, as `show` has it"
        )
    return package.entry(key)
