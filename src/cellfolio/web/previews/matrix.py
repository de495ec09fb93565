"""Matrices of cells and genes: what an h5ad file has."""

from __future__ import annotations

from starlette.requests import Request

from cellfolio.formats.h5ad_contents import NamedArray, summarize_h5ad
from cellfolio.package.entry import Entry
from cellfolio.web.at_hand import source_at_hand
from cellfolio.web.places import Place
from cellfolio.web.previews.points import SCRIPTS, tables_beside
from cellfolio.web.previews.preview import Body, Preview
from cellfolio.web.rendering import fragment
from cellfolio.workflows.points.opening import is_matrix

_LISTED = 200


def suits_matrix(entry: Entry) -> bool:
    """Whether a file is a matrix, by its name."""
    return is_matrix(entry.name)


def render_matrix(request: Request, place: Place) -> Body:
    """Show what a matrix has, and its cells as points where they have places."""
    summary = summarize_h5ad(source_at_hand(place))
    parts: list[tuple[str, str, tuple[NamedArray, ...]]] = [
        ("obs", "Columns of cells", summary.obs),
        ("var", "Columns of genes", summary.var),
        ("obsm", "Embeddings", summary.obsm),
        ("layers", "Layers", summary.layers),
        ("varm", "Arrays of genes", summary.varm),
        ("obsp", "Graphs of cells", summary.obsp),
        ("uns", "Further", summary.uns),
    ]
    shown = [(name, title, found[:_LISTED], len(found)) for name, title, found in parts if found]
    return Body(
        fragment(
            "matrix.html", place=place, summary=summary, parts=shown, tables=tables_beside(place)
        ),
        scripts=SCRIPTS,
        styles=("scatter.css", "matrix.css"),
    )


MATRIX = Preview("matrix", "Matrix", suits_matrix, render_matrix)
