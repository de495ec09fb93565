"""Settings of a benchmark out of its configuration: what is not said is the default."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields
from typing import Any, TypeVar

from cellfolio.errors import InvalidArgument
from cellfolio.workflows.toml_keys import COUNT, FLAG, NUMBER, TEXT, TEXTS

_Settings = TypeVar("_Settings")
_KINDS = {"str": TEXT, "bool": FLAG, "int": COUNT, "float": NUMBER, "tuple[str, ...]": TEXTS}


def keys_of(settings: type[Any]) -> dict[str, str]:
    """Return the keys of a configuration that settings come from, and what they should be.

    Parameters
    ----------
    settings : type
        A dataclass whose fields are texts, numbers, flags or tuples of texts.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> @dataclass
    ... class Draws:
    ...     draws: int = 10
    ...     names: tuple[str, ...] = ()
    >>> keys_of(Draws)
    {'draws': 'a whole number from 0', 'names': 'a list of texts'}
    """
    return {one.name: _KINDS[str(one.type)] for one in fields(settings)}


def take_settings(settings: type[_Settings], document: Mapping[str, Any], where: str) -> _Settings:
    """Return settings of a document whose keys were checked; others are left alone.

    Raises
    ------
    InvalidArgument
        If one is missing that has no default.
    """
    own = {one.name: one for one in fields(settings)}  # type: ignore[arg-type]
    found = {
        key: tuple(value) if isinstance(value, list) else value
        for key, value in document.items()
        if key in own
    }
    for one in own.values():
        if one.default is MISSING and one.name not in found:
            raise InvalidArgument(f"{where} should have the key {one.name!r}")
    return settings(**found)
