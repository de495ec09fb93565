"""Models that predict numbers: frozen values that fit training rows and choose for themselves.

What a model has to choose, such as its penalty, it chooses by cross-validation within the training
rows it is given, grouped as the outer one is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from cellfolio.evaluation.folds import Folds, group_folds
from cellfolio.evaluation.lasso import PUBLISHED_PENALTIES, fit_lasso
from cellfolio.evaluation.ridge import PENALTIES, fit_ridge
from cellfolio.extras import importing
from cellfolio.profiles.statistics import Array


class Fitted(Protocol):
    """A model that has been fitted."""

    def predict(self, features: Array) -> Array:
        """Return predictions, shape (rows, targets)."""
        ...


class Model(Protocol):
    """A way to predict."""

    def fit(self, features: Array, targets: Array, groups: Folds, *, workers: int = 1) -> Fitted:
        """Fit standardized training rows.

        Parameters
        ----------
        features : array of float, shape (rows, features)
        targets : array of float, shape (rows, targets)
        groups : array of int, shape (rows,)
            Rows that stay together where the model validates its own choices.
        workers : int
            Threads.
        """
        ...


@dataclass(frozen=True, slots=True)
class Ridge:
    """Ridge regression; the penalty of each target is that of the least error of groups left out.

    Parameters
    ----------
    penalties : tuple of float
    """

    penalties: tuple[float, ...] = PENALTIES

    def fit(self, features: Array, targets: Array, groups: Folds, *, workers: int = 1) -> Fitted:
        """Fit (see `fit_ridge`)."""
        alone = len(np.unique(groups)) == len(groups)
        return fit_ridge(features, targets, self.penalties, groups=None if alone else groups)


@dataclass(frozen=True, slots=True)
class Lasso:
    """The lasso, exact; the penalty of each target is chosen by cross-validation.

    Parameters
    ----------
    penalties : tuple of float
    folds : int
    """

    penalties: tuple[float, ...] = PUBLISHED_PENALTIES
    folds: int = 5

    def fit(self, features: Array, targets: Array, groups: Folds, *, workers: int = 1) -> Fitted:
        """Fit (see `fit_lasso`)."""
        inner = group_folds(groups.tolist(), self.folds)
        return fit_lasso(features, targets, inner, self.penalties, workers=workers)


@dataclass(frozen=True, slots=True)
class NeuralNetwork:
    """A small network that predicts all targets at once; of scikit-learn, which it needs.

    Parameters
    ----------
    hidden : tuple of int
        Units of its hidden layers.
    penalty : float
        Of the squares of its weights.
    rounds : int
        Times it sees all rows, at most.
    seed : int
    """

    hidden: tuple[int, ...] = (50, 10)
    penalty: float = 1.0
    rounds: int = 200
    seed: int = 0

    def fit(self, features: Array, targets: Array, groups: Folds, *, workers: int = 1) -> Fitted:
        """Fit with scikit-learn's `MLPRegressor`."""
        network = need_scikit_learn("neural_network").MLPRegressor(
            hidden_layer_sizes=self.hidden, alpha=self.penalty, max_iter=self.rounds,
            random_state=self.seed,
        )  # fmt: skip
        with without_convergence_warnings():
            network.fit(features, targets)
        return _Network(network)


@dataclass(frozen=True, slots=True)
class _Network:
    network: Any

    def predict(self, features: Array) -> Array:
        found: Array = self.network.predict(features).reshape(len(features), -1)
        return found


MODELS = {"lasso": Lasso, "ridge": Ridge, "network": NeuralNetwork}
"""By the names that users give."""


def need_scikit_learn(module: str) -> Any:
    """Return a module of scikit-learn.

    Raises
    ------
    LibraryMissing
        If it is not installed.
    """
    from importlib import import_module

    with importing("scikit-learn", extra="evaluation", what="this model"):
        return import_module(f"sklearn.{module}")


def without_convergence_warnings() -> Any:
    """Return a context: a network of few rounds is regularized by that, not unfinished."""
    import warnings

    return warnings.catch_warnings(
        action="ignore", category=need_scikit_learn("exceptions").ConvergenceWarning
    )
