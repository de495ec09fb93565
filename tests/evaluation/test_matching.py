"""Percent matching, against its definition."""

from __future__ import annotations

import random

import numpy as np
import pandas as pd
import pytest

from cellfolio.errors import InvalidArgument
from cellfolio.evaluation import Cutoff, MatchedBy, SampledTargets, percent_matching
from tests.evaluation import oracles
from tests.evaluation.data import features, make_wells

BY = MatchedBy("Metadata_drug", "Metadata_target")
TREATED = "Metadata_negcon == False"


def two_modalities(effect: float = 1.0) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return compounds, and knockouts of their genes that look like them."""
    rng = np.random.default_rng(3)
    genes = [f"g{at:02d}" for at in range(24)]
    look = effect * rng.normal(size=(24, 30))
    tables = []
    for prefix, count, replicates in (("cpd", 24, 4), ("ko", 24, 2)):
        rows = np.tile(np.arange(count), replicates)
        values = look[rows] + rng.normal(size=(len(rows), 30))
        metadata = pd.DataFrame(
            {"Metadata_drug": [f"{prefix}{at}" for at in rows],
             "Metadata_target": [genes[at] for at in rows]}
        )  # fmt: skip
        names = [f"Cells_Kind_{at}" for at in range(30)]
        tables.append(pd.concat([metadata, pd.DataFrame(values, columns=names)], axis=1))
    tables[1] = tables[1].drop(columns="Cells_Kind_4").assign(Cells_More_1=rng.normal(size=48))
    return tables[0], tables[1]


def test_across_modalities_as_the_notebook_of_cpjump1_has_it() -> None:
    first, second = two_modalities()
    found = percent_matching(first, second, BY, SampledTargets(draws=60, seed=9000))
    shared = [name for name in features(first) if name in set(second.columns)]
    first, second = (one[["Metadata_drug", "Metadata_target", *shared]] for one in (first, second))
    stream = random.Random(9000)

    def median(one: str, two: str) -> float:
        return oracles.median_between(
            first[first["Metadata_target"] == one], second[second["Metadata_target"] == two]
        )

    genes = sorted(set(first["Metadata_target"]))
    np.testing.assert_allclose(
        found.table["correlation"], [median(gene, gene) for gene in genes], atol=1e-12
    )
    chance = [median(*stream.choices(genes, k=2)) for _ in range(60)]
    np.testing.assert_allclose(found.null, chance, atol=1e-12)
    limit = np.nanpercentile(chance, 95)
    assert found.limits[1] == pytest.approx(limit, abs=1e-12)
    assert found.score == (found.table["correlation"] > limit).mean()
    assert found.targets == (24, 24, 24)


def test_what_looks_alike_matches() -> None:
    first, second = two_modalities(effect=3)
    apart = SampledTargets(apart=True)
    assert percent_matching(first, second, BY, apart).score == 1
    shuffled = second.assign(Metadata_target=np.roll(second["Metadata_target"], 5))
    assert percent_matching(first, shuffled, BY, apart).score < 0.3
    both = percent_matching(first, second, BY, apart, Cutoff(tail="both"))
    assert both.limits[0] < both.limits[1] < 1


def test_within_a_modality_pairs_share_a_target_and_the_null_does_not() -> None:
    wells = make_wells(compounds=12)
    found = percent_matching(wells, None, BY, only=TREATED)
    labels = {
        drug: set(target.split("|"))
        for drug, target in zip(wells["Metadata_drug"], wells["Metadata_target"], strict=True)
    }
    drugs = [f"c{at:03d}" for at in range(12)]
    pairs = [
        (gene, one, two)
        for gene in sorted(set.union(*labels.values()))
        for at, one in enumerate(drugs)
        for two in drugs[at + 1 :]
        if gene in labels[one] & labels[two]
    ]
    table = found.table
    assert list(zip(table["target"], table["first"], table["second"], strict=True)) == pairs
    chosen = {drug: wells[wells["Metadata_drug"] == drug] for drug in drugs}
    wanted = [oracles.median_between(chosen[one], chosen[two]) for _, one, two in pairs]
    np.testing.assert_allclose(table["correlation"], wanted, atol=1e-12)
    others = {
        round(oracles.median_between(chosen[one], chosen[two]), 10)
        for one in drugs
        for two in drugs
        if not labels[one] & labels[two]
    }
    assert set(found.null.round(10)) <= others


def test_columns_may_differ_between_modalities() -> None:
    first, second = two_modalities()
    wanted = percent_matching(first, second, BY)
    renamed = second.rename(columns={"Metadata_drug": "Metadata_ko", "Metadata_target": "Gene"})
    by = MatchedBy(("Metadata_drug", "Metadata_ko"), ("Metadata_target", "Gene"))
    found = percent_matching(first, renamed, by)
    pd.testing.assert_frame_equal(found.table, wanted.table)


def test_what_cannot_be_is_refused() -> None:
    first, second = two_modalities()
    with pytest.raises(InvalidArgument, match="no column 'Gene'"):
        percent_matching(first, second, MatchedBy("Metadata_drug", "Gene"))
    with pytest.raises(InvalidArgument, match="share one of the 24 targets"):
        percent_matching(first, second.assign(Metadata_target="none"), BY)
    with pytest.raises(InvalidArgument, match="no feature in common"):
        percent_matching(first, second.rename(columns=lambda name: name.replace("Cells", "Nuclei")),
                         BY)  # fmt: skip
    with pytest.raises(InvalidArgument, match="of other targets"):
        percent_matching(first.assign(Metadata_target="one"), None, BY)
    with pytest.raises(InvalidArgument, match="1 draw or more"):
        SampledTargets(draws=0)
