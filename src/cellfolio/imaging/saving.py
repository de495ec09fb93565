"""Saving figures: PNG, SVG or PDF, all or nothing, the same bytes for the same figure."""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from cellfolio.errors import InvalidArgument
from cellfolio.storage.disk import write_atomically

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DPI = 150
"""Pixels to the inch where nothing else is said."""

_UNDATED: Mapping[str, Mapping[str, None]] = {
    "png": {"Software": None},
    "svg": {"Date": None, "Creator": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}
"""Format → what matplotlib would write into a file of it that changes with time or version."""

LEVEL = 6
"""How hard PNG is packed, 0 to 9, where nothing else is said."""

_ONE_SALT = Lock()
"""The salt of names in SVG is a setting of all of matplotlib, which threads share."""


def save_figure(figure: Figure, path: Path, *, dpi: int = DPI, level: int = LEVEL) -> None:
    """Save a figure as PNG, SVG or PDF, by the suffix of its path.

    The file appears whole or not at all, and an older one is replaced. The same figure gives the
    same bytes: nothing in them tells when or by which version they were written.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
    path : Path
        Ends in ``.png``, ``.svg`` or ``.pdf``; its folder exists.
    dpi : int
        Pixels to the inch, also of what is drawn as pixels in SVG and PDF.
    level : int
        How hard PNG is packed, 0 to 9.

    Raises
    ------
    InvalidArgument
        If it ends in something else, or its folder does not exist.

    Examples
    --------
    >>> import tempfile
    >>> from matplotlib.figure import Figure
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "empty.png")
    ...     save_figure(Figure(figsize=(2, 1)), path)
    ...     path.read_bytes()[1:4]
    b'PNG'
    """
    form = check_picture_path(path)
    write_atomically(path, _bytes_of(figure, form, dpi, level))


def check_picture_path(path: Path) -> str:
    """Return the format of a picture by the suffix of its path: ``png``, ``svg`` or ``pdf``.

    Raises
    ------
    InvalidArgument
        If it is none of them, or the folder does not exist.
    """
    form = path.suffix.lower().removeprefix(".")
    if form not in _UNDATED:
        raise InvalidArgument(
            f"{path} ends in {path.suffix or 'no suffix'!r}; pictures are saved as .png, .svg "
            "or .pdf"
        )
    if not path.parent.is_dir():
        raise InvalidArgument(f"there is no folder {path.parent}", hint="make it first")
    return form


def png_bytes(figure: Figure, *, dpi: int = DPI, level: int = LEVEL) -> bytes:
    """Return a figure as the bytes of a PNG file."""
    return _bytes_of(figure, "png", dpi, level)


def _bytes_of(figure: Figure, form: str, dpi: int, level: int) -> bytes:
    from matplotlib import rc_context

    written = BytesIO()
    with _ONE_SALT, rc_context({"svg.hashsalt": "cellfolio"}):
        packed: dict[str, Any] = {"pil_kwargs": {"compress_level": level}} if form == "png" else {}
        figure.savefig(written, format=form, dpi=dpi, metadata=dict(_UNDATED[form]), **packed)
    return written.getvalue()
