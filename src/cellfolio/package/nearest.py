"""Names like one that is not known."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def suggest(word: str, known: Iterable[str]) -> str:
    """Return a hint: what may have been meant, or else what there is.

    Parameters
    ----------
    word : str
    known : iterable of str

    Examples
    --------
    >>> suggest("snap25", ["Snap25", "Gad1"]), suggest("x", ["Snap25", "Gad1"]), suggest("x", [])
    ("did you mean 'Snap25'?", 'there is Snap25, Gad1', '')
    """
    listed = list(known)
    folded = {one.casefold(): one for one in reversed(listed)}
    close = difflib.get_close_matches(word.casefold(), folded, n=3)
    if close:
        return f"did you mean {' or '.join(repr(folded[one]) for one in close)}?"
    shown = ", ".join(listed[:5]) + (f" and {len(listed) - 5} more" if len(listed) > 5 else "")
    return f"there is {shown}" if shown else ""
