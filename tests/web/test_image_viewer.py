"""Images in a browser: the pixels on the canvas, controls, keys, and what the address keeps."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import httpx
import numpy as np
import pandas as pd
import pytest
import tifffile
from playwright.sync_api import Browser, Page, expect

from tests.web.conftest import OpenPortal
from tests.web.pictures import (
    HEIGHT,
    WIDTH,
    pixels_of,
    ramp,
    square_labels,
    write_site,
    write_stack,
)

REMEMBER = "document.addEventListener('viewer', (e) => (window.viewers ??= []).push(e.detail));"
READ = """([number, x, y]) => {
  const viewer = window.viewers.find((one) => one.index === number);
  const { camera, stage, canvas } = viewer;
  const column = (x + 0.5 - camera.x) * camera.zoom + stage.width / 2;
  const row = (y + 0.5 - camera.y) * camera.zoom + stage.height / 2;
  const copy = new OffscreenCanvas(1, 1).getContext("2d");
  copy.drawImage(canvas, -Math.floor(column * canvas.width / stage.width),
    -Math.floor(row * canvas.height / stage.height));
  const found = copy.getImageData(0, 0, 1, 1).data;
  return [found[0], found[1], found[2]];
}"""
PLACE = """([x, y]) => {
  const { camera, stage } = window.viewers[0];
  return [(x - camera.x) * camera.zoom + stage.width / 2,
    (y - camera.y) * camera.zoom + stage.height / 2];
}"""
DNA, ER = (0x3D, 0x7B, 0xFF), (0x00, 0xD6, 0x95)
RGB = tuple[int, int, int]
EDGE = 59.6
"""Just inside object 300, whose line is as wide as a pixel of the screen."""


class Viewing:
    """A page with viewers."""

    def __init__(self, tab: Page, base: str, drawn_by: str) -> None:
        self.tab = tab
        self.base, _, self.name = base.partition("/package/")
        tab.add_init_script(REMEMBER)
        tab.add_init_script(f"sessionStorage.setItem('cellfolio-drawn-by', '{drawn_by}')")

    def open(self, view: str, key: str, query: str = "") -> None:
        self.tab.goto(f"{self.base}/{view}/{self.name}/{key}?{query}")
        self.wait()

    def wait(self) -> None:
        """Wait until all planes are drawn as they stay."""
        for one in self.tab.locator("[data-image-info]").all():
            expect(one).to_have_attribute("data-layers", "shown", timeout=30_000)
        self.tab.wait_for_timeout(400)

    def pixel(self, x: float, y: float, number: int = 0) -> RGB:
        found = self.tab.evaluate(READ, [number, x, y])
        return found[0], found[1], found[2]

    def settled(self, x: float, y: float, test: Callable[[RGB], bool], number: int = 0) -> RGB:
        """Return the pixel as soon as it is as it should be."""
        for _ in range(60):
            found = self.pixel(x, y, number)
            if test(found):
                return found
            self.tab.wait_for_timeout(100)
        raise AssertionError(f"pixel {x}, {y} is {found}")

    def click(self, x: float, y: float) -> None:
        left, top = self.tab.evaluate(PLACE, [x + 0.5, y + 0.5])
        self.canvas.click(position={"x": left, "y": top})

    def hover(self, x: float, y: float) -> None:
        left, top = self.tab.evaluate(PLACE, [x + 0.5, y + 0.5])
        self.canvas.hover(position={"x": left, "y": top})

    @property
    def canvas(self):  # type: ignore[no-untyped-def]
        return self.tab.locator(".viewer-stage canvas").first


@pytest.fixture
def images(tmp_path: Path) -> Path:
    folder = tmp_path / "cells"
    folder.mkdir()
    write_stack(folder / "stack.ome.tiff")
    for column in (3, 4):
        write_site(folder / "P1", 2, column, channels=3)
    labels = folder / "labels" / "P1"
    labels.mkdir(parents=True)
    tifffile.imwrite(labels / "B03_1_nuclei.tiff", square_labels())
    table = pd.DataFrame({"Metadata_ObjectNumber": [1, 300], "AreaShape_Area": [600.5, 300]})
    table.to_parquet(labels / "Nuclei.parquet")
    return folder


@pytest.fixture
def viewing(
    request: pytest.FixtureRequest, open_portal: OpenPortal, tab: Page, images: Path
) -> Viewing:
    return Viewing(tab, open_portal(images).url, getattr(request, "param", "processor"))


BY_BOTH = pytest.mark.parametrize("viewing", ["card", "processor"], indirect=True)


def lit(value: float, low: float, high: float, colour: RGB) -> list[float]:
    part = min(max((value - low) / (high - low), 0), 1)
    return [channel * part for channel in colour]


def is_near(found: RGB, expected: list[float]) -> bool:
    return all(abs(a - min(b, 255)) <= 2 for a, b in zip(found, expected, strict=True))


@BY_BOTH
def test_canvas_has_the_colours_of_the_pixels(viewing: Viewing) -> None:
    viewing.open("package", "stack.ome.tiff", "z=1&limits=0:1000:6000,1:9000:16000&at=40,30,8")
    for x, y in ((40, 30), (0, 29), (79, 31), (37, 2), (44, 59)):
        if not (40 - 58 < x < 40 + 58 and 30 - 35 < y < 30 + 35):
            continue
        first = lit(float(ramp(0, 1)[y, x]), 1000, 6000, DNA)
        second = lit(float(ramp(1, 1)[y, x]), 9000, 16000, ER)
        both = [a + b for a, b in zip(first, second, strict=True)]
        viewing.settled(x, y, lambda found, both=both: is_near(found, both))  # type: ignore[misc]


def test_keys_change_what_is_seen_and_the_address_keeps_it(viewing: Viewing) -> None:
    tab = viewing.tab
    viewing.open("package", "stack.ome.tiff", "limits=0:0:9000,1:0:20000")
    expect(tab.locator(".viewer-scale")).to_contain_text("µm")
    asked: list[str] = []
    tab.on("request", lambda one: asked.append(one.url) if "/api/" in one.url else None)
    viewing.canvas.focus()
    tab.keyboard.press("2")
    value = float(ramp(0, 1)[20, 30])
    viewing.settled(30, 20, lambda found: is_near(found, lit(value, 0, 9000, DNA)))
    white = tab.get_by_role("slider", name="DNA: white at")
    white.focus()
    for _ in range(5):
        tab.keyboard.press("ArrowLeft")
    expect(white).to_have_value("8995")
    assert asked == [], "toggles and contrast need no request"
    viewing.canvas.focus()
    tab.keyboard.press("]")
    value = float(ramp(0, 2)[20, 30])
    viewing.settled(30, 20, lambda found: is_near(found, lit(value, 0, 8995, DNA)))
    for key in ("+", "ArrowRight", "["):
        tab.keyboard.press(key)
    tab.keyboard.press("m")
    expect(tab.get_by_label("Max projection")).to_be_checked()
    viewing.settled(
        40, 30, lambda found: is_near(found, lit(float(ramp(0, 2)[30, 40]), 0, 8995, DNA))
    )
    tab.wait_for_url(re.compile(r"project=max.*off=1"))
    camera = tab.evaluate("window.viewers[0].camera")
    tab.reload()
    viewing.wait()
    assert tab.evaluate("window.viewers[0].camera") == pytest.approx(camera, rel=1e-5)
    expect(tab.get_by_label("Max projection")).to_be_checked()
    expect(tab.get_by_role("checkbox", name="ER")).not_to_be_checked()
    viewing.canvas.focus()
    tab.keyboard.press("r")
    tab.wait_for_url(re.compile(r"stack\.ome\.tiff$"))


@BY_BOTH
def test_objects_are_outlined_and_told(viewing: Viewing) -> None:
    tab = viewing.tab
    viewing.open(
        "image", "P1", "well=B03&limits=0:0:60000,1:0:60000,2:0:60000&opacity=1&at=40,30,7"
    )
    inner, outer = viewing.pixel(25, 20), viewing.pixel(5, 5)
    assert is_near(viewing.pixel(EDGE, 42), [0x2F, 0xD6, 0xFF]), "the left edge of object 300"
    assert not is_near(viewing.pixel(79.4, 42), [0x2F, 0xD6, 0xFF]), "where the image cuts it"
    assert not is_near(inner, [0x2F, 0xD6, 0xFF])
    assert not is_near(outer, [0x2F, 0xD6, 0xFF])
    viewing.hover(25, 20)
    readout = tab.locator(".viewer-readout")
    expect(readout).to_contain_text(f"x 25, y 20  ·  Mito {ramp(1, 2)[20, 25]:,}")
    expect(readout).to_contain_text("nuclei #1")
    viewing.click(25, 20)
    card = tab.get_by_role("region", name="Object")
    expect(card).to_contain_text("600 px")
    expect(card).to_contain_text("600.5", timeout=20_000)
    viewing.settled(9.6, 20, lambda found: found == (255, 255, 255))
    tab.wait_for_url(re.compile("object=0:1"))
    viewing.canvas.focus()
    tab.keyboard.press("o")
    viewing.settled(EDGE, 42, lambda found: not is_near(found, [0x2F, 0xD6, 0xFF]))
    tab.keyboard.press("Escape")
    expect(card).to_be_hidden()
    tab.keyboard.press("o")
    tab.get_by_label("Number of an object").fill("300")
    tab.get_by_role("button", name="Go to object").click()
    expect(card).to_contain_text("300")
    assert tab.evaluate("window.viewers[0].camera.x") == pytest.approx(70, abs=0.6)


def test_image_that_is_chosen_comes_into_the_page(
    viewing: Viewing, tab: Page, images: Path
) -> None:
    tab.goto(f"{viewing.base}/package/{viewing.name}/P1")
    tab.evaluate("window.stays = true")
    tab.get_by_role("link", name="r02c04f01p01-ch2sk1fk1fl1.tiff").click()
    expect(tab.get_by_role("heading", level=1)).to_have_text("r02c04f01p01-ch2sk1fk1fl1.tiff")
    viewing.wait()
    assert tab.evaluate("window.stays")
    assert tab.evaluate("document.activeElement.id") == "content"
    tab.reload()
    viewing.wait()
    tab.go_back()
    expect(tab.get_by_role("link", name="r02c04f01p01-ch2sk1fk1fl1.tiff")).to_be_visible()


def test_image_that_a_filter_brings_comes_into_the_page(
    open_portal: OpenPortal, tab: Page, tmp_path: Path
) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(230):  # more than a page has
        (folder / f"a{number:03}.txt").write_text("x")
    write_stack(folder / "z.ome.tiff")
    tab.goto(open_portal(folder).url)
    expect(tab.get_by_role("link", name="z.ome.tiff")).to_have_count(0)
    tab.get_by_role("searchbox", name="Filter names").fill("tiff")
    tab.get_by_role("link", name="z.ome.tiff").click()
    expect(tab.locator("[data-image-info]")).to_have_attribute("data-state", "shown")


def test_page_that_cannot_be_had_is_not_passed_over(
    open_portal: OpenPortal, browser: Browser, images: Path
) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{open_portal(images).url}/P1")
    page.route("**/r02c03f01p01-ch1*", lambda route: route.fulfill(status=500, body="full disk"))
    page.get_by_role("link", name="r02c03f01p01-ch1sk1fk1fl1.tiff").click()
    expect(page.get_by_text("full disk")).to_be_visible()
    context.close()


def test_next_site_comes_into_the_page(viewing: Viewing) -> None:
    tab = viewing.tab
    viewing.open("package", "P1/r02c03f01p01-ch1sk1fk1fl1.tiff")
    tab.evaluate("window.stays = true")
    tab.get_by_role("link", name="Next site").focus()
    tab.keyboard.press("Enter")
    expect(tab).to_have_url(re.compile("/image/.*well=B04"))
    expect(tab).to_have_title(re.compile("B04"))
    viewing.wait()
    assert tab.evaluate("window.stays")
    assert tab.evaluate("window.viewers.length") == 2
    assert not tab.evaluate("window.viewers[0].canvas.isConnected")
    expect(tab.get_by_role("link", name="Next site")).to_have_count(0)
    tab.keyboard.press("Tab")
    tab.get_by_role("checkbox").first.uncheck()
    expect(tab).to_have_url(re.compile("off=0"))
    tab.get_by_role("link", name="Previous site").click()
    expect(tab).to_have_url(re.compile("well=B03"))
    viewing.wait()
    expect(tab.get_by_role("checkbox").first).to_be_checked()
    tab.go_back()
    expect(tab).to_have_url(re.compile("well=B04.*off=0"))
    viewing.wait()
    expect(tab.get_by_role("checkbox").first).not_to_be_checked()


@pytest.mark.slow
def test_sites_side_by_side_move_together(viewing: Viewing) -> None:
    tab = viewing.tab
    viewing.open("sites", "P1", "")
    tab.get_by_role("button", name="Compare").click()
    viewing.wait()
    assert tab.evaluate("window.viewers.length") == 2
    before = tab.evaluate("window.viewers.map((one) => one.camera.zoom)")
    tab.locator(".viewer-stage canvas").nth(1).hover()
    tab.mouse.wheel(0, -400)
    tab.wait_for_timeout(600)
    first, second = tab.evaluate("window.viewers.map((one) => one.camera)")
    assert first == second
    assert first["zoom"] > before[0]
    limits = "window.viewers.map((one) => [one.channel(0).low, one.channel(0).high])"
    first, second = tab.evaluate(limits)
    assert first == second
    x, y = round(tab.evaluate("window.viewers[0].camera.x")), 30
    assert viewing.pixel(x, y, 0) == viewing.pixel(x, y, 1)
    assert len(tab.locator(".viewer-panel").all()) == 1


@pytest.mark.slow
@pytest.mark.parametrize(("scheme", "drawn_by"), [("light", "card"), ("dark", "processor")])
def test_odd_images_are_shown_or_told(
    open_portal: OpenPortal, tab: Page, tmp_path: Path, scheme: str, drawn_by: str
) -> None:
    imagecodecs = pytest.importorskip("imagecodecs")
    tab.emulate_media(color_scheme="light" if scheme == "light" else "dark")
    real = np.linspace(-1, 1, HEIGHT * WIDTH, dtype=np.float32).reshape(HEIGHT, WIDTH)
    real[10:20] = np.nan
    tifffile.imwrite(tmp_path / "real.tif", real)
    tifffile.imwrite(tmp_path / "one.tif", np.array([[7]], np.uint16))
    colour = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    colour[...] = 10, 200, 90
    (tmp_path / "colour.png").write_bytes(imagecodecs.png_encode(colour))
    (tmp_path / "cut.png").write_bytes((tmp_path / "colour.png").read_bytes()[:60])
    many = np.stack([ramp(0, number) for number in range(12)])
    tifffile.imwrite(tmp_path / "many.ome.tiff", many, metadata={"axes": "CYX"})
    viewing = Viewing(tab, open_portal(tmp_path).url, drawn_by)

    viewing.open("package", "real.tif")
    assert viewing.pixel(5, 15) == (0, 0, 0)
    assert viewing.pixel(79, 59)[0] > 240
    viewing.open("package", "one.tif")
    viewing.hover(0, 0)
    expect(tab.locator(".viewer-readout")).to_contain_text("intensity 7")
    viewing.open("package", "colour.png")
    assert viewing.pixel(30, 30) == (10, 200, 90)
    viewing.open("package", "many.ome.tiff")
    boxes = tab.locator(".viewer-channel input[type=checkbox]")
    assert [box.is_checked() for box in boxes.all()] == [True] * 8 + [False] * 4
    expect(boxes.nth(9)).to_be_disabled()
    boxes.nth(0).uncheck()
    boxes.nth(9).check()
    expect(tab.locator("[data-image-info]")).to_have_attribute(
        "data-state", "shown", timeout=20_000
    )
    tab.goto(f"{viewing.base}/package/{viewing.name}/cut.png")
    expect(tab.get_by_role("alert")).to_contain_text("cut off")


@pytest.mark.slow
@pytest.mark.parametrize("at", ["40,30,0.37", "31.3,28.1,9.3"])
def test_processor_draws_what_a_card_draws(
    open_portal: OpenPortal, browser: Browser, images: Path, at: str
) -> None:
    """Far away, where pixels are averaged, and close; with a gamma and a chosen object."""
    base = open_portal(images).url
    query = f"well=B03&gamma=0.6&opacity=0.7&object=0:300&at={at}"
    seen = {}
    for drawn_by in ("card", "processor"):
        tab = browser.new_page()
        viewing = Viewing(tab, base, drawn_by)
        viewing.open("image", "P1", query)
        kind = tab.evaluate("window.viewers[0].compositor.constructor.name")
        seen[kind] = pixels_of(tab.evaluate("window.viewers[0].canvas.toDataURL()"))
        tab.close()
    off = np.abs(seen["Card"] - seen["Painter"]).max(axis=1)
    assert len(np.unique(seen["Card"], axis=0)) > 50
    assert np.mean(off <= 2) > 0.995, "all but pixels at an edge, which are rounded"


@pytest.mark.slow
def test_plane_that_fails_is_told_over_the_image(
    open_portal: OpenPortal, browser: Browser, images: Path
) -> None:
    # A page of its own: the browser notes in its console that the answer is no success.
    tab = browser.new_page()
    tab.route(
        "**/api/plane/**",
        lambda route: route.fulfill(
            status=422, json={"error": "its pixels are gone", "hint": "get it again"}
        ),
    )
    tab.goto(f"{open_portal(images).url}/stack.ome.tiff")
    expect(tab.get_by_role("alert")).to_contain_text("its pixels are gone")
    expect(tab.get_by_role("alert")).to_contain_text("get it again")
    tab.close()


@pytest.mark.slow
def test_contrast_that_is_found_is_the_librarys(viewing: Viewing, client: httpx.Client) -> None:
    viewing.open("package", "stack.ome.tiff", "z=1")
    found = viewing.tab.evaluate("[0, 1].map((one) => window.viewers[0].channel(one))")
    told = client.get(
        f"{viewing.base}/api/image/{viewing.name}/stack.ome.tiff",
        params={"contrast": "true", "z": 1},
    ).json()
    for ours, theirs in zip(found, told["channels"], strict=True):
        assert [ours["low"], ours["high"]] == pytest.approx(theirs["contrast"])
