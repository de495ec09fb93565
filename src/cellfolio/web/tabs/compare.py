"""What changed between two revisions of a package, or in a folder or file of it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import Any

from starlette.requests import Request

from cellfolio.errors import InvalidArgument
from cellfolio.package.diff import MetaChange, meta_changes
from cellfolio.web.history import Comparison, History
from cellfolio.web.places import SHORT, Place
from cellfolio.web.previews.preview import Body
from cellfolio.web.rendering import fragment
from cellfolio.web.tabs.revisions import has_revisions
from cellfolio.web.tabs.tab import Tab, read_page
from cellfolio.workflows.opening import LogLine

PAGE = 200
"""Lines of a page."""
_CHANGES = 50
"""Values of metadata that are shown of a file or folder."""
KINDS = ("added", "removed", "changed", "metadata")


def _render(request: Request, place: Place) -> Body:
    history: History = request.app.state.history
    lines = history.revisions(place.shown)
    older = request.query_params.get("with") or _before(lines, place)
    if older is None:
        return Body(fragment("tabs/compare_nothing.html", place=place))
    found = history.compare(place, older)
    rows = rows_of(found)
    kind = request.query_params.get("show") or next((one for one in KINDS if rows[one]), KINDS[0])
    if kind not in KINDS:
        raise InvalidArgument(f"show: expected one of {', '.join(KINDS)}, found {kind!r}")
    pages = max(1, -(-len(rows[kind]) // PAGE))
    page = min(read_page(request), pages)
    shown = rows[kind][(page - 1) * PAGE : page * PAGE]
    facts = {
        "place": place,
        "found": found,
        "lines": lines,
        "older": found.older.top_hash,
        "kind": kind,
        "counts": {one: len(rows[one]) for one in KINDS},
        "rows": [_changes(found, one) for one in shown] if kind == "metadata" else shown,
        "page": page,
        "pages": pages,
        "short": SHORT,
    }
    return Body(fragment("tabs/compare.html", **facts))


def _before(lines: Sequence[LogLine], place: Place) -> str | None:
    """Return the revision before the one that is looked at, or the newest of the others."""
    hashes = [one.revision.top_hash for one in lines]
    mine = place.package.top_hash
    after = hashes[hashes.index(mine) + 1 :] if mine in hashes else hashes
    return next((one for one in [*after, *hashes] if one != mine), None)


def rows_of(found: Comparison) -> dict[str, Sequence[Any]]:
    """Return what changed, by kind; of metadata, folders come first."""
    diff = found.diff
    metadata: list[Any] = [*diff.folder_meta_changed, *diff.meta_changed]
    values = (diff.added, diff.removed, diff.changed, metadata)
    return dict(zip(KINDS, values, strict=True))


def _changes(found: Comparison, row: Any) -> tuple[str, list[MetaChange], bool]:
    """Return what is called by a key, which values of its metadata differ, and whether more do."""
    if isinstance(row, str):
        if row:
            before, after = (one.folder_meta.get(row, {}) for one in (found.older, found.newer))
        else:
            before, after = found.older.meta, found.newer.meta
        name = row or "the package"
    else:
        before, after, name = dict(row[0].meta), dict(row[1].meta), row[1].logical_key
    changes = list(islice(meta_changes(before, after), _CHANGES + 1))
    return name, changes[:_CHANGES], len(changes) > _CHANGES


COMPARE = Tab("compare", "Compare", has_revisions, _render)
