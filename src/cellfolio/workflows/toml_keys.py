"""Documents in TOML that users write: what keys they may have, and clear errors if they do not."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from cellfolio.errors import InvalidArgument, NotFound
from cellfolio.package.nearest import suggest_or_list

TEXT, FLAG, TEXTS, ANY = "a text", "true or false", "a list of texts", "a list"
NUMBER, COUNT = "a number", "a whole number from 0"
TABLE, TABLES = "a table", "a list of tables"
_CHECKS: Mapping[str, Callable[[Any], bool]] = {
    TEXT: lambda value: isinstance(value, str),
    FLAG: lambda value: isinstance(value, bool),
    TEXTS: lambda value: isinstance(value, list) and all(isinstance(one, str) for one in value),
    ANY: lambda value: isinstance(value, list),
    NUMBER: lambda value: isinstance(value, (int, float)) and not isinstance(value, bool),
    COUNT: lambda value: isinstance(value, int) and not isinstance(value, bool) and value >= 0,
    TABLE: lambda value: isinstance(value, dict),
    TABLES: lambda value: isinstance(value, list) and all(isinstance(one, dict) for one in value),
}


def read_toml(path: Path, what: str) -> dict[str, Any]:
    """Read a document in TOML.

    Parameters
    ----------
    path : Path
    what : str
        Such as "recipe", for messages.

    Raises
    ------
    NotFound
        If there is no such file.
    InvalidArgument
        If it cannot be read.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise NotFound(f"there is no {what} {path}") from None
    except (OSError, ValueError, RecursionError) as error:
        raise InvalidArgument(f"the {what} {path} cannot be read: {error}") from None


def check_keys(found: Mapping[str, Any], known: Mapping[str, str], where: str) -> None:
    """Refuse keys that are not known, and values of another kind.

    Raises
    ------
    InvalidArgument
    """
    for key, value in found.items():
        if key not in known:
            raise InvalidArgument(f"{where} has no key {key!r}", hint=suggest_or_list(key, known))
        if not _CHECKS[known[key]](value):
            raise InvalidArgument(f"{key} of {where} should be {known[key]}, found {value!r}")


def choose(what: str, value: str, known: tuple[str, ...]) -> None:
    """Refuse a value that is none of some.

    Raises
    ------
    InvalidArgument
    """
    if value not in known:
        names = ", ".join(repr(one) for one in known)
        raise InvalidArgument(
            f"{what} should be one of {names}, found {value!r}", hint=suggest_or_list(value, known)
        )
