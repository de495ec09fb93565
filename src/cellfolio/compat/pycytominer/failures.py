"""Errors that are of this library's tree and of the built-in type that programs catch.

::

    ColumnNotThere (InvalidArgument, KeyError)
    WrongKind (InvalidArgument, TypeError)
"""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from cellfolio.errors import InvalidArgument


class ColumnNotThere(InvalidArgument, KeyError):
    """A column that was named is not in the table."""


class WrongKind(InvalidArgument, TypeError):
    """An argument is of a type that cannot be used."""


def check_columns(table: pd.DataFrame, names: Iterable[str], what: str) -> None:
    """Raise ColumnNotThere if a column is not in a table.

    Examples
    --------
    >>> check_columns(pd.DataFrame({"Well": []}), ["Plate"], "strata")
    Traceback (most recent call last):
    cellfolio.compat.pycytominer.failures.ColumnNotThere: strata should be columns of the table, \
found no 'Plate'
    """
    absent = [name for name in names if name not in table.columns]
    if absent:
        raise ColumnNotThere(
            f"{what} should be columns of the table, found no {', '.join(map(repr, absent[:3]))}"
        )
