"""Steps whose work grows: profiles of many wells, many genes."""

from __future__ import annotations

from pathlib import Path

from benchmarks.steps import Work, step

_DRUG, _PLATE, _CONTROL = ("Metadata_broad_sample", "Metadata_Plate", "Metadata_negcon")


@step
def growing_wells(path: str, work: str) -> Work:
    import pandas as pd
    import scipy.stats

    from cellfolio import evaluation, profiles

    assert scipy.stats
    table = pd.read_parquet(path)
    rule = evaluation.PairRule(_DRUG, neg_sameby=_PLATE, neg_diffby=_DRUG)
    treated = f"{_CONTROL} == False"
    selection: list[profiles.Operation] = [
        profiles.VarianceThreshold(),
        profiles.CorrelationThreshold(),
    ]
    sampled = evaluation.SampledGroups(4, 1_000, 9000)
    works: dict[str, Work] = {
        "normalize": lambda: profiles.normalize(table, profiles.RobustMad()),
        "select": lambda: profiles.feature_select(table, selection),
        "precision": lambda: evaluation.average_precision(table, rule),
        "replicating": lambda: evaluation.percent_replicating(table, _DRUG, sampled, only=treated),
        "all pairs": lambda: evaluation.percent_replicating(
            table, _DRUG, evaluation.AllPairs(), only=treated
        ),
    }
    return works[work]


@step
def growing_genes(path: str, count: str) -> Work:
    """Read genes from all over a matrix."""
    import h5py
    import numpy as np

    from cellfolio.formats.format import Source
    from cellfolio.formats.gene_columns import GeneColumns

    assert h5py

    def run() -> float:
        with GeneColumns(Source(Path(path), path)) as file:
            rows, columns = len(file.index("obs")), len(file.index("var"))
            some = np.linspace(0, columns - 1, int(count)).astype(int)
            values = np.full((rows, len(some)), np.nan, dtype=file.dtype)
            file.fill(values, np.arange(rows), some)
        return float(values.sum(dtype=np.float64))

    return run


@step
def growing_ridge(count: str) -> Work:
    """Predict genes of 200 compounds from 300 features."""
    import numpy as np
    import pandas as pd

    from cellfolio.evaluation import Ridge, predict

    random = np.random.default_rng(0)
    features = pd.DataFrame(random.normal(size=(200, 300))).add_prefix("Cells_")
    weights = random.normal(size=(300, int(count))) / 17
    told = features.to_numpy() @ weights + random.normal(size=(200, int(count)))
    genes = pd.DataFrame(told).add_prefix("G")
    return lambda: predict(features, genes, model=Ridge())
