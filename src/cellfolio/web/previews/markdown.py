"""Markdown files, as what they say."""

from __future__ import annotations

from starlette.requests import Request

from cellfolio.package.entry import Entry
from cellfolio.web import highlighting, markdown
from cellfolio.web.places import Place
from cellfolio.web.previews.preview import Body, Preview
from cellfolio.web.texts import read_part


def render_markdown_file(request: Request, place: Place) -> Body:
    """Show a Markdown file."""
    part = read_part(place, 0, markdown.LONGEST)
    html = markdown.markdown_at(place, part.text)
    return Body(html, styles=(markdown.STYLE, highlighting.STYLE))


def _is_markdown(entry: Entry) -> bool:
    return entry.name.lower().endswith((".md", ".markdown", ".md.gz"))


MARKDOWN = Preview("markdown", "Rendered", _is_markdown, render_markdown_file)
