"""The catalogue: data sets known by name, ours and those that a user adds.

::

    data/catalogue.toml            ours
    <home>/catalogues/*.toml       a user's catalogues
    <home>/catalogues/.seen/       what was read from URLs last, for times without a network
    CELLFOLIO_CATALOGUE            more, as paths or URLs with white space between them

Of two data sets with one name the later counts: ours come first, then those in the home by file
name, then those of the environment.
"""

from __future__ import annotations

import hashlib
import os
import warnings
from collections.abc import Callable
from contextlib import suppress
from functools import cache, partial
from pathlib import Path
from typing import TypeVar

from cellfolio.errors import (
    AccessRefused,
    InvalidArgument,
    InvalidReference,
    ObjectNotFound,
    TransferError,
)
from cellfolio.registries.data_sets import Catalogue, DataSet, ReadBeside, read_catalogue
from cellfolio.registries.registry import OfflineWarning
from cellfolio.storage.disk import write_atomically
from cellfolio.storage.home import Home
from cellfolio.storage.places import Place, local_path, parse_uri

__all__ = [
    "Catalogue",
    "DataSet",
    "builtin_catalogue",
    "load_catalogue",
    "read_catalogue",
    "user_catalogues",
]

T = TypeVar("T")

VARIABLE = "CELLFOLIO_CATALOGUE"
_FOLDER = "catalogues"


@cache
def builtin_catalogue() -> Catalogue:
    """Return the data sets that come with cellfolio.

    Examples
    --------
    >>> builtin_catalogue().find("abc/atlas").title
    'Allen Brain Cell Atlas'
    """
    return _read(_read_packaged("catalogue.toml"), "the built-in catalogue", _read_packaged)


def _read_packaged(name: str) -> bytes:
    from importlib.resources import files

    try:
        return files("cellfolio.registries").joinpath("data", name).read_bytes()
    except FileNotFoundError:
        raise ObjectNotFound(f"the built-in catalogue has no file {name!r} beside it") from None


def load_catalogue(home: Home) -> Catalogue:
    """Return all data sets that are known: ours, and the user's, which replace ours of that name.

    Raises
    ------
    InvalidArgument, ObjectNotFound, AccessRefused
        See `user_catalogues`.
    """
    return builtin_catalogue().merged(user_catalogues(home))


def user_catalogues(home: Home) -> Catalogue:
    """Return the data sets of the user's own catalogues.

    One that is at a URL which cannot be reached is used as it was seen last, with an
    `OfflineWarning`. One that was never seen is left out, with an `OfflineWarning`.

    Raises
    ------
    InvalidArgument
        If a catalogue has not the right form or is no file that can be read.
    ObjectNotFound, AccessRefused
        If a URL leads to nothing, or to something that is not for this user.
    """
    found = Catalogue()
    for path in sorted((home.folder / _FOLDER).glob("*.toml")):
        if not path.name.startswith("."):  # an editor's own
            found = found.merged(_read_path(path))
    for word in os.environ.get(VARIABLE, "").split():
        found = found.merged(_read_named(word, home))
    return found


def _read_named(word: str, home: Home) -> Catalogue:
    if "://" not in word:
        path = Path(word)
        with suppress(RuntimeError):  # a user nobody knows: then ~ is part of the name
            path = path.expanduser()
        return _read_path(path.absolute())
    local = local_path(word)
    if local is not None:
        return _read_path(local)
    try:
        place = parse_uri(word)
    except InvalidReference as error:
        raise InvalidArgument(f"{VARIABLE}: {error}") from None
    return _read_place(place, home)


def _read_path(path: Path) -> Catalogue:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise InvalidArgument(
            f"the catalogue {path} does not exist",
            hint=f"correct {VARIABLE}, which names catalogues with white space between them",
        ) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InvalidArgument(f"the catalogue {path} cannot be read: {reason}") from None
    return _read(data, str(path), partial(_read_from_folder, path.parent))


def _read_from_folder(folder: Path, name: str) -> bytes:
    try:
        return (folder / name).read_bytes()
    except FileNotFoundError:
        raise ObjectNotFound(f"{folder / name}, beside a catalogue, does not exist") from None
    except OSError as error:
        raise TransferError(f"{folder / name} cannot be read: {error.strerror}") from None


def _read_place(place: Place, home: Home) -> Catalogue:
    beside = partial(_read_from_place, home, place)
    try:
        return _fetch(place, home, lambda data: _read(data, place.uri, beside))
    except AccessRefused:
        raise
    except TransferError as error:
        message = f"the catalogue {place.uri} is left out: it was never seen here, and {error}"
        warnings.warn(OfflineWarning(message), stacklevel=2)
        return Catalogue()


def _read_from_place(home: Home, catalogue: Place, name: str) -> bytes:
    path = catalogue.path
    if catalogue.root.startswith("http"):
        path = path.partition("?")[0]
    return _fetch(Place(catalogue.root, path.rpartition("/")[0] + "/" + name), home, bytes)


def _read(data: bytes, source: str, beside: ReadBeside) -> Catalogue:
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise InvalidArgument(f"the catalogue {source} is not UTF-8: {error}") from None
    return read_catalogue(text, source, beside)


def _fetch(place: Place, home: Home, parse: Callable[[bytes], T]) -> T:
    """Read a small object; if it cannot be reached, what was seen last.

    What cannot be parsed is an error, and does not replace what was seen.

    Raises
    ------
    ObjectNotFound, AccessRefused
    TransferError
        If it cannot be reached and was never seen.
    """
    kept = home.folder / _FOLDER / ".seen" / hashlib.sha256(place.uri.encode()).hexdigest()
    seen = None
    with suppress(OSError):
        seen = kept.read_bytes()
    try:
        data, _ = home.remotes.read(place, hasty=seen is not None)
    except ObjectNotFound:
        raise ObjectNotFound(
            f"{place.uri} does not exist", hint=f"correct {VARIABLE}, or ask its owner"
        ) from None
    except AccessRefused:
        raise
    except TransferError as error:
        if seen is None:
            raise
        try:
            parsed = parse(seen)
        except InvalidArgument:  # the copy was damaged here; the URL is not to blame
            raise error from None
        message = f"offline: {place.uri} cannot be reached; using what was seen last"
        warnings.warn(OfflineWarning(message), stacklevel=2)
        return parsed
    parsed = parse(data)
    if data != seen and home.blobs.writable:
        with suppress(OSError):  # a memory is a convenience
            kept.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(kept, data)
    return parsed
