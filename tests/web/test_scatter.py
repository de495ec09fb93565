"""Points in a browser: colours, legend, lasso, keys, and what is in the address."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.web.conftest import OpenPortal
from tests.web.everybody import serious_findings
from tests.web.pictures import pixels_of

HOSTILE = '<img src=x onerror="document.title=1">'
READY = re.compile("ready")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three classes: at the left, at the right, and one whose name is hostile."""
    found = tmp_path / "screen"
    found.mkdir()
    rng = np.random.default_rng(0)
    count = 300
    kinds = np.repeat(["left", "right", HOSTILE], count // 3)
    centre = {"left": (-10, 0), "right": (10, 0), HOSTILE: (0, 12)}
    places = np.array([centre[one] for one in kinds]) + rng.normal(0, 1, (count, 2))
    places[:5] = np.nan
    table = pd.DataFrame(
        {
            "Metadata_Plate": "P1",
            "Metadata_Well": "A01",
            "Metadata_kind": kinds,
            "umap_1": places[:, 0],
            "umap_2": places[:, 1],
            "Cells_A": rng.normal(size=count),
            "Cells_B": rng.normal(size=count),
            "Cells_same": 2.0,
        }
    )
    table.to_parquet(found / "cells.parquet")
    table.head(0).to_parquet(found / "none.parquet")
    table[["Metadata_kind"]].to_csv(found / "texts.csv", index=False)
    return found


def open_points(tab: Page, url: str, name: str, query: str = "") -> Locator:
    tab.goto(f"{url}/{name}{query}".replace("/package/", "/scatter/"))
    root = tab.locator("[data-scatter]")
    expect(root).to_have_attribute("data-state", READY)
    return root


def state(tab: Page, name: str) -> str | None:
    found: str | None = tab.evaluate(f"new URLSearchParams(location.search).get('{name}')")
    return found


def drawn(tab: Page) -> np.ndarray:
    """Return the pixels of the points, red, green, blue and opacity."""
    found = tab.evaluate(
        """() => { const page = document.querySelector('[data-scatter]').page.scatter;
        page.renderer.draw({...(() => { const s = page.plot.scale, w = page.plot.width,
        h = page.plot.height, k = [2 * s[0] / w, 2 * s[1] / h];
        return {scale: k, shift: [-page.view.x * k[0], -page.view.y * k[1]]}; })(), size: 6});
        return page.points.toDataURL(); }"""
    )
    return pixels_of(found)


def lit(tab: Page) -> int:
    """Count the pixels that have a colour."""
    return int(np.count_nonzero(drawn(tab)[:, 3]))


def test_processor_draws_the_points_that_a_card_draws(
    open_portal: OpenPortal, browser: Browser, folder: Path
) -> None:
    url = open_portal(folder).url
    seen = []
    for drawn_by in ("card", "processor"):
        tab = browser.new_page()
        tab.add_init_script(f"sessionStorage.setItem('cellfolio-drawn-by', '{drawn_by}')")
        open_points(tab, url, "cells.parquet")
        seen.append(drawn(tab))
        tab.close()
    card, processor = seen
    assert np.mean(card[:, 3] > 0) > 0.001
    full = card[:, 3] >= np.quantile(card[card[:, 3] > 0, 3], 0.4)
    assert np.mean(np.abs(card[full] - processor[full]).max(axis=1) <= 25) > 0.9, (
        "but for parts of a pixel"
    )
    assert abs(card[:, 3].sum() / processor[:, 3].sum() - 1) < 0.02, "as much is covered"


def test_points_are_drawn_and_classes_hidden(
    open_portal: OpenPortal, tab: Page, folder: Path
) -> None:
    portal = open_portal(folder)
    open_points(tab, portal.url, "cells.parquet")
    expect(tab.locator("[data-part=status]")).to_have_text("300 rows, 5 of them without a place")
    expect(tab.locator(".classes button.class")).to_have_count(3)
    expect(tab.locator(".classes")).to_contain_text(HOSTILE)
    all_lit = lit(tab)
    assert all_lit > 300
    line = tab.locator("button.class", has_text="right")
    line.focus()
    tab.keyboard.press("Enter")
    expect(tab.locator("button.class", has_text="right")).to_have_attribute("aria-pressed", "false")
    expect(tab.locator("button.class", has_text="right")).to_be_focused()
    assert lit(tab) < all_lit * 0.8
    assert state(tab, "hide") == "right"
    tab.reload()
    expect(tab.locator("[data-scatter]")).to_have_attribute("data-state", READY)
    expect(tab.locator("button.class", has_text="right")).to_have_attribute("aria-pressed", "false")
    assert "cellfolio" in tab.title(), "no script of a name has run"


def draw_lasso(tab: Page, units: list[tuple[float, float]]) -> None:
    """Draw a line around a region, given as shares of the plot, with Shift held down."""
    box = tab.locator("canvas.front").bounding_box()
    assert box is not None
    corners = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in units]
    tab.keyboard.down("Shift")
    tab.mouse.move(*corners[0])
    tab.mouse.down()
    for corner in [*corners[1:], corners[0]]:
        tab.mouse.move(*corner, steps=6)
    tab.mouse.up()
    tab.keyboard.up("Shift")


def test_lasso_selects_and_is_in_the_address(
    open_portal: OpenPortal, tab: Page, folder: Path
) -> None:
    portal = open_portal(folder)
    open_points(tab, portal.url, "cells.parquet")
    draw_lasso(tab, [(0.5, 0.02), (0.99, 0.02), (0.99, 0.9), (0.5, 0.9)])
    chosen = tab.locator("[data-part=chosen]")
    expect(chosen).to_contain_text("of 300 rows selected")
    found = int((chosen.text_content() or "").split()[0])
    assert 100 <= found < 200, "the class at the right, and some of that in the middle"
    expect(tab.locator("[data-part=breakdown]")).to_contain_text(
        re.compile(r"right (9\d|100) of 100")
    )
    lasso = state(tab, "lasso")
    assert lasso
    assert len(lasso) < 1500
    expect(tab.locator("[data-part=rows] tbody tr")).to_have_count(50)
    expect(tab.locator("[data-part=reason]")).to_contain_text("no images of plates")
    tab.reload()
    expect(chosen).to_have_text(f"{found} of 300 rows selected")
    with tab.expect_download() as saving:
        tab.get_by_role("button", name="Download list").click()
    lines = Path(saving.value.path()).read_text().splitlines()
    assert lines[0] == "row,Metadata_kind"
    assert len(lines) == found + 1
    tab.get_by_role("button", name="Clear").click()
    expect(tab.locator("[data-part=selection]")).to_be_hidden()
    assert state(tab, "lasso") is None


def test_keys_and_classes_are_enough(open_portal: OpenPortal, tab: Page, folder: Path) -> None:
    portal = open_portal(folder)
    open_points(tab, portal.url, "cells.parquet")
    canvas = tab.locator("canvas.front")
    canvas.focus()
    tab.keyboard.press("+")
    tab.keyboard.press("ArrowRight")
    expect(tab).to_have_url(re.compile("view="))
    x, _, zoom = map(float, (state(tab, "view") or "").split(","))
    assert zoom == pytest.approx(1.4)
    assert x > 0.5
    tab.keyboard.press("0")
    expect(tab).not_to_have_url(re.compile("view="))
    tab.get_by_role("button", name="Select left").focus()
    tab.keyboard.press("Enter")
    expect(tab.locator("[data-part=chosen]")).to_have_text("100 of 300 rows selected")
    assert state(tab, "pick") == "left"
    tab.reload()
    expect(tab.locator("[data-part=chosen]")).to_have_text("100 of 300 rows selected")
    canvas.focus()
    tab.keyboard.press("Escape")
    expect(tab.locator("[data-part=selection]")).to_be_hidden()


def test_colour_is_chosen_by_typing(open_portal: OpenPortal, tab: Page, folder: Path) -> None:
    portal = open_portal(folder)
    root = open_points(tab, portal.url, "cells.parquet")
    field = tab.get_by_label("Colour", exact=True)
    field.click()
    field.fill("cells_a")
    expect(tab.locator("ul.names:visible li")).to_have_count(1)
    tab.keyboard.press("Enter")
    expect(tab.locator("canvas.ramp")).to_be_visible()
    assert state(tab, "colour") == "Cells_A"
    tab.get_by_label("Highest colour at").fill("0.25")
    tab.get_by_label("Highest colour at").press("Tab")
    assert state(tab, "high") == "0.25"
    expect(field).to_have_value("Cells_A")
    field.click()
    tab.keyboard.press("ArrowDown")
    tab.keyboard.press("ArrowDown")
    tab.keyboard.press("Escape")
    expect(field).to_have_value("Cells_A")
    expect(root).to_have_attribute("data-state", READY)


def test_places_are_computed_when_asked(open_portal: OpenPortal, tab: Page, folder: Path) -> None:
    portal = open_portal(folder)
    root = open_points(tab, portal.url, "cells.parquet")
    tab.get_by_label("Places").select_option("pca")
    expect(root).to_have_attribute("data-state", READY)
    expect(tab.locator("[data-part=status]")).to_have_text("300 rows")
    assert state(tab, "way") == "pca"
    tab.get_by_label("Places").select_option("columns")
    tab.get_by_label("x", exact=True).fill("Cells_same")
    expect(tab.get_by_role("option", name="Cells_same")).to_be_visible()
    tab.keyboard.press("Enter")
    expect(root).to_have_attribute("data-state", READY)
    assert state(tab, "x") == "Cells_same"
    assert lit(tab) > 20, "a constant column is a line of points"


@pytest.mark.filterwarnings("ignore:Tensorflow:ImportWarning")  # as Python does, unasked
def test_points_of_a_file_are_a_way_to_show_it(
    open_portal: OpenPortal, tab: Page, folder: Path
) -> None:
    tab.goto(f"{open_portal(folder).url}/cells.parquet")
    tab.get_by_role("link", name="Points").click()
    root = tab.locator("[data-scatter]")
    expect(root).to_have_attribute("data-state", READY)
    expect(root.locator("[data-part=failure]")).to_be_empty()
    expect(root).to_contain_text("right")
    tab.get_by_label("Places").select_option("umap")
    status = root.locator("[data-part=status]")
    expect(status).to_have_text(re.compile("Computing UMAP"))
    expect(status).to_have_text("300 rows", timeout=90_000)
    expect(root).to_have_attribute("data-state", READY)
    assert lit(tab) > 100
    assert (state(tab, "as"), state(tab, "way")) == ("points", "umap")
    tab.reload()
    expect(root).to_have_attribute("data-state", READY)
    expect(tab.get_by_label("Places")).to_have_value("umap")
    tab.get_by_label("Places").select_option("pca")
    tab.locator("[data-part=kind]").select_option("category")
    expect(tab).to_have_url(re.compile("as=points.*kind=category"))


def test_point_under_the_pointer_is_told(open_portal: OpenPortal, tab: Page, folder: Path) -> None:
    portal = open_portal(folder)
    open_points(tab, portal.url, "cells.parquet")
    row = 150
    place = tab.evaluate(
        f"""() => {{ const s = document.querySelector('[data-scatter]').page.scatter;
        const box = s.front.getBoundingClientRect();
        const at = s.toPixel(s.units[{2 * row}], s.units[{2 * row + 1}]);
        return [box.left + at[0], box.top + at[1]]; }}"""
    )
    tab.mouse.move(*place)
    expect(tab.locator("[data-part=under]")).to_contain_text("row 150 · ")
    expect(tab.locator("[data-part=under]")).to_contain_text("kind: right")
    tab.mouse.click(*place)
    expect(tab.locator("[data-part=chosen]")).to_have_text("1 of 300 rows selected")
    assert state(tab, "row") == "150"


def test_tables_without_points_say_so(open_portal: OpenPortal, tab: Page, folder: Path) -> None:
    portal = open_portal(folder)
    tab.goto(f"{portal.url}/none.parquet".replace("/package/", "/scatter/"))
    expect(tab.locator("[data-part=status]")).to_have_text("The table has no rows.")
    tab.goto(f"{portal.url}/texts.csv".replace("/package/", "/scatter/"))
    expect(tab.get_by_role("alert")).to_contain_text("fewer than two columns of numbers")


def test_everybody_can_use_it(open_portal: OpenPortal, tab: Page, folder: Path) -> None:
    portal = open_portal(folder)
    open_points(tab, portal.url, "cells.parquet", "?pick=left")
    expect(tab.locator("[data-part=rows] table")).to_be_visible()
    assert not serious_findings(tab)


def test_narrow_screens_need_no_scrolling_aside(
    open_portal: OpenPortal, tab: Page, folder: Path
) -> None:
    tab.set_viewport_size({"width": 390, "height": 844})
    portal = open_portal(folder)
    open_points(tab, portal.url, "cells.parquet", "?pick=left")
    expect(tab.locator("[data-part=rows] table")).to_be_visible()
    assert tab.evaluate("document.documentElement.scrollWidth") <= 390
