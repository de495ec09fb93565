"""The portal's application: its views and operations behind the guard."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from importlib import import_module
from importlib.metadata import version

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import DEFAULT_EXCLUDED_CONTENT_TYPES, GZipMiddleware
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Route

from cellfolio.errors import CellfolioError
from cellfolio.web.access import Access, Guard
from cellfolio.web.failures import answer_failure
from cellfolio.web.finding import Finder
from cellfolio.web.history import History
from cellfolio.web.jobs import Jobs
from cellfolio.web.operations import Operation, describe
from cellfolio.web.point_shelf import PointShelf
from cellfolio.web.shelf import Shelf
from cellfolio.web.static_files import mount_static
from cellfolio.web.views.view import View
from cellfolio.web.volume_shelf import VolumeShelf
from cellfolio.web.working import Workers
from cellfolio.workflows.holdings import Holdings
from cellfolio.workflows.shown_images.desk import ImageDesk
from cellfolio.workflows.table_views import TableViews

VIEWS = (
    "home",
    "package",
    "fetching",
    "api_page",
    "image",
    "sites",
    "scatter",
    "run",
    "plates",
    "replicates",
    "records",
    "documents",
)
"""Modules of `cellfolio.web.views`; each has its views as ``VIEWS``."""
OPERATIONS = (
    "packages",
    "search",
    "revisions",
    "files",
    "archives",
    "fetching",
    "images",
    "profiles",
    "rows",
    "volumes",
    "pages",
    "plates",
    "records",
    "tables",
    "pictures",
    "texts",
)
"""Modules of `cellfolio.web.api`; each has its operations as ``OPERATIONS``."""
_COMPRESSED = Middleware(
    GZipMiddleware,
    compresslevel=6,
    # Bytes of files are sent as they are: they are asked for by range, or are pixels.
    exclude_content_types=(*DEFAULT_EXCLUDED_CONTENT_TYPES, "application/octet-stream"),
)


def all_operations() -> tuple[Operation, ...]:
    """Return everything that programs can ask."""
    modules = (import_module(f"cellfolio.web.api.{name}") for name in OPERATIONS)
    return tuple(one for module in modules for one in module.OPERATIONS)


def all_views() -> tuple[View, ...]:
    """Return all pages."""
    modules = (import_module(f"cellfolio.web.views.{name}") for name in VIEWS)
    return tuple(one for module in modules for one in module.VIEWS)


def make_portal(shelf: Shelf, access: Access, workers: Workers | None = None) -> Starlette:
    """Return the application.

    Parameters
    ----------
    shelf : Shelf
        What it shows.
    access : Access
        Who may ask.
    workers : Workers, optional
        What requests are worked on by.
    """
    operations = all_operations()
    holdings = Holdings(shelf.home)
    jobs = Jobs(shelf.home, holdings.forget)
    app = Starlette(
        routes=_routes(workers or Workers(), operations),
        middleware=[Middleware(Guard, access=access), _COMPRESSED],
        exception_handlers={
            CellfolioError: answer_failure,
            HTTPException: answer_failure,
            Exception: answer_failure,
        },
        lifespan=_ending(jobs),
    )
    app.state.shelf = shelf
    app.state.holdings = holdings
    app.state.finder = Finder(shelf, holdings)
    app.state.history = History(shelf)
    app.state.jobs = jobs
    app.state.operations = operations
    app.state.images = ImageDesk(shelf.home)
    app.state.points = PointShelf()
    app.state.tables = TableViews(shelf.home)
    app.state.volumes = VolumeShelf()
    return app


def _ending(jobs: Jobs) -> Callable[[Starlette], AbstractAsyncContextManager[None]]:
    """Return what ends the portal's own work with the portal."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        yield
        jobs.stop()

    return lifespan


def _routes(workers: Workers, operations: Sequence[Operation]) -> list[BaseRoute]:

    document = describe(operations, version("cellfolio"))
    views = [
        Route(one.path, workers.endpoint(one.answer), methods=["POST" if one.changes else "GET"])
        for one in all_views()
    ]
    asked = [
        Route(one.path, workers.endpoint(one.respond), methods=["POST" if one.changes else "GET"])
        for one in operations
    ]
    described = Route("/api/openapi.json", lambda request: JSONResponse(document))
    return [described, *asked, *views, mount_static()]
