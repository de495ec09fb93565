"""The bar of a download, where somebody can see it."""

from __future__ import annotations

import io
import sys
import time

import pytest

from cellfolio.compat.abc.progress import shown_progress
from cellfolio.storage.progress import ProgressEvent


class Terminal(io.StringIO):
    """A stream that is a terminal, or is not."""

    def __init__(self, *, terminal: bool) -> None:
        super().__init__()
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal


def test_terminal_has_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = Terminal(terminal=True)
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr("cellfolio.compat.abc.progress.DELAY", 0)
    with shown_progress() as show:
        assert show is not None
        for files in range(5):
            time.sleep(0.15)  # a bar is drawn ten times a second at most
            show(ProgressEvent("fetch", files, 4, files * 10**6, 4 * 10**6))
    assert "4.00M" in stream.getvalue()


def test_elsewhere_nothing_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = Terminal(terminal=False)
    monkeypatch.setattr(sys, "stderr", stream)
    with shown_progress() as show:
        assert show is None
    assert stream.getvalue() == ""
