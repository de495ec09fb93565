"""Pages of templates: every text is escaped, and characters that hide are written out."""

from __future__ import annotations

from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse

from cellfolio.package.html import visible_text
from cellfolio.package.sizes import format_size
from cellfolio.web.places import link_of, quoted_reference, reference_of
from cellfolio.web.static_files import static_link

if TYPE_CHECKING:
    from jinja2 import Environment


@cache
def templates() -> Environment:
    """Return the templates of the portal."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    made = Environment(
        loader=PackageLoader("cellfolio.web"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_visible,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals.update(
        link=link_of, reference=reference_of, static=static_link, version=version("cellfolio")
    )
    made.filters.update(size=size_words, number=number_words, path=quoted_reference)
    return made


def _visible(value: Any) -> Any:
    if isinstance(value, Markup) or not isinstance(value, str):
        return value
    return visible_text(value)


def size_words(size: int | None) -> str:
    """Return a number of bytes for people.

    Examples
    --------
    >>> size_words(None), size_words(1500)
    ('unknown size', '1.5 kB')
    """
    return "unknown size" if size is None or size < 0 else format_size(size)


def number_words(number: int) -> str:
    """Return a number with marks between thousands."""
    return f"{number:,}"


def page(request: Request, template: str, *, status: int = 200, **facts: Any) -> HTMLResponse:
    """Return a page.

    Parameters
    ----------
    request : Request
    template : str
        Name of its template; most extend ``base.html``.
    status : int
    **facts
        What the template shows.
    """
    return HTMLResponse(templates().get_template(template).render(request=request, **facts), status)


def fragment(template: str, **facts: Any) -> Markup:
    """Return a part of a page, to be put into another."""
    return Markup(templates().get_template(template).render(**facts))
