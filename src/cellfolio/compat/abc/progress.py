"""One bar for all files of a download, where somebody can see it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from cellfolio.storage.progress import Progress, ProgressEvent

DELAY = 0.3
"""Seconds that a download must take before it is worth a bar."""


@contextmanager
def shown_progress() -> Iterator[Progress | None]:
    """Give what shows how far a download is: a bar in terminals and notebooks, else nothing."""
    if not (sys.stderr.isatty() or "ipykernel" in sys.modules):
        yield None
        return
    from tqdm.std import tqdm

    with tqdm(unit="B", unit_scale=True, delay=DELAY, leave=False, dynamic_ncols=True) as bar:

        def show(event: ProgressEvent) -> None:
            bar.total = max(event.bytes_total, event.bytes_done)
            bar.set_postfix_str(f"{event.files_done}/{event.files_total} files", refresh=False)
            bar.update(event.bytes_done - bar.n)

        yield show
