"""Options by keyword become a frozen value, or an error that names those there are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from inspect import Parameter, signature
from typing import TYPE_CHECKING, Any, TypeVar

from cellfolio.errors import InvalidArgument
from cellfolio.formats.format import Deferred, Loader, Source
from cellfolio.package.nearest import suggest

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    T = TypeVar("T", bound=DataclassInstance)


def take_options(kind: type[T], format_name: str, options: Mapping[str, Any]) -> T:
    """Return a frozen value of options.

    Raises
    ------
    InvalidArgument
        If one is not known.
    """
    known = [one.name for one in fields(kind)]
    _refuse_unknown(options, known, format_name)
    return kind(**options)


def check_options(loader: Loader, format_name: str, options: Mapping[str, Any]) -> None:
    """Make sure that a loader takes these options.

    Raises
    ------
    InvalidArgument
        If it does not know one.
    """
    function = loader.function if isinstance(loader, Deferred) else loader
    try:
        found = signature(function).parameters.values()
    except (TypeError, ValueError):  # some functions written in C have none
        return
    if any(one.kind is Parameter.VAR_KEYWORD for one in found):
        return
    kinds = (Parameter.KEYWORD_ONLY, Parameter.POSITIONAL_OR_KEYWORD)
    known = [one.name for one in found if one.kind in kinds]
    _refuse_unknown(options, [one for one in known if one != "source"], format_name)


def _refuse_unknown(options: Mapping[str, Any], known: Sequence[str], format_name: str) -> None:
    unknown = [name for name in options if name not in known]
    if unknown:
        have = f"it has {', '.join(known)}" if known else "it has none"
        raise InvalidArgument(
            f"{format_name} has no option {unknown[0]!r}; {have}",
            hint=suggest(unknown[0], known),
        )


def check_columns(source: Source, asked: Sequence[str], there: Sequence[str]) -> None:
    """Make sure that columns are in a table.

    Raises
    ------
    InvalidArgument
        Naming the first that is not, or is asked for twice.
    """
    if isinstance(asked, str):
        raise InvalidArgument(
            f"columns should be a list of names, found the text {asked!r}",
            hint=f"say columns=[{asked!r}]",
        )
    if len(set(asked)) < len(asked):
        twice = next(name for name in asked if list(asked).count(name) > 1)
        raise InvalidArgument(f"columns names {twice!r} more than once")
    have = set(there)
    for name in asked:
        if name not in have:
            shown = ", ".join(map(str, there[:8])) + (", …" if len(there) > 8 else "")
            raise InvalidArgument(
                f"{source.name} has no column {name!r}; its {len(there)} columns are {shown}",
                hint=suggest(str(name), [str(one) for one in there]),
            )
