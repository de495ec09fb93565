"""Names like one that is not known."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

_LISTED = 5


def suggest(word: str, known: Iterable[str]) -> str:
    """Return a hint that names what may have been meant; empty if nothing is near.

    Parameters
    ----------
    word : str
    known : iterable of str

    Examples
    --------
    >>> suggest("snap25", ["Snap25", "Gad1"]), suggest("x", ["Snap25", "Gad1"])
    ('did you mean Snap25?', '')
    """
    folded = {one.casefold(): one for one in reversed(list(known))}
    close = difflib.get_close_matches(word.casefold(), folded, n=3)
    return f"did you mean {' or '.join(folded[one] for one in close)}?" if close else ""


def suggest_or_list(word: str, known: Iterable[str]) -> str:
    """Return a hint: what may have been meant, or else what there is.

    Examples
    --------
    >>> suggest_or_list("x", ["Snap25", "Gad1"]), suggest_or_list("x", [])
    ('there is Snap25, Gad1', '')
    """
    listed = list(known)
    more = f" and {len(listed) - _LISTED} more" if len(listed) > _LISTED else ""
    there = f"there is {', '.join(listed[:_LISTED])}{more}" if listed else ""
    return suggest(word, listed) or there
