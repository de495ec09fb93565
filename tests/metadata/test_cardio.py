"""The cells of the cardiomyocyte study."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from cellfolio.metadata.cardio import JoinedCells, TableReport, join_cells
from cellfolio.metadata.cardio_fields import name_field
from cellfolio.metadata.cardio_tables import TABLES
from tests.metadata.study import study_tables

EARLIER = {
    "fields": "labkey_fov_metadata.csv",
    "images": "output_normalized_image_manifest.csv",
    "structure_scores": "structure_scores_fov.csv",
}


@pytest.fixture(scope="module")
def real(shared: Path) -> dict[str, pd.DataFrame]:
    folder = shared / "data" / "aics" / "cardio"
    return {name: pd.read_csv(folder / file) for name, file in EARLIER.items()}


def report(joined: JoinedCells, name: str) -> TableReport:
    return next(one for one in joined.reports if one.name == name)


def test_real_tables_give_each_scored_cell_once(real: dict[str, pd.DataFrame]) -> None:
    joined = join_cells(real)
    table = joined.table
    assert len(table) == 5173
    assert joined.fields == 480
    assert table["fov_id"].nunique() == 478
    assert not table.duplicated(["fov_id", "cell_label_value"]).any()
    assert report(joined, "structure_scores").joined == 5173
    assert report(joined, "images").joined == 5173


def test_the_two_real_fields_without_cells_come_out(real: dict[str, pd.DataFrame]) -> None:
    joined = join_cells(real)
    assert [one.partition(" ")[0] for one in joined.without_cells] == ["1064", "1295"]
    (problem,) = report(joined, "images").problems
    assert (problem.kind, problem.count) == ("no_key", 2)
    assert [one.split()[2] for one in problem.examples] == ["1064", "1295"]


def test_names_of_images_tell_the_same_field_as_the_ids(real: dict[str, pd.DataFrame]) -> None:
    # The table of scores has both: its ids are an independent witness for what names tell.
    scores, fields = real["structure_scores"], real["fields"]
    place = dict(zip(fields["FOVId"], fields["fov_path"], strict=True))
    for base, number in scores[["file_base", "FOVId"]].drop_duplicates().itertuples(index=False):
        told = name_field("acquisition", base + ".tiff")
        assert told is not None
        assert told == name_field("acquisition", place[number])


def test_scores_without_ids_join_alike(real: dict[str, pd.DataFrame], shared: Path) -> None:
    plain = pd.read_csv(shared / "data/aics/cardio/structure_scores.csv")
    by_name = join_cells({**real, "structure_scores": plain}).table
    by_id = join_cells(real).table
    assert by_name["mh_score"].tolist() == by_id["mh score"].tolist()
    assert by_name["kg_score"].tolist() == by_id["kg score"].tolist()
    assert by_name["file_name"].tolist() == by_id["file_name"].tolist()


def test_every_real_value_is_that_of_its_own_row(real: dict[str, pd.DataFrame]) -> None:
    table = join_cells(real).table
    fields, images, scores = (real[name] for name in EARLIER)
    oracle = scores.merge(fields, on="FOVId").sort_values(["FOVId", "cell_num"])
    mine = table.sort_values(["fov_id", "cell_label_value"])
    for own, theirs in {"fov_id": "FOVId", "cell_label_value": "cell_num", "probe546": "probe546",
                        "mh score": "mh score", "cell_age": "cell_age"}.items():  # fmt: skip
        assert mine[own].tolist() == oracle[theirs].tolist()
    paths = mine["single_cell_channel_output_path"].str.extract(r"/(\w+)_rescaled_cell(\d+)\.")
    assert paths[0].tolist() == oracle["file_base"].tolist()
    assert paths[1].astype(int).tolist() == oracle["cell_num"].tolist()
    assert set(paths[0]) <= set(images["field_image_path"].str.extract(r"/(\w+)\.tiff$")[0])


def test_the_published_tables_join_by_their_keys() -> None:
    tables = study_tables()
    joined = join_cells(tables)
    table = joined.table
    assert len(table) == 6
    assert joined.without_cells == ("13 (raw/2019/20190807_M01_001_c - B4 [144] Montage - 4)",)
    assert table["fov_id"].tolist() == [10, 10, 11, 11, 12, 12]
    assert table["napariCell_AreaShape_Area"].tolist() == [100, 101, 110, 111, 120, 121]
    assert table["Peak_Height"].tolist() == [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]
    assert table["nuc_mask_path"].notna().all()
    assert [one.name for one in joined.reports] == [one.name for one in TABLES]
    assert all(one.joined == (6 if spec.of_cells else 4) or spec.name == "actn2_segmentation"
               for one, spec in zip(joined.reports, TABLES, strict=True))  # fmt: skip


def test_a_column_of_two_tables_keeps_both_under_other_names() -> None:
    table = join_cells(study_tables()).table
    assert not table.columns.str.casefold().duplicated().any()
    assert table["cell_age"].tolist() == [18] * 6
    assert table["probe_localization__cell_age"].tolist() == [19] * 6
    assert "probe_localization__age" in table  # Age and age are one name for SQL


@pytest.mark.parametrize("name", [table.name for table in TABLES])
def test_what_is_absent_is_told_and_the_join_goes_on(name: str) -> None:
    tables = study_tables()
    del tables[name]
    joined = join_cells(tables)
    assert [one.kind for one in report(joined, name).problems] == ["absent"]
    assert len(joined.table) == 6


def test_doubled_rows_are_errors_with_examples_and_multiply_nothing() -> None:
    tables = study_tables()
    tables["features"] = pd.concat([tables["features"], tables["features"].iloc[[0, 0, 3]]])
    tables["fields"] = pd.concat([tables["fields"], tables["fields"].iloc[[3]]])
    joined = join_cells(tables)
    assert len(joined.table) == 6
    (problem, lacking) = report(joined, "features").problems
    assert (problem.kind, problem.count, problem.is_error) == ("duplicate", 5, True)
    assert problem.examples == ("10 cell 1", "11 cell 2")
    assert (lacking.kind, lacking.count) == ("lacking", 2)
    assert joined.table["napariCell_AreaShape_Area"].isna().tolist() == [
        True, False, False, True, False, False
    ]  # fmt: skip
    assert str(joined.table["napariCell_AreaShape_Area"].dtype) == "Int64"
    assert "duplicate" in [one.kind for one in report(joined, "fields").problems]


def test_cells_of_unknown_fields_are_kept_and_told() -> None:
    tables = study_tables()
    strange = tables["features"].iloc[[0]].assign(fov_path="raw/2020/other - 7")
    tables["features"] = pd.concat([tables["features"], strange])
    joined = join_cells(tables)
    assert len(joined.table) == 7
    last = joined.table.iloc[-1]
    assert pd.isna(last["fov_id"])
    assert last["original_fov_location"] == "other - 7"
    problem = report(joined, "features").problems[0]
    assert (problem.kind, problem.count) == ("unknown_field", 1)
    assert report(joined, "images").problems[-1].kind == "lacking"


def test_a_row_that_names_two_fields_is_told() -> None:
    tables = study_tables()
    tables["images"].loc[0, "fov_id"] = 12
    (problem,) = report(join_cells(tables), "images").problems
    assert (problem.kind, problem.count, problem.is_error) == ("contradiction", 1, True)


def test_arguments_are_left_alone_and_order_of_rows_does_not_matter() -> None:
    tables = study_tables()
    before = {name: frame.copy(deep=True) for name, frame in tables.items()}
    straight = join_cells(tables).table
    turned = {name: frame.iloc[::-1] for name, frame in tables.items() if name != "fields"}
    again = join_cells({**turned, "fields": tables["fields"]}).table
    pd.testing.assert_frame_equal(straight, again)
    for name, frame in tables.items():
        pd.testing.assert_frame_equal(frame, before[name])


def test_no_tables_give_no_cells() -> None:
    joined = join_cells({})
    assert joined.table.empty
    assert joined.fields == 0
    assert {problem.kind for one in joined.reports for problem in one.problems} == {"absent"}
