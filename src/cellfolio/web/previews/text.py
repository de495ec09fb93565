"""Text and code, in parts."""

from __future__ import annotations

from markupsafe import Markup, escape
from starlette.requests import Request

from cellfolio.formats.standard import DEFAULT
from cellfolio.package.entry import Entry
from cellfolio.package.html import visible_text
from cellfolio.web.highlighting import STYLE, highlighted_file
from cellfolio.web.places import Place
from cellfolio.web.previews.preview import Body, Preview
from cellfolio.web.rendering import fragment
from cellfolio.web.texts import TextPart, plain_name, read_part

_FORMATS = ("csv", "tsv", "json", "jsonl", "text", "gct")
"""Formats that are text."""
_CODE = (
    ".bib", ".c", ".cfg", ".conf", ".cpp", ".cppipe", ".cpproj", ".css", ".cwl", ".dockerfile",
    ".fasta", ".gff", ".groovy", ".gtf", ".h", ".hpp", ".htm", ".html", ".ijm", ".ini", ".java",
    ".jl", ".js", ".jsonld", ".m", ".mjs", ".nf", ".obo", ".properties", ".py", ".pyi", ".r",
    ".rmd", ".rs", ".sbatch", ".scala", ".sh", ".smk", ".sql", ".svg", ".tex", ".ts", ".wdl",
    ".xml", ".xsd", ".markdown", ".qmd", ".pipeline",
)  # fmt: skip
_NAMES = ("readme", "license", "licence", "makefile", "dockerfile", "snakefile", "authors",
          "changelog", "citation", "copying", "notice", "version")  # fmt: skip
_COLOURED = 128 * 1024
"""Characters of a part that are coloured; colouring more takes seconds."""


def is_text(entry: Entry) -> bool:
    """Whether a file is text, by its name.

    Examples
    --------
    >>> [is_text(Entry(key, "file:///x")) for key in ("a/run.sh", "README", "x.tiff")]
    [True, True, False]
    """
    name = plain_name(entry.name).lower()
    found = DEFAULT.named(entry.name)
    if found is not None:
        return found.name in _FORMATS
    return name.endswith(_CODE) or name in _NAMES


def _is_unknown(entry: Entry) -> bool:
    return not is_text(entry) and DEFAULT.named(entry.name) is None


def render_text(request: Request, place: Place) -> Body:
    """Show the first part of a text."""
    return Body(text_html(place, read_part(place)), styles=(STYLE, "documents.css"))


def text_html(place: Place, part: TextPart) -> Markup:
    """Return a part of a text as HTML, with what gets the next one."""
    name = plain_name(place.entry.name)
    shown = _visible(part.text)
    coloured = highlighted_file(shown, name) if len(shown) <= _COLOURED else escape(shown)
    following = place.link("part/text", first=part.end) if part.more else None
    return fragment("text.html", place=place, part=part, text=coloured, following=following)


def _visible(text: str) -> str:
    """Write out what hides in text; tabs stay."""
    plain = text.replace("\r\n", "\n")
    return "\t".join(visible_text(one) for one in plain.split("\t"))


TEXT = Preview("text", "Text", is_text, render_text)
ANY_TEXT = Preview("text", "Text", _is_unknown, render_text)
"""The same for files of which nobody knows what they are."""
