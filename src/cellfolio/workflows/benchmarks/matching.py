"""The benchmark cpjump1-matching: how many perturbations look like those of the same target."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from random import Random
from typing import Any

import pandas as pd

from cellfolio.errors import InvalidArgument
from cellfolio.evaluation import Cutoff, MatchedBy, Matching, SampledTargets, percent_matching
from cellfolio.evaluation.intervals import share_interval
from cellfolio.evaluation.labels import labels_of
from cellfolio.imaging.score_figures import (
    Bars,
    Panel,
    draw_bars,
    draw_panels,
    draw_score_map,
)
from cellfolio.workflows.benchmarks.benchmark import Benchmark, Findings, Place, notes_of
from cellfolio.workflows.benchmarks.groups import (
    GROUP_KEYS,
    Group,
    Wells,
    parse_groups,
    read_wells,
)
from cellfolio.workflows.benchmarks.published import published_marks, published_of, sources_section
from cellfolio.workflows.benchmarks.settings import keys_of, take_settings
from cellfolio.workflows.benchmarks.tables import Shown, show_beside, stack
from cellfolio.workflows.pages import Fact, PagePicture, Section
from cellfolio.workflows.toml_keys import TABLES, TEXT

_TABLES = {"published, A": "cpjump1-A", "published, B": "cpjump1-B"}
_MOST_PANELS = 16
_SHOWN = ("first", "second", "pairs", "percent_matching")


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings of the benchmark; the defaults are those of CPJUMP1.

    Attributes
    ----------
    perturbation : str
    controls : str
        Query that names the negative controls, which are no perturbations.
    compound_target, target : str
        Column with what perturbations act on, of compounds and of others; several targets with
        ``|`` between them. A group may have its own.
    compounds : str
        The modality that is compared with all others of the same cell line.
    within : bool
        Whether perturbations of a modality are compared with each other, too.
    draws, seed : int
        Of the null. One stream goes from pair to pair of groups, in their order.
    apart : bool
        Whether pairs that share a target are kept out of the null across modalities.
    percentile : float
    tail : str
    drop_missing : bool
    """

    perturbation: str = "Metadata_broad_sample"
    controls: str = "Metadata_control_type == 'negcon'"
    compound_target: str = "Metadata_target"
    target: str = "Metadata_gene"
    compounds: str = "compound"
    within: bool = True
    draws: int = 1_000
    seed: int = 9_000
    apart: bool = False
    percentile: float = 95.0
    tail: str = "right"
    drop_missing: bool = False


@dataclass(frozen=True, slots=True)
class _Found:
    first: Group
    second: Group | None
    matching: Matching

    @property
    def told(self) -> dict[str, str]:
        """What its rows are of."""
        second = "" if self.second is None else self.second.name
        return {"first_group": self.first.name, "second_group": second}

    @property
    def name(self) -> str:
        return self.first.name if self.second is None else f"{self.first.name} · {self.second.name}"


def run(document: Mapping[str, Any], place: Place) -> Findings:
    """Run the benchmark."""
    settings = take_settings(Settings, document, "the configuration")
    groups = parse_groups(document)
    pairs = list(_pairs(groups, settings))
    wells = {
        group.name: read_wells(
            group, [settings.perturbation], settings.controls, place,
            drop_missing=settings.drop_missing,
        )
        for group in groups
    }  # fmt: skip
    stream = Random(settings.seed)
    pairs, alone = _with_targets_in_common(pairs, wells, settings)
    found = [_match(pair, wells, settings, stream) for pair in pairs]
    across = [one for one in found if one.second is not None]
    within = [one for one in found if one.second is None]
    scores = pd.DataFrame([_scores(one) for one in found])
    tables = {
        "scores": scores,
        "pairs": stack((one.told, one.matching.table) for one in found),
        "null": stack(
            (one.told, pd.DataFrame({"correlation": one.matching.null})) for one in found
        ),
        "published": published_of("cpjump1"),
    }
    sections = [*_across_sections(across), *_within_sections(within)]
    if _marks(across):
        sections.append(sources_section("cpjump1"))
    return Findings(
        {**asdict(settings), "groups": [asdict(group) for group in groups]},
        tuple(pair for one in wells.values() for pair in one.plates.inputs),
        tables, _facts(groups, across, within), tuple(sections),
        (*notes_of([one.plates for one in wells.values()]), *alone), _SHOWN,
    )  # fmt: skip


def _pairs(groups: Sequence[Group], settings: Settings) -> Iterator[tuple[Group, Group | None]]:
    """Yield what is compared: compounds with others of their cell line; then each with itself."""
    compounds = [group for group in groups if group.modality == settings.compounds]
    others = [group for group in groups if group.modality != settings.compounds]
    across = [(one, other) for one in compounds for other in others if one.cell == other.cell]
    if not across and not settings.within:
        raise InvalidArgument(
            f"there is nothing to compare: {len(compounds)} groups of modality "
            f"{settings.compounds!r} and {len(others)} others, none of the same cell"
        )
    yield from across
    if settings.within:
        yield from ((group, None) for group in groups)


def _with_targets_in_common(
    pairs: Sequence[tuple[Group, Group | None]], wells: Mapping[str, Wells], settings: Settings
) -> tuple[list[tuple[Group, Group | None]], tuple[str, ...]]:
    """Leave out groups within which no two perturbations share a target, as with one ORF a gene."""
    kept, alone = [], []
    for first, second in pairs:
        if second is None:
            column = _target(first, wells[first.name], settings)
            told = wells[first.name].treated[[settings.perturbation, column]]
            told = told.drop_duplicates(settings.perturbation)
            every = [label for labels in labels_of(told[column]) for label in labels]
            if len(set(every)) == len(every):
                alone.append(first.name)
                continue
        kept.append((first, second))
    if not kept:
        raise InvalidArgument(f"no two perturbations share a target within {', '.join(alone)}")
    told_of = f"no two perturbations share a target within {', '.join(alone)}: not compared"
    return kept, (told_of,) if alone else ()


def _target(group: Group, wells: Wells, settings: Settings) -> str:
    compound = group.modality == settings.compounds
    column = group.target or (settings.compound_target if compound else settings.target)
    if column not in wells.table:
        raise InvalidArgument(
            f"{group.name}: there is no column {column!r}",
            hint="name that of the target: target = in [[group]], or compound_target =",
        )
    return column


def _match(
    pair: tuple[Group, Group | None],
    wells: Mapping[str, Wells],
    settings: Settings,
    stream: Random,
) -> _Found:
    first, second = pair
    sides = [first, first if second is None else second]
    columns = [_target(group, wells[group.name], settings) for group in sides]
    by = MatchedBy(settings.perturbation, (columns[0], columns[1]))
    null = SampledTargets(settings.draws, stream, apart=settings.apart)
    cutoff = Cutoff(settings.percentile, settings.tail)
    tables = [wells[group.name].treated for group in sides]
    other = None if second is None else tables[1]
    try:
        return _Found(first, second, percent_matching(tables[0], other, by, null, cutoff))
    except InvalidArgument as error:
        where = first.name if second is None else f"{first.name} and {second.name}"
        raise InvalidArgument(f"{where}: {error.message}", hint=error.hint) from error


def _scores(found: _Found) -> dict[str, Any]:
    table = found.matching.table
    hits = int(table["matching"].sum())
    low, high = share_interval(hits, len(table))
    return {
        "first": found.first.name,
        "second": "" if found.second is None else found.second.name,
        "cell": found.first.cell,
        "pairs": len(table),
        "matching": hits,
        "percent_matching": found.matching.score,
        "percent_matching_low": low,
        "percent_matching_high": high,
        "limit_low": found.matching.limits[0],
        "limit_high": found.matching.limits[1],
        "targets": found.matching.targets[2],
    }


def _facts(
    groups: Sequence[Group], across: Sequence[_Found], within: Sequence[_Found]
) -> tuple[Fact, ...]:
    facts = [Fact("groups", f"{len(groups):,}")]
    for what, some in (("across modalities", across), ("within a modality", within)):
        if some:
            hits = sum(int(one.matching.table["matching"].sum()) for one in some)
            count = sum(len(one.matching.table) for one in some)
            facts.append(Fact(f"pairs that match, {what}", f"{hits:,}", f"of {count:,}"))
    return tuple(facts)


def _marks(found: Sequence[_Found]) -> dict[str, list[float]]:
    keys = [(one.first.published, one.second.published) for one in found if one.second]
    return published_marks(_TABLES, "percent_matching", keys)


def _bars(found: Sequence[_Found], marks: Mapping[str, Sequence[float]]) -> Bars:
    scores = pd.DataFrame([_scores(one) for one in found])
    kinds = [(one.second or one.first).modality for one in found]
    names = [one.name for one in found]
    return Bars.of(
        scores, "percent_matching", names, kinds, marks, "percent matching", percent=True
    )


def _panels(found: Sequence[_Found]) -> list[Panel]:
    return [
        Panel(f"{one.name.replace(' · ', chr(10))}: {one.matching.score:.1%}",
              one.matching.table["correlation"].to_numpy(), one.matching.null,
              one.matching.limits)
        for one in found[:_MOST_PANELS]
    ]  # fmt: skip


def _table(found: Sequence[_Found], marks: Mapping[str, Sequence[float]]) -> Shown:
    scores = pd.DataFrame([_scores(one) for one in found])
    names = pd.Series([one.name for one in found])
    told = {"compared": names, "targets": scores["targets"], "pairs": scores["pairs"]}
    return show_beside(pd.DataFrame(told), scores, "percent_matching", marks)


def _across_sections(found: Sequence[_Found]) -> Iterator[Section]:
    if not found:
        return
    marks = _marks(found)
    firsts = list(dict.fromkeys(one.first.name for one in found))
    seconds = list(dict.fromkeys(one.second.name for one in found if one.second))
    grid = pd.DataFrame(index=firsts, columns=seconds, dtype=float)
    for one in found:
        if one.second is not None:
            grid.loc[one.first.name, one.second.name] = one.matching.score
    pictures = (
        PagePicture.of(
            "matching-map", draw_score_map(grid, "Compounds and the genes they act on",
                                           "percent matching"),
            "Map of percent matching, compounds by genes",
            "Share of pairs with a target in common that look alike. Only groups of one cell line "
            "are compared.",
        ),
        PagePicture.of(
            "matching-bars", draw_bars(_bars(found, marks), "Pairs that match"),
            "Bars of percent matching",
            "With 95% intervals (Wilson), as if pairs were independent; pairs that share a "
            "perturbation are not, so that true intervals are wider.",
        ),
        PagePicture.of(
            "matching-correlations",
            draw_panels(_panels(found), "median correlation", "one target", "chance"),
            "Correlations of pairs of one target against chance",
            "Median correlation between all wells of one and all of the other.",
        ),
    )  # fmt: skip
    yield Section(
        "Across modalities",
        "For each compound and each gene that it acts on, the median of Pearson's correlations "
        "between all wells of one and all of the other. A pair matches if that is beyond chance: "
        "the same of perturbations of random targets. By chance, 5% would match.",
        pictures, *_table(found, marks),
    )  # fmt: skip


def _within_sections(found: Sequence[_Found]) -> Iterator[Section]:
    if not found:
        return
    pictures = (
        PagePicture.of(
            "within-bars", draw_bars(_bars(found, {}), "Pairs of one modality that match"),
            "Bars of percent matching within modalities", "With 95% intervals (Wilson).",
        ),
        PagePicture.of(
            "within-correlations",
            draw_panels(_panels(found), "median correlation", "one target", "chance"),
            "Correlations of pairs of one target against chance",
            "Perturbations of one modality that have a target in common, and those that have none.",
        ),
    )  # fmt: skip
    yield Section(
        "Within a modality",
        "The same for perturbations of one modality with a target in common, such as two knockouts "
        "of a gene. The null never has pairs that share a target.",
        pictures, *_table(found, {}),
    )  # fmt: skip


BENCHMARK = Benchmark(
    "cpjump1-matching",
    "Compounds and genes",
    "Percent matching of perturbations that share a target, across modalities and within each, as "
    "CPJUMP1.",
    {
        "": {"profiles": TEXT, "group": TABLES, **keys_of(Settings)},
        "group": GROUP_KEYS,
    },
    run,
)
