"""How well labels were predicted: confusion, precision, recall, F1."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
import pandas as pd


def confusion(true: Sequence[Hashable] | Any, predicted: Sequence[Hashable] | Any) -> pd.DataFrame:
    """Count predictions: rows are true labels, columns predicted ones, both sorted.

    Examples
    --------
    >>> confusion(["a", "a", "b"], ["a", "b", "b"]).values.tolist()
    [[1, 1], [0, 1]]
    """
    names = sorted({*true, *predicted})
    codes = {name: at for at, name in enumerate(names)}
    counts = np.zeros((len(names), len(names)), dtype=np.int64)
    np.add.at(counts, ([codes[one] for one in true], [codes[one] for one in predicted]), 1)
    return pd.DataFrame(
        counts, index=pd.Index(names, name="true"), columns=pd.Index(names, name="predicted")
    )


def by_label(counts: pd.DataFrame) -> pd.DataFrame:
    """Return precision, recall and F1 of each label.

    Parameters
    ----------
    counts : DataFrame
        As `confusion` returns it.

    Returns
    -------
    DataFrame
        ``label``, ``rows``, ``precision``, ``recall``, ``f1``; each is 0 where nothing of the label
        was, or was predicted.

    Examples
    --------
    >>> by_label(confusion(["a", "a", "b"], ["a", "b", "b"])).round(2).values.tolist()
    [['a', 2, 1.0, 0.5, 0.67], ['b', 1, 0.5, 1.0, 0.67]]
    """
    right = np.diag(counts.to_numpy()).astype(np.float64)
    rows, told = counts.sum(axis=1).to_numpy(), counts.sum(axis=0).to_numpy()
    return pd.DataFrame(
        {
            "label": counts.index,
            "rows": rows,
            "precision": right / np.maximum(told, 1),
            "recall": right / np.maximum(rows, 1),
            "f1": 2 * right / np.maximum(rows + told, 1),
        }
    )


def macro_f1(true: Sequence[Hashable] | Any, predicted: Sequence[Hashable] | Any) -> float:
    """Return the mean F1 of all labels that are true or predicted somewhere.

    Examples
    --------
    >>> round(macro_f1(["a", "a", "b"], ["a", "b", "b"]), 3)
    0.667
    """
    return float(by_label(confusion(true, predicted))["f1"].mean())
