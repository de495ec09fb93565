"""Code in colours: classes in the page, colours in ``highlighting.css``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from markupsafe import Markup, escape

if TYPE_CHECKING:
    from pygments.lexer import Lexer

CLASS = "hl-"
"""What classes of coloured text begin with."""
STYLE = "highlighting.css"
"""File of ``static/`` that pages with coloured text need."""
LONGEST = 256 * 1024
"""Characters that are coloured; longer text is shown plainly."""


def highlighted(code: str, language: str) -> Markup:
    r"""Return code with classes, or as it is if there is no such language.

    Parameters
    ----------
    code : str
    language : str
        Name of a language, such as ``python``.

    Examples
    --------
    >>> highlighted("2", "python"), highlighted("x < 2", "nothing")
    (Markup('<span class="hl-mi">2</span>\n'), Markup('x &lt; 2'))
    """
    from pygments.lexers import get_lexer_by_name
    from pygments.util import ClassNotFound

    name = language.strip().split()[0] if language.strip() else ""
    try:
        lexer = get_lexer_by_name(name, stripnl=False, ensurenl=False) if name else None
    except ClassNotFound:
        lexer = None
    return _coloured(code, lexer)


def highlighted_file(code: str, name: str) -> Markup:
    """Return the text of a file with classes, as its name tells the language."""
    from pygments.lexers import get_lexer_for_filename
    from pygments.util import ClassNotFound

    try:
        lexer = get_lexer_for_filename(name, stripnl=False, ensurenl=False)
    except ClassNotFound:
        lexer = None
    return _coloured(code, lexer)


def _coloured(code: str, lexer: Lexer | None) -> Markup:
    if lexer is None or len(code) > LONGEST:
        return escape(code)
    from pygments import highlight
    from pygments.formatters import HtmlFormatter

    return Markup(highlight(code, lexer, HtmlFormatter(nowrap=True, classprefix=CLASS)))
