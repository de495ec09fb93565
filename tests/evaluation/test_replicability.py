"""Percent replicating: published numbers, the notebook's definition, and what is refused."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cellfolio.errors import InvalidArgument
from cellfolio.evaluation import (
    AllPairs,
    Cutoff,
    Null,
    OneOfEach,
    SampledGroups,
    percent_replicating,
)
from cellfolio.evaluation.nulls import beyond
from tests.evaluation import oracles
from tests.evaluation.data import as_anndata, features, make_wells

DRUG = "Metadata_drug"
TREATED = "Metadata_negcon == False"


@pytest.fixture(scope="module")
def lincs(shared: Path) -> pd.DataFrame:
    """A real plate of 384 wells."""
    return pd.read_csv(shared / "data/lincs_plate/SQ00015054_normalized_feature_select.csv.gz")


def test_published_scores_of_a_real_plate(lincs: pd.DataFrame) -> None:
    by_dose = ["Metadata_broad_sample", "Metadata_mg_per_ml"]
    found = percent_replicating(lincs, by_dose, AllPairs())
    assert found.pair_score == pytest.approx(0.4583333333333333, abs=1e-12)
    assert len(found.null) + 408 == 384 * 383 // 2
    # A well whose mechanism is not known is a replicate of nothing …
    found = percent_replicating(lincs, "Metadata_moa", AllPairs())
    assert found.pair_score == pytest.approx(461 / 1107)
    assert (round(found.pair_score, 3), found.without_perturbation) == (0.416, 42)
    # … unless "unknown" is taken for a mechanism.
    called = lincs.assign(Metadata_moa=lincs["Metadata_moa"].fillna("unknown"))
    found = percent_replicating(called, "Metadata_moa", AllPairs())
    assert round(found.pair_score, 4) == 0.3074


@pytest.mark.slow
def test_a_real_plate_as_the_notebook_of_cpjump1_has_it(lincs: pd.DataFrame) -> None:
    table = lincs[lincs["Metadata_moa"].notna()]
    null = SampledGroups(size=4, draws=200, seed=9000)
    found = percent_replicating(table, "Metadata_moa", null)
    wanted = oracles.medians_of_replicates(table, "Metadata_moa")
    assert found.table["Metadata_moa"].tolist() == list(wanted)
    np.testing.assert_allclose(found.table["correlation"], list(wanted.values()), atol=1e-12)
    chance = oracles.medians_of_others(table, "Metadata_moa", 200, 4, random.Random(9000))
    np.testing.assert_allclose(found.null, chance, atol=1e-12)
    limit = np.nanpercentile(chance, 95)
    assert found.limits[1] == pytest.approx(limit, abs=1e-12)
    assert found.score == np.mean(np.array(list(wanted.values())) > limit)


def test_one_stream_gives_several_distributions() -> None:
    wells, stream = make_wells(), random.Random(9000)
    found = [
        percent_replicating(wells, DRUG, SampledGroups(4, 50, stream), only=TREATED).null
        for _ in range(2)
    ]
    again = random.Random(9000)
    treated = wells[~wells["Metadata_negcon"]]
    for null in found:
        wanted = oracles.medians_of_others(treated, DRUG, 50, 4, again)
        np.testing.assert_allclose(null, wanted, atol=1e-12)


def test_what_acts_replicates_and_what_does_not_does_not() -> None:
    found = percent_replicating(make_wells(compounds=80, effect=2), DRUG, only=TREATED)
    acts = found.table["replicating"].to_numpy()
    assert acts[:40].all()
    assert acts[40:].mean() < 0.2
    assert found.score == acts.mean()


def test_mean_in_closed_form_is_the_mean_over_pairs() -> None:
    wells = make_wells()
    found = percent_replicating(wells, DRUG, AllPairs(), statistic="mean").table
    for name, group in wells.groupby(DRUG):
        correlations = oracles.correlate(oracles.features(group))
        wanted = correlations[np.triu_indices(len(group), 1)].mean()
        ours = found.set_index(DRUG)["correlation"][str(name)]
        assert ours == pytest.approx(wanted, abs=1e-12)


def test_all_pairs_are_those_of_other_perturbations() -> None:
    wells = make_wells(compounds=9, replicates=3)
    found = percent_replicating(wells, DRUG, AllPairs())
    codes = wells[DRUG].to_numpy()
    first, second = np.triu_indices(len(wells), 1)
    apart = codes[first] != codes[second]
    wanted = oracles.correlate(oracles.features(wells))[first, second][apart]
    np.testing.assert_allclose(np.sort(found.null), np.sort(wanted), atol=1e-12)


def test_one_of_each_takes_one_well_of_each_perturbation() -> None:
    wells = make_wells(compounds=20)
    one, two, again = (percent_replicating(wells, DRUG, OneOfEach(seed)).null for seed in (1, 2, 1))
    assert len(one) == len(two) == 21 * 20 // 2
    np.testing.assert_array_equal(one, again)
    assert not np.array_equal(one, two)


def test_a_perturbation_with_one_well_does_not_replicate() -> None:
    wells = make_wells(effect=3).drop_duplicates(DRUG)
    wells = pd.concat([wells, wells.iloc[:1]], ignore_index=True)
    found = percent_replicating(wells, DRUG)
    assert found.table["correlation"].notna().sum() == 1
    assert found.table["replicating"].tolist() == [False, True] + [False] * 39
    assert found.score == 1 / 41


def test_ends_of_the_null() -> None:
    null = np.linspace(-1, 1, 201)
    np.testing.assert_allclose(Cutoff().limits(null), (-np.inf, 0.9))
    np.testing.assert_allclose(Cutoff(tail="left").limits(null), (-0.9, np.inf))
    np.testing.assert_allclose(Cutoff(90, "both").limits(null), (-0.8, 0.8))
    values = np.array([-0.95, 0.0, 0.95, np.nan])
    assert beyond(values, Cutoff(tail="both").limits(null)).tolist() == [True, False, True, False]


def test_every_kind_of_table_gives_the_same_and_stays_as_it_was() -> None:
    wells = make_wells()
    before = wells.copy()
    wanted = percent_replicating(wells, DRUG, only=TREATED)
    for table in (pl.from_pandas(wells), as_anndata(wells)):
        found = percent_replicating(table, DRUG, only=TREATED)
        np.testing.assert_allclose(found.null, wanted.null, atol=1e-12)
        assert found.score == wanted.score
        assert found.table[DRUG].tolist() == wanted.table[DRUG].tolist()
    pd.testing.assert_frame_equal(wells, before)


@settings(max_examples=20)
@given(order=st.permutations(range(24)), scale=st.floats(0.1, 100))
def test_order_of_rows_and_scale_do_not_matter(order: list[int], scale: float) -> None:
    wells = make_wells(compounds=8, replicates=2).iloc[:24].reset_index(drop=True)
    wanted = percent_replicating(wells, DRUG, AllPairs())
    mixed = wells.iloc[order].copy()
    mixed[features(mixed)] *= scale
    found = percent_replicating(mixed, DRUG, AllPairs())
    pd.testing.assert_frame_equal(found.table, wanted.table)
    np.testing.assert_allclose(found.limits, wanted.limits, atol=1e-9)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"by": "nothing"}, "nothing"),
        ({"only": "Metadata_negcon == 3"}, "no row of 200 is meant"),
        ({"statistic": "mode"}, "statistic should be one of"),
        ({"null": SampledGroups(size=1)}, "groups of 2 or more"),
        ({"null": SampledGroups(size=60)}, "needs 60 perturbations, found 41"),
        ({"null": SampledGroups(draws=0)}, "1 draw or more"),
        ({"null": AllPairs(), "only": "Metadata_drug == 'DMSO'"}, "found one perturbation"),
        ({"by": "Metadata_none"}, "no row has a value in Metadata_none"),
    ],
)
def test_what_cannot_be_is_refused(options: dict[str, object], message: str) -> None:
    wells = make_wells().assign(Metadata_none=None)
    given_ = {"by": DRUG, **options}
    with pytest.raises(InvalidArgument, match=message):
        percent_replicating(wells, **given_)  # type: ignore[arg-type]


def test_bad_values_are_refused_by_name() -> None:
    wells = make_wells()
    wells.loc[3, "Cells_Kind_7"] = np.nan
    with pytest.raises(InvalidArgument, match=r"1 of 30 features .* such as Cells_Kind_7"):
        percent_replicating(wells, DRUG)
    wells = make_wells()
    wells.loc[5, features(wells)] = 2.5
    with pytest.raises(InvalidArgument, match=r"1 of 200 profiles .* in row 5"):
        percent_replicating(wells, DRUG)


@pytest.mark.parametrize("bad", [lambda: Cutoff(101), lambda: Cutoff(tail="up"),
                                 lambda: OneOfEach(-1)])  # fmt: skip
def test_bad_settings_are_refused(bad: object) -> None:
    assert callable(bad)
    with pytest.raises(InvalidArgument):
        bad()


def test_a_null_of_yours_is_used() -> None:
    class Fixed:
        def draw(self, vectors: object, codes: object, replicates: int) -> np.ndarray:
            return np.full(10, replicates / 10)

    mine: Null = Fixed()
    assert percent_replicating(make_wells(), DRUG, mine).limits[1] == pytest.approx(0.4)
