"""Folds: groups stay together, and folds are as equal as groups let them be."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellfolio.errors import InvalidArgument
from cellfolio.evaluation import group_folds, stratified_group_folds
from cellfolio.evaluation.folds import check_apart

GROUPS = st.lists(st.sampled_from("abcdefghijk"), min_size=8, max_size=60)


@given(GROUPS, st.integers(2, 4), st.one_of(st.none(), st.integers(0, 99)))
def test_groups_stay_together_and_folds_are_even(
    groups: list[str], count: int, seed: int | None
) -> None:
    if len(set(groups)) < count:
        with pytest.raises(InvalidArgument, match="no more than there are groups"):
            group_folds(groups, count, seed=seed)
        return
    folds = group_folds(groups, count, seed=seed)
    assert all(
        len({fold for one, fold in zip(groups, folds, strict=True) if one == name}) == 1
        for name in groups
    )
    sizes = np.bincount(folds, minlength=count)
    assert sizes.min() > 0
    assert sizes.max() - sizes.min() <= max(map(groups.count, groups))


@given(GROUPS, st.randoms())
def test_order_of_rows_does_not_matter(groups: list[str], random: object) -> None:
    if len(set(groups)) < 2:
        return
    of = dict(zip(groups, group_folds(groups, 2).tolist(), strict=True))
    random.shuffle(groups)  # type: ignore[attr-defined]
    assert of == dict(zip(groups, group_folds(groups, 2).tolist(), strict=True))


@given(st.lists(st.sampled_from("xyz"), min_size=12, max_size=40), st.integers(2, 3))
def test_labels_are_spread(labels: list[str], count: int) -> None:
    groups = list(range(len(labels)))  # each by itself: then labels can be spread evenly
    folds = stratified_group_folds(labels, groups, count)
    for label in set(labels):
        some = folds[[one == label for one in labels]]
        sizes = np.bincount(some, minlength=count)
        assert sizes.max() - sizes.min() <= 1


def test_group_of_two_labels_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="several of 'a'"):
        stratified_group_folds(["x", "y", "x"], ["a", "a", "b"], 2)


def test_row_without_group_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="row 1 has no group"):
        group_folds(["a", None, "b"], 2)


def test_same_rows_in_two_folds_are_named() -> None:
    values = np.array([[1.0, 2], [3, 4], [1, 2], [1, 2]])
    check_apart(values, np.array([0, 1, 0, 0]), list("abcd"))
    with pytest.raises(InvalidArgument, match="a and d have the same values"):
        check_apart(values, np.array([0, 1, 0, 1]), list("abcd"))
