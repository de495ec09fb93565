"""Mechanisms of action told from profiles: of one modality, or of several together.

Folds keep a compound together and spread each mechanism. Whatever is learned, scaling and joint
reduction too, is learned from training rows.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from cellfolio.errors import InvalidArgument
from cellfolio.evaluation.agreement import by_label, confusion, macro_f1
from cellfolio.evaluation.classifiers import Classifier, LogisticRegression, fit_best
from cellfolio.evaluation.folds import Folds, check_apart, stratified_group_folds
from cellfolio.profiles.scaling import Standardize
from cellfolio.profiles.statistics import Array

FUSIONS = ("early", "late", "joint")


@dataclass(frozen=True, slots=True)
class Design:
    """Which rows are classified, and how that is validated.

    Attributes
    ----------
    folds, inner_folds : int
        The inner ones choose the strength of the classifier.
    least : int
        Groups (compounds) that a label has at least; rows of others are left out.
    components : int
        Of the joint reduction, at most.
    """

    folds: int = 5
    inner_folds: int = 3
    least: int = 5
    components: int = 50


@dataclass(frozen=True, slots=True)
class Mechanisms:
    """Predicted labels.

    Attributes
    ----------
    scores : DataFrame
        ``approach`` (a modality, ``early``, ``late`` or ``joint``), ``fold``, ``macro_f1``,
        ``accuracy``.
    predictions : DataFrame
        ``row``, ``group``, ``fold``, ``label``, and a column of predictions for each approach.
    left_out : DataFrame
        ``label``, ``groups``, ``rows``: labels of too few groups.
    """

    scores: pd.DataFrame
    predictions: pd.DataFrame = field(repr=False)
    left_out: pd.DataFrame

    def confusion(self, approach: str) -> pd.DataFrame:
        """Return how often each label was predicted for each, all folds together."""
        return confusion(self.predictions["label"], self.predictions[approach])

    def labels(self, approach: str) -> pd.DataFrame:
        """Return precision, recall and F1 of each label, all folds together."""
        return by_label(self.confusion(approach))


def classify(
    modalities: Mapping[str, pd.DataFrame],
    labels: Sequence[str | None],
    groups: Sequence[Hashable],
    classifier: Classifier | None = None,
    design: Design | None = None,
) -> Mechanisms:
    """Predict the label of each row, cross-validated by group and stratified by label.

    With several modalities, each is taken by itself and all together in three ways: ``early`` puts
    their features side by side; ``late`` takes the mean of the probabilities that a classifier of
    each gives; ``joint`` reduces them to common components (multiple factor analysis [1]_: each
    modality is divided by its largest singular value, so that none drowns the others, then come
    principal components).

    Parameters
    ----------
    modalities : mapping of str to DataFrame
        Features by name of the modality; all have the same rows.
    labels : sequence of str or None
        Mechanism of each row; rows without are left out.
    groups : sequence
        What stays together, such as the compound.
    classifier : Classifier, optional
        `LogisticRegression` (the default) or `NeuralClassifier`; both need scikit-learn.
    design : Design, optional

    Returns
    -------
    Mechanisms

    Raises
    ------
    InvalidArgument
        If a value is missing, rows do not agree, fewer than two labels are left, a group has
        several labels, or rows of two folds have the same features.

    References
    ----------
    .. [1] Escofier, Pagès 1994, Multiple factor analysis,
       https://doi.org/10.1016/0167-9473(94)90135-X
    """
    design = design or Design()
    table, left_out = _rows(modalities, labels, groups, design)
    values = {name: _values(one, name)[table["place"]] for name, one in modalities.items()}
    label_names, codes = np.unique(table["label"].astype(str), return_inverse=True)
    group_codes = pd.factorize(table["group"])[0].astype(np.int64)
    folds = stratified_group_folds(codes.tolist(), group_codes.tolist(), design.folds)
    check_apart(np.hstack(list(values.values())), folds, table["row"].astype(str).tolist())
    names = [*values, *(FUSIONS if len(values) > 1 else ())]
    predicted = {name: np.empty(len(codes), dtype=np.int64) for name in names}
    for fold in range(design.folds):
        known = folds != fold
        chances = _chances(
            values, codes, group_codes, known, classifier or LogisticRegression(), design
        )
        for name, found in chances:
            predicted[name][~known] = found.argmax(axis=1)
    told = {name: label_names[found] for name, found in predicted.items()}
    kept = table.drop(columns="place").assign(fold=folds, **told)
    return Mechanisms(_scores(kept, names), kept, left_out)


def _rows(
    modalities: Mapping[str, pd.DataFrame],
    labels: Sequence[str | None],
    groups: Sequence[Hashable],
    design: Design,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the rows that are classified, and the labels that are left out."""
    if not modalities:
        raise InvalidArgument("expected at least one modality, found none")
    reserved = sorted({*FUSIONS, "row", "group", "fold", "label"} & set(modalities))
    if reserved:
        raise InvalidArgument(f"a modality cannot be called {reserved[0]!r}")
    first = next(iter(modalities.values()))
    if any(not one.index.equals(first.index) for one in modalities.values()):
        raise InvalidArgument("modalities should have the same rows", hint="pair them first")
    if not len(labels) == len(groups) == len(first):
        raise InvalidArgument(
            f"expected a label and a group for each of {len(first)} rows, found {len(labels)} "
            f"and {len(groups)}"
        )
    table = pd.DataFrame({"row": first.index, "group": list(groups), "label": list(labels)})
    table["place"] = np.arange(len(table))
    table = table.dropna(subset=["label", "group"])
    counts = table.groupby("label").agg(groups=("group", "nunique"), rows=("row", "size"))
    least = max(design.least, 2)
    few = counts[counts["groups"] < least]
    if len(counts) - len(few) < 2:
        raise InvalidArgument(
            f"expected at least 2 labels of {least} groups or more, found {len(counts) - len(few)} "
            f"among {len(counts)}",
            hint="lower the least number of groups, if that is enough to learn from",
        )
    return table[~table["label"].isin(few.index)].reset_index(drop=True), few.reset_index()


def _values(table: pd.DataFrame, name: str) -> Array:
    odd = [column for column, kind in table.dtypes.items() if kind.kind not in "fiub"]
    if odd or not table.size:
        raise InvalidArgument(f"{name} should have numbers only, found {odd[:1] or table.shape}")
    values: Array = table.to_numpy(dtype=np.float64)
    wrong = np.flatnonzero(~np.isfinite(values).all(axis=0))
    if len(wrong):
        raise InvalidArgument(
            f"{name}: feature {table.columns[wrong[0]]!r} misses values or has infinite ones",
            hint="leave it out, or fill it, before",
        )
    return values


def _chances(
    values: Mapping[str, Array],
    labels: Folds,
    groups: Folds,
    known: Folds,
    classifier: Classifier,
    design: Design,
) -> Iterator[tuple[str, Array]]:
    """Yield the probabilities of the labels of rows that are not known, by approach."""
    scaled = {name: _standardized(one, known) for name, one in values.items()}
    count = int(labels.max()) + 1

    def ask(features: Array) -> Array:
        model = fit_best(
            classifier, features[known], labels[known], groups[known], design.inner_folds
        )
        found = np.zeros((int((~known).sum()), count))
        found[:, model.classes_] = model.predict_proba(features[~known])
        return found

    alone = {name: ask(features) for name, features in scaled.items()}
    yield from alone.items()
    if len(scaled) > 1:
        yield "early", ask(np.hstack(list(scaled.values())))
        yield "late", np.mean(list(alone.values()), axis=0)
        yield "joint", ask(_joint(list(scaled.values()), known, design.components))


def _standardized(values: Array, known: Folds) -> Array:
    fitted = Standardize().fit(values[known].T, tuple(map(str, range(values.shape[1]))))
    return fitted.apply(values.T).T


def _joint(parts: Sequence[Array], known: Folds, components: int) -> Array:
    """Return common components, learned from the known rows."""
    weighted = np.hstack([part / np.linalg.norm(part[known], 2) for part in parts])
    _, sizes, axes = np.linalg.svd(weighted[known], full_matrices=False)
    kept = axes[: min(components, int((sizes > 1e-10 * sizes[0]).sum()))]
    found: Array = weighted @ kept.T
    return np.asarray(found * np.sqrt(known.sum()) / sizes[0], dtype=np.float64)


def _scores(table: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    rows = [
        (name, fold, macro_f1(some["label"], some[name]), (some["label"] == some[name]).mean())
        for name in names
        for fold, some in table.groupby("fold")
    ]
    return pd.DataFrame(rows, columns=["approach", "fold", "macro_f1", "accuracy"])
