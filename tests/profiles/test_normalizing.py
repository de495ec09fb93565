"""Normalizing: the numbers of pycytominer, or the reason why not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings

from cellfolio.errors import InvalidArgument
from cellfolio.profiles import Robustize, RobustMad, Spherize, Standardize, normalize
from tests.profiles.peer import CONTROLS, ask, assert_same, matrix, sizes, tables

SCALINGS: dict[str, tuple[Any, dict[str, Any]]] = {
    "standardize": (Standardize(), {}),
    "robustize": (Robustize(), {}),
    "mad_robustize": (RobustMad(), {}),
    "mad_robustize 0": (RobustMad(0), {"mad_robustize_epsilon": 0}),
}


def spread(table: pd.DataFrame, method: Any, reference: str | None) -> Any:
    """Return what the sizes of features become: rounding grows as much."""
    rows = table if reference is None else table.query(reference)
    if isinstance(method, RobustMad):
        scale = np.nanmedian(np.abs(matrix(rows) - np.nanmedian(matrix(rows), 0)), 0)
    elif isinstance(method, Standardize):
        scale = np.nanstd(matrix(rows), 0)
    else:
        low, high = np.nanpercentile(matrix(rows), (25, 75), axis=0)
        scale = high - low
    return sizes(table) / np.where(scale > 1e-12 * sizes(table), scale, np.inf)


@pytest.mark.parametrize("name", SCALINGS)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@given(table=tables())
@settings(max_examples=12)
def test_numbers_are_those_of_pycytominer(name: str, table: pd.DataFrame) -> None:
    method, options = SCALINGS[name]
    for reference in (None, CONTROLS):
        if reference and not (table["Metadata_control_type"] == "negcon").any():
            continue
        ours = normalize(table, method, reference=reference)
        peer = ask(
            "normalize",
            table,
            method=name.split(maxsplit=1)[0],
            samples=reference or "all",
            **options,
        )
        allowed = spread(table, method, reference) + sizes(table) * 1e-6
        assert_same(ours, peer, np.nan_to_num(allowed))


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@given(table=tables(infinite=True))
@settings(max_examples=12)
def test_infinite_values_pass_the_mad_as_in_pycytominer(table: pd.DataFrame) -> None:
    ours = normalize(table, RobustMad(0))
    peer = ask("normalize", table, method="mad_robustize", mad_robustize_epsilon=0)
    assert_same(ours, peer)


@pytest.mark.parametrize("method", [Standardize(), Robustize(), Spherize()])
def test_infinite_values_are_refused_by_name(method: Any) -> None:
    table = pd.DataFrame({"Cells_A": [1.0, np.inf, 2.0], "Cells_B": [1.0, 2.0, 4.0]})
    with pytest.raises(InvalidArgument, match="infinite are some of 1 features: Cells_A"):
        normalize(table, method)


@pytest.mark.parametrize("plate", ["BR00147001", "BR00147002", "BR00148751"])
def test_published_plates_come_out_bit_by_bit(shared: Path, plate: str) -> None:
    folder = shared / "data/pediatric_atlas" / plate
    annotated = pd.read_parquet(folder / f"{plate}_bulk_annotated.parquet")
    published = pd.read_parquet(folder / f"{plate}_bulk_normalized.parquet")
    ours = normalize(annotated)
    assert list(ours.columns) == list(published.columns)
    # Between the stages its authors renamed a cell line; numbers are the same to the last bit.
    np.testing.assert_array_equal(matrix(ours), matrix(published))


@pytest.mark.parametrize("name", SCALINGS)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_real_wells_are_those_of_pycytominer(shared: Path, name: str) -> None:
    path = shared / "data/bbbc021/ljosa_jbiomolscreen_2013_per_well_mean.csv.gz"
    table = pd.read_csv(path).rename(columns=lambda one: one.removeprefix("Image_"))
    method, options = SCALINGS[name]
    reference = "Metadata_Plate == 'Week1_22123'"
    ours = normalize(table, method, reference=reference)
    peer = ask("normalize", table, method=name.split(maxsplit=1)[0], samples=reference, **options)
    assert_same(ours, peer, np.nan_to_num(spread(table, method, reference)))


def test_single_precision_becomes_double_and_other_columns_stay() -> None:
    table = pd.DataFrame(
        {
            "Metadata_Well": ["A01", "A02", "A03"],
            "Cells_A": np.array([1, 2, 4], np.float32),
            "dose": [1.0, 2.0, 3.0],
        }
    )
    ours, peer = normalize(table), ask("normalize", table)
    assert list(ours) == ["Metadata_Well", "dose", "Cells_A"]
    assert list(peer) == ["Metadata_Well", "Cells_A"]
    assert ours["Cells_A"].dtype == np.float64
    np.testing.assert_allclose(ours["Cells_A"], peer["Cells_A"], rtol=1e-6)


@pytest.mark.parametrize("numbers", [0, 3, 12])
def test_numbers_among_the_metadata_are_no_features(numbers: int) -> None:
    """Nothing is copied where features are all numbers that there are, but for a few."""
    features = {f"Cells_{at}": np.arange(4.0) ** at for at in range(1, 4)}
    counts = {f"Metadata_Count_{at}": [at, 7, 8, 9] for at in range(numbers)}
    table = pd.concat([pd.DataFrame({"Metadata_Well": list("abcd"), **counts}),
                       pd.DataFrame(features)], axis=1)  # fmt: skip
    before = table.copy()
    found = normalize(table)
    wanted = normalize(pd.DataFrame(features))
    pd.testing.assert_frame_equal(found[list(features)], wanted)
    assert list(found) == list(table)
    pd.testing.assert_frame_equal(table, before)
    table["Cells_2"] = [5.0, 5.0, 6.0, 9.0]  # in another block of the table
    assert normalize(table)["Cells_2"].tolist() == normalize(table[["Cells_2"]])["Cells_2"].tolist()


def test_each_plate_by_its_own_reference() -> None:
    rng = np.random.default_rng(1)
    table = pd.DataFrame(
        {
            "Metadata_Plate": ["P2", "P1"] * 10,
            "Metadata_control_type": ["negcon", "negcon", None, "trt"] * 5,
            "Cells_A": rng.normal(size=20),
        }
    )
    ours = normalize(table, reference=CONTROLS, by="Metadata_Plate")
    for plate, rows in table.groupby("Metadata_Plate"):
        alone = normalize(rows, reference=CONTROLS)
        pd.testing.assert_frame_equal(ours[ours["Metadata_Plate"] == plate], alone)


def test_missing_controls_are_named_where_pycytominer_returns_nothing_but_missing() -> None:
    table = pd.DataFrame(
        {"Metadata_Plate": ["P1", "P2"], "Metadata_control_type": ["negcon", "trt"], "Cells_A": 1.0}
    )
    with pytest.raises(InvalidArgument, match="no row of Metadata_Plate 'P2' belongs to the refer"):
        normalize(table, RobustMad(), reference=CONTROLS, by="Metadata_Plate")
    with pytest.raises(InvalidArgument, match="no row belongs to the reference"):
        normalize(table, RobustMad(), reference="Metadata_control_type == 'poscon'")


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("Metadata_Plate = 'P1'", "should be true or false"),
        ("Metadata_Plate", "should be true or false"),
        ("Plate == 'P1'", "names no column"),
        ("Metadata_Plate > 3", "cannot be used"),
        ("@table.Metadata_Plate == 1", "no '@'"),
        ("Metadata_Plate.__class__ == 1", "no '@' and no '__'"),
        ("", "should be a text"),
    ],
)
def test_queries_that_cannot_be_used(query: str, reason: str) -> None:
    table = pd.DataFrame({"Metadata_Plate": ["P1", "P2"], "Cells_A": [1.0, 2.0]})
    with pytest.raises(InvalidArgument, match=reason):
        normalize(table, reference=query)


def test_query_may_name_features() -> None:
    table = pd.DataFrame({"Metadata_Plate": ["P1"] * 3, "Cells_A": [1.0, 3.0, 9.0]})
    assert normalize(table, reference="Cells_A < 5")["Cells_A"].tolist() == [-1.0, 1.0, 7.0]


def test_words_for_missing_values_and_numbers_as_objects() -> None:
    table = pd.DataFrame({"Metadata_Well": ["a", "b", "c"], "Cells_A": [1, "nan", 3]})
    assert normalize(table)["Cells_A"].tolist()[::2] == [-1.0, 1.0]
    assert_same(normalize(table), ask("normalize", table))
    with pytest.raises(InvalidArgument, match="'Cells_A' should hold numbers, found 'many'"):
        normalize(pd.DataFrame({"Cells_A": [1, "many", 3]}))


# Sphering


def varied(rows: int, features: int, seed: int = 3) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(rows, features)) @ rng.normal(size=(features, features)) + 7
    table = pd.DataFrame(values, columns=[f"Cells_{at}" for at in range(features)])
    table.insert(0, "Metadata_control_type", np.where(np.arange(rows) % 3, "negcon", "trt"))
    return table


@pytest.mark.parametrize("reference", [None, CONTROLS])
@pytest.mark.parametrize("shape", [(90, 20), (30, 50), (20, 20)])
@pytest.mark.parametrize("kind", ["ZCA-cor", "ZCA"])
def test_zca_is_that_of_pycytominer(kind: Any, shape: Any, reference: str | None) -> None:
    table = varied(*shape)
    ours = normalize(table, Spherize(kind), reference=reference)
    peer = ask(
        "normalize", table, method="spherize", spherize_method=kind, samples=reference or "all"
    )
    # Directions in which the reference varies little amplify rounding.
    np.testing.assert_allclose(matrix(ours), matrix(peer), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("reference", [None, CONTROLS])
@pytest.mark.parametrize("kind", ["PCA-cor", "PCA"])
def test_pca_is_that_of_pycytominer_but_for_signs(kind: Any, reference: str | None) -> None:
    table = varied(90, 20)
    ours = normalize(table, Spherize(kind), reference=reference)
    peer = ask(
        "normalize", table, method="spherize", spherize_method=kind, samples=reference or "all"
    )
    assert list(ours.columns) == list(peer.columns)
    x, y = (one.drop(columns="Metadata_control_type").to_numpy(float) for one in (ours, peer))
    np.testing.assert_allclose(x, y * np.sign((x * y).sum(0)), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("kind", ["ZCA", "PCA"])
def test_sphering_without_centre(kind: Any) -> None:
    table = varied(60, 8)
    ours = normalize(table, Spherize(kind, center=False))
    peer = ask("normalize", table, method="spherize", spherize_method=kind, spherize_center=False)
    x, y = (one.iloc[:, 1:].to_numpy(float) for one in (ours, peer))
    np.testing.assert_allclose(x, y * np.sign((x * y).sum(0)), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("kind", ["ZCA-cor", "PCA-cor", "ZCA", "PCA"])
def test_sphering_makes_the_reference_white(kind: Any) -> None:
    found = normalize(varied(90, 12), Spherize(kind, epsilon=0)).iloc[:, 1:]
    np.testing.assert_allclose(np.cov(found.to_numpy(float).T), np.eye(12), atol=1e-9)


def test_principal_components_are_those_that_the_reference_has() -> None:
    # pycytominer returns 50, of which 31 are zero for the reference and arbitrary for other rows.
    found = normalize(varied(30, 50), Spherize("PCA"), reference=CONTROLS)
    assert list(found.columns[1:]) == [f"PC{number}" for number in range(1, 20)]


def test_features_that_depend_on_each_other_do_not_blow_up_other_rows() -> None:
    table = varied(60, 6)
    table["Cells_6"] = table["Cells_0"] + table["Cells_1"]
    table.loc[table["Metadata_control_type"] == "trt", "Cells_6"] += 0.01
    ours = matrix(normalize(table, Spherize("ZCA"), reference=CONTROLS))
    peer = matrix(
        ask("normalize", table, method="spherize", spherize_method="ZCA", samples=CONTROLS)
    )
    assert np.abs(ours).max() < 10
    assert np.abs(peer).max() > 1000  # its check of the rank never fails


def test_sphering_says_what_it_needs() -> None:
    table = varied(20, 3)
    with pytest.raises(InvalidArgument, match="zero for 1 features: Cells_1"):
        normalize(table.assign(Cells_1=0.1), Spherize())
    with pytest.raises(InvalidArgument, match="1 features miss some: Cells_2"):
        normalize(table.assign(Cells_2=[np.nan, *range(19)]), Spherize())
    with pytest.raises(InvalidArgument, match="needs center=True"):
        Spherize("ZCA-cor", center=False)
    with pytest.raises(InvalidArgument, match="kind should be one of"):
        Spherize("zca")  # type: ignore[arg-type]
    with pytest.raises(InvalidArgument, match="equal rows only"):
        normalize(pd.DataFrame({"Cells_A": [1.0, 1.0], "Cells_B": [2.0, 2.0]}), Spherize("ZCA"))
