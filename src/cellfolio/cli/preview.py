"""Pictures in a terminal: as pictures where it can show them, else as blocks of colour.

References
----------
Graphics protocol of kitty, https://sw.kovidgoyal.net/kitty/graphics-protocol/; inline images of
iTerm2, https://iterm2.com/documentation-images.html; colours, ECMA-48 and ITU-T T.416.
"""

from __future__ import annotations

import base64
import os
import sys
from collections.abc import Iterator, Mapping
from shutil import get_terminal_size
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from cellfolio.imaging.picture import Picture

Way = Literal["kitty", "iterm", "truecolour", "256 colours"]
_CHUNK = 4096
"""Characters of a picture that kitty takes at once."""
_WIDEST = 120
"""Columns of a preview."""
_CELL = 9
"""Pixels to a column, about, where a terminal scales a picture by columns."""


def preview_lines(picture: Picture) -> Iterator[str]:
    """Yield a picture for the terminal that standard output is; nothing where it can show none."""
    way = choose_way(os.environ) if sys.stdout.isatty() else None
    if way is None:
        return
    columns = min(get_terminal_size().columns, _WIDEST)
    if way in ("kitty", "iterm"):
        shown = min(columns, -(-picture.pixels.shape[1] // _CELL))
        yield from (kitty if way == "kitty" else iterm)(picture._repr_png_(), shown)
    else:
        yield from blocks(picture.pixels, columns - 1, truecolour=way == "truecolour")


def choose_way(environment: Mapping[str, str]) -> Way | None:
    """Return how a terminal is shown pictures, by what it says of itself.

    Examples
    --------
    >>> choose_way({"TERM": "xterm-kitty"}), choose_way({"TERM_PROGRAM": "WezTerm"})
    ('kitty', 'iterm')
    >>> choose_way({"TERM": "dumb"}) is None
    True
    """
    term, program = environment.get("TERM", ""), environment.get("TERM_PROGRAM", "")
    if not (inside := "TMUX" in environment or term.startswith(("screen", "tmux"))):
        if "kitty" in term or "ghostty" in term or program == "ghostty":
            return "kitty"
        if program in ("iTerm.app", "WezTerm") or environment.get("LC_TERMINAL") == "iTerm2":
            return "iterm"
    if environment.get("NO_COLOR") or term == "dumb":
        return None
    if environment.get("COLORTERM") in ("truecolor", "24bit"):
        return "truecolour"
    return "256 colours" if inside or "256color" in term else None


def kitty(png: bytes, columns: int) -> Iterator[str]:
    """Yield a picture for kitty, WezTerm and Ghostty, in pieces of one line."""
    text = base64.standard_b64encode(png).decode()
    pieces = [text[start : start + _CHUNK] for start in range(0, len(text), _CHUNK)]
    head = f"a=T,f=100,c={columns},"
    shown = ""
    for number, piece in enumerate(pieces):
        more = int(number < len(pieces) - 1)
        shown += f"\x1b_G{head if number == 0 else ''}m={more};{piece}\x1b\\"
    yield shown


def iterm(png: bytes, columns: int) -> Iterator[str]:
    """Yield a picture for iTerm2 and WezTerm."""
    text = base64.standard_b64encode(png).decode()
    yield f"\x1b]1337;File=inline=1;size={len(png)};width={columns}:{text}\x07"


def blocks(pixels: NDArray[np.uint8], columns: int, *, truecolour: bool) -> Iterator[str]:
    """Yield a picture as upper half blocks: two pixels to a character, one above the other."""
    import numpy as np

    from cellfolio.imaging.scaling import average_area

    height, width, _ = pixels.shape
    columns = max(1, min(columns, width))
    rows = max(1, min(height, round(height * columns / width)))
    small = np.stack([average_area(pixels[..., one], (rows, columns)) for one in range(3)], axis=-1)
    small = np.rint(np.pad(small, ((0, rows % 2), (0, 0), (0, 0)))).astype(int)
    code = _truecolour if truecolour else _of_cube
    for above, below in zip(small[::2], small[1::2], strict=True):
        cells = (
            f"\x1b[38;{code(top)};48;{code(bottom)}m▀"
            for top, bottom in zip(above.tolist(), below.tolist(), strict=True)
        )
        yield "".join(cells) + "\x1b[0m"


def _truecolour(colour: list[int]) -> str:
    red, green, blue = colour
    return f"2;{red};{green};{blue}"


def _of_cube(colour: list[int]) -> str:
    """Return the nearest of the 6 × 6 × 6 colours that terminals of 256 colours have."""
    red, green, blue = (0 if one < 48 else 1 if one < 115 else (one - 35) // 40 for one in colour)
    return f"5;{16 + 36 * red + 6 * green + blue}"
