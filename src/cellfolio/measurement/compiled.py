"""How functions become machine code: once, kept on disk, the same bytes on any number of cores."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast

import numba

F = TypeVar("F", bound=Callable[..., object])


def compiled(function: F) -> F:
    """Compile a function of arrays and numbers when it is first called; keep it on disk.

    Rules: no threads within (sites are what runs at once), and no `fastmath`, so that sums are
    taken in the order that is written.
    """
    return cast(F, numba.njit(cache=True, nogil=True, error_model="numpy")(function))
