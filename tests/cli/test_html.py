"""The notebook view."""

from __future__ import annotations

from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from cellfolio.package.entry import Entry
from cellfolio.package.folder import Folder
from cellfolio.package.html import CHILDREN, first_children
from cellfolio.package.package import Package

ALLOWED = {"div", "span", "b", "code", "details", "summary"}


class Reader(HTMLParser):
    """Collects tags, attributes and text, and checks that tags close in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.text = ""
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open.append(tag)
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def view(folder: Folder) -> Reader:
    read = Reader(folder._repr_html_())
    assert read.tags <= ALLOWED
    assert read.attributes <= {"style", "title"}
    return read


def entry(key: str, size: int | None = 5) -> Entry:
    return Entry(key, "file:///x", size)


def test_package() -> None:
    package = Package.of(
        [entry("images/p1/a.tiff", 1500), entry("x.csv", None)],
        meta={"assay": "Cell Painting", "plates": [1, 2]},
        message="First",
        name="lab/plates",
    )
    text = view(package).text
    for shown in ("lab/plates", package.top_hash[:12], "2 files, 1.5 kB", "First", "[1, 2]", "?"):
        assert shown in text
    assert package.top_hash in package._repr_html_()
    images = package["images"]
    assert isinstance(images, Folder)
    assert "images" in view(images).text
    assert view(Package.of([])).text.startswith("package ")


hostile = st.text(st.sampled_from("<>&\"'/ab\u202e\x1b="), min_size=1, max_size=8)


@given(st.lists(hostile, max_size=5), hostile, st.dictionaries(hostile, hostile, max_size=3))
def test_strangers_text_stays_text(names: list[str], message: str, meta: dict[str, str]) -> None:
    entries = [entry(f"d/<b>{i}{name.replace('/', '')}") for i, name in enumerate(names)]
    read = view(Package.of(entries, message=message, meta=meta, name=message))
    assert "\u202e" not in read.text
    assert "\x1b" not in read.text


def test_huge_packages_stay_small() -> None:
    entries = [entry(f"p{i % 50:02}/{i % 7}/{i % 3}/{i:05}.tiff") for i in range(20_000)]
    meta = {f"k{i}": "v" * 5000 for i in range(1000)}
    package = Package.of(entries, meta=meta, message="m" * 10_000)
    text = package._repr_html_()
    assert len(text) < 120_000
    read = view(package)
    assert f"… and {50 - CHILDREN} more" in read.text
    assert f"… and {1000 - CHILDREN} more" in read.text
    assert all(f"p{i:02}/" in read.text for i in range(CHILDREN))


def test_deep_packages_stay_small() -> None:
    package = Package.of([entry("/".join("d" * 900))])
    assert len(view(package).text) < 200


def test_children() -> None:
    package = Package.of([entry("a"), entry("a/b"), entry("c")])
    found = list(first_children(package))
    assert [isinstance(child, Folder) for child in found] == [False, True, False]
    assert len(list(first_children(package, 1))) == 1
