"""Published scores, as reference values beside a user's own: facts, each with era and source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from io import StringIO
from math import isnan

import pandas as pd

from cellfolio.workflows.pages import Section


@cache
def published_tables() -> pd.DataFrame:
    """Return the published tables: ``table``, ``era``, ``definition``, ``source``."""
    return _read("published_tables.csv")


@cache
def published_values() -> pd.DataFrame:
    """Return all published values.

    Returns
    -------
    DataFrame
        ``table``, ``score``, ``first``, ``second`` (what was scored, such as ``compound A549
        short``, and what it was compared with), ``value``. Shares are between 0 and 1.

    Examples
    --------
    >>> values = published_values()
    >>> some = values[(values["table"] == "cpjump1-A") & (values["first"] == "orf U2OS long")]
    >>> some[["score", "value"]].values.tolist()
    [['percent_replicating', 0.456]]
    """
    return _read("published_values.csv")


def _read(name: str) -> pd.DataFrame:
    text = files(__package__).joinpath("data", name).read_text(encoding="utf-8")
    return pd.read_csv(StringIO(text), keep_default_na=False)


def published(table: str, score: str) -> dict[tuple[str, str], float]:
    """Return published values of a score by what was scored, and with what it was compared."""
    values = published_values()
    some = values[(values["table"] == table) & (values["score"] == score)]
    keys = zip(some["first"], some["second"], strict=True)
    return dict(zip(keys, some["value"].tolist(), strict=True))


def published_at(table: str, score: str, keys: Sequence[tuple[str, str]]) -> list[float]:
    """Return published values of a score, by what was scored; missing where there is none."""
    values = published(table, score)
    return [values.get(key, float("nan")) for key in keys]


def published_marks(
    tables: Mapping[str, str], score: str, keys: Sequence[tuple[str, str]]
) -> dict[str, list[float]]:
    """Return published values by what they are called; only of tables that have any."""
    found = {name: published_at(table, score, keys) for name, table in tables.items()}
    return {name: values for name, values in found.items() if not all(map(isnan, values))}


def published_of(prefix: str) -> pd.DataFrame:
    """Return the values of all tables that begin so, with era, definition and source."""
    values = published_values()
    some = values[values["table"].str.startswith(prefix)]
    return some.merge(published_tables(), on="table", validate="m:1").reset_index(drop=True)


def sources_section(prefix: str) -> Section:
    """Return a section that says what the published tables are, and where they are from."""
    tables = published_tables()
    some = tables[tables["table"].str.startswith(prefix)]
    return Section(
        "Published tables",
        "Reference values as their authors printed them. They differ between eras, as methods did; "
        "compare with the table whose definition is that of your run. All values are in "
        "published.csv.",
        header=("table", "era", "what it is", "source"),
        rows=tuple(
            tuple(map(str, row))
            for row in some[["table", "era", "definition", "source"]].itertuples(index=False)
        ),
    )  # fmt: skip
