"""Ridge and lasso: what scikit-learn finds when it is made to converge."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import Lasso, LassoCV, LinearRegression, Ridge, RidgeCV
from sklearn.model_selection import PredefinedSplit
from sklearn.preprocessing import StandardScaler

from cellfolio.errors import InvalidArgument
from cellfolio.evaluation import fit_lasso, fit_ridge
from cellfolio.evaluation.descent import PATIENT, descend
from cellfolio.evaluation.homotopy import _ROOM, follow_path
from cellfolio.evaluation.lasso import PUBLISHED_PENALTIES
from tests.evaluation.cdrp import read_cdrp

CONVERGED: dict[str, Any] = {"tol": 1e-12, "max_iter": 1_000_000}


def made(rows: int, features: int, seed: int, rank: int = 0) -> tuple[Any, Any]:
    """Make features, some of which depend on others if a rank is given, and targets."""
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(rows, features))
    if rank:
        values = values[:, :rank] @ rng.normal(size=(rank, features))
    targets = values[:, :3] @ rng.normal(size=(3, 4)) + rng.normal(size=(rows, 4))
    scale = StandardScaler().fit_transform
    return scale(values), scale(targets)


@settings(max_examples=25)
@given(st.integers(12, 60), st.integers(1, 50), st.integers(0, 10_000))
def test_path_is_that_of_a_converged_solver(rows: int, features: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(rows, features)) @ np.diag(rng.uniform(0.2, 3, features))
    target = rng.normal(size=rows) + values[:, 0]
    values, target = values - values.mean(axis=0), target - target.mean()
    penalties = np.array([0.5, 0.2, 0.1, 0.05])
    found = np.zeros((4, features))
    gram, products = values.T @ values / rows, values.T @ target / rows
    assert follow_path(gram, products, penalties, found) < 1e-10
    swept = np.zeros((4, features))
    off = descend(gram, products, penalties, 100, swept)
    assert off == np.inf or off < 1e-9
    if rows > 2 * features and off < np.inf:
        np.testing.assert_allclose(swept, found, atol=1e-7)
    for penalty, weights in zip(penalties, found, strict=True):
        peer = Lasso(penalty, fit_intercept=False, **CONVERGED).fit(values, target)
        # With more features than rows the weights may not be unique; the fit is.
        np.testing.assert_allclose(values @ weights, values @ peer.coef_, atol=1e-5)


@pytest.mark.parametrize("kind", ["twins", "sums", "small integers", "constant"])
def test_path_through_features_that_depend_on_each_other(kind: str) -> None:
    rng = np.random.default_rng(3)
    values = rng.normal(size=(40, 12))
    if kind == "twins":
        values = np.hstack([values, values])
    elif kind == "sums":
        values = np.hstack([values, values[:, :4] + values[:, 4:8], -values[:, :3]])
    elif kind == "small integers":
        values = rng.integers(-1, 2, (40, 30)).astype(float)
    else:
        values[:, 4] = 0
    values -= values.mean(axis=0)
    target = rng.normal(size=40) + values[:, 0] - values[:, 1]
    target -= target.mean()
    penalties = np.array([0.3, 0.1, 0.03, 0.01, 0.001])
    found, slow = np.zeros((5, values.shape[1])), np.zeros((5, values.shape[1]))
    gram, products = values.T @ values / 40, values.T @ target / 40
    assert follow_path(gram, products, penalties, found) < 1e-9
    assert descend(gram, products, penalties, PATIENT, slow) < 1e-9
    np.testing.assert_allclose(values @ found.T, values @ slow.T, atol=1e-6)


@pytest.mark.slow  # as Python, the kernels take seconds
def test_path_of_more_features_than_there_was_room_for() -> None:
    rng = np.random.default_rng(8)
    values, target = rng.normal(size=(400, 300)), rng.normal(size=400)
    penalties = np.array([0.1, 0.05, 0.01])
    found, slow = np.full((3, 300), 9.0), np.zeros((3, 300))
    gram, products = values.T @ values / 400, values.T @ target / 400
    assert follow_path(gram, products, penalties, found) < 1e-10
    assert (found[2] != 0).sum() > _ROOM
    assert descend(gram, products, penalties, PATIENT, slow) < 1e-9
    np.testing.assert_allclose(found, slow, atol=1e-6)


@pytest.mark.parametrize(("rows", "features", "rank"), [(60, 20, 0), (40, 70, 0), (60, 20, 7)])
def test_lasso_chooses_and_finds_as_scikit_learn(rows: int, features: int, rank: int) -> None:
    values, targets = made(rows, features, 1, rank)
    folds = np.arange(rows) % 4
    penalties = [0.3, 0.02, 0.1, 0.05]
    fit = fit_lasso(values, targets, folds, penalties)
    for at in range(4):
        peer = LassoCV(alphas=penalties, cv=PredefinedSplit(folds), **CONVERGED)
        peer.fit(values, targets[:, at])
        assert fit.penalties[at] == peer.alpha_
        np.testing.assert_allclose(fit.predict(values)[:, at], peer.predict(values), atol=1e-6)
        order = [list(peer.alphas_).index(one) for one in penalties]
        np.testing.assert_allclose(fit.errors[:, at], peer.mse_path_.mean(axis=1)[order], atol=1e-7)


@pytest.mark.slow
def test_lasso_of_real_data_is_converged(shared: Path) -> None:
    morphology, expression = read_cdrp(shared)
    values = StandardScaler().fit_transform(morphology)
    targets = StandardScaler().fit_transform(expression)[:, :6]
    fit = fit_lasso(values, targets, np.arange(162) % 5, workers=2)
    rest = values.T @ (targets - fit.predict(values)) / 162
    used = fit.weights != 0
    assert used.any()
    assert np.abs(rest - fit.penalties * np.sign(fit.weights))[used].max() < 1e-10
    assert (np.abs(rest) - fit.penalties).max() < 1e-10
    for at in range(6):
        peer = Lasso(fit.penalties[at], **CONVERGED).fit(values, targets[:, at])
        np.testing.assert_allclose(fit.weights[:, at], peer.coef_, atol=1e-6)
    again = fit_lasso(values, targets, np.arange(162) % 5, workers=1)
    assert again.weights.tobytes() == fit.weights.tobytes()


@pytest.mark.parametrize(("rows", "features"), [(60, 20), (40, 70)])
def test_ridge_is_scikit_learns(rows: int, features: int) -> None:
    values, targets = made(rows, features, 2)
    penalties = [0.1, 1.0, 10.0, 100.0]
    fit = fit_ridge(values + 3, targets - 1, penalties)
    peer = RidgeCV(penalties, alpha_per_target=True).fit(values + 3, targets - 1)
    np.testing.assert_array_equal(fit.penalties, peer.alpha_)
    np.testing.assert_allclose(fit.weights.T, peer.coef_, atol=1e-10)
    np.testing.assert_allclose(fit.intercepts, peer.intercept_, atol=1e-10)


def test_ridge_of_real_data_is_scikit_learns(shared: Path) -> None:
    morphology, expression = read_cdrp(shared)
    values = StandardScaler().fit_transform(morphology)
    penalties = np.logspace(0, 5, 6)
    fit = fit_ridge(values, expression.to_numpy(), penalties.tolist())
    peer = RidgeCV(penalties, alpha_per_target=True).fit(values, expression)
    np.testing.assert_array_equal(fit.penalties, peer.alpha_)
    np.testing.assert_allclose(fit.weights.T, peer.coef_, atol=1e-10)


@pytest.mark.parametrize("features", [8, 60])
def test_error_of_groups_left_out_is_what_refitting_gives(features: int) -> None:
    values, targets = made(40, features, 4)
    groups = np.arange(40) // 3
    fit = fit_ridge(values, targets, [1.0, 50.0], groups=groups)
    for at, penalty in enumerate((1.0, 50.0)):
        off = np.zeros(4)
        for group in np.unique(groups):
            held = groups == group
            peer = Ridge(alpha=penalty).fit(values[~held], targets[~held])
            off += ((targets[held] - peer.predict(values[held])) ** 2).sum(axis=0)
        np.testing.assert_allclose(fit.errors[at], off / 40, rtol=1e-9)


def test_ridge_of_next_to_no_penalty_is_least_squares() -> None:
    values, targets = made(50, 5, 5)
    fit = fit_ridge(values, targets, [1e-10])
    np.testing.assert_allclose(fit.weights.T, LinearRegression().fit(values, targets).coef_)


def test_arguments_stay_as_they_were() -> None:
    values, targets = made(30, 10, 6)
    before = values.tobytes() + targets.tobytes()
    fit_ridge(values, targets)
    fit_lasso(values, targets, np.arange(30) % 3)
    assert values.tobytes() + targets.tobytes() == before


def test_what_cannot_be_fitted_is_refused() -> None:
    values, targets = made(30, 10, 7)
    with pytest.raises(InvalidArgument, match="penalties should be positive"):
        fit_ridge(values, targets, [0.0, 1.0])
    with pytest.raises(InvalidArgument, match="penalties should be positive"):
        fit_lasso(values, targets, np.arange(30) % 3, [])
    with pytest.raises(InvalidArgument, match="at least 2 folds"):
        fit_lasso(values, targets, np.zeros(30, dtype=np.int64))
    with pytest.raises(InvalidArgument, match="features have 29 rows, targets have 30"):
        fit_ridge(values[1:], targets)
    values[3, 4] = np.nan
    with pytest.raises(InvalidArgument, match="features should be finite"):
        fit_ridge(values, targets)


def test_published_penalties_are_28() -> None:
    assert len(PUBLISHED_PENALTIES) == 28
    assert PUBLISHED_PENALTIES[0] == pytest.approx(0.2 / 19)
    assert PUBLISHED_PENALTIES[-1] == 0.5
