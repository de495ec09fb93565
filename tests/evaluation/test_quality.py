"""Quality of a plate: what was put into it is found, and nothing else."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from scipy import stats

from cellfolio.errors import InvalidArgument
from cellfolio.evaluation import PlateDesign, QualityRules, percent_replicating, plate_quality
from cellfolio.evaluation.nulls import SampledPerturbations
from cellfolio.evaluation.positions import position_effect
from cellfolio.profiles import feature_select, to_anndata
from cellfolio.profiles.features import parse_feature
from cellfolio.profiles.operations import FrequencyThreshold, VarianceThreshold
from tests.profiles.plates import CONTROLS, PLACES, WELLS, make_plate

PHASES = (Phase.explicit, Phase.reuse, Phase.generate)
"""Tables are slow to shrink, and small."""
DESIGN = PlateDesign(("Metadata_drug",), CONTROLS)


def test_good_plate_has_no_flag_and_replicates() -> None:
    found = plate_quality({"normalized": make_plate()}, DESIGN, places=PLACES)
    assert found.flags == ()
    assert found.replicates is not None
    assert found.replicates.agreeing == len(found.replicates.perturbations) == 20
    assert found.control_count == 16
    assert found.median_spread < 0.8  # controls answer to nothing
    assert all(one.largest < 0.3 for one in found.positions)
    assert [one.of for one in found.positions] == ["objects", "component 1", "component 2"]


def test_each_fault_is_told_with_its_reason() -> None:
    plate = make_plate()
    features = list(plate.filter(regex="^(Cells|Nuclei)_"))
    controls = plate.index[plate["Metadata_drug"] == "DMSO"]
    drug, other = (plate.index[plate["Metadata_drug"] == f"drug {n:02d}"] for n in (4, 5))
    plate.loc[controls[0], features] = 6.0
    plate.loc[drug[0], "Metadata_Object_Count"] = 30
    plate.loc[drug[1], features[:3]] = np.nan
    plate.loc[other[2], features] = -plate.loc[other[2], features]
    found = plate_quality({"p": plate}, DESIGN)
    reasons = {flag.well: flag.reason for flag in found.flags}
    assert set(reasons) == set(
        plate.loc[[controls[0], drug[0], drug[1], other[2]], "Metadata_Well"]
    )
    assert found.flagged == tuple(sorted(reasons, key=WELLS.index))
    assert "a control at distance" in reasons[WELLS[controls[0]]]
    assert reasons[WELLS[drug[0]]].startswith("30 objects: fewer than ")
    assert reasons[WELLS[drug[1]]] == "7.5% of its features are missing: more than 5.0%"
    assert "while they agree with each other" in reasons[WELLS[other[2]]]
    lenient = QualityRules(0, 0.0, 0.5, 1e9)
    assert plate_quality({"p": plate}, DESIGN, lenient).flagged == (WELLS[other[2]],)


def test_replicate_correlations_are_those_of_pandas() -> None:
    plate = make_plate()
    found = plate_quality({"p": plate}, DESIGN).replicates
    assert found is not None
    features = plate.filter(regex="^(Cells|Nuclei)_").T
    for drug, wells, correlation in found.perturbations.itertuples(index=False):
        own = features.loc[:, plate["Metadata_drug"] == drug].corr().to_numpy()
        assert wells == 4
        assert correlation == pytest.approx(np.median(own[np.triu_indices(4, 1)]))
    assert found.perturbations["correlation"].is_monotonic_decreasing
    assert found.threshold == np.percentile(found.null, 95)


def test_chance_is_that_of_percent_replicating() -> None:
    plate = make_plate()
    treated = plate[plate["Metadata_drug"] != "DMSO"]
    found = plate_quality({"p": plate}, DESIGN).replicates
    assert found is not None
    peer = percent_replicating(treated, "Metadata_drug", SampledPerturbations())
    np.testing.assert_allclose(found.null, peer.null, atol=1e-12)
    assert len(found.null) == 1_000
    assert peer.limits[1] == pytest.approx(found.threshold)
    assert found.agreeing == peer.table["replicating"].sum()


def test_few_perturbations_are_enough_for_chance() -> None:
    """Where `SampledGroups` would look for groups of 24 different ones in vain."""
    plate = make_plate().assign(Metadata_drug=["one", "other"] * 48)
    null = percent_replicating(plate, "Metadata_drug", SampledPerturbations(draws=50)).null
    values = plate.filter(regex="^(Cells|Nuclei)_").to_numpy()
    between = np.corrcoef(values)[::2, 1::2]
    assert len(null) == 50
    assert np.isclose(null[:, None], between.ravel()).any(axis=1).all()
    with pytest.raises(InvalidArgument, match="found one perturbation"):
        percent_replicating(
            plate.assign(Metadata_drug="one"), "Metadata_drug", SampledPerturbations()
        )


def test_replicates_that_say_nothing_are_as_by_chance() -> None:
    shares = []
    for seed in range(12):
        plate = make_plate(seed)
        random = np.random.default_rng(seed)
        drugs = plate["Metadata_drug"].to_numpy(copy=True)
        others = drugs != "DMSO"
        drugs[others] = random.permutation(drugs[others])
        found = plate_quality({"p": plate.assign(Metadata_drug=drugs)}, DESIGN).replicates
        assert found is not None
        shares.append(found.agreeing / 20)
    assert np.mean(shares) < 0.15


def test_spread_and_distance_are_those_of_scipy() -> None:
    plate = make_plate()
    found = plate_quality({"p": plate}, DESIGN)
    values = plate.filter(regex="^(Cells|Nuclei)_").to_numpy()
    controls = (plate["Metadata_drug"] == "DMSO").to_numpy()
    scale = stats.median_abs_deviation(values, scale=1 / 1.4826)
    own = stats.median_abs_deviation(values[controls], scale=1 / 1.4826)
    np.testing.assert_allclose(found.features["control_spread"], own / scale)
    away = np.abs(values - np.median(values[controls], axis=0)) / scale
    np.testing.assert_allclose(found.wells["distance"], np.median(away, axis=1))


def test_position_effect_is_the_adjusted_share_of_an_analysis_of_variance() -> None:
    random = np.random.default_rng(0)
    rows, columns = np.repeat(np.arange(1, 9), 12), np.tile(np.arange(1, 13), 8)
    values = random.normal(size=96) + 0.3 * rows
    found = position_effect("x", values, rows, columns)
    groups = [values[rows == row] for row in range(1, 9)]
    f = stats.f_oneway(*groups).statistic
    share = f * 7 / (f * 7 + 88)
    assert found.row == pytest.approx(1 - (1 - share) * 95 / 88)
    assert found.row > 0.2 > found.column
    edge = (rows == 1) | (rows == 8) | (columns == 1) | (columns == 12)
    lifted = position_effect("x", values + 5 * edge, rows, columns)
    assert lifted.edge > 0.7 > 0.6 > lifted.row
    assert found.by_column[3] == pytest.approx(values[columns == 3].mean())


@given(
    st.lists(st.floats(-1e6, 1e6) | st.just(float("nan")), min_size=0, max_size=24),
    st.integers(1, 6),
)
def test_position_effect_is_a_share_or_unknown(values: list[float], width: int) -> None:
    at = np.arange(len(values))
    found = position_effect("x", np.array(values, dtype=float), at // width + 1, at % width + 1)
    for share in (found.row, found.column, found.edge):
        assert np.isnan(share) or share <= 1 + 1e-9


@settings(max_examples=20, phases=PHASES)
@given(st.data())
def test_any_table_gives_a_result(data: st.DataObject) -> None:
    wells = data.draw(st.lists(st.sampled_from(WELLS), min_size=1, max_size=8, unique=True))
    numbers = st.sampled_from([0.0, 1.0, -3.5, 1e100, float("nan"), float("inf"), -float("inf")])
    table = pd.DataFrame({"Metadata_Well": wells})
    for name in ("Cells_A", "Nuclei_Intensity_Mean_DNA"):
        table[name] = data.draw(st.lists(numbers, min_size=len(wells), max_size=len(wells)))
    drugs = st.sampled_from(["DMSO", "x", None])
    table["Metadata_drug"] = ["DMSO", *data.draw(st.lists(drugs, min_size=8, max_size=8))][
        : len(wells)
    ]
    before = table.copy()
    found = plate_quality({"p": table}, DESIGN, places=PLACES)
    assert len(found.wells) == len(wells)
    assert ((found.features["missing"] >= 0) & (found.features["missing"] <= 1)).all()
    pd.testing.assert_frame_equal(table, before)


def test_stages_may_have_other_orders_and_kinds() -> None:
    first = make_plate()
    first.loc[3, "Cells_Texture_Contrast_DNA_0_00"] = np.inf
    kept = [*first.columns[:4], *first.columns[4::3]]
    last = first[kept].fillna(0).replace(np.inf, 0).sample(frac=1, random_state=1)
    found = plate_quality({"raw": first, "selected": last}, DESIGN, places=PLACES)
    assert found.stages == {"raw": 40, "selected": 14}
    assert found.features["selected"].sum() == 14
    assert found.features["missing"].sum() == pytest.approx(1 / 96)
    straight = plate_quality({"raw": first, "selected": last.sort_index()}, DESIGN, places=PLACES)
    pd.testing.assert_frame_equal(found.wells, straight.wells)
    for other in (pl.from_pandas(last), to_anndata(last)):
        again = plate_quality({"raw": first, "selected": other}, DESIGN, places=PLACES)
        pd.testing.assert_frame_equal(again.wells, found.wells)
        pd.testing.assert_frame_equal(again.features, found.features)


def test_same_plate_same_result() -> None:
    one, other = (plate_quality({"p": make_plate()}, DESIGN, places=PLACES) for _ in range(2))
    assert one.replicates is not None
    assert other.replicates is not None
    np.testing.assert_array_equal(one.replicates.null, other.replicates.null)
    assert one.positions == other.positions


def test_missing_controls_and_columns_are_no_faults_of_the_plate() -> None:
    plate = make_plate().drop(columns=["Metadata_Object_Count"])
    found = plate_quality({"p": plate})
    assert found.replicates is None
    assert found.flags == ()
    assert np.isnan([found.median_objects, found.median_spread]).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"well": "Metadata_position"}, "should be in a column 'Metadata_position'"),
        ({"reference": "Metadata_drug == 'dmso'"}, "no well is a negative control"),
        ({"perturbation": ("Metadata_gene",)}, r"found \['Metadata_gene'\]"),
        ({"count": "Metadata_cells"}, "found no 'Metadata_cells'"),
    ],
)
def test_design_that_does_not_fit_is_refused(change: dict[str, object], message: str) -> None:
    design = dataclasses.replace(DESIGN, **change)  # type: ignore[arg-type]
    with pytest.raises(InvalidArgument, match=message):
        plate_quality({"p": make_plate()}, design)


def test_text_is_no_list_of_columns() -> None:
    with pytest.raises(InvalidArgument, match=r"such as \('Metadata_drug',\), found a text"):
        PlateDesign("Metadata_drug")  # type: ignore[arg-type]


def test_tables_that_do_not_fit_are_refused() -> None:
    plate = make_plate()
    with pytest.raises(InvalidArgument, match="found none"):
        plate_quality({})
    with pytest.raises(InvalidArgument, match="A01 more than once"):
        plate_quality({"p": pd.concat([plate, plate])})
    with pytest.raises(InvalidArgument, match="1 are only in one of them, such as H12"):
        plate_quality({"raw": plate, "later": plate.iloc[:-1]})
    with pytest.raises(InvalidArgument, match="found none of H12"):
        plate_quality({"p": plate}, places={name: PLACES[name] for name in WELLS[:-1]})


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("Cells_Correlation_Costes_DNA_ER", ("Cells", "Correlation", "several")),
        ("Nuclei_Texture_Contrast_Orig_DNA_8_00", ("Texture", "Orig_DNA")),
        ("Cytoplasm_Granularity_10_RNA", ("Granularity", "RNA")),
        ("Cells_RadialDistribution_RadialCV_CorrER_1of4", ("RadialDistribution", "CorrER")),
        ("Nuclei_Location_CenterMassIntensity_X_AGP", ("Location", "AGP")),
        ("Nuclei_Location_Center_X", ("Location", "")),
        ("Cells_AreaShape_Zernike_5_1", ("AreaShape", "")),
        ("Cells_Neighbors_PercentTouching_Adjacent", ("Neighbors", "")),
        ("Cells_Intensity", ("Intensity", "")),
        ("vit_7", ("", "vit", "")),
        ("Cells_", ("Cells", "", "")),
    ],
)  # fmt: skip
def test_names_of_features_are_taken_apart(name: str, told: tuple[str, ...]) -> None:
    assert dataclasses.astuple(parse_feature(name))[-len(told) :] == told


@given(st.text(max_size=20) | st.from_regex(r"(Cells|Nuclei)(_[A-Za-z0-9]{0,4}){0,5}"))
def test_any_name_is_taken_apart(name: str) -> None:
    found = parse_feature(name)
    assert found.compartment in ("", "Cells", "Cytoplasm", "Nuclei")


def test_real_plate_has_its_misspelt_channel(shared: Path) -> None:
    folder = shared / "data/pediatric_atlas/BR00147001"
    stages = {
        name: pd.read_parquet(folder / f"BR00147001_bulk_{name}.parquet")
        for name in ("annotated", "normalized", "feature_selected")
    }
    design = PlateDesign(("Metadata_cell_line", "Metadata_seeding_density"))
    found = plate_quality(stages, design)
    assert found.stages == {"annotated": 2996, "normalized": 2996, "feature_selected": 524}
    assert found.features["selected"].sum() == 524
    counts = found.features["channel"].value_counts()
    assert counts["CorrBrightfild"] == 30  # as the authors wrote it, in the cytoplasm
    assert (found.features["missing"] > 0).sum() == 214  # columns with missing values
    assert [flag.well for flag in found.flags if "missing" in flag.reason] == ["F03"]
    selected = feature_select(stages["normalized"], [FrequencyThreshold(), VarianceThreshold()])
    again = plate_quality({"a": stages["annotated"], "b": selected.profiles})
    assert again.features["selected"].sum() == len(selected.features)


def test_real_plate_of_compounds_replicates(shared: Path) -> None:
    path = shared / "data/lincs_plate/SQ00015054_normalized_feature_select.csv.gz"
    design = PlateDesign(("Metadata_moa",), "Metadata_broad_sample == 'DMSO'")
    found = plate_quality({"selected": pd.read_csv(path)}, design)
    assert found.control_count == 24
    assert found.replicates is not None
    first = found.replicates.perturbations["Metadata_moa"].head(4).tolist()
    assert "proteasome inhibitor" in first  # the strongest phenotype there is
    assert found.replicates.agreeing > 35
