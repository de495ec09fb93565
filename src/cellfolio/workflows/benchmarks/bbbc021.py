"""The benchmark bbbc021-mechanism: the mechanism of the nearest neighbour."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from cellfolio.errors import InvalidArgument
from cellfolio.evaluation import Neighbours, nearest_labels
from cellfolio.evaluation.agreement import by_label, confusion
from cellfolio.evaluation.intervals import share_interval
from cellfolio.imaging.confusion import draw_confusion
from cellfolio.imaging.score_figures import Bars, draw_bars
from cellfolio.profiles import Standardize, aggregate, normalize
from cellfolio.workflows.benchmarks.benchmark import Benchmark, Findings, Place
from cellfolio.workflows.benchmarks.published import published, published_of, sources_section
from cellfolio.workflows.benchmarks.settings import keys_of, take_settings
from cellfolio.workflows.benchmarks.tables import labels_section, show
from cellfolio.workflows.evaluating import Plates
from cellfolio.workflows.pages import Fact, PagePicture, Section

_COMPARTMENTS = ("Cells_", "Cytoplasm_", "Nuclei_")
_BATCH = "Metadata_batch"
_SHOWN = ("rule", "possible", "right", "accuracy", "accuracy_low", "accuracy_high")
_RULES = {
    "nsc": "not the same compound",
    "nscb": "not the same compound or batch",
}


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings of the benchmark; the defaults are the names of BBBC021.

    Attributes
    ----------
    profiles : tuple of str
        Tables with a row for each well.
    images : str
        Table that tells the compound and concentration of each well.
    mechanisms : str
        Table of the mechanism of each compound and concentration.
    plate, well : str
        Columns of the profiles.
    image_plate, image_well, compound, concentration : str
        Columns of `images`.
    mechanism : str
        Column of `mechanisms`, beside ``compound`` and ``concentration``.
    control : str
        The compound of the control wells, by which each plate is standardized.
    without : tuple of str
        Features with one of these in their names are left out: they tell where cells lie.
    batch_separator : str
        A plate's batch is what stands before it.
    """

    profiles: tuple[str, ...]
    images: str
    mechanisms: str
    plate: str = "Image_Metadata_Plate"
    well: str = "Image_Metadata_Well"
    image_plate: str = "Image_Metadata_Plate_DAPI"
    image_well: str = "Image_Metadata_Well_DAPI"
    compound: str = "Image_Metadata_Compound"
    concentration: str = "Image_Metadata_Concentration"
    mechanism: str = "moa"
    control: str = "DMSO"
    without: tuple[str, ...] = ("Location", "Center_", "Orientation", "EulerNumber")
    batch_separator: str = "_"


@dataclass(frozen=True, slots=True)
class _Treatments:
    """Means of treatments: metadata, values of features, and what was left out."""

    table: pd.DataFrame
    features: tuple[str, ...]
    wells: int
    notes: tuple[str, ...]

    def nearest(self, *apart: str) -> Neighbours:
        names = [
            f"{compound} {concentration:g} ({batch})"
            for compound, concentration, batch in self.table[
                ["compound", "concentration", _BATCH]
            ].itertuples(index=False)
        ]
        values = self.table[list(self.features)].set_axis(pd.Index(names))
        columns = [self.table[name].tolist() for name in apart]
        return nearest_labels(values, self.table["mechanism"].tolist(), columns)


def run(document: Mapping[str, Any], place: Place) -> Findings:
    """Run the benchmark."""
    settings = take_settings(Settings, document, "the configuration")
    wells, images, mechanisms = (
        place.read(words)
        for words in (settings.profiles, (settings.images,), (settings.mechanisms,))
    )
    treatments = _treatments(_known(wells, images, mechanisms, settings), wells, settings)
    found = {
        "nsc": treatments.nearest("compound"),
        "nscb": treatments.nearest("compound", _BATCH),
    }
    scores = pd.DataFrame([_scores(rule, one) for rule, one in found.items()])
    tables = {
        "scores": scores,
        **{f"neighbours_{rule}": one.table for rule, one in found.items()},
        **{f"confusion_{rule}": _confusion(one).reset_index() for rule, one in found.items()},
        "published": published_of("bbbc021"),
    }
    inputs = wells.inputs + images.inputs + mechanisms.inputs
    return Findings(
        asdict(settings), inputs, tables, _facts(treatments, scores),
        tuple(_sections(found, scores)), treatments.notes, _SHOWN,
    )  # fmt: skip


def _known(wells: Plates, images: Plates, mechanisms: Plates, settings: Settings) -> pd.DataFrame:
    """Return wells with compound, concentration, mechanism and batch."""
    keys = ["compound", "concentration"]
    names = {
        settings.image_plate: settings.plate,
        settings.image_well: settings.well,
        settings.compound: keys[0],
        settings.concentration: keys[1],
    }
    for plates, columns, what in (
        (wells, [settings.plate, settings.well], "profiles"),
        (images, list(names), "images"),
        (mechanisms, [*keys, settings.mechanism], "mechanisms"),
    ):
        absent = [name for name in columns if name not in plates.table]
        if absent:
            raise InvalidArgument(
                f"{what} has no column {absent[0]!r}; it begins with "
                f"{', '.join(map(str, list(plates.table)[:5]))}"
            )
    layout = images.table[list(names)].rename(columns=names).drop_duplicates()
    told = mechanisms.table[[*keys, settings.mechanism]].rename(
        columns={settings.mechanism: "mechanism"}
    )
    where = [settings.plate, settings.well]
    if layout.duplicated(where).any():
        raise InvalidArgument(f"{settings.images} has several compounds of one well")
    metadata = wells.table[where].merge(layout, on=where, how="left", validate="m:1")
    metadata = metadata.merge(told, on=keys, how="left", validate="m:1")
    metadata[_BATCH] = metadata[settings.plate].astype(str).str.split(
        settings.batch_separator
    ).str[0]  # fmt: skip
    features: pd.DataFrame = wells.table.drop(columns=where)
    joined: pd.DataFrame = pd.concat([metadata, features], axis=1)
    return joined


def _treatments(table: pd.DataFrame, wells: Plates, settings: Settings) -> _Treatments:
    features = [
        name
        for name in map(str, wells.table.columns)
        if name.startswith(_COMPARTMENTS) and not any(word in name for word in settings.without)
    ]
    if not features:
        raise InvalidArgument(f"the profiles have no feature of {', '.join(_COMPARTMENTS)}")
    scaled = normalize(
        table, Standardize(), reference=f"compound == {settings.control!r}", by=settings.plate,
        features=features,
    )  # fmt: skip
    treated = scaled[scaled["mechanism"].notna() & (scaled["compound"] != settings.control)]
    if treated.empty:
        raise InvalidArgument("no well has a mechanism", hint="are concentrations the same?")
    by = ["compound", "concentration", "mechanism", _BATCH]
    means = aggregate(treated, by, "mean", features=features)
    whole = [name for name in features if np.isfinite(means[name]).all()]
    left = len(features) - len(whole)
    notes = (f"{left:,} features that are the same in all controls of a plate were left out",)
    return _Treatments(means, tuple(whole), len(treated), notes if left else ())


def _scores(rule: str, found: Neighbours) -> dict[str, Any]:
    some = found.table[found.table["possible"]]
    right = int((some["label"] == some["predicted"]).sum())
    low, high = share_interval(right, len(some))
    return {
        "rule": rule,
        "treatments": len(found.table),
        "possible": len(some),
        "right": right,
        "accuracy": found.accuracy_of_possible,
        "accuracy_low": low,
        "accuracy_high": high,
        "accuracy_of_all": found.accuracy,
        "most_frequent": float(found.table["label"].value_counts(normalize=True).iloc[0]),
    }


def _confusion(found: Neighbours) -> pd.DataFrame:
    some = found.table[found.table["possible"]]
    return confusion(some["label"], some["predicted"])


def _facts(treatments: _Treatments, scores: pd.DataFrame) -> tuple[Fact, ...]:
    facts = [
        Fact("treatments", f"{len(treatments.table):,}", f"{treatments.wells:,} wells"),
        Fact("mechanisms", f"{treatments.table['mechanism'].nunique():,}"),
        Fact("features", f"{len(treatments.features):,}"),
    ]
    for row in scores.itertuples():
        of = f"{row.right} of {row.possible}"
        facts.append(Fact(f"right, {_RULES[str(row.rule)]}", f"{row.accuracy:.1%}", of))
    return tuple(facts)


def _sections(found: Mapping[str, Neighbours], scores: pd.DataFrame) -> Iterator[Section]:
    pictures = [
        PagePicture.of(
            "accuracy", draw_bars(_bars(scores), "Mechanism of the nearest neighbour"),
            "Bars of accuracy, beside published ones", "With 95% intervals (Wilson).",
        ),
        *(_confusion_picture(rule, one) for rule, one in found.items()),
    ]  # fmt: skip
    columns = {"accuracy_low": "from", "accuracy_high": "to",
               "most_frequent": "most frequent mechanism"}  # fmt: skip
    table = scores[["rule", "treatments", "possible", "right", "accuracy", *columns]]
    forms = dict.fromkeys(("accuracy", *columns.values()), ".1%")
    yield Section(
        "Nearest mechanisms",
        "Each well is standardized by the control wells of its plate, wells of one compound, "
        "concentration and batch become their mean, and the mechanism is that of the nearest other "
        "treatment by cosine similarity. No label is used before that, nothing is tuned, and "
        "features that tell where cells lie are left out.",
        tuple(pictures), *show(table.rename(columns=columns), forms),
        more="Possible are treatments that have a neighbour of their mechanism which the rule "
        "allows.",
    )  # fmt: skip
    labels = by_label(_confusion(found["nsc"]))
    yield labels_section("Each mechanism, not the same compound", "", labels)
    yield sources_section("bbbc021")


def _bars(scores: pd.DataFrame) -> Bars:
    """Return bars of this run, and of published accuracies, which have no interval."""
    theirs = [
        (rule, name, value)
        for rule, table in (("nsc", "bbbc021"), ("nscb", "bbbc021-NSCB"))
        for (name, _), value in published(table, rule).items()
    ]
    names = [f"this run: {_RULES[rule]}" for rule in scores["rule"]]
    names += [f"{name}, {rule.upper()}" for rule, name, _ in theirs]
    all_ = pd.concat([scores, pd.DataFrame({"accuracy": [value for *_, value in theirs]})])
    kinds = ["this run"] * len(scores) + ["published"] * len(theirs)
    return Bars.of(all_, "accuracy", names, kinds, {}, "accuracy", percent=True)


def _confusion_picture(rule: str, found: Neighbours) -> PagePicture:
    title = f"{_RULES[rule].capitalize()}: {found.accuracy_of_possible:.1%} right"
    return PagePicture.of(
        f"confusion-{rule}", draw_confusion(_confusion(found), title),
        f"Confusion matrix, {_RULES[rule]}",
        "Which mechanisms were taken for which; treatments that have an allowed neighbour of their "
        "mechanism.",
    )  # fmt: skip


BENCHMARK = Benchmark(
    "bbbc021-mechanism",
    "Nearest mechanisms",
    "Whether the nearest treatment of another compound has the same mechanism, as for BBBC021.",
    {"": keys_of(Settings)},
    run,
)
