"""The benchmark rosetta-expression: each modality predicted from the other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from cellfolio.errors import InvalidArgument
from cellfolio.evaluation import Prediction, Validation
from cellfolio.evaluation.intervals import bootstrap_interval, share_interval
from cellfolio.imaging.score_figures import Bars, Panel, draw_bars, draw_panels
from cellfolio.metadata.rosetta.sets import MODALITIES
from cellfolio.metadata.rosetta.tables import GROUP
from cellfolio.workflows.benchmarks.benchmark import Benchmark, Findings, Place
from cellfolio.workflows.benchmarks.published import published_at, published_of, sources_section
from cellfolio.workflows.benchmarks.rosetta_inputs import (
    InputKeys,
    reproducible,
    take_inputs,
)
from cellfolio.workflows.benchmarks.settings import keys_of, take_settings
from cellfolio.workflows.benchmarks.tables import show, stack, table_rows
from cellfolio.workflows.pages import Fact, PagePicture, Section
from cellfolio.workflows.predicting import Modalities, pair_modalities, predict_modality

_FOLDS = {"LUAD": 9, "TA-ORF": 5, "LINCS": 25, "CDRP-bio": 6, "CDRP": 40}
"""As published."""
_DIRECTIONS = {
    "expression": "expression from morphology",
    "morphology": "morphology from expression",
}
_TABLES = {"expression": "rosetta-expression", "morphology": "rosetta-morphology"}
_BEST = 12
"""Targets that the page lists."""
_SHOWN = ("direction", "targets", "median", "threshold", "above_threshold", "predictable")


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings of the benchmark.

    Attributes
    ----------
    predict : tuple of str
        The modalities that are predicted, each from the other.
    model : {'lasso', 'ridge', 'network'}
    folds : int
        Of the outer cross-validation; 0 for the published number of a data set, 5 for own tables.
    group : str
        Column of what stays together, such as doses of a compound; of a data set it is known.
    keep : {'all', 'overlap', 'union'}
        Perturbations of a data set: every one, or those whose replicates agree in both modalities,
        or in at least one.
    margin : float
    seed : int
    scaling : {'training', 'published'}
    associations : int
        Features that are listed for each target, of a linear model of all rows.
    """

    predict: tuple[str, ...] = ("expression", "morphology")
    model: str = "lasso"
    folds: int = 0
    group: str = ""
    keep: str = "all"
    margin: float = 0.2
    seed: int = 0
    scaling: str = "training"
    associations: int = 10


@dataclass(frozen=True, slots=True)
class _Found:
    target: str
    features: int
    prediction: Prediction
    associations: pd.DataFrame | None

    @property
    def direction(self) -> str:
        return _DIRECTIONS[self.target]

    @property
    def told(self) -> dict[str, str]:
        """What its rows are of."""
        return {"direction": self.direction}


def run(document: Mapping[str, Any], place: Place) -> Findings:
    """Run the benchmark."""
    settings, inputs = take_settings(Settings, document, "the configuration"), take_inputs(document)
    odd = [one for one in settings.predict if one not in _DIRECTIONS]
    if odd or not settings.predict:
        raise InvalidArgument(
            f"predict should be some of {', '.join(_DIRECTIONS)}, found {list(settings.predict)}"
        )
    sides = [inputs.read(modality, "treatment", place) for modality in MODALITIES]
    both = pair_modalities(
        MODALITIES, [side.plates for side in sides], inputs.keys.by,
        keep=reproducible(inputs, settings.keep, place), drop_unusable=inputs.keys.drop_unusable,
    )  # fmt: skip
    name = "" if inputs.data_set is None else inputs.data_set.name
    folds = settings.folds or _FOLDS.get(name, 5)
    group = settings.group or (GROUP if name else None)
    validation = Validation(folds, settings.margin, settings.seed, settings.scaling)
    found = [
        _predict(target, both, settings, validation, group)
        for target in dict.fromkeys(settings.predict)
    ]
    scores = pd.DataFrame([_scores(one) for one in found])
    parameters = {**asdict(inputs.keys), **asdict(settings), "folds": folds, "group": group}
    notes = [note for side in sides for note in side.notes]
    incomplete = sum(side.plates.incomplete for side in sides) + len(both.dropped)
    if incomplete:
        notes.append(f"{incomplete:,} features that miss values or are constant were left out")
    return Findings(
        parameters, both.plates.inputs, _tables(found, scores, both),
        _facts(scores, both), tuple(_sections(found, scores, settings, both, name)), tuple(notes),
        _SHOWN,
    )  # fmt: skip


def _predict(
    target: str, both: Modalities, settings: Settings, validation: Validation, group: str | None
) -> _Found:
    tables = both.tables
    if target == MODALITIES[0]:
        tables = {"first": tables["second"], "second": tables["first"]}
    turned = Modalities(tables, both.metadata, both.lost, both.plates, both.dropped)
    top = settings.associations if settings.model != "network" and settings.associations else None
    prediction, told = predict_modality(turned, settings.model, validation, group=group, top=top)
    return _Found(target, tables["first"].shape[1], prediction, told)


def _scores(found: _Found) -> dict[str, Any]:
    table = found.prediction.scores
    values, hits = table["score"], int(table["predictable"].sum())
    low, high = share_interval(hits, len(table))
    medians = bootstrap_interval(values.to_list(), np.median)
    return {
        "direction": found.direction,
        "rows": len(found.prediction.folds),
        "features": found.features,
        "targets": len(table),
        "median": float(values.median()),
        "median_low": medians[0],
        "median_high": medians[1],
        "quarter": float(values.quantile(0.25)),
        "three_quarters": float(values.quantile(0.75)),
        "best": float(values.max()),
        "threshold": found.prediction.threshold,
        "above_threshold": int((values > found.prediction.threshold).sum()),
        "predictable": hits,
        "share_predictable": hits / len(table),
        "share_predictable_low": low,
        "share_predictable_high": high,
    }


def _tables(found: list[_Found], scores: pd.DataFrame, both: Modalities) -> dict[str, pd.DataFrame]:
    tables = {
        "scores": scores,
        "targets": stack((one.told, one.prediction.scores) for one in found),
        "fold_scores": stack((one.told, one.prediction.fold_scores) for one in found),
        "folds": found[0].prediction.folds,
        "not_paired": both.lost,
    }
    lookups = [(one.told, one.associations) for one in found if one.associations is not None]
    if len(lookups) == len(found):
        tables["associations"] = stack(lookups)
    tables["published"] = published_of("rosetta")
    return tables


def _facts(scores: pd.DataFrame, both: Modalities) -> tuple[Fact, ...]:
    facts = [Fact("paired perturbations", f"{len(both.metadata):,}")]
    for row in scores.itertuples():
        of = f"of {row.targets:,}; median R² {row.median:.3f}"
        facts.append(Fact(f"predictable, {row.direction}", f"{row.predictable:,}", of))
    return tuple(facts)


def _sections(
    found: list[_Found], scores: pd.DataFrame, settings: Settings, both: Modalities, name: str
) -> Iterator[Section]:
    theirs = [_published_share(one, settings.model, name) for one in found]
    marks = {"published": theirs} if np.isfinite(theirs).any() else {}
    yield _prediction_section(
        scores, settings, (_scores_picture(found, settings), _shares_picture(scores, marks))
    )
    for one in found:
        yield _best_section(one)
    if len(both.lost):
        yield Section(
            "Not paired", "Rows without a partner in the other modality.",
            header=tuple(map(str, both.lost.columns)), rows=table_rows(both.lost),
            numbers=(both.lost.shape[1] - 1,),
        )  # fmt: skip
    if marks or name:
        yield sources_section("rosetta")


def _published_share(found: _Found, model: str, name: str) -> float:
    """Return which share of the targets was predictable as published; missing if none was."""
    keys = [(name, found.direction)]
    predictable, targets = (
        published_at(_TABLES[found.target], f"{what} {model}", keys)[0]
        for what in ("predictable", "targets")
    )
    return predictable / targets


def _scores_picture(found: list[_Found], settings: Settings) -> PagePicture:
    panels = [
        Panel(one.direction, one.prediction.scores["score"].clip(lower=-1).to_numpy(),
              one.prediction.scores["null"].clip(lower=-1).to_numpy(),
              (-np.inf, one.prediction.threshold + one.prediction.margin))
        for one in found
    ]  # fmt: skip
    return PagePicture.of(
        "r2", draw_panels(panels, "R², median over folds", "targets", "shuffled targets",
                          "predictable from here"),
        "R² of all targets and of shuffled ones",
        "R² of rows that were held out. Right of the dashed line, a target is predictable: it "
        f"exceeds the 99th percentile of shuffled targets by {settings.margin:g}. Values below "
        "−1 are drawn at −1.",
    )  # fmt: skip


def _shares_picture(scores: pd.DataFrame, marks: Mapping[str, list[float]]) -> PagePicture:
    names = scores["direction"].tolist()
    bars = Bars.of(
        scores, "share_predictable", names, names, marks, "predictable targets", percent=True
    )
    return PagePicture.of(
        "predictable", draw_bars(bars, "Predictable targets"),
        "Bars of predictable targets", "With 95% intervals (Wilson), as if targets were "
        "independent; they are not, so that true intervals are wider.",
    )  # fmt: skip


def _prediction_section(
    scores: pd.DataFrame, settings: Settings, pictures: tuple[PagePicture, ...]
) -> Section:
    columns = {"median": "median R²", "median_low": "from", "median_high": "to", "best": "best",
               "threshold": "t99"}  # fmt: skip
    shown = scores[
        ["direction", "rows", "features", "targets", *columns, "above_threshold", "predictable"]
    ]
    forms = dict.fromkeys(columns.values(), ".3f")
    columns["above_threshold"] = "above t99"
    weak = bool((scores["median"] < 0).any())
    return Section(
        "Cross-modality prediction",
        f"Each target is predicted from all features of the other modality ({settings.model}); "
        "compounds stay together in folds, and whatever is fitted, scaling too, is fitted on "
        "training rows. Its score is the median over the folds of R². Shuffled targets go through "
        "the same choice of a model."
        + (" A median below zero says that most targets are predicted worse than by their mean."
           if weak else ""),
        pictures, *show(shown.rename(columns=columns), forms),
    )  # fmt: skip


def _best_section(found: _Found) -> Section:
    best = found.prediction.scores.nlargest(_BEST, "score")
    told = found.associations
    features = []
    for target in best["target"]:
        some = [] if told is None else told.loc[told["target"] == target, "feature"].head(3)
        features.append(", ".join(map(str, some)) or "–")
    table = best[["target", "score", "null"]].assign(features=features)
    return Section(
        f"The best of {found.direction}",
        "The targets with the largest R², and the features that a linear model of all rows weighs "
        "most; what those say is not tested here.",
        header=("target", "R²", "shuffled", "features"),
        rows=table_rows(table, {"score": ".3f", "null": ".3f"}), numbers=(1, 2),
        more=f"All {len(found.prediction.scores):,} are in targets.csv.",
    )  # fmt: skip


BENCHMARK = Benchmark(
    "rosetta-expression",
    "Expression and morphology",
    "Each modality predicted from the other, target by target, cross-validated by compound.",
    {"": {**keys_of(InputKeys), **keys_of(Settings)}},
    run,
)
