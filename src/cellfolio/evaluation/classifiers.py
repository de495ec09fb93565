"""Classifiers of scikit-learn that choose their own strength within the rows they are given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from cellfolio.evaluation.agreement import macro_f1
from cellfolio.evaluation.folds import Folds, stratified_group_folds
from cellfolio.evaluation.models import need_scikit_learn, without_convergence_warnings
from cellfolio.profiles.statistics import Array


class Classifier(Protocol):
    """A way to classify: the choices there are, and a model of each."""

    @property
    def choices(self) -> tuple[Any, ...]:
        """What is chosen from by cross-validation."""
        ...

    def fit(self, features: Array, labels: Folds, choice: Any) -> Any:
        """Return a fitted model with ``predict_proba`` and ``classes_``."""
        ...


@dataclass(frozen=True, slots=True)
class LogisticRegression:
    """Logistic regression; rare labels weigh as much as frequent ones.

    Parameters
    ----------
    strengths : tuple of float
        Inverse penalties to choose from.
    rounds : int
        Of its solver, at most.
    """

    strengths: tuple[float, ...] = (0.01, 1.0, 100.0)
    rounds: int = 500

    @property
    def choices(self) -> tuple[float, ...]:
        """The strengths."""
        return self.strengths

    def fit(self, features: Array, labels: Folds, choice: float) -> Any:
        """Fit scikit-learn's `LogisticRegression`."""
        model = need_scikit_learn("linear_model").LogisticRegression(
            C=choice, class_weight="balanced", max_iter=self.rounds
        )
        with without_convergence_warnings():
            return model.fit(features, labels)


@dataclass(frozen=True, slots=True)
class NeuralClassifier:
    """A network with one hidden layer; rows of rare labels are repeated.

    Parameters
    ----------
    hidden : tuple of int
        Numbers of units to choose from.
    penalty : float
    rounds : int
        Times it sees all rows, at most.
    seed : int
    """

    hidden: tuple[int, ...] = (100, 200)
    penalty: float = 0.05
    rounds: int = 200
    seed: int = 0

    @property
    def choices(self) -> tuple[int, ...]:
        """The numbers of units."""
        return self.hidden

    def fit(self, features: Array, labels: Folds, choice: int) -> Any:
        """Fit scikit-learn's `MLPClassifier`."""
        model = need_scikit_learn("neural_network").MLPClassifier(
            (choice,), alpha=self.penalty, max_iter=self.rounds, random_state=self.seed
        )
        rows = _balanced(labels, self.seed)
        with without_convergence_warnings():
            return model.fit(features[rows], labels[rows])


CLASSIFIERS = {"logistic": LogisticRegression, "network": NeuralClassifier}
"""By the names that users give."""


def _balanced(labels: Folds, seed: int) -> Folds:
    """Return rows, those of rarer labels repeated by chance until all labels have as many."""
    generator = np.random.default_rng(seed)
    kinds, counts = np.unique(labels, return_counts=True)
    more = [
        generator.choice(np.flatnonzero(labels == kind), counts.max() - count)
        for kind, count in zip(kinds, counts, strict=True)
    ]
    return np.concatenate([np.arange(len(labels)), *more])


def fit_best(
    classifier: Classifier, features: Array, labels: Folds, groups: Folds, folds: int
) -> Any:
    """Fit with the choice of the largest macro F1 in grouped, stratified cross-validation.

    Parameters
    ----------
    classifier : Classifier
    features : array of float, shape (rows, features)
    labels, groups : array of int, shape (rows,)
    folds : int
    """
    if len(classifier.choices) == 1:
        return classifier.fit(features, labels, classifier.choices[0])
    inner = stratified_group_folds(labels.tolist(), groups.tolist(), folds)
    scores = []
    for choice in classifier.choices:
        predicted = np.empty_like(labels)
        for fold in range(folds):
            held = inner == fold
            model = classifier.fit(features[~held], labels[~held], choice)
            predicted[held] = model.classes_[model.predict_proba(features[held]).argmax(axis=1)]
        scores.append(macro_f1(labels, predicted))
    return classifier.fit(features, labels, classifier.choices[int(np.argmax(scores))])
