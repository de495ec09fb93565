"""The benchmark rosetta-mechanism: mechanisms of action from two modalities, alone and together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from cellfolio.evaluation import Design, Mechanisms
from cellfolio.evaluation.intervals import bootstrap_interval
from cellfolio.imaging.score_figures import Bars, draw_bars
from cellfolio.metadata.rosetta.sets import MODALITIES
from cellfolio.metadata.rosetta.tables import GROUP, MECHANISM
from cellfolio.workflows.benchmarks.benchmark import Benchmark, Findings, Place
from cellfolio.workflows.benchmarks.published import published_marks, published_of, sources_section
from cellfolio.workflows.benchmarks.rosetta_inputs import (
    InputKeys,
    reproducible,
    take_inputs,
)
from cellfolio.workflows.benchmarks.settings import keys_of, take_settings
from cellfolio.workflows.benchmarks.tables import labels_section, show, stack
from cellfolio.workflows.pages import Fact, PagePicture, Section
from cellfolio.workflows.predicting import (
    Modalities,
    classify_mechanisms,
    draw_mechanisms,
    pair_modalities,
)

_TABLE = "rosetta-mechanism"
_SHOWN = ("approach", "macro_f1", "macro_f1_low", "macro_f1_high", "accuracy")


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings of the benchmark.

    Attributes
    ----------
    label, group : str
        Columns of the mechanism, and of what stays together; of a data set they are known.
    classifier : {'logistic', 'network'}
    folds : int
    least : int
        Compounds that a mechanism has at least.
    components : int
        Of the joint reduction.
    several : str
        What stands between several mechanisms of a row, which is left out; empty keeps all.
    keep : {'all', 'overlap', 'union'}
        See the benchmark rosetta-expression; of own tables, only ``all``.
    """

    label: str = MECHANISM
    group: str = GROUP
    classifier: str = "logistic"
    folds: int = 5
    least: int = 5
    components: int = 50
    several: str = "|"
    keep: str = "all"


def run(document: Mapping[str, Any], place: Place) -> Findings:
    """Run the benchmark."""
    settings, inputs = take_settings(Settings, document, "the configuration"), take_inputs(document)
    sides = [inputs.read(modality, "treatment", place) for modality in MODALITIES]
    both = pair_modalities(
        MODALITIES, [side.plates for side in sides], inputs.keys.by,
        keep=reproducible(inputs, settings.keep, place), drop_unusable=inputs.keys.drop_unusable,
    )  # fmt: skip
    both, several = _with_one_label(both, settings)
    named = {modality: both.tables[side] for modality, side in zip(MODALITIES, both.tables,
                                                                  strict=True)}  # fmt: skip
    found = classify_mechanisms(
        replace(both, tables=named), settings.label, settings.group, settings.classifier,
        Design(settings.folds, least=settings.least, components=settings.components),
    )  # fmt: skip
    scores = _scores(found)
    approaches = scores["approach"].tolist()
    tables = {
        "scores": scores,
        "fold_scores": found.scores,
        "labels": stack(({"approach": one}, found.labels(one)) for one in approaches),
        "predictions": found.predictions,
        **{f"confusion_{one}": found.confusion(one).reset_index() for one in approaches},
        "left_out": found.left_out,
        "not_paired": both.lost,
        "published": published_of(_TABLE),
    }
    notes = [note for side in sides for note in side.notes]
    if several:
        notes.append(f"rows with several mechanisms, which were left out: {several:,}")
    name = "" if inputs.data_set is None else inputs.data_set.name
    return Findings(
        {**asdict(inputs.keys), **asdict(settings)}, both.plates.inputs, tables,
        _facts(found, scores), tuple(_sections(found, scores, settings, name)), tuple(notes),
        _SHOWN,
    )  # fmt: skip


def _with_one_label(both: Modalities, settings: Settings) -> tuple[Modalities, int]:
    labels = both.column(settings.label)
    if not settings.several:
        return both, 0
    several = labels.astype(str).str.contains(settings.several, regex=False) & labels.notna()
    kept = ~several.to_numpy()
    tables = {side: table[kept] for side, table in both.tables.items()}
    metadata = both.metadata[kept].reset_index(drop=True)
    return replace(both, tables=tables, metadata=metadata), int(several.sum())


def _scores(found: Mechanisms) -> pd.DataFrame:
    rows = []
    for approach, some in found.scores.groupby("approach", sort=False):
        low, high = bootstrap_interval(some["macro_f1"].to_list(), np.mean)
        rows.append(
            {
                "approach": str(approach),
                "folds": len(some),
                "macro_f1": float(some["macro_f1"].mean()),
                "macro_f1_low": low,
                "macro_f1_high": high,
                "macro_f1_deviation": float(some["macro_f1"].std()),
                "accuracy": float(some["accuracy"].mean()),
            }
        )
    return pd.DataFrame(rows)


def _chance(found: Mechanisms) -> float:
    """Return the share of the most frequent mechanism: accuracy without looking."""
    return float(found.predictions["label"].value_counts(normalize=True).iloc[0])


def _facts(found: Mechanisms, scores: pd.DataFrame) -> tuple[Fact, ...]:
    table = found.predictions
    best = scores.iloc[int(scores["macro_f1"].to_numpy().argmax())]
    return (
        Fact("perturbations", f"{len(table):,}", f"of {table['group'].nunique():,} compounds"),
        Fact("mechanisms", f"{table['label'].nunique():,}"),
        Fact("best macro F1", f"{best['macro_f1']:.3f}", str(best["approach"])),
    )


def _sections(
    found: Mechanisms, scores: pd.DataFrame, settings: Settings, name: str
) -> Iterator[Section]:
    keys = [(name, one) for one in scores["approach"]]
    marks = published_marks({"published": _TABLE}, f"macro_f1 {settings.classifier}", keys)
    best = str(scores["approach"].iloc[int(scores["macro_f1"].to_numpy().argmax())])
    columns = {"macro_f1": "macro F1", "macro_f1_low": "from", "macro_f1_high": "to"}
    table = scores[["approach", *columns, "accuracy"]].rename(columns=columns).assign(**marks)
    yield Section(
        "Mechanisms",
        f"A classifier ({settings.classifier}) for each modality; for both with their features "
        "side by side (early), with the mean of their probabilities (late), and on common "
        "components (joint). Compounds stay together in folds, mechanisms are spread over them, "
        "and whatever is fitted is fitted on training rows. The most frequent mechanism is "
        f"{_chance(found):.1%} of the rows.",
        _pictures(found, scores, settings, marks, best),
        *show(table, dict.fromkeys(map(str, table.columns[1:]), ".3f")),
    )
    yield labels_section(
        f"Each mechanism, by {best}", "All folds together.", found.labels(best),
        more=f"{len(found.left_out):,} mechanisms of fewer than {settings.least} compounds were "
        "left out." if len(found.left_out) else "",
    )  # fmt: skip
    if marks:
        yield sources_section(_TABLE)


def _pictures(
    found: Mechanisms,
    scores: pd.DataFrame,
    settings: Settings,
    marks: Mapping[str, Sequence[float]],
    best: str,
) -> tuple[PagePicture, ...]:
    names = scores["approach"].tolist()
    kinds = ["one modality" if one in MODALITIES else "both" for one in names]
    bars = Bars.of(scores, "macro_f1", names, kinds, marks, "macro F1, mean over folds")
    return (
        PagePicture.of(
            "macro-f1", draw_bars(bars, "Mechanisms told from each modality, and from both"),
            "Bars of macro F1, by approach",
            f"With 95% intervals of the mean (bootstrap over {settings.folds} folds): few folds, "
            "so that differences within them say little.",
        ),
        PagePicture.of(
            "confusion", draw_mechanisms(found, best), f"Confusion matrix of {best}",
            "Which mechanisms were taken for which, all folds together.",
        ),
    )  # fmt: skip


BENCHMARK = Benchmark(
    "rosetta-mechanism",
    "Mechanisms of action",
    "Mechanisms told from morphology, from expression, and from both, cross-validated by compound.",
    {"": {**keys_of(InputKeys), **keys_of(Settings)}},
    run,
)
