"""Selecting features: the columns of pycytominer, but for ties that it leaves to chance."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings

from cellfolio.errors import InvalidArgument
from cellfolio.profiles import (
    CPJUMP1_2021,
    Blocklist,
    CorrelationThreshold,
    DropMissing,
    DropOutliers,
    FrequencyThreshold,
    NoiseRemoval,
    Operation,
    VarianceThreshold,
    feature_select,
    split_features,
)
from tests.profiles.peer import CONTROLS, ask, tables

OPERATIONS: dict[str, tuple[Any, dict[str, Any]]] = {
    "variance_threshold": (VarianceThreshold(0.2), {"min_variance": 0.2}),
    "frequency_threshold": (
        FrequencyThreshold(0.3, 0.4),
        {"freq_cut": 0.3, "unique_cut": 0.4},
    ),
    "drop_na_columns": (DropMissing(0.1), {"na_cutoff": 0.1}),
    "drop_outliers": (DropOutliers(2), {"outlier_cutoff": 2}),
    "blocklist": (Blocklist(("Cells_Kind_normal0",)), {"blocklist": ["Cells_Kind_normal0"]}),
    "noise_removal": (
        NoiseRemoval("Metadata_drug", 0.7),
        {
            "noise_removal_perturb_groups": "Metadata_drug",
            "noise_removal_stdev_cutoff": 0.7,
        },
    ),
}


def assert_explained(table: pd.DataFrame, ours: Any, peer: Any, maximum: float, how: Any) -> None:
    """Assert that what differs is one of a pair whose sums of correlations are the same."""
    different = set(ours) ^ set(peer)
    if not different:
        return
    features = list(split_features(list(table.columns)).features)
    values = table[features].astype(float).replace([np.inf, -np.inf], np.nan)
    matrix = values.corr(method=how)
    varied = values.max() - values.min() > 1e-12 * values.abs().max()
    matrix.loc[~varied] = np.nan
    matrix.loc[:, ~varied] = np.nan
    sums = matrix.abs().sum()
    for name in different:
        others = [one for one in features if one != name]
        near = (sums[others] - sums[name]).abs() <= 1e-9 * sums[name]
        tied = near & (matrix.loc[name, others] > maximum - 1e-9)
        at_limit = (matrix.loc[name, others] - maximum).abs() < 1e-9
        constant = not varied[name]  # np.corrcoef correlates what rounding left of constants
        assert tied.any() or at_limit.any() or constant, name


def ask_for_columns(table: pd.DataFrame, name: str, **options: Any) -> pd.DataFrame:
    """Ask pycytominer, whose variance minds if nothing is left."""
    try:
        return ask("feature_select", table, operation=name, **options)
    except ValueError as error:
        if "No feature in X meets" not in str(error):
            raise
        return table.iloc[:, :4]


@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@given(table=tables())
@settings(max_examples=10)
def test_columns_are_those_of_pycytominer(name: str, table: pd.DataFrame) -> None:
    operation, options = OPERATIONS[name]
    for reference in (None, CONTROLS):
        if reference and not (table["Metadata_control_type"] == "negcon").any():
            continue
        peer = ask_for_columns(table, name, samples=reference or "all", **options)
        if peer.shape[1] == 4:
            with pytest.raises(InvalidArgument, match="no feature is left"):
                feature_select(table, [operation], reference=reference)
            continue
        ours = feature_select(table, [operation], reference=reference)
        pd.testing.assert_frame_equal(ours.profiles, peer)
        assert set(ours.features) | {one.feature for one in ours.dropped} == set(table.columns[4:])


@pytest.mark.parametrize("how", ["pearson", "spearman", "kendall"])
@pytest.mark.parametrize("infinite", [False, True])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_correlated_columns_are_those_of_pycytominer(how: Any, infinite: bool) -> None:
    @given(table=tables(infinite=infinite, least=4))
    @settings(max_examples=15)
    def check(table: pd.DataFrame) -> None:
        for maximum in (0.9, 0.3):
            peer = ask(
                "feature_select",
                table.astype(dict.fromkeys(table.columns[4:], float)),
                operation="correlation_threshold",
                corr_threshold=maximum,
                corr_method=how,
            )
            ours = feature_select(table, [CorrelationThreshold(maximum, how)])
            assert_explained(table, ours.profiles.columns, peer.columns, maximum, how)

    check()


@pytest.mark.parametrize("plate", ["BR00147001", "BR00147002", "BR00148751"])
def test_published_selection(shared: Path, plate: str) -> None:
    # Found from the files: frequency, then correlation with missing values still there, then no
    # missing value at all, then the blocklist; limits as by default.
    folder = shared / "data/pediatric_atlas" / plate
    normalized = pd.read_parquet(folder / f"{plate}_bulk_normalized.parquet")
    published = pd.read_parquet(folder / f"{plate}_bulk_feature_selected.parquet")
    operations: list[Operation] = [
        FrequencyThreshold(),
        CorrelationThreshold(0.9),
        DropMissing(0),
        Blocklist(),
    ]
    ours = feature_select(normalized, operations)
    different = set(ours.profiles.columns) ^ set(published.columns)
    # One value under two names, of which one is left.
    ties = {"Cells_AreaShape_BoundingBoxMaximum_X", "Cytoplasm_AreaShape_BoundingBoxMaximum_X"}
    assert different in (set(), ties)
    kept = ours.profiles[[name for name in ours.profiles.columns if name not in different]]
    numbers = kept.select_dtypes("float")
    pd.testing.assert_frame_equal(numbers, published[numbers.columns], check_exact=True)


@pytest.mark.parametrize("how", ["pearson", pytest.param("spearman", marks=pytest.mark.slow)])
def test_real_plate(shared: Path, how: Any) -> None:
    table = pd.read_csv(shared / "data/lincs_plate/SQ00015054_normalized_feature_select.csv.gz")
    names = ["frequency_threshold", "correlation_threshold", "drop_na_columns", "drop_outliers"]
    peer = ask("feature_select", table, operation=names, corr_threshold=0.6, corr_method=how)
    operations: list[Operation] = [
        FrequencyThreshold(),
        CorrelationThreshold(0.6, how),
        DropMissing(),
    ]
    ours = feature_select(table, [*operations, DropOutliers()])
    assert list(ours.profiles.columns) == list(peer.columns)
    assert 10 < len(ours.dropped) < 440


def test_single_cells_of_three_compartments(shared: Path) -> None:
    folder = shared / "data/cpjump1/single_cells/BR00116991-A01-1"
    parts = [
        pd.read_csv(folder / f"{name}.csv")
        .add_prefix(f"{name}_")
        .select_dtypes("number")
        .iloc[:, ::10]
        for name in ("Cells", "Cytoplasm", "Nuclei")
    ]
    table = pd.concat(parts, axis=1)
    names = ["frequency_threshold", "drop_na_columns", "correlation_threshold"]
    peer = ask("feature_select", table, operation=names)
    ours = feature_select(table, [FrequencyThreshold(), DropMissing(), CorrelationThreshold()])
    assert_explained(table[sorted({*peer.columns, *ours.features})], ours.features,
                     peer.columns, 0.9, "pearson")  # fmt: skip
    assert len(ours.features) == len(peer.columns)


def test_reasons() -> None:
    table = pd.DataFrame(
        {
            "Cells_A": [1.0, 2, 3, 4],
            "Cells_B": [2.0, 4, 6, 8.5],
            "Cells_C": [1.0, np.nan, 0, 5],
            "Cells_D": [0.0, 0, 0, 900],
            "Nuclei_Granularity_14_ER": [3.0, 1, 4, 1],
        }
    )
    operations: list[Operation] = [
        DropMissing(),
        DropOutliers(),
        Blocklist(),
        CorrelationThreshold(),
    ]
    selection = feature_select(table, operations)
    assert [str(one) for one in selection.dropped] == [
        "Cells_C: 25.0% of the values are missing, above 5.0% (DropMissing(maximum=0.05))",
        "Cells_D: a value is 900 from zero, above 500 (DropOutliers(maximum=500.0))",
        f"Nuclei_Granularity_14_ER: on the blocklist ({Blocklist()})",
        "Cells_B: pearson correlation with Cells_A is above 0.9 "
        "(CorrelationThreshold(maximum=0.9, coefficient='pearson'))",
    ]


def test_ties_keep_the_first_of_the_table() -> None:
    rng = np.random.default_rng(0)
    value, other = rng.normal(size=(2, 50))
    for names in (["Cells_A", "Cells_B"], ["Cells_B", "Cells_A"]):
        table = pd.DataFrame({names[0]: value, "Cells_C": other, names[1]: value * 3})
        assert feature_select(table, [CorrelationThreshold()]).features == (names[0], "Cells_C")


def test_constant_features_are_never_correlated() -> None:
    # np.corrcoef finds 1 between what rounding leaves of the means of 0.1 and of 0.2.
    table = pd.DataFrame({"Cells_A": [0.1] * 6, "Cells_B": [0.2] * 6, "Cells_C": np.arange(6.0)})
    assert len(feature_select(table, [CorrelationThreshold()]).features) == 3
    assert ask("feature_select", table, operation="correlation_threshold").shape == (6, 2)


def test_a_limit_reached_exactly_may_stay() -> None:
    # Spearman's coefficient of these is 0.9; rounding puts it on either side.
    table = pd.DataFrame({"Cells_A": [1, 2, 3, 4, 5], "Cells_B": [2, 1, 3, 4, 5]})
    assert len(feature_select(table, [CorrelationThreshold(0.9, "spearman")]).features) == 2


def test_parity_of_2021_judges_every_feature_by_every_operation() -> None:
    # Cells_B is most like the others, but is dropped for missing values before it can push out
    # the others; in 2021 it went by both.
    rng = np.random.default_rng(0)
    base = rng.normal(size=100)
    table = pd.DataFrame({f"Cells_{at}": base + rng.normal(size=100) * 0.3 for at in range(4)})
    table.insert(0, "Cells_B", base)
    table.loc[:9, "Cells_B"] = np.nan
    operations: list[Operation] = [DropMissing(), CorrelationThreshold(0.93)]
    today = feature_select(table, operations)
    then = feature_select(table, operations, parity="cpjump1-2021")
    alone = {one.feature for each in operations for one in feature_select(table, [each]).dropped}
    assert {one.feature for one in then.dropped} == alone
    assert {one.feature for one in today.dropped} <= alone
    assert CPJUMP1_2021[0] == FrequencyThreshold(0.05, 0.1)


@pytest.mark.parametrize(
    ("operations", "reason"),
    [
        ("variance_threshold", "should be a list"),
        ([VarianceThreshold], "should be a value such as"),
        (["variance_threshold"], "should be a value such as"),
        ([NoiseRemoval("Metadata_drug", 1)], "grouped by columns of the table"),
    ],
)
def test_operations_that_cannot_be_used(operations: Any, reason: str) -> None:
    with pytest.raises(InvalidArgument, match=reason):
        feature_select(pd.DataFrame({"Cells_A": [1.0, 2.0]}), operations)


@pytest.mark.parametrize(
    "make",
    [
        lambda: DropMissing(5),
        lambda: CorrelationThreshold(-0.1),
        lambda: CorrelationThreshold(0.9, "cosine"),  # type: ignore[arg-type]
        lambda: VarianceThreshold(float("nan")),
        lambda: FrequencyThreshold(unique=2),
        lambda: DropOutliers(-1),
        lambda: Blocklist("Cells_A"),  # type: ignore[arg-type]
    ],
)
def test_limits_that_make_no_sense(make: Any) -> None:
    with pytest.raises(InvalidArgument, match="should"):
        make()
    with pytest.raises(InvalidArgument, match="parity should be one of"):
        feature_select(pd.DataFrame({"Cells_A": [1.0, 2.0]}), [], parity="2021")


def test_numbered_features_are_found_after_some_were_dropped() -> None:
    names = ["Metadata_Well", "plate_1", "plate_7", *(f"net_{n}" for n in range(0, 60, 3))]
    assert split_features(names).features == tuple(names[3:])
    with pytest.raises(InvalidArgument, match="no column is a feature"):
        split_features([*names[:3], "net_3", "net_9"])
