"""Compiling what measures a site, once, before many processes need it."""

from __future__ import annotations

import gc
import os
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class WarmedUp:
    """What was compiled.

    Attributes
    ----------
    seconds : float
        Of CPU that the first site took.
    again : float
        That the same site took then.
    folder : Path
        Where compiled functions are kept.
    """

    seconds: float
    again: float
    folder: Path


def warm_up() -> WarmedUp:
    """Compile everything that measures a site, and keep it on disk; fast if it is there.

    Every process, and every later run on this machine, finds it there.
    """
    # A compiler makes many objects that stay: looking for others among them takes long.
    collects = gc.isenabled()
    gc.disable()
    try:
        first, again = _measured(), _measured()
    finally:
        if collects:
            gc.enable()
    return WarmedUp(first, again, kernel_folder())


def kernel_folder() -> Path:
    """Return the folder where compiled code is kept."""
    import cellfolio.measurement

    kept = os.environ.get("NUMBA_CACHE_DIR")
    return Path(kept) if kept else Path(cellfolio.measurement.__path__[0]) / "__pycache__"


def _measured() -> float:
    """Return the CPU seconds that a small site takes, whose cells are of all that there are."""
    import numpy as np

    from cellfolio.measurement import segment
    from cellfolio.measurement.site import measure_site

    y, x = np.mgrid[:160, :200]
    away = np.min(
        [np.hypot(y - row, x - column) for row, column in ((50, 60), (62, 80), (110, 140))], axis=0
    )
    grain = (y * 7 + x * 13) % 17
    images = {
        "DNA": (np.where(away < 12, 20_000, 300) + grain).astype(np.uint16),
        "RNA": (np.where(away < 24, 9_000, 100) + 5 * grain).astype(np.uint16),
    }
    started = time.process_time()
    measure_site(images, segment(images))
    return time.process_time() - started
