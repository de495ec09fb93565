"""What a place shows and a package cannot hold: left out, counted, and said."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

from cellfolio.errors import InvalidKey
from cellfolio.package.keys import check_key

_SHOWN = 3


class LeftOutWarning(UserWarning):
    """Names that are no valid logical keys were left out."""


def is_key(name: str) -> bool:
    """Whether a name can be a logical key.

    Examples
    --------
    >>> is_key("plates/a.csv"), is_key("../a.csv"), is_key("a//b")
    (True, False, False)
    """
    try:
        check_key(name)
    except InvalidKey:
        return False
    return True


def warn_left_out(names: Sequence[str], where: str) -> None:
    """Warn of names that were left out, if there are any; name the first few."""
    if not names:
        return
    shown = ", ".join(ascii(name[:100]) for name in names[:_SHOWN])
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    what = "1 name" if len(names) == 1 else f"{len(names)} names"
    message = f"{where}: left out {what} that cannot be a logical key: {shown}{more}"
    warnings.warn(LeftOutWarning(message), stacklevel=3)
