"""The benchmark cpjump1-replicating: how many perturbations look alike each time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from random import Random
from typing import Any

import pandas as pd

from cellfolio.evaluation import (
    Cutoff,
    PairRule,
    Replicability,
    Retrieval,
    SampledGroups,
    average_precision,
    mean_average_precision,
    percent_replicating,
)
from cellfolio.evaluation.intervals import bootstrap_interval, share_interval
from cellfolio.imaging.score_figures import Bars, Panel, draw_bars, draw_panels
from cellfolio.workflows.benchmarks.benchmark import (
    Benchmark,
    Findings,
    Place,
    notes_of,
    table_rows,
)
from cellfolio.workflows.benchmarks.groups import (
    CONTROL,
    GROUP_KEYS,
    Group,
    Wells,
    parse_groups,
    read_wells,
)
from cellfolio.workflows.benchmarks.published import published, published_of, sources_section
from cellfolio.workflows.benchmarks.settings import keys_of, take_settings
from cellfolio.workflows.pages import Fact, PagePicture, Section
from cellfolio.workflows.toml_keys import TABLES, TEXT

_REPLICATING = {"A": "cpjump1-A", "B": "cpjump1-B", "C": "cpjump1-C"}
_RETRIEVED = {"G": "cpjump1-G"}
_SHOWN = (
    "group", "perturbations", "percent_replicating", "fraction_retrieved",
    "mean_average_precision",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings of the benchmark; the defaults are those of CPJUMP1.

    Attributes
    ----------
    perturbation : tuple of str
    controls : str
        Query that names the negative controls, which are no perturbations.
    plate : str
    size, draws, seed : int
        Of the null: medians of so many random wells. One stream goes from group to group, in their
        order, as in the notebook.
    percentile : float
    tail : str
    retrieval : bool
        Whether replicates are looked for among the negative controls of their plate, too.
    retrieval_null : str
    retrieval_draws : int
    level : float
    drop_missing : bool
    """

    perturbation: tuple[str, ...] = ("Metadata_broad_sample",)
    controls: str = "Metadata_control_type == 'negcon'"
    plate: str = "Metadata_Plate"
    size: int = 4
    draws: int = 1_000
    seed: int = 9_000
    percentile: float = 95.0
    tail: str = "right"
    retrieval: bool = True
    retrieval_null: str = "paired"
    retrieval_draws: int = 10_000
    level: float = 0.05
    drop_missing: bool = False


@dataclass(frozen=True, slots=True)
class _Found:
    group: Group
    wells: Wells
    replicability: Replicability
    retrieval: Retrieval | None


def run(document: Mapping[str, Any], place: Place) -> Findings:
    """Run the benchmark."""
    settings, groups = (
        take_settings(Settings, document, "the configuration"),
        parse_groups(document),
    )
    cutoff = Cutoff(settings.percentile, settings.tail)
    stream = Random(settings.seed)
    found = []
    for group in groups:
        wells = read_wells(
            group, settings.perturbation, settings.controls, place,
            drop_missing=settings.drop_missing,
        )  # fmt: skip
        null = SampledGroups(settings.size, settings.draws, stream)
        replicating = percent_replicating(wells.treated, settings.perturbation, null, cutoff)
        retrieval = _retrieve(wells, settings) if settings.retrieval else None
        found.append(_Found(group, wells, replicating, retrieval))
    scores = pd.DataFrame([_scores(one, settings) for one in found])
    tables = {
        "scores": scores,
        "perturbations": _stacked(found, [one.replicability.table for one in found]),
        "null": _stacked(
            found, [pd.DataFrame({"correlation": one.replicability.null}) for one in found]
        ),
        **_retrieval_tables(found),
        "published": published_of("cpjump1"),
    }
    parameters = {**asdict(settings), "groups": [asdict(group) for group in groups]}
    inputs = tuple(pair for one in found for pair in one.wells.plates.inputs)
    return Findings(
        parameters, inputs, tables, _facts(scores), tuple(_sections(found, scores, settings)),
        notes_of([one.wells.plates for one in found]),
        tuple(name for name in _SHOWN if name in scores),
    )  # fmt: skip


def _retrieve(wells: Wells, settings: Settings) -> Retrieval:
    table = wells.table
    names = list(settings.perturbation)
    # A control that has no name is a replicate of the other controls.
    filled = {name: table[name].astype(object).where(table[name].notna(), "") for name in names}
    rule = PairRule(names, neg_sameby=settings.plate, neg_diffby=CONTROL)
    parity = "copairs" if settings.retrieval_null == "copairs" else ""
    scores = average_precision(table.assign(**filled), rule, parity=parity)
    return mean_average_precision(
        scores[~scores[CONTROL].astype(bool)], names, null=settings.retrieval_null,
        draws=settings.retrieval_draws, seed=settings.seed, level=settings.level,
    )  # fmt: skip


def _scores(found: _Found, settings: Settings) -> dict[str, Any]:
    table = found.replicability.table
    hits = int(table["replicating"].sum())
    low, high = share_interval(hits, len(table))
    row: dict[str, Any] = {
        "group": found.group.name,
        "modality": found.group.modality,
        "cell": found.group.cell,
        "time": found.group.time,
        "wells": len(found.wells.treated),
        "controls": int(found.wells.table[CONTROL].sum()),
        "perturbations": len(table),
        "replicating": hits,
        "percent_replicating": found.replicability.score,
        "percent_replicating_low": low,
        "percent_replicating_high": high,
        "limit_low": found.replicability.limits[0],
        "limit_high": found.replicability.limits[1],
        "pair_score": found.replicability.pair_score,
    }
    if found.retrieval is not None:
        groups = found.retrieval.table
        low, high = share_interval(int(groups["significant"].sum()), len(groups))
        means = groups["mean_average_precision"].to_numpy()
        interval = bootstrap_interval(means, seed=settings.seed)
        row |= {
            "fraction_retrieved": found.retrieval.retrieved,
            "fraction_retrieved_low": low,
            "fraction_retrieved_high": high,
            "mean_average_precision": found.retrieval.mean,
            "mean_average_precision_low": interval[0],
            "mean_average_precision_high": interval[1],
        }
    return row


def _stacked(found: Sequence[_Found], parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    named = [
        part.assign(group=one.group.name)[["group", *part.columns]]
        for one, part in zip(found, parts, strict=True)
    ]
    return pd.concat(named, ignore_index=True)


def _retrieval_tables(found: Sequence[_Found]) -> dict[str, pd.DataFrame]:
    parts = [one.retrieval.table for one in found if one.retrieval is not None]
    return {"retrieval": _stacked(found, parts)} if parts else {}


def _facts(scores: pd.DataFrame) -> tuple[Fact, ...]:
    hits, count = scores["replicating"].sum(), scores["perturbations"].sum()
    facts = [
        Fact("groups", f"{len(scores):,}"),
        Fact("wells", f"{scores['wells'].sum():,}"),
        Fact("perturbations that replicate", f"{hits:,}", f"of {count:,}"),
    ]
    if "fraction_retrieved" in scores:
        facts.append(
            Fact("retrieved", f"{scores['fraction_retrieved'].mean():.1%}", "mean of groups")
        )
    return tuple(facts)


def _sections(found: Sequence[_Found], scores: pd.DataFrame, settings: Settings) -> list[Section]:
    sections = [_replicating_section(found, scores, settings)]
    if settings.retrieval:
        sections.append(_retrieval_section(found, scores, settings))
    if any(_marks([one.group], "percent_replicating", _REPLICATING) for one in found):
        sections.append(sources_section("cpjump1"))
    return sections


def _marks(
    groups: Sequence[Group], score: str, tables: Mapping[str, str]
) -> dict[str, list[float]]:
    """Return published values of groups by a letter; only of tables that have any."""
    found = {}
    for letter, table in tables.items():
        values = published(table, score)
        marks = [values.get((group.published, ""), float("nan")) for group in groups]
        if any(mark == mark for mark in marks):  # noqa: PLR0124 - NaN differs from itself
            found[f"published, {letter}"] = marks
    return found


def _bars(found: Sequence[_Found], scores: pd.DataFrame, score: str, label: str,
          marks: Mapping[str, Sequence[float]]) -> Bars:  # fmt: skip
    return Bars(
        scores["group"].tolist(), scores[score].tolist(), scores[f"{score}_low"].tolist(),
        scores[f"{score}_high"].tolist(), [one.group.modality for one in found], marks, label,
        percent=True,
    )  # fmt: skip


def _beside(scores: pd.DataFrame, score: str, marks: Mapping[str, Sequence[float]]) -> Any:
    columns = {
        "group": scores["group"],
        "perturbations": scores["perturbations"],
        "this run": scores[score],
        "from": scores[f"{score}_low"],
        "to": scores[f"{score}_high"],
        **{name: pd.Series(values) for name, values in marks.items()},
    }
    table = pd.DataFrame(columns)
    forms = dict.fromkeys(["this run", "from", "to", *marks], ".1%") | {"perturbations": ",d"}
    return tuple(table.columns), table_rows(table, forms), tuple(range(1, len(table.columns)))


def _replicating_section(
    found: Sequence[_Found], scores: pd.DataFrame, settings: Settings
) -> Section:
    groups = [one.group for one in found]
    marks = _marks(groups, "percent_replicating", _REPLICATING)
    bars = _bars(found, scores, "percent_replicating", "percent replicating", marks)
    panels = [
        Panel(f"{one.group.name}: {one.replicability.score:.1%}",
              one.replicability.table["correlation"].to_numpy(), one.replicability.null,
              one.replicability.limits)
        for one in found
    ]  # fmt: skip
    pictures = (
        PagePicture.of(
            "percent-replicating", draw_bars(bars, "Perturbations that replicate"),
            "Bars of percent replicating, by group",
            "Share of perturbations that replicate, with its 95% interval (Wilson); diamonds and "
            "other marks are published values, where there are any.",
        ),
        PagePicture.of(
            "correlations", draw_panels(panels, "median correlation", "replicates", "chance"),
            "Correlations of replicates against chance, by group",
            "Median correlation of the replicates of each perturbation, and of random wells of "
            "other perturbations.",
        ),
    )  # fmt: skip
    header, rows, numbers = _beside(scores, "percent_replicating", marks)
    tail = {"right": "above the {:g}th percentile", "left": "below percentile {:g} from the left",
            "both": "outside the {:g}th percentile of either end"}[settings.tail]  # fmt: skip
    return Section(
        "Percent replicating",
        "For each perturbation, the median of Pearson's correlations between its wells. It "
        f"replicates if that is {tail.format(settings.percentile)} of chance: the same of "
        f"{settings.draws:,} groups of {settings.size} random wells of other perturbations. A "
        "perturbation with one well counts as not replicating.",
        pictures, header, rows, numbers,
    )  # fmt: skip


def _retrieval_section(
    found: Sequence[_Found], scores: pd.DataFrame, settings: Settings
) -> Section:
    marks = _marks([one.group for one in found], "fraction_retrieved", _RETRIEVED)
    bars = _bars(found, scores, "fraction_retrieved", "fraction retrieved", marks)
    picture = PagePicture.of(
        "fraction-retrieved", draw_bars(bars, "Perturbations whose replicates are retrieved"),
        "Bars of the fraction retrieved, by group",
        "Share of perturbations with a significant mean average precision, with its 95% interval "
        "(Wilson).",
    )  # fmt: skip
    header, rows, numbers = _beside(scores, "fraction_retrieved", marks)
    return Section(
        "Mean average precision",
        "Each well ranks its replicates among the negative controls of its plate by cosine "
        "similarity; mean average precision is the mean over the wells of a perturbation. It is "
        f"retrieved if p, corrected for the number of perturbations, is below {settings.level:g}. "
        + ("Chance is drawn as copairs 0.5 does." if settings.retrieval_null == "copairs" else
           "Chance is calibrated: pairs of replicates share their similarity. Published values "
           'are of the null of copairs (retrieval_null = "copairs"), which is conservative.'),
        (picture,), header, rows, numbers,
    )  # fmt: skip


BENCHMARK = Benchmark(
    "cpjump1-replicating",
    "Replicates",
    "Percent replicating and fraction retrieved, by modality, cell line and time, as CPJUMP1.",
    {
        "": {"profiles": TEXT, "group": TABLES, **keys_of(Settings)},
        "group": GROUP_KEYS,
    },
    run,
)
