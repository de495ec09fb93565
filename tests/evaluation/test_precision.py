"""Average precision: against copairs, and against its definition."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cellfolio.errors import InvalidArgument
from cellfolio.evaluation import PairRule, average_precision
from tests.evaluation import oracles
from tests.evaluation.data import as_anndata, features, make_wells

DRUG, PLATE, CONTROL, TARGET = (
    "Metadata_drug", "Metadata_Plate", "Metadata_negcon", "Metadata_target",
)  # fmt: skip
RULES: dict[str, tuple[list[str], list[str], list[str], list[str]]] = {
    "controls of the plate": ([DRUG], [], [PLATE], [CONTROL]),
    "everything else": ([DRUG], [], [], [DRUG]),
    "replicates on other plates": ([DRUG], [PLATE], [PLATE], [DRUG]),
    "several columns": ([DRUG, CONTROL], [], [PLATE], [DRUG, CONTROL]),
    "several differences": ([CONTROL], [DRUG, PLATE], [], [DRUG, CONTROL]),
}


@pytest.mark.parametrize("parity", ["", "copairs"])
@pytest.mark.parametrize("similarity", ["cosine", "abs_cosine", "correlation", "euclidean"])
@pytest.mark.parametrize("name", RULES)
def test_same_as_copairs(name: str, similarity: str, parity: str) -> None:
    from copairs.map import average_precision as peer

    wells = make_wells(compounds=16, width=40)
    rule = RULES[name]
    ours = average_precision(wells, PairRule(*rule), similarity, parity=parity)
    metadata, values = wells.drop(columns=features(wells)), wells[features(wells)].to_numpy()
    theirs = peer(metadata, values, *rule, distance=similarity, progress_bar=False)
    assert_same(ours, theirs, exact=bool(parity))


def assert_same(ours: pd.DataFrame, theirs: pd.DataFrame, *, exact: bool) -> None:
    for column in ("n_pos_pairs", "n_total_pairs"):
        assert ours[column].tolist() == theirs[column].tolist()
    for column in ("average_precision", "normalized_average_precision"):
        found, wanted = ours[column].to_numpy(), theirs[column].to_numpy()
        near = np.isclose(found, wanted, rtol=0, atol=1e-12, equal_nan=True)
        # copairs compares in single precision: what it cannot tell apart, it ranks in its favour.
        assert near.all() if exact else (~near).mean() < 0.02
        assert ((found <= wanted + 1e-12) | np.isnan(wanted)).all()


@pytest.mark.parametrize(("pos_diffby", "neg_sameby"), [([], []), ([PLATE], [PLATE])])
def test_same_as_copairs_with_several_labels(pos_diffby: list[str], neg_sameby: list[str]) -> None:
    from copairs.map.multilabel import average_precision as peer

    wells = make_wells(compounds=16, width=40)
    rule = PairRule(TARGET, pos_diffby, neg_sameby, TARGET, labels=TARGET)
    ours = average_precision(wells, rule, "abs_cosine", parity="copairs")
    metadata = wells.drop(columns=features(wells))
    metadata[TARGET] = [sorted(set(one.split("|"))) for one in metadata[TARGET]]
    theirs = peer(
        metadata, wells[features(wells)].to_numpy(), [TARGET], pos_diffby, neg_sameby, [TARGET],
        multilabel_col=TARGET, distance="abs_cosine", progress_bar=False,
    )  # fmt: skip
    assert ours[TARGET].tolist() == theirs[TARGET].tolist()
    assert_same(ours, theirs, exact=True)
    listed = wells.assign(**{TARGET: metadata[TARGET]})
    pd.testing.assert_frame_equal(
        average_precision(listed, rule, "abs_cosine", parity="copairs"), ours
    )


ROW = st.tuples(st.sampled_from("abc"), st.sampled_from("xy"), st.integers(1, 3),
                st.integers(-2, 2), st.integers(-2, 2))  # fmt: skip


@settings(max_examples=50)
@given(st.lists(ROW, min_size=3, max_size=14))
def test_ties_are_lost_as_defined(rows: list[tuple[Any, ...]]) -> None:
    names = ["drug", "plate", "Cells_1", "Cells_2", "Cells_3"]
    wells = pd.DataFrame(rows, columns=names)
    vectors = wells[names[2:]].to_numpy(dtype=np.float64)
    wanted = oracles.average_precisions(
        [dict(zip(names, row, strict=True)) for row in rows],
        vectors,
        lambda one, two: one["drug"] == two["drug"],
        lambda one, two: one["plate"] == two["plate"] and one["drug"] != two["drug"],
    )
    rule = PairRule("drug", neg_sameby="plate", neg_diffby="drug")
    try:
        found = average_precision(wells, rule)["average_precision"]
    except InvalidArgument:
        assert np.isnan(wanted).all()
        return
    np.testing.assert_allclose(found, wanted, atol=1e-12)


def test_a_profile_that_looks_like_all_others_is_not_told_apart() -> None:
    same = pd.DataFrame({"drug": list("aabb"), "Cells_1": 1.0, "Cells_2": 2.0})
    rule = PairRule("drug", neg_diffby="drug")
    assert average_precision(same, rule)["average_precision"].tolist() == [1 / 3] * 4
    assert average_precision(same, rule, parity="copairs")["average_precision"].tolist() == [1] * 4


def test_without_negatives_there_is_no_precision() -> None:
    wells = make_wells(compounds=8)
    alone = wells[PLATE] == "P0"
    wells = wells[~(alone & wells[CONTROL])]
    found = average_precision(wells, PairRule(DRUG, [], PLATE, CONTROL))
    assert found["average_precision"].isna().tolist() == alone[wells.index].tolist()
    peer = average_precision(wells, PairRule(DRUG, [], PLATE, CONTROL), parity="copairs")
    assert (peer["average_precision"][alone[wells.index].to_numpy()] == 1).all()


def test_chance_is_zero_and_the_best_is_one() -> None:
    noise = average_precision(make_wells(400, effect=0), PairRule(DRUG, [], PLATE, CONTROL))
    treated = noise[~noise[CONTROL]]["normalized_average_precision"]
    assert abs(treated.mean()) < 4 * treated.std() / np.sqrt(len(treated))
    strong = average_precision(make_wells(20, effect=50), PairRule(DRUG, [], PLATE, CONTROL))
    acts = ~strong[CONTROL] & (strong[DRUG] < "c010")
    assert (strong["normalized_average_precision"][acts] == 1).all()


def test_every_kind_of_table_and_order_gives_the_same() -> None:
    wells = make_wells(compounds=12)
    before = wells.copy()
    rule = PairRule(DRUG, [], PLATE, CONTROL)
    wanted = average_precision(wells, rule)["average_precision"].to_numpy()
    for table in (pl.from_pandas(wells), as_anndata(wells)):
        found = average_precision(table, rule)["average_precision"].to_numpy()
        np.testing.assert_allclose(found, wanted, atol=1e-12)
    mixed = np.random.default_rng(0).permutation(len(wells))
    found = average_precision(wells.iloc[mixed], rule)["average_precision"].to_numpy()
    np.testing.assert_allclose(found, wanted[mixed], atol=1e-12)
    pd.testing.assert_frame_equal(wells, before)


def test_many_rows_go_through_in_parts() -> None:
    # More rows than are kept at once, so that strips and whole products both are used.
    wells = make_wells(compounds=1_900, replicates=2, width=5)
    rule = PairRule(DRUG, neg_diffby=DRUG)
    wells = wells[~wells[CONTROL]]
    found = average_precision(wells, rule)
    some = found.sample(5, random_state=1).index
    values = wells[features(wells)].to_numpy()
    units = values / np.linalg.norm(values, axis=1, keepdims=True)
    for at in some:
        near = units @ units[at]
        other = (at + 1_900) % 3_800
        others = np.delete(near, [at, other])
        wanted = 1 / (1 + (others >= near[other] - 1e-12).sum())
        assert found["average_precision"][at] == pytest.approx(wanted, abs=1e-12)


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        (lambda: PairRule("nothing", neg_diffby=DRUG), "nothing"),
        (lambda: PairRule(DRUG, neg_diffby="Metadata_gap"), "rows lack a value in Metadata_gap"),
        (lambda: PairRule(DRUG, DRUG, PLATE), "pos_sameby and pos_diffby both have"),
        (lambda: PairRule((), neg_diffby=DRUG), "pos_sameby should name"),
        (lambda: PairRule(DRUG), "neg_sameby or neg_diffby"),
        (lambda: PairRule(DRUG, neg_diffby=DRUG, labels=TARGET), "should be in pos_sameby"),
        (lambda: PairRule(TARGET, TARGET, PLATE, labels=TARGET), "both have"),
        (lambda: PairRule([DRUG, PLATE], neg_diffby=DRUG), "no pair is positive"),
        (lambda: PairRule(DRUG, neg_diffby="Metadata_one"), "no pair is negative"),
    ],
)
def test_what_cannot_be_is_refused(rule: Any, message: str) -> None:
    wells = make_wells(compounds=4).assign(Metadata_one=1, Metadata_gap=None)
    wells = wells[~wells[CONTROL]]
    with pytest.raises(InvalidArgument, match=message):
        average_precision(wells, rule())


def test_bad_values_are_refused_by_name() -> None:
    wells, rule = make_wells(compounds=4), PairRule(DRUG, neg_diffby=DRUG)
    with pytest.raises(InvalidArgument, match="similarity should be one of"):
        average_precision(wells, rule, "manhattan")
    with pytest.raises(InvalidArgument, match="parity should be one of"):
        average_precision(wells, rule, parity="scanpy")
    wells.loc[2, "Cells_Kind_3"] = np.inf
    with pytest.raises(InvalidArgument, match="such as Cells_Kind_3"):
        average_precision(wells, rule)
