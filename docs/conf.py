"""Settings of the documentation site: ``python -m sphinx -W --keep-going docs build/site``."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

from sphinx.application import Sphinx

_ROOT = Path(__file__).resolve().parent.parent

project = "cellfolio"
author = "The cellfolio developers"
project_copyright = author
release = tomllib.loads((_ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"][
    "version"
]
extensions = ["myst_parser"]
source_suffix = {".md": "markdown"}
myst_heading_anchors = 4
"""Headings have the anchors that GitHub gives them, so the same links work in both."""
nitpicky = True
smartquotes = False  # two hyphens are an option, not a dash

# Furo does what pydata's theme and its kin do, in a third of their bytes: no fonts, no icons.
html_theme = "furo"
html_title = f"cellfolio {release}"
html_copy_source = False
html_show_sourcelink = False


def setup(app: Sphinx) -> None:
    """Have Sphinx read the pages where they are laid out: some are not below ``docs``."""
    sys.path.insert(0, str(_ROOT))
    from docs.site_pages import lay_out

    pages = Path(app.doctreedir) / "pages"
    lay_out(pages)
    app.srcdir = pages
