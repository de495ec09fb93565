"""The lasso for many targets at once: exact, over statistics that the targets share.

Everything the lasso needs of the rows is in products of columns. They are summed once for each
fold; the products of any training set are those of all rows less those of the fold left out, and
the errors of the fold come from its own products. So the rows are read once, whatever the number of
targets, folds and penalties.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial, reduce
from operator import add, sub
from typing import NamedTuple

import numpy as np

from cellfolio.errors import InvalidArgument
from cellfolio.evaluation.folds import Folds
from cellfolio.evaluation.linear import LinearFit, check_pair, check_penalties
from cellfolio.profiles.statistics import Array, blocks

PUBLISHED_PENALTIES = tuple(
    float(one) for one in np.r_[np.linspace(0, 0.2, 20)[1:], np.linspace(0.2, 0.5, 10)[1:]]
)
"""Those of Haghighi et al. (2022), https://doi.org/10.1038/s41592-022-01667-0, without 0."""
_TARGETS = 16
"""Worked on at once by a thread."""
_MANY, _SWEEPS = 2, 100
"""With so many rows for each feature, so many sweeps of coordinate descent mostly suffice."""
_FLAT = 1e-14
"""Share of the largest variance below which a variance is a rounding error."""


class _Products(NamedTuple):
    """Mean products of columns.

    Attributes
    ----------
    gram : array of float, shape (features, features)
    products : array of float, shape (targets, features)
    squares : array of float, shape (targets,)
    sweeps : int
        Of coordinate descent that are worth a try (see `cellfolio.evaluation.minima.solve`).
    """

    gram: Array
    products: Array
    squares: Array
    sweeps: int


class _Sums(NamedTuple):
    """Sums over rows: those of any set of rows follow by adding and subtracting."""

    rows: int
    features: Array
    targets: Array
    gram: Array
    products: Array
    squares: Array

    @property
    def centre(self) -> tuple[Array, Array]:
        """Means of the features and of the targets."""
        return self.features / self.rows, self.targets / self.rows

    def plus(self, other: _Sums) -> _Sums:
        """Return the sums over these and other rows."""
        return _Sums(*map(add, self, other))

    def less(self, other: _Sums) -> _Sums:
        """Return the sums without some of these rows."""
        return _Sums(*map(sub, self, other))

    def about(self, centre: tuple[Array, Array]) -> _Products:
        """Return mean products of columns less some centre."""
        mean, level = centre
        shifted = np.outer(self.features, mean)
        gram = self.gram - shifted - shifted.T + self.rows * np.outer(mean, mean)
        products = self.products - np.outer(self.targets, mean)
        products -= np.outer(level, self.features - self.rows * mean)
        squares = self.squares - 2 * level * self.targets + self.rows * level**2
        sweeps = _SWEEPS if self.rows >= _MANY * len(gram) else 0
        return _Products(gram / self.rows, products / self.rows, squares / self.rows, sweeps)


def fit_lasso(
    features: Array,
    targets: Array,
    folds: Folds,
    penalties: Sequence[float] = PUBLISHED_PENALTIES,
    *,
    workers: int = 1,
) -> LinearFit:
    """Fit the lasso to each target, with the penalty of the least error in cross-validation.

    Minimizes ``|y - Xb|^2 / (2 rows) + penalty |b|``, as scikit-learn does, to the last digits:
    each minimum is checked by its own conditions.

    Parameters
    ----------
    features : array of float, shape (rows, features)
    targets : array of float, shape (rows, targets)
    folds : array of int, shape (rows,)
        Folds that choose the penalty.
    penalties : sequence of float
        By default those of the Rosetta study, for standardized features and targets.
    workers : int
        Threads. The result is the same for any number.

    Returns
    -------
    LinearFit

    Raises
    ------
    InvalidArgument

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> features = rng.normal(size=(40, 5))
    >>> targets = features[:, :1] * 2 + rng.normal(size=(40, 1)) / 10
    >>> fit = fit_lasso(features, targets, np.arange(40) % 5, [0.01, 0.1, 1])
    >>> (fit.weights.round(1).ravel() + 0.0).tolist(), fit.penalties.tolist()
    ([2.0, 0.0, 0.0, 0.0, 0.0], [0.01])
    """
    check_pair(features, targets)
    given = check_penalties(penalties)
    order = np.argsort(-given, kind="stable")
    falling = given[order]
    parts = [_sums(features[folds == fold], targets[folds == fold]) for fold in np.unique(folds)]
    if len(parts) < 2:
        raise InvalidArgument("expected at least 2 folds to choose the penalty, found 1")
    whole = reduce(_Sums.plus, parts)
    errors = np.zeros((targets.shape[1], len(given)))
    for part in parts:
        rest = whole.less(part)
        known, held = _usable(rest.about(rest.centre)), part.about(rest.centre)
        _in_threads(partial(_validate, known, held, falling, errors), len(errors), workers)
    chosen = errors.argmin(axis=1)  # of equal ones the largest penalty
    known = _usable(whole.about(whole.centre))
    weights = np.empty_like(known.products)
    _in_threads(partial(_finish, known, falling, chosen, weights), len(errors), workers)
    mean, level = whole.centre
    given_order = np.argsort(order)
    return LinearFit(
        weights.T, level - weights @ mean, falling[chosen], errors.T[given_order] / len(parts)
    )


def _sums(features: Array, targets: Array) -> _Sums:
    return _Sums(
        len(features),
        features.sum(axis=0),
        targets.sum(axis=0),
        features.T @ features,
        targets.T @ features,
        np.einsum("ij,ij->j", targets, targets),
    )


def _usable(known: _Products) -> _Products:
    """Return products in which features that do not vary have a variance of exactly 0."""
    variances = known.gram.diagonal()
    flat = variances <= _FLAT * variances.max(initial=0)
    gram = np.where(flat | flat[:, None], 0.0, known.gram)
    return known._replace(gram=gram, products=np.where(flat, 0.0, known.products))


def _validate(
    known: _Products, held: _Products, penalties: Array, errors: Array, some: slice
) -> None:
    from cellfolio.evaluation.minima import add_errors

    given, shown = (known.gram, known.products[some]), (held.gram, held.products[some])
    add_errors(given, penalties, known.sweeps, (*shown, held.squares[some]), errors[some])


def _finish(known: _Products, penalties: Array, chosen: Folds, weights: Array, some: slice) -> None:
    from cellfolio.evaluation.minima import solve_one

    given = (known.gram, known.products[some])
    solve_one(given, penalties, known.sweeps, chosen[some], weights[some])


def _in_threads(work: Callable[[slice], None], targets: int, workers: int) -> None:
    """Work on blocks of targets, each of which changes its own part of a result."""
    with ThreadPoolExecutor(max(workers, 1)) as pool:
        for done in [pool.submit(work, some) for some in blocks(targets, _TARGETS)]:
            done.result()
