"""What the portal fetches into the store: begun, seen, stopped."""

from __future__ import annotations

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from cellfolio.package.entry import Entry
from cellfolio.web.jobs import Job, Jobs
from cellfolio.web.places import Place, read_place
from cellfolio.web.rendering import fragment, page
from cellfolio.web.views.view import View
from cellfolio.workflows.holdings import Holdings


def start_job(jobs: Jobs, place: Place) -> Job:
    """Begin to fetch a package, folder or file."""
    title = place.key or place.shown.name
    return jobs.start(place.fixed.reference, title, place.found)


def start_fetching(request: Request) -> Response:
    """Begin to fetch what an address names; lead to its page, or of a file to that of the job."""
    place = read_place(request)
    job = start_job(request.app.state.jobs, place)
    seen = f"/jobs/{job.id}" if isinstance(place.found, Entry) else place.link("package")
    return RedirectResponse(seen, 303)


def stop_job(request: Request) -> Response:
    """Stop a job, and lead to its page."""
    job = request.app.state.jobs.find(request.path_params["job"])
    job.cancel()
    return RedirectResponse(f"/jobs/{job.id}", 303)


def show_jobs(request: Request) -> Response:
    """Return the page of all jobs."""
    return page(request, "jobs.html", jobs=request.app.state.jobs.all())


def show_job(request: Request) -> Response:
    """Return the page of one job."""
    jobs = [request.app.state.jobs.find(request.path_params["job"])]
    return page(request, "jobs.html", jobs=jobs)


def show_progress(request: Request) -> Response:
    """Return how far a job is, to be put in place of what was said; once it is over, the page."""
    job = request.app.state.jobs.find(request.path_params["job"])
    if job.state.over:
        return HTMLResponse("", headers={"hx-refresh": "true"})
    return HTMLResponse(fragment("progress.html", job=job))


def show_summary(request: Request) -> Response:
    """Return what a page says of how much is here, to be put in place of what it said."""
    place = read_place(request)
    request.app.state.holdings.begin(place.package)
    return HTMLResponse(summary_of(request, place))


def summary_of(request: Request, place: Place) -> Markup:
    """Return how large a folder is and how much of it is here, with what is being fetched."""
    found = place.found
    assert not isinstance(found, Entry)
    holdings: Holdings = request.app.state.holdings
    jobs: Jobs = request.app.state.jobs
    job = jobs.of(place.fixed.reference)
    held = holdings.held(place.package, found)
    settled = held is not None or not holdings.fits(place.package)
    return fragment("summary.html", place=place, folder=found, held=held, job=job, settled=settled)


VIEWS = (
    View("/fetch/{reference:path}", start_fetching, changes=True),
    View("/jobs", show_jobs),
    View("/jobs/{job}", show_job),
    View("/jobs/{job}/progress", show_progress),
    View("/jobs/{job}/cancel", stop_job, changes=True),
    View("/summary/{reference:path}", show_summary),
)
