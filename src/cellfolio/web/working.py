"""Work of requests, in threads that are bounded in number and in the time they are waited for."""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable

import anyio
from anyio.to_thread import run_sync
from starlette.requests import Request
from starlette.responses import Response

from cellfolio.errors import CellfolioError

Answering = Callable[[Request], Response]
"""What answers a request, in a thread of its own."""

WORKERS = 16
"""Requests that are worked on at a time; the others wait."""
SECONDS = 60.0
"""Seconds for which a request is waited for."""


class TooBusy(CellfolioError):
    """The portal could not answer in the time that a request may take."""


class Workers:
    """Threads for requests.

    Parameters
    ----------
    count : int
        Requests at a time. One that is no longer waited for counts until its thread has ended, so
        that slow work cannot pile up.
    seconds : float
        For which an answer is waited for.
    """

    def __init__(self, count: int = WORKERS, seconds: float = SECONDS) -> None:
        self._free = threading.BoundedSemaphore(count)
        self._seconds = seconds
        # Waiting for a turn takes a thread too.
        self._limiter: anyio.CapacityLimiter | None = None
        self._count = count

    async def answer(self, work: Answering, request: Request) -> Response:
        """Return the answer to a request.

        Raises
        ------
        TooBusy
            If it takes too long.
        """
        self._limiter = self._limiter or anyio.CapacityLimiter(4 * self._count)
        given_up = threading.Event()

        def in_turn() -> Response:
            while not self._free.acquire(timeout=0.5):
                if given_up.is_set():
                    raise TooBusy("nobody waits for this answer any more")
            try:
                return work(request)
            finally:
                self._free.release()

        try:
            with anyio.fail_after(self._seconds):
                return await run_sync(in_turn, abandon_on_cancel=True, limiter=self._limiter)
        except TimeoutError:
            raise TooBusy(
                f"the answer took longer than {self._seconds:.0f} s",
                hint="ask for less at a time, or start again when the portal has less to do",
            ) from None
        finally:
            given_up.set()

    def endpoint(self, work: Answering) -> Callable[[Request], Awaitable[Response]]:
        """Return the endpoint of a route whose answers are worked on here."""

        async def endpoint(request: Request) -> Response:
            return await self.answer(work, request)

        return endpoint
