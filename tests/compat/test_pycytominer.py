"""pycytominer's functions: the same signatures, results, files and kinds of errors."""

from __future__ import annotations

import gzip
import inspect
import io
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pycytominer as peer
import pycytominer.cyto_utils as peer_utils
import pytest
from hypothesis import given, settings

from cellfolio.compat import pycytominer as ours
from cellfolio.errors import CellfolioError
from tests.profiles.peer import CONTROLS, assert_same, sizes, tables

FUNCTIONS = ["aggregate", "annotate", "consensus", "feature_select", "normalize"]
UTILS = list(ours.cyto_utils.__all__)
WELLS = ["Metadata_Plate", "Metadata_Well"]

CALLS: dict[str, tuple[str, dict[str, Any]]] = {
    "median": ("aggregate", {"strata": ["Metadata_drug"]}),
    "mean": ("aggregate", {"strata": ["Metadata_Plate", "Metadata_drug"], "operation": "MEAN"}),
    "one stratum": ("aggregate", {"strata": ["Metadata_Plate"], "features": ["Cells_Kind_first"]}),
    "normalize": ("normalize", {}),
    "chosen": (
        "normalize",
        {"features": ["Cells_Kind_first"], "meta_features": ["Metadata_Well", "Metadata_Plate"]},
    ),
    "robustize": ("normalize", {"method": "robustize"}),
    "mad": ("normalize", {"method": "MAD_robustize", "mad_robustize_epsilon": 0}),
    "inverse": ("normalize", {"method": "inverse_normal"}),
    "few quantiles": (
        "normalize",
        {"method": "inverse_normal", "inverse_normal_n_quantiles": 3},
    ),
    "missing": ("feature_select", {"operation": "drop_na_columns", "na_cutoff": 0.1}),
    "frequency": (
        "feature_select",
        {"operation": ["frequency_threshold"], "freq_cut": 0.3, "unique_cut": 0.4},
    ),
    "several": (
        "feature_select",
        {
            "operation": ["drop_na_columns", "blocklist", "drop_outliers", "noise_removal"],
            "blocklist": ["Cells_Kind_first"],
            "outlier_cutoff": 3,
            "noise_removal_perturb_groups": "Metadata_Plate",
            "noise_removal_stdev_cutoff": 0.9,
        },
    ),
    "consensus": ("consensus", {"replicate_columns": ["Metadata_drug"]}),
    "consensus mean": ("consensus", {"replicate_columns": WELLS, "operation": "mean"}),
}


def ask(verb: str, *arguments: Any, **options: Any) -> Any:
    """Call the peer, which warns of missing values and changes tables."""
    function = getattr(peer, verb, None) or getattr(peer_utils, verb)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return function(
            *(one.copy() if isinstance(one, pd.DataFrame) else one for one in arguments), **options
        )


def with_first(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table with one feature that every call can name, and that stays."""
    return table.assign(
        Cells_Kind_first=np.linspace(-1, 1, len(table)) ** 3,
        Nuclei_Kind_stays=np.linspace(0.1, 0.2, len(table)),
    )


@pytest.mark.parametrize("name", FUNCTIONS + UTILS)
def test_parameters_are_those_of_pycytominer(name: str) -> None:
    mine = getattr(ours, name, None) or getattr(ours.cyto_utils, name)
    theirs = getattr(peer, name, None) or getattr(peer_utils, name)
    wanted = inspect.signature(theirs).parameters.values()
    found = inspect.signature(mine).parameters.values()
    assert [(one.name, one.kind, one.default) for one in found] == [
        (one.name, one.kind, one.default) for one in wanted
    ]


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@given(table=tables(least=3))
@settings(max_examples=5)
def test_same_calls_same_results(name: str, table: pd.DataFrame) -> None:
    verb, options = CALLS[name]
    table = with_first(table)
    before = table.copy()
    found = getattr(ours, verb)(table, **options)
    pd.testing.assert_frame_equal(table, before)
    allowed = None
    if verb == "normalize" and options.get("method") != "inverse_normal":
        spread = np.nan_to_num(np.asarray(table[_features(found)].astype(float).std()))
        allowed = np.divide(
            sizes(table[_features(found)]), spread, out=np.ones(len(spread)), where=spread > 1e-12
        )
        allowed = np.maximum(allowed * 10, 1e3)
    assert_same(found, ask(verb, table, **options), allowed)


def _features(table: pd.DataFrame) -> list[str]:
    return [name for name in map(str, table) if not name.startswith("Metadata_")]


@given(table=tables(missing=False, least=4))
@settings(max_examples=5)
def test_modz(table: pd.DataFrame) -> None:
    table = with_first(table)
    options = {"method": "pearson", "min_weight": 0.05, "precision": 3}
    found = ours.consensus(table, ["Metadata_Plate"], operation="modz", modz_args=options)
    wanted = ask("consensus", table, ["Metadata_Plate"], operation="modz", modz_args=options)
    np.testing.assert_allclose(
        found[_features(found)].to_numpy(), wanted[_features(found)].to_numpy(), rtol=2e-3
    )
    plain = ours.cyto_utils.modz(table, "Metadata_Plate")
    assert list(plain.columns) == list(ask("modz", table, "Metadata_Plate").columns)


@pytest.mark.parametrize("method", ["ZCA-cor", "ZCA", "PCA-cor", "PCA"])
def test_spherize(method: str) -> None:
    rng = np.random.default_rng(4)
    table = pd.DataFrame(
        rng.normal(size=(40, 6)) @ rng.normal(size=(6, 6)), columns=[f"Cells_{n}" for n in range(6)]
    ).assign(Metadata_control_type=["negcon", "poscon"] * 20)
    options: Any = {"method": "spherize", "spherize_method": method, "samples": CONTROLS}
    found, wanted = ours.normalize(table, **options), ask("normalize", table, **options)
    assert list(found.columns) == list(wanted.columns)
    names = _features(found)
    size = np.abs if method.startswith("PCA") else np.asarray  # signs are LAPACK's
    np.testing.assert_allclose(size(found[names]), size(wanted[names]), rtol=1e-7, atol=1e-9)


def plate() -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    rng = np.random.default_rng(1)
    wells = [f"{row}{number:02d}" for row in "AB" for number in (1, 2, 3)]
    profiles = pd.DataFrame(
        {
            "Image_Metadata_Plate": "P1",
            "Image_Metadata_Well": wells,
            "Image_Count_Cells": range(6),
            "Image_Path": "x.tiff",
            # Of longer numbers in text, pandas reads the last digit as it likes.
            "Cells_A": rng.normal(size=6).round(3),
            "Nuclei_B": rng.normal(size=6).round(3),
        }
    )
    layout = pd.DataFrame(
        {"well_position": wells[::-1][:5], "drug": list("abaab"), "dose": [1, 2, 3, 4, 5]}
    )
    known = pd.DataFrame({"drug": ["a", "b"], "dose": [1, 5], "moa": ["kinase", None]})
    return profiles, layout, known


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"clean_cellprofiler": False},
        {"external_metadata": plate()[2][["drug", "moa"]], "external_join_on": "Metadata_drug"},
        {"external_metadata": plate()[2], "external_join_on": ["Metadata_drug", "Metadata_dose"]},
        {"add_metadata_id_to_platemap": False},
    ],
    ids=str,
)
def test_annotate(options: dict[str, Any]) -> None:
    profiles, layout, _ = plate()
    given_id = options.get("add_metadata_id_to_platemap", True)
    join = ["Metadata_well_position" if given_id else "well_position", "Image_Metadata_Well"]
    found = ours.annotate(profiles, layout, join, **options)
    wanted = ask("annotate", profiles, layout, join, **options)
    assert list(found.columns) == list(wanted.columns)
    pd.testing.assert_frame_equal(found.astype(object), wanted.astype(object))


def test_features_of_images() -> None:
    profiles, _, _ = plate()
    assert ours.cyto_utils.infer_cp_features(profiles, image_features=True) == ask(
        "infer_cp_features", profiles, image_features=True
    )
    for call in (
        {"verb": "aggregate", "strata": ["Image_Metadata_Plate"], "image_features": True},
        {"verb": "normalize", "meta_features": ["Image_Metadata_Well"], "image_features": True},
        {"verb": "normalize", "meta_features": ["Image_Metadata_Well"]},
        {"verb": "feature_select", "image_features": True, "operation": "drop_na_columns"},
    ):
        verb = call.pop("verb")
        found = getattr(ours, str(verb))(profiles, **call)
        pd.testing.assert_frame_equal(found, ask(str(verb), profiles, **call))


def test_rows_marked_by_cosmicqc_go() -> None:
    table = pd.DataFrame({"Metadata_cqc_small": [True, False, False], "Cells_A": [9.0, 1, 3]})
    found = ours.normalize(table, drop_cosmicqc_rows=True)
    pd.testing.assert_frame_equal(found, ask("normalize", table, drop_cosmicqc_rows=True))
    with pytest.raises(ValueError, match="nothing is left"):
        ours.normalize(table.head(1), drop_cosmicqc_rows=True)


def test_counts_and_subsets() -> None:
    cells = pd.DataFrame(
        {
            "Metadata_Plate": ["P"] * 5,
            "Metadata_Well": ["B", "A", "A", "C", "B"],
            "Metadata_ObjectNumber": range(5),
            "ObjectNumber": range(5),
            "Cells_A": [1, 2, 3, 4, 5],
        }
    )
    wanted = pd.DataFrame({"Metadata_Well": ["A", "B"]})
    options: Any = {"compute_object_count": True, "subset_data_df": wanted}
    found = ours.aggregate(cells, **options)
    pd.testing.assert_frame_equal(found, ask("aggregate", cells, **options))
    groups = ["x", "x", "y", "y", "y"]
    noise: dict[str, Any] = {
        "operation": "noise_removal",
        "noise_removal_perturb_groups": groups,
        "noise_removal_stdev_cutoff": 5,
    }
    pd.testing.assert_frame_equal(
        ours.feature_select(cells, **noise), ask("feature_select", cells, **noise)
    )


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({}, "a.csv"),
        ({"compression_options": {"method": "gzip", "mtime": 1}}, "a.csv.gz"),
        ({"compression_options": {"method": "gzip", "mtime": 1}, "float_format": "%.5g"}, "b.gz"),
        ({"output_type": None, "float_format": "%.3g"}, "c.txt"),
    ],
)
def test_files_are_those_of_pycytominer(tmp_path: Path, options: Any, name: str) -> None:
    profiles, layout, _ = plate()
    profiles.to_csv(tmp_path / "profiles.csv.gz", index=False)
    layout.to_csv(tmp_path / "layout.txt", index=False, sep="\t")
    join = ["Metadata_well_position", "Image_Metadata_Well"]
    written = []
    for who in (ours, peer):
        folder = tmp_path / who.__name__
        folder.mkdir()
        given_files = str(tmp_path / "profiles.csv.gz"), str(tmp_path / "layout.txt")
        path = str(folder / name)
        assert who.annotate(*given_files, join, output_file=path, **options) == path
        written.append((folder / name).read_bytes())
        assert [one.name for one in folder.iterdir()] == [name]
    assert written[0] == written[1]


def test_output_by_default_is_packed_without_a_time(tmp_path: Path) -> None:
    table = plate()[0]
    for who, folder in ((ours.cyto_utils, tmp_path / "a"), (peer_utils, tmp_path / "b")):
        folder.mkdir()
        who.output(table, str(folder / "x.csv.gz"))
    assert (tmp_path / "a/x.csv.gz").read_bytes() == (tmp_path / "b/x.csv.gz").read_bytes()
    assert gzip.decompress((tmp_path / "a/x.csv.gz").read_bytes()).startswith(b"Image_")
    text = io.StringIO()
    ours.cyto_utils.output(table, text, compression_options=None)  # type: ignore[arg-type]
    assert text.getvalue().startswith("Image_Metadata_Plate,")


@pytest.mark.parametrize("kind", ["parquet", "anndata_h5ad", "anndata_zarr"])
def test_other_files_are_read_again(tmp_path: Path, kind: str) -> None:
    suffix = {"parquet": ".parquet", "anndata_h5ad": ".h5ad", "anndata_zarr": ".zarr"}[kind]
    table = with_first(pd.DataFrame({"Metadata_Well": ["A01", "A02"], "Metadata_dose": [1.5, 2]}))
    path = str(tmp_path / f"x{suffix}")
    for _ in range(2):  # over what is there
        written = ours.normalize(table, output_file=path, output_type=kind)
    assert written == path
    wanted = ours.normalize(table)
    for read in (ours.cyto_utils.load_profiles, peer_utils.load_profiles):
        found = read(path)[wanted.columns]
        pd.testing.assert_frame_equal(found, wanted, check_dtype=False, check_categorical=False)


def test_folders_that_are_read(tmp_path: Path) -> None:
    table = plate()[0]
    folder = tmp_path / "warehouse/profiles/joined_profiles/data"
    folder.mkdir(parents=True)
    table.to_parquet(folder / "part.parquet")
    for place in (tmp_path, tmp_path / "warehouse", folder):
        found = ours.cyto_utils.load_profiles(place)
        pd.testing.assert_frame_equal(found, peer_utils.load_profiles(place))
    with pytest.raises(ValueError, match="found 0 tables"):
        ours.cyto_utils.load_profiles(tmp_path / "warehouse/profiles/joined_profiles/..")


def test_a_folder_of_the_user_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/notes.txt").write_text("keep")
    with pytest.raises(OSError, match="mine"):
        ours.cyto_utils.output(with_first(plate()[0]), str(tmp_path / "mine"), "anndata_zarr")
    assert [one.name for one in tmp_path.rglob("*")] == ["mine", "notes.txt"]


def calls() -> dict[str, Callable[[Any, Any], Any]]:
    """Return calls that both refuse."""
    wells, layout, _ = plate()
    wells["Metadata_Well"] = wells["Image_Metadata_Well"]
    return {
        "aggregate sum": lambda top, _: top.aggregate(wells, operation="sum"),
        "strata": lambda top, _: top.aggregate(wells, strata=["Metadata_Nothing"]),
        "feature": lambda top, _: top.normalize(wells, features=["Cells_Nothing"]),
        "text": lambda top, _: top.normalize(wells, features="Cells_A"),
        "method": lambda top, _: top.normalize(wells, method="zscore"),
        "epsilon": lambda top, _: top.normalize(
            wells, method="mad_robustize", mad_robustize_epsilon=None
        ),
        "no features": lambda top, _: top.normalize(wells[["Metadata_Well"]]),
        "no marks": lambda top, _: top.normalize(wells, drop_cosmicqc_rows=True),
        "operation": lambda top, _: top.feature_select(wells, operation="drop_all"),
        "operations": lambda top, _: top.feature_select(wells, operation=["drop_all"]),
        "noise": lambda top, _: top.feature_select(wells, operation="noise_removal"),
        "noise of a number": lambda top, _: top.feature_select(
            wells,
            operation="noise_removal",
            noise_removal_perturb_groups=3,
            noise_removal_stdev_cutoff=1,
        ),
        "noise of too few": lambda top, _: top.feature_select(
            wells,
            operation="noise_removal",
            noise_removal_perturb_groups=["a"],
            noise_removal_stdev_cutoff=1,
        ),
        "blocklist": lambda top, _: top.feature_select(wells, operation="blocklist", blocklist=3),
        "blocklist name": lambda top, _: top.feature_select(
            wells, operation="blocklist", blocklist_name="other"
        ),
        "no file": lambda top, _: top.normalize("absent.csv"),
        "no plate map": lambda top, _: top.annotate(wells, "absent.csv"),
        "external": lambda top, _: top.annotate(wells, layout, external_metadata=layout),
        "consensus": lambda top, _: top.consensus(wells, operation="mode"),
        "replicates": lambda top, _: top.consensus(wells, ["Metadata_Nothing"], operation="modz"),
        "compression": lambda _, utils: utils.output(wells, "x", compression_options="zip"),
        "delimiter": lambda _, utils: utils.load_platemap("absent.tsv"),
    }


@pytest.mark.parametrize("name", calls())
def test_same_kinds_of_errors(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    call = calls()[name]
    with pytest.raises(Exception) as theirs:  # noqa: PT011 - its kind is the question
        call(peer, peer_utils)
    with pytest.raises(type(theirs.value)) as mine:
        call(ours, ours.cyto_utils)
    assert isinstance(mine.value, CellfolioError)
    assert list(tmp_path.iterdir()) == []


def test_types_of_files_that_are_not_known_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="found 'excel'"):  # the peer writes nothing, and is silent
        ours.cyto_utils.output(plate()[0], str(tmp_path / "x"), "excel")


def test_columns_of_the_connectivity_map_are_refused() -> None:
    profiles, layout, _ = plate()
    with pytest.raises(ValueError, match="Connectivity Map"):
        ours.annotate(profiles, layout, format_broad_cmap=True)


def test_blocklist_of_a_file_is_deprecated(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text("blocklist,why\nCells_A,old\n")
    options: Any = {"operation": "blocklist", "blocklist_file": str(tmp_path / "list.csv")}
    with pytest.warns(DeprecationWarning, match="blocklist_file"):
        found = ours.feature_select(plate()[0], **options)
    assert "Cells_A" not in found


def test_utilities() -> None:
    table = with_first(plate()[0]).assign(Cells_B=[1, np.nan, 3, 600, 5, 6])
    for name, arguments in (
        ("count_na_features", [["Cells_A", "Cells_B"]]),
        ("drop_outlier_features", []),
        ("cp_clean", []),
        ("infer_cp_features", ["cells"]),
    ):
        found = getattr(ours.cyto_utils, name)(table, *arguments)
        wanted = ask(name, table, *arguments)
        if isinstance(wanted, pd.DataFrame):
            pd.testing.assert_frame_equal(found, wanted)
        else:
            assert found == wanted


@pytest.mark.parametrize("plate_name", ["BR00147001"])
def test_published_plate(shared: Path, tmp_path: Path, plate_name: str) -> None:
    start = shared / "data/pediatric_atlas" / plate_name / plate_name
    normalized = tmp_path / "normalized.parquet"
    ours.normalize(
        f"{start}_bulk_annotated.parquet", output_file=str(normalized), output_type="parquet"
    )
    made, wanted = (
        pd.read_parquet(one) for one in (normalized, f"{start}_bulk_normalized.parquet")
    )
    assert list(made.columns) == list(wanted.columns)
    numbers = wanted.select_dtypes("float")  # a cell line got another name in between
    pd.testing.assert_frame_equal(made[numbers.columns], numbers, check_exact=True)
    found = ours.feature_select(
        str(normalized),
        operation=[
            "frequency_threshold",
            "correlation_threshold",
            "blocklist",
            "drop_na_columns",
        ],
        na_cutoff=0,
    )
    published = pd.read_parquet(f"{start}_bulk_feature_selected.parquet")
    different = set(found.columns) ^ set(published.columns)
    # One value under two names, of which one is left.
    assert {name.split("_", 1)[1] for name in different} <= {"AreaShape_BoundingBoxMaximum_X"}


def test_real_plate_through_both(shared: Path) -> None:
    path = str(shared / "data/lincs_plate/SQ00015054_normalized_feature_select.csv.gz")
    columns = ["Metadata_broad_sample", "Metadata_mg_per_ml"]
    for call in (
        ("consensus", {"replicate_columns": columns}),
        ("normalize", {"method": "mad_robustize", "samples": "Metadata_broad_sample == 'DMSO'"}),
    ):
        verb, options = call
        found, wanted = getattr(ours, verb)(path, **options), ask(verb, path, **options)
        assert_same(found, wanted, np.full(len(_features(found)), 100.0))


def test_real_plate_map_through_both(shared: Path) -> None:
    folder = shared / "data/cpjump1/metadata"
    layout = folder / "platemaps/2020_11_04_CPJUMP1/platemap/JUMP-Target-1_compound_platemap.txt"
    wells = pd.read_csv(layout, sep="\t")["well_position"]
    profiles = pd.DataFrame({"Metadata_Plate": "BR00116991", "Metadata_Well": wells[::-1]})
    profiles["Cells_A"] = np.arange(384.0)
    options: dict[str, Any] = {
        "external_metadata": str(folder / "external_metadata/JUMP-Target-1_compound_metadata.tsv"),
        "external_join_on": "Metadata_broad_sample",
    }
    found = ours.annotate(profiles, str(layout), **options)
    wanted = ask("annotate", profiles, str(layout), **options)
    assert list(found.columns) == list(wanted.columns)
    assert len(found) == 384
    pd.testing.assert_frame_equal(found, wanted, check_dtype=False)
