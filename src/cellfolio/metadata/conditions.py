"""Keyword filters: conditions such as ``gene=TTN``, ``size>1MB`` or ``name~*.tiff``.

::

    condition := field operator value
    field     := a name; nested ones with dots, channels.dye_name; "in quotes" where it holds
                 one of = ! < > ~ or a quote, which is doubled then
    operator  := =  !=      the value, or not
                 ~  !~      a glob (* ? [a-c]) over the whole text, whatever its case, or not
                 <  <=  >  >=
    value     := the rest, without spaces around it; nothing, after = or !=, stands for missing

What is compared is what the field holds. A number is compared as a number, with a unit of bytes
if the condition has one (kB, MB, GB, TB are powers of 1000; KiB, MiB, GiB, TiB of 1024). Truth
values are ``true`` and ``false``. A date is compared as far as the condition tells it:
``image_date>=2019-08``. Other text is compared as text, by code point; where the condition has a
number, text that is no number is neither below nor above it. A list fits if one of its values
fits. What lacks the field fits only ``field=``.
"""

from __future__ import annotations

import datetime
import fnmatch
import math
import operator
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import MAX_PREC, Context, Decimal
from functools import lru_cache
from typing import Any

from cellfolio.errors import InvalidArgument

_CONDITION = re.compile(
    r'\s*(?:"(?P<quoted>(?:[^"]|"")+)"|(?P<plain>[^=!<>~"\s](?:[^=!<>~"]*[^=!<>~"\s])?))\s*'
    r"(?P<operator>!=|!~|<=|>=|=|~|<|>)\s*(?P<value>.*?)\s*",
    re.DOTALL,
)
_NUMBER = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?)\s*([kKMGT]i?B|B)?", re.ASCII)
_UNITS = {
    "": 1,
    "B": 1,
    **{f"{letter}B": 1000**power for power, letter in enumerate(("", "k", "M", "G", "T"))},
    **{f"{letter}iB": 1024**power for power, letter in enumerate(("", "K", "M", "G", "T"))},
    "KB": 1000,
    "kiB": 1024,
}
_EVERY_DIGIT = Context(prec=MAX_PREC)
_ORDERS: Mapping[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_HINT = "write FIELD=VALUE; operators are = != ~ !~ < <= > >=, such as 'name~*.tiff' or 'size>1MB'"


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition.

    Attributes
    ----------
    field : str
    operator : str
    value : str
    """

    field: str
    operator: str
    value: str

    def __str__(self) -> str:
        plain = _CONDITION.fullmatch(f"{self.field}=")
        name = self.field
        if plain is None or plain["plain"] != name:
            name = '"' + name.replace('"', '""') + '"'
        gap = " " if self.value.startswith(("=", "~")) else ""  # else it joins the operator
        return f"{name}{self.operator}{gap}{self.value}"

    def holds(self, values: Iterable[Any]) -> bool:
        """Whether any of the values that a field has fits.

        Parameters
        ----------
        values : iterable
            None, NaN and empty texts stand for missing ones.
        """
        there = [value for value in values if not _missing(value)]
        if self.value == "" and self.operator in ("=", "!="):
            return bool(there) == (self.operator == "!=")
        if self.operator in ("!=", "!~"):
            return bool(there) and not any(_fits(self.operator[1:], self.value, v) for v in there)
        return any(_fits(self.operator, self.value, value) for value in there)


def parse_condition(text: str) -> Condition:
    """Read a condition.

    Raises
    ------
    InvalidArgument

    Examples
    --------
    >>> parse_condition("size >= 1.5 MB")
    Condition(field='size', operator='>=', value='1.5 MB')
    >>> parse_condition("size >= 1.5 MB").holds([2_000_000])
    True
    """
    found = _CONDITION.fullmatch(text)
    if found is None:
        raise InvalidArgument(f"{text!r} is no condition", hint=_HINT)
    field = found["plain"] or found["quoted"].replace('""', '"')
    value = found["value"]
    if not value and found["operator"] not in ("=", "!="):
        raise InvalidArgument(f"{text!r} compares with nothing", hint=_HINT)
    return Condition(field, found["operator"], value)


def find_values(value: Any, path: str) -> list[Any]:
    """Return what a nested document has at a path with dots; lists are looked into.

    Examples
    --------
    >>> find_values({"channels": [{"dye": "DAPI"}, {"dye": "FM4"}]}, "channels.dye")
    ['DAPI', 'FM4']
    """
    if isinstance(value, (list, tuple)):
        return [leaf for one in value for leaf in find_values(one, path)]
    if not path:
        return [value]
    if not isinstance(value, Mapping):
        return []
    parts = path.split(".")
    found: list[Any] = []
    for cut in range(1, len(parts) + 1):  # a name may hold dots itself
        head = ".".join(parts[:cut])
        if head in value:
            found += find_values(value[head], ".".join(parts[cut:]))
    return found


def _missing(value: Any) -> bool:
    if value is None or (isinstance(value, (str, Mapping)) and not value):
        return True
    return bool(value != value)  # noqa: PLR0124 - NaN and NaT differ from themselves


def _fits(operation: str, wanted: str, value: Any) -> bool:
    if isinstance(value, (datetime.date, datetime.datetime)):
        value = _as_far(value.isoformat(), wanted)
    if operation == "~":
        return _glob(wanted)(_shown(value)) is not None
    if operation == "=":
        return _shown(value) == wanted or _equal(value, wanted)
    return _ordered(_ORDERS[operation], value, wanted)


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _as_far(date: str, wanted: str) -> str:
    """Return as much of a date as the condition tells."""
    separator = " " if " " in wanted else "T"
    return date.replace("T", separator)[: len(wanted)]


@lru_cache(maxsize=64)
def _glob(pattern: str) -> Callable[[str], Any]:
    return re.compile(fnmatch.translate(pattern), re.IGNORECASE).match


def _equal(value: Any, wanted: str) -> bool:
    if isinstance(value, bool):
        return wanted.lower() == _shown(value)
    number = number_in(wanted)
    return number is not None and _is_number(value) and _exact(value) == number


def _ordered(order: Callable[[Any, Any], bool], value: Any, wanted: str) -> bool:
    if isinstance(value, bool):
        return False
    number = number_in(wanted)
    if number is None:
        return isinstance(value, str) and order(value, wanted)
    found = number_in(value) if isinstance(value, str) else value
    if found is None or not (_is_number(found) or isinstance(found, Decimal)):
        return False
    return order(_exact(found), number)


def _exact(value: Any) -> Decimal:
    """Return a number as it is written: 0.1 is 0.1, not the binary number nearest to it."""
    return Decimal(repr(float(value))) if isinstance(value, float) else Decimal(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not (isinstance(value, float) and math.isnan(value))


@lru_cache(maxsize=1024)
def number_in(text: str) -> Decimal | None:
    """Return the number that a text is, with its unit of bytes; None if it is none.

    Examples
    --------
    >>> number_in("1.5 kB"), number_in("A01")
    (Decimal('1500.0'), None)
    """
    found = _NUMBER.fullmatch(text.strip())
    if found is None:
        return None
    return _EVERY_DIGIT.multiply(Decimal(found[1]), Decimal(_UNITS[found[2] or ""]))


def parse_conditions(texts: Sequence[str | Condition]) -> tuple[Condition, ...]:
    """Read conditions, all of which are to hold.

    Raises
    ------
    InvalidArgument
    """
    return tuple(one if isinstance(one, Condition) else parse_condition(one) for one in texts)
