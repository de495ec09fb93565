"""Predicting by the names of files: read two modalities, pair them, score, draw."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from cellfolio.errors import InvalidArgument
from cellfolio.evaluation import (
    Design,
    Mechanisms,
    Neighbours,
    Paired,
    Prediction,
    Reproducible,
    Validation,
    associations,
    classify,
    nearest_labels,
    pair,
    predict,
)
from cellfolio.evaluation.classifiers import CLASSIFIERS
from cellfolio.evaluation.models import MODELS
from cellfolio.evaluation.pairing import SIDES
from cellfolio.imaging.confusion import draw_confusion
from cellfolio.imaging.distributions import DistributionStyle, draw_distributions
from cellfolio.metadata.rosetta.sets import MODALITIES, is_feature
from cellfolio.profiles.features import METADATA
from cellfolio.storage.home import Home
from cellfolio.workflows.evaluating import Plates, Reading, read_plates


@dataclass(frozen=True, slots=True)
class Modalities:
    """Two files whose rows are paired, or one.

    Attributes
    ----------
    tables : dict of str to DataFrame
        ``first`` and, if there are two, ``second``: features only, named by the key.
    metadata : DataFrame
        Other columns, those of the first file before those that only the second has.
    lost : DataFrame
        Rows without a partner (see `Paired`).
    plates : Plates
        What was read.
    dropped : tuple of str
        Features that were left out, as they could not be used.
    """

    tables: dict[str, pd.DataFrame] = field(repr=False)
    metadata: pd.DataFrame = field(repr=False)
    lost: pd.DataFrame
    plates: Plates
    dropped: tuple[str, ...] = ()

    def column(self, name: str) -> pd.Series[Any]:
        """Return a column of metadata.

        Raises
        ------
        InvalidArgument
        """
        if name not in self.metadata:
            shown = ", ".join(map(str, list(self.metadata.columns)[:8]))
            raise InvalidArgument(
                f"there is no column {name!r} beside the features; there are {shown}"
            )
        return self.metadata[name]


def read_modalities(
    words: Sequence[str], by: str, *, drop_unusable: bool = False, home: Home | None = None
) -> Modalities:
    """Read one file, or two that are paired.

    Features are columns that begin with ``Cells_``, ``Cytoplasm_`` or ``Nuclei_``; else probes that
    end in ``_at``; else all columns of numbers that are not called ``Metadata_…``.

    Parameters
    ----------
    words : sequence of str
        One or two paths, or files of packages (``PACKAGE/PATH``).
    by : str
        Column that names the rows, such as the perturbation; the same in both.
    drop_unusable : bool
        Leave out features that miss values or are the same in all rows, instead of refusing them.
    home : Home, optional

    Raises
    ------
    InvalidArgument, EntryNotFound, BrokenFile, UnknownFormat
    """
    found = [read_plates([word], Reading(), home=home) for word in words]
    return pair_modalities(words, found, by, drop_unusable=drop_unusable)


def pair_modalities(
    words: Sequence[str],
    found: Sequence[Plates],
    by: str,
    *,
    keep: Reproducible | None = None,
    drop_unusable: bool = False,
) -> Modalities:
    """Pair one table, or two, that were read (see `read_modalities`).

    Parameters
    ----------
    words : sequence of str
        What they are called, for messages.
    found : sequence of Plates
    by : str
    keep : Reproducible, optional
        Which rows are kept; by default all.
    drop_unusable : bool
    """
    frames = []
    for word, one in zip(words, found, strict=True):
        if not isinstance(one.table, pd.DataFrame):
            raise InvalidArgument(f"{word} should be a table, found {type(one.table).__name__}")
        if by not in one.table:
            shown = ", ".join(map(str, list(one.table.columns)[:6]))
            raise InvalidArgument(f"{word} has no column {by!r}; it begins with {shown}")
        frames.append(one.table)
    paired = pair(frames[0], frames[-1], by, keep=keep)
    names = [_features(word, one, by) for word, one in zip(words, frames, strict=True)]
    sides = (paired.first, paired.second)[: len(frames)]
    keys = pd.Index(sides[0][by].astype(str), name=by)
    tables = {
        side: table[some].set_axis(keys)
        for side, table, some in zip(SIDES, sides, names, strict=False)
    }
    dropped: list[str] = []
    if drop_unusable:
        for side, table in tables.items():
            values = table.to_numpy(np.float64, na_value=np.nan)
            good = np.isfinite(values).all(axis=0) & (np.ptp(values, axis=0) > 0)
            dropped += list(table.columns[~good])
            tables[side] = table.loc[:, good]
    inputs = tuple(told for one in found for told in one.inputs)
    plates = replace(found[0], inputs=inputs)
    metadata = _metadata(paired, names, len(frames))
    return Modalities(tables, metadata, paired.lost, plates, tuple(dropped))


def _features(word: str, table: pd.DataFrame, by: str) -> list[str]:
    names = [name for name in table.columns if name != by]
    for modality in MODALITIES:
        known = [name for name in names if is_feature(name, modality)]
        if known:
            return known
    numbers = table[names].select_dtypes(["number", "bool"]).columns
    found = [name for name in numbers if not name.startswith(METADATA)]
    if not found:
        raise InvalidArgument(f"{word} has no column of numbers that could be a feature")
    return found


def _metadata(paired: Paired, names: list[list[str]], count: int) -> pd.DataFrame:
    found = paired.first.drop(columns=names[0])
    if count == 1:
        return found
    other = paired.second.drop(columns=names[1])
    return found.join(other[[name for name in other.columns if name not in found]])


def predict_modality(
    both: Modalities,
    model: str,
    validation: Validation,
    *,
    group: str | None = None,
    top: int | None = None,
) -> tuple[Prediction, pd.DataFrame | None]:
    """Predict the second modality from the first.

    Parameters
    ----------
    both : Modalities
    model : {'lasso', 'ridge', 'network'}
    validation : Validation
        With all processors of this machine, if it says 1 worker.
    group : str, optional
        Column of what stays together; by default each row by itself.
    top : int, optional
        Also return so many features of each target (see `associations`).
    """
    if model not in MODELS:
        raise InvalidArgument(f"model should be one of {', '.join(MODELS)}, found {model!r}")
    chosen = MODELS[model]()
    workers = os.cpu_count() or 1
    groups = both.column(group).tolist() if group is not None else None
    features, targets = both.tables["first"], both.tables["second"]
    found = predict(features, targets, groups, chosen, replace(validation, workers=workers))
    if top is None:
        return found, None
    return found, associations(features, targets, groups, chosen, top=top, workers=workers)


def classify_mechanisms(
    modalities: Modalities, label: str, group: str, classifier: str, design: Design
) -> Mechanisms:
    """Predict the mechanism of each row from one modality, or from two and both together.

    Parameters
    ----------
    modalities : Modalities
    label, group : str
        Columns of the mechanism, and of what stays together, such as the compound.
    classifier : {'logistic', 'network'}
    design : Design
    """
    if classifier not in CLASSIFIERS:
        raise InvalidArgument(
            f"classifier should be one of {', '.join(CLASSIFIERS)}, found {classifier!r}"
        )
    labels = [one if isinstance(one, str) else None for one in modalities.column(label)]
    groups = modalities.column(group).tolist()
    return classify(modalities.tables, labels, groups, CLASSIFIERS[classifier](), design)


def nearest_mechanisms(
    modalities: Modalities, label: str, apart: Sequence[str], *, least: int = 1
) -> Neighbours:
    """Take the mechanism of each row from its nearest neighbour (see `nearest_labels`).

    Parameters
    ----------
    modalities : Modalities
        One of them.
    label : str
        Column of the mechanism; rows without are left out.
    apart : sequence of str
        Columns, such as compound and batch.
    least : int
        Different values of the first of `apart` that a label has at least.
    """
    if len(modalities.tables) > 1:
        raise InvalidArgument("neighbours are looked for in one modality, found 2 files")
    known = modalities.column(label).notna()
    if apart:
        counts = modalities.metadata.groupby(label)[apart[0]].transform("nunique")
        known &= counts >= least
    if known.sum() < 2:
        some = f" of at least {least} values of {apart[0]}" if apart and least > 1 else ""
        raise InvalidArgument(
            f"expected at least 2 rows with a {label}{some}, found {known.sum()}",
            hint="lower the least number (--least)" if some else "",
        )
    return nearest_labels(
        modalities.tables["first"][known.to_numpy()],
        modalities.metadata.loc[known, label].astype(str).tolist(),
        [modalities.column(name)[known].tolist() for name in apart],
    )


def draw_prediction(found: Prediction) -> Figure:
    """Draw the scores of all targets against their null."""
    count = len(found.predictable)
    limit = found.threshold + found.margin
    style = DistributionStyle(
        f"{count:,} of {len(found.scores):,} targets are predictable",
        "R² of rows held out, median over folds", "targets", "shuffled",
    )  # fmt: skip
    scores = found.scores
    # Rule: far below zero is wrong, however far; long tails would hide all others.
    clipped = [scores[name].clip(lower=-1).to_numpy() for name in ("score", "null")]
    return draw_distributions(clipped[0], clipped[1], (-np.inf, limit), style)


def draw_mechanisms(found: Mechanisms, approach: str) -> Figure:
    """Draw which mechanisms were taken for which."""
    some = found.scores[found.scores["approach"] == approach]
    title = f"{approach}: macro F1 {some['macro_f1'].mean():.3f}, mean over folds"
    return draw_confusion(found.confusion(approach), title)
