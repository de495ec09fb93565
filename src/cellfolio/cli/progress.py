"""Progress bars for terminals and notebooks.

Every long call of the library takes ``progress=``, a callable. This module makes one:

>>> import cellfolio
>>> from cellfolio.cli.progress import show_progress
>>> got = cellfolio.get("aics/cardio", progress=show_progress())  # doctest: +SKIP
"""

from __future__ import annotations

import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from tqdm.std import tqdm

    from cellfolio.storage.progress import ProgressEvent

_FORMAT = (
    "{desc:<8} {percentage:3.0f}% {bar} {n_fmt} of {total_fmt}{unit}, {rate_fmt}, {remaining} left"
    "{postfix}"
)
_UNITS = {"measure": " sites"}
_DELAY = 0.3
"""Seconds that a task must take before it is worth a bar."""


def show_progress(file: TextIO | None = None) -> ProgressBars:
    """Return a callable for ``progress=`` that draws a bar for each task.

    Parameters
    ----------
    file : text stream, optional
        Where to draw; by default a widget in a notebook that has ipywidgets, and standard error
        elsewhere.

    Returns
    -------
    ProgressBars
    """
    return ProgressBars(file)


class ProgressBars:
    """Draws one bar at a time: bytes, rate and time left, or files where bytes are not known.

    Bars vanish when their task ends.

    Parameters
    ----------
    file : text stream, optional
        See `show_progress`.
    """

    def __init__(self, file: TextIO | None = None) -> None:
        self._file = file
        self._task = ""
        self._bar: tqdm[Any] | None = None

    def __call__(self, event: ProgressEvent) -> None:
        """Draw how far a task is."""
        if event.task != self._task:
            self.close()
        if event.finished:
            self.close()
            return
        if self._bar is None:
            self._bar = self._new_bar(event)
            self._task = event.task
        _advance(self._bar, event)

    def close(self) -> None:
        """Take the bar away, if there is one."""
        bar, self._bar, self._task = self._bar, None, ""
        if bar is not None:
            bar.close()

    def _new_bar(self, event: ProgressEvent) -> tqdm[Any]:
        unit: dict[str, Any] = {"unit": _UNITS.get(event.task, " files")}
        if event.bytes_total:
            unit = {"unit": "B", "unit_scale": True}
        return _bar_class(self._file)(
            total=event.bytes_total or event.files_total,
            desc=event.task,
            leave=False,
            delay=_DELAY,
            dynamic_ncols=True,
            bar_format=_FORMAT,
            file=self._file,
            **unit,
        )


def _advance(bar: tqdm[Any], event: ProgressEvent) -> None:
    if event.bytes_total:
        bar.set_postfix_str(f"{event.files_done:,}/{event.files_total:,} files", refresh=False)
        bar.total = max(event.bytes_total, event.bytes_done)
        bar.update(event.bytes_done - bar.n)
    else:
        bar.update(event.files_done - bar.n)


def _bar_class(file: TextIO | None) -> type[tqdm[Any]]:
    in_notebook = "ipykernel" in sys.modules and find_spec("ipywidgets") is not None
    if file is None and in_notebook:
        from tqdm.notebook import tqdm_notebook

        return tqdm_notebook
    from tqdm.std import tqdm

    return tqdm
