"""What the page of a run shows, gathered from its folder."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from cellfolio.errors import CellfolioError
from cellfolio.package.entry import Entry
from cellfolio.package.folder import Folder
from cellfolio.web.at_hand import source_at_hand
from cellfolio.web.histograms import Histogram, draw_histogram
from cellfolio.web.places import Place
from cellfolio.web.previews.preview import show_failure
from cellfolio.web.rendering import fragment
from cellfolio.workflows.points.opening import is_matrix, is_table
from cellfolio.workflows.run_distributions import (
    NULL,
    SCORES,
    Distribution,
    find_distributions,
)
from cellfolio.workflows.run_folders import (
    QUALITY,
    RunSummary,
    find_runs,
    read_record,
    record_of,
    summarize_run,
)

if TYPE_CHECKING:
    import pandas as pd

_ROWS = 30
"""Rows of scores that are shown."""
_PICTURES = 12
_LARGEST = 20_000_000
"""Bytes of a table that distributions are drawn of."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """A distribution and its shapes."""

    told: Distribution
    shapes: Histogram


def run_body(place: Place, folder: Folder, heading: str = "h1") -> Markup:
    """Return what is shown of a run.

    Parameters
    ----------
    place : Place
    folder : Folder
    heading : str
        Kind of its heading: ``h1`` of a page of its own.

    Raises
    ------
    NotFound
        If the folder is not of a run, and none is below it.
    BrokenFile
        If its record is damaged.
    """
    record = record_of(folder)
    below = [one for one in find_runs(folder) if one != folder.key]
    if record is None and below:
        return fragment("runs.html", place=place, runs=below, heading=heading)
    document = None
    if record is not None:
        document = read_record(record, source_at_hand(place.at(record.logical_key)))
    run = summarize_run(folder, document, "" if record is None else record.logical_key)
    drawn, scores, failure = _evaluated(place, run)
    return fragment(
        "run_body.html",
        place=place,
        run=run,
        heading=heading,
        below=below if run.kind != QUALITY else [],
        drawn=drawn,
        scores=scores,
        failure=failure,
        pictures=_pictures(run),
        is_points=lambda key: is_table(key) or is_matrix(key),
    )


def _pictures(run: RunSummary) -> list[str]:
    return [key for key in run.pictures if key.lower().endswith(".png")][:_PICTURES]


def _evaluated(
    place: Place, run: RunSummary
) -> tuple[list[Drawn], dict[str, Any] | None, Markup | None]:
    """Return distributions and scores of an evaluation, or why they cannot be shown."""
    keys = {key.rpartition("/")[2].partition(".")[0]: key for key in run.tables}
    if SCORES not in keys:
        return [], None, None
    try:
        scores = _table(place, keys[SCORES])
        if NULL not in keys:
            return [], _shown(scores), None
        tables = {name: _table(place, key) for name, key in keys.items() if name != "published"}
    except CellfolioError as error:
        return [], None, show_failure(error)
    drawn = [Drawn(one, draw_histogram(one)) for one in find_distributions(tables)]
    return drawn, _shown(scores), None


def _table(place: Place, key: str) -> pd.DataFrame:
    from cellfolio.formats.loading import load

    source = source_at_hand(place.at(key), _LARGEST)
    found: pd.DataFrame = load(source, max_bytes=10 * _LARGEST)
    return found


def _shown(scores: pd.DataFrame) -> dict[str, Any]:
    """Return the columns of scores that tell something, and their values as texts."""
    columns = [name for name in scores.columns if scores[name].notna().any()]
    columns = [name for name in columns if (scores[name].astype(str) != "").any()]
    rows = scores[columns].head(_ROWS).to_dict("records")
    return {
        "columns": columns,
        "rows": [[_text(row[name]) for name in columns] for row in rows],
        "more": max(0, len(scores) - _ROWS),
    }


def _text(value: Any) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def folder_of(place: Place, entry: Entry) -> Folder | None:
    """Return the folder that a file is in."""
    key = entry.logical_key.rpartition("/")[0]
    found = place.package[key] if key else place.package
    return found if isinstance(found, Folder) else None
