"""Folds of cross-validation: rows of one group are never on both sides.

Folds depend on the names and sizes of groups, and on nothing else: not on the order of rows, nor on
the version of a library that sorts ties its own way.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from cellfolio.errors import InvalidArgument
from cellfolio.profiles.statistics import Array

Folds: TypeAlias = npt.NDArray[np.int64]
"""The fold of each row, from 0."""


def group_folds(groups: Sequence[Hashable], count: int, *, seed: int | None = None) -> Folds:
    """Deal groups into folds: the largest first, each into the fold with the fewest rows.

    Parameters
    ----------
    groups : sequence
        The group of each row, such as its compound.
    count : int
        Number of folds, at least 2.
    seed : int, optional
        Groups of one size come in an order of chance; by default in the order of their names.

    Returns
    -------
    array of int, shape (rows,)

    Raises
    ------
    InvalidArgument
        If there are fewer groups than folds, or a row has no group.

    Examples
    --------
    >>> group_folds(["b", "a", "b", "c"], 2)
    array([0, 1, 0, 1])
    """
    names, codes = _coded(groups, "group")
    _check_count(count, len(names), "groups")
    sizes = np.bincount(codes, minlength=len(names))
    rows = np.zeros(count, dtype=np.int64)
    place = np.empty(len(names), dtype=np.int64)
    for group in _order(sizes, seed):
        place[group] = rows.argmin()
        rows[place[group]] += sizes[group]
    return place[codes]


def stratified_group_folds(
    labels: Sequence[Hashable],
    groups: Sequence[Hashable],
    count: int,
    *,
    seed: int | None = None,
) -> Folds:
    """Deal groups into folds so that each label is spread over as many as it can be.

    Parameters
    ----------
    labels, groups : sequence
        Label and group of each row. A group has one label.
    count : int
    seed : int, optional
        See `group_folds`.

    Raises
    ------
    InvalidArgument
        Also if a group has several labels.

    Examples
    --------
    >>> stratified_group_folds(["x", "x", "y", "y"], ["a", "b", "c", "d"], 2)
    array([0, 1, 0, 1])
    """
    names, codes = _coded(groups, "group")
    kinds, label_codes = _coded(labels, "label")
    _check_count(count, len(names), "groups")
    label_of = np.full(len(names), -1, dtype=np.int64)
    label_of[codes] = label_codes
    several = np.flatnonzero(label_of[codes] != label_codes)
    if len(several):
        name = names[codes[several[0]]]
        raise InvalidArgument(f"expected one label for each group, found several of {name!r}")
    sizes = np.bincount(codes, minlength=len(names))
    rows = np.zeros((len(kinds), count), dtype=np.int64)
    place = np.empty(len(names), dtype=np.int64)
    for group in _order(sizes, seed):
        label = label_of[group]
        place[group] = np.lexsort((rows.sum(axis=0), rows[label]))[0]
        rows[label, place[group]] += sizes[group]
    return place[codes]


def check_apart(features: Array, folds: Folds, names: Sequence[str]) -> None:
    """Refuse rows that are the same in two folds: what is tested would have been learned.

    Parameters
    ----------
    features : array of float, shape (rows, features)
    folds : array of int, shape (rows,)
    names : sequence of str
        Of the rows, for the message.

    Raises
    ------
    InvalidArgument
    """
    _, codes = np.unique(features, axis=0, return_inverse=True)
    codes = codes.ravel()
    first = pd.Series(folds).groupby(codes).transform("min").to_numpy()
    apart = np.flatnonzero(folds != first)
    if len(apart):
        row = int(apart[0])
        twin = int(np.flatnonzero((codes == codes[row]) & (folds == first[row]))[0])
        raise InvalidArgument(
            f"{names[twin]} and {names[row]} have the same values and are in different folds "
            f"({folds[twin]} and {folds[row]})",
            hint="leave one out, or give both the same group",
        )


def _coded(values: Sequence[Hashable], what: str) -> tuple[list[str], Folds]:
    """Return sorted names and the number of each value's."""
    found = pd.Series(list(values), dtype=object)
    if found.isna().any():
        raise InvalidArgument(f"row {int(found.isna().argmax())} has no {what}")
    codes, names = pd.factorize(found.astype(str), sort=True)
    return [str(name) for name in names], codes.astype(np.int64)


def _check_count(count: int, there: int, what: str) -> None:
    if not 2 <= count <= there:
        raise InvalidArgument(
            f"expected at least 2 folds and no more than there are {what} ({there}), found {count}"
        )


def _order(sizes: Folds, seed: int | None) -> Folds:
    """Return the groups, the largest first."""
    number = (
        np.arange(len(sizes))
        if seed is None
        else np.random.default_rng(seed).permutation(len(sizes))
    )
    return np.lexsort((number, -sizes))
