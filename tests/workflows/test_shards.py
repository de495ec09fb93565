"""Who may be at work in a folder at the same time."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from cellfolio.errors import StoreError
from cellfolio.workflows.measuring import shards
from cellfolio.workflows.measuring.shards import Shard, alone_for

EVERY = None


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shards, "_PATIENCE", 0.05)


@pytest.mark.parametrize(
    ("running", "coming"),
    [(Shard(1, 2), Shard(1, 2)), (Shard(1, 2), EVERY), (EVERY, Shard(1, 2)), (EVERY, EVERY)],
)
def test_two_runs_of_the_same_sites_are_one_too_many(
    tmp_path: Path, running: Shard | None, coming: Shard | None
) -> None:
    with alone_for(tmp_path, Shard(2, 2)):
        pass
    refused = pytest.raises(StoreError, match="another run is at work")
    with alone_for(tmp_path, running), refused, alone_for(tmp_path, coming):
        raise AssertionError
    with alone_for(tmp_path, coming):
        pass


def test_shards_begin_all_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shards, "_PATIENCE", 60.0)
    ready, together = threading.Barrier(16), threading.Barrier(16)

    def run(number: int) -> None:
        ready.wait(60)
        with alone_for(tmp_path, Shard(number, 16)):
            together.wait(60)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(1, 17)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert not together.broken
