"""Tables of scores: below each other, beside published ones, and as a page shows them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import pandas as pd

from cellfolio.workflows.pages import Section

Shown: TypeAlias = tuple[tuple[str, ...], tuple[tuple[str, ...], ...], tuple[int, ...]]
"""What a `Section` has of a table: header, rows, and the columns that hold numbers."""


def stack(parts: Iterable[tuple[Mapping[str, str], pd.DataFrame]]) -> pd.DataFrame:
    """Return tables below each other, each behind columns that tell what it is of."""
    named = [part.assign(**told)[[*told, *part.columns]] for told, part in parts]
    return pd.concat(named, ignore_index=True)


def show(table: pd.DataFrame, written: Mapping[str, str]) -> Shown:
    """Return a table that begins with a name, and numbers behind it; see `table_rows`."""
    numbers = tuple(range(1, table.shape[1]))
    return tuple(map(str, table.columns)), table_rows(table, written), numbers


def show_beside(
    told: pd.DataFrame, scores: pd.DataFrame, score: str, published: Mapping[str, Sequence[float]]
) -> Shown:
    """Return a share of each row with its interval, and published values of it.

    Parameters
    ----------
    told : DataFrame
        What stands before: names, then counts.
    scores : DataFrame
        Has `score`, and the ends of its interval with ``_low`` and ``_high`` behind.
    score : str
    published : mapping of str to sequence of float
    """
    shares = {
        "this run": scores[score],
        "from": scores[f"{score}_low"],
        "to": scores[f"{score}_high"],
        **{name: pd.Series(values) for name, values in published.items()},
    }
    forms = dict.fromkeys(shares, ".1%") | dict.fromkeys(map(str, told.columns[1:]), ",d")
    return show(told.assign(**shares), forms)


def labels_section(title: str, about: str, labels: pd.DataFrame, more: str = "") -> Section:
    """Return a section with precision, recall and F1 of each label."""
    forms = dict.fromkeys(("precision", "recall", "f1"), ".2f")
    return Section(title, about, (), *show(labels, forms), more)


def table_rows(
    table: pd.DataFrame, written: Mapping[str, str] | None = None
) -> tuple[tuple[str, ...], ...]:
    """Return the rows of a table as text; `written` says how columns of numbers are."""
    forms = [(written or {}).get(str(name), "") for name in table]
    return tuple(
        tuple(_cell(value, form) for value, form in zip(row, forms, strict=True))
        for row in table.itertuples(index=False)
    )


def _cell(value: Any, form: str) -> str:
    if value is None or (isinstance(value, float) and value != value):  # noqa: PLR0124 - NaN
        return "–"
    return format(value, form) if form else str(value)
