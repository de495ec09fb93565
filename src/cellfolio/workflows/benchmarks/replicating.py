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
from cellfolio.workflows.benchmarks.benchmark import Benchmark, Findings, Place, notes_of
from cellfolio.workflows.benchmarks.groups import (
    CONTROL,
    GROUP_KEYS,
    Group,
    Wells,
    parse_groups,
    read_wells,
)
from cellfolio.workflows.benchmarks.published import published_marks, published_of, sources_section
from cellfolio.workflows.benchmarks.settings import keys_of, take_settings
from cellfolio.workflows.benchmarks.tables import show_beside, stack
from cellfolio.workflows.pages import Fact, PagePicture, Section
from cellfolio.workflows.toml_keys import TABLES, TEXT

_REPLICATING = {f"published, {letter}": f"cpjump1-{letter}" for letter in "ABC"}
_RETRIEVED = {"published, G": "cpjump1-G"}
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

    @property
    def told(self) -> dict[str, str]:
        """What its rows are of."""
        return {"group": self.group.name}


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
        "perturbations": stack((one.told, one.replicability.table) for one in found),
        "null": stack(
            (one.told, pd.DataFrame({"correlation": one.replicability.null})) for one in found
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


def _retrieval_tables(found: Sequence[_Found]) -> dict[str, pd.DataFrame]:
    parts = [(one.told, one.retrieval.table) for one in found if one.retrieval is not None]
    return {"retrieval": stack(parts)} if parts else {}


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
    if _marks(found, "percent_replicating", _REPLICATING):
        sections.append(sources_section("cpjump1"))
    return sections


def _marks(
    found: Sequence[_Found], score: str, tables: Mapping[str, str]
) -> dict[str, list[float]]:
    return published_marks(tables, score, [(one.group.published, "") for one in found])


def _bars(found: Sequence[_Found], scores: pd.DataFrame, score: str, label: str,
          marks: Mapping[str, Sequence[float]]) -> Bars:  # fmt: skip
    kinds = [one.group.modality for one in found]
    return Bars.of(scores, score, scores["group"].tolist(), kinds, marks, label, percent=True)


def _replicating_section(
    found: Sequence[_Found], scores: pd.DataFrame, settings: Settings
) -> Section:
    marks = _marks(found, "percent_replicating", _REPLICATING)
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
    shown = show_beside(scores[["group", "perturbations"]], scores, "percent_replicating", marks)
    tail = {"right": "above the {:g}th percentile", "left": "below percentile {:g} from the left",
            "both": "outside the {:g}th percentile of either end"}[settings.tail]  # fmt: skip
    return Section(
        "Percent replicating",
        "For each perturbation, the median of Pearson's correlations between its wells. It "
        f"replicates if that is {tail.format(settings.percentile)} of chance: the same of "
        f"{settings.draws:,} groups of {settings.size} random wells of other perturbations. A "
        "perturbation with one well counts as not replicating.",
        pictures, *shown,
    )  # fmt: skip


def _retrieval_section(
    found: Sequence[_Found], scores: pd.DataFrame, settings: Settings
) -> Section:
    marks = _marks(found, "fraction_retrieved", _RETRIEVED)
    bars = _bars(found, scores, "fraction_retrieved", "fraction retrieved", marks)
    picture = PagePicture.of(
        "fraction-retrieved", draw_bars(bars, "Perturbations whose replicates are retrieved"),
        "Bars of the fraction retrieved, by group",
        "Share of perturbations with a significant mean average precision, with its 95% interval "
        "(Wilson).",
    )  # fmt: skip
    shown = show_beside(scores[["group", "perturbations"]], scores, "fraction_retrieved", marks)
    return Section(
        "Mean average precision",
        "Each well ranks its replicates among the negative controls of its plate by cosine "
        "similarity; mean average precision is the mean over the wells of a perturbation. It is "
        f"retrieved if p, corrected for the number of perturbations, is below {settings.level:g}. "
        + ("Chance is drawn as copairs 0.5 does." if settings.retrieval_null == "copairs" else
           "Chance is calibrated: pairs of replicates share their similarity. Published values "
           'are of the null of copairs (retrieval_null = "copairs"), which is conservative.'),
        (picture,), *shown,
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
