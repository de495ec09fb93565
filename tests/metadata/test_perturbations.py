"""A join of wells and perturbations has a row for each well, and tells what it did not find."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cellfolio.errors import InvalidArgument
from cellfolio.metadata.perturbations import choose_perturbations, join_perturbations
from cellfolio.registries.plates import PLATES

names = st.one_of(st.none(), st.sampled_from(["a", "b", "c", "d"]))


def wells_of(keys: list[str | None]) -> pd.DataFrame:
    wells = [str(well) for well in PLATES[384].wells()][: len(keys)]
    return pd.DataFrame({"Metadata_Well": wells, "Metadata_drug": keys}, dtype=object)


@settings(max_examples=40)
@given(st.lists(names, min_size=1, max_size=20), st.lists(st.tuples(names, st.integers(0, 2))))
def test_join_is_that_of_a_dictionary(
    keys: list[str | None], rows: list[tuple[str | None, int]]
) -> None:
    told = pd.DataFrame(rows, columns=["drug", "dose"]).astype({"drug": object})
    joined, report = join_perturbations(wells_of(keys), told)
    first: dict[str | None, int] = {}
    for key, dose in rows:
        first.setdefault(key, dose)
    expected = [first.get(key) for key in keys]
    found = [None if pd.isna(one) else int(one) for one in joined["Metadata_dose"]]
    assert found == expected
    assert joined["Metadata_Well"].tolist() == wells_of(keys)["Metadata_Well"].tolist()
    assert set(report.unknown) == {key for key in keys if key is not None and key not in first}
    assert set(report.repeated) == {
        key
        for key in keys
        if key is not None and len({dose for one, dose in rows if one == key}) > 1
    }
    assert len(report.empty) == keys.count(None)
    assert report.empty_told == (None in first)


def test_row_that_tells_nothing_of_empty_wells_tells_nothing() -> None:
    told = pd.DataFrame({"drug": ["a", None], "gene": ["TP53", None]})
    _, report = join_perturbations(wells_of(["a", None]), told)
    assert (report.empty, report.empty_told, report.problems) == (("A02",), False, ())


def test_problems_are_told() -> None:
    told = pd.DataFrame({"drug": ["a", "a"], "gene": ["TP53", "MDM2"]})
    _, report = join_perturbations(wells_of(["a", "b"]), told)
    assert report.problems == (
        "1 perturbation has no metadata: b",
        "1 perturbation has several rows of metadata that differ, of which the first is used: a",
    )


def test_numbers_and_texts_are_one_key() -> None:
    told = pd.DataFrame({"drug": [7.0, None], "gene": ["TP53", "none"]})
    joined, report = join_perturbations(wells_of(["7", " 7 ", None]), told)
    assert joined["Metadata_gene"].tolist() == ["TP53", "TP53", "none"]
    assert report.key == "drug"


def test_column_of_both_is_kept_twice() -> None:
    wells = wells_of(["a"]).assign(Metadata_solvent="DMSO")
    told = pd.DataFrame({"drug": ["a"], "solvent": ["water"]})
    joined, _ = join_perturbations(wells, told)
    assert joined["Metadata_solvent"].tolist() == ["DMSO"]
    assert joined["Metadata_solvent_external"].tolist() == ["water"]


def test_tables_without_a_common_column_are_refused() -> None:
    for told, key in ((pd.DataFrame({"gene": ["x"]}), None), (pd.DataFrame({"drug": ["a"]}), "id")):
        with pytest.raises(InvalidArgument, match="share no column"):
            join_perturbations(wells_of(["a"]), told, key=key)


def test_table_that_tells_most_is_chosen() -> None:
    def table(*keys: str) -> pd.DataFrame:
        return pd.DataFrame({"drug": list(keys)})

    wells = wells_of(["a", "b", "c", None])
    tables = {"x_metadata": table("a"), "y": table("a", "b", "c"), "z": pd.DataFrame({"q": [1]})}
    assert choose_perturbations(wells, tables, "x_platemap") == "y"
    tables["x_metadata"] = tables["x_metadata_more"] = tables["y"]
    assert choose_perturbations(wells, tables, "x_platemap") == "x_metadata"
    assert choose_perturbations(wells, tables, "other") == "y"
    assert choose_perturbations(wells, {"z": tables["z"]}, "x") is None
    assert choose_perturbations(wells, {"w": table("q")}, "x") is None
