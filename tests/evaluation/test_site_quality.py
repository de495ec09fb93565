"""Sites are flagged by the rules, and by nothing else."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cellfolio.errors import InvalidArgument
from cellfolio.evaluation.site_quality import SiteRules, site_quality
from tests.evaluation.sites import lower, make_images


def flagged(table: pd.DataFrame, rules: SiteRules | None = None) -> set[tuple[str, str, str]]:
    return {(one.well, one.site, one.kind) for one in site_quality(table, rules).flags}


def test_a_good_plate_has_no_flags() -> None:
    found = site_quality(make_images())
    assert found.flags == ()
    assert not found.sites["flagged"].any()
    assert found.wells["sites"].eq(4).all()
    assert found.wells["objects"].sum() == make_images()["Count_Cells"].sum()


def test_each_fault_is_told_as_what_it_is() -> None:
    table = make_images()
    lower(table, 3, "ImageQuality_PowerLogLogSlope_RNA", 1.2)
    table.loc[9, "ImageQuality_PercentMaximal_DNA"] = 2.0
    table.loc[17, "Count_Cells"] = 0
    table.loc[21, "Count_Cells"] = 3
    table.loc[25, "Count_Cells"] = 40
    table.loc[30, ["ImageQuality_MinIntensity_DNA", "ImageQuality_MaxIntensity_DNA"]] = 0
    table["Metadata_Problem"] = None
    table.loc[40, "Metadata_Problem"] = "channel DNA is missing"
    assert flagged(table) == {
        ("A01", "4", "out of focus"), ("A03", "2", "saturated"), ("A05", "2", "empty"),
        ("A06", "2", "few cells"), ("A07", "2", "few cells"), ("A08", "3", "empty"),
        ("A11", "1", "failed"),
    }  # fmt: skip


def test_white_images_are_saturated_and_black_ones_are_empty() -> None:
    table = make_images()
    ends = ["ImageQuality_MinIntensity_DNA", "ImageQuality_MaxIntensity_DNA"]
    table.loc[[0, 1], "ImageQuality_PercentMaximal_DNA"] = 100.0
    table.loc[0, ends], table.loc[1, ends] = 0.0, 1.0
    assert flagged(table) == {("A01", "1", "empty"), ("A01", "2", "saturated")}


@settings(max_examples=30)
@given(st.integers(0, 47), st.floats(1.0, 3.0), st.integers(0, 100))
def test_the_site_that_is_blurred_is_the_one_that_is_flagged(
    at: int, drop: float, seed: int
) -> None:
    table = make_images(seed)
    lower(table, at, "ImageQuality_PowerLogLogSlope_DNA", drop)
    well, site = f"A{at // 4 + 1:02d}", str(at % 4 + 1)
    # By chance one of 48 sites may have few cells.
    blurred = {one for one in flagged(table) if one[2] != "few cells"}
    assert blurred == {(well, site, "out of focus")}


def test_few_sites_are_not_compared() -> None:
    table = make_images().iloc[:6].copy()
    lower(table, 3, "ImageQuality_PowerLogLogSlope_DNA", 5)
    assert flagged(table) == set()
    assert np.isnan(list(site_quality(table).limits.values())).all()


def test_plates_all_alike_and_values_missing_have_no_flags() -> None:
    table = make_images()
    table["ImageQuality_PowerLogLogSlope_DNA"] = -2.0
    table.loc[1, "ImageQuality_PowerLogLogSlope_DNA"] = -2.1
    table.loc[2, table.columns[3:]] = np.nan
    assert flagged(table) == set()


def test_names_of_cellprofiler_are_read() -> None:
    table = (
        make_images()
        .add_prefix("Image_")
        .rename(columns={"Image_Count_Cells": "Image_Count_Nuclei"})
    )
    table.loc[0, "Image_Count_Nuclei"] = 0
    (flag,) = site_quality(table.drop(columns="Image_Metadata_Site")).flags
    assert (flag.well, flag.site, flag.reason) == ("A01", "1", "it has no nuclei")


def test_rules_can_be_others() -> None:
    table = make_images()
    everything = SiteRules(least_objects=10_000)
    assert len(flagged(table, everything)) == len(table)


def test_tables_of_something_else_are_refused() -> None:
    with pytest.raises(InvalidArgument, match="should name wells"):
        site_quality(pd.DataFrame({"Count_Cells": [1]}))
    table = make_images()
    with pytest.raises(InvalidArgument, match="site 1 of well A01 is in the table") as found:
        site_quality(pd.concat([table, table]))
    assert "one plate" in str(found.value.hint)
