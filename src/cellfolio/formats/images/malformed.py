"""What is wrong with a file, told by code that does not know the file's name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from cellfolio.errors import BrokenFile


class Malformed(ValueError):
    """Bytes that are not what their format says; becomes `BrokenFile` where the name is known."""


@contextmanager
def naming(path: str, form: str) -> Iterator[None]:
    """Turn `Malformed` into `BrokenFile`.

    Parameters
    ----------
    path : str
        What the user calls the file.
    form : str
        The name of its format.

    Raises
    ------
    BrokenFile

    Examples
    --------
    >>> with naming("a.tif", "TIFF"):
    ...     raise Malformed("it is empty")
    Traceback (most recent call last):
        ...
    cellfolio.errors.BrokenFile: ...
    """
    try:
        yield
    except Malformed as error:
        raise BrokenFile(path, form, str(error)) from error
