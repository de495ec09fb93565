"""Libraries that come with extras: asked for where they are needed and missing.

What is heavy, or needed by few, is not in the default install; an extra brings it. Such a library
is imported where it is used, inside `importing`, which tells what to do if it is not there.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from cellfolio.errors import LibraryMissing


@contextmanager
def importing(library: str, *, extra: str, what: str, instead: str = "") -> Iterator[None]:
    """Import a library of an extra; tell what to do if that cannot be done.

    Parameters
    ----------
    library : str
        What people call it: 'PyTorch'.
    extra : str
        The extra of cellfolio that brings it.
    what : str
        What needs it, as the subject of a sentence.
    instead : str, optional
        What else could be done.

    Raises
    ------
    LibraryMissing

    Examples
    --------
    >>> with importing("Cellulose", extra="paper", what="printing", instead="look at the screen"):
    ...     import cellulose
    Traceback (most recent call last):
      ...
    cellfolio.errors.LibraryMissing: printing needs Cellulose, which is not installed
    """
    try:
        yield
    except ModuleNotFoundError:
        reason = "which is not installed"
    except ImportError as error:  # it is there, and a part of it cannot be loaded
        reason = f"which cannot be imported: {error}"
    else:
        return
    raise LibraryMissing(f"{what} needs {library}, {reason}", extra=extra, instead=instead)
