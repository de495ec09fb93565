"""Annotating: the tables of pycytominer, and of published plates."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cellfolio.errors import InvalidArgument
from cellfolio.profiles import annotate
from tests.profiles.peer import ask, matrix

WELLS = pd.DataFrame(
    {
        "Metadata_Plate": ["P1", "P1", "P1"],
        "Metadata_Well": ["A01", "A02", "A03"],
        "Metadata_drug": [1, 2, 3],
        "Cells_A": [1.0, 2.0, np.nan],
    }
)
MAP = pd.DataFrame(
    {"well_position": ["A03", "A01", "B01"], "drug": ["taxol", "DMSO", None], "dose": [1.0, 0, 0]}
)
DRUGS = pd.DataFrame({"drug": ["taxol", "DMSO"], "dose": ["high", "none"], "moa": ["tubulin", ""]})


def test_plate_map_as_pycytominer() -> None:
    pd.testing.assert_frame_equal(annotate(WELLS, MAP), ask("annotate", WELLS, MAP))


def test_external_table_as_pycytominer() -> None:
    profiles = WELLS.drop(columns="Metadata_drug")
    ours = annotate(profiles, MAP, external=DRUGS, external_on="drug")
    peer = ask("annotate", profiles, MAP, external_metadata=DRUGS, external_join_on="Metadata_drug")
    assert list(ours.columns) == list(peer.columns)
    pd.testing.assert_frame_equal(ours, peer)
    assert ours["Metadata_dose_external"].tolist() == ["high", "none"]


def test_names_of_cellprofiler_as_pycytominer() -> None:
    profiles = WELLS.rename(columns={"Metadata_Well": "Image_Metadata_Well"})
    join_on = ["Metadata_well_position", "Image_Metadata_Well"]
    peer = ask("annotate", profiles, MAP, join_on=join_on)
    pd.testing.assert_frame_equal(annotate(profiles, MAP), peer)


@pytest.mark.parametrize("plate", ["BR00147001", "BR00147002", "BR00148751"])
def test_published_plates(shared: Path, plate: str) -> None:
    folder = shared / "data/pediatric_atlas" / plate
    bulk = pd.read_parquet(folder / f"{plate}_bulk.parquet")
    published = pd.read_parquet(folder / f"{plate}_bulk_annotated.parquet")
    names = [name for name in published.columns if name.startswith("Metadata_")]
    known = [name for name in names if name != "Metadata_Plate"]
    plate_map = published[known].rename(columns=lambda name: name.removeprefix("Metadata_"))
    ours = annotate(bulk, plate_map.rename(columns={"Well": "well"}), position="well")
    assert set(ours.columns) == set(published.columns)
    pd.testing.assert_frame_equal(ours[names], published[names], check_exact=True)
    np.testing.assert_array_equal(matrix(ours), matrix(published))


def test_real_plate_map(shared: Path) -> None:
    folder = shared / "data/cpjump1/metadata"
    paths = sorted((folder / "platemaps").rglob("*compound*.txt"))
    external = sorted((folder / "external_metadata").glob("*compound_metadata.tsv"))
    plate_map = pd.read_csv(paths[0], sep="\t")
    profiles = pd.DataFrame({"Metadata_Well": plate_map["well_position"], "Cells_A": 1.0})
    drugs = pd.read_csv(external[0], sep="\t").drop(columns="broad_sample_x", errors="ignore")
    ours = annotate(profiles, plate_map, external=drugs, external_on="broad_sample")
    peer = ask(
        "annotate",
        profiles,
        plate_map,
        external_metadata=drugs,
        external_join_on="Metadata_broad_sample",
    )
    assert len(ours) == 384
    pd.testing.assert_frame_equal(ours, peer)


def test_barcodes_tell_the_plate_map_of_each_plate() -> None:
    barcodes = pd.DataFrame(
        {"Assay_Plate_Barcode": ["P1", "P2"], "Plate_Map_Name": ["M1", "M2"], "Batch": [7, 8]}
    )
    maps = pd.concat([MAP.assign(plate_map_name="M1"), MAP.assign(plate_map_name="M2", drug="x")])
    profiles = pd.concat([WELLS, WELLS.assign(Metadata_Plate="P2")]).drop(columns="Metadata_drug")
    ours = annotate(profiles, maps, barcodes=barcodes)
    assert ours[["Metadata_Plate", "Metadata_Well", "Metadata_drug", "Metadata_Batch"]].to_numpy(
    ).tolist() == [
        ["P1", "A03", "taxol", 7],
        ["P1", "A01", "DMSO", 7],
        ["P2", "A03", "x", 8],
        ["P2", "A01", "x", 8],
    ]  # fmt: skip
    with pytest.raises(InvalidArgument, match="'A03' again"):
        annotate(profiles, maps)
    with pytest.raises(InvalidArgument, match="plate 'P2' is not among the barcodes, such as 'P1'"):
        annotate(profiles, maps, barcodes=barcodes.head(1))


@pytest.mark.parametrize(
    ("profiles", "plate_map", "options", "reason"),
    [
        (WELLS, MAP.replace("A0", "A", regex=True), {}, "profiles have such as 'A01', the plate"),
        (WELLS, MAP, {"position": "well"}, "plate_map should have a column 'well', found well_pos"),
        (WELLS, MAP, {"well": "Well"}, "profiles should have a column 'Well'"),
        (WELLS, MAP, {"external": DRUGS}, "only of use together"),
        (WELLS, MAP, {"external": DRUGS, "external_on": "moa"}, "annotated profiles should have"),
        (WELLS, MAP, {"external": DRUGS, "external_on": "gene"}, "external should have"),
        (WELLS, MAP.assign(well_position=[1, 2, 3]), {}, "cannot be joined"),
        (WELLS, "map.csv", {}, "plate_map should be a data frame, found str"),
        (
            WELLS.drop(columns="Metadata_drug"),
            MAP,
            {"external": DRUGS.assign(drug="DMSO"), "external_on": "drug"},
            "external should have each value of drug once, found 'DMSO' again",
        ),
    ],
)
def test_tables_that_do_not_fit(
    profiles: Any, plate_map: Any, options: dict[str, Any], reason: str
) -> None:
    with pytest.raises(InvalidArgument, match=reason):
        annotate(profiles, plate_map, **options)
