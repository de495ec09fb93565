"""One modality predicted from the other, and how much of it can be predicted at all.

The scores are those of Haghighi et al. (2022) [1]_, with what leaked in their code closed: a model
sees training rows only, its scaling too, and the null goes through the same choice of a model.

References
----------
.. [1] https://doi.org/10.1038/s41592-022-01667-0
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from cellfolio.errors import InvalidArgument
from cellfolio.evaluation.folds import Folds, check_apart, group_folds
from cellfolio.evaluation.linear import LinearFit
from cellfolio.evaluation.models import Lasso, Model
from cellfolio.profiles.statistics import Array

SCALINGS = ("training", "published")


@dataclass(frozen=True, slots=True)
class Validation:
    """How predictions are validated.

    Attributes
    ----------
    folds : int or sequence of int
        Their number; or the fold of each row, as an earlier result has kept them.
    margin : float
        By how much the score of a predictable target exceeds the threshold.
    seed : int
        Of the shuffling that gives the null.
    scaling : {'training', 'published'}
        Features and targets are standardized by training rows; or, as it was published, by all
        rows, which tells the model a little of those it is tested on.
    workers : int
        Threads; the result is the same for any number.
    """

    folds: int | Sequence[int] = 5
    margin: float = 0.2
    seed: int = 0
    scaling: str = "training"
    workers: int = 1


@dataclass(frozen=True, slots=True)
class Prediction:
    """How well targets are predicted.

    Attributes
    ----------
    scores : DataFrame
        One row for each target: ``target``; ``score``, the median over the folds of R²; ``null``,
        the same of its shuffled values; ``predictable``.
    fold_scores : DataFrame
        ``target``, ``fold``, ``r2``, ``null_r2``, and ``penalty`` where the model has one.
    folds : DataFrame
        ``row``, ``group`` and ``fold``: give them again to repeat this.
    threshold : float
        t99, the 99th percentile of the null over all targets.
    margin : float
    """

    scores: pd.DataFrame
    fold_scores: pd.DataFrame
    folds: pd.DataFrame = field(repr=False)
    threshold: float
    margin: float

    @property
    def predictable(self) -> list[str]:
        """Targets whose score exceeds the threshold by the margin."""
        return list(self.scores.loc[self.scores["predictable"], "target"])


def predict(
    features: pd.DataFrame,
    targets: pd.DataFrame,
    groups: Sequence[Hashable] | None = None,
    model: Model | None = None,
    validation: Validation | None = None,
) -> Prediction:
    """Predict each target from all features, cross-validated by group.

    Parameters
    ----------
    features, targets : DataFrame
        Numbers only. Both have the same rows, named by the index, such as perturbations.
    groups : sequence, optional
        What stays together, such as the compound of each row; by default each row by itself.
    model : Model, optional
        `Lasso` (the default), `Ridge` or `NeuralNetwork`.
    validation : Validation, optional

    Returns
    -------
    Prediction

    Raises
    ------
    InvalidArgument
        If a column is constant, or has missing or infinite values; if two rows of different folds
        have the same features; if rows do not agree.

    Notes
    -----
    R² of a fold is ``1 - sum((y - p)²) / sum((y - mean(y))²)``, with the mean of the fold. In the
    null the values of each target are shuffled over the rows, and everything is done again.

    Examples
    --------
    >>> from cellfolio.evaluation.models import Ridge
    >>> rng = np.random.default_rng(0)
    >>> cells = pd.DataFrame(rng.normal(size=(60, 4)), columns=list("abcd"))
    >>> genes = pd.DataFrame({"KRAS": 2 * cells["a"] - cells["b"], "TP53": rng.normal(size=60)})
    >>> predict(cells, genes, model=Ridge()).predictable
    ['KRAS']
    """
    model, validation = model or Lasso(), validation or Validation()
    pair = _checked(features, targets)
    names = list(range(len(features))) if groups is None else list(groups)
    folds = _folds(names, validation, [str(name) for name in features.index])
    check_apart(pair[0], folds, [str(name) for name in features.index])
    _check_folds_vary(targets, pair[1], folds)
    codes = pd.factorize(pd.Series(names, dtype=object))[0].astype(np.int64)
    shuffled = np.random.default_rng(validation.seed).permuted(pair[1], axis=0)
    parts = []
    for fold in np.unique(folds):
        known = folds != fold
        found = _score(model, (pair[0], pair[1]), codes, known, validation)
        null = _score(model, (pair[0], shuffled), codes, known, validation)
        told = {"target": list(targets.columns), "fold": fold, "r2": found[0], "null_r2": null[0]}
        if found[1] is not None:
            told["penalty"] = found[1]
        parts.append(pd.DataFrame(told))
    kept = pd.DataFrame({"row": features.index, "group": names, "fold": folds})
    return _summed(pd.concat(parts, ignore_index=True), list(targets.columns), kept, validation)


def associations(
    features: pd.DataFrame,
    targets: pd.DataFrame,
    groups: Sequence[Hashable] | None = None,
    model: Model | None = None,
    *,
    top: int = 10,
    workers: int = 1,
) -> pd.DataFrame:
    """Tell which features a model of all rows uses for each target; read by feature, the reverse.

    Nothing is tested here: ask `predict` which targets can be predicted.

    Parameters
    ----------
    features, targets, groups, model
        As for `predict`; a linear model.
    top : int
        Features for each target, at most.
    workers : int

    Returns
    -------
    DataFrame
        ``target``, ``feature``, ``weight`` (of standardized values), and ``rank`` by its size, from
        1. A target for which nothing is used has no row.

    Raises
    ------
    InvalidArgument

    Examples
    --------
    >>> cells = pd.DataFrame({"area": [1.0, 2, 3, 4, 6, 5], "round": [1.0, 0, 1, 0, 0, 1]})
    >>> genes = pd.DataFrame({"KRAS": cells["area"] * -3})
    >>> found = associations(cells, genes, model=Lasso(folds=3))
    >>> found[["target", "feature", "rank"]].values.tolist()
    [['KRAS', 'area', 1]]
    """
    pair = _checked(features, targets)
    codes = (
        np.arange(len(features))
        if groups is None
        else pd.factorize(pd.Series(list(groups), dtype=object))[0]
    )
    scaled = [_standardized(one, np.ones(len(one), dtype=bool)) for one in pair]
    fit = (model or Lasso()).fit(scaled[0], scaled[1], codes.astype(np.int64), workers=workers)
    if not isinstance(fit, LinearFit):
        raise InvalidArgument("expected a linear model: a network has no weight for each feature")
    order = np.argsort(-np.abs(fit.weights), axis=0, kind="stable")[:top]
    parts = [
        (target, features.columns[at], fit.weights[at, column], rank)
        for column, target in enumerate(targets.columns)
        for rank, at in enumerate(order[:, column], start=1)
        if fit.weights[at, column] != 0
    ]
    return pd.DataFrame(parts, columns=["target", "feature", "weight", "rank"])


def _checked(features: pd.DataFrame, targets: pd.DataFrame) -> tuple[Array, Array]:
    """Return both as arrays; refuse what no model can learn from, by its name."""
    if not features.index.equals(targets.index):
        raise InvalidArgument(
            "features and targets should have the same rows in the same order",
            hint="pair them first",
        )
    if not features.index.is_unique:
        twice = features.index[features.index.duplicated()][0]
        raise InvalidArgument(f"rows should have names of their own, found {twice!r} again")
    return _numbers(features, "feature"), _numbers(targets, "target")


def _numbers(table: pd.DataFrame, what: str) -> Array:
    if not table.size:
        raise InvalidArgument(f"expected at least one {what} and one row, found {table.shape}")
    if not table.columns.is_unique:
        twice = table.columns[table.columns.duplicated()][0]
        raise InvalidArgument(f"{what} {twice!r} is there more than once")
    for name, kind in table.dtypes.items():
        if kind.kind not in "fiub":
            raise InvalidArgument(f"{what} {name!r} should hold numbers, found {kind}")
    values = np.ascontiguousarray(table.to_numpy(dtype=np.float64, na_value=np.nan))
    for wrong, problem in (
        (np.isnan(values).any(axis=0), "misses values"),
        (np.isinf(values).any(axis=0), "has infinite values"),
        ((values == values[0]).all(axis=0), "is the same in all rows"),
    ):
        if wrong.any():
            names = table.columns[wrong]
            more = f" (and {len(names) - 1} more)" if len(names) > 1 else ""
            raise InvalidArgument(
                f"{what} {names[0]!r}{more} {problem}", hint="leave it out, or fill it, before"
            )
    return values


def _folds(groups: Sequence[Hashable], validation: Validation, rows: Sequence[str]) -> Folds:
    if len(groups) != len(rows):
        raise InvalidArgument(f"expected a group for each of {len(rows)} rows, found {len(groups)}")
    if validation.scaling not in SCALINGS:
        raise InvalidArgument(
            f"scaling should be one of {', '.join(SCALINGS)}, found {validation.scaling!r}"
        )
    if isinstance(validation.folds, int):
        return group_folds(groups, validation.folds)
    folds = np.asarray(validation.folds, dtype=np.int64)
    if folds.shape != (len(rows),) or len(np.unique(folds)) < 2:
        raise InvalidArgument(f"expected one of at least 2 folds for each of {len(rows)} rows")
    spread = pd.Series(folds).groupby(pd.Series(list(groups), dtype=object)).nunique()
    if (spread > 1).any():
        raise InvalidArgument(f"group {str(spread.idxmax())!r} is in {spread.max()} folds")
    return folds


def _check_folds_vary(targets: pd.DataFrame, values: Array, folds: Folds) -> None:
    for fold in np.unique(folds):
        flat = np.ptp(values[folds == fold], axis=0) == 0
        if flat.any():
            raise InvalidArgument(
                f"target {targets.columns[flat][0]!r} is the same in all rows of fold {fold}, so "
                "that it has no R² there",
                hint="leave it out, or take fewer folds",
            )


def _score(
    model: Model, pair: tuple[Array, Array], groups: Folds, known: Folds, validation: Validation
) -> tuple[Array, Array | None]:
    """Return R² of each target in the rows that are not known, and the penalties if there are."""
    learned = np.ones_like(known) if validation.scaling == "published" else known
    features, targets = (_standardized(values, learned) for values in pair)
    fit = model.fit(features[known], targets[known], groups[known], workers=validation.workers)
    tested = targets[~known]
    off = ((tested - fit.predict(features[~known])) ** 2).sum(axis=0)
    spread = ((tested - tested.mean(axis=0)) ** 2).sum(axis=0)
    return _r2(off, spread), getattr(fit, "penalties", None)


def _r2(off: Array, spread: Array) -> Array:
    # A shuffled target may be the same in all rows of a fold; then nothing is explained.
    explained = np.zeros_like(off)
    np.divide(off, spread, out=explained, where=spread > 0)
    return np.where(spread > 0, 1 - explained, 0.0)


def _standardized(values: Array, learned: Folds) -> Array:
    """Standardize by some rows; what is the same in all of them is only centred."""
    mean, scale = values[learned].mean(axis=0), values[learned].std(axis=0)
    scale = np.where(np.ptp(values[learned], axis=0) == 0, 1.0, scale)
    found: Array = (values - mean) / scale
    return found


def _summed(
    fold_scores: pd.DataFrame, targets: list[str], folds: pd.DataFrame, validation: Validation
) -> Prediction:
    medians = fold_scores.groupby("target", sort=False)[["r2", "null_r2"]].median()
    threshold = float(np.percentile(medians["null_r2"], 99))
    scores = medians.loc[targets].reset_index()
    scores.columns = pd.Index(["target", "score", "null"])
    scores["predictable"] = scores["score"] > threshold + validation.margin
    return Prediction(scores, fold_scores, folds, threshold, validation.margin)
