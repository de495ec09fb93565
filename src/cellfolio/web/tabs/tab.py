"""What a tab is: one side of a package, folder or file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from starlette.requests import Request

from cellfolio.web.places import Place
from cellfolio.web.previews.preview import Body


@dataclass(frozen=True, slots=True)
class Tab:
    """One side of a package, folder or file.

    Attributes
    ----------
    name : str
        As ``?tab=`` has it.
    label : str
    suits : callable
        Whether a place has it.
    render : callable
        Given request and place, returns what is shown; errors it raises are shown in its place.
    """

    name: str
    label: str
    suits: Callable[[Place], bool]
    render: Callable[[Request, Place], Body]


def read_page(request: Request) -> int:
    """Return the number of the page that an address asks for; 1 for what is no number."""
    text = request.query_params.get("page", "1")
    return max(1, int(text)) if text.isascii() and text.isdecimal() and len(text) < 9 else 1
