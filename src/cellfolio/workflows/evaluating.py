"""Evaluating profiles by the names of their files: read, score, draw, write."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from cellfolio.errors import InvalidArgument
from cellfolio.evaluation import (
    Cutoff,
    MatchedBy,
    Matching,
    Null,
    PairRule,
    Replicability,
    Retrieval,
    SampledTargets,
    average_precision,
    mean_average_precision,
    percent_matching,
    percent_replicating,
)
from cellfolio.formats.loading import load as load_source
from cellfolio.formats.saving import plain, write_table
from cellfolio.imaging.distributions import (
    DistributionStyle,
    draw_distributions,
    draw_significance,
)
from cellfolio.profiles.tables import open_table
from cellfolio.storage.disk import write_atomically
from cellfolio.storage.home import Home
from cellfolio.workflows.loading import named_source, source_digest


@dataclass(frozen=True, slots=True)
class Plates:
    """Profiles of one or several files, one below the other.

    Attributes
    ----------
    table : DataFrame or AnnData
        With the columns that all files have.
    inputs : tuple of (str, str)
        Name and digest of each file.
    not_in_all : int
        Features that some file lacks.
    incomplete : int
        Features that were left out, as they lack a value.
    """

    table: Any = field(repr=False)
    inputs: tuple[tuple[str, str], ...]
    not_in_all: int = 0
    incomplete: int = 0


@dataclass(frozen=True, slots=True)
class Reading:
    """Which rows and features of the files are used.

    Attributes
    ----------
    only : str or None
        Query that names the rows.
    drop_missing : bool
        Leave out features with missing or infinite values, instead of refusing them.
    """

    only: str | None = None
    drop_missing: bool = False


@dataclass(frozen=True, slots=True)
class Scoring:
    """How average precision is averaged, and compared with chance.

    Attributes
    ----------
    by : tuple of str
        By default the columns that positives share.
    only : str or None
        Query that names the profiles whose scores are averaged; others are still ranked.
    null, draws, seed, level
        See `cellfolio.evaluation.mean_average_precision`.
    """

    by: tuple[str, ...] = ()
    only: str | None = None
    null: str = "paired"
    draws: int = 10_000
    seed: int = 0
    level: float = 0.05


def read_plates(words: Sequence[str], reading: Reading, *, home: Home | None = None) -> Plates:
    """Read profiles from files, and put them one below the other.

    Parameters
    ----------
    words : sequence of str
        Paths, or files of packages (``PACKAGE/PATH``).
    reading : Reading
    home : Home, optional

    Raises
    ------
    InvalidArgument, EntryNotFound, BrokenFile, UnknownFormat
    """
    home = home or Home()
    sources = [named_source(word, home) for word in words]
    tables = [load_source(one, home=home) for one in sources]
    inputs = tuple(
        (word, str(source_digest(source))) for word, source in zip(words, sources, strict=True)
    )
    several = [one for one in tables if not isinstance(one, pd.DataFrame)]
    if len(tables) > 1 and several:
        raise InvalidArgument("several files should all be tables", hint="join AnnData files first")
    table, lost = tables[0], 0
    if len(tables) > 1:
        table = pd.concat(tables, join="inner", ignore_index=True)
        every = {name for one in tables for name in open_table(one).features}
        lost = len(every - set(table.columns))
    incomplete = 0
    if reading.drop_missing:
        opened = open_table(table)
        whole = np.isfinite(opened.values()).all(axis=1)
        incomplete = int((~whole).sum())
        table = opened.keeping([opened.features[at] for at in np.flatnonzero(whole)])
    return Plates(table, inputs, lost, incomplete)


def replicating(
    words: Sequence[str],
    by: Sequence[str],
    null: Null,
    cutoff: Cutoff,
    *,
    statistic: str = "median",
    reading: Reading | None = None,
    home: Home | None = None,
) -> tuple[Replicability, Plates]:
    """Read profiles and return percent replicating (see `percent_replicating`)."""
    reading = reading or Reading()
    plates = read_plates(words, reading, home=home)
    found = percent_replicating(
        plates.table, by, null, cutoff, statistic=statistic, only=reading.only
    )
    return found, plates


def matching(
    words: tuple[Sequence[str], Sequence[str]],
    by: MatchedBy,
    null: SampledTargets,
    cutoff: Cutoff,
    *,
    reading: Reading | None = None,
    home: Home | None = None,
) -> tuple[Matching, Plates]:
    """Read profiles of one or two modalities and return percent matching.

    Parameters
    ----------
    words : tuple of (sequence of str, sequence of str)
        Files of the first, and of the second; none to compare the first with itself.
    by, null, cutoff
        See `percent_matching`.
    reading : Reading, optional
    home : Home, optional
    """
    reading = reading or Reading()
    first = read_plates(words[0], reading, home=home)
    second = read_plates(words[1], reading, home=home) if words[1] else None
    other = None if second is None else second.table
    found = percent_matching(first.table, other, by, null, cutoff, only=reading.only)
    if second is None:
        return found, first
    names = [set(open_table(one.table).features) for one in (first, second)]
    lost = first.not_in_all + second.not_in_all + len(names[0] ^ names[1])
    incomplete = first.incomplete + second.incomplete
    return found, Plates(first.table, first.inputs + second.inputs, lost, incomplete)


def retrieving(
    words: Sequence[str],
    rule: PairRule,
    similarity: str,
    scoring: Scoring,
    *,
    reading: Reading | None = None,
    home: Home | None = None,
) -> tuple[pd.DataFrame, Retrieval, Plates]:
    """Read profiles and return average precision and its means (see `average_precision`)."""
    reading = reading or Reading()
    plates = read_plates(words, reading, home=home)
    parity = "copairs" if scoring.null == "copairs" else ""
    scores = average_precision(plates.table, rule, similarity, only=reading.only, parity=parity)
    used = scores
    if scoring.only is not None:
        from cellfolio.profiles.rows import find_rows

        names = [name for name in scores.columns if scores[name].dtype.kind in "fiu"]
        used = scores[find_rows(open_table(scores, names), scoring.only)]
    found = mean_average_precision(
        used,
        scoring.by or rule.pos_sameby,
        null=scoring.null,
        draws=scoring.draws,
        seed=scoring.seed,
        level=scoring.level,
    )
    return scores, found, plates


def draw(found: Replicability | Matching | Retrieval) -> Figure:
    """Draw a result against chance."""
    if isinstance(found, Retrieval):
        words = DistributionStyle(
            f"{found.retrieved:.1%} of {len(found.table):,} groups retrieved",
            "mean average precision", "significant", "not significant",
        )  # fmt: skip
        table = found.table
        means, p_values = table["mean_average_precision"], table["corrected_p_value"]
        return draw_significance(means.to_numpy(), p_values.to_numpy(), found.level, words)
    kind = "perturbations replicate" if isinstance(found, Replicability) else "pairs match"
    name = "perturbations" if isinstance(found, Replicability) else "pairs"
    style = DistributionStyle(f"{found.score:.1%} of {len(found.table):,} {kind}", found=name)
    values = found.table["correlation"].to_numpy()
    return draw_distributions(values, found.null, found.limits, style)


def write_result(table: pd.DataFrame, path: Path, plates: Plates, told: Mapping[str, Any]) -> None:
    """Write a table, and beside it, with ``.json`` added, what it was made of and how.

    Parameters
    ----------
    table : DataFrame
    path : Path
        See `cellfolio.formats.saving.write_table`.
    plates : Plates
    told : mapping
        Parameters and scores.
    """
    from importlib.metadata import version

    write_table(table, path)
    inputs = [{"name": name, "digest": digest} for name, digest in plates.inputs]
    record = _plain({"cellfolio": version("cellfolio"), "inputs": inputs, **told})
    text = json.dumps(record, indent=2, ensure_ascii=False) + "\n"
    write_atomically(path.with_name(f"{path.name}.json"), text.encode())


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return plain(asdict(value))
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    return plain(value)
