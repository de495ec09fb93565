"""Conditions on JSON values: ``passage=36``, ``channels.dye_name=EGFP``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from cellfolio.errors import InvalidArgument

_ANY = (list, tuple, set, frozenset)


def matches(value: Any, wanted: Any) -> bool:
    """Whether a value is the wanted one, or one of several; a list if any item is.

    True and false are no numbers, and text is no number.

    Examples
    --------
    >>> matches(36.0, 36), matches("36", 36), matches([1, 2], 2), matches("a", ("a", "b"))
    (True, False, True, True)
    """
    if isinstance(wanted, _ANY):
        return any(matches(value, one) for one in wanted)
    if isinstance(value, list):
        return any(matches(item, wanted) for item in value)
    if isinstance(value, bool) or isinstance(wanted, bool):
        return value is wanted
    return bool(value == wanted)


def reach(value: Any, path: list[str]) -> Any:
    """Return what is in an object at a path; of lists, a list of what is in their items.

    Examples
    --------
    >>> reach([{"dye_name": "EGFP"}, {"dye_name": "DNA"}], ["dye_name"])
    ['EGFP', 'DNA']
    """
    if not path:
        return value
    if isinstance(value, list):
        return [reach(item, path) for item in value]
    return reach(value.get(path[0]), path[1:]) if isinstance(value, Mapping) else None


def read_condition(text: str) -> tuple[str, tuple[Any, ...]]:
    """Read ``KEY=VALUE``; a value that can be a number, true, false or null is that as well.

    Raises
    ------
    InvalidArgument

    Examples
    --------
    >>> read_condition("passage=36"), read_condition("clone=a=b")
    (('passage', ('36', 36)), ('clone', ('a=b',)))
    """
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise InvalidArgument(f"{text!r}: expected KEY=VALUE", hint="such as passage=36")
    try:
        read = json.loads(value.lower())
    except (ValueError, RecursionError):
        return key, (value,)
    return key, (value,) if isinstance(read, str | list | dict) else (value, read)
