"""How functions become machine code: once, kept on disk, the same bytes on any number of cores."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast

import numba
from numba.core.options import DefaultOptions

F = TypeVar("F", bound=Callable[..., object])
_LEAN = {"_nrt": False} if hasattr(DefaultOptions, "_nrt") else {}
"""Without counting who uses an array, which only matters where arrays are made; compiles quicker.
The name is private to Numba, so it is used only where it is known."""


def compiled(function: F) -> F:
    """Compile a function of arrays and numbers when it is first called; keep it on disk.

    Rules: no threads within (sites are what runs at once), and no `fastmath`, so that sums are
    taken in the order that is written.
    """
    return cast(F, _compile(function, _LEAN))


def compiled_allocating(function: F) -> F:
    """Compile a function that makes arrays of its own; what compiled ones call, too."""
    return cast(F, _compile(function, {}))


def compiled_within(function: F) -> F:
    """Compile a function that only compiled ones call; without a way in from Python, it is quicker.

    What takes long to compile: whole arrays in one expression, allocations, types that differ
    between calls, `min` and `max` (each is a function of its own), and loops with a fixed number of
    rounds (they are written out). So kernels are loops over single numbers, get their arrays from
    outside, and only sum up: formulas over the sums of all objects are NumPy's.
    """
    return cast(F, _compile(function, {"no_cpython_wrapper": True, **_LEAN}))


def _compile(function: Callable[..., object], options: dict[str, bool]) -> object:
    return numba.njit(
        cache=True, nogil=True, error_model="numpy", no_cfunc_wrapper=True, **options
    )(function)
