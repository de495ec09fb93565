"""Ranks as a normal distribution, and sphering with an elbow: scikit-learn and kneed as judges."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kneed import KneeLocator
from sklearn.preprocessing import QuantileTransformer

from cellfolio.errors import InvalidArgument
from cellfolio.profiles import ElbowSpherize, InverseNormal, normalize
from cellfolio.profiles.elbow import find_elbow
from cellfolio.profiles.statistics import Array
from tests.profiles.peer import CONTROLS, ask, assert_same, matrix, tables

SEEDS = st.integers(0, 2**32 - 1)


@pytest.mark.filterwarnings("ignore:All-NaN slice:RuntimeWarning")
@given(table=tables())
@settings(max_examples=15)
def test_ranks_are_those_of_pycytominer(table: pd.DataFrame) -> None:
    for reference in (None, CONTROLS):
        if reference and not (table["Metadata_control_type"] == "negcon").any():
            continue
        ours = normalize(table, InverseNormal(), reference=reference)
        peer = ask("normalize", table, method="inverse_normal", samples=reference or "all")
        assert_same(ours, peer)


@pytest.mark.parametrize("rows", [1200, 11_000])
def test_all_rows_count(rows: int) -> None:
    rng = np.random.default_rng(3)
    values = rng.normal(size=(3, rows)).round(2)  # many ties
    values[1, ::7] = np.nan
    judge = QuantileTransformer(n_quantiles=1000, output_distribution="normal", subsample=None)
    judge.fit(values.T)
    others = values + rng.normal(size=values.shape) * 0.3
    found = InverseNormal().fit(values, ("a", "b", "c")).apply(others)
    np.testing.assert_allclose(found, judge.transform(others.T).T, rtol=1e-9)


def test_ranks_of_what_cannot_be_ranked() -> None:
    table = pd.DataFrame({"Cells_A": [1.0, np.inf], "Cells_B": [1.0, 2.0]})
    with pytest.raises(InvalidArgument, match="infinite are some of 1 features: Cells_A"):
        normalize(table, InverseNormal())
    with pytest.raises(InvalidArgument, match="at least 1"):
        InverseNormal(0)


@given(seed=SEEDS, count=st.integers(1, 60), shape=st.floats(0.3, 4))
def test_elbows_are_those_of_kneed(seed: int, count: int, shape: float) -> None:
    rng = np.random.default_rng(seed)
    values = np.sort(rng.pareto(shape, count).round(int(rng.integers(0, 9))))[::-1]
    wanted = None
    if count > 1 and np.ptp(values) > 0:
        judge = KneeLocator(range(count), values, S=1.0, curve="convex", direction="decreasing")
        wanted = judge.elbow
    if wanted is None:
        with pytest.raises(InvalidArgument, match="no elbow"):
            find_elbow(values)
    else:
        assert find_elbow(values) == wanted


def published_form(reference: Array, values: Array) -> Array:
    """Sphere rows as CPJUMP1 did, step by step: an SVD, and matrices written out."""
    centre = reference.mean(axis=0)
    rest = reference - centre
    variance = np.diag(rest.T @ rest / (len(reference) - 1))
    turned, sizes, _ = np.linalg.svd(np.nan_to_num(pd.DataFrame(rest).corr().to_numpy()))
    places = range(len(sizes))
    elbow = KneeLocator(places, sizes, S=1.0, curve="convex", direction="decreasing").elbow
    gains = np.diag(1 / np.sqrt(sizes.clip(sizes[elbow] / 10)))
    matrix = turned @ gains @ turned.T @ np.diag(1 / np.sqrt(variance.clip(1e-3)))
    return np.asarray((values - centre) @ matrix.T)


@pytest.mark.parametrize(("rows", "features"), [(60, 20), (40, 90), (300, 30)])
def test_sphering_is_that_of_cpjump1(rows: int, features: int) -> None:
    rng = np.random.default_rng(rows)
    values = rng.normal(size=(rows, 4)) @ rng.normal(size=(4, features)) * 3
    values += rng.normal(size=values.shape) * rng.uniform(0.001, 1, features)
    values[:, 2] = 1.5  # constant
    table = pd.DataFrame(values, columns=[f"efficientnet_{n}" for n in range(features)])
    table.insert(0, "Metadata_control_type", ["negcon", None] * (rows // 2))
    before = table.copy()
    found = normalize(table, ElbowSpherize(), reference=CONTROLS)
    wanted = published_form(values[::2], values)
    np.testing.assert_allclose(matrix(found), wanted, rtol=1e-7, atol=1e-8)
    pd.testing.assert_frame_equal(table, before)


def test_of_thousands_of_features_rounding_does_not_decide() -> None:
    """The elbow of all eigenvalues is where they become zero; so it is that of the others."""
    rng = np.random.default_rng(3)
    values = rng.normal(size=(40, 12)) * rng.uniform(0.2, 3, 12) @ rng.normal(size=(12, 3000))
    values += 20 * rng.normal(size=values.shape)
    rest = values[:30] - values[:30].mean(axis=0)
    scaled = rest / np.sqrt(np.square(rest).sum(axis=0))
    directions, sizes, _ = np.linalg.svd(scaled.T, full_matrices=False)
    sizes = np.square(sizes[:29])
    assert find_elbow(np.pad(sizes, (0, 3000 - 29))) >= 29
    judge = KneeLocator(range(29), sizes, S=1.0, curve="convex", direction="decreasing")
    least = sizes[judge.elbow] / 10
    before = (values - values[:30].mean(axis=0)) / np.std(values[:30], axis=0, ddof=1)
    along = before @ directions[:, :29]
    gains = 1 / np.sqrt(np.maximum(sizes, least)) - 1 / np.sqrt(least)
    wanted = before / np.sqrt(least) + (along * gains) @ directions[:, :29].T
    found = ElbowSpherize().fit(values[:30].T, tuple(map(str, range(3000)))).apply(values.T)
    np.testing.assert_allclose(found.T, wanted, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize(
    ("change", "told"),
    [(np.nan, "without missing values"), (np.inf, "infinite are some of 1 features")],
)
def test_sphering_needs_whole_features(change: float, told: str) -> None:
    table: Any = pd.DataFrame(np.eye(5) + 1, columns=[f"net_{n}" for n in range(5)])
    table.iloc[0, 0] = change
    with pytest.raises(InvalidArgument, match=told):
        normalize(table, ElbowSpherize())
