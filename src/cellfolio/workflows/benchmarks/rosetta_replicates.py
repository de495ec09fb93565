"""The benchmark rosetta-replicates: correlations of replicates in two modalities."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from cellfolio.errors import InvalidArgument
from cellfolio.evaluation import (
    AllPairs,
    Cutoff,
    Null,
    OneOfEach,
    Replicability,
    percent_replicating,
)
from cellfolio.evaluation.intervals import bootstrap_interval, share_interval
from cellfolio.imaging.score_figures import Bars, Panel, draw_bars, draw_panels
from cellfolio.workflows.benchmarks.benchmark import Benchmark, Findings, Place
from cellfolio.workflows.benchmarks.published import published_at, published_of, sources_section
from cellfolio.workflows.benchmarks.rosetta_inputs import (
    LIMIT,
    InputKeys,
    Inputs,
    Side,
    standardized,
    take_inputs,
)
from cellfolio.workflows.benchmarks.settings import keys_of, take_settings
from cellfolio.workflows.benchmarks.tables import show, stack
from cellfolio.workflows.pages import Fact, PagePicture, Section

_TABLE = "rosetta-replicates"
_PUBLISHED = ("limit", "passing", "perturbations", "mean_correlation")
_CORRELATIONS = ("limit", "mean", "median")
_SHOWN = (
    "modality", "perturbations", "with_replicates", "limit", "passing", "mean_correlation",
    "median_correlation",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings of the benchmark.

    Attributes
    ----------
    modalities : tuple of str
        Those that are evaluated; by default all that there are.
    plate : str
        Column of own tables by which wells are standardized; empty if they are already. Wells of a
        data set always are.
    null : {'pairs', 'rosetta'}
        Every pair of wells of other perturbations; or one random well of each, as published.
    seed : int
        Of the random wells.
    percentile : float
    """

    modalities: tuple[str, ...] = ()
    plate: str = ""
    null: str = "pairs"
    seed: int = 0
    percentile: float = LIMIT


@dataclass(frozen=True, slots=True)
class _Found:
    modality: str
    side: Side
    result: Replicability

    @property
    def correlations(self) -> pd.Series[float]:
        return self.result.table["correlation"]


def run(document: Mapping[str, Any], place: Place) -> Findings:
    """Run the benchmark."""
    settings = take_settings(Settings, document, "the configuration")
    inputs = take_inputs(document, least=1)
    names = settings.modalities or inputs.modalities()
    odd = [name for name in names if name not in inputs.modalities()]
    if odd or settings.null not in ("pairs", "rosetta"):
        raise InvalidArgument(
            f"modalities should be some of {', '.join(inputs.modalities())}, found {odd[0]!r}"
            if odd
            else f"null should be 'pairs' or 'rosetta', found {settings.null!r}"
        )
    found = [_replicates(name, inputs, settings, place) for name in names]
    by, data_set = inputs.keys.by, inputs.data_set
    scores = pd.DataFrame([_scores(one) for one in found])
    tables = {
        "scores": scores,
        "perturbations": stack(({"modality": one.modality}, one.result.table) for one in found),
        **_overlap_tables(found, by),
        "published": published_of(_TABLE),
    }
    notes = [f"{one.modality}: {note}" for one in found for note in one.side.notes]
    parameters = {**asdict(inputs.keys), **asdict(settings), "modalities": names}
    published_name = "" if data_set is None else data_set.name
    return Findings(
        parameters, tuple(pair for one in found for pair in one.side.plates.inputs), tables,
        _facts(scores), tuple(_sections(found, scores, settings, tables, published_name)),
        tuple(notes), _SHOWN,
    )  # fmt: skip


def _replicates(modality: str, inputs: Inputs, settings: Settings, place: Place) -> _Found:
    side = inputs.read(modality, "replicate", place)
    if not side.features:
        shown = ", ".join(map(str, list(side.table)[:5]))
        raise InvalidArgument(f"{modality} has no feature; it begins with {shown}")
    table = side.table
    if inputs.data_set is None and settings.plate:
        table = standardized(side, settings.plate)
    null: Null = AllPairs() if settings.null == "pairs" else OneOfEach(settings.seed)
    result = percent_replicating(
        table, inputs.keys.by, null, Cutoff(settings.percentile), statistic="mean",
        features=side.features,
    )  # fmt: skip
    return _Found(modality, side, result)


def _scores(found: _Found) -> dict[str, Any]:
    table, values = found.result.table, found.correlations
    hits, several = int(table["replicating"].sum()), int(values.notna().sum())
    low, high = share_interval(hits, several)
    means = bootstrap_interval(values.to_list(), np.mean)
    return {
        "modality": found.modality,
        "wells": len(found.side.table),
        "features": len(found.side.features),
        "perturbations": len(table),
        "with_replicates": several,
        "limit": found.result.limits[1],
        "passing": hits,
        "share_passing": hits / several if several else float("nan"),
        "share_passing_low": low,
        "share_passing_high": high,
        "mean_correlation": float(values.mean()),
        "mean_correlation_low": means[0],
        "mean_correlation_high": means[1],
        "median_correlation": float(values.median()),
    }


def _overlap_tables(found: list[_Found], by: str) -> dict[str, pd.DataFrame]:
    if len(found) < 2:
        return {}
    sides = [set(one.result.table[by]) for one in found]
    good = [set(one.result.table.loc[one.result.table["replicating"], by]) for one in found]
    rows = [
        ("in both", len(sides[0] & sides[1])),
        (f"only in {found[0].modality}", len(sides[0] - sides[1])),
        (f"only in {found[1].modality}", len(sides[1] - sides[0])),
        ("reproducible in both (overlap)", len(good[0] & good[1])),
        ("reproducible in at least one (union)", len(good[0] | good[1])),
    ]
    return {"overlap": pd.DataFrame(rows, columns=["perturbations", "count"])}


def _facts(scores: pd.DataFrame) -> tuple[Fact, ...]:
    return tuple(
        Fact(f"reproducible in {row.modality}", f"{row.passing:,}", f"of {row.with_replicates:,}")
        for row in scores.itertuples()
    )


def _sections(
    found: list[_Found],
    scores: pd.DataFrame,
    settings: Settings,
    tables: Mapping[str, pd.DataFrame],
    name: str,
) -> Iterator[Section]:
    keys = [(name, one.modality) for one in found]
    theirs = pd.DataFrame({score: published_at(_TABLE, score, keys) for score in _PUBLISHED})
    if theirs["limit"].isna().all():
        theirs = pd.DataFrame()
    yield _correlations_section(
        scores, settings, theirs, (_correlations_picture(found), _shares_picture(scores, theirs))
    )
    if "overlap" in tables:
        yield Section(
            "Both modalities", "Perturbations are the same by their names.", (),
            *show(tables["overlap"], {"count": ",d"}),
        )  # fmt: skip
    if len(theirs):
        yield sources_section(_TABLE)


def _correlations_picture(found: list[_Found]) -> PagePicture:
    panels = [
        Panel(one.modality, one.correlations.to_numpy(), one.result.null, one.result.limits)
        for one in found
    ]
    return PagePicture.of(
        "correlations", draw_panels(panels, "mean correlation", "replicates", "chance"),
        "Correlations of replicates against chance, by modality",
        "Mean Pearson correlation of the replicates of each perturbation.",
    )  # fmt: skip


def _shares_picture(scores: pd.DataFrame, theirs: pd.DataFrame) -> PagePicture:
    names = scores["modality"].tolist()
    marks = {}
    if len(theirs):
        marks["published"] = (theirs["passing"] / theirs["perturbations"]).tolist()
    label = "perturbations with replicates that are reproducible"
    bars = Bars.of(scores, "share_passing", names, names, marks, label, percent=True)
    return PagePicture.of(
        "reproducible", draw_bars(bars, "Perturbations whose replicates agree"),
        "Bars of reproducible perturbations, by modality", "With 95% intervals (Wilson).",
    )  # fmt: skip


def _correlations_section(
    scores: pd.DataFrame,
    settings: Settings,
    theirs: pd.DataFrame,
    pictures: tuple[PagePicture, ...],
) -> Section:
    ours = {name: name.replace("_correlation", "").replace("_", " ") for name in _SHOWN}
    table = scores[list(ours)].rename(columns=ours)
    published = {"limit": "published limit", "passing": "published passing",
                 "mean_correlation": "published mean"}  # fmt: skip
    if len(theirs):
        table = pd.concat([table, theirs[list(published)].rename(columns=published)], axis=1)
    names = [str(one) for one in table]
    forms = {one: ".4f" for one in names if any(word in one for word in _CORRELATIONS)}
    forms |= dict.fromkeys(["perturbations", "with replicates", "passing"], ",d")
    forms |= {"published passing": ",.0f"}
    chance = "all pairs of wells of other perturbations" if settings.null == "pairs" else (
        "all pairs of one random well of each perturbation, as published: another seed gives "
        "another limit"
    )  # fmt: skip
    return Section(
        "Correlations of replicates",
        "For each perturbation, the mean of Pearson's correlations of its wells, in closed form: "
        "(|Σz|² − n) / (n (n − 1)). It is reproducible if that is above the "
        f"{settings.percentile:g}th percentile of chance: {chance}.",
        pictures, *show(table, forms),
    )  # fmt: skip


BENCHMARK = Benchmark(
    "rosetta-replicates",
    "Replicates in two modalities",
    "Correlations of the replicates of each perturbation, in morphology and expression.",
    {"": {**keys_of(InputKeys), **keys_of(Settings)}},
    run,
)
