"""One measured step in a process of its own: ``python -m benchmarks.steps NAME ARGUMENTS``.

A step is a function, registered by `step`, in a module of the subject that it belongs to. It
imports what it needs inside of itself, so that no other step pays for it in memory.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

Work = Callable[[], Any]
"""What is measured."""
Step = Callable[..., Work]
"""Prepares what is measured, of the words after its name."""

_STEPS: dict[str, Step] = {}


def step(function: Step) -> Step:
    """Register a step under its name."""
    if function.__name__ in _STEPS:
        raise ValueError(f"there are two steps called {function.__name__}")
    _STEPS[function.__name__] = function
    return function


def all_steps() -> dict[str, Step]:
    """Return the steps of all subjects by name."""
    for module in iter_modules(__path__):
        if module.name != "__main__":
            import_module(f"{__name__}.{module.name}")
    return dict(_STEPS)
