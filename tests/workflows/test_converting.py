"""What is written is opened by the libraries that others read it with."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import anndata
import numpy as np
import pandas as pd
import pytest

import cellfolio
from cellfolio.errors import InvalidArgument, ObjectNotFound
from cellfolio.formats.delimited import exact_decimals
from cellfolio.formats.images import PixelSize, open_image, write_ome_tiff, write_ome_zarr
from cellfolio.formats.tabular import NotKeptWarning
from cellfolio.profiles import split_features
from tests.plates import CHANNELS, draw_site, image_path, write_plate

PIXELS = np.random.default_rng(0).integers(0, 4000, (3, 40, 50)).astype(np.uint16)
CHANNEL_NAMES = ("DNA", "ER", "AGP")
PROFILES = pd.DataFrame(
    {
        "Metadata_Plate": ["P", "P", "P"],
        "Metadata_Well": ["A01", "A02", "A03"],
        "Metadata_dose": [1.5, None, 2.0],
        "Metadata_moa": ["x", None, 'a "b"'],
        "Cells_AreaShape_Area": [0.1, np.nan, 1e-300],
        "Nuclei_Texture_Contrast_DNA": [1.0, 2.0, -3.5],
    }
)
FEATURES = ["Cells_AreaShape_Area", "Nuclei_Texture_Contrast_DNA"]


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "site.ome.tiff"
    write_ome_tiff(path, PIXELS, "CYX", channels=CHANNEL_NAMES, pixel_size=PixelSize(0.3, 0.25))
    return path


@pytest.fixture
def profiles(tmp_path: Path) -> Path:
    path = tmp_path / "profiles.parquet"
    PROFILES.to_parquet(path, index=False)
    return path


def read_gct_elsewhere(path: Path) -> Any:
    parse = pytest.importorskip("cmapPy.pandasGEXpress.parse_gct").parse
    if not exact_decimals():  # pandas 3.1 or newer
        pytest.skip("cmapPy uses what pandas dropped (to_numeric with errors='ignore')")
    return parse(str(path))


# Images


def test_ome_tiff_and_ome_zarr_become_each_other(image: Path, tmp_path: Path) -> None:
    zarr = cellfolio.convert(image, tmp_path / "site.ome.zarr")
    again = cellfolio.convert(zarr, tmp_path / "again.ome.tiff")
    assert again.read_bytes() == image.read_bytes()
    with pytest.raises(InvalidArgument, match="exists"):
        cellfolio.convert(image, zarr)
    np.testing.assert_array_equal(open_image(zarr).read(), PIXELS)


@pytest.mark.parametrize("version", ["0.4", "0.5"])
@pytest.mark.parametrize("axes", ["CYX", "CZYX", "YX"])
def test_ngio_reads_our_ome_zarr(tmp_path: Path, version: Any, axes: str) -> None:
    ngio = pytest.importorskip("ngio")
    pixels = np.stack([PIXELS, PIXELS[:, ::-1]], 1) if axes == "CZYX" else PIXELS
    names: tuple[str, ...] = CHANNEL_NAMES
    if axes == "YX":
        pixels, names = PIXELS[0], ("DNA",)
    path = tmp_path / "site.zarr"
    size = PixelSize(0.3, 0.25, 2.0 if "Z" in axes else None)
    write_ome_zarr(path, pixels, axes, channels=names, pixel_size=size, version=version)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = ngio.open_ome_zarr_container(str(path))
        level = found.get_image(path="0")
        np.testing.assert_array_equal(level.get_as_numpy(), pixels)
    assert tuple(found.channel_labels) == names
    assert (level.pixel_size.x, level.pixel_size.y) == (0.3, 0.25)


def test_ngio_reads_an_image_of_floats_with_what_is_not_finite(tmp_path: Path) -> None:
    ngio = pytest.importorskip("ngio")
    pixels = np.array([[0.5, np.nan], [np.inf, -1.0]], np.float32)
    write_ome_zarr(tmp_path / "a.zarr", pixels[None], "CYX", channels=("x",))
    found = ngio.open_ome_zarr_container(str(tmp_path / "a.zarr"))
    np.testing.assert_array_equal(found.get_image(path="0").get_as_numpy()[0], pixels)
    shown = found.get_image(path="0").meta.channels_meta.channels[0].channel_visualisation
    assert (shown.start, shown.end) == (-1.0, 0.5)


def test_ome_zarr_py_reads_our_ome_zarr(image: Path, tmp_path: Path) -> None:
    pytest.importorskip("ome_zarr")
    from ome_zarr.io import parse_url
    from ome_zarr.reader import Reader

    path = cellfolio.convert(image, tmp_path / "site.ome.zarr")
    node = next(iter(Reader(parse_url(str(path)))()))
    np.testing.assert_array_equal(np.asarray(node.data[0]), PIXELS)
    assert node.metadata["channel_names"] == list(CHANNEL_NAMES)


def test_channels_of_a_site_become_one_image(tmp_path: Path) -> None:
    plate = write_plate(tmp_path / "plate")
    files = [image_path(plate, "B02", 2, channel) for channel in CHANNELS]
    path = cellfolio.convert(files, tmp_path / "B02.ome.zarr")
    found, drawn = open_image(path).read(), draw_site(3)
    assert {one.tobytes() for one in found} == {drawn["DNA"].tobytes(), drawn["RNA"].tobytes()}


def test_a_real_image_goes_to_ome_zarr_and_back(shared: Path, tmp_path: Path) -> None:
    real = shared / "data/aics/images/single_cell.ome.tiff"
    path = cellfolio.convert(real, tmp_path / "cell.ome.zarr")
    ngio = pytest.importorskip("ngio")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = ngio.open_ome_zarr_container(str(path)).get_image(path="0").get_as_numpy()
    ours, again = open_image(real), cellfolio.convert(path, tmp_path / "cell.ome.tiff")
    np.testing.assert_array_equal(theirs, ours.read())
    assert open_image(again).channels == ours.channels
    np.testing.assert_array_equal(open_image(again).read(), ours.read())


# Tables


@pytest.mark.parametrize("suffix", [".csv", ".csv.gz", ".tsv", ".parquet", ".h5ad", ".gct"])
def test_a_table_goes_to_every_format_and_comes_back(
    profiles: Path, tmp_path: Path, suffix: str
) -> None:
    there = cellfolio.convert(profiles, tmp_path / f"there{suffix}")
    back = cellfolio.convert(there, tmp_path / "back.parquet")
    found = pd.read_parquet(back)
    found = found.astype({one: PROFILES[one].dtype for one in PROFILES})
    pd.testing.assert_frame_equal(found.where(found.notna(), None), PROFILES.where(PROFILES.notna(), None))  # fmt: skip # noqa: E501
    assert sorted(one.name for one in tmp_path.iterdir()) == sorted(
        {"profiles.parquet", there.name, "back.parquet"}
    )


def test_anndata_reads_our_h5ad(profiles: Path, tmp_path: Path) -> None:
    found = anndata.read_h5ad(cellfolio.convert(profiles, tmp_path / "a.h5ad"))
    np.testing.assert_array_equal(found.X, PROFILES[FEATURES])
    assert list(found.var_names) == FEATURES
    assert found.obs["Metadata_Well"].tolist() == ["A01", "A02", "A03"]


def test_cmappy_reads_our_gct(profiles: Path, tmp_path: Path) -> None:
    found = read_gct_elsewhere(cellfolio.convert(profiles, tmp_path / "a.gct"))
    np.testing.assert_array_equal(found.data_df.T, PROFILES[FEATURES].astype(np.float32))
    assert list(found.data_df.index) == FEATURES
    assert found.col_metadata_df["Metadata_Well"].tolist() == ["A01", "A02", "A03"]
    assert found.col_metadata_df["Metadata_dose"].isna().tolist() == [False, True, False]


def test_real_profiles_as_gct_are_the_same_to_cmappy_and_to_us(
    shared: Path, tmp_path: Path
) -> None:
    real = next((shared / "data/lincs_plate").glob("*.csv.gz"))
    path = cellfolio.convert(real, tmp_path / "plate.gct")
    table = pd.read_csv(real, low_memory=False)
    features = list(split_features(list(table.columns)).features)
    ours = cellfolio.load(path)
    np.testing.assert_array_equal(ours.values.T, table[features].to_numpy(np.float64))
    theirs = read_gct_elsewhere(path)
    assert theirs.data_df.shape == (454, 384)
    np.testing.assert_array_equal(theirs.data_df.T, table[features].to_numpy(np.float32))
    wells = theirs.col_metadata_df.loc[[str(at) for at in range(384)], "Metadata_Well"]
    assert wells.tolist() == table["Metadata_Well"].tolist()


def test_pycytominer_takes_what_was_converted(shared: Path, tmp_path: Path) -> None:
    import pycytominer
    from pycytominer.cyto_utils import infer_cp_features, load_profiles

    real = shared / "data/pediatric_atlas/BR00147001/BR00147001_bulk_annotated.parquet"
    there = cellfolio.convert(real, tmp_path / "plate.h5ad")
    path = cellfolio.convert(there, tmp_path / "plate.parquet")
    theirs = load_profiles(str(path))
    table = pd.read_parquet(real)
    assert infer_cp_features(theirs) == infer_cp_features(table)
    found = pycytominer.normalize(theirs, method="standardize")
    wanted = pycytominer.normalize(table, method="standardize")
    features = infer_cp_features(table)
    np.testing.assert_array_equal(found[features], wanted[features])


def test_pycytominer_and_pyarrow_take_cells_that_we_measure(tmp_path: Path) -> None:
    import pyarrow.parquet as pq
    import pycytominer
    from pycytominer.cyto_utils import infer_cp_features

    from tests.workflows.test_measuring import measure

    out = tmp_path / "out"
    measure(write_plate(tmp_path / "plate"), out)
    names = pq.read_schema(out / "cells/P1/A01_1.parquet").names
    assert {"Metadata_ImageNumber", "Metadata_Cells_Number_Object_Number"} <= set(names)
    cells = pd.concat([pd.read_parquet(one) for one in sorted(out.glob("cells/P1/*.parquet"))])
    features = infer_cp_features(cells)
    assert tuple(features) == split_features(names).features
    strata = ["Metadata_Plate", "Metadata_Well"]
    theirs = pycytominer.aggregate(cells, strata=strata, features=features, operation="median")
    ours = cellfolio.aggregate_cells(cellfolio.open_cells(out))
    np.testing.assert_allclose(
        theirs.sort_values(strata)[features].astype(float),
        ours.sort_values(strata)[features].astype(float),
        rtol=1e-12,
    )


def test_expression_with_names_of_cells_becomes_a_table_and_tells_what_is_left(
    shared: Path, tmp_path: Path
) -> None:
    real = next((shared / "data/misc").rglob("10x_pbmc68k_reduced.h5ad"))
    with pytest.warns(NotKeptWarning, match=r"no place for var\['n_counts'\]"):
        path = cellfolio.convert(real, tmp_path / "cells.parquet")
    table, data = pd.read_parquet(path), cellfolio.load(real)
    assert table["Metadata_id"].tolist() == data.obs_names.tolist()
    again = anndata.read_h5ad(cellfolio.convert(path, tmp_path / "again.h5ad"))
    assert again.obs_names.equals(data.obs_names)
    assert set(again.obs) == {f"Metadata_{one}" for one in data.obs}
    np.testing.assert_array_equal(again.X, data.to_df().to_numpy(np.float64))


# Several modalities


def test_mudata_reads_morphology_and_expression_of_the_same_perturbations(tmp_path: Path) -> None:
    mudata = pytest.importorskip("mudata")
    PROFILES.dropna(subset="Metadata_moa").to_csv(tmp_path / "m.csv", index=False)
    genes = pd.DataFrame({"Metadata_moa": ["x", "y"], "TP53": [1.0, 2.0], "MYC": [0.0, 5.0]})
    genes.to_csv(tmp_path / "e.csv", index=False)
    files = [f"morphology={tmp_path / 'm.csv'}", f"expression={tmp_path / 'e.csv'}"]
    path = cellfolio.convert(files, tmp_path / "both.h5mu", by="Metadata_moa")
    found = mudata.read_h5mu(path)
    assert list(found.mod) == ["morphology", "expression"]
    assert sorted(found.obs_names) == ['a "b"', "x", "y"]
    assert found["expression"]["x"].X.tolist() == [[1.0, 0.0]]
    assert list(found["expression"].var_names) == ["TP53", "MYC"]


def test_mudata_reads_real_compounds_of_both_modalities(shared: Path, tmp_path: Path) -> None:
    mudata = pytest.importorskip("mudata")
    real = shared / "data/cdrp_162"
    files = [f"morphology={real / 'cell_painting.csv.gz'}", f"expression={real / 'l1000.csv.gz'}"]
    found = mudata.read_h5mu(cellfolio.convert(files, tmp_path / "both.h5mu", by="pert_id"))
    assert found.shape == (162, 812 + 978)
    genes = pd.read_csv(real / "l1000.csv.gz", **exact_decimals()).set_index("pert_id")
    one = found.obs_names[7]
    np.testing.assert_array_equal(found["expression"][one].X[0], genes.loc[one])


def test_features_of_one_name_in_two_modalities_are_told_apart(tmp_path: Path) -> None:
    mudata = pytest.importorskip("mudata")
    for name in ("a", "b"):
        PROFILES.iloc[:2].to_csv(tmp_path / f"{name}.csv", index=False)
    files = [tmp_path / "a.csv", tmp_path / "b.csv"]
    found = mudata.read_h5mu(cellfolio.convert(files, tmp_path / "x.h5mu", by="Metadata_Well"))
    assert found.var_names.is_unique
    assert list(found["b"].var_names) == [f"b:{one}" for one in FEATURES]


# Images, labels and table


def test_spatialdata_reads_a_site_with_its_labels_and_what_was_measured(tmp_path: Path) -> None:
    spatialdata = pytest.importorskip("spatialdata")
    from cellfolio import MeasureOptions
    from tests.workflows.test_measuring import FEW, measure

    plate, out = write_plate(tmp_path / "plate"), tmp_path / "out"
    measure(plate, out, MeasureOptions(FEW.site, labels=True))
    files = [
        *(image_path(plate, "A01", 2, channel) for channel in CHANNELS),
        *(out / f"labels/P1/A01_2_{kind}.tiff" for kind in ("nuclei", "cells")),
        out / "cells/P1/A01_2.parquet",
    ]
    found = spatialdata.read_zarr(cellfolio.convert(files, tmp_path / "site.spatialdata.zarr"))
    drawn = draw_site(1)
    assert list(found.images) == ["A01_site_2"]
    image = np.asarray(found.images["A01_site_2"])
    assert {one.tobytes() for one in image} == {drawn["DNA"].tobytes(), drawn["RNA"].tobytes()}
    np.testing.assert_array_equal(np.asarray(found.labels["cells"]) > 0, drawn["cells"] > 0)
    table = found.tables["table"]
    masks = np.asarray(found.labels["cells"])
    means = [drawn["RNA"][masks == number].mean() for number in table.obs["instance_id"]]
    assert len(means) == 3
    measured = table[:, "Cells_Intensity_MeanIntensity_RNA"].X.ravel()
    np.testing.assert_allclose(measured * 65535, means, rtol=1e-6)
    _, described = spatialdata.join_spatialelement_table(
        sdata=found, spatial_element_names="cells", table_name="table", how="left"
    )
    assert list(described.obs["instance_id"]) == [1, 2, 3]
    pd.concat([pd.read_parquet(files[-1])] * 2).to_parquet(tmp_path / "twice.parquet")
    with pytest.raises(InvalidArgument, match="an object is there twice"):
        cellfolio.convert(
            [*files[:-1], tmp_path / "twice.parquet"], tmp_path / "x.spatialdata.zarr"
        )
    with pytest.raises(InvalidArgument, match="without the label image"):
        cellfolio.convert([files[0], files[-1]], tmp_path / "x.spatialdata.zarr")
    assert not (tmp_path / "x.spatialdata.zarr").exists()


# What cannot be


@pytest.mark.parametrize(
    ("names", "output", "by", "message"),
    [
        (["p.csv"], "x.ome.zarr", None, r"p\.csv is no image, and cannot become \.ome\.zarr"),
        (["i.tiff"], "x.gct", None, r"i\.tiff is an image, and cannot become \.gct"),
        (["p.csv"], "x.xlsx", None, r"its suffix should be one of \.ome\.tiff"),
        (["p.csv"], "no/x.csv", None, "there is no folder"),
        (["p.csv", "p.csv"], "x.h5ad", None, r"2 files cannot become one \.h5ad"),
        (["i.tiff", "j.tiff"], "x.ome.tiff", None, r"2 images cannot become one: i\.tiff, j\.tiff"),
        (["plain.csv"], "x.h5ad", None, r"plain\.csv does not tell which columns are features"),
        (["notes.txt"], "x.csv", None, r"notes\.txt is no table and no matrix: it is read as str"),
        (["p.csv", "plain.csv"], "x.h5mu", None, r"rows of p\.csv have no names"),
        (["p.csv"], "x.h5mu", "Metadata_Well", "two modalities or more, found p"),
        (["p.csv", "p.csv"], "x.h5mu", "Metadata_Well", "two modalities are called 'p'"),
        (["p.csv", "o.csv"], "x.h5mu", "Metadata_Well", "no row is in all of p, o"),
        (["p.csv", "o.csv"], "x.h5mu", "Metadata_moa", "Metadata_moa is missing in 1 rows"),
        (["p.csv", "o.csv"], "x.h5mu", "Metadata_Plate", "'P' in 3 rows; expected each once"),
        (["p.csv", "o.csv"], "x.h5mu", "well", "has no column 'well'"),
        (["p.csv"], "x.csv", "Metadata_Well", r"is for \.h5mu; the output is \.csv"),
        (["tab.csv"], "x.gct", None, "GCT cannot hold 'a.tb'"),
        (["p.csv"], "x.spatialdata.zarr", None, "found 0 images, 0 label images and 1 tables"),
    ],
)  # fmt: skip
def test_what_cannot_become_what_is_told(
    tmp_path: Path, names: list[str], output: str, by: str | None, message: str
) -> None:
    PROFILES.to_csv(tmp_path / "p.csv", index=False)
    PROFILES.assign(Metadata_Well=["B01", "B02", "B03"]).to_csv(tmp_path / "o.csv", index=False)
    pd.DataFrame({"gene": ["a"], "count": [1]}).to_csv(tmp_path / "plain.csv", index=False)
    PROFILES.assign(Metadata_moa="a\tb").to_csv(tmp_path / "tab.csv", index=False)
    (tmp_path / "notes.txt").write_text("notes\n")
    for name in ("i.tiff", "j.tiff"):
        write_ome_tiff(tmp_path / name, PIXELS[0], "YX")
    there = sorted(tmp_path.iterdir())
    with pytest.raises(InvalidArgument, match=message):
        cellfolio.convert([tmp_path / name for name in names], tmp_path / output, by=by)
    assert sorted(tmp_path.iterdir()) == there


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ObjectNotFound, match="is not there"):
        cellfolio.convert(tmp_path / "no.csv", tmp_path / "x.parquet")
