"""Prediction across modalities: finds what is there, nothing in noise, and leaks nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import RidgeCV
from sklearn.metrics import r2_score

from cellfolio.errors import InvalidArgument
from cellfolio.evaluation import Lasso, NeuralNetwork, Ridge, Validation, associations, predict
from cellfolio.evaluation.models import MODELS, Model
from tests.evaluation.cdrp import read_cdrp


def made(rows: int = 90, seed: int = 0) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Make 6 features and 5 targets, of which the first two depend on features."""
    rng = np.random.default_rng(seed)
    index = [f"drug{at}" for at in range(rows)]
    features = pd.DataFrame(rng.normal(size=(rows, 6)), index, list("abcdef"))
    noise = rng.normal(size=(rows, 5))
    targets = pd.DataFrame(noise, index, ["G1", "G2", "G3", "G4", "G5"])
    targets["G1"] = 2 * features["a"] - features["b"] + noise[:, 0] / 4
    targets["G2"] = features["c"] + noise[:, 1] / 4
    return features, targets


@pytest.mark.slow
@pytest.mark.parametrize("model", [Lasso(), Ridge(), NeuralNetwork(rounds=1500, penalty=0.1)])
def test_what_depends_is_predictable_and_noise_is_not(model: Model) -> None:
    found = predict(*made(), model=model)
    assert found.predictable == ["G1", "G2"]
    assert found.threshold < 0.2
    assert predict(*made(), model=model).fold_scores.equals(found.fold_scores)


def test_scores_are_those_of_scikit_learn(shared: Path) -> None:
    morphology, expression = (one.iloc[:, :40] for one in read_cdrp(shared))
    penalties = (1.0, 100.0, 10_000.0)
    found = predict(morphology, expression, model=Ridge(penalties), validation=Validation(6))
    folds = found.folds["fold"].to_numpy()
    expected = []
    for fold in range(6):
        known = folds != fold
        scale = morphology[known].mean(), morphology[known].std(ddof=0)
        values = (morphology - scale[0]) / scale[1]
        peer = RidgeCV(penalties, alpha_per_target=True).fit(values[known], expression[known])
        told = peer.predict(values[~known])
        expected.append(r2_score(expression[~known], told, multioutput="raw_values"))
    np.testing.assert_allclose(found.scores["score"], np.median(expected, axis=0), atol=1e-9)


def test_kept_folds_repeat_the_result() -> None:
    features, targets = made()
    groups = [f"compound{at // 3}" for at in range(90)]
    found = predict(features, targets, groups, Ridge())
    assert (found.folds.groupby("group")["fold"].nunique() == 1).all()
    again = Validation(found.folds["fold"].tolist())
    assert predict(features, targets, groups, Ridge(), again).scores.equals(found.scores)


def test_a_copy_of_a_compound_is_no_help_when_it_stays_in_its_fold() -> None:
    rng = np.random.default_rng(1)
    base = np.repeat(rng.normal(size=(20, 30)), 4, axis=0) + rng.normal(size=(80, 30)) / 100
    signal = np.repeat(rng.normal(size=20), 4)
    names = [f"r{at}" for at in range(80)]
    features = pd.DataFrame(base, names).add_prefix("f")
    targets = pd.DataFrame({"noise of compounds": signal}, index=names)
    rows = predict(features, targets, None, Ridge(), Validation(4)).scores["score"].iloc[0]
    compounds = [at // 4 for at in range(80)]
    grouped = predict(features, targets, compounds, Ridge(), Validation(4)).scores["score"].iloc[0]
    assert grouped < 0.2 < rows


def test_published_scaling_is_another_and_close() -> None:
    features, targets = made()
    ours = predict(features, targets, model=Ridge()).scores["score"]
    leaky = predict(features, targets, model=Ridge(), validation=Validation(scaling="published"))
    assert not np.array_equal(ours, leaky.scores["score"])
    np.testing.assert_allclose(ours, leaky.scores["score"], atol=0.1)


@pytest.mark.parametrize("back", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_real_pair_is_weak_in_both_directions(shared: Path, back: bool) -> None:
    pair = read_cdrp(shared)
    features, targets = reversed(pair) if back else pair
    found = predict(features, targets, model=Ridge(), validation=Validation(6))
    assert len(found.scores) == (812 if back else 978)
    assert found.scores["score"].median() < 0
    assert 0 < (found.scores["score"] > found.threshold).mean() < 0.5
    assert found.threshold < 0.05


def test_associations_name_the_features() -> None:
    found = associations(*made(), top=2).set_index(["target", "rank"])["feature"]
    assert found["G1"].tolist() == ["a", "b"]
    assert found["G2", 1] == "c"
    with pytest.raises(InvalidArgument, match="linear model"):
        associations(*made(), model=NeuralNetwork(rounds=5))


TWICE = {"drug1": "drug0"}


def with_twin(table: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([table, table.tail(1).rename({"drug89": "twin"})])


@pytest.mark.parametrize(
    ("break_it", "message"),
    [
        (lambda f, t: (f.assign(c=1.0), t), "feature 'c' is the same in all rows"),
        (lambda f, t: (f, t.assign(G2=7)), "target 'G2' is the same in all rows"),
        (lambda f, t: (f.assign(d=np.nan), t), "feature 'd' misses values"),
        (lambda f, t: (f, t.assign(G4=np.inf)), "target 'G4' has infinite values"),
        (lambda f, t: (f.assign(e="x"), t), "feature 'e' should hold numbers"),
        (lambda f, t: (f, t.iloc[::-1]), "same rows in the same order"),
        (lambda f, t: (f.rename(TWICE), t.rename(TWICE)), "found 'drug0'"),
        (lambda f, t: (with_twin(f), with_twin(t)), "drug89 and twin|twin"),
        (lambda f, t: (f, t.assign(G1=[1.0] + [0.0] * 89)), "target 'G1' is the same in all rows"),
    ],
)  # fmt: skip
def test_bad_numbers_are_refused_by_name(break_it: object, message: str) -> None:
    features, targets = break_it(*made())  # type: ignore[operator]
    with pytest.raises(InvalidArgument, match=message):
        predict(features, targets, model=Ridge())


def test_bad_folds_are_refused() -> None:
    plain = Validation()
    groups = [at // 2 for at in range(90)]
    for validation, message in (
        (replace(plain, folds=1), "at least 2 folds"),
        (replace(plain, folds=[0, 1]), "for each of 90 rows"),
        (replace(plain, folds=[at % 2 for at in range(90)]), "group '0' is in 2 folds"),
        (replace(plain, scaling="none"), "scaling should be one of training, published"),
    ):
        with pytest.raises(InvalidArgument, match=message):
            predict(*made(), groups, Ridge(), validation)


def test_models_have_names() -> None:
    assert set(MODELS) == {"lasso", "ridge", "network"}
