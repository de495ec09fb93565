"""What a preview is: a way to show a file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from markupsafe import Markup
from starlette.requests import Request

from cellfolio.package.entry import Entry
from cellfolio.web.failures import words_of
from cellfolio.web.places import Place
from cellfolio.web.rendering import fragment


@dataclass(frozen=True, slots=True)
class Body:
    """What the page of a file shows of it.

    Attributes
    ----------
    html : Markup
    scripts, styles : tuple of str
        Files of ``static/`` that it needs, such as ``tables.js``; scripts are modules.
    """

    html: Markup
    scripts: tuple[str, ...] = ()
    styles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Preview:
    """A way to show a file.

    Attributes
    ----------
    name : str
        As ``?as=`` has it.
    label : str
        What people choose it by.
    suits : callable
        Whether a file can be shown so, by its name and size; its bytes are not asked.
    render : callable
        Given request and place, returns what is shown; errors it raises are shown in its place.
    """

    name: str
    label: str
    suits: Callable[[Entry], bool]
    render: Callable[[Request, Place], Body]


def show_failure(error: Exception) -> Markup:
    """Return what is shown in place of something that failed."""
    message, hint = words_of(error)
    return fragment("failed.html", message=message, hint=hint)
