"""The five Rosetta data sets: keys that pair, published numbers, values against an oracle."""

from __future__ import annotations

import math
import re
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellfolio.errors import BrokenFile, InvalidArgument
from cellfolio.evaluation import (
    AllPairs,
    Cutoff,
    OneOfEach,
    Replicability,
    percent_replicating,
)
from cellfolio.formats.loading import load
from cellfolio.metadata.rosetta import tables
from cellfolio.metadata.rosetta.profiles import ProfileOptions, Profiles, Wanted, make_profiles
from cellfolio.metadata.rosetta.sets import (
    CONTROLS,
    MODALITIES,
    MORPHOLOGY_VARIANTS,
    SETS,
    RosettaSet,
    find_set,
)
from cellfolio.metadata.rosetta.values import choose_features, fill_missing, standardize
from cellfolio.profiles import split_features
from tests.metadata import rosetta_oracle as oracle
from tests.metadata.rosetta_files import METADATA, Row, make, shape_of, write

LUAD, LINCS, CDRP = find_set("LUAD"), find_set("LINCS"), find_set("CDRP")
SIDES = [(one, modality) for one in SETS for modality in MODALITIES]


def side_id(value: object) -> str:
    return value.name if isinstance(value, RosettaSet) else str(value)


def profiles(table: pd.DataFrame, wanted: Wanted, **options: object) -> Profiles:
    return make_profiles(table, wanted, ProfileOptions(**options), "file.csv")  # type: ignore[arg-type]


def luad(values: dict[str, list[float]], plates: list[str] | None = None) -> pd.DataFrame:
    """Return a small table of LUAD's morphology; one perturbation for each two wells."""
    count = len(next(iter(values.values())))
    keys = [f"GENE{at // 2}_WT.o" for at in range(count)]
    return pd.DataFrame(
        {"Metadata_Plate": plates or ["P1"] * count, "x_mutation_status": keys, **values}
    )


# Published tables


@pytest.fixture(scope="module")
def published(shared: Path) -> dict[str, list[tuple[str, float, float]]]:
    """Perturbation, replicate correlation and threshold, by sheet."""
    return {
        name: [(row["A"], float(row.get("B", "nan")), float(row["C"])) for row in rows[1:]]
        for name, rows in spreadsheet(shared / "data/rosetta_published/RepCorrDF.xlsx").items()
    }


def spreadsheet(path: Path) -> dict[str, list[dict[str, str]]]:
    """Return the cells of each sheet by column; ten times as fast as openpyxl."""
    cell = re.compile(r'<c r="([A-Z]+)(\d+)"[^>]*>(?:<v>|<is><t>)([^<]*)<')
    with ZipFile(path) as file:
        names = re.findall(r'<sheet [^>]*name="([^"]*)"', file.read("xl/workbook.xml").decode())
        sheets = {}
        for number, name in enumerate(names, start=1):
            rows: dict[str, dict[str, str]] = {}
            content = file.read(f"xl/worksheets/sheet{number}.xml").decode()
            for column, row, value in cell.findall(content):
                rows.setdefault(row, {})[column] = value
            sheets[name] = list(rows.values())
    return sheets


def overlap(
    published: dict[str, list[tuple[str, float, float]]], data_set: RosettaSet, *, high: bool
) -> tuple[int, int]:
    """Return how many perturbations are in both sheets: by their spelling; by our key."""
    spelled, ours = [], []
    for modality in ("cp", "l1k"):
        rows = published[f"{modality}-{data_set.name.lower().replace('ta-orf', 'taorf')}"]
        keys = {key for key, cor, threshold in rows if cor > threshold or not high}
        spelled.append(keys)
        ours.append({data_set.perturbation(key) for key in keys})
    return len(set.intersection(*spelled)), len(set.intersection(*ours))


def test_doses_as_numbers_pair_every_treatment_of_lincs(
    published: dict[str, list[tuple[str, float, float]]],
) -> None:
    assert overlap(published, LINCS, high=False) == (6984, 8369)
    assert overlap(published, LINCS, high=True) == (1140, 1606)
    assert LINCS.paired == 6984
    for sheet, count in (("cp-lincs", 9394), ("l1k-lincs", 8369)):
        # Nothing is merged that was apart.
        assert len({LINCS.perturbation(key) for key, _, _ in published[sheet]}) == count


def test_compounds_without_batch_pair_cdrp(
    published: dict[str, list[tuple[str, float, float]]],
) -> None:
    assert overlap(published, CDRP, high=True) == (3, 848)
    assert overlap(published, CDRP, high=False) == (33, 19666)


def test_other_sets_pair_as_published(
    published: dict[str, list[tuple[str, float, float]]],
) -> None:
    assert overlap(published, find_set("CDRP-bio"), high=True) == (131, 131)
    assert overlap(published, LUAD, high=True) == (197, 197)
    assert overlap(published, find_set("TA-ORF"), high=True) == (36, 36)
    assert overlap(published, LUAD, high=False) == (525, 525)
    assert overlap(published, find_set("CDRP-bio"), high=False)[0] == 1535


def test_perturbations_are_as_many_as_published(
    published: dict[str, list[tuple[str, float, float]]],
) -> None:
    for data_set in SETS:
        if data_set.name != "CDRP":  # whose table counts compounds, and its sheet doses
            name = data_set.name.lower().replace("ta-orf", "taorf")
            assert data_set.morphology.perturbations == len(published[f"cp-{name}"])
            assert data_set.expression.perturbations == len(published[f"l1k-{name}"])


def test_files_are_those_of_the_published_listing(shared: Path) -> None:
    listing = load(shared / "data/rosetta_published/etag.json")["Contents"]
    there = {one["Key"].split("preprocessed_data/")[1].removesuffix(".csv.gz") for one in listing}
    ours = {
        Path(one.folder, Wanted(one, modality, "replicate", variant).file).as_posix()
        for one, modality in SIDES
        for variant in one.side(modality).files
    }
    assert ours <= there
    assert {name for name in there - ours if "treatment_level" not in name} == set()


# Real expression


@pytest.fixture(scope="module")
def real(shared: Path) -> pd.DataFrame:
    """The 729 wells that Rosetta has of the real TA-ORF expression, as its file has them."""
    folder = shared / "data/ta_orf_l1000"
    wells = load(folder / "TA-ORF_L1000_cdesc.csv")
    values = load(folder / "TA-ORF_L1000_ZSPCQNORM_1092x978.csv.gz")
    plates = ("TA.OE005_U2OS_72H_X1_B15", "TA.OE005_U2OS_72H_X2.A2_B18")
    chosen = wells[wells["det_plate"].isin(plates)]
    table: pd.DataFrame = chosen.merge(values, left_on="id", right_on="cid", validate="1:1")
    return table


def test_real_expression_gives_the_published_replicate_correlations(
    real: pd.DataFrame, shared: Path, published: dict[str, list[tuple[str, float, float]]]
) -> None:
    wanted = Wanted(find_set("TA-ORF"), "expression", "replicate", None)
    dropped = real[real["pert_id"] != "CMAP-000"]
    found = profiles(dropped, wanted, standardize=True)
    assert found.report.dropped == ()
    features = tables.feature_columns(found.table, "expression")
    assert len(features) == 978
    assert split_features(found.table.columns.tolist()).features == tuple(features)
    path = shared / "data/rosetta_published/taorf_l1000_replicate_correlation.csv"
    theirs = pd.read_csv(path, index_col="pert_id")["RepCor"]

    def correlations(seed: int) -> Replicability:
        null, cutoff = OneOfEach(seed), Cutoff(90)
        key = "Metadata_perturbation"
        return percent_replicating(found.table, key, null, cutoff, statistic="mean")

    ours = correlations(0)
    table = ours.table.set_index("Metadata_perturbation")["correlation"]
    assert (len(table), table.notna().sum()) == (327, 304)
    np.testing.assert_allclose(table, theirs.reindex(table.index), atol=1e-7)
    (threshold,) = {one for _, _, one in published["l1k-taorf"]}
    assert (table > threshold).sum() == 78
    passing = {key for key, cor, limit in published["l1k-taorf"] if cor > limit}
    assert set(table.index[table > threshold]) == passing
    # The published threshold comes from a random well of each perturbation; all pairs are exact.
    assert all(0.135 < correlations(seed).limits[1] < 0.17 for seed in range(3))
    exact = percent_replicating(
        found.table, "Metadata_perturbation", AllPairs(), Cutoff(90), features=features
    )
    assert exact.limits[1] == pytest.approx(0.1524, abs=5e-5)


def test_real_expression_is_reported_as_published(real: pd.DataFrame) -> None:
    found = profiles(real, Wanted(find_set("TA-ORF"), "expression", "treatment", None))
    report = found.report
    assert (report.rows, report.perturbations, report.features) == (729, 327, 978)
    assert report.rows == report.expected_rows
    assert report.perturbations == report.expected_perturbations
    assert report.features == report.expected_features
    assert report.controls == (real["pert_id"] == "CMAP-000").sum() == 56
    assert len(found.table) == 328
    assert (found.table["Metadata_perturbation"] == "negcon").sum() == 1
    assert found.table["Metadata_replicates"].sum() == 729
    assert found.table["x_genesymbol_mutation"].iloc[-1] == "EMPTY"


def test_real_genes_are_named(real: pd.DataFrame, shared: Path) -> None:
    wanted = Wanted(find_set("TA-ORF"), "expression", "replicate", None)
    idmap = pd.read_excel(shared / "data/rosetta_published/idmap.xlsx")
    found = profiles(real, wanted, symbols=idmap)
    assert found.report.notes == ()
    assert found.report.features == 978
    assert {"PSME1", "KDM5B"} <= set(found.table.columns)
    assert tables.feature_columns(found.table, "expression") == []
    assert found.table["PSME1"].tolist() == real["200814_at"].tolist()


# Keys

names = st.text(st.characters(codec="ascii", categories=("L", "N", "P")), min_size=1, max_size=20)


@given(st.sampled_from(SETS), names)
def test_a_perturbation_is_its_own_name(data_set: RosettaSet, key: str) -> None:
    once = data_set.perturbation(key)
    assert data_set.perturbation(once) == once


@given(st.decimals(min_value="0.01", max_value=9999, places=2), st.integers(0, 99_999_999))
def test_doses_are_numbers_whatever_their_spelling(dose: object, number: int) -> None:
    for data_set in (LINCS, CDRP):
        sample = f"BRD-K{number:08}"
        spelled = {str(dose), f"{dose}0", repr(float(str(dose))), f"{float(str(dose)):.12g}"}
        found = {data_set.perturbation(f"{sample}_{one}") for one in spelled}
        found |= {data_set.perturbation(f"{sample}-001-02-3_{one}") for one in spelled}
        (only,) = found
        other = float(str(dose)) + 0.01
        assert data_set.perturbation(f"{sample}_{other:.2f}") != only


@pytest.mark.parametrize("key", ["BRD-K18250272_nan", "BRD-K18250272_", "a_b", "-666", "x_-1"])
def test_what_is_no_dose_stays_as_it_is(key: str) -> None:
    assert LINCS.perturbation(key) == key


@pytest.mark.parametrize("data_set", SETS, ids=side_id)
def test_controls_have_one_name(data_set: RosettaSet) -> None:
    assert {data_set.perturbation(one) for one in CONTROLS} == {"negcon"}
    assert data_set.group("negcon") == "negcon"


def test_doses_of_a_compound_are_one_group_in_lincs_only() -> None:
    assert LINCS.group(LINCS.perturbation("BRD-A62035778_10.0")) == "BRD-A62035778"
    assert CDRP.group("BRD-A62035778_10") == "BRD-A62035778_10"


@pytest.mark.parametrize(
    "name", ["TA-ORF", "ta-orf", "TAORF", "rosetta/TA-ORF-BBBC037-Rohban", "TA-ORF-BBBC037-Rohban"]
)
def test_sets_are_found_by_any_of_their_names(name: str) -> None:
    assert find_set(name).folder == "TA-ORF-BBBC037-Rohban"


def test_unknown_names_are_told_with_those_there_are() -> None:
    with pytest.raises(InvalidArgument, match=r"CDRP, CDRP-bio, LUAD, TA-ORF, LINCS, found 'CPJ"):
        find_set("CPJUMP1")
    with pytest.raises(InvalidArgument, match=r"modalities morphology, expression, found 'L1000'"):
        LUAD.side("L1000")
    with pytest.raises(InvalidArgument, match=r"augmented, normalized, normalized_variable_sel"):
        LUAD.morphology.file("pclfc")
    assert CDRP.expression.file("pclfc") == "replicate_level_l1k_pclfc"
    assert list(LUAD.morphology.files) == list(MORPHOLOGY_VARIANTS)


# Each data set in its shape


@pytest.mark.parametrize(("data_set", "modality"), SIDES, ids=side_id)
def test_wells_are_those_of_the_file(tmp_path: Path, data_set: RosettaSet, modality: str) -> None:
    made = make(tmp_path, data_set, modality, "DMSO")
    side = data_set.side(modality)
    before = load(made.path)
    given = before.copy()
    found = profiles(given, Wanted(data_set, modality, "replicate", None))
    table, report = found.table, found.report
    pd.testing.assert_frame_equal(given, before)
    added = ["Metadata_perturbation", "Metadata_group"]
    added += ["Metadata_mechanism"] * bool(side.mechanism) + [tables.TARGET] * bool(side.target)
    expected = [*added, *METADATA[shape_of(data_set), modality], *made.features]
    assert list(table.columns) == expected
    assert table["Metadata_perturbation"].tolist() == [
        data_set.perturbation(row[side.key]) for row in made.rows
    ]
    for name in made.features:
        assert table[name].tolist() == [float(row[name]) for row in made.rows]
    assert (report.rows, report.plates, report.perturbations, report.controls) == (12, 3, 2, 6)
    assert (report.features, report.values, report.missing) == (4, 48, 0)
    assert report.notes == ()
    if side.mechanism:
        mechanism = table["Metadata_mechanism"]
        assert mechanism.tolist()[:2] == [
            f"cdk inhibitor {row[side.key][:6].lower()}" for row in made.rows[:2]
        ]
        assert mechanism.isna().tolist() == [row[side.key] == "DMSO" for row in made.rows]


@pytest.mark.parametrize(("data_set", "modality"), SIDES, ids=side_id)
@pytest.mark.parametrize("per_plate", [False, True])
def test_perturbations_are_means_of_their_wells(
    tmp_path: Path, data_set: RosettaSet, modality: str, per_plate: bool
) -> None:
    made = make(tmp_path, data_set, modality)
    side = data_set.side(modality)
    wanted = Wanted(data_set, modality, "treatment", None)
    table = profiles(load(made.path), wanted, standardize=per_plate).table
    rows = made.rows
    values = [{name: float(row[name]) for name in made.features} for row in rows]
    if per_plate:
        values = oracle.standardized(rows, side.plate, made.features)
    keys = [data_set.perturbation(row[side.key]) for row in rows]
    expected = oracle.averaged(keys, values, made.features)
    assert table["Metadata_perturbation"].tolist() == list(expected)
    for name in made.features:
        assert table[name].tolist() == pytest.approx([one[name] for one in expected.values()])
    assert table["Metadata_replicates"].tolist() == [keys.count(key) for key in expected]
    # What differs between the wells of a perturbation is not there; what is the same is.
    assert side.plate not in table
    assert side.key in table
    assert tables.feature_columns(table, modality) == list(made.features)


def test_metadata_never_multiply_rows(tmp_path: Path) -> None:
    made = make(tmp_path, CDRP, "morphology")
    made.rows[4]["Metadata_moa"] = "HSP inhibitor"
    made.rows[4]["Metadata_mmoles_per_liter"] = "6.1"
    write(made.path, made.rows)
    found = profiles(load(made.path), Wanted(CDRP, "morphology", "treatment", None))
    assert found.table["Metadata_perturbation"].tolist() == [
        "BRD-K18250272_6.05",
        "BRD-K18316707_10",
        "negcon",
    ]
    assert found.table["Metadata_mechanism"].tolist()[0] == "cdk inhibitor brd-k1"
    assert "Metadata_mmoles_per_liter" not in found.table
    assert found.report.notes == (
        "file.csv: 1 perturbations have several values of 'Metadata_moa'; the first is kept",
    )


def test_controls_may_differ_in_what_treatments_have_in_common(tmp_path: Path) -> None:
    made = make(tmp_path, LUAD, "morphology")
    made.rows[2]["Symbol"], made.rows[3]["Symbol"] = "EGFP", "BFP"
    write(made.path, made.rows)
    table = profiles(load(made.path), Wanted(LUAD, "morphology", "treatment", None)).table
    symbols = dict(zip(table["Metadata_perturbation"], table["Symbol"], strict=True))
    assert symbols["TP53_p.R280G"] == "Symbol of TP53_p.R280G"
    assert pd.isna(symbols["negcon"])


def test_mechanism_is_that_of_morphology_else_of_expression(tmp_path: Path) -> None:
    one, other = (make(tmp_path, LINCS, modality) for modality in MODALITIES)
    for row in other.rows:
        row["moa"] = row["moa"].replace("CDK", "HSP")
    write(other.path, other.rows)
    loaded = [
        profiles(load(made.path), Wanted(LINCS, modality, "treatment", None)).table
        for made, modality in ((one, "morphology"), (other, "expression"))
    ]
    assert tables.mechanisms(*loaded).to_dict() == {
        "BRD-A62035778_0.37": "cdk inhibitor brd-a6",
        "BRD-A62035778_10": "cdk inhibitor brd-a6",
        "BRD-K25114078_0.37": "hsp inhibitor brd-k2",
    }
    assert len(tables.mechanisms(loaded[0][["Metadata_perturbation"]])) == 0


def test_wells_without_key_are_told_and_in_no_mean(tmp_path: Path) -> None:
    made = make(tmp_path, LUAD, "expression")
    made.rows[0]["allele"] = ""
    write(made.path, made.rows)
    found = profiles(load(made.path), Wanted(LUAD, "expression", "treatment", None))
    assert found.report.without_key == 1
    assert found.report.notes == ("file.csv: 1 wells have no allele",)
    assert found.table["Metadata_replicates"].sum() == 11


def test_header_only_files_are_empty_tables_with_a_note(tmp_path: Path) -> None:
    path = tmp_path / "level_5_modz.csv.gz"
    header: Row = dict.fromkeys(["cid", "pert_id", "200814_at"], "")
    write(path, [header])
    content = load(path).iloc[:0]
    found = make_profiles(
        content,
        Wanted(LINCS, "expression", "treatment", "level_5_modz"),
        ProfileOptions(),
        "L1000/level_5_modz.csv.gz",
    )
    assert found.report.notes == ("L1000/level_5_modz.csv.gz has a header and no rows",)
    assert list(found.table.columns) == ["Metadata_perturbation", "cid", "pert_id", "200814_at"]
    assert found.table["200814_at"].dtype == np.float64
    assert found.report.expected_rows is None


@pytest.mark.parametrize(("data_set", "modality"), SIDES, ids=side_id)
def test_missing_columns_are_named_with_those_there_are(
    tmp_path: Path, data_set: RosettaSet, modality: str
) -> None:
    made = make(tmp_path, data_set, modality)
    side = data_set.side(modality)
    for missing in (side.key, side.plate):
        left = load(made.path).drop(columns=missing)
        there = ", ".join(tables.metadata_columns(left, modality))
        message = (
            f"file.csv cannot be read as {modality} profiles of {data_set.name}: "
            f"expected a column {missing!r}; found {len(left.columns) - 4} of metadata: {there}"
        )
        with pytest.raises(BrokenFile, match=re.escape(message)):
            profiles(left, Wanted(data_set, modality, "replicate", None))


def test_missing_annotations_are_told_only(tmp_path: Path) -> None:
    made = make(tmp_path, CDRP, "morphology")
    left = load(made.path).drop(columns="Metadata_target")
    found = profiles(left, Wanted(CDRP, "morphology", "treatment", None))
    assert found.report.notes == ("file.csv: no column 'Metadata_target' of annotations",)
    assert "Metadata_mechanism" in found.table


def test_features_that_are_no_numbers_are_refused() -> None:
    table = luad({"Cells_Area": [1.0, 2.0]}).astype({"Cells_Area": object})
    table.loc[1, "Cells_Area"] = "#DIV/0!"
    with pytest.raises(BrokenFile, match=r"expected numbers in 'Cells_Area', found '#DIV/0!'"):
        profiles(table, Wanted(LUAD, "morphology", "replicate", None))


# Values


def test_infinite_values_are_missing_and_stay_so_by_default() -> None:
    area = [1.0, math.inf, 3.0, -math.inf] + [4.0, 7.0] * 30
    table = luad({"Cells_Area": area, "Nuclei_Area": list(range(64))})
    found = profiles(table, Wanted(LUAD, "morphology", "replicate", None))
    assert (found.report.infinite, found.report.missing) == (2, 2)
    assert found.table["Cells_Area"].isna().tolist() == [False, True, False, True] + [False] * 60
    assert found.report.dropped == ()


def test_features_often_missing_or_the_same_are_left_out_and_told() -> None:
    steady = [0.1 + 1e-6 * (at % 2) for at in range(40)]
    table = luad(
        {
            "Cells_Rare": [math.nan] * 3 + [1.0, 2.0] * 18 + [1.0],
            "Cells_Border": [math.nan] * 2 + [1.0, 2.0] * 19,
            "Cells_Steady": steady,
            "Cells_Same": [0.1] * 40,
            "Cells_Fine": [0.1, 0.2] * 20,
        }
    )
    found = profiles(table, Wanted(LUAD, "morphology", "replicate", None))
    assert tables.feature_columns(found.table, "morphology") == ["Cells_Border", "Cells_Fine"]
    assert [(one.feature, one.reason) for one in found.report.dropped] == [
        ("Cells_Rare", "7.5% missing, more than 5%"),
        ("Cells_Steady", "standard deviation 5.1e-07, below 0.0001"),
        ("Cells_Same", "standard deviation 0, below 0.0001"),
    ]
    assert found.report.notes == (
        "file.csv: 3 features left out: Cells_Rare, Cells_Steady, Cells_Same",
    )


def test_what_becomes_missing_in_its_plate_is_left_out_then() -> None:
    plates = ["P1"] * 10 + ["P2"] * 30
    same_in_one = [5.0] * 10 + [float(at) for at in range(30)]
    table = luad({"Cells_Area": same_in_one, "Cells_Fine": list(range(40))}, plates)
    found = profiles(table, Wanted(LUAD, "morphology", "replicate", None), standardize=True)
    assert [one.reason for one in found.report.dropped] == ["25.0% missing, more than 5%"]
    assert tables.feature_columns(found.table, "morphology") == ["Cells_Fine"]


def test_missing_values_become_the_median_of_their_plate() -> None:
    plates = ["P1"] * 20 + ["P2"] * 20
    area = [float(at) for at in range(40)]
    area[3], area[30] = math.nan, math.nan
    table = luad({"Cells_Area": area}, plates)
    wanted = Wanted(LUAD, "morphology", "replicate", None)
    filled = profiles(table, wanted, fill="plate_median").table["Cells_Area"].tolist()
    assert filled[3] == sorted([*range(3), *range(4, 20)])[9]
    assert filled[30] == sorted([*range(20, 30), *range(31, 40)])[9]
    assert [one for at, one in enumerate(filled) if at not in (3, 30)] == [
        one for one in area if not math.isnan(one)
    ]


def test_a_plate_without_values_has_no_median() -> None:
    values = np.array([[math.nan], [math.nan], [1.0]])
    filled = fill_missing(values, "plate_median", ["P1", "P1", "P2"])
    assert np.isnan(filled).ravel().tolist() == [True, True, False]
    with pytest.raises(InvalidArgument, match="none, plate_median, rows, found 'zero'"):
        fill_missing(values, "zero", ["P1", "P1", "P2"])


def test_parity_interpolates_down_the_rows_and_keeps_expression() -> None:
    area = [math.nan, 1.0, math.nan, math.nan, 4.0, 5.0] + [6.0, 8.0] * 40 + [2.0, math.nan]
    values = {"Cells_Area": area, "Cells_Same": [1.0] * len(area)}
    wanted = Wanted(LUAD, "morphology", "replicate", None)
    found = profiles(luad(values), wanted, parity="published")
    expected = oracle.interpolated(area)
    assert found.table["Cells_Area"].tolist() == pytest.approx(expected, nan_ok=True)
    assert math.isnan(expected[0])
    assert expected[2:4] == [2.0, 3.0]
    assert "Cells_Same" not in found.table
    expression = luad({"1_at": area, "2_at": [1.0] * len(area)}).rename(
        columns={"Metadata_Plate": "det_plate", "x_mutation_status": "allele"}
    )
    wanted = Wanted(LUAD, "expression", "replicate", None)
    assert "2_at" in profiles(expression, wanted, parity="published").table
    assert "2_at" not in profiles(expression, wanted).table


numbers = st.one_of(st.integers(-999, 999).map(lambda at: at / 8), st.sampled_from([math.nan, 0.1]))
wells = st.lists(st.tuples(st.sampled_from("ab"), numbers, numbers), min_size=1, max_size=12)


@given(wells)
def test_standardized_plates_are_those_of_the_oracle(wells: list[tuple[str, float, float]]) -> None:
    rows = [{"plate": plate, "x": repr(x), "y": repr(y)} for plate, x, y in wells]
    expected = oracle.standardized(rows, "plate", ["x", "y"])
    values = np.array([[x, y] for _, x, y in wells])
    before = values.copy()
    found = standardize(values, [plate for plate, *_ in wells])
    assert np.array_equal(values, before, equal_nan=True)
    theirs = np.array([[one["x"], one["y"]] for one in expected])
    np.testing.assert_allclose(found, theirs, rtol=1e-6, atol=1e-6)


@given(wells)
def test_choosing_is_by_missing_and_spread(wells: list[tuple[str, float, float]]) -> None:
    values = np.array([[x, y] for _, x, y in wells])
    keep, dropped = choose_features(values, ["x", "y"])
    assert [one.feature for one in dropped if "missing" in one.reason] == [
        name
        for name, column in zip("xy", values.T.tolist(), strict=True)
        if sum(map(math.isnan, column)) / len(column) > 0.05
    ]
    assert len(dropped) + keep.sum() == 2


def test_no_wells_have_nothing_to_leave_out() -> None:
    keep, dropped = choose_features(np.empty((0, 2)), ["x", "y"])
    assert keep.tolist() == [True, True]
    assert dropped == []
    assert standardize(np.empty((0, 2)), []).shape == (0, 2)


# Genes


def test_ambiguous_genes_are_told() -> None:
    table = pd.DataFrame([[1.0, 2.0, 3.0, 4.0]], columns=["1_at", "2_at", "3_at", "4_at"])
    symbols = pd.DataFrame(
        {
            "probe_id": ["1_at", "2_at", "3_at", "9_at"],
            "symbol": ["TP53", "TP53", "AKT1", "AKT1"],
            "entrezgene": [7157.0, 7157.0, 207.0, 207.0],
        }
    )
    named, told = tables.name_genes(table, symbols)
    assert list(named.columns) == ["TP53 (1_at)", "TP53 (2_at)", "AKT1", "4_at"]
    assert told == [
        "symbol TP53 has probes 1_at, 2_at",
        "Entrez gene 7157 has probes 1_at, 2_at",
        "1 probes have no symbol, such as 4_at",
    ]


def test_wrong_tables_of_symbols_are_refused() -> None:
    table = pd.DataFrame([[1.0]], columns=["1_at"])
    with pytest.raises(InvalidArgument, match=r"no column 'probe_id'; it has id, symbol"):
        tables.name_genes(table, pd.DataFrame({"id": ["1_at"], "symbol": ["A"]}))
    with pytest.raises(InvalidArgument, match=r"probe '1_at' more than once"):
        tables.name_genes(table, pd.DataFrame({"probe_id": ["1_at"] * 2, "symbol": ["A", "B"]}))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"fill": "rows"}, "expected fill to be one of none, plate_median, found 'rows'"),
        ({"parity": "exact"}, "expected parity to be one of None, published, found 'exact'"),
        ({"parity": "published", "fill": "plate_median"}, "its own way to fill"),
        ({"symbols": pd.DataFrame()}, "only features of expression have gene symbols"),
    ],
)
def test_impossible_options_are_refused(options: dict[str, object], message: str) -> None:
    wanted = Wanted(LUAD, "morphology", "replicate", None)
    with pytest.raises(InvalidArgument, match=message):
        profiles(luad({"Cells_Area": [1.0, 2.0]}), wanted, **options)
    with pytest.raises(InvalidArgument, match="level to be one of replicate, treatment, found 'p"):
        profiles(luad({"Cells_Area": [1.0, 2.0]}), Wanted(LUAD, "morphology", "plate", None))
