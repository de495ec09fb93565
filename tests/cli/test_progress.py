"""Bars."""

from __future__ import annotations

import io

import pytest

from cellfolio.cli import progress
from cellfolio.storage.progress import ProgressEvent


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "_DELAY", 0)


def test_bytes_rate_and_time_left() -> None:
    screen = io.StringIO()
    bars = progress.show_progress(screen)
    bars(ProgressEvent("fetch", 0, 3, 0, 3_000_000))
    bars(ProgressEvent("fetch", 1, 3, 1_500_000, 3_000_000))
    drawn = screen.getvalue()
    assert "fetch" in drawn
    assert "3.00MB" in drawn
    bars(ProgressEvent("fetch", 3, 3, 3_000_000, 3_000_000, finished=True))
    assert screen.getvalue().endswith("\r")


def test_files_where_bytes_are_not_known() -> None:
    screen = io.StringIO()
    bars = progress.show_progress(screen)
    bars(ProgressEvent("simulate", 1, 30, 0, 0))
    assert "of 30 files" in screen.getvalue()
    bars.close()
    bars.close()


def test_one_bar_after_the_other_and_retries() -> None:
    screen = io.StringIO()
    bars = progress.show_progress(screen)
    bars(ProgressEvent("hash", 0, 2, 10, 100))
    bars(ProgressEvent("hash", 0, 2, 5, 100))  # a retry takes back what it sends again
    bars(ProgressEvent("fetch", 0, 2, 0, 100))
    bars(ProgressEvent("fetch", 0, 2, 170, 100))  # more than was announced
    bars(ProgressEvent("fetch", 2, 2, 100, 100, finished=True))
    assert "hash" in screen.getvalue()
    assert "fetch" in screen.getvalue()


def test_a_task_without_work_draws_nothing() -> None:
    screen = io.StringIO()
    progress.show_progress(screen)(ProgressEvent("fetch", 0, 0, 0, 0, finished=True))
    assert screen.getvalue() == ""
