"""What a view is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response


@dataclass(frozen=True, slots=True)
class View:
    """A page, or a part of one.

    Attributes
    ----------
    path : str
        Such as ``/package/{reference:path}``.
    answer : callable
        Given the request, returns the page.
    changes : bool
        Whether it changes something, and so is only for POST.
    """

    path: str
    answer: Callable[[Request], Response]
    changes: bool = False
