"""What the portal fetches into the store, for programs."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from cellfolio.web.jobs import Job, Jobs
from cellfolio.web.operations import Operation, Parameter, Values
from cellfolio.web.places import read_place
from cellfolio.web.views.fetching import start_job


def list_jobs(request: Request, values: Values) -> Response:
    """Return what is fetched, or was."""
    jobs: Jobs = request.app.state.jobs
    found = jobs.all() if values["id"] is None else [jobs.find(values["id"])]
    return JSONResponse({"jobs": [_document(job) for job in found]})


def begin(request: Request, values: Values) -> Response:
    """Begin to fetch what an address names."""
    job = start_job(request.app.state.jobs, read_place(request))
    return JSONResponse(_document(job), 202)


def cancel(request: Request, values: Values) -> Response:
    """Stop to fetch."""
    jobs: Jobs = request.app.state.jobs
    job = jobs.find(values["id"] or "")
    job.cancel()
    return JSONResponse(_document(job))


def _document(job: Job) -> dict[str, Any]:
    state = job.state
    return {
        "id": job.id,
        "reference": job.reference,
        "state": state.state,
        "files_done": state.files_done,
        "files_total": state.files_total,
        "bytes_done": state.bytes_done,
        "bytes_total": state.bytes_total,
        "failures": [{"error": message, "hint": hint} for message, hint in state.failures],
    }


_ID = Parameter("id", "Of one job.")
OPERATIONS = (
    Operation("/api/jobs", "What this portal fetches into the store, or did.", list_jobs, (_ID,)),
    Operation(
        "/api/fetch/{reference:path}",
        "Begin to fetch a package, folder or file into the store; the answer is a job.",
        begin,
        changes=True,
    ),
    Operation("/api/cancel", "Stop a job; what has arrived stays.", cancel, (_ID,), changes=True),
)
