"""The page about a plate's quality that a recipe makes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from cellfolio.errors import InvalidArgument
from cellfolio.workflows.profiling.pages import page_design, page_stages
from cellfolio.workflows.profiling.recipe import PageStep, Recipe
from cellfolio.workflows.profiling.running import plan_recipe, run_recipe
from cellfolio.workflows.profiling.toml_recipe import read_recipe
from tests.workflows.recipes import SELECT, bytes_of

DRUGS = 'perturbation = ["drug"]'
ONE = ("P1",)
PAGE = "quality/P1.html"


def test_page_tells_of_the_plate_and_is_made_again_only_if_it_changed(
    small: Callable[..., Recipe], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    recipe = small(SELECT.format("plate"), quality=DRUGS)
    assert run_recipe(recipe, out, plates=ONE, workers=1).parts[0].made[-1] == PAGE
    text = (out / "P1" / PAGE).read_text(encoding="utf-8")
    for told in ("Objects", "Replicates", "Missing values", "augmented → normalized"):
        assert told in text
    assert "Metadata_drug == &#39;DMSO&#39;" in text  # as the normalization has it
    pictures = sorted((out / "P1/quality/P1").glob("*.png"))
    assert pictures
    assert all(one.read_bytes().startswith(b"\x89PNG") for one in pictures)
    assert run_recipe(recipe, out, plates=ONE, workers=1).made == 0
    before = bytes_of(out)
    # A picture that went, and a page that was changed, are made again: the same as before.
    page = out / "P1" / PAGE
    page.write_text("mine")
    assert plan_recipe(recipe, out, plates=ONE).parts[0].made == (PAGE,)
    page.write_bytes(before[f"P1/{PAGE}"])
    pictures[0].unlink()
    run = run_recipe(recipe, out, plates=ONE, workers=1)
    assert (run.parts[0].made, run.parts[0].reasons) == ((PAGE,), ("a picture of it is not there",))
    assert bytes_of(out) == before
    # What the page alone is told of changes the page alone.
    other = small(SELECT.format("plate"), quality=DRUGS + "\nreference = \"Metadata_drug == 'a'\"")
    planned = plan_recipe(other, out, plates=ONE)
    assert planned.parts[0].made == (PAGE,)
    assert planned.parts[0].reasons == ("reference changed in the recipe",)
    # Another table, another page.
    planned = plan_recipe(
        small(SELECT.format("plate"), "robustize", quality=DRUGS), out, plates=ONE
    )
    assert planned.parts[0].made[-1] == PAGE
    assert len(planned.parts[0].made) == 3


@pytest.mark.slow
def test_page_of_plates_that_are_selected_together(
    small: Callable[..., Recipe], tmp_path: Path
) -> None:
    recipe = small(SELECT.format("batch"), quality=DRUGS)
    run = run_recipe(recipe, tmp_path / "out", workers=1)
    assert [part.made[-1] for part in run.parts[:3]] == [
        f"{plate}_normalized.csv.gz" for plate in ("P1", "P2", "P3")
    ]
    pages = [name for name in run.parts[3].made if name.startswith("quality/")]
    assert pages == [f"quality/{plate}.html" for plate in ("P1", "P2", "P3")]
    for plate in ("P1", "P2", "P3"):
        made = tmp_path / "out" / plate
        selected = pd.read_csv(made / f"{plate}_normalized_feature_select_batch.csv.gz")
        features = sum(not str(name).startswith("Metadata_") for name in selected)
        text = (made / f"quality/{plate}.html").read_text(encoding="utf-8")
        assert f"{plate}.csv" in text
        assert f">{features}<" in text
    assert run_recipe(recipe, tmp_path / "out", workers=1).made == 0
    run = run_recipe(recipe, tmp_path / "out", plates=("P1",), workers=1)
    assert run.left_out.startswith("normalized_feature_select_batch, quality:")


def test_page_that_cannot_be_made_is_told_and_the_files_are_there(
    small: Callable[..., Recipe], tmp_path: Path
) -> None:
    recipe = small(quality="reference = \"Metadata_drug == 'nothing'\"")
    part = run_recipe(recipe, tmp_path / "out", plates=ONE, workers=1).parts[0]
    assert part.failure is None
    assert part.made == ("P1_augmented.csv.gz", "P1_normalized.csv.gz")
    assert part.problems == (
        f"{PAGE}: no well is a negative control by \"Metadata_drug == 'nothing'\"",
    )
    assert not (tmp_path / "out/P1" / PAGE).exists()
    assert plan_recipe(recipe, tmp_path / "out", plates=ONE).parts[0].made == (PAGE,)


def test_no_page_if_none_is_wanted(small: Callable[..., Recipe], tmp_path: Path) -> None:
    recipe = small(quality="page = false")
    assert recipe.page is None
    run_recipe(recipe, tmp_path / "out", plates=ONE, workers=1)
    assert not (tmp_path / "out/P1/quality").exists()


@pytest.mark.slow
def test_any_number_of_workers_gives_the_same_pages(
    small: Callable[..., Recipe], tmp_path: Path
) -> None:
    recipe = small(SELECT.format("plate"), quality=DRUGS)
    for workers in (1, 2):
        run_recipe(recipe, tmp_path / str(workers), workers=workers)
    assert bytes_of(tmp_path / "1") == bytes_of(tmp_path / "2")


def recipe_of(folder: Path, text: str) -> Recipe:
    path = folder / "recipe.toml"
    path.write_text(text)
    return read_recipe(path)


def test_design_is_what_the_recipe_implies(tmp_path: Path) -> None:
    recipe = recipe_of(
        tmp_path,
        """
        [input]
        cells = "{plate}.sqlite"
        [annotate]
        plate_map = "map.csv"
        external = "drugs.csv"
        external_on = "broad_sample"
        [[normalize]]
        [[normalize]]
        name = "negcon"
        reference = "Metadata_control_type == 'negcon'"
        [[feature_select]]
        operations = ["drop_missing"]
        level = "batch"
        [[feature_select]]
        operations = ["drop_missing"]
        of = ["normalized"]
        [[consensus]]
        by = ["Metadata_broad_sample"]
        of = ["normalized"]
        """,
    )
    assert [stage.name for stage in page_stages(recipe)] == [
        "augmented",
        "normalized",
        "normalized_feature_select_plate",
    ]
    assert recipe.page == PageStep()
    design = page_design(recipe, PageStep())
    assert design["perturbation"] == ("broad_sample",)
    assert design["reference"] == "Metadata_control_type == 'negcon'"
    own = replace(PageStep(), perturbation=("Metadata_moa",), reference="Metadata_drug == 'x'")
    assert page_design(recipe, own)["perturbation"] == ("Metadata_moa",)
    assert page_design(recipe, own)["reference"] == "Metadata_drug == 'x'"


@pytest.mark.parametrize(
    ("quality", "told"),
    [
        ("pages = true", "did you mean page?"),
        ('page = "no"', "page of [quality] should be true or false"),
        ('page = false\nwell = "Metadata_Hole"', "there is no page, and what should be on it"),
        ('perturbation = "drug"', "should be a list of texts"),
    ],
)
def test_bad_words_about_the_page_are_refused(tmp_path: Path, quality: str, told: str) -> None:
    text = f'[input]\nprofiles = "{{plate}}.csv"\n[[normalize]]\n[quality]\n{quality}\n'
    with pytest.raises(InvalidArgument) as caught:
        recipe_of(tmp_path, text)
    assert told in f"{caught.value} {caught.value.hint}"
