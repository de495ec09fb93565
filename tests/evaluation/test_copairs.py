"""What docs/reference/copairs.md says of copairs, shown by running it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from copairs import map as peer

from cellfolio.errors import InvalidArgument
from cellfolio.evaluation import PairRule, average_precision, mean_average_precision
from tests.evaluation.data import features, make_wells

DRUG, PLATE, CONTROL = "Metadata_drug", "Metadata_Plate", "Metadata_negcon"
RULE: tuple[list[str], list[str], list[str], list[str]] = ([DRUG], [], [PLATE], [CONTROL])


def theirs(wells: pd.DataFrame, rule: Any = RULE) -> pd.DataFrame:
    named = features(wells)
    metadata, values = wells.drop(columns=named), wells[named].to_numpy(dtype=np.float64)
    found: pd.DataFrame = peer.average_precision(metadata, values, *rule, progress_bar=False)
    return found


def their_means(scores: pd.DataFrame, folder: Path, seed: int = 0) -> pd.DataFrame:
    found: pd.DataFrame = peer.mean_average_precision(
        scores, [DRUG], 200, 0.05, seed, progress_bar=False, cache_dir=folder
    )
    return found.set_index(DRUG)


def made(*groups: tuple[str, float, int, int]) -> pd.DataFrame:
    """Return scores of three members each: name, precision, positives, negatives."""
    rows = [
        (name, value, 0.0, positives, positives + negatives)
        for name, value, positives, negatives in groups
        for _ in range(3)
    ]
    names = ("average_precision", "normalized_average_precision", "n_pos_pairs", "n_total_pairs")
    return pd.DataFrame(rows, columns=[DRUG, *names])


def test_their_p_values_change_with_neighbours(tmp_path: Path) -> None:
    alone, others = made(("b", 0.2, 2, 40)), made(("a", 0.2, 1, 17), ("c", 0.2, 1, 23))
    both = pd.concat([alone, others], ignore_index=True)
    found = [
        their_means(scores, tmp_path / str(number))["p_value"]["b"]
        for number, scores in enumerate((alone, both))
    ]
    assert found[0] != found[1]
    ours = [mean_average_precision(scores, DRUG, draws=200).table for scores in (alone, both)]
    assert {table.set_index(DRUG)["p_value"]["b"] for table in ours} == {ours[0]["p_value"][0]}


def test_their_p_values_depend_on_what_ran_before(tmp_path: Path) -> None:
    scores = made(("b", 0.2, 2, 40))
    fresh = their_means(scores, tmp_path / "fresh", seed=1)["p_value"]
    others = made(("a", 0.2, 1, 17))
    their_means(pd.concat([others, scores], ignore_index=True), tmp_path / "used", seed=1)
    kept = list((tmp_path / "used").rglob("*"))
    used = their_means(scores, tmp_path / "used", seed=1)["p_value"]
    assert kept
    assert fresh["b"] != used["b"]


def test_they_rank_a_tie_in_favour() -> None:
    same = pd.DataFrame({DRUG: list("aabb"), "Cells_1": 1.0, "Cells_2": 2.0})
    assert theirs(same, ([DRUG], [], [], [DRUG]))["average_precision"].tolist() == [1] * 4
    rule = PairRule(DRUG, neg_diffby=DRUG)
    assert average_precision(same, rule)["average_precision"].tolist() == [1 / 3] * 4


def test_they_compare_in_single_precision() -> None:
    # The negative is nearer than the positive, by less than single precision can tell.
    wells = pd.DataFrame({DRUG: list("aab"), "Cells_1": [1.0, 1, 1], "Cells_2": [0, 1e-4, 0.99e-4]})
    assert theirs(wells, ([DRUG], [], [], [DRUG]))["average_precision"][0] == 1
    ours = average_precision(wells, PairRule(DRUG, neg_diffby=DRUG))["average_precision"]
    assert ours[0] == 0.5


def test_without_negatives_they_give_one_and_the_least_p_value(tmp_path: Path) -> None:
    wells = make_wells(compounds=8)
    wells = wells[(wells[PLATE] != "P0") | ~wells[CONTROL]].reset_index(drop=True)
    alone = (wells[PLATE] == "P0").to_numpy()
    scores = theirs(wells)
    assert (scores["average_precision"][alone] == 1).all()
    some = scores[alone & (scores[DRUG] == "c007").to_numpy()]
    assert their_means(some, tmp_path)["p_value"].tolist() == [1 / 201]
    ours = average_precision(wells, PairRule(*RULE))
    assert ours["average_precision"].isna().tolist() == alone.tolist()


def test_what_is_missing() -> None:
    wells = make_wells(compounds=8)
    wells.loc[3, DRUG] = None
    with pytest.raises(ValueError, match="null values"):
        theirs(wells)
    with pytest.raises(InvalidArgument, match="1 of 48 rows lack a value in Metadata_drug"):
        average_precision(wells, PairRule(*RULE))
    wells = make_wells(compounds=8)
    wells.loc[3, "Cells_Kind_2"] = np.nan
    with pytest.raises(ValueError, match="features should not have null values"):
        theirs(wells)
    with pytest.raises(InvalidArgument, match="such as Cells_Kind_2"):
        average_precision(wells, PairRule(*RULE))


@pytest.mark.filterwarnings("ignore:invalid value")
def test_a_profile_of_zeros() -> None:
    wells = make_wells(compounds=8)
    wells.loc[3, features(wells)] = 0.0
    rows = theirs(wells)
    assert rows["average_precision"].notna().all()  # though the similarities are missing
    with pytest.raises(InvalidArgument, match="0 in all features, the first in row 3"):
        average_precision(wells, PairRule(*RULE))


def test_a_query_among_their_columns_has_to_keep_all_rows() -> None:
    wells = make_wells(compounds=8)
    asked: Any = ([DRUG], [], ["Metadata_Plate != 'P3'"], [CONTROL])
    with pytest.raises(ValueError, match="same number of rows"):
        theirs(wells, asked)
    some = wells[wells[PLATE] != "P3"].reset_index(drop=True)
    ours = average_precision(wells, PairRule(*RULE), only="Metadata_Plate != 'P3'")
    np.testing.assert_allclose(
        theirs(some)["average_precision"], ours["average_precision"], atol=1e-12
    )
