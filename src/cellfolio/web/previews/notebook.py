"""Notebooks, as they were saved: nothing in them runs."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup
from starlette.requests import Request

from cellfolio.package.entry import Entry
from cellfolio.web import highlighting, markdown
from cellfolio.web.json_documents import read_json
from cellfolio.web.notebooks import Cell, Output, read_notebook
from cellfolio.web.places import Place
from cellfolio.web.previews.preview import Body, Preview
from cellfolio.web.rendering import fragment


def render_notebook(request: Request, place: Place) -> Body:
    """Show a notebook."""
    book = read_notebook(read_json(place), place.key)
    shown = [_cell(place, one, book.language) for one in book.cells]
    html = fragment("notebook.html", cells=shown, more=book.more)
    return Body(html, styles=(markdown.STYLE, highlighting.STYLE, "documents.css"))


def _cell(place: Place, cell: Cell, language: str) -> dict[str, Any]:
    if cell.kind == "markdown":
        return {"kind": cell.kind, "html": markdown.markdown_at(place, cell.source)}
    if cell.kind == "raw":
        return {"kind": cell.kind, "text": cell.source}
    coloured = highlighting.highlighted(cell.source, language)
    outputs = [_output(place, one) for one in cell.outputs]
    return {"kind": cell.kind, "html": coloured, "number": cell.number, "outputs": outputs}


def _output(place: Place, output: Output) -> tuple[str, str | Markup]:
    if output.kind == "html":
        return "html", markdown.clean_html(output.text)
    if output.kind == "markdown":
        return "html", markdown.markdown_at(place, output.text)
    return output.kind, output.text


def _is_notebook(entry: Entry) -> bool:
    return entry.name.lower().endswith(".ipynb")


NOTEBOOK = Preview("notebook", "Notebook", _is_notebook, render_notebook)
