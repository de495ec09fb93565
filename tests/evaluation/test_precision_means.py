"""Mean average precision and its p-values: calibrated, as copairs', and the published tables."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cellfolio.errors import InvalidArgument
from cellfolio.evaluation import PairRule, average_precision, mean_average_precision
from cellfolio.evaluation.precision_nulls import paired_null
from tests.evaluation.data import make_wells

DRUG, CONTROL = "Metadata_drug", "Metadata_negcon"
RULE = PairRule(DRUG, neg_sameby="Metadata_Plate", neg_diffby=CONTROL)


def scores(compounds: int = 24, replicates: int = 4, effect: float = 1.0) -> pd.DataFrame:
    found = average_precision(make_wells(compounds, replicates, effect=effect), RULE)
    return found[~found[CONTROL]]


def made(*groups: tuple[str, float, int, int, int]) -> pd.DataFrame:
    """Return scores: name, precision, members, positives, negatives of each group."""
    rows = [
        (name, value, 0.0, positives, positives + negatives)
        for name, value, members, positives, negatives in groups
        for _ in range(members)
    ]
    names = ("average_precision", "normalized_average_precision", "n_pos_pairs", "n_total_pairs")
    return pd.DataFrame(rows, columns=["drug", *names])


@pytest.mark.parametrize("seed", [0, 3])
def test_same_p_values_as_copairs(seed: int, tmp_path: Path) -> None:
    from copairs.map import mean_average_precision as peer

    table = scores().iloc[3:]
    ours = mean_average_precision(table, DRUG, null="copairs", draws=500, seed=seed).table
    theirs = peer(table, [DRUG], 500, 0.05, seed, progress_bar=False, cache_dir=tmp_path)
    for column in ("mean_average_precision", "p_value", "corrected_p_value"):
        np.testing.assert_allclose(ours[column], theirs[column], atol=1e-12)
    assert ours["significant"].tolist() == theirs["below_corrected_p"].tolist()
    assert ours[DRUG].tolist() == theirs[DRUG].tolist()


@pytest.mark.parametrize(
    "replicates", [2, 3, *(pytest.param(each, marks=pytest.mark.slow) for each in (4, 6))]
)
def test_p_values_of_noise_are_uniform(replicates: int) -> None:
    noise = scores(1_600, replicates, effect=0)
    found = mean_average_precision(noise, DRUG, draws=4_000).table["p_value"].to_numpy()
    for level in (0.01, 0.05, 0.1, 0.5):
        # Four standard errors, and what the few values that a mean can have leave over.
        error = 4 * np.sqrt(level * (1 - level) / len(found)) + 0.004
        assert abs((found <= level).mean() - level) < error, level


def test_p_values_of_noise_are_too_large_as_copairs_has_them() -> None:
    noise = scores(800, 8, effect=0)
    found = mean_average_precision(noise, DRUG, null="copairs", draws=2_000).table["p_value"]
    assert (found <= 0.05).mean() < 0.02


def test_a_result_does_not_depend_on_other_groups() -> None:
    table = scores()
    whole = mean_average_precision(table, DRUG, draws=300).table
    part = table[table[DRUG] < "c004"].sample(frac=1, random_state=2)
    some = mean_average_precision(part, DRUG, draws=300).table
    np.testing.assert_array_equal(some["p_value"], whole["p_value"][: len(some)])


def test_what_acts_is_retrieved() -> None:
    found = mean_average_precision(scores(40, effect=3), DRUG)
    sure = found.table["significant"].to_numpy()
    assert sure[:20].all()
    assert sure[20:].sum() <= 3
    assert found.retrieved == sure.mean()
    assert found.left_out == 0


def by_chance(positives: int, negatives: int) -> float:
    """Return the mean of average precision over all orders."""
    total = positives + negatives
    orders = combinations(range(1, total + 1), positives)
    means = [np.mean([at / place for at, place in enumerate(one, 1)]) for one in orders]
    return float(np.mean(means))


def test_chance_has_the_mean_that_the_formula_says() -> None:
    for members in ([(1, 9)] * 2, [(3, 12)] * 4, [(2, 5), (2, 7), (1, 5)], [(4, 6)], [(14, 3)] * 3):
        null = paired_null(members, 40_000, 0)
        wanted = np.mean([by_chance(*one) for one in members])
        assert null.mean() == pytest.approx(wanted, abs=5 * null.std() / 200)
        assert len(null) == 40_000
        assert null.max() <= 1


def test_two_profiles_share_their_similarity() -> None:
    # Both are above, both below, or one of each: a third each, as the share is uniform.
    null = paired_null([(1, 1), (1, 1)], 30_000, 1)
    counts = [(null == value).mean() for value in (0.5, 0.75, 1.0)]
    assert counts == pytest.approx([1 / 3] * 3, abs=0.015)


def test_groups_and_rows_that_say_nothing_are_left_out() -> None:
    table = made(("a", 0.9, 3, 2, 9), ("b", 0.2, 2, 1, 9), ("c", np.nan, 1, 0, 9))
    table.loc[len(table)] = [None, 0.4, 0.0, 2, 11]
    found = mean_average_precision(table, "drug", draws=50)
    assert found.table["drug"].tolist() == ["a", "b"]
    assert found.table["members"].tolist() == [3, 2]
    assert found.left_out == 2


def test_published_means_come_from_the_published_precisions(shared: Path) -> None:
    """Of 12 groups of CPJUMP1; replicability, CellProfiler."""
    folder = shared / "data/cpjump1/published/map"
    by = ["Modality", "Cell", "time"]
    table = pd.read_csv(folder / "cellprofiler_replicability_ap.csv")
    assert len(table) == 3_084
    told = table.rename(columns={"ap": "average_precision"}).assign(
        normalized_average_precision=0.0, n_pos_pairs=1, n_total_pairs=2
    )
    found = mean_average_precision(told, by, draws=1).table
    wanted = pd.read_csv(folder / "cellprofiler_replicability_map.csv").sort_values(by)
    assert len(found) == len(wanted) == 12
    assert found[by].to_numpy().tolist() == wanted[by].to_numpy().tolist()
    assert found["mean_average_precision"].round(3).tolist() == wanted["mAP"].tolist()
    counts = {"compound": 306, "crispr": 305, "orf": 160}
    assert found.groupby("Modality")["members"].unique().map(list).to_dict() == {
        name: [count] for name, count in counts.items()
    }


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"by": "dose"}, "no column 'dose'"),
        ({"by": ()}, "by= is empty"),
        ({"null": "independent"}, "null should be one of"),
        ({"draws": 0}, "1 draw or more"),
        ({"seed": -1}, "whole number from 0"),
        ({"draws": 10**9}, "too large for"),
    ],
)
def test_what_cannot_be_is_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(InvalidArgument, match=message):
        mean_average_precision(scores(), **{"by": DRUG, **options})  # type: ignore[arg-type]
    with pytest.raises(InvalidArgument, match="no group of drug"):
        mean_average_precision(made(("c", np.nan, 2, 1, 3)), "drug")
