"""Pages that need no other file: facts, sections with pictures and tables, everything escaped."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cellfolio.imaging.saving import png_bytes, save_figure
from cellfolio.package.html import visible_text
from cellfolio.storage.disk import write_atomically

if TYPE_CHECKING:
    from jinja2 import Template
    from matplotlib.figure import Figure

_TEMPLATE = "page.html"
_SCREEN = 96
"""Pixels to the inch on a screen."""


@dataclass(frozen=True, slots=True)
class Fact:
    """A number at the head of the page."""

    label: str
    value: str
    more: str = ""
    warn: bool = False


@dataclass(frozen=True, slots=True)
class PagePicture:
    """A picture in the page; `name` is that of its files."""

    name: str
    figure: Figure
    alt: str
    caption: str
    png: bytes

    @classmethod
    def of(cls, name: str, figure: Figure, alt: str, caption: str) -> PagePicture:
        """Return a picture of a figure, which is laid out once for all formats."""
        png = png_bytes(figure)
        figure.set_layout_engine("none")
        return cls(name, figure, alt, caption, png)

    @property
    def base64(self) -> str:
        """The picture as PNG, as an address of data has it."""
        return base64.b64encode(self.png).decode("ascii")

    @property
    def width(self) -> int:
        """Pixels of a screen that it takes, if there is room."""
        return round(float(self.figure.get_size_inches()[0]) * _SCREEN)


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the page; `numbers` are the columns that hold numbers."""

    title: str
    about: str
    pictures: tuple[PagePicture, ...] = ()
    header: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    numbers: tuple[int, ...] = ()
    more: str = ""


def pictures_of(sections: Sequence[Section]) -> list[PagePicture]:
    """Return all pictures of a page."""
    return [picture for section in sections for picture in section.pictures]


def write_pictures(pictures: Sequence[PagePicture], folder: Path) -> tuple[Path, ...]:
    """Write pictures as PNG and SVG to a folder, which is made if it is not there."""
    folder.mkdir(exist_ok=True)
    paths = []
    for picture in pictures:
        png, svg = (folder / f"{picture.name}.{suffix}" for suffix in ("png", "svg"))
        write_atomically(png, picture.png)
        save_figure(picture.figure, svg)
        paths += [png, svg]
    return tuple(paths)


def render_page(
    title: str, kind: str, about: str, facts: Sequence[Fact], sections: Sequence[Section]
) -> str:
    """Return a page as HTML.

    Parameters
    ----------
    title, kind : str
        What the page is about, such as a plate; what it tells of that.
    about : str
        One sentence below the title.
    facts : sequence of Fact
    sections : sequence of Section
    """
    return _template().render(title=title, kind=kind, about=about, facts=facts, sections=sections)


def _template() -> Template:
    """Return the template; every text is escaped, and characters that hide are written out."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("cellfolio.workflows"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=lambda value: visible_text(value) if isinstance(value, str) else value,
    )
    return environment.get_template(_TEMPLATE)
