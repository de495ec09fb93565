"""cellfolio: open cell data in one path, from finding to sharing.

Names are loaded when first used, so that ``import cellfolio`` stays light.

Examples
--------
>>> import cellfolio
>>> cellfolio.list_packages()
[]
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cellfolio.cli.progress import show_progress
    from cellfolio.errors import CellfolioError
    from cellfolio.package.diff import Diff
    from cellfolio.package.digests import Digest
    from cellfolio.package.entry import Entry
    from cellfolio.package.folder import Folder
    from cellfolio.package.package import Package
    from cellfolio.storage.home import Home
    from cellfolio.storage.progress import ProgressEvent
    from cellfolio.workflows.getting import GetOptions
    from cellfolio.workflows.loading import load, open_image
    from cellfolio.workflows.publishing import Label
    from cellfolio.workflows.rosetta import rosetta
    from cellfolio.workflows.verbs import (
        build,
        catalogue,
        diff,
        du,
        fetch,
        gc,
        get,
        list_packages,
        log,
        open,  # noqa: A004 - the verb's name; used as `cellfolio.open`
        push,
        status,
        verify,
    )

_HOMES = {
    "cellfolio.cli.progress": ("show_progress",),
    "cellfolio.errors": ("CellfolioError",),
    "cellfolio.package.digests": ("Digest",),
    "cellfolio.package.entry": ("Entry",),
    "cellfolio.package.diff": ("Diff",),
    "cellfolio.package.folder": ("Folder",),
    "cellfolio.package.package": ("Package",),
    "cellfolio.storage.home": ("Home",),
    "cellfolio.storage.progress": ("ProgressEvent",),
    "cellfolio.workflows.getting": ("GetOptions",),
    "cellfolio.workflows.loading": ("load", "open_image"),
    "cellfolio.workflows.publishing": ("Label",),
    "cellfolio.workflows.rosetta": ("rosetta",),
    "cellfolio.workflows.verbs": (
        "build",
        "catalogue",
        "diff",
        "du",
        "fetch",
        "gc",
        "get",
        "list_packages",
        "log",
        "open",
        "push",
        "status",
        "verify",
    ),
}
_MODULE_OF = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "CellfolioError",
    "Diff",
    "Digest",
    "Entry",
    "Folder",
    "GetOptions",
    "Home",
    "Label",
    "Package",
    "ProgressEvent",
    "build",
    "catalogue",
    "diff",
    "du",
    "fetch",
    "gc",
    "get",
    "list_packages",
    "load",
    "log",
    "open",
    "open_image",
    "push",
    "rosetta",
    "show_progress",
    "status",
    "verify",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("cellfolio")
    if name not in _MODULE_OF:
        raise AttributeError(f"module 'cellfolio' has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(_MODULE_OF[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
