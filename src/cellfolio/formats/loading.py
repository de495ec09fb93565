"""Opening a file as what it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cellfolio.errors import BrokenFile, InvalidArgument, ObjectNotFound
from cellfolio.formats.format import Format, Formats, Loader, Source
from cellfolio.formats.options import check_options
from cellfolio.formats.standard import DEFAULT
from cellfolio.formats.streams import peek
from cellfolio.storage.home import Home

_POINTER = b"version https://git-lfs.github.com/spec/"
"""Start of a Git-LFS pointer: https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md."""


def load(
    source: Source | Path | str,
    *,
    declared: str | None = None,
    formats: Formats = DEFAULT,
    loader: Loader | None = None,
    home: Home | None = None,
    **options: Any,
) -> Any:
    r"""Open a file as what it is: table, document, array, matrix, volume.

    Parameters
    ----------
    source : Source or path
        A path is a source without digest.
    declared : str, optional
        Name of the format, such as ``csv``. By default the name's suffix says it, and the first
        bytes confirm it.
    formats : Formats
        Where to look; ``DEFAULT.adding(…)`` has yours as well.
    loader : callable, optional
        Called with the `Source` and the options, whatever the format.
    home : Home, optional
        Where converted tables are kept, for a path.
    **options
        Of the format; see its loader.

    Returns
    -------
    object
        What the format's loader returns; see ``Format.about``.

    Raises
    ------
    UnknownFormat
        If no format fits.
    BrokenFile
        If the file is not a whole, valid file of its format.
    InvalidArgument
        If the format does not know an option.
    ObjectNotFound
        If there is no such file.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "wells.csv")
    ...     _ = path.write_text("well,count\nA01,3\n")
    ...     load(path).to_dict("list")
    {'well': ['A01'], 'count': [3]}
    """
    given = _given(source, home)
    if loader is not None:
        check_options(loader, "the loader", options)
        return loader(given, **options)
    found = _choose(given, declared, formats)
    check_options(found.load, found.name, options)
    return found.load(given, **options)


def load_lazily(source: Source, *, formats: Formats = DEFAULT, **options: Any) -> Any:
    """Open a file so that what is not asked for is not read, where its format can do that.

    Parameters
    ----------
    source : Source
    formats : Formats
    **options
        Of the format.

    Returns
    -------
    object
        A `LazyTable` of a table, a `numpy.memmap`, an `AnnData` whose matrix stays on disk, an
        `Image`, a `Volume`, a `Database`; of other formats what `load` returns.

    Raises
    ------
    UnknownFormat, BrokenFile, InvalidArgument, ObjectNotFound
    """
    found = _choose(_given(source, None), None, formats)
    if found.lazy:
        options["lazy"] = True
    check_options(found.load, found.name, options)
    return found.load(source, **options)


def _given(source: Source | Path | str, home: Home | None) -> Source:
    if not isinstance(source, Source):
        path = Path(source)
        source = Source(path, path.name, home=home)
    if not source.path.exists():
        raise ObjectNotFound(f"{source.name} is not there: no file {source.path}")
    if not source.path.is_file():
        raise InvalidArgument(f"{source.path} is not a file", hint="name one of the files in it")
    return source


def _choose(source: Source, declared: str | None, formats: Formats) -> Format:
    first_bytes, compressed = peek(source.path)
    if first_bytes.startswith(_POINTER):
        raise BrokenFile(
            source.name,
            formats.find(source.name, b"", declared).name,
            "it is a Git-LFS pointer; the file it stands for is not here",
            hint="get it with `git lfs pull`, or with cellfolio from the repository",
        )
    found = formats.find(source.name, first_bytes, declared, told=source.told)
    if compressed and not found.compressed:
        raise BrokenFile(
            source.name,
            found.name,
            f"its bytes are {compressed[1:]} data",
            hint=f"decompress it, or call it what it is: …{compressed}",
        )
    return found
