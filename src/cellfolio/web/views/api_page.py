"""What programs can ask, described for people."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from cellfolio.web.rendering import page
from cellfolio.web.views.view import View


def show_api(request: Request) -> Response:
    """Return the page that describes all operations."""
    return page(request, "api.html", operations=request.app.state.operations)


VIEWS = (View("/api", show_api),)
