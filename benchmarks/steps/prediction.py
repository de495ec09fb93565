"""Steps that predict genes of profiles."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.steps import Work, step


def _outer_folds(rows: int, count: int) -> Any:
    """Yield the rows each model is trained on, and its inner folds."""
    import numpy as np

    from cellfolio.evaluation import group_folds

    outer = group_folds(range(rows), count)
    for fold in range(count):
        known = np.flatnonzero(outer != fold)
        yield known, group_folds(known.tolist(), 5)


def standardized(values: Any) -> Any:
    """Return columns with mean 0 and standard deviation 1."""
    return (values - values.mean(axis=0)) / values.std(axis=0)


def read_pair(shared: str) -> tuple[Any, Any]:
    """Return morphology and expression of 162 compounds."""
    from tests.evaluation.cdrp import read_cdrp

    return tuple(table.to_numpy() for table in read_cdrp(Path(shared)))  # type: ignore[return-value]


@step
def ours_lasso(shared: str, kept: str) -> Work:
    """Of every gene; the weights of the first fold are kept, to be compared."""
    import numpy as np

    from cellfolio.evaluation import fit_lasso, minima

    assert minima
    features, targets = read_pair(shared)

    def run() -> None:
        fits = [
            fit_lasso(standardized(features[known]), standardized(targets[known]), inner)
            for known, inner in _outer_folds(len(features), 6)
        ]
        np.savez(kept, weights=fits[0].weights, penalties=fits[0].penalties)

    return run


@step
def sklearn_lasso(shared: str, genes: str) -> Work:
    """Of some genes, with the penalties and folds of ours."""
    import numpy as np
    from sklearn.linear_model import LassoCV
    from sklearn.model_selection import PredefinedSplit

    from cellfolio.evaluation.lasso import PUBLISHED_PENALTIES

    features, targets = read_pair(shared)
    some = np.linspace(0, targets.shape[1] - 1, int(genes)).astype(int)

    def run() -> None:
        for known, inner in _outer_folds(len(features), 6):
            values, wanted = standardized(features[known]), standardized(targets[known])
            for gene in some:
                model = LassoCV(alphas=PUBLISHED_PENALTIES, cv=PredefinedSplit(inner), tol=1e-4)
                model.fit(values, wanted[:, gene])

    return run


@step
def ridge(shared: str, whose: str) -> Work:
    """Of every gene, each with the penalty of the least error of rows left out."""
    from sklearn.linear_model import RidgeCV

    from cellfolio.evaluation import fit_ridge
    from cellfolio.evaluation.ridge import PENALTIES

    features, targets = read_pair(shared)
    fit = fit_ridge if whose == "ours" else RidgeCV(PENALTIES, alpha_per_target=True).fit

    def run() -> None:
        for known, _ in _outer_folds(len(features), 6):
            fit(standardized(features[known]), standardized(targets[known]))

    return run


@step
def ours_large_lasso(folds: str) -> Work:
    """Of as many rows as CDRP has, and some of its 40 folds."""
    from itertools import islice

    import numpy as np

    from cellfolio.evaluation import fit_lasso, minima

    assert minima
    rng = np.random.default_rng(1)
    common = rng.normal(size=(20_358, 100))
    features = common @ rng.normal(size=(100, 727)) / 10 + rng.normal(size=(20_358, 727))
    targets = common @ rng.normal(size=(100, 977)) / 10 + 2 * rng.normal(size=(20_358, 977))

    def run() -> None:
        for known, inner in islice(_outer_folds(len(features), 40), int(folds)):
            values, wanted = standardized(features[known]), standardized(targets[known])
            fit_lasso(values, wanted, inner, workers=2)

    return run
